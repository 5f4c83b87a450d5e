/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - what the user asked to be told: -Map, --print-retained. */

#include "link/link.h"

#include "elf/elf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- --print-retained ---- */

static const char *why_symbol(const struct link *l, const struct lsym *s)
{
    if (s->exported)
        return s->visibility == VIS_PROTECTED ? "exported, protected" : "exported";
    if (s->obj->hide)
        return "kept local by --exclude-libs";
    if (s->visibility != VIS_DEFAULT)
        return "kept local by its visibility";
    return l->opt->exports ? "kept local by --export" : "kept local by the version script";
}

static void print_retained(const struct link *l)
{
    for (uint64_t i = 1; i < l->obj_count; i++) {
        const struct lobj *o = l->objs[i];
        uint64_t kept = 0, size = 0;

        for (uint32_t n = 1; n < o->o.section_count; n++)
            if ((o->o.sections[n].flags & SEC_ALLOC) && (o->secs[n].live || o->secs[n].into)) {
                kept++;
                size += o->o.sections[n].size;
            }
        printf("%s: %s; %" PRIu64 " sections, %" PRIu64 " bytes\n", o->o.name,
               o->why, kept, size);
        for (uint32_t n = o->o.first_global; n < o->o.symbol_count; n++) {
            const struct lsym *s = o->globals[n - o->o.first_global];
            const struct lsec *sec = lsym_section(s);

            if (!lsym_defined(s) || s->obj != o || s->index != n)
                continue;
            if (sec && !sec->live && !sec->into)
                printf("  %s: dropped, nothing that is kept refers to it\n", s->name);
            else
                printf("  %s: %s\n", s->name, why_symbol(l, s));
        }
    }
}

/* ---- -Map ---- */

static void map_members(const struct link *l, FILE *f)
{
    fprintf(f, "Archive members in the link\n\n");
    for (uint64_t i = 1; i < l->obj_count; i++)
        if (l->objs[i]->archive)
            fprintf(f, "%s\n    %s\n", l->objs[i]->o.name, l->objs[i]->why);
}

static void map_dropped(const struct link *l, FILE *f)
{
    fprintf(f, "\nDropped input sections\n\n");
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            const struct lsec *s = &l->objs[i]->secs[n];

            if (s->live || s->into || !s->size || s->sec->role == ROLE_META ||
                s->sec->role == ROLE_PROPERTY)
                continue;
            fprintf(f, " %-24s %#18" PRIx64 " %s%s\n", s->sec->name, s->size, s->obj->o.name,
                    s->discarded ? " (another object has this group)" : "");
        }
}

static void map_sections(const struct link *l, FILE *f)
{
    fprintf(f, "\nMemory map\n\n%-24s %18s %18s\n", "section", "address", "size");
    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if (o->empty)
            continue;
        fprintf(f, "\n%-24s 0x%016" PRIx64 " %#18" PRIx64 "\n", o->name,
                o->flags & SHF_ALLOC ? o->addr : 0, o->size);
        for (uint64_t n = 0; n < o->count; n++) {
            const struct lsec *s = o->secs[n];

            fprintf(f, " %-23s 0x%016" PRIx64 " %#18" PRIx64 " %s\n", s->sec->name, lsec_addr(s),
                    s->size, s->obj->o.name);
            for (uint32_t k = s->obj->o.first_global;
                 (o->flags & SHF_ALLOC) && s->obj != l->objs[0] && k < s->obj->o.symbol_count; k++) {
                const struct lsym *sym = s->obj->globals[k - s->obj->o.first_global];

                if (sym->obj == s->obj && sym->index == k && lsym_section(sym) == s)
                    fprintf(f, " %-23s 0x%016" PRIx64 " %18s %s\n", "", sym->addr, "", sym->name);
            }
        }
    }
}

/* --cref: each symbol, who defines it and who refers to it. */
static void map_cross(const struct link *l, FILE *f)
{
    fprintf(f, "\nCross reference\n\n");
    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];

        if (!s->obj || (!s->referred && !lsym_defined(s)))
            continue;
        fprintf(f, "%-48s %s\n", s->name, s->obj->o.name);
        for (uint64_t n = 1; n < l->obj_count; n++)
            for (uint32_t k = 0; k < l->objs[n]->o.symbol_count - l->objs[n]->o.first_global; k++)
                if (l->objs[n]->globals[k] == s && l->objs[n] != s->obj)
                    fprintf(f, "%-48s %s\n", "", l->objs[n]->o.name);
    }
}

static bool write_map(struct link *l)
{
    bool to_stdout = !strcmp(l->opt->map, "-");
    FILE *f = to_stdout ? stdout : fopen(l->opt->map, "we");
    bool ok = f;

    if (f) {
        map_members(l, f);
        map_dropped(l, f);
        map_sections(l, f);
        if (l->opt->cref)
            map_cross(l, f);
        ok = !ferror(f);
        ok = (to_stdout ? fflush(f) : fclose(f)) == 0 && ok;
    }
    return ok || diag_fail(l->d, E_SYSTEM, "%s: cannot write: %s", l->opt->map, strerror(errno));
}

bool link_report(struct link *l)
{
    if (l->opt->print_retained)
        print_retained(l);
    return !l->opt->map || write_map(l);
}
