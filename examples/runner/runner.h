/* SPDX-License-Identifier: MIT */
/* runner.h - what the runners of js, lua-cache, duktape and mruby-cache have in common.
 *
 * A language says how to make a state of its interpreter, compile a source and call what came of
 * it (struct language).  A session has one such state, in an arena or from an image.
 *
 * What an image has: the text of every source that was loaded, what the interpreter compiled of
 * it, and a context: the global state as it is after the libraries (option -r) have run, and
 * before the program runs.  So a program finds the same world with an image and without.  With
 * --engine.CachePreinitializeContext=false nothing has run in the context, and the image is code
 * only.  Both are made when storing, in a fresh state: what the program did is never kept. */
#ifndef RUNNER_H
#define RUNNER_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <sysimage/cache.h>

/* A source that is loaded; in the arena. */
struct source {
    struct source *next;
    char *name, *text; /* TEXT ends with a zero */
    size_t size;
    int64_t changed; /* the file, when it was read: nanoseconds since 1970, and its inode */
    uint64_t inode;
    uint32_t number;  /* of the cache's sources */
    uint32_t library; /* it was loaded before the program ran: the context depends on it */
};

struct session;

struct language {
    const char *name, *version;
    const char *const *environment; /* variables that a fresh state depends on; NULL ends */
    uint32_t flags;                 /* enum simg_engine_flag */
    int block_comments;             /* how functions.c reads a source: 1 JavaScript's, 0 Lua's */

    /* A fresh state in the arena, or NULL; and its end. */
    void *(*make)(struct session *s);
    void (*end)(void *state);
    /* Keep what F's text compiles to in the state, under its number.  0, or an error was told. */
    int (*compile)(struct session *s, const struct source *f);
    /* Call it as a program.  0, or an error was told. */
    int (*run)(struct session *s, const struct source *f);
    /* Compile and call TEXT, and keep nothing. */
    int (*run_text)(struct session *s, const char *name, const char *text);
    /* The program's arguments, as the language has them. */
    void (*arguments)(struct session *s, char **all);
    /* Tell the cache of F's functions.  NULL: functions.c finds them in the text. */
    void (*functions)(struct session *s, const struct source *f);
    /* Before it is stored: collect garbage; what is of the process is closed.  Not 0: it must not
       be stored, which was told. */
    int (*prepare)(struct session *s);
    /* After it was loaded: what is of the process is made anew. */
    int (*wake)(struct session *s);
};

/* A file that the context was made from, as it was then. */
struct stamp {
    const char *name;
    size_t size;
    int64_t changed;
    uint64_t inode;
};

/* Where the list begins; in the arena, the root "sources". */
struct record {
    struct source *first;
    uint64_t ready; /* the libraries have run */
    /* In an image: what is looked at after a load, together, and not in a page for each source. */
    struct stamp *stamps;
    uint64_t stamp_count;
};

struct session {
    const struct language *language;
    void *state; /* the root "state" */
    struct simg_engine engine;
    struct simg_cache *cache;
    struct record *record;
    char **libraries; /* NULL ends */
    char *inputs;
    int in_library; /* what is loaded now belongs to the context */
    int remaking;   /* for a store: what there is to tell was told */
    int ended;      /* by session_exit() */
    jmp_buf *way_out;
    int status; /* of the process */
};

/* ---- session.c ---- */

/* Open: the context is there, from an image or made now.  0, or an error was told. */
int session_open(struct session *s, const struct language *language, char **libraries,
                 const struct simg_cache_options *options);
/* Each returns 0, or an error was told.  session_exit() inside ends them. */
int session_file(struct session *s, const char *path);
int session_text(struct session *s, const char *name, const char *text);
/* Store, if the options say so, and end. */
void session_close(struct session *s);
/* End, and store nothing; returns how many blocks of the arena are left, which ought to be none. */
uint64_t session_end(struct session *s);

/* For languages.  The source in file PATH, compiled: the one that there is, if the file has not
   changed.  NULL: an error was told, or, if ERROR, is in its SIZE bytes. */
const struct source *session_source(struct session *s, const char *path, char *error, size_t size);
/* The program wants to end with STATUS.  Does not return. */
_Noreturn void session_exit(struct session *s, int status);
void *session_realloc(struct session *s, void *p, size_t size);
/* From 0 to below 1, other numbers in each process: a generator in the arena would be stored with its
   state. */
double session_random(void);
_Noreturn void fail(const char *fmt, ...);
void tell(const struct session *s, const char *fmt, ...);

/* ---- functions.c ---- */

/* Tell the cache of each function in F's text. */
void functions_tell(struct session *s, const struct source *f);

/* ---- measure.c ---- */

uint64_t measure_now(void); /* microseconds */
/* It began at START, and the context was there at OPENED. */
void measure_tell(const struct session *s, uint64_t start, uint64_t opened);

/* ---- main.c has the options; each language has this ---- */

extern const struct language language;

#endif
