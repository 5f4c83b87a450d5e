/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_link.c - objtool link, and ld: read the command line, link, say what
 * went wrong. */

#include "command.h"
#include "darwin.h"
#include "mingw.h"
#include "link_opts.h"
#include "link_table.h"
#include "tell.h"
#include "term.h"

#include "base/par.h"
#include "link/link.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

/* Scripts that look for GNU ld search this line for "GNU".  libtool takes
   " 0." for the version of an ld of 1999, so a hyphen stands before ours. */
static const char version[] =
    "objtool-" PACKAGE_VERSION " (sysimage-tools), compatible with GNU ld\n";

static const char targets[] = "supported targets: elf64-x86-64 elf64-littleaarch64";
static const char emulations[] = "supported emulations: elf_x86_64 aarch64linux";

/* One run; warnings may come from several threads. */
struct session {
    struct link_command c;
    _Atomic uint64_t warnings;
};

/* A sink of diagnostics: a line on stderr, after the program's name. */
static void say(void *arg, enum diag_kind kind, const char *text)
{
    struct session *s = arg;
    const struct link_command *c = &s->c;
    bool colours =
        c->colour == COLOUR_ALWAYS || (c->colour == COLOUR_AUTO && term_colours(STDERR_FILENO));
    bool warning = kind == DIAG_WARNING;
    struct buf line = {0};

    if (warning && c->options.no_warnings)
        return;
    s->warnings += warning;
    term_str(&line, c->options.program);
    buf_printf(&line, ": ");
    term_tint(&line, colours, warning ? TINT_HEAD : TINT_BAD, warning ? "warning: " : "");
    term_str(&line, text);
    buf_bytes(&line, "\n", 2);
    fputs(line.bad ? "out of memory\n" : (const char *)line.at, stderr);
    buf_free(&line);
}

static void help_rows(struct buf *out, const struct opt_row *rows, size_t count)
{
    for (const struct opt_row *r = rows; r < rows + count; r++) {
        if (!r->names)
            buf_printf(out, "\n%s:\n", r->help);
        else
            opt_help(out, r);
    }
}

struct keyword {
    struct buf *out;
    const struct opt_row *row;
    bool more;
};

static void help_keywords(struct buf *out)
{
    buf_printf(out, "\nKeywords of -z:\n");
    for (const struct opt_row *r = link_z_rows; r < link_z_rows + link_z_row_count; r++) {
        uint64_t start = out->size;

        buf_printf(out, "  ");
        for (const char *p = r->names; *p; p++) {
            if (*p == '|')
                buf_printf(out, ",");
            if (*p == '|' && out->size - start > 60) {
                buf_printf(out, "\n  ");
                start = out->size - 2;
            } else if (*p == '|') {
                buf_printf(out, " ");
            } else {
                buf_printf(out, "%c", *p);
            }
        }
        if (r->value)
            buf_printf(out, r->value[0] == '[' ? "[=%s" : "=%s", r->value + (r->value[0] == '['));
        if (out->size - start > 28) {
            buf_printf(out, "\n");
            start = out->size;
        }
        opt_wrap(out, start, 30,
                 r->does == DOES_WARN     ? "ignored with a warning"
                 : r->does == DOES_IGNORE ? "ignored"
                                          : r->help);
    }
}

static int help(const struct link_command *c)
{
    struct buf out = {0};

    if (c->options.ld_rules)
        buf_printf(&out, "Usage: %s -shared [option...] file...\n", c->options.program);
    else
        buf_printf(&out, "Usage: objtool link [option...] file...\n"
                         "Link objects, archives and shared libraries into one shared library.\n"
                         "Archives that are named by their path are taken whole.\n");
    help_rows(&out, link_rows, link_row_count);
    if (!c->options.ld_rules) {
        help_rows(&out, link_own_rows, link_own_row_count);
        help_rows(&out, darwin_rows, darwin_row_count);
        help_rows(&out, mingw_rows, mingw_row_count);
    }
    help_keywords(&out);
    buf_printf(&out,
               "\n  @FILE                       arguments from FILE\n"
               "\nExit code: 0 ok, 1 link errors, 2 usage, 3 I/O, 4 input not recognised,\n"
               "5 malformed, 6 not supported, 7 limit, 70 internal.\n\n%s: %s\n%s: %s\n",
               c->options.program, targets, c->options.program, emulations);
    return tell_print(&out, 0);
}

/* What was asked for besides or instead of a link. */
static int answer(struct link_command *c)
{
    struct buf out = {0};

    if (c->ask == ASK_HELP)
        return help(c);
    if (c->ask == ASK_VERSION || c->say_version)
        buf_printf(&out, "%s", version);
    if (c->say_targets)
        buf_printf(&out, "  %s\n  %s\n", targets, emulations);
    for (size_t i = 0; c->say_search && i < c->options.search.count; i++) {
        buf_printf(&out, "SEARCH_DIR(\"");
        term_str(&out, c->options.search.at[i]);
        buf_printf(&out, "\");\n");
    }
    if (c->ask == ASK_SYSROOT)
        buf_printf(&out, "%s\n", c->options.sysroot);
    if (c->ask == ASK_FORMAT)
        buf_printf(&out, "%s\n", link_format_name(c));
    return tell_print(&out, 0);
}

/* Under --fatal-warnings, what was only warned of is an error. */
static bool warned_too_much(struct session *s)
{
    if (!s->c.options.fatal_warnings || s->warnings == 0 || s->c.d->status != OK)
        return false;
    return !diag_fail(s->c.d, E_LINK, "there were warnings, and --fatal-warnings is given");
}

static int run(int argc, char **argv, const char *program, bool ld_rules)
{
    struct arena a = {0};
    struct session s = {.c = {.a = &a, .options = {.program = program, .ld_rules = ld_rules}}};
    struct link_command *c = &s.c;
    struct diag d = {.sink = say, .arg = &s};
    int code = 0;

    c->d = &d;
    if (link_read_command(c, argc, argv)) {
        code = answer(c);
        if (code == 0 && c->ask == ASK_LINK && c->options.input_count > 0 && !warned_too_much(&s)) {
            c->options.progress = isatty(STDERR_FILENO);
            par_limit(c->options.threads);
            link_run(&d, &c->options);
            warned_too_much(&s);
        }
    }
    link_command_free(c);
    arena_free(&a);
    return d.status != OK ? diag_exit_code(d.status) : code;
}

int cmd_link(int argc, char **argv) { return run(argc, argv, "objtool", false); }

int cmd_ld(int argc, char **argv, const char *program) { return run(argc, argv, program, true); }
