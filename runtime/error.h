/* SPDX-License-Identifier: MIT */
/* error.h - fill in the caller's struct simg_error. */

#ifndef RUNTIME_ERROR_H
#define RUNTIME_ERROR_H

/* MinGW's printf() is told to be as everybody's (error.c); its compiler is not. */
#if defined __MINGW32__ && !defined __clang__
#define PRINTF_FORMAT(FORMAT, FIRST) __attribute__((format(gnu_printf, FORMAT, FIRST)))
#else
#define PRINTF_FORMAT(FORMAT, FIRST) __attribute__((format(printf, FORMAT, FIRST)))
#endif

#include "sysimage/status.h"

/* Say in E, unless it is NULL, what failed and where (OFFSET; 0: no place to
   blame).  Returns STATUS, so that a caller can write
   "return error_set(e, SIMG_ERR_..., ...)". */
enum simg_status error_set(struct simg_error *e, enum simg_status status, uint64_t offset,
                           const char *fmt, ...) PRINTF_FORMAT(4, 5);

/* The system refused: OS_ERROR is errno, whose text is put behind ours. */
enum simg_status error_system(struct simg_error *e, int os_error, const char *fmt, ...)
    PRINTF_FORMAT(3, 4);

/* No memory. */
enum simg_status error_memory(struct simg_error *e);

/* Forget what E said before: every public function does so first. */
void error_clear(struct simg_error *e);

#endif
