/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elf_mutator.c - how libFuzzer changes ELF files: mostly one field of a
 * header, symbol or relocation, to a value that stands for something. */

#include "base/bytes.h"
#include "elf/elf.h"

#include <stddef.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static uint64_t state;

static uint64_t chance(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? state % below : 0;
}

/* Field widths of Elf64_Shdr, Elf64_Sym, Elf64_Rela and the ELF header from e_type on. */
static const uint8_t shdr[] = {4, 4, 8, 8, 8, 8, 4, 4, 8, 8, 0};
static const uint8_t sym[] = {4, 1, 1, 2, 8, 8, 0};
static const uint8_t rela[] = {8, 4, 4, 8, 0};
static const uint8_t ehdr[] = {2, 2, 4, 8, 8, 8, 4, 2, 2, 2, 2, 2, 2, 0};
static const uint8_t words[] = {4, 0};

/* A value for a field that is WAS, in a file of SIZE bytes with COUNT sections. */
static uint64_t new_value(uint64_t was, uint64_t size, uint64_t count)
{
    switch (chance(14)) {
    case 0: return 0;
    case 1: return UINT64_MAX - chance(4);
    case 2: return was + 1;
    case 3: return was - 1;
    case 4: return UINT64_C(1) << chance(64);
    case 5: return (UINT64_C(1) << chance(64)) - 1;
    case 6: return size - chance(16);
    case 7: return chance(size);
    case 8: return count - chance(2);
    case 9: return chance(count + 1);
    case 10: return was ^ UINT64_C(1) << chance(32);
    case 11: return chance(64);
    case 12: return was * 2;
    default: return 0xff00 + chance(0x100); /* special sections */
    }
}

static void change_field(uint8_t *file, size_t size, uint64_t at, const uint8_t *widths,
                         uint64_t count)
{
    unsigned fields = 0, which = 0;

    while (widths[fields])
        fields++;
    which = (unsigned)chance(fields);
    for (unsigned i = 0; i < which; i++)
        at += widths[i];
    if (at > size || size - at < widths[which])
        return;
    store_uint(file + at, widths[which], false,
               new_value(load_uint(file + at, widths[which], false), size, count));
}

/* Change something inside section header I's table, if it is one. */
static void change_entry(uint8_t *file, size_t size, uint64_t header, uint64_t count)
{
    uint32_t type = (uint32_t)load_uint(file + header + 4, 4, false);
    uint64_t offset = load_uint(file + header + 24, 8, false);
    uint64_t bytes = load_uint(file + header + 32, 8, false);
    bool symbols = type == SHT_SYMTAB || type == SHT_DYNSYM;
    uint64_t entry = symbols || type == SHT_RELA ? 24 : 4;

    if (bytes < entry)
        return;
    change_field(file, size, offset + chance(bytes / entry) * entry,
                 symbols            ? sym
                 : type == SHT_RELA ? rela
                                    : words,
                 count);
}

static void change_elf(uint8_t *file, size_t size)
{
    uint64_t shoff = size >= 64 ? load_uint(file + 40, 8, false) : 0;
    uint64_t count = size >= 64 ? load_uint(file + 60, 2, false) : 0;
    uint64_t header = shoff + chance(count) * 64;

    if (size < 64)
        return;
    if (count == 0 || shoff > size || header > size - 64 || chance(16) == 0)
        change_field(file, size, 16, ehdr, count);
    else if (chance(3) == 0)
        change_field(file, size, header, shdr, count);
    else
        change_entry(file, size, header, count);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size_t at = 0;

    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    chance(1);
    if (chance(5) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    if (size > 3 && chance(6) == 0) {
        data[chance(3)] = (uint8_t)chance(256);
        return size;
    }
    /* One of the files: the last that starts before a random place. */
    for (size_t i = chance(size ? size : 1) + 1; i-- > 0;)
        if (size - i >= 4 && !memcmp(data + i, "\177ELF", 4)) {
            at = i;
            break;
        }
    for (uint64_t n = 1 + chance(4); n > 0; n--)
        change_elf(data + at, size - at);
    return size;
}
