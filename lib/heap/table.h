/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.h - the table that an image carries about its heaps, in the making
 * (docs/image-format.md): whoever lays out the heaps says where things are. */

#ifndef HEAP_TABLE_H
#define HEAP_TABLE_H

#include "base/buf.h"
#include "base/strtab.h"
#include "heap/object.h"

#include <sysimage/format.h>

/* A piece of a heap as the image has it: a segment, or one of the two
   sections behind them. */
struct table_part {
    bool loaded_writable; /* although it is not to stay so */
    int64_t bits, odd;   /* its slot maps, from the table's start; 0: none */
    uint64_t bits_size, odd_count, slot_count;
    uint64_t checksum;   /* 0: none */
};

/* What of a heap depends on where it lies. */
struct table_heap {
    const struct object *o;
    int64_t at; /* heap address 0, from the table's start */
    uint64_t base;
    uint32_t mode;  /* enum simg_reloc_mode */
    uint32_t flags; /* enum simg_heap_flag */
    uint64_t slot_count;
};

struct table_maker {
    struct simg_table head;
    struct buf heaps, segments, roots, imports, import_slots, metas;
    struct strtab strings;
    uint32_t segments_told; /* of the heaps so far */
    uint64_t import_slots_told;
};

/* In this order for each heap: its parts that are in the image, by address;
   its import slots that the loader fills, by place; the heap. */
void table_begin(struct table_maker *m);
void table_add_part(struct table_maker *m, const struct object *o, uint32_t section,
                    const struct table_part *part);
void table_add_import_slot(struct table_maker *m, const struct heap_import_slot *slot);
void table_add_heap(struct table_maker *m, const struct table_heap *heap);

/* The table for the CPU with ELF's number MACHINE, without its checksum. */
void table_finish(struct table_maker *m, uint32_t machine, struct buf *out);
void table_free(struct table_maker *m);

/* The note that leads to the table; PLACE is the distance from the note's
   descriptor, NOTE_PLACE bytes into the note that is where it is stored. */
enum { TABLE_NOTE_HEAD = 24, TABLE_NOTE_PLACE = 32,
       TABLE_NOTE_SIZE = TABLE_NOTE_HEAD + sizeof(struct simg_note) };
void table_note(uint8_t note[TABLE_NOTE_SIZE], uint64_t place, uint64_t table_size);

#endif
