/* SPDX-License-Identifier: MIT */
/* patterns.h - regular expressions of PCRE2 that stay compiled from one process
 * to the next, with their machine code. */
#ifndef PATTERNS_H
#define PATTERNS_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "../jit/code.h"

/* In the arena: as it is in the image. */
struct pattern {
    char *name;
    pcre2_code *code;
    struct block *blocks; /* all memory that PCRE2 took for it */
    uint64_t calls;       /* how often it was matched */
    char *machine;        /* its machine code, NULL: none yet */
    uint32_t machine_size;
    uint32_t generation; /* of the process that compiled it to machine code */
    uint32_t line;
    uint32_t bytecode;   /* bytes that PCRE2 made of its text */
    uint32_t least;      /* bytes that a match has at least; 0: not known */
    int16_t first, last; /* bytes that a match begins with, and has somewhere; -1: not known */
    bool queued;         /* to be compiled to machine code, not done yet */
    bool refused;        /* PCRE2 has no machine code for it */
};

struct patterns {
    struct simg_engine engine;
    struct simg_cache *cache;
    struct simg_cache_options *options;
    struct library *library; /* in the arena */
    struct code code;
    uint32_t aot;  /* patterns of at most so many bytes may be compiled before they were matched */
    bool writable; /* new machine code is being made, and none of that is run */
    long moved;    /* words of the code that were changed when it was loaded */
    unsigned compiled; /* to machine code, by this process */
};

/* OPTIONS and INPUTS are kept; INPUTS is what the patterns are made from, as text. */
enum simg_status patterns_open(struct patterns *p, struct simg_cache_options *options,
                               const char *inputs, struct simg_error *e);

/* 0 and up; those of an image are there from the start. */
uint64_t patterns_count(const struct patterns *p);
struct pattern *patterns_get(const struct patterns *p, uint64_t index);

/* How many of an image's are queued: without any, nobody has to look at all of them. */
uint32_t patterns_queued(const struct patterns *p);

/* All patterns are from NAME, which has this TEXT. */
void patterns_source(struct patterns *p, const char *name, const char *text, size_t size);

/* A new one with the PCRE2_ options FLAGS; NULL: ERROR and OFFSET are those of pcre2_compile(). */
struct pattern *patterns_add(struct patterns *p, const char *name, uint32_t line, const char *text,
                             size_t length, uint32_t flags, int *error, size_t *offset);

/* As pcre2_match(). */
int patterns_match(struct patterns *p, struct pattern *x, const char *subject, size_t length,
                   size_t start, uint32_t flags, pcre2_match_data *data,
                   pcre2_match_context *context);

/* To machine code; false: PCRE2 cannot. */
bool patterns_compile(struct patterns *p, struct pattern *x);

/* All of them go. */
void patterns_clear(struct patterns *p);

/* Store if the options say so, and end.  STATUS, if it is not NULL, is the last one. */
enum simg_status patterns_close(struct patterns *p, struct simg_cache_status *status,
                                struct simg_error *e);

#endif
