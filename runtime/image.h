/* SPDX-License-Identifier: MIT */
/* image.h - the inside of an open image, shared by the loader's files. */

#ifndef RUNTIME_IMAGE_H
#define RUNTIME_IMAGE_H

#include "runtime/error.h"
#include "runtime/map.h"
#include "sysimage/format.h"
#include "sysimage/image.h"

/* A table that was checked: every offset, index and range in it holds. */
struct table {
    const uint8_t *at;
    const struct simg_table *head;
    const struct simg_table_heap *heaps;
    const struct simg_table_segment *segments;
    const struct simg_table_root *roots;
    const struct simg_table_import *imports;
    const struct simg_table_import_slot *import_slots;
    const struct simg_table_meta *metas;
    const char *strings;
};

/* A part of the image's file that its loader maps. */
struct load {
    uint64_t addr, size, offset; /* SIZE: bytes in the file */
};

/* An image's file: where the bytes of an address are. */
struct file {
    int fd;
    uint64_t start; /* of the image in it: 0, or where its part of a universal file is */
    uint64_t size;  /* of the image */
    struct load *loads; /* offsets from START */
    uint32_t load_count;
    uint64_t table; /* the table's address */
    uint64_t table_size;
};

struct placed_heap {
    uint8_t *at; /* heap address 0 */
    bool relocated;
};

struct simg {
    struct table table;
    uint8_t *copy;             /* of the table; NULL if it is the image's own */
    struct placed_heap *heaps; /* as many as the table has */
    bool mapped;               /* by us: to be unmapped */
    void *handle;              /* of dlopen(); NULL */
};

/* ---- image_note.c ---- */

/* The note of ours among the SIZE bytes of notes at AT: where its descriptor
   is from AT, and what it says.  NOT_IMAGE if there is none. */
enum simg_status note_find(const uint8_t *at, uint64_t size, uint64_t *desc, struct simg_note *out,
                           struct simg_error *e);

/* ---- image_file.c, and image_elf.c, image_macho.c for what it finds ---- */

/* Read FD's headers and find its table.  FILE is to be ended with file_end(),
   in any case. */
enum simg_status file_begin(int fd, struct file *file, struct simg_error *e);
void file_end(struct file *file);
/* The offset in the file of the SIZE bytes at ADDR, which all are in it. */
bool file_place(const struct file *f, uint64_t addr, uint64_t size, uint64_t *offset);

/* ---- image_table.c ---- */

/* Check the SIZE bytes of a table at AT, which is 8-aligned; OUT points into
   them. */
enum simg_status table_check(const uint8_t *at, uint64_t size, struct table *out,
                             struct simg_error *e);
/* XXH3 of the table as docs/image-format.md says. */
enum simg_status table_checksum(const struct table *t, struct simg_error *e);
/* ELF's e_machine of this CPU; 0: none that images are for. */
uint32_t table_own_machine(void);
/* The image is for this CPU and what OPTIONS asks for. */
enum simg_status table_match(const struct table *t, const struct simg_options *o,
                             struct simg_error *e);

/* ---- image_map.c ---- */

/* All heaps may be mapped without the rest of the image. */
bool image_can_map(const struct table *t);
/* In options, and not for callers of the library: imports hold what they are to hold. */
enum { IMAGE_KEEP_IMPORTS = 1 << 16 };
/* Map them, relocated, with their imports. */
enum simg_status image_map(struct simg *image, const struct file *f, const struct simg_options *o,
                           struct simg_error *e);
void image_unmap(struct simg *image);

/* ---- image_open.c ---- */

/* Read the table, and check of it and the heaps what OPTIONS asks for. */
enum simg_status image_check(struct simg *image, const struct file *f, const struct simg_options *o,
                             struct simg_error *e);
/* Room for where the table's heaps are. */
enum simg_status image_place(struct simg *image, struct simg_error *e);

/* ---- image_loaded.c ---- */

/* Look into the module that ADDRESS is in. */
enum simg_status image_use_loaded(struct simg *image, const void *address,
                                  const struct simg_options *o, struct simg_error *e);
/* Have the system's loader load F, whose table was read, by PATH (NULL: by its
   descriptor), and look into that. */
enum simg_status image_load(struct simg *image, const struct file *f, const char *path,
                            const struct simg_options *o, struct simg_error *e);

/* ---- image_verify.c ---- */

/* Every byte of the heaps, and every pointer in them, as they are in the file. */
enum simg_status image_verify(const struct table *t, const struct file *f, struct simg_error *e);

/* A segment's slot maps, looked at in the file; all zero if it has none. */
struct slot_maps {
    struct map_view bits, odd;
};
enum simg_status slot_maps_begin(const struct file *f, const struct simg_table_segment *s,
                                 struct slot_maps *out, struct simg_error *e);
void slot_maps_end(struct slot_maps *maps);

#endif
