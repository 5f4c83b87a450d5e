/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inputs.c - from the command line's inputs to objects in the link.
 *
 * Files are opened and archives listed first; all objects that are surely
 * wanted are then read at once, on all processors; and last, everything is
 * added in the command line's order, since that order decides which
 * definition counts and which archive members are taken. */

#include "base/par.h"
#include "elf/elf.h"
#include "link/link.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum item_kind { ITEM_OBJECT, ITEM_SHARED, ITEM_ARCHIVE };

/* A file on its way into the link. */
struct item {
    enum item_kind kind;
    const struct link_input *in;
    const struct file *file;
    const char *name;
    uint32_t group;
    bool whole; /* archive: every member is taken */
    bool as_needed;
    struct archive ar;
    struct lobj **members; /* what was read of an archive; [0] for others */
    uint64_t arena_worker;
};

struct inputs {
    struct link *l;
    struct item *items;
    uint64_t count, cap;
    uint32_t next_group; /* groups of linker scripts are numbered above the user's */
};

/* ---- recognising ---- */

/* The e_machine of an ELF file, or of the first ELF member of an archive; 0
   if there is none. */
static uint16_t peek_machine(struct span in)
{
    struct cursor c = {.in = in};
    const uint8_t *ident = NULL;

    if (archive_is(in)) {
        const uint8_t *elf = memmem(in.at, in.size < 1 << 20 ? in.size : 1 << 20, "\177ELF", 4);

        if (!elf)
            return 0;
        c.in = (struct span){elf, in.size - (uint64_t)(elf - in.at)};
    }
    ident = cur_take(&c, 16);
    if (!ident || memcmp(ident, "\177ELF", 4) != 0)
        return 0;
    c.big = ident[5] == ELFDATA2MSB;
    cur_u16(&c);
    return cur_u16(&c);
}

static bool is_bitcode(struct span in)
{
    return in.size >= 4 && (!memcmp(in.at, "BC\xc0\xde", 4) || !memcmp(in.at, "\xde\xc0\x17\x0b", 4));
}

static bool fail_lto(struct diag *d)
{
    return diag_fail(d, E_UNSUPPORTED,
                     "has intermediate code for link-time optimisation only; compile it without "
                     "-flto, or with -ffat-lto-objects");
}

/* ---- files ---- */

static struct file *open_file(struct link *l, const char *path)
{
    struct file *f = arena_alloc(&l->arena, 1, sizeof *f);

    if (!f || !arena_grow(&l->arena, (void **)&l->files, l->file_count, &l->file_cap,
                          sizeof *l->files)) {
        diag_nomem(l->d);
        return NULL;
    }
    if (!file_open(l->d, path, f))
        return NULL;
    l->files[l->file_count++] = f;
    if (file_is(f, l->opt->output)) {
        diag_fail(l->d, E_USAGE, "%s: is the output as well as an input", path);
        return NULL;
    }
    return f;
}

/* The file that -lNAME means, NULL if none of the directories has one.
   Files for another CPU are passed over, as ld does. */
static struct file *search_library(struct link *l, const struct link_input *in)
{
    static const char *const forms[] = {"%s/lib%s.so", "%s/lib%s.a"};
    bool exact = in->name[0] == ':';

    for (size_t i = 0; i < l->opt->search.count + l->script_dir_count; i++)
        for (size_t form = in->only_static && !exact; form < (exact ? 1 : 2); form++) {
            const char *dir = i < l->opt->search.count
                                  ? l->opt->search.at[i]
                                  : l->script_dirs[i - l->opt->search.count];
            char *path = exact ? arena_printf(&l->arena, "%s/%s", dir, in->name + 1)
                         : form == 0 ? arena_printf(&l->arena, forms[0], dir, in->name)
                                     : arena_printf(&l->arena, forms[1], dir, in->name);
            struct file *f = NULL;
            uint16_t machine = 0;

            if (!path) {
                diag_nomem(l->d);
                return NULL;
            }
            if (access(path, R_OK) != 0)
                continue;
            if (!(f = open_file(l, path)))
                return NULL;
            machine = peek_machine(f->data);
            if (!machine || !l->machine || machine == l->machine->number)
                return f;
        }
    return NULL;
}

/* The search directories for a message, at most so many that it stays a line. */
static const char *searched(struct link *l)
{
    const char *text = "any directory: none is given";

    for (size_t i = 0; text && i < l->opt->search.count; i++)
        text = i == 0   ? l->opt->search.at[i]
               : i < 8  ? arena_printf(&l->arena, "%s, %s", text, l->opt->search.at[i])
               : i == 8 ? arena_printf(&l->arena, "%s, ...", text)
                        : text;
    return text ? text : "";
}

/* ---- expanding the command line ---- */

static bool add_path(struct inputs *ins, const struct link_input *in, const struct file *f,
                     uint32_t group);

static bool add_library(struct inputs *ins, const struct link_input *in, uint32_t group)
{
    uint64_t errors = ins->l->d->errors;
    struct file *f = search_library(ins->l, in);

    if (f)
        return add_path(ins, in, f, group);
    if (ins->l->d->errors != errors)
        return false;
    return diag_fail(ins->l->d, E_SYSTEM, "cannot find -l%s in %s", in->name,
                     searched(ins->l));
}

/* A name inside a linker script: as it is, or in the search directories. */
static bool add_script_name(struct inputs *ins, const struct link_input *in, uint32_t group)
{
    struct link *l = ins->l;
    struct link_input as_library = *in;
    struct file *f = NULL;
    const char *path = in->name;

    if (*path == '/' && *l->opt->sysroot) {
        char *inside = arena_printf(&l->arena, "%s%s", l->opt->sysroot, path);

        if (inside && access(inside, R_OK) == 0)
            path = inside;
    }
    if (access(path, R_OK) == 0)
        return (f = open_file(l, path)) && add_path(ins, in, f, group);
    as_library.name = arena_printf(&l->arena, ":%s", in->name);
    if (!as_library.name)
        return diag_nomem(l->d);
    if (*path != '/' && (f = search_library(l, &as_library)))
        return add_path(ins, in, f, group);
    return diag_fail(l->d, E_SYSTEM, "cannot find %s", in->name);
}

/* A text in place of a library: "INPUT(-lfoo)", "GROUP ( ... )". */
static bool add_script(struct inputs *ins, const struct link_input *in, const struct file *f,
                       uint32_t group)
{
    struct link *l = ins->l;
    struct where here = {l->d->where, f->path, NO_INDEX};
    struct linker_script script;
    uint32_t base = ins->next_group;
    bool ok = true;

    l->d->where = &here;
    for (uint64_t i = 0; ok && i < l->visited_count; i++)
        if (!strcmp(l->visited[i], f->path))
            ok = diag_fail(l->d, E_FORMAT, "this linker script asks for itself");
    ok = ok && script_read(l->d, &l->arena, f->data, &script);
    ok = ok && (arena_grow(&l->arena, (void **)&l->visited, l->visited_count, &l->visited_cap,
                           sizeof *l->visited) ||
                diag_nomem(l->d));
    if (!ok) {
        l->d->where = here.up;
        return false;
    }
    l->visited[l->visited_count++] = f->path;
    for (uint64_t i = 0; ok && i < script.search_count; i++)
        if ((ok = arena_grow(&l->arena, (void **)&l->script_dirs, l->script_dir_count,
                             &l->script_dir_cap, sizeof *l->script_dirs) ||
                  diag_nomem(l->d)))
            l->script_dirs[l->script_dir_count++] =
                script.search[i][0] == '='
                    ? arena_printf(&l->arena, "%s%s", l->opt->sysroot, script.search[i] + 1)
                    : script.search[i];
    for (uint64_t i = 0; ok && i < script.input_count; i++)
        if (script.inputs[i].group >= ins->next_group - base)
            ins->next_group = base + script.inputs[i].group + 1;
    for (uint64_t i = 0; ok && i < script.input_count; i++) {
        const struct script_input *s = &script.inputs[i];
        struct link_input *inner = arena_alloc(&l->arena, 1, sizeof *inner);
        uint32_t g = group ? group : s->group ? base + s->group : 0;

        if (!inner) {
            ok = diag_nomem(l->d);
            break;
        }
        *inner = *in;
        inner->name = s->name;
        inner->library = s->library;
        inner->as_needed = in->as_needed || s->as_needed;
        inner->retain = false;
        ok = s->library ? add_library(ins, inner, g) : add_script_name(ins, inner, g);
    }
    l->visited_count--;
    l->d->where = here.up;
    return ok;
}

static bool read_archive(struct inputs *ins, struct item *item)
{
    struct link *l = ins->l;
    struct where here = {l->d->where, item->file->path, NO_INDEX};
    bool ok = false;

    l->d->where = &here;
    ok = archive_read(l->d, &l->arena, item->file->data, &item->ar);
    l->d->where = here.up;
    if (ok && !(item->members = arena_alloc(&l->arena, item->ar.member_count + 1ull,
                                            sizeof *item->members)))
        ok = diag_nomem(l->d);
    return ok;
}

/* A file that was found, whatever it is. */
static bool add_path(struct inputs *ins, const struct link_input *in, const struct file *f,
                     uint32_t group)
{
    struct link *l = ins->l;
    struct item *item = NULL;
    uint16_t type = 0;

    if (!format_find(f->data) && !archive_is(f->data)) {
        struct where here = {l->d->where, f->path, NO_INDEX};

        if (!is_bitcode(f->data) && script_is(f->data))
            return add_script(ins, in, f, group);
        l->d->where = &here;
        if (is_bitcode(f->data))
            fail_lto(l->d);
        else
            diag_fail(l->d, E_UNKNOWN, "is no object, archive, shared library or linker script");
        l->d->where = here.up;
        return false;
    }
    if (!arena_grow(&l->arena, (void **)&ins->items, ins->count, &ins->cap, sizeof *ins->items))
        return diag_nomem(l->d);
    item = &ins->items[ins->count++];
    *item = (struct item){
        .in = in, .file = f, .name = f->path, .group = group, .as_needed = in->as_needed};
    if (archive_is(f->data)) {
        item->kind = ITEM_ARCHIVE;
        item->whole = in->whole || (in->retain && !in->library);
        return read_archive(ins, item);
    }
    if (f->data.size > 18)
        type = (uint16_t)load_uint(f->data.at + 16, 2, f->data.at[5] == ELFDATA2MSB);
    item->kind = type == ET_DYN ? ITEM_SHARED : ITEM_OBJECT;
    if (!(item->members = arena_alloc(&l->arena, 1, sizeof *item->members)))
        return diag_nomem(l->d);
    return true;
}

static bool expand(struct inputs *ins)
{
    struct link *l = ins->l;
    bool ok = true;

    /* -l needs to know the CPU: that of the first input that tells. */
    for (size_t i = 0; !l->machine && i < l->opt->input_count; i++) {
        struct diag quiet = {0};
        struct file f;

        if (!l->opt->inputs[i].library && file_open(&quiet, l->opt->inputs[i].name, &f)) {
            l->machine = elf_machine_find(peek_machine(f.data));
            file_close(&f);
        }
    }
    ins->next_group = 1;
    for (size_t i = 0; i < l->opt->input_count; i++)
        if (l->opt->inputs[i].group >= ins->next_group)
            ins->next_group = l->opt->inputs[i].group + 1;
    for (size_t i = 0; i < l->opt->input_count; i++) {
        const struct link_input *in = &l->opt->inputs[i];
        struct file *f = NULL;

        if (in->library)
            ok = add_library(ins, in, in->group) && ok;
        else
            ok = (f = open_file(l, in->name)) && add_path(ins, in, f, in->group) && ok;
    }
    return ok;
}

/* ---- reading objects ---- */

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
    pthread_mutex_t lock;
    struct diag *results; /* one for each task: errors are told in order */
};

static const char *member_name(struct arena *a, const struct item *item, uint32_t member)
{
    if (item->kind != ITEM_ARCHIVE)
        return item->name;
    return arena_printf(a, "%s(%s)", item->name, item->ar.members[member].name);
}

/* The bytes of a member: in the archive, or in a file beside a thin one. */
static bool member_bytes(struct link *l, struct diag *d, struct arena *a, const struct item *item,
                         uint32_t member, struct span *bytes, const struct file **file)
{
    const struct ar_member *m = &item->ar.members[member];
    const char *slash = strrchr(item->file->path, '/');
    struct file *f = NULL;
    char *path = NULL;

    (void)l;
    *file = item->file;
    *bytes = m->data;
    if (!item->ar.thin)
        return true;
    path = *m->name == '/' || !slash
               ? arena_strdup(a, m->name)
               : arena_printf(a, "%.*s/%s", (int)(slash - item->file->path), item->file->path,
                              m->name);
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
static struct lobj *read_object(struct link *l, struct diag *d, struct arena *a, struct item *item,
                                uint32_t member)
{
    const char *name = member_name(a, item, member);
    struct where here = {d->where, name, NO_INDEX};
    struct lobj *o = arena_alloc(a, 1, sizeof *o);
    struct span bytes = item->file->data;
    const struct format *format = NULL;
    bool ok = true;

    if (!o || !name) {
        diag_nomem(d);
        return NULL;
    }
    o->file = item->file;
    d->where = &here;
    if (item->kind == ITEM_ARCHIVE) {
        ok = member_bytes(l, d, a, item, member, &bytes, &o->file);
        o->archive = item->name;
    }
    format = ok ? format_find(bytes) : NULL;
    if (!ok)
        ;
    else if (is_bitcode(bytes))
        ok = fail_lto(d);
    else if (!format)
        ok = diag_fail(d, E_UNKNOWN, "is not an object file");
    else
        ok = format->read(d, a, name, bytes, &o->o);
    if (ok && o->o.lto_only)
        ok = fail_lto(d);
    else if (ok && (o->o.kind == OBJ_EXECUTABLE || o->o.kind == OBJ_CORE))
        ok = diag_fail(d, E_UNSUPPORTED, "is %s, not something to link",
                       o->o.kind == OBJ_CORE ? "a core file" : "a program");
    else if (ok && item->kind == ITEM_ARCHIVE && o->o.kind != OBJ_RELOCATABLE)
        ok = diag_fail(d, E_UNSUPPORTED, "is a shared library inside an archive");
    d->where = here.up;
    return ok ? o : NULL;
}

static void read_task(void *arg, unsigned worker, uint64_t i)
{
    struct tasks *t = arg;
    struct task *task = &t->at[i];

    task->item->members[task->member] =
        read_object(t->l, &t->results[i], &t->arenas[worker], task->item, task->member);
}

/* Read all that is wanted for certain, in parallel. */
static bool read_all(struct inputs *ins)
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
    t.results = calloc(count + 1, sizeof *t.results);
    if (!t.at || !t.arenas || !t.results)
        ok = diag_nomem(l->d);
    for (uint64_t i = 0; ok && i < ins->count; i++) {
        struct item *item = &ins->items[i];

        if (item->kind != ITEM_ARCHIVE)
            t.at[t.count++] = (struct task){item, 0};
        for (uint32_t m = 0; item->whole && m < item->ar.member_count; m++)
            t.at[t.count++] = (struct task){item, m};
    }
    if (ok)
        par_for(t.count, read_task, &t);
    for (uint64_t i = 0; ok && i < t.count; i++)
        if (t.results[i].status != OK)
            diag_fail(l->d, t.results[i].status, "%s", t.results[i].text);
    for (unsigned i = 0; t.arenas && i < workers; i++)
        arena_join(&l->arena, &t.arenas[i]);
    free(t.arenas);
    free(t.results);
    return ok && l->d->errors == 0;
}

/* ---- adding, in order ---- */

static bool check_machine(struct link *l, const struct lobj *o)
{
    const char *want = NULL, *have = NULL;

    if (!l->machine) {
        l->machine = elf_machine_find(o->o.machine);
        if (!l->machine)
            return diag_fail(l->d, E_UNSUPPORTED, "%s: is for %s; x86-64 and aarch64 can be linked",
                             o->o.name,
                             elf_machine_name(o->o.machine) ? elf_machine_name(o->o.machine)
                                                            : "an unknown CPU");
    }
    if (o->o.machine == l->machine->number && o->o.wide && !o->o.big)
        return true;
    want = elf_machine_name(l->machine->number);
    have = elf_machine_name(o->o.machine);
    return diag_fail(l->d, E_LINK, "%s: is for %s (%s-bit, %s-endian); this link is for %s",
                     o->o.name, have ? have : "an unknown CPU", o->o.wide ? "64" : "32",
                     o->o.big ? "big" : "little", want);
}

static bool excluded(const struct link *l, const char *archive)
{
    const char *slash = archive ? strrchr(archive, '/') : NULL;

    for (size_t i = 0; archive && i < l->opt->exclude_libs.count; i++) {
        const char *name = l->opt->exclude_libs.at[i];

        if (!strcmp(name, "ALL") || !strcmp(name, slash ? slash + 1 : archive))
            return true;
    }
    return false;
}

static bool add_object(struct link *l, struct lobj *o, bool retain, const char *why)
{
    if (!check_machine(l, o))
        return false;
    if (!arena_grow(&l->arena, (void **)&l->objs, l->obj_count, &l->obj_cap, sizeof *l->objs))
        return diag_nomem(l->d);
    o->order = (uint32_t)l->obj_count;
    o->retain = retain;
    o->hide = excluded(l, o->archive);
    o->why = why;
    l->objs[l->obj_count++] = o;
    if (l->opt->trace)
        printf("%s\n", o->o.name);
    return link_add_object(l, o);
}

static bool add_shared(struct link *l, struct item *item)
{
    struct lobj *o = item->members[0];
    const char *slash = strrchr(item->name, '/');

    if (!check_machine(l, o))
        return false;
    if (!o->o.soname) /* found by -l: the file's name alone, as ld does */
        o->o.soname = item->in->library && slash ? slash + 1 : item->name;
    for (uint64_t i = 0; i < l->lib_count; i++)
        if (!strcmp(l->libs[i]->o.soname, o->o.soname)) {
            l->libs[i]->needed = l->libs[i]->needed || !item->as_needed;
            return true;
        }
    o->needed = !item->as_needed;
    if (!link_add_shared(l, o))
        return false;
    if (!o->needed) /* --as-needed, and nobody needs it */
        return true;
    if (!arena_grow(&l->arena, (void **)&l->libs, l->lib_count, &l->lib_cap, sizeof *l->libs))
        return diag_nomem(l->d);
    o->order = (uint32_t)l->lib_count;
    l->libs[l->lib_count++] = o;
    if (l->opt->trace)
        printf("%s\n", item->name);
    return true;
}

/* Does the link wait for NAME?  An undefined weak symbol does not pull. */
static struct lsym *wanted_symbol(const struct link *l, const char *name)
{
    const char *at = strstr(name, "@@");
    struct lsym *s = NULL;
    char *plain = NULL;

    if (!at) {
        s = link_find(l, name);
    } else if ((plain = strndup(name, (size_t)(at - name)))) {
        s = link_find(l, plain);
        free(plain);
    }
    return s && s->state == SYM_UNDEFINED && (s->strong_ref || s->shared_ref || s->wanted) ? s
                                                                                           : NULL;
}

static bool take_member(struct link *l, struct item *item, uint32_t member, const struct lsym *for_)
{
    struct lobj *o = read_object(l, l->d, &l->arena, item, member);
    const char *why = NULL;

    if (!o)
        return false;
    why = arena_printf(&l->arena, "defines `%s', which %s refers to", for_->name,
                       for_->obj ? for_->obj->o.name : "the command line");
    item->members[member] = o;
    return why ? add_object(l, o, false, why) : diag_nomem(l->d);
}

/* An archive without an index: list what its members define. */
static bool make_index(struct link *l, struct item *item)
{
    uint64_t cap = 0;

    item->ar.has_index = true;
    for (uint32_t m = 0; m < item->ar.member_count; m++) {
        struct diag quiet = {0};
        struct lobj *o = read_object(l, &quiet, &l->arena, item, m);

        for (uint32_t i = o ? o->o.first_global : 0; o && i < o->o.symbol_count; i++) {
            if (o->o.symbols[i].section == SECTION_UNDEF)
                continue;
            if (!arena_grow(&l->arena, (void **)&item->ar.symbols, item->ar.symbol_count, &cap,
                            sizeof *item->ar.symbols))
                return diag_nomem(l->d);
            item->ar.symbols[item->ar.symbol_count++] =
                (struct ar_symbol){o->o.symbols[i].name, m};
        }
    }
    return true;
}

/* ld's rule: take the members that define what is undefined now, until
   there is none.  *TOOK is set when there was one. */
static bool search_archive(struct link *l, struct item *item, bool *took)
{
    bool again = true;

    if (!item->ar.has_index && !make_index(l, item))
        return false;
    while (again) {
        again = false;
        for (uint64_t i = 0; i < item->ar.symbol_count; i++) {
            const struct ar_symbol *s = &item->ar.symbols[i];
            const struct lsym *for_ = NULL;

            if (item->members[s->member] || !(for_ = wanted_symbol(l, s->name)))
                continue;
            if (!take_member(l, item, s->member, for_))
                return false;
            again = *took = true;
        }
    }
    return true;
}

static bool add_item(struct link *l, struct item *item)
{
    bool took = false;

    switch (item->kind) {
    case ITEM_OBJECT:
        return add_object(l, item->members[0], false, "named on the command line");
    case ITEM_SHARED:
        return add_shared(l, item);
    case ITEM_ARCHIVE:
        if (!item->whole)
            return search_archive(l, item, &took);
        for (uint32_t m = 0; m < item->ar.member_count; m++)
            if (!add_object(l, item->members[m], item->in->retain && !item->in->library,
                            item->in->whole ? "--whole-archive" : "its archive is named by path"))
                return false;
        return true;
    }
    return false;
}

/* Add items FROM...; a group is gone over until it gives nothing more.
   Returns the item behind, or 0 after a failure. */
static uint64_t add_group(struct inputs *ins, uint64_t from)
{
    uint32_t group = ins->items[from].group;
    uint64_t end = from;
    bool took = true;

    for (; end < ins->count && (end == from || (group && ins->items[end].group == group)); end++)
        if (!add_item(ins->l, &ins->items[end]))
            return 0;
    while (group && took) {
        took = false;
        for (uint64_t i = from; i < end; i++)
            if (ins->items[i].kind == ITEM_ARCHIVE && !ins->items[i].whole &&
                !search_archive(ins->l, &ins->items[i], &took))
                return 0;
    }
    return end;
}

bool link_read_inputs(struct link *l)
{
    struct inputs ins = {.l = l};

    l->machine = l->opt->machine;
    if (!expand(&ins) || !read_all(&ins))
        return false;
    for (size_t i = 0; i < l->opt->undefined.count + l->opt->require_defined.count; i++) {
        const char *name = i < l->opt->undefined.count
                               ? l->opt->undefined.at[i]
                               : l->opt->require_defined.at[i - l->opt->undefined.count];
        struct lsym *s = link_intern(l, name, strlen(name));

        if (!s)
            return false;
        s->wanted = true;
        if (s->state == SYM_NEW)
            s->state = SYM_UNDEFINED;
    }
    /* Duplicate symbols have been told, and there may be more to tell: the
       link goes on up to the scan. */
    for (uint64_t i = 0; i < ins.count;)
        if ((i = add_group(&ins, i)) == 0)
            return false;
    if (!l->machine)
        return diag_fail(l->d, E_USAGE, "no input files");
    return true;
}
