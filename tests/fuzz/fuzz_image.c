/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_image.c - libsysimage's loader, on edits of a sound image.
 *
 * The first byte: bit 0, checksums are made right again; bits 1 and 2, how
 * much is checked; bit 3, the file ends early, where the next 4 bytes say;
 * bit 4, the headers are Mach-O's; bit 5, PE's.
 * The rest are edits: a place (2 bytes: a part of the image and a distance in
 * it) and 4 bytes to write there.  Whatever is opened is then read. */

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "sysimage/format.h"
#include "sysimage/image.h"
#include "tests/support/heap_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *resolver(void *arg, const char *name)
{
    (void)arg;
    return name[0] == 'e' ? NULL : (void *)0x1000;
}

/* Where edits go: what the loader reads is in six of the image's pages. */
static uint64_t place(uint64_t n)
{
    static const uint64_t parts[] = {0,         0,       HIMG_TABLE, HIMG_TABLE,
                                     HIMG_MAPS, HIMG_RW, HIMG_RO,    HIMG_GOT};

    return parts[n >> 13] + n % 0x800;
}

static volatile uint64_t sink;

static void look(const struct simg *image)
{
    struct simg_segment s;
    struct simg_import m;
    struct simg_heap h;
    struct simg_root r;

    for (uint32_t i = 0; simg_get_heap(image, i, &h) == SIMG_OK; i++) {
        for (uint32_t n = 0; simg_get_segment(image, i, n, &s) == SIMG_OK; n++) {
            uint8_t *at = s.addr;

            sink += (unsigned)(at[0] + at[s.size / 2] + at[s.size - 1]) + strlen(s.name);
            if (s.prot & SIMG_PROT_W)
                *(volatile uint8_t *)at = 1;
        }
        for (uint32_t n = 0; simg_get_root(image, i, n, &r) == SIMG_OK; n++)
            sink += strlen(r.name) + (simg_root_addr(image, r.name) ? 1u : 0u);
        for (uint32_t n = 0; simg_get_import(image, i, n, &m) == SIMG_OK; n++)
            sink += strlen(m.name);
        sink += strlen(h.runtime) + strlen(h.version) + strlen(h.build_id) + strlen(h.build_flags);
    }
    sink += simg_meta(image, "made-by") ? 1u : 0u;
}

static void open_all(int fd, uint32_t verify)
{
    struct simg_options o = {
        .size = sizeof o, .verify = verify, .flags = SIMG_OPEN_MAP, .resolve = resolver};
    struct simg *in_place = NULL, *moved = NULL;
    struct simg_error e;

    if (simg_open_fd(fd, &o, &in_place, &e) == SIMG_OK)
        look(in_place);
    else if (in_place || !e.text[0] || e.status == SIMG_OK)
        abort();
    if (in_place && simg_open_fd(fd, &o, &moved, &e) == SIMG_OK)
        look(moved);
    simg_close(moved);
    simg_close(in_place);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t sound[3][HIMG_SIZE], image[HIMG_SIZE];
    struct cursor c = {.in = {data, size}};
    uint8_t how = cur_u8(&c);
    uint64_t length = how & 8 ? cur_u32(&c) % HIMG_SIZE : HIMG_SIZE;
    int fd = memfd_create("image", MFD_CLOEXEC);

    if (fd < 0)
        abort();
    if (!sound[0][0]) {
        make_heap_image(sound[0]);
        make_heap_image_macho(sound[1]);
        make_heap_image_pe(sound[2]);
    }
    memcpy(image, sound[how & 32 ? 2 : how >> 4 & 1], sizeof image);
    while (cur_count(&c, 1, 6)) {
        uint64_t at = place(cur_u16(&c));

        store_uint(image + at, 4, false, cur_u32(&c));
    }
    if (how & 1)
        seal_heap_image(image);
    /* Only what is not 0, so that a run costs little. */
    if (ftruncate(fd, (off_t)length) != 0)
        abort();
    for (uint64_t at = 0; at < length; at += 0x1000)
        if (at < 0x2000 || at % 0x10000 == 0) {
            uint64_t n = length - at < 0x1000 ? length - at : 0x1000;

            if (pwrite(fd, image + at, n, (off_t)at) != (ssize_t)n)
                abort();
        }
    open_all(fd, (how >> 1 & 3) % 3);
    close(fd);
    return 0;
}
