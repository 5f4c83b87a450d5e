/* SPDX-License-Identifier: MIT */
/* image_macho.c - from a Mach-O file to its sysimage table: the load commands
 * that are segments, and in __TEXT the section __sysimage.  Of a universal
 * file, the part for this CPU. */

#include "runtime/image_file.h"

#include <stdlib.h>
#include <string.h>

/* mach-o/loader.h, mach-o/fat.h: mach_header_64, segment_command_64, section_64, fat_arch. */
enum {
    HEADER_SIZE = 32,
    MH_DYLIB = 6,
    MH_BUNDLE = 8,
    LC_SEGMENT_64 = 0x19,
    SEGMENT_SIZE = 72,
    SECTION_SIZE = 80,
    FAT_HEADER_SIZE = 8,
    FAT_ARCH_SIZE = 20,
    MOST_ARCHS = 32,
    MOST_COMMANDS = 1 << 24, /* bytes: more than any image has */
    CPU_TYPE_X86_64 = 0x01000007,
    CPU_TYPE_ARM64 = 0x0100000c,
#if defined __x86_64__
    OWN_CPU = CPU_TYPE_X86_64,
#elif defined __aarch64__
    OWN_CPU = CPU_TYPE_ARM64,
#else
    OWN_CPU = 0,
#endif
};

/* Is the name of 16 bytes at P this one? */
static bool is_named(const uint8_t *p, const char *name)
{
    return strncmp((const char *)p, name, 16) == 0;
}

/* Find the table in the segment command of SIZE bytes at P, if it is there. */
static void look_for_table(struct file *f, const uint8_t *p, uint64_t size)
{
    uint64_t count = file_uint(p + 64, 4);

    for (uint64_t i = 0; i < count && (i + 1) * SECTION_SIZE <= size - SEGMENT_SIZE; i++) {
        const uint8_t *s = p + SEGMENT_SIZE + i * SECTION_SIZE;

        if (is_named(s, SIMG_MACHO_SECTION) && is_named(s + 16, SIMG_MACHO_SEGMENT)) {
            f->table = file_uint(s + 32, 8);
            f->table_size = file_uint(s + 40, 8);
        }
    }
}

static enum simg_status read_commands(struct file *f, const uint8_t *p, uint64_t size,
                                      uint64_t count, struct simg_error *e)
{
    enum simg_status status = file_room(f, count, e);
    uint64_t at = 0;

    for (uint64_t i = 0; status == SIMG_OK && i < count; i++) {
        uint64_t cmdsize = size - at >= 8 ? file_uint(p + at + 4, 4) : 0;

        if (cmdsize < 8 || cmdsize > size - at)
            return error_set(e, SIMG_ERR_FORMAT, HEADER_SIZE + at,
                             "load command %u: 0x%llx bytes, of 0x%llx left", (unsigned)i,
                             (unsigned long long)cmdsize, (unsigned long long)(size - at));
        if (file_uint(p + at, 4) == LC_SEGMENT_64 && cmdsize >= SEGMENT_SIZE) {
            struct load l = {file_uint(p + at + 24, 8), file_uint(p + at + 48, 8),
                             file_uint(p + at + 40, 8)};

            look_for_table(f, p + at, cmdsize);
            if (l.size)
                status = file_add_load(f, &l, "load command", (unsigned)i, e);
        }
        at += cmdsize;
    }
    return status;
}

static bool is_macho(const uint8_t *head) { return file_uint(head, 4) == 0xfeedfacf; }

static enum simg_status read_macho(struct file *f, const uint8_t *head, struct simg_error *e)
{
    uint64_t type = file_uint(head + 12, 4), count = file_uint(head + 16, 4);
    uint64_t size = file_uint(head + 20, 4);
    enum simg_status status = SIMG_OK;
    uint8_t *commands = NULL;

    if (type != MH_DYLIB && type != MH_BUNDLE)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: not a dynamic library");
    if (size > MOST_COMMANDS || count > size / 8)
        return error_set(e, SIMG_ERR_FORMAT, 0, "%u load commands in 0x%llx bytes", (unsigned)count,
                         (unsigned long long)size);
    if (!(commands = malloc(size + 1)))
        return error_memory(e);
    status = file_part(f, HEADER_SIZE, commands, size, "the load commands", e);
    status = status ? status : read_commands(f, commands, size, count, e);
    free(commands);
    if (status == SIMG_OK && f->table_size == 0)
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0,
                         "not a sysimage: it has no section " SIMG_MACHO_SEGMENT
                         "," SIMG_MACHO_SECTION);
    return status;
}

const struct file_format file_macho = {is_macho, read_macho};

/* ---- universal files, whose header is big-endian ---- */

static uint64_t big(const uint8_t *p)
{
    return (uint64_t)p[0] << 24 | (uint64_t)p[1] << 16 | (uint64_t)p[2] << 8 | p[3];
}

static bool is_universal(const uint8_t *head) { return big(head) == 0xcafebabe; }

static enum simg_status read_universal(struct file *f, const uint8_t *head, struct simg_error *e)
{
    uint64_t count = big(head + 4);
    uint8_t archs[MOST_ARCHS * FAT_ARCH_SIZE], first[FILE_HEAD];
    enum simg_status status = SIMG_OK;

    if (count > MOST_ARCHS) /* Java's classes begin so, too */
        return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: a universal file of %u parts",
                         (unsigned)count);
    status = file_part(f, FAT_HEADER_SIZE, archs, count * FAT_ARCH_SIZE, "the universal header", e);
    for (uint64_t i = 0; status == SIMG_OK && i < count; i++) {
        const uint8_t *a = archs + i * FAT_ARCH_SIZE;
        uint64_t offset = big(a + 8), size = big(a + 12);

        if (big(a) != OWN_CPU)
            continue;
        if (offset > f->size || size > f->size - offset || size < FILE_HEAD)
            return error_set(e, SIMG_ERR_FORMAT, offset,
                             "the part for this CPU is not inside the file");
        f->start = offset;
        f->size = size;
        if ((status = file_part(f, 0, first, FILE_HEAD, "the header", e)) != SIMG_OK)
            return status;
        if (!is_macho(first))
            return error_set(e, SIMG_ERR_NOT_IMAGE, offset,
                             "not a sysimage: the part for this CPU is not Mach-O");
        return read_macho(f, first, e);
    }
    return status ? status : error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage for this CPU");
}

const struct file_format file_universal = {is_universal, read_universal};
