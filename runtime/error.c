/* SPDX-License-Identifier: MIT */
/* error.c - errors by value. */

#define __USE_MINGW_ANSI_STDIO 1 /* %llx and %td, wherever this is compiled */

#include "runtime/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *simg_status_text(enum simg_status status)
{
    switch (status) {
    case SIMG_OK:
        return "done";
    case SIMG_ERR_SYSTEM:
        return "the system refused";
    case SIMG_ERR_FORMAT:
        return "damaged";
    case SIMG_ERR_UNSUPPORTED:
        return "not supported";
    case SIMG_ERR_MISMATCH:
        return "made for another CPU, runtime or build";
    case SIMG_ERR_SYMBOL:
        return "undefined symbol";
    case SIMG_ERR_ARGUMENT:
        return "wrong argument";
    case SIMG_ERR_MEMORY:
        return "out of memory";
    case SIMG_ERR_CHECKSUM:
        return "wrong checksum";
    case SIMG_ERR_NOT_IMAGE:
        return "not a sysimage";
    case SIMG_ERR_ADDRESS:
        return "address is taken";
    case SIMG_ERR_POINTER:
        return "pointer to nowhere";
    case SIMG_ERR_NOT_FOUND:
        return "not found";
    case SIMG_ERR_STATE:
        return "called at the wrong time";
    }
    return "unknown status";
}

void error_clear(struct simg_error *e)
{
    if (e) {
        e->status = SIMG_OK;
        e->os_error = 0;
        e->offset = 0;
        e->text[0] = 0;
    }
}

enum simg_status error_set(struct simg_error *e, enum simg_status status, uint64_t offset,
                           const char *fmt, ...)
{
    va_list ap;

    if (e) {
        error_clear(e);
        e->status = status;
        e->offset = offset;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
    }
    return status;
}

enum simg_status error_system(struct simg_error *e, int os_error, const char *fmt, ...)
{
    va_list ap;
    size_t used;

    if (e) {
        error_clear(e);
        e->status = SIMG_ERR_SYSTEM;
        e->os_error = os_error;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
        used = strlen(e->text);
        snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(os_error));
    }
    return SIMG_ERR_SYSTEM;
}

enum simg_status error_memory(struct simg_error *e)
{
    return error_set(e, SIMG_ERR_MEMORY, 0, "out of memory");
}
