/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap.h - objtool heap: its command line, what it reads, the pointer finder. */

#ifndef OBJTOOL_HEAP_H
#define OBJTOOL_HEAP_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "opts.h"

struct heap_dump_arg {
    const char *path;
    uint64_t base; /* the address at which it stood */
};

struct heap_segment_arg {
    uint64_t offset, size; /* in the blob, which is the heap's address space */
    int kind;
    const char *name;
};

struct heap_root_arg {
    const char *name;
    uint64_t offset, size;
    int kind;
};

struct heap_import_arg {
    const char *name;
    uint64_t offset;
    int64_t addend;
    int kind;
    bool weak;
};

struct heap_meta_arg {
    const char *key, *value;
};

struct heap_command {
    struct diag *d;
    struct arena *a;
    bool help, scan, unproven, unaligned, big, null_is_no_slot;
    const char *raw, *slots, *bitmap, *imports_file, *output;
    uint64_t base;
    unsigned address_bits; /* 0: not given */
    int compression;
    const char *runtime, *version, *build_id, *flags;
    struct heap_dump_arg dump[2];
    unsigned dumps;
    struct heap_segment_arg *segments;
    struct heap_root_arg *roots;
    struct heap_import_arg *imports;
    struct heap_meta_arg *metas;
    uint64_t segment_count, segment_cap, root_count, root_cap;
    uint64_t import_count, import_cap, meta_count, meta_cap;
};

/* ---- heap_opts.c ---- */

extern const struct opt_row heap_rows[];
extern const size_t heap_row_count;

/* Read the arguments behind argv[0]; C's d and a are set by the caller. */
bool heap_read_command(struct heap_command *c, int argc, char **argv);

/* Add the import that TEXT, "NAME=OFF[,data|function][,weak][,+N|,-N]", says;
   WHAT is for the message. */
bool heap_add_import(struct heap_command *c, const char *what, const char *text);

/* All of the LEN bytes at TEXT as a number, decimal or with 0x. */
bool heap_number(const char *text, size_t len, uint64_t *out);

/* ---- heap_input.c ---- */

/* Where pointers are: a bitmap of the words at multiples of 8, and offsets. */
struct heap_places {
    const uint8_t *bitmap; /* NULL: none; one bit for each whole 8 bytes of the blob */
    uint64_t *offsets;     /* ascending, in the arena */
    uint64_t count, cap;
};

/* The offsets in the text IN, one a line; sorted if they are not. */
bool heap_parse_slots(struct diag *d, struct arena *a, struct span in, struct heap_places *out);
/* IN as the bitmap of a blob of SIZE bytes. */
bool heap_parse_bitmap(struct diag *d, struct span in, uint64_t size, struct heap_places *out);
/* A file of imports, one a line. */
bool heap_parse_imports(struct heap_command *c, struct span in);

/* ---- heap_scan.c ---- */

struct heap_scan {
    struct span a, b;        /* B.at is NULL with one dump only */
    uint64_t base_a, base_b; /* where they stood */
    bool big, unproven, unaligned;
    unsigned address_bits;

    /* Results: how many words there are of each kind. */
    uint64_t words;
    uint64_t proven, proven_tagged;  /* TAGGED: of these, with tag bits */
    uint64_t high_tags;              /* would be proven with 48 address bits */
    uint64_t only_a, only_b, differ; /* point inside in A, in B, in both but elsewhere */
    uint64_t unmoved;                /* look like pointers and are the same in both */
    uint64_t noise;                  /* other words that are not the same in both */
    uint64_t odd_proven;             /* proven, at other offsets than multiples of 8 */
    /* With one dump: words that point inside, to a multiple of 8 or not. */
    uint64_t candidates, candidates_tagged, odd_candidates;
};

/* Look at every word, and put the places of those that are taken for pointers
   in OUT. */
bool heap_scan(struct diag *d, struct arena *arena, struct heap_scan *s, struct heap_places *out);

#endif
