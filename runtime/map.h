/* SPDX-License-Identifier: MIT */
/* map.h - what the loader needs of the system: files and memory.
 *
 * One file for each kind of system (map_posix.c, map_win.c); a file is a
 * descriptor of its C library.  Addresses and sizes given
 * to these are multiples of SIMG_SEGMENT_ALIGN_LOG2's 64 KiB or end a
 * segment; sizes are rounded up to pages inside. */

#ifndef RUNTIME_MAP_H
#define RUNTIME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUGE_PAGE UINT64_C(0x200000)

/* On failure each of these sets errno. */

/* The file PATH, to be read and mapped. */
bool map_open(const char *path, int *fd);
void map_close(int fd);
/* Its absolute path, which the system's loader takes as it is; malloc'ed. */
char *map_real_path(const char *path);

/* A new file; errno is EEXIST if PATH is there. */
bool map_create(const char *path, int *fd);
bool map_write(int fd, uint64_t offset, const void *from, uint64_t size);
/* Close what was written: false if that had errors. */
bool map_finish(int fd);
/* FROM gets the name TO, whatever had it before. */
bool map_replace(const char *from, const char *to);
void map_remove(const char *path);
/* A number that no other process has now. */
long map_process(void);

/* The file's size. */
bool map_file_size(int fd, uint64_t *size);

/* Two numbers that no other file has as long as this one is open or mapped. */
bool map_file_id(int fd, uint64_t id[2]);

/* Read all SIZE bytes at OFFSET; false at the end of the file, too (errno 0). */
bool map_read(int fd, uint64_t offset, void *to, uint64_t size);

/* SIZE bytes of address space with nothing in them, at BASE if that is free
   (BASE not 0), else anywhere, at a multiple of a huge page; with EXACT only
   at BASE. */
bool map_reserve(uint64_t base, uint64_t size, bool exact, uint8_t **out);

/* Over reserved memory: SIZE bytes of the file, copied when written to; or,
   where the file's place does not allow that, read into fresh memory.
   Writable until map_protect(), if WRITE. */
bool map_file(uint8_t *at, uint64_t size, int fd, uint64_t offset, bool write);

/* Over reserved memory: zeros, in huge pages if it is large. */
bool map_fresh(uint8_t *at, uint64_t size);

/* PROT: enum simg_prot. */
bool map_protect(uint8_t *at, uint64_t size, uint32_t prot);

/* Give back what map_reserve() gave, with all that was mapped there. */
void map_release(uint8_t *at, uint64_t size);

/* A part of the file to look at: SIZE bytes at OFFSET, any of them. */
struct map_view {
    const uint8_t *at;
    void *mapping;
    size_t mapped;
};
bool map_view(int fd, uint64_t offset, uint64_t size, struct map_view *out);
void map_unview(struct map_view *view); /* may be all zero */

#endif
