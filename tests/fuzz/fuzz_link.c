/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_link.c - a whole link of any bytes.
 *
 * Three bytes choose options, forms and whether errors stop; the rest is one
 * to four files, each starting with ELF's magic.  They are linked as they are
 * (the first once more, if asked), or as members of an archive.  Nothing is
 * written to disk: inputs are memory files, the output is /dev/null. */

#include "link/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    FILES = 4,
    /* Room in the image that one number asks for: more than this is slow, and no bug. */
    LARGEST_ALIGN = 2 << 20,
    MOST_ZEROS = 16 << 20,
};

enum option { GC, NOW, RELR, STRIP_SYMBOLS, STRIP_DEBUGGING, PACK, BUILD_ID, SYMBOLIC };
enum more { VERSIONED, DEFS, PACK_ZSTD, HIDE_LIBS, OLD, WRAP, MAP, EVERYTHING };
enum form { AS_ARCHIVE, ALL_MEMBERS, TWICE, WRITE_ANYWAY, BY_NEED };

static bool has(uint8_t set, unsigned bit) { return set >> bit & 1; }

/* A file in memory of SIZE bytes; its path is put in PATH. */
static int memory_file(int slot, const uint8_t *bytes, size_t size, char path[32])
{
    static int fds[FILES];

    if (!fds[slot] && (fds[slot] = memfd_create("input", MFD_CLOEXEC)) < 0)
        abort();
    if (ftruncate(fds[slot], 0) != 0 || pwrite(fds[slot], bytes, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, 32, "/proc/self/fd/%d", fds[slot]);
    return fds[slot];
}

/* Split IN before each magic number; returns the number of parts. */
static size_t split(struct span in, struct span parts[FILES])
{
    size_t count = 0;

    while (in.size > 0 && count < FILES) {
        const uint8_t *next = in.size > 4 && count + 1 < FILES
                                  ? memmem(in.at + 4, in.size - 4, "\177ELF", 4)
                                  : NULL;
        uint64_t n = next ? (uint64_t)(next - in.at) : in.size;

        parts[count++] = (struct span){in.at, n};
        in = (struct span){in.at + n, in.size - n};
    }
    return count;
}

/* The parts as members of an archive without an index. */
static uint8_t *make_archive(const struct span *parts, size_t count, size_t *size)
{
    uint8_t *out = NULL, *p = NULL;

    *size = 8;
    for (size_t i = 0; i < count; i++)
        *size += 60 + parts[i].size + (parts[i].size & 1);
    if (!(out = malloc(*size)))
        abort();
    memcpy(out, "!<arch>\n", 8);
    p = out + 8;
    for (size_t i = 0; i < count; i++) {
        char header[64];

        snprintf(header, sizeof header, "%-16s%-12s%-6s%-6s%-8s%-10llu`\n", "m.o/", "0", "0", "0",
                 "644", (unsigned long long)parts[i].size);
        memcpy(p, header, 60);
        memcpy(p + 60, parts[i].at, parts[i].size);
        p += 60 + parts[i].size;
        if (parts[i].size & 1)
            *p++ = '\n';
    }
    return out;
}

/* An image that must be vast, but not so vast that it is refused. */
static bool is_vast(struct span in)
{
    const uint64_t refused = UINT64_C(1) << 48;
    struct diag d = {0};
    struct arena a = {0};
    struct object o = {0};
    uint64_t align = 0, zeros = 0, most = 0;

    if (format_find(in))
        format_elf.read(&d, &a, "", in, &o);
    for (uint32_t i = 1; i < o.section_count; i++) {
        const struct section *s = &o.sections[i];

        align |= UINT64_C(1) << s->align_log2;
        if (s->flags & SEC_ZERO) {
            zeros += s->size < refused ? s->size : 0;
            most = s->size > most ? s->size : most;
        }
    }
    for (uint32_t i = 1; i < o.symbol_count; i++) {
        const struct symbol *s = &o.symbols[i];

        if (s->section == SECTION_COMMON || s->section == SECTION_LARGE_COMMON) {
            align |= s->value;
            zeros += s->size < refused ? s->size : 0;
            most = s->size > most ? s->size : most;
        }
    }
    arena_free(&a);
    return align >= LARGEST_ALIGN * 2 || (zeros > MOST_ZEROS && most < refused);
}

static struct version_script *versions(void)
{
    static const char text[] = "V1 { global: f*; fa*; [gt]; main; extern \"C++\" { a::*; }; };"
                               "V2 { global: v; fa?; local: *; } V1;";
    static struct version_script script;
    static struct arena keep;
    struct diag d = {0};

    if (!script.nodes &&
        !version_read(&d, &keep, (struct span){(const uint8_t *)text, sizeof text - 1}, false,
                      &script))
        abort();
    return &script;
}

static void count_lines(void *arg, enum diag_kind kind, const char *text)
{
    uint64_t *counts = arg;

    if (!*text)
        abort();
    counts[kind == DIAG_ERROR]++;
}

static void run(struct link_options *o)
{
    uint64_t counts[2] = {0};
    struct diag d = {.sink = count_lines, .arg = counts};
    bool ok = link_run(&d, o);

    if (d.where || counts[1] != d.errors || (!ok && !d.errors) ||
        (ok && d.errors && !o->noinhibit)) {
        fprintf(stderr, "%s with %d errors, %d told: %s\n", ok ? "success" : "failure",
                (int)d.errors, (int)counts[1], d.text);
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *wanted[] = {"f", "main"}, *wrapped[] = {"f"}, *all[] = {"ALL"};
    struct cursor c = {.in = {data, size}};
    uint8_t option = cur_u8(&c), more = cur_u8(&c), form = cur_u8(&c);
    struct span parts[FILES];
    size_t count = split((struct span){data + c.pos, size - c.pos}, parts);
    struct link_input inputs[FILES + 1] = {0};
    char paths[FILES][32];
    struct defsym defsym = {.name = "alias", .value = "f"};
    struct link_options o = {
        .program = "fuzz",
        .output = "/dev/null",
        .sysroot = "",
        .relro = true,
        .inputs = inputs,
        .threads = 1,
        .gc_sections = has(option, GC),
        .now = has(option, NOW),
        .relocs = has(option, RELR) ? RELOCS_RELR : RELOCS_RELA,
        .strip = has(option, STRIP_SYMBOLS)     ? STRIP_ALL
                 : has(option, STRIP_DEBUGGING) ? STRIP_DEBUG
                                                : STRIP_NONE,
        .compress = !has(option, PACK)       ? COMPRESS_NONE
                    : has(more, PACK_ZSTD) ? COMPRESS_ZSTD
                                           : COMPRESS_ZLIB,
        .build_id = has(option, BUILD_ID) ? BUILD_ID_HASH : BUILD_ID_NONE,
        .bsymbolic = has(option, SYMBOLIC) ? BSYMBOLIC_ALL : BSYMBOLIC_NONE,
        .version_script = has(more, VERSIONED) ? versions() : NULL,
        .no_undefined = has(more, DEFS),
        .eh_frame_hdr = !has(more, OLD),
        .hash_style = has(more, OLD) ? HASH_SYSV : HASH_SYSV | HASH_GNU,
        .map = has(more, MAP) ? "/dev/null" : NULL,
        .cref = has(more, MAP),
        .allow_multiple = has(form, TWICE),
        .noinhibit = has(form, WRITE_ANYWAY),
        .discard = has(more, EVERYTHING) ? DISCARD_NONE : DISCARD_MERGE,
        .undefined = {wanted, 2},
    };

    for (size_t i = 0; i < count; i++)
        if (is_vast(parts[i]))
            return -1;
    if (has(more, HIDE_LIBS))
        o.exclude_libs = (struct strings){all, 1};
    if (has(more, WRAP)) {
        o.wrap = (struct strings){wrapped, 1};
        o.defsyms = &defsym;
        o.defsym_count = 1;
    }
    if (has(form, AS_ARCHIVE)) {
        size_t archive_size = 0;
        uint8_t *archive = make_archive(parts, count, &archive_size);

        memory_file(0, archive, archive_size, paths[0]);
        free(archive);
        count = 1;
    } else {
        for (size_t i = 0; i < count; i++)
            memory_file((int)i, parts[i].at, parts[i].size, paths[i]);
    }
    for (size_t i = 0; i < count; i++)
        inputs[o.input_count++] = (struct link_input){.name = paths[i],
                                                      .whole = has(form, ALL_MEMBERS),
                                                      .as_needed = has(form, BY_NEED)};
    if (has(form, TWICE) && count > 0)
        inputs[o.input_count++] = inputs[0];
    run(&o);
    return 0;
}
