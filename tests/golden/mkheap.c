/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mkheap.c - a heap container from a text that describes it:
 *
 *   mkheap <TEXT >OUT.heap
 *
 *   order big
 *   segment ro|rw|zero|code ADDR SIZE LOG2-OF-ALIGNMENT NAME
 *   slot SEGMENT OFFSET WORD            offsets ascend
 *   object SEGMENT OFFSET SIZE TYPE     likewise
 *   type NAME
 *   import function|data strong|weak NAME
 *   import-slot PLACE IMPORT ADDEND     places ascend
 *   root function|data ADDR SIZE NAME
 *   identity RUNTIME VERSION BUILD-ID FLAGS
 *   meta KEY VALUE
 *
 * Names have no blanks; \xNN is a byte, "-" is empty, "#" begins a comment.
 * Written from docs/heap-format.md; it shares no code with the writer. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/buf.h"
#include "sysimage/format.h"

enum { SEGMENTS = 16, WORDS = 8 };

struct segment {
    uint64_t addr, size, aligned, odd, objects;
    uint64_t last_odd, last_object; /* ends, for the gaps */
    bool zero;
    struct buf data, bitmap, odds, stream;
};

static struct segment segments[SEGMENTS];
static struct buf tables[SIMG_PART_STRINGS + 1], strings, file, table;
static uint64_t counts[SIMG_PART_STRINGS + 1];
static unsigned segment_count, part_count, line_number;
static bool big;

static void die(const char *what)
{
    fprintf(stderr, "mkheap: line %u: %s\n", line_number, what);
    exit(1);
}

static uint64_t number(const char *s) { return strtoull(s, NULL, 0); }

static uint32_t choice(const char *s, const char *zero, const char *one)
{
    if (strcmp(s, zero) != 0 && strcmp(s, one) != 0)
        die(s);
    return strcmp(s, one) == 0;
}

static uint32_t string(const char *s)
{
    uint32_t at = (uint32_t)strings.size;

    if (!strcmp(s, "-"))
        return 0;
    for (; *s; s++) {
        char digits[3] = {0};

        if (strncmp(s, "\\x", 2) != 0) {
            buf_bytes(&strings, s, 1);
            continue;
        }
        memcpy(digits, s + 2, 2);
        buf_uint(&strings, strtoul(digits, NULL, 16), 1);
        s += 3;
    }
    buf_uint(&strings, 0, 1);
    return at;
}

static void leb128(struct buf *b, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        buf_uint(b, v | 0x80, 1);
    buf_uint(b, v, 1);
}

static struct buf *row(unsigned type)
{
    counts[type]++;
    return &tables[type];
}

static struct segment *segment_of(const char *s)
{
    if (number(s) >= segment_count)
        die("no such segment");
    return &segments[number(s)];
}

static void add_segment(char **w)
{
    static const char *const kinds[] = {"ro", "rw", "zero", "code"};
    struct segment *s = &segments[segment_count];
    struct buf *b = row(SIMG_PART_SEGMENTS);
    unsigned kind = 0;

    while (kind < 4 && strcmp(kinds[kind], w[0]) != 0)
        kind++;
    if (kind == 4 || segment_count++ == SEGMENTS)
        die("kind or number of segments");
    s->addr = number(w[1]);
    s->size = number(w[2]);
    s->zero = kind == 2;
    s->data.big = s->bitmap.big = big;
    if (!s->zero)
        buf_reserve(&s->data, s->size);
    buf_reserve(&s->bitmap, (s->size + 63) / 64);
    buf_uint(b, s->addr, 8);
    buf_uint(b, s->size, 8);
    buf_uint(b, kind + 1, 1);
    buf_uint(b, number(w[3]), 1);
    buf_uint(b, 0, 2);
    buf_uint(b, string(w[4]), 4);
    buf_reserve(b, 24);
}

static void add_slot(char **w)
{
    struct segment *s = segment_of(w[0]);
    uint64_t at = number(w[1]);

    if (at + 8 > s->data.size)
        die("slot outside of its segment");
    store_uint(s->data.at + at, 8, big, number(w[2]));
    if (at % 8 == 0) {
        s->bitmap.at[at / 64] |= (uint8_t)(1 << at / 8 % 8);
        s->aligned++;
        return;
    }
    leb128(&s->odds, at - s->last_odd);
    s->last_odd = at;
    s->odd++;
}

static void add_object(char **w)
{
    struct segment *s = segment_of(w[0]);

    leb128(&s->stream, number(w[1]) - s->last_object);
    leb128(&s->stream, number(w[2]));
    leb128(&s->stream, number(w[3]));
    s->last_object = number(w[1]) + number(w[2]);
    s->objects++;
}

static void add_import(char **w)
{
    struct buf *b = row(SIMG_PART_IMPORTS);

    buf_uint(b, string(w[2]), 4);
    buf_uint(b, choice(w[0], "data", "function"), 1);
    buf_uint(b, choice(w[1], "strong", "weak"), 1);
    buf_reserve(b, 10);
}

static void add_import_slot(char **w)
{
    struct buf *b = row(SIMG_PART_IMPORT_SLOTS);

    buf_uint(b, number(w[0]), 8);
    buf_uint(b, number(w[1]), 4);
    buf_uint(b, 0, 4);
    buf_uint(b, number(w[2]), 8);
}

static void add_root(char **w)
{
    struct buf *b = row(SIMG_PART_ROOTS);

    buf_uint(b, string(w[3]), 4);
    buf_uint(b, choice(w[0], "data", "function"), 1);
    buf_uint(b, 0, 3);
    buf_uint(b, number(w[1]), 8);
    buf_uint(b, number(w[2]), 8);
    buf_reserve(b, 8);
}

static void add_type(char **w)
{
    struct buf *b = row(SIMG_PART_TYPES);

    buf_uint(b, string(w[0]), 4);
    buf_reserve(b, 12);
}

static void add_identity(char **w)
{
    struct buf *b = row(SIMG_PART_IDENTITY);

    for (unsigned i = 0; i < 4; i++)
        buf_uint(b, string(w[i]), 4);
}

static void add_meta(char **w)
{
    struct buf *b = row(SIMG_PART_META);

    buf_uint(b, string(w[0]), 4);
    buf_uint(b, string(w[1]), 4);
}

static void set_order(char **w)
{
    big = choice(w[0], "little", "big");
    for (unsigned i = 0; i <= SIMG_PART_STRINGS; i++)
        tables[i].big = big;
    file.big = table.big = big;
}

static void read_line(char *line)
{
    static const struct {
        const char *word;
        unsigned words;
        void (*add)(char **words);
    } verbs[] = {{"order", 1, set_order},       {"segment", 5, add_segment},
                 {"slot", 3, add_slot},         {"object", 4, add_object},
                 {"type", 1, add_type},         {"import", 3, add_import},
                 {"root", 4, add_root},         {"import-slot", 3, add_import_slot},
                 {"identity", 4, add_identity}, {"meta", 2, add_meta}};
    char *words[WORDS] = {0};
    unsigned n = 0;

    for (char *w = strtok(line, " \n"); w && *w != '#' && n < WORDS; w = strtok(NULL, " \n"))
        words[n++] = w;
    if (n == 0)
        return;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (!strcmp(verbs[i].word, words[0]) && n == verbs[i].words + 1) {
            verbs[i].add(words + 1);
            return;
        }
    die(words[0]);
}

/* A part goes into the file, its entry into the table. */
static void add_part(uint32_t type, uint32_t index, uint64_t count, const struct buf *b)
{
    uint64_t hash = XXH3_64bits(b->at, b->size); /* one block: below 1 MiB */
    uint8_t bytes[8];

    buf_align(&file, type == SIMG_PART_DATA ? SIMG_DATA_ALIGN : 8);
    store_uint(bytes, 8, false, hash);
    buf_uint(&table, type, 4);
    buf_uint(&table, index, 4);
    buf_uint(&table, 0, 8);
    buf_uint(&table, file.size, 8);
    buf_uint(&table, b->size, 8);
    buf_uint(&table, b->size, 8);
    buf_uint(&table, count, 8);
    buf_uint(&table, XXH3_64bits(bytes, b->size ? 8 : 0), 8);
    buf_uint(&table, 0, 8);
    buf_bytes(&file, b->at, b->size);
    part_count++;
}

static void add_segment_parts(uint32_t i)
{
    struct segment *s = &segments[i];
    struct buf slots = {.big = big};

    if (!s->zero)
        add_part(SIMG_PART_DATA, i, 0, &s->data);
    if (s->objects)
        add_part(SIMG_PART_OBJECTS, i, s->objects, &s->stream);
    if (s->aligned + s->odd == 0)
        return;
    buf_uint(&slots, s->aligned, 8);
    buf_uint(&slots, s->bitmap.size, 8);
    buf_uint(&slots, SIMG_SLOTS_BITMAP, 8);
    buf_bytes(&slots, s->bitmap.at, s->bitmap.size);
    buf_bytes(&slots, s->odds.at, s->odds.size);
    add_part(SIMG_PART_SLOTS, i, s->aligned + s->odd, &slots);
    buf_free(&slots);
}

static void put_header(uint64_t table_at)
{
    const struct segment *last = &segments[segment_count - 1];
    XXH128_canonical_t id;
    uint8_t *h = file.at;

    memcpy(h, SIMG_HEAP_MAGIC, 8);
    h[8] = big ? SIMG_BIG : SIMG_LITTLE;
    h[9] = 8;
    h[10] = SIMG_HEAP_MAJOR;
    h[11] = SIMG_HEAP_MINOR;
    store_uint(h + 12, 2, big, SIMG_HEADER_SIZE);
    store_uint(h + 14, 2, big, SIMG_PART_SIZE);
    store_uint(h + 16, 8, big, file.size);
    store_uint(h + 24, 8, big, table_at);
    store_uint(h + 32, 4, big, part_count);
    store_uint(h + 40, 8, big, last->addr + last->size);
    h[48] = 48;
    XXH128_canonicalFromHash(&id, XXH3_128bits(table.at, table.size));
    memcpy(h + 56, &id, sizeof id);
    store_uint(h + 112, 8, big, XXH3_64bits(table.at, table.size));
    store_uint(h + 120, 8, big, XXH3_64bits(h, 120));
}

int main(void)
{
    char line[4096];
    uint64_t at = 0;

    buf_uint(&strings, 0, 1);
    while (fgets(line, sizeof line, stdin)) {
        line_number++;
        read_line(line);
    }
    if (segment_count == 0)
        die("no segment");
    buf_reserve(&file, SIMG_HEADER_SIZE);
    for (uint32_t type = 1; type < SIMG_PART_STRINGS; type++)
        if (counts[type])
            add_part(type, 0, counts[type], &tables[type]);
    add_part(SIMG_PART_STRINGS, 0, 0, &strings);
    for (uint32_t i = 0; i < segment_count; i++)
        add_segment_parts(i);
    buf_align(&file, 8);
    at = file.size;
    buf_bytes(&file, table.at, table.size);
    put_header(at);
    return fwrite(file.at, 1, file.size, stdout) == file.size && fflush(stdout) == 0 ? 0 : 1;
}
