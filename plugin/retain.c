/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retain.c - every member of an archive as an input of its own, each of its
 * sections to be kept: what no order on the command line, no --gc-sections
 * and no lack of a symbol in the index then takes away.
 *
 * Where the archive is an input too and the linker offers it, or a member that
 * it found a use for, this is claimed: the linker takes its symbols as defined
 * and goes on as it would have, and in the end gets our copy for it. */

#include "plugin/plugin.h"

#include "elf/file.h"
#include "heap/container.h"
#include "obj/archive.h"
#include "plugin/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what there is to retain ---- */

static int compare_places(const struct plugin_place *a, const struct plugin_place *b)
{
    if (a->dev != b->dev)
        return a->dev < b->dev ? -1 : 1;
    if (a->ino != b->ino)
        return a->ino < b->ino ? -1 : 1;
    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int by_place(const void *a, const void *b)
{
    return compare_places(&(*(struct plugin_member *const *)a)->place,
                          &(*(struct plugin_member *const *)b)->place);
}

static struct plugin_retained *find_retained(struct plugin *p, const struct plugin_place *place)
{
    for (uint64_t i = 0; i < p->retained_count; i++)
        if (compare_places(&p->retained[i].place, place) == 0)
            return &p->retained[i];
    return NULL;
}

static bool add_member(struct plugin *p, const char *name, struct plugin_place place,
                       struct span bytes)
{
    if (!name || !arena_grow(&p->arena, (void **)&p->members, p->member_count, &p->member_cap,
                             sizeof *p->members))
        return diag_nomem(&p->diag);
    p->members[p->member_count++] =
        (struct plugin_member){.name = name, .place = place, .bytes = bytes};
    return true;
}

/* Map PATH, for as long as the link runs. */
static bool map(struct plugin *p, const char *path, struct span *out, struct plugin_place *place)
{
    struct file file;
    struct stat st;
    bool ok = file_open(&p->diag, path, &file);

    if (!ok)
        return false;
    ok = fstat(file.fd, &st) == 0 || diag_fail(&p->diag, E_SYSTEM, "%s: %s", path, strerror(errno));
    close(file.fd);
    *out = file.data;
    *place = (struct plugin_place){st.st_dev, st.st_ino, 0};
    return ok;
}

/* Member M of the archive at PATH, which is BYTES, at PLACE. */
static bool add_archived(struct plugin *p, const char *path, struct span bytes,
                         struct plugin_place place, const struct archive *ar,
                         const struct ar_member *m)
{
    const char *file = NULL;
    struct span data = m->data;

    if (!ar->thin) {
        place.offset = (uint64_t)(data.at - bytes.at);
    } else {
        file = archive_member_path(&p->arena, path, m);
        if (!file)
            return diag_nomem(&p->diag);
        if (!map(p, file, &data, &place))
            return false;
        if (m->nested) {
            struct span whole = data;

            if (!archive_member_at(&p->diag, whole, m->nested, &data))
                return false;
            place.offset = (uint64_t)(data.at - whole.at);
        }
    }
    return add_member(p, arena_printf(&p->arena, "%s(%s)", path, m->name), place, data);
}

static bool open_retained(struct plugin *p, const char *path)
{
    struct where here = {NULL, path, NO_INDEX};
    struct plugin_place place;
    struct plugin_retained *r = NULL;
    struct archive ar = {0};
    struct span bytes;
    bool ok = map(p, path, &bytes, &place);

    if (!ok)
        return false;
    if (find_retained(p, &place))
        return true; /* named twice */
    if (!arena_grow(&p->arena, (void **)&p->retained, p->retained_count, &p->retained_cap,
                    sizeof *p->retained))
        return diag_nomem(&p->diag);
    r = &p->retained[p->retained_count++];
    *r = (struct plugin_retained){.place = place, .first = p->member_count};
    if (!archive_is(bytes))
        return add_member(p, path, place, bytes);
    p->diag.where = &here;
    ok = archive_read(&p->diag, &p->arena, bytes, &ar);
    p->diag.where = NULL;
    for (uint32_t i = 0; ok && i < ar.member_count; i++)
        ok = add_archived(p, path, bytes, place, &ar, &ar.members[i]);
    r->count = p->member_count - r->first;
    return ok;
}

/* retain=all: the archives that the command line names by path. What cannot be
   opened is the linker's to complain about. */
static bool find_all(struct plugin *p)
{
    struct line line;
    const char *path = NULL;
    bool ok = line_read(&p->diag, &p->arena, &line);

    for (int i = 0; ok && (path = line_next_path(&line, &i));) {
        struct diag quiet = {0};
        struct file file;

        if (!file_open(&quiet, path, &file))
            continue;
        if (archive_is(file.data))
            ok = plugin_add_name(p, &p->retain, path);
        file_close(&file);
    }
    return ok;
}

/* Each object is a file that stays open until the linker has read it. */
static void allow_files(uint64_t more)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    limit.rlim_cur += more;
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_cur > limit.rlim_max)
        limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit); /* else the missing file is told */
}

bool plugin_open_retained(struct plugin *p)
{
    if (p->retain_all && !find_all(p))
        return false;
    for (uint64_t i = 0; i < p->retain.count; i++)
        if (!open_retained(p, p->retain.at[i]))
            return false;
    if (!(p->by_place = arena_alloc(&p->arena, p->member_count, sizeof *p->by_place)))
        return diag_nomem(&p->diag);
    for (uint64_t i = 0; i < p->member_count; i++)
        p->by_place[i] = &p->members[i];
    qsort(p->by_place, p->member_count, sizeof *p->by_place, by_place);
    allow_files(p->member_count);
    return true;
}

/* ---- what the linker offers of it ---- */

static bool is_object(struct span in)
{
    return in.size >= EHDR64_SIZE && !memcmp(in.at, "\177ELF\2\1", 6) &&
           load_uint(in.at + 16, 2, false) == ET_REL;
}

/* Read M's object, for as long as A's memory is there. */
static bool read_object(struct plugin *p, struct arena *a, const struct plugin_member *m,
                        struct object *o)
{
    struct where here = {NULL, m->name, NO_INDEX};
    bool ok = false;

    p->diag.where = &here;
    if (!is_object(m->bytes))
        diag_fail(&p->diag, E_UNKNOWN,
                  "is not a 64-bit little-endian object, and cannot be retained");
    else if (format_elf.read(&p->diag, a, m->name, m->bytes, o))
        ok = !o->lto_only ||
             diag_fail(&p->diag, E_UNSUPPORTED,
                       "is intermediate code, which only a compiler's plugin can retain: use "
                       "--whole-archive");
    p->diag.where = NULL;
    return ok;
}

/* The linker's numbers differ from ELF's in their order. */
static int visibility_of(const struct symbol *s)
{
    static const int known[] = {[VIS_DEFAULT] = LDPV_DEFAULT,
                                [VIS_INTERNAL] = LDPV_INTERNAL,
                                [VIS_HIDDEN] = LDPV_HIDDEN,
                                [VIS_PROTECTED] = LDPV_PROTECTED};

    return known[s->visibility & 3];
}

/* What S is to the linker; false if it need not know. */
static bool describe(const struct object *o, const struct symbol *s, struct plugin_symbol *out)
{
    bool weak = s->binding == BIND_WEAK;

    /* A version that a name carries is the object's own business. */
    if (s->binding == BIND_LOCAL || !*s->name || strchr(s->name, '@'))
        return false;
    *out = (struct plugin_symbol){
        .name = (char *)(uintptr_t)s->name, .size = s->size, .visibility = visibility_of(s)};
    if (s->section == SECTION_UNDEF)
        out->def = weak ? LDPK_WEAKUNDEF : LDPK_UNDEF;
    else if (s->section == SECTION_COMMON || s->section == SECTION_LARGE_COMMON)
        out->def = LDPK_COMMON;
    else if (weak || s->binding == BIND_UNIQUE ||
             (s->section < o->section_count && o->sections[s->section].group))
        out->def = LDPK_WEAKDEF; /* the first of its group is kept */
    else
        out->def = LDPK_DEF;
    return true;
}

/* Add the symbols of M's object to LIST. */
static bool add_symbols(struct plugin *p, const struct plugin_member *m,
                        struct plugin_symbols *list)
{
    struct arena scratch = {0};
    struct object o = {0};
    bool ok = heap_is(m->bytes) || read_object(p, &scratch, m, &o);

    if (ok && !heap_is(m->bytes))
        plugin_learn_machine(p, m->bytes);
    for (uint32_t i = 1; ok && i < o.symbol_count; i++) {
        struct plugin_symbol s;

        if (describe(&o, &o.symbols[i], &s))
            ok = plugin_add_symbol(p, list, &s);
    }
    arena_free(&scratch);
    return ok;
}

/* A definition of a name before what needs it, and that before what can do without. */
static int rank(const struct plugin_symbol *s)
{
    return s->def == LDPK_WEAKUNDEF ? 2 : s->def == LDPK_UNDEF;
}

static int by_name_and_rank(const void *a, const void *b)
{
    const struct plugin_symbol *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : rank(x) - rank(y);
}

bool plugin_retained_needs(struct plugin *p, struct plugin_symbols *list)
{
    struct plugin_symbols all = {0};
    const char *last = "";

    for (uint64_t i = 0; i < p->member_count; i++)
        if (!add_symbols(p, &p->members[i], &all))
            return false;
    if (all.count)
        qsort(all.at, all.count, sizeof *all.at, by_name_and_rank);
    for (uint64_t i = 0; i < all.count; i++) {
        if (strcmp(all.at[i].name, last) != 0 && all.at[i].def == LDPK_UNDEF &&
            !plugin_add_symbol(p, list, &all.at[i]))
            return false;
        last = all.at[i].name;
    }
    return true;
}

static struct plugin_member *find_member(struct plugin *p, const struct plugin_place *place)
{
    struct plugin_member key = {.place = *place}, *k = &key;
    struct plugin_member **found = bsearch(&k, p->by_place, p->member_count, sizeof k, by_place);

    return found ? *found : NULL;
}

bool plugin_is_retained(struct plugin *p, const struct file *file)
{
    struct stat st;

    return fstat(file->fd, &st) == 0 &&
           find_retained(p, &(struct plugin_place){st.st_dev, st.st_ino, 0});
}

bool plugin_claim_retained(struct plugin *p, const struct plugin_input *file, struct span head,
                           int *claimed)
{
    struct plugin_symbols all = {0};
    struct plugin_member *m = NULL;
    struct plugin_place place;
    struct stat st;
    const struct plugin_retained *r = NULL;

    if (fstat(file->fd, &st) != 0)
        return true;
    place = (struct plugin_place){st.st_dev, st.st_ino, (uint64_t)file->offset};
    r = archive_is(head) ? find_retained(p, &place) : NULL;
    if (!r && !(m = find_member(p, &place)))
        return true;
    if (m && heap_is(m->bytes)) {
        m->claimed = true; /* now, as any heap is */
        return true;
    }
    if (m && !add_symbols(p, m, &all))
        return false;
    for (uint64_t i = r ? r->first : 0; r && i < r->first + r->count; i++)
        if (!add_symbols(p, &p->members[i], &all))
            return false;
    *claimed = 1;
    return plugin_tell_symbols(p, file->handle, file->name, &all);
}

/* ---- what the linker gets ---- */

bool plugin_retained_heaps(struct plugin *p)
{
    for (uint64_t i = 0; i < p->member_count; i++) {
        const struct plugin_member *m = &p->members[i];

        if (heap_is(m->bytes) && !m->claimed && !plugin_add_heap(p, m->name, m->bytes))
            return false;
    }
    return true;
}

/* The sections of the object in COPY get SHF_GNU_RETAIN. */
static bool mark(struct plugin *p, const struct plugin_member *m, uint8_t *copy)
{
    struct where here = {NULL, m->name, NO_INDEX};
    struct arena scratch = {0};
    struct elf_file f;
    bool ok = false;

    p->diag.where = &here;
    ok = elf_open(&p->diag, &scratch, (struct span){copy, m->bytes.size}, &f);
    p->diag.where = NULL;
    for (uint32_t i = 1; ok && i < f.section_count; i++)
        if (f.sections[i].flags & SHF_ALLOC)
            store_uint(copy + f.shoff + i * SHDR64_SIZE + 8, 8, false,
                       f.sections[i].flags | SHF_GNU_RETAIN);
    if (ok && f.osabi == ELFOSABI_SYSV)
        copy[7] = ELFOSABI_GNU; /* the flag is of that ABI */
    arena_free(&scratch);
    return ok;
}

static bool emit_member(struct plugin *p, const struct plugin_member *m)
{
    struct arena scratch = {0};
    struct object o;
    uint8_t *copy = NULL;
    bool ok = read_object(p, &scratch, m, &o);
    int fd = -1;

    arena_free(&scratch);
    if (!ok)
        return false;
    if (!(copy = malloc(m->bytes.size)))
        return diag_nomem(&p->diag);
    memcpy(copy, m->bytes.at, m->bytes.size);
    ok = mark(p, m, copy) && (fd = plugin_memory(p, m->name)) >= 0 &&
         (output_write(&(struct output){.fd = fd}, copy, m->bytes.size, 0) ||
          diag_fail(&p->diag, E_SYSTEM, "%s: cannot be copied: %s", m->name, strerror(errno))) &&
         plugin_add_input(p, fd, m->name);
    free(copy);
    return ok;
}

bool plugin_emit_retained(struct plugin *p)
{
    for (uint64_t i = 0; i < p->member_count; i++)
        if (!heap_is(p->members[i].bytes) && !emit_member(p, &p->members[i]))
            return false;
    return true;
}
