/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link.c - the phases of a link, in order. */

#include "link/link.h"

#include "base/par.h"
#include "elf/elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

bool link_own(struct link *l, void *p)
{
    if (!p)
        return true;
    if (!arena_grow(&l->arena, (void **)&l->owned, l->owned_count, &l->owned_cap,
                    sizeof *l->owned)) {
        free(p);
        return diag_nomem(l->d);
    }
    l->owned[l->owned_count++] = p;
    return true;
}

/* objs[0] is the linker's own, filled once the inputs are known. */
static bool start(struct link *l)
{
    struct lobj *own = arena_alloc(&l->arena, 1, sizeof *own);

    par_limit(l->opt->threads);
    l->image_base = l->opt->image_base;
    if (!own || !arena_grow(&l->arena, (void **)&l->objs, 0, &l->obj_cap, sizeof(struct lobj *)))
        return diag_nomem(l->d);
    l->objs[l->obj_count++] = own;
    return true;
}

static bool resolve(struct link *l)
{
    l->arch = l->machine->arch;
    return link_finish_symbols(l) && link_make_internal(l) && link_resolve_heaps(l) &&
           link_provide(l);
}

static bool retain(struct link *l) { return link_read_eh_frame(l) && link_collect(l); }

static bool collect(struct link *l) { return link_merge_strings(l) && link_collect_eh_frame(l); }

static bool scan(struct link *l)
{
    return link_scan(l) && link_settle_heaps(l) && link_make_property(l) && link_assign_slots(l);
}

static bool make_file_sections(struct link *l)
{
    if (l->opt->strip != STRIP_ALL) {
        l->made[MADE_SYMTAB] = link_new_section(l, ".symtab", SHT_SYMTAB, 0, 3);
        l->objs[0]->o.sections[l->made[MADE_SYMTAB]->index].entsize = SYM64_SIZE;
        l->made[MADE_STRTAB] = link_new_section(l, ".strtab", SHT_STRTAB, 0, 0);
    }
    l->made[MADE_SHSTRTAB] = link_new_section(l, ".shstrtab", SHT_STRTAB, 0, 0);
    return true;
}

static bool lay_out(struct link *l)
{
    return link_make_build_id(l) && link_make_dynrel(l) &&
           link_make_dynsym(l) && link_make_dynamic(l) && link_make_heap_table(l) &&
           make_file_sections(l) &&
           link_make_outs(l) && link_size_dynamic(l) && link_layout(l) &&
           link_add_islands(l) && link_start_early(l);
}

/* Works that do not touch each other's data: the two symbol tables, and
   everything else. */
enum { FILL_SYMTAB, FILL_REST, FILL_DYNSYM, FILL_COUNT };

struct tables {
    struct link *l;
    struct diag dynsym;
    bool ok;
};

static void make_tables(void *arg, unsigned worker, uint64_t i)
{
    struct tables *t = arg;

    (void)worker;
    switch (i) {
    case FILL_SYMTAB:
        link_build_symtab(t->l);
        break;
    case FILL_REST:
        t->ok = link_fill_dynamic(t->l) && link_fill_dynrel(t->l) && link_fill_eh_frame(t->l) &&
                link_fill_islands(t->l) && link_fill_heap_table(t->l);
        break;
    case FILL_DYNSYM:
        link_fill_dynsym(t->l, &t->dynsym);
        break;
    }
}

static bool relocate(struct link *l)
{
    struct tables t = {.l = l};

    if (!link_place_symbols(l))
        return false;
    par_for(FILL_COUNT, make_tables, &t);
    if (t.dynsym.status != OK)
        return diag_fail(l->d, t.dynsym.status, "%s", t.dynsym.text);
    return t.ok && link_finish_symtab(l) && link_pack_debug(l) && link_make_shstrtab(l) &&
           link_layout_file(l);
}

static bool report(struct link *l)
{
    if (l->opt->fatal_warnings && l->d->warnings)
        return diag_fail(l->d, E_LINK, "there were warnings, and --fatal-warnings is given");
    return link_report(l);
}

static const struct link_phase elf_phases[] = {
    {"resolving", resolve}, {"retaining", retain},   {"collecting", collect},
    {"scanning", scan},     {"laying out", lay_out}, {"relocating", relocate},
    {"reporting", report},  {"writing", link_write},
};

static bool is_code(const struct out *o) { return o->rank == RANK_PLT || o->rank == RANK_TEXT; }

const struct link_target link_target_elf = {
    .phases = elf_phases,
    .phase_count = sizeof elf_phases / sizeof *elf_phases,
    .relocate = link_relocate,
    .binds = lsym_preemptible,
    .is_code = is_code,
    .branch_target = link_branch_target,
    .place_symbols = link_place_symbols,
    .lay_out = link_layout,
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Nothing for a link of less than a second; then at most ten lines in one. */
void link_progress(struct link *l, const char *what, uint64_t done, uint64_t all)
{
    int64_t now = 0;

    if (!l->opt->progress)
        return;
    now = now_ms();
    if (now - l->started < 1000 || now - l->told < 100)
        return;
    l->told = now;
    fprintf(stderr, "\r\033[K%s: %s", l->opt->output, what);
    if (all)
        fprintf(stderr, " %u %%", (unsigned)(done * 100 / all));
}

/* What comes first is the same for all; it finds out what the image is to be. */
static bool run_phases(struct link *l)
{
    if (!start(l))
        return false;
    link_progress(l, "reading", 0, 0);
    if (!link_read_inputs(l))
        return false;
    l->target = l->darwin ? &link_target_dylib : l->coff ? &link_target_dll : &link_target_elf;
    for (size_t i = 0; i < l->target->phase_count; i++) {
        link_progress(l, l->target->phases[i].name, 0, 0);
        if (!l->target->phases[i].run(l))
            return false;
    }
    return true;
}

bool link_run(struct diag *d, const struct link_options *options)
{
    struct link l = {.d = d, .opt = options, .output = {.fd = -1}};
    bool ok = false;

    l.started = now_ms();
    ok = run_phases(&l);
    if (l.told) /* wipe the line */
        fprintf(stderr, "\r\033[K");
    link_stop_early(&l);
    output_abandon(&l.output);
    for (uint64_t i = 0; i < l.owned_count; i++)
        free(l.owned[i]);
    for (uint64_t i = 0; i < l.file_count; i++)
        file_close(l.files[i]);
    buf_free(&l.symtab_out);
    buf_free(&l.symtab_extended);
    strtab_free(&l.dynstr);
    strtab_free(&l.strtab);
    strtab_free(&l.shstrtab);
    link_free_symtab(&l);
    arena_free(&l.arena);
    return ok;
}
