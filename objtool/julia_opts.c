/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_opts.c - the command line of objtool julia.  Each option says in its
 * row which steps know it. */

#include "julia.h"

#include "julia_script.h"

#include <stddef.h>
#include <string.h>

enum does { DOES_HELP, DOES_TEXT, DOES_LIST, DOES_FLAG, DOES_INCREMENTAL };

#define AT(member) offsetof(struct julia_command, member)
#define RUNS (JULIA_CREATE | JULIA_RECORD | JULIA_OBJECT | JULIA_LINK | JULIA_CHECK)
#define ALL (RUNS | JULIA_SCRIPT | JULIA_AUDIT)

/* clang-format off */
const struct opt_row julia_rows[] = {
    {NULL, NULL, 0, 0, ALL, "Options"},
    {"o|output", "FILE", DOES_TEXT, AT(output), JULIA_CREATE | JULIA_RECORD | JULIA_SCRIPT | JULIA_OBJECT | JULIA_LINK, "what to write"},
    {"julia", "PROGRAM", DOES_TEXT, AT(julia), RUNS, "the Julia to use (julia on PATH)"},
    {"project", "DIR", DOES_TEXT, AT(project), RUNS & ~JULIA_LINK, "the project whose packages are meant; only it and the standard library are seen"},
    {"precompile-execution", "FILE", DOES_LIST, AT(executions), JULIA_CREATE | JULIA_RECORD | JULIA_CHECK, "run this program to see what it compiles; check runs it to see how long it takes"},
    {"precompile-statements", "FILE", DOES_LIST, AT(statements), JULIA_CREATE | JULIA_RECORD | JULIA_SCRIPT, "statements recorded earlier"},
    {"no-generated-names", NULL, DOES_FLAG, AT(drop_generated), JULIA_CREATE | JULIA_RECORD, "leave out statements with names that begin with #, which Julia made up and may choose otherwise next time"},
    {"import", NULL, DOES_FLAG, AT(import), JULIA_CREATE | JULIA_SCRIPT, "have Main see the packages without \"using\""},
    {"cpu-target", "TARGETS", DOES_TEXT, AT(cpu_target), JULIA_CREATE | JULIA_OBJECT, "CPUs to compile for, as julia --cpu-target"},
    {"base-image", "FILE", DOES_TEXT, AT(base_image), JULIA_CREATE | JULIA_RECORD | JULIA_OBJECT, "image to start from (Julia's own)"},
    {"incremental", "yes|no", DOES_INCREMENTAL, AT(fresh), JULIA_CREATE | JULIA_OBJECT, "no: make the image that one starts from anew, too, of the sources that come with Julia (yes)"},
    {"target", "TRIPLE", DOES_TEXT, AT(target), JULIA_LINK, "what the object is for, as in objtool link; an object for another system needs -L and no Julia"},
    {"L|library-path", "DIR", DOES_LIST, AT(lib_dirs), JULIA_LINK, "where libjulia is, instead of asking Julia"},
    {"link-option", "OPTION", DOES_LIST, AT(link_options), JULIA_CREATE | JULIA_LINK, "an option of objtool link, for example --strip-debug"},
    {"no-check", NULL, DOES_FLAG, AT(no_check), JULIA_CREATE, "do not start Julia with the image"},
    {"save-temps", "DIR", DOES_TEXT, AT(save_temps), JULIA_CREATE, "keep statements.jl, sysimage.jl and sys.o in DIR"},
    {"look-for", "TEXT", DOES_LIST, AT(look_for), JULIA_AUDIT, "a text that must not be in the image"},
    {"environment", NULL, DOES_FLAG, AT(environment), JULIA_AUDIT, "look for the values of this environment's variables, and for the names of this user and machine"},
    {"except", "FILE", DOES_TEXT, AT(except), JULIA_AUDIT, "leave out what is in FILE as well: Julia's own image, say"},
    {"system", NULL, DOES_FLAG, AT(system), JULIA_AUDIT, "also paths that every system has (/usr, /etc, ...)"},
    {"redact", NULL, DOES_FLAG, AT(redact), JULIA_AUDIT, "show no text that was found, only its kind, length and place"},
    {"json", NULL, DOES_FLAG, AT(json), JULIA_CREATE | JULIA_CHECK | JULIA_AUDIT, "the result as JSON"},
    {"v|verbose", NULL, DOES_FLAG, AT(verbose), RUNS | JULIA_AUDIT, "show what Julia prints and the commands that are run, all that was found"},
    {"q|quiet", NULL, DOES_FLAG, AT(quiet), RUNS, "no word on progress"},
    {"h|help", NULL, DOES_HELP, 0, ALL, "this text"},
};
/* clang-format on */
const size_t julia_row_count = sizeof julia_rows / sizeof julia_rows[0];

static const struct step {
    const char *name;
    enum julia_step step;
    const char *arguments, *help;
} steps[] = {
    {"create", JULIA_CREATE, "[OPTION...] PKG... -o SYS.SO",
     "make an image with these packages: all of the steps below"},
    {"record", JULIA_RECORD, "--precompile-execution=FILE [OPTION...] [PKG...] -o STATEMENTS",
     "run a program and write down what it compiles"},
    {"script", JULIA_SCRIPT, "[--precompile-statements=FILE] [OPTION...] [PKG...] -o SCRIPT",
     "write the script that says what goes into the image"},
    {"object", JULIA_OBJECT, "[OPTION...] SCRIPT -o SYS.O", "have Julia make the object (minutes)"},
    {"link", JULIA_LINK, "[OPTION...] SYS.O -o SYS.SO", "make the image of the object"},
    {"check", JULIA_CHECK, "[OPTION...] SYS.SO [PKG...]", "start Julia with the image"},
    {"audit", JULIA_AUDIT, "[OPTION...] FILE",
     "look for paths, user names and environment strings in an image or object"},
};
enum { STEPS = sizeof steps / sizeof steps[0] };

static const struct step *step_of(enum julia_step step)
{
    for (int i = 0; i < STEPS; i++)
        if (steps[i].step == step)
            return &steps[i];
    return NULL;
}

void julia_help(struct buf *out, enum julia_step step)
{
    const struct step *of = step_of(step);

    if (of) {
        buf_printf(out, "Usage: objtool julia %s %s\n%c%s.\n", of->name, of->arguments,
                   of->help[0] - 'a' + 'A', of->help + 1);
    } else {
        buf_printf(out,
                   "Usage: objtool julia STEP [argument...]\n"
                   "Make a Julia sysimage, with no compiler, and look for what it gives away.\n"
                   "\nSteps:\n");
        for (int i = 0; i < STEPS; i++)
            buf_printf(out, "  %-8s %s\n", steps[i].name, steps[i].help);
        buf_printf(out, "\nobjtool julia STEP --help says more.\n");
    }
    for (const struct opt_row *r = julia_rows; of && r < julia_rows + julia_row_count; r++) {
        if (!(r->to & (int)step))
            continue;
        if (!r->names)
            buf_printf(out, "\n%s:\n", r->help);
        else
            opt_help(out, r);
    }
    buf_printf(
        out, "\nExit code: 0 done, 1 the image does not work or was found to tell too much,\n"
             "2 usage, 3 I/O or Julia failed, 4 not a known format, 5 malformed, 6 not supported,\n"
             "7 limit hit.\n");
}

static bool add(struct julia_command *c, struct julia_list *list, const char *text)
{
    if (!arena_grow(c->a, (void **)(uintptr_t)&list->at, list->count, &list->cap, sizeof *list->at))
        return diag_nomem(c->d);
    list->at[list->count++] = text;
    return true;
}

static bool apply(struct julia_command *c, const struct opt *o)
{
    char *member = (char *)c + o->row->at;

    if (!(o->row->to & (int)c->step))
        return diag_fail(c->d, E_USAGE, "option '%s' is not for julia %s", o->spelt,
                         step_of(c->step)->name);
    switch ((enum does)o->row->does) {
    case DOES_HELP:
        c->help = true;
        return true;
    case DOES_FLAG:
        *(bool *)(void *)member = true;
        return true;
    case DOES_TEXT:
        if (!*o->value)
            return diag_fail(c->d, E_USAGE, "option '%s': no value", o->spelt);
        *(const char **)(void *)member = o->value;
        return true;
    case DOES_LIST:
        if (!*o->value)
            return diag_fail(c->d, E_USAGE, "option '%s': no value", o->spelt);
        return add(c, (struct julia_list *)(void *)member, o->value);
    case DOES_INCREMENTAL:
        *(bool *)(void *)member = strcmp(o->value, "no") == 0;
        return c->fresh || strcmp(o->value, "yes") == 0 ||
               diag_fail(c->d, E_USAGE, "--incremental: '%s' is not yes or no", o->value);
    }
    return true;
}

/* A plain argument: the file that the step starts from, then packages. */
static bool argument(struct julia_command *c, const char *text)
{
    bool starts_from = c->step & (JULIA_OBJECT | JULIA_LINK | JULIA_CHECK | JULIA_AUDIT);

    if (starts_from && !c->input) {
        c->input = text;
        return *text || diag_fail(c->d, E_USAGE, "a file without a name");
    }
    if (c->step & (JULIA_OBJECT | JULIA_LINK | JULIA_AUDIT))
        return diag_fail(c->d, E_USAGE, "'%s': julia %s takes one file", text,
                         step_of(c->step)->name);
    if (!julia_is_name(text))
        return diag_fail(c->d, E_USAGE, "'%s' is no name of a package", text);
    return add(c, &c->packages, text);
}

static bool check(struct julia_command *c)
{
    const char *name = step_of(c->step)->name;
    bool starts_from = c->step & (JULIA_OBJECT | JULIA_LINK | JULIA_CHECK | JULIA_AUDIT);

    if (starts_from && !c->input)
        return diag_fail(c->d, E_USAGE, "julia %s: no file given", name);
    if (!(c->step & (JULIA_CHECK | JULIA_AUDIT)) && !c->output)
        return diag_fail(c->d, E_USAGE, "julia %s: -o FILE is needed", name);
    if (c->step == JULIA_CREATE && c->packages.count == 0 && c->executions.count == 0 &&
        c->statements.count == 0)
        return diag_fail(c->d, E_USAGE, "nothing to put into the image: no package, no program");
    if (c->step == JULIA_RECORD && c->executions.count == 0 && c->statements.count == 0)
        return diag_fail(c->d, E_USAGE, "julia record: --precompile-execution=FILE is needed");
    if (c->step == JULIA_SCRIPT && c->statements.count > 1)
        return diag_fail(c->d, E_USAGE,
                         "julia script: one file of statements; "
                         "julia record makes one of several");
    if (c->fresh && c->base_image)
        return diag_fail(c->d, E_USAGE, "--incremental=no and --base-image: one of them");
    if (c->json && c->no_check)
        return diag_fail(c->d, E_USAGE, "--json and --no-check: the result is the check's");
    if (c->target && c->lib_dirs.count == 0)
        return diag_fail(c->d, E_USAGE,
                         "--target needs -L, the directory of that system's libjulia");
    return true;
}

bool julia_read_command(struct julia_command *c, int argc, char **argv)
{
    struct opts opts = {.d = c->d,
                        .rows = julia_rows,
                        .count = julia_row_count,
                        .argc = argc,
                        .argv = argv,
                        .next = 2};
    struct opt o;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        c->help = true;
        return true;
    }
    for (int i = 0; argc > 1 && i < STEPS; i++)
        if (strcmp(argv[1], steps[i].name) == 0)
            c->step = steps[i].step;
    if (!c->step)
        return diag_fail(c->d, E_USAGE, argc > 1 ? "'%s' is no step of julia" : "no step given",
                         argc > 1 ? argv[1] : "");
    while (opts_more(&opts)) {
        if (!opts_next(&opts, &o))
            return false;
        if (o.row ? !apply(c, &o) : o.value && !argument(c, o.value))
            return false;
        if (c->help)
            return true;
    }
    return check(c);
}
