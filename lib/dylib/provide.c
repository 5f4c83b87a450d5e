/* SPDX-License-Identifier: GPL-3.0-or-later */
/* provide.c - the linker's own object: common symbols, and the names that
 * ld64 provides. */

#include "dylib/dylib.h"

#include <stdio.h>

/* ---- common symbols ---- */

/* Space for S, a common symbol. */
static void place_common(struct link *l, struct lsym *s)
{
    const struct symbol *from = lsym_symbol(s);
    struct section section = {
        .name = "__DATA,__common",
        .flags = SEC_ALLOC | SEC_WRITE | SEC_ZERO,
        .align_log2 = (uint8_t)__builtin_ctzll(s->addr ? s->addr : 1),
        .size = from->size,
        .type = S_ZEROFILL,
    };
    struct lsec *sec = link_append_section(l, &section);
    uint8_t visibility = s->visibility;

    link_define(l, s, sec, 0, KIND_OBJECT);
    s->visibility = visibility;
}

/* ---- names with a meaning ---- */

static const char *const headers[] = {"___dso_handle", "__mh_dylib_header"};

/* "section$start$__DATA$__data", "segment$end$__TEXT": what the name asks for. */
struct boundary {
    bool section, end;
    char segment[17], name[17];
};

static bool parse_boundary(const char *name, struct boundary *b)
{
    const char *at = name;
    size_t len = 0;

    *b = (struct boundary){.section = !strncmp(name, "section$", 8)};
    if (!b->section && strncmp(name, "segment$", 8) != 0)
        return false;
    at += 8;
    b->end = !strncmp(at, "end$", 4);
    if (!b->end && strncmp(at, "start$", 6) != 0)
        return false;
    at += b->end ? 4 : 6;
    len = strcspn(at, "$");
    if (len == 0 || len > 16 || (at[len] == '$') != b->section)
        return false;
    memcpy(b->segment, at, len);
    at += len;
    if (!b->section)
        return true;
    len = strlen(++at);
    if (len == 0 || len > 16)
        return false;
    memcpy(b->name, at, len);
    return true;
}

static bool is_header(const char *name)
{
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        if (!strcmp(headers[i], name))
            return true;
    return false;
}

static void provide(struct link *l, struct lsym *s)
{
    struct boundary b;

    if (s->state != SYM_UNDEFINED || (!is_header(s->name) && !parse_boundary(s->name, &b)))
        return;
    link_define(l, s, NULL, 0, KIND_OBJECT);
    s->visibility = VIS_HIDDEN;
    s->linker = true;
}

/* -alias OLD NEW, and --defsym NEW=OLD or NEW=NUMBER. */
static bool add_alias(struct link *l, const char *old, const char *name)
{
    struct lsym *from = link_find(l, old), *to = link_intern(l, name, strlen(name));

    if (!to)
        return false;
    if (!from || !lsym_defined(from))
        return diag_fail(l->d, E_LINK, "`%s' is to be another name of `%s', which is not defined",
                         name, old);
    if (lsym_defined(to))
        return diag_fail(l->d, E_LINK,
                         "duplicate symbol `%s': defined in %s and on the command line", name,
                         to->obj->o.name);
    to->state = SYM_DEFINED;
    to->obj = from->obj;
    to->index = from->index;
    to->visibility = VIS_DEFAULT;
    return true;
}

static bool add_defsym(struct link *l, const struct defsym *d)
{
    struct lsym *s = NULL;

    if (!d->number)
        return d->addend ? diag_fail(l->d, E_UNSUPPORTED,
                                     "--defsym %s: a distance from a symbol is not supported for "
                                     "Mach-O",
                                     d->name)
                         : add_alias(l, d->value, d->name);
    if (!(s = link_intern(l, d->name, strlen(d->name))))
        return false;
    link_define(l, s, NULL, 0, KIND_NONE);
    l->objs[0]->o.symbols[s->index].value = d->addend;
    return true;
}

bool dylib_provide(struct link *l)
{
    const struct strings *aliases = &l->opt->darwin.aliases;

    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];

        if (s->state == SYM_COMMON)
            place_common(l, s);
        else
            provide(l, s);
    }
    for (size_t i = 0; i + 1 < aliases->count; i += 2)
        if (!add_alias(l, aliases->at[i], aliases->at[i + 1]))
            return false;
    for (size_t i = 0; i < l->opt->defsym_count; i++)
        if (!add_defsym(l, &l->opt->defsyms[i]))
            return false;
    return true;
}

/* ---- where they are ---- */

static uint64_t boundary_address(const struct link *l, const struct boundary *b)
{
    const struct dylib *y = l->dylib;

    for (uint32_t i = 0; i < y->segment_count; i++) {
        const struct dylib_segment *seg = &y->segments[i];

        if (strcmp(seg->name, b->segment) != 0)
            continue;
        if (!b->section)
            return seg->addr + (b->end ? seg->vmsize : 0);
        for (uint64_t n = 0; n < seg->out_count; n++) {
            const struct out *o = l->outs[seg->first_out + n];

            if (!strcmp(strchr(o->name, ',') + 1, b->name))
                return o->addr + (b->end ? o->size : 0);
        }
        return seg->addr; /* a section that nobody has is empty */
    }
    return 0;
}

void dylib_place_provided(struct link *l)
{
    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];
        struct boundary b;

        if (s->linker)
            s->addr = parse_boundary(s->name, &b) ? boundary_address(l, &b) : l->opt->image_base;
    }
}
