/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_command.c - the whole command line: which tables of options it is read
 * by, what holds before the first of them, and whether all of it makes sense. */

#include "link_opts.h"

#include "base/response.h"
#include "darwin.h"
#include "mingw.h"
#include "link_table.h"

#include <string.h>

/* Replace "=" or "$SYSROOT" at the start of each -L by the sysroot. */
static bool place_search(struct link_command *c)
{
    struct link_options *o = &c->options;
    size_t len = strlen(o->sysroot);

    while (len > 0 && o->sysroot[len - 1] == '/')
        len--;
    o->sysroot = arena_strndup(c->a, o->sysroot, len);
    if (!o->sysroot)
        return diag_nomem(c->d);
    for (size_t i = 0; i < o->search.count; i++) {
        const char *dir = o->search.at[i];
        size_t skip = dir[0] == '=' ? 1 : strncmp(dir, "$SYSROOT", 8) == 0 ? 8 : 0;

        if (skip && !(o->search.at[i] = arena_printf(c->a, "%s%s", o->sysroot, dir + skip)))
            return diag_nomem(c->d);
    }
    return true;
}

/* What was asked for can be made, and makes sense. */
static bool check(struct link_command *c)
{
    struct link_options *o = &c->options;

    if (c->in_group)
        return diag_fail(c->d, E_USAGE, "--start-group without --end-group");
    if (c->other_output)
        return diag_fail(c->d, E_UNSUPPORTED, "%s: only shared libraries can be made (-shared)",
                         c->other_output);
    if ((o->ld_rules || o->darwin.ld64_rules) && !c->shared)
        return diag_fail(c->d, E_UNSUPPORTED, "only shared libraries can be made: %s is missing",
                         o->darwin.ld64_rules ? "-dylib" : "-shared");
    if (!*o->output)
        return diag_fail(c->d, E_USAGE, "-o: an output without a name");
    return o->input_count > 0 || diag_fail(c->d, E_USAGE, "no input files");
}

/* Rows of ld; before them, for Mach-O, those of ld64, for PE those of MinGW's ld; behind them, outside of
   ld, those that only we have. */
static const struct opt_row *all_rows(struct link_command *c, size_t *count)
{
    size_t darwin = c->darwin ? darwin_row_count : 0;
    size_t mingw = c->mingw ? mingw_row_count : 0;
    size_t own = c->options.ld_rules ? 0 : link_own_row_count;
    struct opt_row *rows = arena_alloc(c->a, darwin + mingw + link_row_count + own, sizeof *rows);

    *count = darwin + mingw + link_row_count + own;
    if (rows) {
        memcpy(rows, darwin_rows, darwin * sizeof *rows);
        memcpy(rows + darwin, mingw_rows, mingw * sizeof *rows);
        memcpy(rows + darwin + mingw, link_rows, link_row_count * sizeof *rows);
        memcpy(rows + darwin + mingw + link_row_count, link_own_rows, own * sizeof *rows);
    }
    return rows;
}

static void set_defaults(struct link_command *c)
{
    struct link_options *o = &c->options;

    o->output = "a.out";
    o->sysroot = "";
    o->relro = true;
    o->demangle = true;
    o->hash_style = HASH_SYSV | HASH_GNU;
    o->eh_frame_hdr = !o->ld_rules;
    c->now.retain = !o->ld_rules && !o->darwin.ld64_rules;
}

bool link_read_command(struct link_command *c, int argc, char **argv)
{
    struct opts args = {.d = c->d};
    struct opt opt = {0};

    if (!response_expand(c->d, c->a, &argc, &argv))
        return false;
    c->darwin = darwin_wanted(c->options.program, argc, argv, &c->options.darwin.ld64_rules);
    c->mingw = mingw_wanted(argc, argv);
    set_defaults(c);
    args.rows = all_rows(c, &args.count);
    if (!args.rows)
        return diag_nomem(c->d);
    args.long_o = c->darwin;
    c->args = &args;
    args.argc = argc;
    args.argv = argv;
    args.next = 1;
    while (opts_more(&args)) {
        if (!opts_next(&args, &opt))
            return false;
        if (opt.row ? !link_apply(c, opt.row, opt.value, opt.spelt)
                    : opt.value && !link_add_input(c, opt.value, false))
            return false;
        if (c->ask == ASK_HELP || c->ask == ASK_VERSION)
            return true;
    }
    c->args = NULL;
    if (!place_search(c) ||
        !(c->darwin     ? darwin_finish(c)
          : c->nostdlib ? true
          : c->mingw    ? mingw_add_search_dirs(c)
                        : link_add_search_dirs(c)))
        return false;
    if (c->ask != ASK_LINK || (c->say_version && c->options.input_count == 0))
        return true;
    return check(c) && link_finish_lists(c);
}

void link_command_free(struct link_command *c)
{
    buf_free(&c->dynamic_list);
    buf_free(&c->exceptions);
}
