/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_check.c - does Julia start with the image, is in it what was asked
 * for, and what does it cost beside Julia's own? */

#include "julia.h"
#include "julia_progress.h"
#include "report.h"
#include "tell.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { STARTS = 5, RUNS = 3 };

/* Medians, in seconds; 0: not measured. */
struct times {
    double start, run;
};

/* Which image runs, and which of the packages are not in it. */
static const char question[] =
    "print(realpath(unsafe_string(Base.JLOptions().image_file)), '\\0')\n"
    "for name in ARGS\n"
    "    any(id.name == name for id in keys(Base.loaded_modules)) || print(name, '\\0')\n"
    "end\n";

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *t, unsigned count)
{
    qsort(t, count, sizeof *t, ascending);
    return (t[count / 2] + t[(count - 1) / 2]) / 2;
}

static bool starts(struct julia_run *r, const char *image)
{
    uint64_t packages = r->c->packages.count, n = 0;
    const char **args = arena_alloc(r->a, packages + 8, sizeof *args);
    struct julia_call call = {.what = "Julia with the image", .failure = E_LINK, .args = args};
    struct file file;
    struct span rest = {0};
    const char *text = NULL;
    bool ok = true;

    call.output = julia_temp(r, "answer");
    if (!args || !call.output)
        return diag_nomem(r->d);
    args[n++] = "-J";
    args[n++] = image;
    args[n++] = "-e";
    args[n++] = question;
    for (uint64_t i = 0; i < packages; i++)
        args[n++] = r->c->packages.at[i];
    if (!julia_call(r, &call) || !file_open(r->d, call.output, &file))
        return false;
    rest = file.data;
    if (!(text = span_str(rest, 0)) || strcmp(text, image) != 0)
        ok = diag_fail(r->d, E_LINK, "Julia started with another image than it was told to: %s",
                       text ? text : "none");
    for (uint64_t at = text ? strlen(text) + 1 : rest.size; ok && (text = span_str(rest, at));
         at += strlen(text) + 1)
        diag_fail(r->d, E_LINK, "package %s is not in the image", text);
    file_close(&file);
    return r->d->status == OK;
}

/* Run Julia with IMAGE and PROGRAM, or nothing; how long that took. */
static bool timed(struct julia_run *r, const char *image, const char *program, double *seconds)
{
    const char *nothing[] = {"-J", image, "-e", "nothing", NULL};
    const char *something[] = {"-J", image, program, NULL};
    struct julia_call call = {.what = program ? program : "Julia, doing nothing",
                              .failure = E_LINK,
                              .args = program ? something : nothing};
    bool ok = julia_call(r, &call);

    *seconds = call.seconds;
    return ok;
}

/* Both images in turns, so that both see the same machine. */
static bool measure(struct julia_run *r, const char *image, struct times *before,
                    struct times *after)
{
    double old[STARTS], new[STARTS];
    const char *program = r->c->executions.count > 0 ? r->c->executions.at[0] : NULL;

    for (unsigned i = 0; i < STARTS; i++)
        if (!timed(r, r->julia.image, NULL, &old[i]) || !timed(r, image, NULL, &new[i]))
            return false;
    before->start = median(old, STARTS);
    after->start = median(new, STARTS);
    if (!program)
        return true;
    /* Once with Julia's own: it may take long. */
    if (!timed(r, r->julia.image, program, &before->run))
        return false;
    for (unsigned i = 0; i < RUNS; i++)
        if (!timed(r, image, program, &new[i]))
            return false;
    after->run = median(new, RUNS);
    return true;
}

/* ---- the result ---- */

static uint64_t size_of(const char *path)
{
    struct stat s;

    return stat(path, &s) == 0 && s.st_size > 0 ? (uint64_t)s.st_size : 0;
}

static void put_numbers(struct report *r, const char *key, double before, double after)
{
    rep_open(r, key, '{');
    rep_num(r, "before", NULL, (uint64_t)(before + 0.5));
    rep_num(r, "after", NULL, (uint64_t)(after + 0.5));
    rep_close(r);
}

static void put_line(struct report *r, const char *label, double before, double after,
                     const char *unit)
{
    struct buf *line = NULL;
    uint64_t start = 0;

    if (r->as_json)
        return;
    line = rep_line(r, label);
    start = line->size;
    buf_printf(line, "%10.1f", before);
    term_pad(line, start, 14);
    buf_printf(line, "%10.1f %s", after, unit);
    rep_end_line(r);
}

static void put_statements(struct report *r, const struct julia_counts *n)
{
    rep_open(r, "statements", '{');
    rep_num(r, "recorded", NULL, n->recorded);
    rep_num(r, "mended", NULL, n->mended);
    rep_num(r, "repeated", NULL, n->doubles);
    rep_num(r, "generated_names", NULL, n->generated);
    rep_num(r, "no_statement", NULL, n->strange);
    rep_num(r, "compiled", NULL, n->compiled);
    rep_num(r, "no_method", NULL, n->unknown);
    rep_num(r, "failed", NULL, n->failed);
    rep_close(r);
}

static void put_result(struct julia_run *run, const char *image, const char *name,
                       const struct times *before, const struct times *after)
{
    struct report r = {.as_json = run->c->json, .colours = term_colours(1)};
    uint64_t old_size = size_of(run->julia.image), new_size = size_of(image);

    rep_open(&r, NULL, '{');
    rep_str(&r, "schema", NULL, "sysimage-tools/julia");
    rep_num(&r, "version", NULL, 1);
    rep_str(&r, "image", NULL, name);
    rep_str(&r, "julia", NULL, run->julia.version);
    rep_str(&r, "julia_image", NULL, run->julia.image);
    put_statements(&r, &run->counts);
    put_numbers(&r, "size", (double)old_size, (double)new_size);
    put_numbers(&r, "start_us", before->start * 1e6, after->start * 1e6);
    if (after->run > 0)
        put_numbers(&r, "run_us", before->run * 1e6, after->run * 1e6);
    rep_close(&r);

    rep_heading(&r, name, "Julia starts with it");
    if (!r.as_json) {
        buf_printf(rep_line(&r, ""), "%10s    %10s", "Julia's", "this");
        rep_end_line(&r);
    }
    put_line(&r, "size", (double)old_size / 1e6, (double)new_size / 1e6, "MB");
    put_line(&r, "start", before->start * 1e3, after->start * 1e3, "ms");
    if (after->run > 0)
        put_line(&r, "program", before->run * 1e3, after->run * 1e3, "ms");
    if (r.as_json) {
        buf_printf(&r.json.out, "\n");
        r.json.out.bad = !json_done(&r.json);
    }
    if (tell_print(r.as_json ? &r.json.out : &r.text, 0) != 0)
        run->d->status = E_SYSTEM;
    rep_free(&r);
}

bool julia_check(struct julia_run *r, const char *image, const char *name)
{
    struct times before = {0}, after = {0};

    progress_step(r->progress, "starting Julia with it");
    if (!starts(r, image) || !measure(r, image, &before, &after))
        return false;
    progress_done(r->progress, "%.0f ms", after.start * 1e3);
    put_result(r, image, name, &before, &after);
    return r->d->status == OK;
}
