/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia.h - objtool julia: its command line, and the steps that it is made
 * of.  Only julia_steps.c knows all of them. */

#ifndef OBJTOOL_JULIA_H
#define OBJTOOL_JULIA_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "opts.h"

enum julia_step {
    JULIA_CREATE = 1 << 0,
    JULIA_RECORD = 1 << 1,
    JULIA_SCRIPT = 1 << 2,
    JULIA_OBJECT = 1 << 3,
    JULIA_LINK = 1 << 4,
    JULIA_CHECK = 1 << 5,
    JULIA_AUDIT = 1 << 6,
};

struct julia_list {
    const char **at;
    uint64_t count, cap;
};

struct julia_command {
    struct diag *d;
    struct arena *a;
    enum julia_step step;
    bool help;

    const char *julia;   /* the program; NULL: the one on PATH */
    const char *project; /* directory; NULL: Julia's default */
    struct julia_list packages, executions, statements;
    const char *input; /* the script, object or image that a step starts from */
    const char *output, *save_temps;
    const char *base_image; /* NULL: Julia's own */
    const char *cpu_target, *target;
    struct julia_list lib_dirs, link_options;
    bool fresh; /* --incremental=no: base image made anew, too */
    bool drop_generated, import, no_check, verbose, quiet, json;

    /* audit */
    struct julia_list look_for;
    const char *except;
    bool environment, redact, system;
};

/* ---- julia_opts.c ---- */

extern const struct opt_row julia_rows[];
extern const size_t julia_row_count;

/* Read the arguments behind argv[0]; C's d and a are set by the caller. */
bool julia_read_command(struct julia_command *c, int argc, char **argv);

/* Append the help of C's step, of all steps if it has none. */
void julia_help(struct buf *out, enum julia_step step);

/* ---- julia_find.c ---- */

/* What a Julia said of itself. */
struct julia_program {
    const char *path;
    const char *version; /* "1.5.3" */
    unsigned major, minor;
    const char *image;           /* its default image */
    const char *base;            /* the directory of Base's sources, "" if there is none */
    struct julia_list libraries; /* the files of libjulia that an image has to be linked with */
};

struct julia_run;

/* Find Julia and ask it. */
bool julia_find(struct julia_run *r);

/* ---- julia_run.c ---- */

struct julia_signals;
struct progress;

/* What became of the precompile statements. */
struct julia_counts {
    uint64_t recorded, mended, doubles, generated, strange; /* before, */
    uint64_t total, compiled, unknown, failed;              /* and when they were run */
};

/* One run of the command. */
struct julia_run {
    struct julia_command *c;
    struct diag *d;
    struct arena *a;
    struct julia_signals *signals;
    struct progress *progress;
    char *scratch; /* directory of temporaries */
    struct julia_program julia;
    const char *project; /* C's, absolute; NULL: none */
    struct julia_counts counts;
};

/* Do what C says.  The exit code. */
int julia_run_command(struct julia_command *c);

/* A run of Julia: ARGS (without the program) and ENV ("NAME=VALUE", on top of
   ours) end with NULL.  What it prints goes to OUTPUT; if that is NULL, to a
   log that is shown if it fails. */
struct julia_call {
    const char *what; /* for messages */
    const char *const *args, *const *env;
    const char *output, *dir;
    /* Called a few times a second: what to say of it, "" for nothing. */
    const char *(*detail)(struct julia_run *r);
    enum status failure; /* if it does not end well; E_SYSTEM unless said */
    double seconds;      /* afterwards, with */
    uint64_t peak;       /* the most memory that it had */
};
bool julia_call(struct julia_run *r, struct julia_call *call);

/* A path in the scratch directory, or NULL without memory. */
const char *julia_temp(struct julia_run *r, const char *name);

/* ---- julia_steps.c: the steps, each from files to a file ---- */

/* Run the programs; statements of theirs and of files go to OUTPUT. */
bool julia_record(struct julia_run *r, const char *output);
/* STATEMENTS may be NULL. */
bool julia_script(struct julia_run *r, const char *statements, const char *output);
bool julia_object(struct julia_run *r, const char *script, const char *output);
bool julia_link(struct julia_run *r, const char *object, const char *output);

/* ---- julia_check.c ---- */

/* Start Julia with IMAGE, which will be called NAME, look for the packages in
   it, and tell on stdout what it costs beside Julia's own. */
bool julia_check(struct julia_run *r, const char *image, const char *name);

/* ---- julia_audit.c ---- */

int julia_audit(struct julia_command *c);

/* Tell in R what is in IN and not in EXCEPT, which may be NULL.  False without
   memory; *FOUND is how many texts. */
struct leaks;
struct report;
bool julia_audit_span(struct julia_command *c, struct report *r, struct span in,
                      const struct leaks *except, uint64_t *found);

#endif
