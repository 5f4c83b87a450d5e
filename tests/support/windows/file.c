/* SPDX-License-Identifier: GPL-3.0-or-later */
/* file.c - input files (base/file.h) as far as tests of the writer read them back, and the
 * rest of lib/base that needs POSIX. */

#include "base/file.h"
#include "base/pages.h"
#include "base/par.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool file_open(struct diag *d, const char *path, struct file *file)
{
    uint8_t *bytes = NULL;
    off_t size = 0;

    *file = (struct file){.path = path, .fd = open(path, O_RDONLY | O_BINARY)};
    if (file->fd < 0)
        return diag_fail(d, E_SYSTEM, "%s: cannot open: %s", path, strerror(errno));
    size = lseek(file->fd, 0, SEEK_END);
    bytes = malloc((size_t)size);
    if (!bytes || pread(file->fd, bytes, (size_t)size, 0) != size)
        return diag_fail(d, E_SYSTEM, "%s: cannot read", path);
    file->data = (struct span){bytes, (uint64_t)size};
    return true;
}

void file_close(struct file *file)
{
    free((void *)(uintptr_t)file->data.at);
    close(file->fd);
    *file = (struct file){.fd = -1};
}

void pages_make(void *p, uint64_t size) { (void)p, (void)size; }

/* One after the other: what runs in parallel is tested elsewhere. */
unsigned par_workers(void) { return 1; }

void par_for(uint64_t count, void (*do_item)(void *arg, unsigned worker, uint64_t i), void *arg)
{
    for (uint64_t i = 0; i < count; i++)
        do_item(arg, 0, i);
}
