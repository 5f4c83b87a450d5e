/* SPDX-License-Identifier: MIT */
/* imagebreak.c - what the loader makes of damaged images.
 *
 * imagebreak IMAGE [STEP]
 *
 * Opens IMAGE whole, then with each STEPth bit changed alone, then cut at each
 * STEPth length (all of them: 1, as if not given), always with all checks: each time the loader must either refuse, or
 * give the heap that the whole image gives.  Ends with 1 if it gave another;
 * crashes where the loader would. */

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysimage/format.h>
#include <sysimage/image.h>
#include <unistd.h>

static uint64_t opened, refused[16];

/* A number for the heap that does not depend on where it lies: the sum of all
   words, the imports' segments left out, less what relocating adds. */
static uint64_t sum_of(const struct simg *image)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < simg_heap_count(image); i++) {
        struct simg_heap h;
        struct simg_segment s;

        simg_get_heap(image, i, &h);
        for (uint32_t n = 0; simg_get_segment(image, i, n, &s) == SIMG_OK; n++) {
            for (uint64_t at = 0; at + 8 <= s.size; at += 8) {
                uint64_t word = 0;

                memcpy(&word, (char *)s.addr + at, 8);
                sum += word;
            }
            sum -= h.mode == SIMG_MODE_NONE ? 0 : s.slots * (uint64_t)h.addr;
            sum += s.size;
        }
        for (uint32_t n = 0; n < h.roots; n++) {
            struct simg_root r;

            simg_get_root(image, i, n, &r);
            sum += (uint64_t)((char *)r.addr - (char *)h.addr) * 31 + r.size + strlen(r.name);
        }
    }
    return sum;
}

/* The heap's sum, or 0 if FD was refused. */
static uint64_t try_open(int fd, struct simg_error *e)
{
    struct simg_options o = {.size = sizeof o, .verify = SIMG_VERIFY_FULL, .flags = SIMG_OPEN_MAP};
    struct simg *image = NULL;
    uint64_t sum = 0;

    if (simg_open_fd(fd, &o, &image, e) != SIMG_OK) {
        if (image || !e->text[0] || e->status == SIMG_OK) {
            printf("refused without a word\n");
            exit(1);
        }
        refused[-e->status]++;
        return 0;
    }
    opened++;
    sum = sum_of(image);
    simg_close(image);
    return sum;
}

int main(int argc, char **argv)
{
    FILE *in = argc == 2 || argc == 3 ? fopen(argv[1], "rb") : NULL;
    size_t step = argc == 3 ? strtoul(argv[2], NULL, 10) : 1;
    static char bytes[1 << 20];
    size_t size = in ? fread(bytes, 1, sizeof bytes, in) : 0;
    int fd = memfd_create("image", 0);
    struct simg_error e;
    uint64_t want = 0, got = 0;

    if (!step || !size || size == sizeof bytes || fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        return 2;
    if (!(want = try_open(fd, &e))) {
        printf("the sound image: %s\n", e.text);
        return 1;
    }
    for (size_t bit = 0; bit < 8 * size; bit += step) {
        size_t at = bit / 8;
        char changed = (char)(bytes[at] ^ 1 << bit % 8);

        if (pwrite(fd, &changed, 1, (off_t)at) != 1)
            return 2;
        got = try_open(fd, &e);
        if (pwrite(fd, &bytes[at], 1, (off_t)at) != 1)
            return 2;
        if (got && got != want) {
            printf("bit %zu of byte 0x%zx changed: another heap\n", bit % 8, at);
            return 1;
        }
    }
    for (size_t length = size; length > 0;) {
        length -= length < step ? length : step;
        if (ftruncate(fd, (off_t)length) != 0)
            return 2;
        got = try_open(fd, &e);
        if (got && got != want) {
            printf("cut to 0x%zx bytes: another heap\n", length);
            return 1;
        }
    }
    printf("%zu bytes; %llu opened, right; refused:", size, (unsigned long long)opened);
    for (int i = 0; i < 16; i++)
        if (refused[i])
            printf(" %s %llu", simg_status_text((enum simg_status) - i),
                   (unsigned long long)refused[i]);
    putchar('\n');
    return 0;
}
