/* SPDX-License-Identifier: MIT */
/* image_file.h - what readers of a file's headers give, and share. */

#ifndef RUNTIME_IMAGE_FILE_H
#define RUNTIME_IMAGE_FILE_H

#include "runtime/image.h"

enum { FILE_HEAD = 64 }; /* bytes: as many as the longest header has */

/* A kind of file.  READ finds the table and what is loaded: file.table,
   .table_size and .loads. */
struct file_format {
    bool (*is)(const uint8_t *head);
    enum simg_status (*read)(struct file *f, const uint8_t *head, struct simg_error *e);
};
extern const struct file_format file_elf, file_macho, file_universal, file_pe;

/* N bytes, little-endian. */
uint64_t file_uint(const uint8_t *p, unsigned n);
/* Read SIZE bytes at OFFSET, called WHAT in errors. */
enum simg_status file_part(const struct file *f, uint64_t offset, void *to, uint64_t size,
                           const char *what, struct simg_error *e);
/* Room for COUNT loads, once; and one more of them, from WHAT number INDEX, if
   its bytes are inside the file. */
enum simg_status file_room(struct file *f, uint64_t count, struct simg_error *e);
enum simg_status file_add_load(struct file *f, const struct load *l, const char *what,
                               unsigned index, struct simg_error *e);

#endif
