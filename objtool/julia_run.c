/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_run.c - one run of objtool julia: what is made, in which order, and
 * that nothing but the result stays. */

#include "julia.h"

#include "julia_child.h"
#include "julia_progress.h"
#include "julia_scratch.h"
#include "base/file.h"
#include "term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_LINES = 20 };

/* A sink of diagnostics that does not write into the line of progress. */
static void say(void *arg, enum diag_kind kind, const char *text)
{
    struct julia_run *r = arg;
    bool colours = term_colours(STDERR_FILENO);
    struct buf line = {0};

    progress_clear(r->progress);
    buf_printf(&line, "objtool julia: ");
    if (kind == DIAG_WARNING)
        term_tint(&line, colours, TINT_HEAD, "warning: ");
    term_str(&line, text);
    buf_bytes(&line, "\n", 2);
    fputs(line.bad ? "out of memory\n" : (const char *)line.at, stderr);
    buf_free(&line);
}

const char *julia_temp(struct julia_run *r, const char *name)
{
    const char *path = arena_printf(r->a, "%s/%s", r->scratch, name);

    if (!path)
        diag_nomem(r->d);
    return path;
}

/* ---- a run of Julia ---- */

/* The last lines of what a program printed, made harmless. */
static void show_log(struct julia_run *r, const char *path)
{
    struct diag quiet = {0};
    struct file file;
    struct buf out = {0};
    uint64_t from = 0, lines = 0;

    if (!file_open(&quiet, path, &file))
        return;
    for (from = file.data.size; from > 0 && lines <= LOG_LINES; from--)
        lines += from < file.data.size && file.data.at[from - 1] == '\n';
    from += lines > LOG_LINES;
    while (from < file.data.size) {
        const char *line = (const char *)file.data.at + from;
        const char *end = memchr(line, '\n', file.data.size - from);
        size_t len = end ? (size_t)(end - line) : (size_t)(file.data.size - from);

        buf_printf(&out, "  | ");
        term_name(&out, line, len < 400 ? len : 400);
        buf_printf(&out, "\n");
        from += len + 1;
    }
    progress_clear(r->progress);
    if (!out.bad)
        fwrite(out.at ? (const char *)out.at : "", 1, out.size, stderr);
    buf_free(&out);
    file_close(&file);
}

static void show_command(const char *const *argv)
{
    struct buf out = {0};

    for (int i = 0; argv[i]; i++) {
        buf_printf(&out, i ? " " : "+ ");
        term_str(&out, argv[i]);
    }
    buf_bytes(&out, "\n", 2);
    fputs(out.bad ? "out of memory\n" : (const char *)out.at, stderr);
    buf_free(&out);
}

struct ticking {
    struct julia_run *r;
    const struct julia_call *call;
};

static void tick(void *arg, double seconds)
{
    struct ticking *t = arg;

    progress_tick(t->r->progress, seconds, t->call->detail ? t->call->detail(t->r) : "");
}

static uint64_t count(const char *const *list)
{
    uint64_t n = 0;

    while (list && list[n])
        n++;
    return n;
}

/* The whole command line and what is added to the environment, in A: what
   every Julia is told, then CALL's.  False without memory. */
static bool complete(struct julia_run *r, const struct julia_call *call, const char ***argv,
                     const char ***env)
{
    uint64_t args = count(call->args), added = count(call->env), n = 0, e = 0;

    *argv = arena_alloc(r->a, args + 8, sizeof **argv);
    *env = arena_alloc(r->a, added + 2, sizeof **env);
    if (!*argv || !*env)
        return diag_nomem(r->d);
    (*argv)[n++] = r->julia.path;
    (*argv)[n++] = "--startup-file=no";
    (*argv)[n++] = "--history-file=no";
    /* Code of cached packages cannot go into an image, and what is cached is
       not recorded. */
    if (r->julia.minor >= 9)
        (*argv)[n++] = "--pkgimages=no";
    if (r->project) {
        (*argv)[n] = arena_printf(r->a, "--project=%s", r->project);
        /* Workers of the program, too, see the project and no other. */
        (*env)[e] = arena_printf(r->a, "JULIA_LOAD_PATH=%s:@stdlib", r->project);
        if (!(*argv)[n++] || !(*env)[e++])
            return diag_nomem(r->d);
    }
    memcpy(*argv + n, call->args, args * sizeof **argv);
    if (added > 0)
        memcpy(*env + e, call->env, added * sizeof **env);
    return true;
}

bool julia_call(struct julia_run *r, struct julia_call *call)
{
    const char **argv = NULL, **env = NULL;
    const char *log = r->c->verbose ? NULL : julia_temp(r, "log");
    struct ticking t = {r, call};
    struct child child = {.dir = call->dir, .arg = &t, .tick = tick};

    if (!complete(r, call, &argv, &env) || (!log && !r->c->verbose))
        return false;
    child.argv = argv;
    child.env = env;
    child.output = call->output;
    child.errors = log;
    if (r->c->verbose) {
        progress_clear(r->progress);
        show_command(argv);
    }
    if (!child_run(r->d, r->a, r->signals, &child))
        return false;
    call->seconds = child.seconds;
    call->peak = child.peak;
    if (child.status == 0)
        return true;
    if (log)
        show_log(r, log);
    return diag_fail(r->d, call->failure ? call->failure : E_SYSTEM, "%s %s%s", call->what,
                     child_ending(r->a, child.status),
                     WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGKILL
                         ? ", as when memory runs out"
                         : "");
}

/* ---- the steps ---- */

/* Where the output is made, under its own name, which some formats write into
   it.  NULL with a word in D. */
static const char *place_for_output(struct julia_run *r)
{
    const char *slash = strrchr(r->c->output, '/'), *dir = julia_temp(r, "output");
    const char *name = slash ? slash + 1 : r->c->output;
    const char *path = dir ? arena_printf(r->a, "%s/%s", dir, name) : NULL;

    if (!path) {
        diag_nomem(r->d);
        return NULL;
    }
    if (mkdir(dir, 0777) != 0) {
        diag_fail(r->d, E_SYSTEM, "%s: %s", dir, strerror(errno));
        return NULL;
    }
    return path;
}

/* Give OUTPUT what is in TEMP, in one step. */
static bool deliver(struct julia_run *r, const char *temp, const char *output)
{
    if (signals_came(r->signals))
        return diag_fail(r->d, E_SYSTEM, "interrupted");
    if (rename(temp, output) == 0)
        return true;
    return diag_fail(r->d, E_SYSTEM, "%s: %s", output, strerror(errno));
}

/* A copy of TEMP is TO. */
static bool save(struct julia_run *r, const char *temp, const char *to)
{
    struct file file;
    struct output out;
    bool ok = false;

    if (!file_open(r->d, temp, &file))
        return false;
    ok = output_begin(r->d, to, file.data.size, &out);
    if (ok && !output_write(&out, file.data.at, file.data.size, 0))
        ok = diag_fail(r->d, E_SYSTEM, "%s: cannot write: %s", to, strerror(errno));
    ok = ok && output_commit(r->d, &out, 0666);
    output_abandon(&out);
    file_close(&file);
    return ok;
}

static bool create(struct julia_run *r)
{
    struct julia_command *c = r->c;
    bool record = c->executions.count > 0 || c->statements.count > 0;
    const char *keep = c->save_temps ? c->save_temps : r->scratch;
    const char *statements = arena_printf(r->a, "%s/statements.jl", keep);
    const char *script = arena_printf(r->a, "%s/sysimage.jl", keep);
    const char *kept = arena_printf(r->a, "%s/sys.o", keep);
    const char *object = julia_temp(r, "sys.o"), *image = place_for_output(r);

    if (!image)
        return false;
    if (!statements || !script || !kept || !object)
        return diag_nomem(r->d);
    if (record && !julia_record(r, statements))
        return false;
    if (!julia_script(r, record ? statements : NULL, script) || !julia_object(r, script, object))
        return false;
    if (c->save_temps && !save(r, object, kept))
        return false;
    if (!julia_link(r, object, image))
        return false;
    if (!c->no_check && !julia_check(r, image, c->output))
        return false;
    return deliver(r, image, c->output);
}

static bool run_step(struct julia_run *r)
{
    struct julia_command *c = r->c;
    const char *input = c->input ? scratch_real(r->d, r->a, c->input) : NULL;
    const char *temp = NULL;

    if (c->input && !input)
        return false;
    if (c->step == JULIA_CREATE)
        return create(r);
    if (c->step == JULIA_CHECK)
        return julia_check(r, input, c->input);
    if (!(temp = place_for_output(r)))
        return false;
    switch (c->step) {
    case JULIA_RECORD:
        return julia_record(r, temp) && deliver(r, temp, c->output);
    case JULIA_SCRIPT:
        return julia_script(r, c->statements.count ? c->statements.at[0] : NULL, temp) &&
               deliver(r, temp, c->output);
    case JULIA_OBJECT:
        return julia_object(r, input, temp) && deliver(r, temp, c->output);
    default:
        return julia_link(r, input, temp) && deliver(r, temp, c->output);
    }
}

/* *PROGRAM, if it is a path, from the root on.  Links in it stay: some programs
   look at the name that they were started under. */
static bool from_anywhere(struct julia_run *r, const char **program)
{
    const char *here = NULL;

    if (**program == '/' || !strchr(*program, '/'))
        return true;
    if (!(here = scratch_real(r->d, r->a, ".")))
        return false;
    *program = arena_printf(r->a, "%s/%s", here, *program);
    return *program || diag_nomem(r->d);
}

/* Paths as they are seen from any directory; what is missing is said before
   minutes have passed. */
static bool make_absolute(struct julia_run *r)
{
    struct julia_command *c = r->c;
    struct stat s;

    if (c->output && stat(c->output, &s) == 0 && S_ISDIR(s.st_mode))
        return diag_fail(r->d, E_USAGE, "%s: a directory, not a file to write", c->output);
    if (c->julia && !from_anywhere(r, &c->julia))
        return false;
    if (c->project && !(r->project = scratch_real(r->d, r->a, c->project)))
        return false;
    if (r->project && strchr(r->project, ':'))
        return diag_fail(r->d, E_UNSUPPORTED,
                         "%s: a project whose path has a ':' cannot be in JULIA_LOAD_PATH",
                         r->project);
    if (c->base_image && !(c->base_image = scratch_real(r->d, r->a, c->base_image)))
        return false;
    if (c->save_temps) {
        if (mkdir(c->save_temps, 0777) != 0 && errno != EEXIST)
            return diag_fail(r->d, E_SYSTEM, "%s: %s", c->save_temps, strerror(errno));
        if (!(c->save_temps = scratch_real(r->d, r->a, c->save_temps)))
            return false;
    }
    for (uint64_t i = 0; i < c->executions.count; i++)
        if (!(c->executions.at[i] = scratch_real(r->d, r->a, c->executions.at[i])))
            return false;
    for (uint64_t i = 0; i < c->statements.count; i++)
        if (!(c->statements.at[i] = scratch_real(r->d, r->a, c->statements.at[i])))
            return false;
    return true;
}

/* How many lines of progress there will be. */
static unsigned count_steps(const struct julia_command *c)
{
    unsigned base = c->fresh ? 2 : 0;

    switch (c->step) {
    case JULIA_CREATE:
        return base + 2u + (c->executions.count > 0) + !c->no_check;
    case JULIA_OBJECT:
        return base + 1u;
    default:
        return 1;
    }
}

int julia_run_command(struct julia_command *c)
{
    struct julia_signals signals;
    struct progress progress;
    struct julia_run r = {.c = c, .d = c->d, .a = c->a, .signals = &signals, .progress = &progress};
    bool no_julia = c->step == JULIA_SCRIPT || (c->step == JULIA_LINK && c->lib_dirs.count > 0);

    progress_begin(&progress, c->quiet || c->step == JULIA_SCRIPT, count_steps(c));
    c->d->sink = say;
    c->d->arg = &r;
    signals_hold(&signals);
    if (make_absolute(&r) && (r.scratch = scratch_make(c->d, c->a, c->output)) &&
        (no_julia || julia_find(&r)))
        run_step(&r);
    progress_clear(&progress);
    if (r.scratch)
        scratch_remove(r.scratch);
    signals_release(&signals);
    return diag_exit_code(c->d->status);
}
