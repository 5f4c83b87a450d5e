/* SPDX-License-Identifier: GPL-3.0-or-later */
/* members.c - objects out of files and archive members, on all processors. */

#include "base/par.h"
#include "link/complaints.h"
#include "link/inputs.h"
#include "macho/machine.h"

#include <stdlib.h>

bool input_fail_lto(struct diag *d)
{
    return diag_fail(d, E_UNSUPPORTED,
                     "has intermediate code for link-time optimisation only; compile it without "
                     "-flto, or with -ffat-lto-objects");
}

/* One object to read: an item itself, or a member of an archive. */
struct task {
    struct item *item;
    uint32_t member;
};

struct tasks {
    struct link *l;
    struct task *at;
    uint64_t count;
    struct arena *arenas; /* one for each worker */
    struct complaints complaints; /* told in the order of the tasks */
};

static const char *member_name(struct arena *a, const struct item *item, uint32_t member)
{
    if (item->kind != ITEM_ARCHIVE)
        return item->name;
    return arena_printf(a, "%s(%s)", item->name, item->ar.members[member].name);
}

/* The bytes of a member: in the archive, or in a file beside a thin one. */
static bool member_bytes(struct diag *d, struct arena *a, const struct item *item,
                         uint32_t member, struct span *bytes, const struct file **file)
{
    const struct ar_member *m = &item->ar.members[member];
    struct file *f = NULL;
    char *path = NULL;

    *file = item->file;
    *bytes = m->data;
    if (!item->ar.thin)
        return true;
    path = archive_member_path(a, item->file->path, m);
    if (!path || !(f = arena_alloc(a, 1, sizeof *f)))
        return diag_nomem(d);
    /* Closed with the process; a thin archive's members are few. */
    if (!file_open(d, path, f))
        return false;
    *file = f;
    *bytes = f->data;
    return !m->nested || archive_member_at(d, f->data, m->nested, bytes);
}

/* Read one object; NULL after a failure. */
struct lobj *inputs_read_object(const struct link *l, struct diag *d, struct arena *a,
                                struct item *item, uint32_t member)
{
    const char *name = member_name(a, item, member);
    struct where here = {d->where, name, NO_INDEX};
    struct lobj *o = arena_alloc(a, 1, sizeof *o);
    struct span bytes = item->data;
    const struct format *format = NULL;
    bool ok = true;

    if (!o || !name) {
        diag_nomem(d);
        return NULL;
    }
    o->file = item->file;
    o->in = item->in;
    d->where = &here;
    if (item->kind == ITEM_ARCHIVE) {
        ok = member_bytes(d, a, item, member, &bytes, &o->file);
        o->archive = item->name;
    }
    format = ok ? format_find(bytes) : NULL;
    if (!ok)
        ;
    else if (input_is_bitcode(bytes))
        ok = input_fail_lto(d);
    else if (!format)
        ok = diag_fail(d, E_UNKNOWN, "is not an object file");
    else {
        o->o.machine = l->darwin ? l->darwin->cputype : 0; /* of several, that one */
        ok = format->read(d, a, name, bytes, &o->o);
    }
    if (ok && o->o.lto_only)
        ok = input_fail_lto(d);
    else if (ok && (o->o.kind == OBJ_EXECUTABLE || o->o.kind == OBJ_CORE))
        ok = diag_fail(d, E_UNSUPPORTED, "is %s, not something to link",
                       o->o.kind == OBJ_CORE ? "a core file" : "a program");
    else if (ok && item->kind == ITEM_ARCHIVE && o->o.kind != OBJ_RELOCATABLE && !l->coff)
        ok = diag_fail(d, E_UNSUPPORTED, "is a shared library inside an archive");
    if (ok && o->o.kind == OBJ_RELOCATABLE)
        ok = link_prepare_object(l, d, a, o);
    d->where = here.up;
    return ok ? o : NULL;
}

static void read_task(void *arg, unsigned worker, uint64_t i)
{
    struct tasks *t = arg;
    struct task *task = &t->at[i];

    task->item->members[task->member] =
        inputs_read_object(t->l, complaints_diag(&t->complaints, worker, i), &t->arenas[worker],
                           task->item, task->member);
}

/* Read all that is wanted for certain, in parallel. */
bool inputs_read(struct inputs *ins)
{
    struct link *l = ins->l;
    struct tasks t = {.l = l};
    uint64_t count = 0;
    unsigned workers = par_workers();
    bool ok = true;

    for (uint64_t i = 0; i < ins->count; i++)
        count += ins->items[i].kind != ITEM_ARCHIVE ? 1
                 : ins->items[i].whole              ? ins->items[i].ar.member_count
                                                    : 0;
    t.at = arena_alloc(&l->arena, count, sizeof *t.at);
    t.arenas = calloc(workers, sizeof *t.arenas);
    if (!t.at || !t.arenas)
        ok = diag_nomem(l->d);
    ok = ok && complaints_begin(l->d, &t.complaints);
    for (uint64_t i = 0; ok && i < ins->count; i++) {
        struct item *item = &ins->items[i];

        if (item->kind != ITEM_ARCHIVE)
            t.at[t.count++] = (struct task){item, 0};
        for (uint32_t m = 0; item->whole && m < item->ar.member_count; m++)
            t.at[t.count++] = (struct task){item, m};
    }
    if (ok) {
        par_for(t.count, read_task, &t);
        ok = complaints_end(l->d, &t.complaints);
    }
    for (unsigned i = 0; t.arenas && i < workers; i++)
        arena_join(&l->arena, &t.arenas[i]);
    free(t.arenas);
    return ok && l->d->errors == 0;
}
