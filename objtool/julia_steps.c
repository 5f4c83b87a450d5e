/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_steps.c - record, script, object, link. */

#include "command.h"
#include "julia.h"
#include "julia_progress.h"
#include "julia_scratch.h"
#include "julia_script.h"
#include "julia_statements.h"
#include "term.h"

#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILURES_SHOWN = 10 };

static double megabytes(uint64_t bytes) { return (double)bytes / 1e6; }

static uint64_t size_of(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && s.st_size > 0 ? (uint64_t)s.st_size : 0;
}

/* ---- record ---- */

/* Have Julia cache the packages now, so that this is not recorded. */
static bool precompile_packages(struct julia_run *r)
{
    struct buf text = {0};
    const char *args[] = {"-e", NULL, NULL};
    struct julia_call call = {.what = "loading the packages", .args = args};
    bool ok = true;

    for (uint64_t i = 0; i < r->c->packages.count; i++)
        buf_printf(&text, "import %s\n", r->c->packages.at[i]);
    if (text.size > 0) {
        buf_bytes(&text, "", 1);
        args[1] = (const char *)text.at;
        ok = text.bad ? diag_nomem(r->d) : julia_call(r, &call);
    }
    buf_free(&text);
    return ok;
}

static bool add_file(struct julia_run *r, struct statements *s, const char *path, const char *name)
{
    struct file file;
    bool ok = false;

    if (!file_open(r->d, path, &file))
        return false;
    ok = statements_add(r->d, s, name, file.data);
    file_close(&file);
    return ok;
}

static bool run_program(struct julia_run *r, struct statements *s, const char *program)
{
    const char *trace = julia_temp(r, "trace");
    const char *option = trace ? arena_printf(r->a, "--trace-compile=%s", trace) : NULL;
    const char *image = r->c->base_image ? r->c->base_image : r->julia.image;
    const char *args[] = {option, "-J", image, program, NULL};
    struct julia_call call = {.what = program, .args = args};
    bool ok = false;

    if (!option)
        return diag_nomem(r->d);
    ok = julia_call(r, &call) && add_file(r, s, trace, "the trace");
    unlink(trace);
    return ok;
}

bool julia_record(struct julia_run *r, const char *output)
{
    struct julia_command *c = r->c;
    struct statements s = {.drop_generated = c->drop_generated};
    bool ok = true;

    if (c->executions.count > 0) {
        progress_step(r->progress, "recording what is compiled");
        ok = precompile_packages(r);
    }
    for (uint64_t i = 0; ok && i < c->executions.count; i++)
        ok = run_program(r, &s, c->executions.at[i]);
    for (uint64_t i = 0; ok && i < c->statements.count; i++)
        ok = add_file(r, &s, c->statements.at[i], c->statements.at[i]);
    ok = ok && scratch_write(r->d, output, &s.text);
    r->counts.recorded = s.kept;
    r->counts.mended = s.mended;
    r->counts.doubles = s.doubles;
    r->counts.generated = s.generated;
    r->counts.strange = s.strange;
    if (ok && c->executions.count > 0)
        progress_done(r->progress,
                      "%" PRIu64 " statements, %" PRIu64 " of them mended; left out: %" PRIu64
                      " with made-up names, %" PRIu64 " that are none",
                      s.kept, s.mended, s.generated, s.strange);
    statements_free(&s);
    return ok;
}

/* ---- script ---- */

bool julia_script(struct julia_run *r, const char *statements, const char *output)
{
    struct julia_script s = {.packages = r->c->packages.at,
                             .package_count = r->c->packages.count,
                             .statements = statements,
                             .import = r->c->import};
    struct buf text = {0};
    bool ok = true;

    julia_script_write(&text, &s);
    ok = scratch_write(r->d, output, &text);
    buf_free(&text);
    return ok;
}

/* ---- object ---- */

/* What the script has reported so far. */
static const char *statements_done(struct julia_run *r)
{
    const char *path = julia_temp(r, "report");
    struct diag quiet = {0};
    struct file file;
    uint64_t lines = 0, of = 0;
    const char *said = "";
    char head[32] = ""; /* no string function may run off the mapping */

    if (!path || access(path, R_OK) != 0 || !file_open(&quiet, path, &file))
        return said;
    for (uint64_t i = 0; i < file.data.size; i++)
        lines += file.data.at[i] == '\n';
    if (file.data.size > 0)
        memcpy(head, file.data.at, file.data.size < 31 ? file.data.size : 31);
    if (lines > 0 && sscanf(head, "of %" SCNu64, &of) == 1)
        said = lines - 1 < of ? arena_printf(r->a, "statement %" PRIu64 " of %" PRIu64, lines, of)
                              : "statements done, writing the object";
    file_close(&file);
    return said ? said : "";
}

/* A line "NUMBER OUTCOME [REASON]\tSTATEMENT" of the report. */
static void take_line(struct julia_run *r, const char *line, size_t len)
{
    struct julia_counts *n = &r->counts;
    const char *tab = memchr(line, '\t', len), *space = memchr(line, ' ', len);
    size_t rest = space ? len - (size_t)(space + 1 - line) : 0;
    bool unknown = rest >= 7 && !memcmp(space + 1, "unknown", 7);
    size_t reason = 0;

    if (rest >= 8 && !memcmp(space + 1, "compiled", 8)) {
        n->compiled++;
        return;
    }
    if (!tab || tab < space || (!unknown && !(rest >= 7 && !memcmp(space + 1, "failed ", 7))))
        return;
    *(unknown ? &n->unknown : &n->failed) += 1;
    if (n->unknown + n->failed > FAILURES_SHOWN && !r->c->verbose)
        return;
    reason = unknown ? 0 : (size_t)(tab - (space + 8));
    len -= (size_t)(tab + 1 - line);
    diag_warn(r->d, "statement %.*s: %.*s: %.*s", (int)(space - line), line,
              unknown ? 31 : (int)reason, unknown ? "no method is found for its types" : space + 8,
              len < 300 ? (int)len : 300, tab + 1);
}

static bool read_report(struct julia_run *r, const char *path)
{
    struct julia_counts *n = &r->counts;
    struct file file;
    uint64_t bad = 0;

    if (access(path, F_OK) != 0)
        return true; /* a script of somebody else's */
    if (!file_open(r->d, path, &file))
        return false;
    for (uint64_t at = 0; at < file.data.size;) {
        const char *line = (const char *)file.data.at + at;
        const char *end = memchr(line, '\n', file.data.size - at);
        size_t len = end ? (size_t)(end - line) : (size_t)(file.data.size - at);

        take_line(r, line, len);
        at += len + 1;
    }
    file_close(&file);
    n->total = n->compiled + n->unknown + n->failed;
    bad = n->unknown + n->failed;
    if (bad > FAILURES_SHOWN && !r->c->verbose)
        diag_warn(r->d, "and %" PRIu64 " more statements that were not compiled (--verbose)",
                  bad - FAILURES_SHOWN);
    return true;
}

/* The image to start from, made of the sources that come with Julia. */
static const char *fresh_base(struct julia_run *r)
{
    const char *compiler = julia_temp(r, "compiler.ji"), *sys = julia_temp(r, "base.ji");
    const char *source = arena_printf(r->a, "%s/compiler/compiler.jl", r->julia.base);
    const char *cpu = r->c->cpu_target ? r->c->cpu_target : "native";
    const char *first[] = {"-C", cpu, "--output-ji", compiler, "-g0", "-O0", source, NULL};
    const char *second[] = {"-C", cpu,   "-J",  compiler,    "--output-ji",
                            sys,  "-g1", "-O0", "sysimg.jl", NULL};
    struct julia_call one = {.what = "Julia, compiling its compiler", .args = first};
    struct julia_call two = {.what = "Julia, loading its library", .args = second};

    if (!compiler || !sys || !source) {
        diag_nomem(r->d);
        return NULL;
    }
    if (!*r->julia.base || access(source, R_OK) != 0) {
        diag_fail(r->d, E_UNSUPPORTED,
                  "--incremental=no: the sources of Julia's Base, as versions up to 1.11 have "
                  "them, are not there (Julia %s)",
                  r->julia.version);
        return NULL;
    }
    one.dir = two.dir = r->julia.base;
    progress_step(r->progress, "a new base image: Julia's compiler");
    if (!julia_call(r, &one))
        return NULL;
    progress_done(r->progress, "%.0f s", one.seconds);
    progress_step(r->progress, "a new base image: Base and the standard library");
    if (!julia_call(r, &two))
        return NULL;
    progress_done(r->progress, "%.0f s", two.seconds);
    return sys;
}

bool julia_object(struct julia_run *r, const char *script, const char *output)
{
    struct julia_command *c = r->c;
    const char *base = c->fresh ? fresh_base(r) : c->base_image ? c->base_image : r->julia.image;
    const char *report = julia_temp(r, "report");
    const char *env[] = {report ? arena_printf(r->a, JULIA_REPORT_VARIABLE "=%s", report) : NULL,
                         NULL};
    const char *args[12] = {"--threads=1", "-J", base, "--output-o", output};
    struct julia_call call = {
        .what = "julia --output-o", .args = args, .env = env, .detail = statements_done};
    struct julia_counts *n = &r->counts;
    int count = 5;

    if (!base)
        return false;
    if (!env[0])
        return diag_nomem(r->d);
    if (c->cpu_target && !c->fresh && r->julia.minor == 5)
        diag_warn(r->d,
                  "Julia 1.5 keeps the targets of the image that it starts from: --cpu-target "
                  "has no effect without --incremental=no");
    if (c->cpu_target) {
        args[count++] = "-C";
        args[count++] = c->cpu_target;
    }
    args[count] = script;
    progress_step(r->progress, "compiling the image (minutes)");
    if (!julia_call(r, &call) || !read_report(r, report))
        return false;
    if (size_of(output) == 0)
        return diag_fail(r->d, E_SYSTEM, "julia --output-o wrote nothing");
    if (n->total > 0)
        progress_done(r->progress,
                      "%" PRIu64 " of %" PRIu64 " statements compiled; %.1f MB, %.0f s, %.2f GB of "
                      "memory",
                      n->compiled, n->total, megabytes(size_of(output)), call.seconds,
                      (double)call.peak / 1e9);
    else
        progress_done(r->progress, "%.1f MB, %.0f s, %.2f GB of memory", megabytes(size_of(output)),
                      call.seconds, (double)call.peak / 1e9);
    return true;
}

/* ---- link ---- */

/* DIR has libjulia-internal in one of the spellings of the three systems. */
static bool has_internal(struct julia_run *r, const char *dir)
{
    static const char *const names[] = {"libjulia-internal.so", "libjulia-internal.dylib",
                                        "libjulia-internal.dll.a", "libjulia-internal.dll",
                                        "libjulia-internal.tbd"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = arena_printf(r->a, "%s/%s", dir, names[i]);

        if (path && access(path, F_OK) == 0)
            return true;
    }
    return false;
}

bool julia_link(struct julia_run *r, const char *object, const char *output)
{
    struct julia_command *c = r->c;
    uint64_t most = 16 + c->lib_dirs.count + c->link_options.count + r->julia.libraries.count;
    char **argv = arena_alloc(r->a, most, sizeof *argv);
    bool internal = false;
    int n = 0, code = 0;

    if (!argv)
        return diag_nomem(r->d);
    progress_step(r->progress, "linking");
    argv[n++] = (char *)"objtool";
    if (c->target && !(argv[n++] = arena_printf(r->a, "--target=%s", c->target)))
        return diag_nomem(r->d);
    for (uint64_t i = 0; i < c->link_options.count; i++)
        argv[n++] = (char *)(uintptr_t)c->link_options.at[i];
    argv[n++] = (char *)(uintptr_t)object;
    argv[n++] = (char *)"-o";
    argv[n++] = (char *)(uintptr_t)output;
    for (uint64_t i = 0; i < c->lib_dirs.count; i++) {
        if (!(argv[n++] = arena_printf(r->a, "-L%s", c->lib_dirs.at[i])))
            return diag_nomem(r->d);
        internal = internal || has_internal(r, c->lib_dirs.at[i]);
    }
    if (c->lib_dirs.count > 0) {
        argv[n++] = (char *)"-ljulia";
        if (internal)
            argv[n++] = (char *)"-ljulia-internal";
    } else {
        /* The very files: a name in a directory needs the development package. */
        for (uint64_t i = 0; i < r->julia.libraries.count; i++)
            argv[n++] = (char *)(uintptr_t)r->julia.libraries.at[i];
    }
    progress_clear(r->progress);
    code = cmd_link(n, argv);
    if (code != 0) {
        r->d->status = code == 1 ? E_LINK : code == 2 ? E_USAGE : E_SYSTEM;
        for (int s = E_USAGE; s < OK; s++)
            if (diag_exit_code((enum status)s) == code)
                r->d->status = (enum status)s;
        return false; /* objtool link has said why */
    }
    progress_done(r->progress, "%.1f MB", megabytes(size_of(output)));
    return true;
}
