/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trie.h - the tree of exported names (<mach-o/loader.h>, "The symbols
 * exported by a dylib are encoded in a trie"). */

#ifndef MACHO_TRIE_H
#define MACHO_TRIE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"

struct trie_symbol {
    const char *name;
    uint64_t flags;     /* EXPORT_SYMBOL_FLAGS_* */
    uint64_t addr;      /* from the header; an absolute value */
    uint64_t ordinal;   /* of the library that a re-exported name comes from */
    uint64_t resolver;  /* the second address of STUB_AND_RESOLVER */
    const char *import; /* a re-exported one's name there; "" for the same */
};

/* Call ONE for each symbol of IN, in the order of the tree; its strings are
   in A.  False if ONE returns that, or, with a word in D, if IN is no such
   tree: nodes outside of it or visited twice, unknown flags. */
bool trie_read(struct diag *d, struct arena *a, struct span in,
               bool (*one)(void *arg, const struct trie_symbol *s), void *arg);

/* Append the tree of the COUNT symbols S, which get sorted and must have
   different names, to OUT.  Scratch memory comes from A; false without. */
bool trie_build(struct arena *a, struct trie_symbol *s, uint64_t count, struct buf *out);

#endif
