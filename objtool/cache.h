/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache.h - what the files of "objtool cache" share: the files of a cache, and
 * what is told of them. */

#ifndef OBJTOOL_CACHE_H
#define OBJTOOL_CACHE_H

#include "base/file.h"
#include "elf/cache.h"
#include "report.h"

/* ---- cache_files.c ---- */

/* By its name: an image, or what stands beside one (docs/cache-format.md). */
enum cache_kind { CACHE_IMAGE, CACHE_BAD, CACHE_TEMP, CACHE_LOCK, CACHE_FAILED };

struct cache_file {
    const char *name; /* the last part of its path */
    const char *path;
    const char *image; /* the path of the image that it is, or is of */
    enum cache_kind kind;
    bool usual; /* the cache gives such names */
    bool named; /* that, or it was named on the command line */
    uint64_t size, disk, inode;
    int64_t used; /* seconds since 1970 */
    uint32_t owner, mode;
};

/* A directory or a file of the command line, with the files there, by name. */
struct cache_place {
    const char *path;
    bool directory;
    struct cache_file *files;
    uint64_t count, cap;
};

bool cache_list(struct diag *d, struct arena *a, const char *path, struct cache_place *out);

/* F is still the file that it was. */
bool cache_is_same(const struct cache_file *f);

/* Somebody stores the image that F is or is of.  Asking takes the lock for a moment, which is too
   short for a writer to give up. */
bool cache_is_held(struct arena *a, const struct cache_file *f);

/* What an engine would say of it by its header: words of simg_verdict_text(). */
enum cache_state {
    CACHE_OK,
    CACHE_DAMAGED,
    CACHE_FOREIGN,  /* of a version that is not known, or no image of the cache */
    CACHE_NOT_OURS, /* others may write to it, or it is somebody else's */
    CACHE_SYSTEM,   /* it cannot be read */
};
const char *cache_state_name(enum cache_state state);

struct cache_image {
    const struct cache_file *f;
    struct arena a;
    struct file file;
    enum cache_state state;
    bool is_image;  /* its register was read: C has it */
    char why[1024]; /* "" if it is fine */
    struct elf_cache c;
};

/* Open F, and look at its headers, its register and their checksums. */
void cache_open(const struct cache_file *f, struct cache_image *out);
void cache_close(struct cache_image *image);

/* Open the next image of PLACE from *NEXT on.  Files whose names are not the cache's are passed
   over unless they are images.  False: there is no other, and nothing is open. */
bool cache_next(const struct cache_place *place, uint64_t *next, struct cache_image *i);

/* The letters for flags of enum simg_engine_flag: "HC". */
const char *cache_flags_text(uint32_t flags, char text[8]);
/* "2026-11-27T23:13:43Z" */
const char *cache_time_text(int64_t seconds, char text[32]);

/* ---- the commands ---- */

struct cache_command {
    struct report *r;
    struct diag *d;
    struct arena *a;
    uint64_t max_size;  /* UINT64_MAX: any */
    int64_t older_than; /* seconds; -1: not asked for */
    bool dry_run;
    const char *program; /* NULL: not named */
};

/* Each tells about PLACE in the report, and returns the exit code: 0 or 1. */
int cache_status(struct cache_command *c, const struct cache_place *place);
int cache_ls(struct cache_command *c, const struct cache_place *place);
int cache_verify(struct cache_command *c, const struct cache_place *place);
int cache_gc(struct cache_command *c, const struct cache_place *place);
int cache_explain(struct cache_command *c, const struct cache_place *place);

#endif
