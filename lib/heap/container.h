/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container.h - heap containers (docs/heap-format.md), read and checked.
 *
 * heap_read() checks everything but the words at the slots and the contents
 * (and checksums) of DATA parts: those are looked at when they are used, by
 * heap_check_words() or by the relocation engine, since reading a large heap
 * takes longer than all else. */

#ifndef HEAP_CONTAINER_H
#define HEAP_CONTAINER_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"
#include "obj/slots.h"
#include "sysimage/format.h"

struct heap_segment {
    uint64_t addr, size;
    uint8_t kind; /* enum simg_segment_kind */
    uint8_t align_log2;
    const char *name;
    struct span data;       /* plain bytes; empty for ZERO and for compressed parts */
    uint32_t data_part;     /* index into heap.parts; HEAP_NO_PART for ZERO */
    struct slot_map slots;
    struct span objects;    /* the plain stream; empty for none */
    uint64_t object_count;
};
#define HEAP_NO_PART UINT32_MAX

struct heap_import {
    const char *name;
    uint8_t kind; /* enum simg_import_kind */
    bool weak;
    uint64_t slot_count;
};

struct heap_import_slot {
    uint64_t place; /* heap address */
    uint32_t import;
    int64_t addend;
};

struct heap_root {
    const char *name;
    uint8_t kind; /* enum simg_root_kind */
    uint64_t addr, size;
    uint32_t segment; /* index */
};

struct heap_part {
    uint32_t type, index, flags;
    uint64_t offset, stored, size, count, checksum;
    struct span bytes; /* as stored */
};

struct heap {
    const char *name; /* of the file, for messages */
    struct span file;
    bool big;
    uint8_t minor, address_bits;
    uint64_t span;
    uint8_t id[16];
    struct heap_part *parts; /* by type, then index */
    uint32_t part_count;
    struct heap_segment *segments;
    uint32_t segment_count;
    struct heap_import *imports;
    uint32_t import_count;
    struct span import_slots; /* records: heap_import_slot_at() */
    uint64_t import_slot_count;
    struct heap_root *roots;
    uint32_t root_count;
    const char **types;
    uint32_t type_count;
    const char *runtime, *version, *build_id, *flags; /* "" if not given */
    struct heap_meta { const char *key, *value; } *metas;
    uint32_t meta_count;
    uint64_t slot_count; /* of all segments */
    /* Of heaps in images (heap/cache.h), for heap/graph.h; 0 in a container. */
    uint64_t base;       /* what was added to the heap address in each slot */
    uint8_t object_head; /* bytes before each object that are its own and are not pointed at */
    uint64_t written;    /* of images: see struct simg_table_heap, but in bytes; else 0 */
    bool keeps_crc;      /* of images: SIMG_HEAP_KEEPS_CRC */
};

bool heap_is(struct span in);

/* Fill OUT from IN.  NAME begins messages; NULL if D's frames name the file
   already.  What OUT points at lives in A or IN.  Compressed parts
   other than DATA are unpacked into A. */
bool heap_read(struct diag *d, struct arena *a, const char *name, struct span in,
               struct heap *out);

/* Import slot I, which must exist. */
struct heap_import_slot heap_import_slot_at(const struct heap *h, uint64_t i);

/* The first import slot whose place is ADDR or behind it: their number if
   there is none. */
uint64_t heap_first_import_slot(const struct heap *h, uint64_t addr);

/* Unpack the compressed DATA of segment I into TO, which has room for it;
   a segment that is not compressed is copied. */
bool heap_unpack(struct diag *d, const struct heap *h, uint32_t i, uint8_t *to);

/* The checksum that a part of these stored bytes has. */
uint64_t heap_checksum(struct span stored);

/* Check the checksums of all parts, in parallel. */
bool heap_check_parts(struct diag *d, const struct heap *h);

/* Check that the word at each slot is a heap address.  DATA is that of
   segment I, uncompressed. */
bool heap_check_words(struct diag *d, const struct heap *h, uint32_t i, struct span data);

/* The objects of a segment, one after another. */
struct heap_objects {
    struct cursor c;
    uint64_t offset;  /* end of the last one */
    uint64_t left;
};
struct heap_object {
    uint64_t offset, size;
    uint32_t type;
};
void heap_objects_begin(const struct heap *h, uint32_t segment, struct heap_objects *it);
bool heap_objects_next(struct heap_objects *it, struct heap_object *out);

#endif
