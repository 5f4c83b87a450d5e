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

/* A new file, with the rights that the user's new files get or, if it is SECRET, for its owner alone;
   errno is EEXIST if PATH is there. */
bool map_create(const char *path, bool secret, int *fd);
bool map_write(int fd, uint64_t offset, const void *from, uint64_t size);
/* Close what was written: false if that had errors. */
bool map_finish(int fd);
/* FROM gets the name TO, whatever had it before.  Where the system does not let go of a file
   that is mapped, the old one gets another name, until map_tidy(). */
bool map_replace(const char *from, const char *to);
/* Remove what map_replace() had to leave of PATH, if nobody has it mapped any more. */
void map_tidy(const char *path);
/* PATH without its folders. */
const char *map_file_name(const char *path);
void map_remove(const char *path);
/* A number that no other process has now. */
long map_process(void);

/* A new file without a name, which goes when it is closed. */
bool map_nameless(int *fd);
/* SIZE bytes long: what was never written is zero, and takes no room where files can have holes. */
bool map_set_size(int fd, uint64_t size);
/* Until map_limit_off(), to which what this returns is given: that a file gets larger than the
   user allows is an error, EFBIG, and not the end of the process. */
bool map_limit_on(void);
void map_limit_off(bool on);
/* What was written is on the disk; and so is the name PATH. */
bool map_sync(int fd);
bool map_sync_name(const char *path);

/* Lock the file PATH, which is made if need be and goes when it is unlocked: at once or within
   TIMEOUT milliseconds, else errno is EAGAIN.  If the process ends, the lock does. */
bool map_lock(const char *path, uint32_t timeout, int *fd);
void map_unlock(const char *path, int fd);

/* Nobody but this user, or the system's administrator, can have written FD; if not,
   *WHY says what is wrong. */
bool map_is_trusted(int fd, const char **why);

/* FD is used now: its time of change says so, within an hour, if the system lets us. */
void map_touch(int fd);

/* The environment: "NAME=value", ending with NULL. */
char **map_environment(void);
/* The value of NAME; NULL, too, if the program has more rights than whoever started it. */
const char *map_variable(const char *name);

bool map_is_directory(const char *path);
bool map_make_directory(const char *path); /* for this user alone */

struct map_entry {
    const char *name;
    uint64_t size;
    int64_t used; /* seconds */
};
/* Each plain file of a directory. */
bool map_list(const char *path, void (*each)(void *arg, const struct map_entry *e), void *arg);

/* Microseconds since some time that does not change; seconds since 1970, which may. */
uint64_t map_microseconds(void);
int64_t map_seconds(void);

/* Write to standard error. */
void map_say(const char *text, size_t size);

struct map_range {
    uintptr_t from, to;
};
/* The memory that the process can write to, ascending; malloc'ed.  NULL: the system does not
   tell. */
struct map_range *map_ranges(size_t *count);

/* The file's size. */
bool map_file_size(int fd, uint64_t *size);

/* Two numbers that no other file has as long as this one is open or mapped. */
bool map_file_id(int fd, uint64_t id[2]);

/* Read all SIZE bytes at OFFSET; false at the end of the file, too (errno 0). */
bool map_read(int fd, uint64_t offset, void *to, uint64_t size);

/* SIZE bytes of address space with nothing in them, at BASE if that is free
   (BASE not 0), else anywhere, at a multiple of a huge page; with EXACT only
   at BASE, and errno is EEXIST if that is taken. */
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
