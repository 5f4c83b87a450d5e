/* SPDX-License-Identifier: GPL-3.0-or-later */
/* toy_engine.h - an engine for the tests of the cache: a list of nodes that
 * point at each other, at a function of the program and at one of the C
 * library.  A failure ends the test. */

#ifndef TESTS_SUPPORT_TOY_ENGINE_H
#define TESTS_SUPPORT_TOY_ENGINE_H

#include <stdint.h>

#include "sysimage/cache.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])
#define MIB ((size_t)1 << 20)

/* A directory of the test's own, and the image in it. */
extern char dir[200], path[256];

struct node {
    struct node *next;
    int (*own)(int);
    size_t (*libc)(const char *);
    unsigned number;
    char text[20];
};

extern struct simg_engine engine;
extern struct simg_cache_options opts;

/* A checked fixture: the directory, the engine as it is by default, and options that load and store at
   PATH. */
void setup_engine(void);
void teardown_engine(void);

/* The files in the directory. */
unsigned files(void);

/* An argument, as of a command line; "--engine.NAME=PATH". */
void option(const char *argument);
void use_path(const char *name);

/* ENGINE with OPTS. */
struct simg_cache *open_it(void);
void close_it(struct simg_cache *c);
struct simg_cache_status status_of(const struct simg_cache *c);

/* COUNT more nodes in front of the root "list". */
void add_nodes(struct simg_cache *c, unsigned count);

/* How many nodes there are; the list is whole and its functions can be called. */
unsigned walk(const struct simg_cache *c);

/* An image at PATH with so many nodes. */
void make_image(unsigned nodes);

/* Opening gives this verdict, a text with TEXT in it, and a fresh engine. */
void expect_refused(enum simg_verdict verdict, const char *text);

/* What the nodes point at. */
int triple(int n);

/* The same numbers in each run. */
uint32_t chance(void);

#endif
