/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_archive.c - an archive: its kind, its index, its members and what
 * they have together. */

#include "inspect.h"
#include "coff/file.h"
#include "macho/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SHOWN_MEMBERS = 20, LIST_PARTS = PART_ALL & ~PART_MEMBERS };

struct archive_inspect {
    struct diag *d;
    struct report *r;
    struct arena *a;
    unsigned parts;
    const char *name;
    struct archive ar;
    struct totals *totals;
    struct julia_symbols julia;
    uint64_t elf_members, macho_members, coff_members;
};

/* By how the archive's first member is called. */
static const char *flavour(struct span in, bool thin)
{
    struct span name;

    if (thin)
        return "gnu-thin";
    if (!span_sub(in, 8, 16, &name))
        return "empty";
    if (!memcmp(name.at, "#1/", 3) || !memcmp(name.at, "__.SYMDEF", 9))
        return "bsd";
    return name.at[0] == '/' || memchr(name.at, '/', 16) ? "gnu" : "plain";
}

static const char *kind_of(struct span in)
{
    if (elf_is(in))
        return "elf";
    if (macho_is(in))
        return "mach-o";
    if (coff_is_import(in))
        return "coff-import";
    if (coff_is_object(in))
        return "coff";
    if (in.size >= 4 && (!memcmp(in.at, "BC\xc0\xde", 4) || !memcmp(in.at, "\xde\xc0\x17\x0b", 4)))
        return "llvm-bitcode";
    if (archive_is(in))
        return "archive";
    return "other";
}

static bool is_coff(struct span in) { return coff_is_object(in) || coff_is_import(in); }

/* Read MEMBER as ELF; the name lives in the arena. */
static bool open_member(struct archive_inspect *x, const struct ar_member *member, struct arena *a,
                        struct inspect *i)
{
    char *name = arena_printf(a, "%s(%s)", x->name, member->name);

    *i = (struct inspect){
        .d = x->d, .r = x->r, .a = a, .parts = x->parts & LIST_PARTS, .name = name};
    return name ? inspect_open(i, member->data) : diag_nomem(x->d);
}

/* Add up all members; a row for those that WANTED marks. */
static bool add_members(struct archive_inspect *x)
{
    bool ok = true;

    for (uint32_t n = 0; ok && n < x->ar.member_count; n++) {
        const struct ar_member *m = &x->ar.members[n];
        struct where here = {x->d->where, m->name, NO_INDEX};
        struct arena a = {0};
        struct inspect i;

        x->macho_members += macho_is(m->data);
        x->coff_members += is_coff(m->data);
        if (!elf_is(m->data))
            continue;
        x->d->where = &here;
        ok = open_member(x, m, &a, &i);
        if (ok) {
            x->elf_members++;
            totals_add(x->totals, &i);
            i.a = x->a; /* what Julia looks up is kept */
            ok = julia_collect(&x->julia, &i);
        }
        x->d->where = here.up;
        arena_free(&a);
    }
    return ok;
}

static int by_size(const void *left, const void *right)
{
    const struct ar_member *l = *(const struct ar_member *const *)left;
    const struct ar_member *r = *(const struct ar_member *const *)right;

    if (l->size != r->size)
        return l->size > r->size ? -1 : 1;
    return l->offset < r->offset ? -1 : l->offset > r->offset;
}

/* All members in their order; in a summary of many, the largest. */
static bool put_members(struct archive_inspect *x)
{
    static const struct column columns[] = {
        {"offset", "offset", 12, true},
        {"size", "size", 12, true},
        {"kind", "kind", 12, false},
        {"name", "name", 0, false},
    };
    const struct ar_member **list = arena_alloc(x->a, x->ar.member_count, sizeof *list);
    bool all = x->r->as_json || x->parts & PART_MEMBERS || x->ar.member_count <= SHOWN_MEMBERS;
    uint32_t count = all ? x->ar.member_count : SHOWN_MEMBERS;

    if (!list)
        return diag_nomem(x->d);
    for (uint32_t n = 0; n < x->ar.member_count; n++)
        list[n] = &x->ar.members[n];
    if (!all)
        qsort(list, x->ar.member_count, sizeof *list, by_size);
    rep_table(x->r, "members", all ? "members" : "the largest members (--members shows all)",
              columns, sizeof columns / sizeof columns[0]);
    for (uint32_t n = 0; n < count; n++) {
        rep_row(x->r);
        rep_cell_hex(x->r, list[n]->offset);
        rep_cell_num(x->r, list[n]->size);
        rep_cell(x->r, x->ar.thin ? "outside" : kind_of(list[n]->data));
        rep_cell(x->r, list[n]->name);
    }
    rep_table_end(x->r);
    return true;
}

/* The lists of each member, one after the other. */
static bool put_contents(struct archive_inspect *x)
{
    bool ok = true;

    if (!(x->parts & LIST_PARTS))
        return true;
    rep_open(x->r, "contents", '[');
    for (uint32_t n = 0; ok && n < x->ar.member_count; n++) {
        const struct ar_member *m = &x->ar.members[n];
        struct where here = {x->d->where, m->name, NO_INDEX};
        struct arena a = {0};
        struct inspect i;

        if (!elf_is(m->data) && !macho_is(m->data) && !is_coff(m->data))
            continue;
        if (!x->r->as_json)
            buf_printf(&x->r->text, "\n");
        rep_open(x->r, NULL, '{');
        rep_str(x->r, "member", NULL, m->name);
        x->d->where = &here;
        if (elf_is(m->data))
            ok = open_member(x, m, &a, &i) && inspect_elf(&i);
        else if (macho_is(m->data))
            ok = inspect_macho(x->d, x->r, &a, x->parts & LIST_PARTS, m->name, m->data);
        else
            ok = inspect_coff(x->d, x->r, &a, x->parts & LIST_PARTS, m->name, m->data);
        x->d->where = here.up;
        rep_close(x->r);
        arena_free(&a);
    }
    rep_close(x->r);
    return ok;
}

static void put_head(struct archive_inspect *x, struct span in)
{
    const char *kind = flavour(in, x->ar.thin);
    char text[96];

    snprintf(text, sizeof text, "archive (%s), %" PRIu32 " members", kind, x->ar.member_count);
    rep_heading(x->r, x->name, text);
    rep_str(x->r, "format", NULL, "archive");
    rep_str(x->r, "flavour", NULL, kind);
    rep_num(x->r, "size", "size", in.size);
    rep_flag(x->r, "has_index", x->ar.has_index);
    rep_num(x->r, "index_symbols", x->ar.has_index ? "index symbols" : NULL, x->ar.symbol_count);
    if (!x->ar.has_index)
        rep_str(x->r, NULL, "index", "none");
    rep_num(x->r, "member_count", NULL, x->ar.member_count);
    rep_num(x->r, "elf_members",
            x->ar.thin || x->macho_members || x->coff_members ? NULL : "ELF members",
            x->elf_members);
    rep_num(x->r, "coff_members", x->coff_members ? "COFF members" : NULL, x->coff_members);
    rep_num(x->r, "macho_members", x->macho_members ? "Mach-O members" : NULL, x->macho_members);
}

bool inspect_archive(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                     const char *name, struct span in)
{
    struct archive_inspect x = {.d = d, .r = r, .a = a, .parts = parts, .name = name};

    if (!archive_read(d, a, in, &x.ar))
        return false;
    if (!(x.totals = arena_alloc(a, 1, sizeof *x.totals)))
        return diag_nomem(d);
    x.totals->machine = NO_MACHINE;
    if (!add_members(&x))
        return false;
    put_head(&x, in);
    if (x.elf_members > 0)
        totals_report(r, x.totals);
    return inspect_julia(d, r, a, &x.julia) && put_members(&x) && put_contents(&x);
}
