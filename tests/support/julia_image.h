/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_image.h - make a small image of Julia 1.5, as its symbols show it. */

#ifndef SUPPORT_JULIA_IMAGE_H
#define SUPPORT_JULIA_IMAGE_H

#include "heap/julia.h"

/* A symbol and what it stands before. */
struct fake_piece {
    const char *name;
    uint8_t *bytes; /* a block of exactly this size, so that a sanitizer sees any read past it */
    size_t count;
    uint64_t size; /* the symbol's */
};

struct fake {
    bool big, wide;
    unsigned tag_bit;
    unsigned pointer_size;
    struct fake_piece piece[32];
    size_t count;
    size_t tail; /* where in the heap the part without a length starts */
};

/* An image with all that one can hold: two targets, each kind of reference,
   each list.  End it with free_fake(). */
void make_fake(struct fake *f, bool big, bool wide, unsigned tag_bit);
void free_fake(struct fake *f);

/* Of an image of Julia 1.MINOR (9 to 14) only what tells the version, and this heap
   (julia_layouts.h). */
void make_later_fake(struct fake *f, int minor, const uint8_t *heap, size_t size);

/* A new symbol; its contents come from put() and the like, which make its
   size fit.  No contents: like .bss. */
struct fake_piece *add(struct fake *f, const char *name);
struct fake_piece *find(struct fake *f, const char *name);
void put(struct fake *f, struct fake_piece *p, unsigned n, uint64_t v);
void put_word(struct fake *f, struct fake_piece *p, uint64_t v);

/* A julia_lookup for julia_read(); ARG is the struct fake. */
bool fake_lookup(void *arg, const char *name, struct julia_found *out);

#endif
