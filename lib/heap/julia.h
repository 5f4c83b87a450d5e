/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia.h - look into a Julia sysimage.
 *
 * Knows what Julia puts behind its symbols, and nothing of any object
 * format: the caller says what bytes a symbol stands before.  Nothing of the
 * image is trusted and nothing in it is run.
 *
 * From 1.5 to 1.9 everything can be found by symbols.  The code's tables of later images are not
 * read, since they are reached through pointers.  Heaps are decoded whole, if they are not
 * compressed and not a package's; those of images of 1.6 and later were never seen, only written
 * by generators that follow Julia's sources. */

#ifndef HEAP_JULIA_H
#define HEAP_JULIA_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"

/* What an image exports tells versions apart this far and no further. */
enum julia_version {
    JULIA_NOT, /* not an image of Julia's */
    JULIA_1_5,
    JULIA_1_6,
    JULIA_1_7, /* or 1.8 */
    JULIA_1_9,
    JULIA_1_10, /* to 1.12 */
    JULIA_1_13,
    JULIA_1_14,
    JULIA_VERSIONS
};

/* What a lookup found. */
struct julia_found {
    struct span bytes; /* from the symbol's place to the end of its section's contents; empty if
                          these are not in the file (.bss) */
    uint64_t size;     /* the symbol's own; 0 if not known */
};

/* Find symbol NAME, defined in the image.  False if it is not there. */
typedef bool julia_lookup(void *arg, const char *name, struct julia_found *out);

struct julia_input {
    julia_lookup *lookup;
    void *arg;
    bool big;  /* the image is big-endian */
    bool wide; /* its pointers have 8 bytes, not 4 */
    /* "x86-64", "aarch64" or another name, or NULL: how to call the bits of
       the feature words.  Features of CPUs not known here are "bit N". */
    const char *cpu;
};

/* A symbol that Julia looks up. */
struct julia_symbol {
    const char *name;
    bool present;
    uint64_t size; /* as the symbol says */
};

/* A CPU that the image holds code for. */
struct julia_target {
    const char *name;     /* "generic", "haswell", ...; not escaped, may hold anything but NUL */
    const char *features; /* what the user asked for on top, same caveat; often empty */
    uint32_t flags;       /* enum julia_target_flag */
    const char **enabled; /* names of features, in order of their bits */
    const char **disabled;
    uint64_t enabled_count, disabled_count;

    /* Functions compiled for this target.  A target that is a full copy has
       its own code for each function (the first always is); any other one has
       CLONES functions of its own and takes the rest from target BASE. */
    bool full;
    uint64_t clones;
    uint32_t base;
    uint64_t slots; /* functions that are called through a slot set at start */
};

enum julia_target_flag {
    JULIA_CLONE_ALL = 1 << 1,
    JULIA_CLONE_MATH = 1 << 2,
    JULIA_CLONE_LOOP = 1 << 3,
    JULIA_CLONE_SIMD = 1 << 4,
    JULIA_UNKNOWN_NAME = 1 << 5,
    JULIA_OPT_SIZE = 1 << 6,
    JULIA_MIN_SIZE = 1 << 7,
};

/* The parts of a heap, in the order of the file; but since 1.9 JULIA_REINIT comes behind
   JULIA_MEMORIES.  Not every version has every part: those are empty. */
enum julia_part_kind {
    JULIA_OBJECTS,   /* everything that holds references; written to at start */
    JULIA_CONSTANTS, /* arrays of plain bits, strings, compressed code */
    JULIA_NAMES,     /* Julia's Symbols; count: names */
    JULIA_TAGS,      /* relocation list of type tags; count: words to relocate */
    JULIA_POINTERS,  /* relocation list of other references; likewise */
    JULIA_MEMORIES,  /* since 1.11 two lists of pointers into arrays; likewise */
    JULIA_GLOBALS,   /* what each global variable of the code refers to; count: variables */
    JULIA_FUNCTIONS, /* which code instance each function belongs to; count: functions */
    JULIA_ROOTS,     /* references that Julia starts from; count: references */
    JULIA_COUNTERS,  /* three counters, see struct julia_heap */
    JULIA_LINKS,     /* since 1.9 four lists about other images, empty; and a count */
    JULIA_REINIT,    /* objects to bring up to date at start; count: objects */
    JULIA_CCALLABLE, /* until 1.11 functions to make callable from C; count: functions */
    JULIA_CRC,       /* of ours, since 1.9: keeps the heap's CRC (runtime/crc.h); count: sums */
    JULIA_PARTS
};

struct julia_part {
    uint64_t offset, size; /* in the heap, without the length word in front */
    uint64_t count;        /* as said above; 0 for objects and constants */
};

/* What a reference refers to. */
enum julia_ref {
    JULIA_REF_OBJECT,
    JULIA_REF_CONSTANT,
    JULIA_REF_TAG, /* objects that every Julia has: small integers, the root task */
    JULIA_REF_NAME,
    JULIA_REF_BINDING,
    JULIA_REF_FUNCTION,
    JULIA_REF_BUILTIN,
    JULIA_REF_SYSIMAGE, /* in another image */
    JULIA_REF_EXTERNAL,
    JULIA_REFS
};

struct julia_heap {
    uint64_t size;
    struct julia_part part[JULIA_PARTS];
    uint64_t length_words; /* bytes in the six length words */
    uint64_t padding;      /* bytes between parts */
    const struct julia_layout *layout;

    unsigned tag_bit;               /* lowest bit of a reference's kind: 29, before 1.5.3 28; since
                                       1.9 the last but two of a pointer */
    uint64_t tags[JULIA_REFS];      /* words in JULIA_TAGS by what they refer to */
    uint64_t pointers[JULIA_REFS];  /* words in JULIA_POINTERS, likewise */
    uint64_t globals[JULIA_REFS];   /* entries of JULIA_GLOBALS, likewise, */
    uint64_t globals_unused;        /* and those that refer to nothing */
    uint64_t functions_specialized; /* entries of JULIA_FUNCTIONS that are called directly, */
    uint64_t functions_generic;     /* those called with boxed arguments, */
    uint64_t functions_unused;      /* and those of no code instance */

    uint32_t generated_names; /* how many names Julia has made up so far (gensym) */
    uint64_t world;           /* age of the newest method */
    uint64_t inference_world; /* and of type inference's own code */

    struct span names; /* JULIA_NAMES, for julia_next_name() */
    bool big;
};

struct julia_image {
    enum julia_version version;
    const struct julia_symbol *symbols; /* all that this version looks up */
    uint64_t symbol_count, missing;     /* MISSING of them are not present */

    bool has_code;               /* these four were read: */
    uint64_t functions, globals; /* of the native code: functions, global variables */
    const struct julia_target *targets;
    uint64_t target_count;

    uint64_t heap_size; /* as the image says; 0 if it does not */
    bool package;       /* of one package, to be loaded into a running Julia (since 1.9) */
    bool has_heap;      /* this was read: */
    struct julia_heap heap;

    /* Why the code or the heap was not read, in a few words; NULL if it was. */
    const char *no_code, *no_heap;
};

/* Which Julia the image is for, by the symbols alone.  Cheap. */
enum julia_version julia_recognise(julia_lookup *lookup, void *arg);

/* Look into an image.  *OUT lives in A and refers to the input's bytes.
   False with a word in D if it is not one (E_UNKNOWN), breaks the rules of
   its version (E_FORMAT) or memory ran out; *OUT then holds what was read up
   to there.  A version whose heap is not decoded is no failure. */
bool julia_read(struct diag *d, struct arena *a, const struct julia_input *in,
                struct julia_image *out);

/* The next of the heap's names, starting with *POS = 0; it has no NUL at its
   end and may hold any byte.  False after the last. */
bool julia_next_name(const struct julia_heap *heap, uint64_t *pos, struct span *out);

/* Of a version: how it writes the parts of a heap. */
struct julia_layout {
    unsigned length;     /* bytes of a part's length, and of a reference outside of objects: 4; 0 is
                            for as many as a pointer has */
    unsigned part_align; /* of all parts but the first two */
    unsigned constants_align;
    bool packed;            /* the relocation lists are differences, in LEB128 */
    enum julia_ref refs[8]; /* by its number; ends at JULIA_REFS */
};

/* A list of places of words that Julia relocates, to be gone over. */
struct julia_list {
    struct cursor c;
    uint64_t pos; /* of the last word */
    bool packed;
};

/* The list whose bytes begin at C. */
struct julia_list julia_list_begin(const struct julia_heap *heap, struct cursor c);

/* The next word's place; false at the end.  Where the list breaks off or a number is too long for
   a pointer, its cursor is marked bad. */
bool julia_list_next(struct julia_list *list, uint64_t *pos);

/* For people: "1.7 or 1.8"; "type tags to relocate"; "built-in objects". */
const char *julia_version_name(enum julia_version version);
const char *julia_part_name(enum julia_part_kind kind);
const char *julia_ref_name(enum julia_ref ref);

/* For programs, in JSON: "tags"; "builtin_object".  These never change. */
const char *julia_part_key(enum julia_part_kind kind);
const char *julia_ref_key(enum julia_ref ref);

#endif
