/* SPDX-License-Identifier: MIT */
/* status.h - how the functions of libsysimage fail.
 *
 * The library prints nothing, never exits and keeps no global state: whatever
 * goes wrong is returned, as a status and, for who wants to know more, in a
 * struct simg_error that the caller owns. */

#ifndef SYSIMAGE_STATUS_H
#define SYSIMAGE_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SIMG_API
#ifdef __GNUC__
#define SIMG_API __attribute__((visibility("default")))
#else
#define SIMG_API
#endif
#endif

/* Values are part of the ABI: add at the end, never renumber. */
enum simg_status {
    SIMG_OK = 0,
    SIMG_ERR_SYSTEM = -1,      /* open, read, write or mmap failed; see os_error */
    SIMG_ERR_FORMAT = -2,      /* damaged: the file breaks its format's own rules */
    SIMG_ERR_UNSUPPORTED = -3, /* sound, but not something that this build can do */
    SIMG_ERR_MISMATCH = -4,    /* sound, but made for another CPU, runtime or build */
    SIMG_ERR_SYMBOL = -5,      /* nobody defines a symbol that is needed */
    SIMG_ERR_ARGUMENT = -6,    /* the caller broke the function's rules */
    SIMG_ERR_MEMORY = -7,      /* no memory */
    SIMG_ERR_CHECKSUM = -8,    /* the bytes are not those that were written */
    SIMG_ERR_NOT_IMAGE = -9,   /* not a sysimage at all */
    SIMG_ERR_ADDRESS = -10,    /* the address that is needed is taken */
    SIMG_ERR_POINTER = -11,    /* a pointer leads nowhere that the heap knows */
    SIMG_ERR_NOT_FOUND = -12,  /* no root, import or metadata of that name */
    SIMG_ERR_STATE = -13,      /* not now: a call came too early, too late or twice */
};

struct simg_error {
    enum simg_status status;
    int os_error;    /* errno, or 0 */
    uint64_t offset; /* the place that is to blame, which the text names too; 0 if there is none */
    char text[192];  /* one line, no newline, always terminated */
};

/* STATUS in a few words, for example "damaged"; never NULL, not to be freed. */
SIMG_API const char *simg_status_text(enum simg_status status);

#ifdef __cplusplus
}
#endif

#endif
