/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dll.c - the phases of a link that makes a PE library, in order. */

#include "dll/dll.h"

static bool scan(struct link *l)
{
    return dll_make_resources(l) && dll_scan(l) && link_settle_heaps(l) && dll_make_imports(l) && dll_make_exports(l);
}

static bool lay_out(struct link *l)
{
    return link_make_heap_table(l) && dll_make_outs(l) && dll_layout(l) && link_add_islands(l);
}

static bool make(struct link *l)
{
    dll_fill_resources(l);
    /* Imports first: their slots have no symbols, but exports may lead to stubs. */
    return dll_place_symbols(l) && link_fill_islands(l) && dll_fill_imports(l) && dll_fill_exports(l) && dll_fill_tls(l) &&
           link_fill_heap_table(l) && dll_sort_pdata(l);
}

static bool write(struct link *l)
{
    bool ok = dll_write(l);

    buf_free(&l->dll->header);
    return ok;
}

static bool report(struct link *l)
{
    if (l->opt->fatal_warnings && l->d->warnings)
        return diag_fail(l->d, E_LINK, "there were warnings, and --fatal-warnings is given");
    return link_report(l);
}

static const struct link_phase phases[] = {
    {"resolving", dll_resolve}, {"scanning", scan},    {"laying out", lay_out},
    {"relocating", make},       {"reporting", report}, {"writing", write},
};

static bool is_code(const struct out *o) { return !o->heap && o->type & IMAGE_SCN_CNT_CODE; }

const struct link_target link_target_dll = {
    .phases = phases,
    .phase_count = sizeof phases / sizeof *phases,
    .relocate = dll_relocate,
    .finish_window = dll_finish_window,
    .binds = dll_binds,
    .is_code = is_code,
    .branch_target = dll_branch_target,
    .place_symbols = dll_place_symbols,
    .lay_out = dll_layout,
};
