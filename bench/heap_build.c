/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_build.c - what heap-build.py compares with, and how it sees that an image is right.
 *
 * heap_build object HEAP OUT.o MACHINE TYPE
 *     The same heap for linkers that know no heaps: an object with the bytes in .heap, a relocation
 *     of TYPE (the CPU's absolute 64 bits) for each slot, and the root as a symbol.
 * heap_build floor HEAP OUT
 *     Only write the bytes, as fast as a file is written: fallocate, then pieces of 2 MiB.
 * heap_build check IMAGE SIZE SUM SLOTS
 *     Load the image; its words must add up to what heapgen says, so a wrong pointer fails.
 *
 * HEAP is what heapgen --one makes: one segment at heap address 0, a bitmap of slots. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysimage/format.h>
#include <unistd.h>

enum { PIECE = 2 << 20 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void refuse(const char *why)
{
    fprintf(stderr, "heap_build: %s\n", why);
    exit(1);
}

/* ---- the container ---- */

struct heap {
    const uint8_t *data, *bitmap;
    uint64_t size, slots;
};

static uint64_t word(const uint8_t *p)
{
    uint64_t v = 0;

    memcpy(&v, p, 8);
    return v;
}

/* FILE, mapped where huge pages of the page cache can be. */
static const uint8_t *map(const char *path, size_t *size)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    uint8_t *room = NULL, *at = NULL;

    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    *size = (size_t)st.st_size;
    room = mmap(NULL, *size + PIECE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        die("mmap");
    at = room + (-(uintptr_t)room & (PIECE - 1));
    if (mmap(at, *size, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
        die(path);
    close(fd);
    return at;
}

static struct heap open_heap(const char *path)
{
    struct heap h = {0};
    size_t size = 0;
    const uint8_t *file = map(path, &size), *part = NULL;
    uint32_t count = 0, type = 0, flags = 0;

    if (size < SIMG_HEADER_SIZE || memcmp(file, SIMG_HEAP_MAGIC, 8) != 0)
        refuse("this is no heap container");
    memcpy(&count, file + 32, 4);
    for (uint32_t i = 0; i < count; i++) {
        part = file + word(file + 24) + (uint64_t)i * SIMG_PART_SIZE;
        memcpy(&type, part, 4);
        memcpy(&flags, part + 8, 4);
        if (type == SIMG_PART_DATA && !h.data && !(flags & SIMG_PART_ZSTD)) {
            h.data = file + word(part + 16);
            h.size = word(part + 32);
        } else if (type == SIMG_PART_SLOTS) {
            h.bitmap = file + word(part + 16) + 24;
            h.slots = word(part + 40);
            if (word(h.bitmap - 24) != h.slots || word(h.bitmap - 8) != SIMG_SLOTS_BITMAP)
                refuse("the slots are not one bitmap");
        }
    }
    if (!h.data || !h.bitmap || h.size % 8 != 0)
        refuse("not what heapgen --one makes");
    return h;
}

/* ---- an object ---- */

static int out;
static uint64_t written;

static void put(const void *p, size_t size)
{
    for (const uint8_t *at = p; size > 0;) {
        ssize_t n = write(out, at, size < PIECE ? size : PIECE);

        if (n <= 0)
            die("write");
        at += n;
        size -= (size_t)n;
        written += (uint64_t)n;
    }
}

static void relocations(const struct heap *h, uint32_t type)
{
    static Elf64_Rela buffer[PIECE / sizeof(Elf64_Rela)];
    size_t n = 0;

    for (uint64_t i = 0; i < h->size / 8; i++) {
        if (!(h->bitmap[i / 8] >> i % 8 & 1))
            continue;
        buffer[n++] = (Elf64_Rela){8 * i, ELF64_R_INFO(1, type), (int64_t)word(h->data + 8 * i)};
        if (n == sizeof buffer / sizeof *buffer) {
            put(buffer, sizeof buffer);
            n = 0;
        }
    }
    put(buffer, n * sizeof *buffer);
}

static int object(const char *heap, const char *path, uint16_t machine, uint32_t type)
{
    enum { HEAP = 1, RELA, SYMTAB, STRTAB, STACK, SECTIONS };
    static const char strings[] = "\0gen_rw\0.heap\0.rela.heap\0.symtab\0.strtab\0.note.GNU-stack";
    const struct heap h = open_heap(heap);
    const uint64_t heap_at = 4096, rela_at = heap_at + h.size,
                   rela_size = h.slots * sizeof(Elf64_Rela);
    const Elf64_Sym symbols[] = {
        {0},
        {.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION), .st_shndx = HEAP},
        {1, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), STV_DEFAULT, HEAP, 0, h.size},
    };
    const uint64_t symbols_at = rela_at + rela_size, strings_at = symbols_at + sizeof symbols;
    const Elf64_Shdr sections[SECTIONS] = {
        [HEAP] = {8, SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, heap_at, h.size, 0, 0, 4096, 0},
        [RELA] = {14, SHT_RELA, SHF_INFO_LINK, 0, rela_at, rela_size, SYMTAB, HEAP, 8,
                  sizeof(Elf64_Rela)},
        [SYMTAB] = {25, SHT_SYMTAB, 0, 0, symbols_at, sizeof symbols, STRTAB, 2, 8,
                    sizeof(Elf64_Sym)},
        [STRTAB] = {33, SHT_STRTAB, 0, 0, strings_at, sizeof strings, 0, 0, 1, 0},
        [STACK] = {41, SHT_PROGBITS, 0, 0, strings_at, 0, 0, 0, 1, 0},
    };
    const uint64_t sections_at = (strings_at + sizeof strings + 7) & ~UINT64_C(7);
    const Elf64_Ehdr header = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_REL,
        .e_machine = machine,
        .e_version = EV_CURRENT,
        .e_shoff = sections_at,
        .e_ehsize = sizeof header,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = SECTIONS,
        .e_shstrndx = STRTAB,
    };
    static const uint8_t zeros[4096];

    out = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (out < 0)
        die(path);
    put(&header, sizeof header);
    put(zeros, heap_at - sizeof header);
    put(h.data, h.size);
    relocations(&h, type);
    if (written != symbols_at)
        refuse("the bitmap and the number of slots differ");
    put(symbols, sizeof symbols);
    put(strings, sizeof strings);
    put(zeros, sections_at - written);
    put(sections, sizeof sections);
    /* Its dirty pages shall not slow down the linker that is measured next. */
    return fsync(out) != 0 || close(out) != 0;
}

/* ---- the floor, and the check ---- */

static int write_only(const char *heap, const char *path)
{
    const struct heap h = open_heap(heap);

    out = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (out < 0 || fallocate(out, 0, 0, (off_t)h.size) != 0)
        die(path);
    put(h.data, h.size);
    return close(out) != 0;
}

static int check(const char *image, uint64_t size, uint64_t want, uint64_t slots)
{
    void *library = dlopen(image, RTLD_NOW);
    const uint8_t *at = library ? dlsym(library, "gen_rw") : NULL;
    uint64_t sum = 0;

    if (!at)
        refuse(dlerror());
    for (uint64_t i = 0; i + 8 <= size; i += 8)
        sum += word(at + i);
    if (sum != want + slots * (uint64_t)at && sum != want)
        refuse("the words do not add up: a pointer is wrong");
    puts(sum == want && slots ? "not relocated" : "relocated");
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "object") && argc == 6)
        return object(argv[2], argv[3], (uint16_t)atoi(argv[4]), (uint32_t)atoi(argv[5]));
    if (!strcmp(what, "floor") && argc == 4)
        return write_only(argv[2], argv[3]);
    if (!strcmp(what, "check") && argc == 6)
        return check(argv[2], strtoull(argv[3], NULL, 0), strtoull(argv[4], NULL, 0),
                     strtoull(argv[5], NULL, 0));
    refuse("object HEAP OUT.o MACHINE TYPE, floor HEAP OUT, or check IMAGE SIZE SUM SLOTS");
}
