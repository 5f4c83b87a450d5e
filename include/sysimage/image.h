/* SPDX-License-Identifier: MIT */
/* image.h - load sysimages: a heap and its named roots, as they were frozen.
 *
 * An image is a shared library, so dlopen() and dlsym() are enough to use one
 * that objtool link made.  This library does more: it checks that an image is
 * sound and made for this runtime and build before any of it is used, gives
 * roots and imports by name, loads several images at once, also several times
 * the same, and really unloads them.
 *
 * Nothing is printed, no global state is kept, the program is never ended:
 * what goes wrong is returned (status.h).  Functions may be called from
 * several threads at once; an open image is only read by the library, so
 * threads may share it until one closes it.  Sizes and offsets are in bytes.
 * Pointers passed in must not be NULL unless said otherwise, and are not kept.
 *
 * The bytes are checked before they are used as addresses, but the heap's
 * code and the image's are run as they are: load images only from whom you
 * would run a program.  A file that is open must not be cut or written to
 * (replacing it is fine), as for any library. */

#ifndef SYSIMAGE_IMAGE_H
#define SYSIMAGE_IMAGE_H

#include <stddef.h>
#include <sysimage/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* An open image. */
struct simg;

/* How much is checked before an image is used. */
enum simg_verify {
    SIMG_VERIFY_HEADER = 0, /* headers and table: structure and checksum.  The default */
    SIMG_VERIFY_FULL = 1,   /* also every byte of the heap, and every pointer in it */
    SIMG_VERIFY_NONE = 2,   /* structure only */
};

enum simg_open_flag {
    /* Never call the system's loader: map the heap, or fail with
       SIMG_ERR_UNSUPPORTED. */
    SIMG_OPEN_MAP = 1,
    /* Always have the image loaded by the system's loader. */
    SIMG_OPEN_DLOPEN = 2,
    /* Fail with SIMG_ERR_ADDRESS rather than relocate the heap. */
    SIMG_OPEN_IN_PLACE = 4,
};

/* Return the address of NAME, or NULL if there is none. */
typedef void *simg_resolve(void *arg, const char *name);

struct simg_options {
    size_t size;     /* sizeof (struct simg_options): lets it grow */
    uint32_t verify; /* enum simg_verify */
    uint32_t flags;  /* enum simg_open_flag */
    /* What every heap of the image must have been made by, text for text;
       NULL takes any. */
    const char *runtime, *version, *build_id, *build_flags;
    const uint8_t *content_id; /* 16 bytes: of the first heap; NULL takes any */
    /* Where imports come from.  NULL: from the process's own symbols, and if
       these do not do, by the system's loader.  With a function, the heap is
       always mapped by this library. */
    simg_resolve *resolve;
    void *resolve_arg;
};

/* Open the image in file PATH: ELF, PE or Mach-O (of a universal file, the part
 * for this CPU).
 *
 * OPTIONS may be NULL for none.  The heap is mapped by this library from the
 * file, page by page as it is used, if that can be done: if its slots are
 * prelinked or base-relative and do not point at other parts of the image.
 * If not, dlopen() loads the image, and its initialisers run; this library
 * has checked the heap then, but the rest of the file only dlopen() has, which
 * believes what it reads.  There is one heap of such an image, however often
 * it is opened.
 *
 * On success *OUT is a new image, to be ended with simg_close().  On failure
 * *OUT is NULL, nothing stays mapped, and *ERROR (which may be NULL) says why:
 * SIMG_ERR_SYSTEM (a file cannot be opened, read or mapped; dlopen() failed),
 * _NOT_IMAGE, _FORMAT, _CHECKSUM, _MISMATCH (another CPU, runtime, build or
 * content), _SYMBOL (a strong import that nobody defines), _ADDRESS,
 * _UNSUPPORTED, _ARGUMENT, _MEMORY.
 *
 * Costs one mapping per segment; a heap that must be relocated is copied to
 * huge pages. */
SIMG_API enum simg_status simg_open(const char *path, const struct simg_options *options,
                                    struct simg **out, struct simg_error *error);

/* The same from file descriptor FD, which is not closed and may be closed
   afterwards; its file position is not used. */
SIMG_API enum simg_status simg_open_fd(int fd, const struct simg_options *options,
                                       struct simg **out, struct simg_error *error);

/* The image that the system's loader has loaded and in which ADDRESS lies (of
 * any symbol that dlsym() gave, say).  Its heap is where it is: neither
 * `flags`, `resolve` nor the contents' check of SIMG_VERIFY_FULL apply.
 * simg_close() forgets it, and leaves it loaded.
 *
 * Errors: SIMG_ERR_NOT_IMAGE, _FORMAT, _MISMATCH, _UNSUPPORTED, _MEMORY. */
SIMG_API enum simg_status simg_open_loaded(const void *address, const struct simg_options *options,
                                           struct simg **out, struct simg_error *error);

/* Unmap IMAGE, which may be NULL, or give it back to the system's loader.  No
   pointer into it, and none that these functions gave, may be used again. */
SIMG_API void simg_close(struct simg *image);

struct simg_heap {
    void *addr;                               /* heap address 0 */
    uint64_t size;                            /* of its address space, gaps counted */
    uint32_t mode;                            /* enum simg_reloc_mode of format.h */
    uint32_t relocated;                       /* 1: it is not where it was linked for */
    uint32_t dlopened;                        /* 1: the system's loader has it */
    uint32_t segments, roots, imports, metas; /* how many there are */
    uint64_t slots;
    const char *runtime, *version, *build_id, *build_flags; /* "" if not known */
    uint8_t content_id[16];
};

struct simg_segment {
    void *addr;
    uint64_t size;
    uint64_t slots;
    uint32_t kind; /* enum simg_segment_kind of format.h */
    uint32_t prot; /* enum simg_prot of format.h */
    const char *name;
};

struct simg_root {
    const char *name;
    void *addr;
    uint64_t size;
    uint32_t kind; /* enum simg_root_kind of format.h */
};

struct simg_import {
    const char *name;
    uint32_t kind; /* enum simg_import_kind of format.h */
    uint32_t weak;
};

/* The heaps of IMAGE; at least 1. */
SIMG_API uint32_t simg_heap_count(const struct simg *image);

/* Item INDEX of heap HEAP, counted from 0, into *OUT.  SIMG_ERR_NOT_FOUND if
   there is none, and *OUT is all zero. Texts live until simg_close(). */
SIMG_API enum simg_status simg_get_heap(const struct simg *image, uint32_t heap,
                                        struct simg_heap *out);
SIMG_API enum simg_status simg_get_segment(const struct simg *image, uint32_t heap, uint32_t index,
                                           struct simg_segment *out);
SIMG_API enum simg_status simg_get_root(const struct simg *image, uint32_t heap, uint32_t index,
                                        struct simg_root *out);
SIMG_API enum simg_status simg_get_import(const struct simg *image, uint32_t heap, uint32_t index,
                                          struct simg_import *out);

/* The root called NAME, of whichever heap has it first. */
SIMG_API enum simg_status simg_find_root(const struct simg *image, const char *name,
                                         struct simg_root *out);

/* The address of root NAME, or NULL if there is none. */
SIMG_API void *simg_root_addr(const struct simg *image, const char *name);

/* The value of metadata KEY, or NULL; of whichever heap has it first. */
SIMG_API const char *simg_meta(const struct simg *image, const char *key);

#ifdef __cplusplus
}
#endif

#endif
