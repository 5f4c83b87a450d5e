/* SPDX-License-Identifier: MIT */
/* heap.h - write a heap container: a runtime's heap and the map of what in it
 * is a pointer.  docs/heap-format.md has the file byte by byte; sysimage-heap(5)
 * and simg_heap(3) are the manual.
 *
 * The order of calls:
 *
 *   1. simg_heap_create();
 *   2. simg_heap_segment() for each segment, at ascending addresses;
 *   3. for each segment, one after another: its slots, then its bytes, in as
 *      many pieces as it takes (simg_heap_slots(), simg_heap_append());
 *   4. simg_heap_finish().
 *
 * Names, roots, types, objects, identity and metadata may come at any time
 * between the first and the last.
 *
 * Bytes go to a file beside the target as they come; it gets its name when all
 * is there, so the target is complete or is not touched.  Memory: one bit for
 * each 8 bytes of a segment with slots, 3 MiB, 24 bytes for each import slot,
 * 8 for each slot that is not 8-aligned and whose bytes have not come, about 4
 * for each object, and the names.
 *
 * Nothing is printed, nothing is global, nothing exits.  A writer belongs to
 * one thread at a time; several threads may have one each.  Once a function
 * has failed with a writer, each further call fails in the same way, so that
 * errors may be looked at once, at the end.
 *
 * Unless said otherwise: sizes, offsets and addresses are in bytes, pointers
 * must not be NULL, strings are copied, and ERROR may be NULL. */

#ifndef SYSIMAGE_HEAP_H
#define SYSIMAGE_HEAP_H

#include "sysimage/format.h"
#include "sysimage/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A container under construction. */
struct simg_heap_writer;

/* All zero, but for SIZE, is a good choice. */
struct simg_heap_options {
    size_t size;           /* sizeof (struct simg_heap_options): lets it grow */
    int order;             /* byte order of words, SIMG_LITTLE or SIMG_BIG; 0: this machine's */
    unsigned address_bits; /* 48 to 64: bits of a word from there up are a tag; 0: 64, no tag */
    int compression;       /* level of zstd, 1 (fast) to 19 (small); 0: none */
    int null_is_no_slot;   /* not 0: a slot whose whole word is 0 is left out, not relocated */
};

/* Where a segment lies. */
struct simg_heap_segment {
    int kind;         /* enum simg_segment_kind */
    const char *name; /* for people, for example "strings"; NULL or "": none */
    uint64_t addr;    /* heap address, behind all segments before it; or SIMG_HEAP_NEXT */
    uint64_t size;    /* not 0 */
    uint64_t align;   /* a power of two, 64 KiB to 1 GiB; 0: 64 KiB */
    const void *live; /* where its memory stands in the process whose pointers it has, or NULL */
};

#define SIMG_HEAP_NEXT UINT64_MAX /* the next free multiple of the alignment */

struct simg_heap_import_slot {
    uint64_t offset; /* in the segment */
    uint32_t import; /* what simg_heap_import() gave */
    int64_t addend;
};

struct simg_heap_object {
    uint64_t offset, size; /* in the segment */
    uint32_t type;         /* what simg_heap_type() gave */
};

/* Begin the container PATH.  OPTIONS may be NULL for none.
 *
 * On success *OUT is a new writer, which the caller ends with
 * simg_heap_finish() or simg_heap_abandon().  On failure *OUT is NULL.
 *
 * SIMG_ERR_ARGUMENT    an option is out of its range
 * SIMG_ERR_UNSUPPORTED compression, in a library that was built without zstd
 * SIMG_ERR_SYSTEM      the temporary file beside PATH cannot be made
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_create(const char *path,
                                           const struct simg_heap_options *options,
                                           struct simg_heap_writer **out, struct simg_error *error);

/* Declare the next segment; its number goes to *INDEX, which may be NULL (the
 * first is 0, the next 1).
 *
 * There are two ways to give pointers.  If no segment has LIVE, the words at
 * slots are heap addresses when they come.  If one has, all words at slots are
 * pointers of a process, this one or the one that was dumped: the writer finds
 * the segment in whose memory [LIVE, LIVE + SIZE] each points and stores the
 * heap address, keeping the tags: those below, as part of the address, and
 * those from address_bits up.  What is at LIVE is not looked at: the bytes are
 * those of simg_heap_append().
 *
 * SIMG_ERR_ARGUMENT  kind, alignment or size is not allowed; the address is
 *                    not a multiple of the alignment, is before the end of the
 *                    last segment, or does not fit the address bits; LIVE
 *                    memory overlaps another segment's
 * SIMG_ERR_STATE     bytes have been appended: all segments come first
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_segment(struct simg_heap_writer *writer,
                                            const struct simg_heap_segment *segment,
                                            uint32_t *index, struct simg_error *error);

/* The heap address of segment INDEX; UINT64_MAX if there is none. */
SIMG_API uint64_t simg_heap_address(const struct simg_heap_writer *writer, uint32_t index);

/* Append SIZE bytes, which may be 0, to segment INDEX.  BYTES are not kept.
 *
 * Once bytes of a segment have come, all of it must come before bytes of
 * another do.
 *
 * SIMG_ERR_ARGUMENT  no such segment, a zero-fill one, or more bytes than its
 *                    size; two slots overlap (error.offset: the place in the
 *                    segment)
 * SIMG_ERR_STATE     another segment has begun and is not complete
 * SIMG_ERR_POINTER   the word at a slot is no heap address or, with LIVE
 *                    segments, points into none (error.offset: the slot)
 * SIMG_ERR_SYSTEM    the file cannot be written
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_append(struct simg_heap_writer *writer, uint32_t index,
                                           const void *bytes, size_t size,
                                           struct simg_error *error);

/* Add the slots at these COUNT byte OFFSETS of segment INDEX.  Each is at least
 * 8 above the one before it, that of an earlier call included; they need not
 * be multiples of 8, but those that are cost a bit and others a byte or more.
 * The bytes of a slot come after it.
 *
 * SIMG_ERR_ARGUMENT  no such segment, or a zero-fill one; an offset is not
 *                    above the last one, or its slot is not in the segment, or
 *                    was given already (error.offset: the offset)
 * SIMG_ERR_STATE     the slot's bytes have been appended (error.offset)
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_slots(struct simg_heap_writer *writer, uint32_t index,
                                          const uint64_t *offsets, size_t count,
                                          struct simg_error *error);

/* Add a slot of segment INDEX for each bit that is set among COUNT bits at
 * BITMAP: the lowest bit of the first byte is the word at 8 * FIRST, the next
 * one the word behind it.  Calls may come in any order of words, and beside
 * simg_heap_slots(), but no slot twice.  Errors: those of simg_heap_slots(). */
SIMG_API enum simg_status simg_heap_slot_bitmap(struct simg_heap_writer *writer, uint32_t index,
                                                uint64_t first, const uint8_t *bitmap,
                                                uint64_t count, struct simg_error *error);

/* Name a symbol outside the heap; its number goes to *INDEX (which may be
 * NULL).  KIND is an enum simg_import_kind.  With WEAK, slots are 0 where
 * nobody defines it.  A name may be given once.
 *
 * SIMG_ERR_ARGUMENT  the name is empty or was given before, or the kind wrong
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_import(struct simg_heap_writer *writer, const char *name,
                                           int kind, int weak, uint32_t *index,
                                           struct simg_error *error);

/* Add COUNT places of segment INDEX that are to hold the address of an import
 * plus an addend, at ascending offsets, before their bytes; 0 is stored there.
 * Errors: those of simg_heap_slots(), and SIMG_ERR_ARGUMENT for an import that
 * is not there. */
SIMG_API enum simg_status simg_heap_import_slots(struct simg_heap_writer *writer, uint32_t index,
                                                 const struct simg_heap_import_slot *slots,
                                                 size_t count, struct simg_error *error);

/* Give the SIZE bytes (0: not known) at OFFSET of segment INDEX a NAME, under
 * which they are found in the image, as a symbol.  KIND is an enum
 * simg_root_kind.  A name may be given once.
 *
 * SIMG_ERR_ARGUMENT  the name is empty or was given before, the kind is wrong,
 *                    or the place is not in the segment
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_root(struct simg_heap_writer *writer, const char *name,
                                         int kind, uint32_t index, uint64_t offset, uint64_t size,
                                         struct simg_error *error);

/* Name a type of objects; its number goes to *TYPE.
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_type(struct simg_heap_writer *writer, const char *name,
                                         uint32_t *type, struct simg_error *error);

/* Say what objects segment INDEX has, for tools that count them: COUNT more,
 * ascending, none overlapping.
 *
 * SIMG_ERR_ARGUMENT  no such segment or type, or an object that is not behind
 *                    the one before it or not in the segment (error.offset)
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_objects(struct simg_heap_writer *writer, uint32_t index,
                                            const struct simg_heap_object *objects, size_t count,
                                            struct simg_error *error);

/* Say whose heap it is; each may be NULL for none.  An image is refused by a
 * runtime of another name or build-id.  FLAGS is for the runtime's own use.
 *
 * SIMG_ERR_STATE     it has been said already
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_identity(struct simg_heap_writer *writer, const char *runtime,
                                             const char *version, const char *build_id,
                                             const char *flags, struct simg_error *error);

/* Add a key and its value, for whoever looks.
 *
 * SIMG_ERR_ARGUMENT  the key is empty or was given before
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_heap_meta(struct simg_heap_writer *writer, const char *key,
                                         const char *value, struct simg_error *error);

/* Complete the file and give it its name.  WRITER ends, whatever is returned;
 * on failure no file is left and the one that had the name stays as it was.
 *
 * SIMG_ERR_STATE     there is no segment, or one that is not complete
 * SIMG_ERR_SYSTEM    the file cannot be written or renamed
 * SIMG_ERR_MEMORY
 * and whatever an earlier call failed with. */
SIMG_API enum simg_status simg_heap_finish(struct simg_heap_writer *writer,
                                           struct simg_error *error);

/* End WRITER, which may be NULL, and leave no file. */
SIMG_API void simg_heap_abandon(struct simg_heap_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
