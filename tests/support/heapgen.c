/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heapgen.c - make a heap container and a list of what its slots must hold.
 *
 * heapgen OUT.heap OUT.list [OPTION...]
 *   --size=BYTES[K|M|G]  of the read-write segment (default 256K); others are parts of it
 *   --seed=N             other contents
 *   --density=N          slots among 1000 words (default 300)
 *   --near               most pointers lead close by
 *   --tags --high-tags   low bits, or bits from 48 up, of pointers are tags
 *   --odd                some slots are not 8-aligned
 *   --gaps               slot maps as gaps, not bitmaps
 *   --imports=scatter|cluster|none
 *   --own                imports of what tests/support/heapown.c defines, too
 *   --cpu=x86_64|aarch64 whose code is in the code segment (default x86_64)
 *   --plain-code         no pointers in the code segment
 *   --one                one read-write segment and nothing else, in the list only its sum
 *   --big                big-endian
 *   --prefix=NAME        of the roots' names (default gen_)
 *   --runtime=NAME --build-id=TEXT
 *
 * Written from docs/heap-format.md, with none of the library's code: the
 * library is to agree with it.  The list has lines
 *   root NAME HEAP-ADDRESS SIZE RIGHTS
 *   sum NAME SUM SLOTS      of all words, imports taken as 0
 *   slot NAME OFFSET VALUE  heap address with its tags
 *   function|data|weak NAME OFFSET SYMBOL ADDEND */

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { PAGE = 4096, SHARE = 65536, BLOCK = 1 << 20, MOST_PARTS = 32 };
enum { RO, RW, ZERO, CODE, SEGMENTS };

static struct {
    const char *suffix;
    unsigned kind;
    const char *rights;
    char name[32];
} kinds[SEGMENTS] = {{.suffix = "ro", .kind = 1, .rights = "r--p"},
                     {.suffix = "rw", .kind = 2, .rights = "rw-p"},
                     {.suffix = "zero", .kind = 3, .rights = "rw-p"},
                     {.suffix = "code", .kind = 4, .rights = "r-xp"}};

static struct {
    const char *name;
    unsigned kind, weak;
    const char *word;
    bool own;
} imports[] = {
    {"abs", 1, 0, "function", false},
    {"toupper", 1, 0, "function", false},
    {"isdigit", 1, 0, "function", false},
    {"environ", 0, 0, "data", false},
    {"stdout", 0, 0, "data", false},
    {"tolower", 0, 0, "data", false},
    {"nobody_defines_this", 0, 1, "weak", false},
    {"own_function", 1, 0, "function", true},
    {"own_data", 0, 0, "data", true},
    {"own_hidden", 1, 0, "function", true},
    {"own_array", 0, 0, "data", true},
};
enum { IMPORTS = sizeof imports / sizeof *imports };

struct segment {
    uint64_t addr, size, slots, aligned, sum;
    uint8_t *data, *map;
    unsigned align;
};

static struct {
    uint64_t size, seed, density;
    bool near, tags, high, odd, gaps, cluster, no_imports, own, one, big, arm, plain_code, windows;
    const char *runtime, *build_id, *prefix;
} opt = {.size = 256 << 10, .seed = 1, .density = 300, .runtime = "heapgen", .build_id = "b1", .prefix = "gen_"};

static struct segment seg[SEGMENTS];
static FILE *list;

/* The index of segment N among those that there are. */
static unsigned index_of(unsigned n)
{
    unsigned index = 0;

    for (unsigned i = 0; i < n; i++)
        index += seg[i].size > 0;
    return index;
}

/* xorshift64* (Vigna) */
static uint64_t state;
static uint64_t next(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dULL;
}

static void die(const char *what)
{
    fprintf(stderr, "heapgen: %s\n", what);
    exit(1);
}

static void *make(size_t n)
{
    void *p = calloc(n ? n : 1, 1);

    if (!p)
        die("out of memory");
    return p;
}

static void put(uint8_t *p, unsigned n, uint64_t v)
{
    for (unsigned i = 0; i < n; i++)
        p[opt.big ? n - 1 - i : i] = (uint8_t)(v >> 8 * i);
}

/* ---- output ---- */

struct bytes {
    uint8_t *at;
    size_t size, cap;
};

static void add(struct bytes *b, const void *p, size_t n)
{
    if (b->size + n > b->cap) {
        b->cap = (b->size + n) * 2;
        if (!(b->at = realloc(b->at, b->cap)))
            die("out of memory");
    }
    memcpy(b->at + b->size, p, n);
    b->size += n;
}

static void add_uint(struct bytes *b, unsigned n, uint64_t v)
{
    uint8_t p[8];

    put(p, n, v);
    add(b, p, n);
}

static void add_leb(struct bytes *b, uint64_t v)
{
    do {
        uint8_t c = (uint8_t)(v & 127) | (v > 127 ? 128 : 0);

        add(b, &c, 1);
        v >>= 7;
    } while (v);
}

static struct bytes strings;

static uint64_t string(const char *s)
{
    uint64_t at = strings.size;

    if (!*s)
        return 0;
    add(&strings, s, strlen(s) + 1);
    return at;
}

static uint64_t checksum(const uint8_t *p, uint64_t size)
{
    struct bytes hashes = {0};
    uint64_t all = 0;

    for (uint64_t at = 0; at < size; at += BLOCK) {
        uint64_t h = XXH3_64bits(p + at, size - at < BLOCK ? size - at : BLOCK);
        uint8_t le[8];

        for (unsigned i = 0; i < 8; i++)
            le[i] = (uint8_t)(h >> 8 * i);
        add(&hashes, le, 8);
    }
    all = XXH3_64bits(hashes.at, hashes.size);
    free(hashes.at);
    return all;
}

static FILE *out;
static uint64_t written, part_count;
static struct bytes table;

static void put_out(const void *p, uint64_t n)
{
    if (n && fwrite(p, 1, n, out) != n)
        die("cannot write");
    written += n;
}

static void pad(uint64_t align)
{
    static const uint8_t zeros[PAGE];

    put_out(zeros, (align - written % align) % align);
}

static void part(unsigned type, unsigned index, const uint8_t *p, uint64_t size, uint64_t count)
{
    pad(type == 2 ? PAGE : 8);
    add_uint(&table, 4, type);
    add_uint(&table, 4, index);
    add_uint(&table, 8, 0);
    add_uint(&table, 8, written);
    add_uint(&table, 8, size);
    add_uint(&table, 8, size);
    add_uint(&table, 8, count);
    add_uint(&table, 8, checksum(p, size));
    add_uint(&table, 8, 0);
    part_count++;
    put_out(p, size);
}

/* ---- contents ---- */

static uint64_t pointer(const struct segment *from, uint64_t offset)
{
    const struct segment *to = &seg[RW];
    uint64_t at = next(), v = 0;

    if (!opt.one && at % 8 == 0)
        do
            to = &seg[next() % SEGMENTS];
        while (!to->size);
    if (opt.near && at % 10 < 6 && from->size > 8192) {
        at = offset + next() % 8192;
        to = from;
        at = at >= 4096 ? at - 4096 : at;
    } else if (opt.near && at % 10 < 8) {
        at = next() % 1000 * 64;
    } else {
        at = next();
    }
    v = to->addr + at % to->size / 8 * 8;
    if (opt.tags)
        v |= next() % 8;
    return opt.high ? (v & 0xffffffffffff) | next() << 48 : v;
}

static void set_slot(struct segment *g, const char *name, uint64_t offset, uint64_t v)
{
    put(g->data + offset, 8, v);
    g->slots++;
    if (offset % 8 == 0) {
        g->aligned++;
        g->map[offset / 64] |= (uint8_t)(1 << offset / 8 % 8);
    }
    if (!opt.one)
        fprintf(list, "slot %s %" PRIu64 " %#" PRIx64 "\n", name, offset, v);
}

/* Words that are kept free of slots: one for each import, in the first page or everywhere. */
static uint64_t import_place(const struct segment *g, unsigned n)
{
    uint64_t step = opt.cluster ? 16 : g->size / 64 / 8 * 8;

    return (n + 1) * step;
}

static bool is_import_place(const struct segment *g, uint64_t offset)
{
    if (opt.no_imports || g == &seg[CODE])
        return false;
    for (unsigned i = 0; i < IMPORTS; i++)
        if (offset / 8 == import_place(g, i) / 8)
            return true;
    return false;
}

static struct bytes odds[SEGMENTS];

static void fill(unsigned n)
{
    struct segment *g = &seg[n];
    uint64_t last_odd = 0;

    for (uint64_t at = 0; at + 8 <= g->size; at += 8) {
        uint64_t r = next();

        if (n == CODE && at < 64)
            continue;
        if (is_import_place(g, at)) {
            put(g->data + at, 8, 0);
        } else if (opt.odd && !(n == CODE && opt.plain_code) && at % 4096 == 1024 &&
                   at + 16 < g->size && !is_import_place(g, at + 8)) {
            set_slot(g, kinds[n].name, at + 3, pointer(g, at));
            add_leb(&odds[n], at + 3 - last_odd);
            last_odd = at + 3;
            at += 8;
        } else if ((r >> 20) % 1000 < opt.density && !(n == CODE && opt.plain_code)) {
            set_slot(g, kinds[n].name, at, pointer(g, at));
        } else {
            put(g->data + at, 8, r);
        }
    }
}

static void sum(unsigned n)
{
    for (uint64_t at = 0; at + 8 <= seg[n].size && seg[n].data; at += 8) {
        uint64_t v = 0;

        for (unsigned i = 0; i < 8; i++)
            v |= (uint64_t)seg[n].data[at + i] << 8 * (opt.big ? 7 - i : i);
        seg[n].sum += v;
    }
    fprintf(list, "sum %s %#" PRIx64 " %" PRIu64 "\n", kinds[n].name, seg[n].sum, seg[n].slots);
}

static void slots_part(unsigned n)
{
    const struct segment *g = &seg[n];
    struct bytes head = {0}, stream = {0};
    uint64_t last = 0;

    if (!g->slots)
        return;
    if (opt.gaps)
        for (uint64_t i = 0; i < g->size / 8; i++)
            if (g->map[i / 8] >> i % 8 & 1) {
                add_leb(&stream, i + 1 - last);
                last = i + 1;
            }
    add_uint(&head, 8, g->aligned);
    add_uint(&head, 8, opt.gaps ? stream.size : (g->size + 63) / 64);
    add_uint(&head, 8, opt.gaps);
    if (opt.gaps)
        add(&head, stream.at, stream.size);
    else
        add(&head, g->map, (g->size + 63) / 64);
    if (odds[n].size)
        add(&head, odds[n].at, odds[n].size);
    part(3, index_of(n), head.at, head.size, g->slots);
    free(head.at);
    free(stream.at);
}

static void import_parts(void)
{
    struct bytes names = {0}, slots = {0};
    uint64_t count = 0, places = 0;

    for (unsigned i = 0; i < IMPORTS; i++) {
        if (imports[i].own && !opt.own)
            continue;
        add_uint(&names, 4, string(imports[i].name));
        add_uint(&names, 1, imports[i].kind);
        add_uint(&names, 1, imports[i].weak);
        add_uint(&names, 2, 0);
        add_uint(&names, 8, 0);
        count++;
    }
    for (unsigned n = 0; n < ZERO; n++)
        for (unsigned i = 0; i < count; i++) {
            uint64_t addend = imports[i].kind == 0 && !imports[i].weak && n == RW && !opt.windows ? 8 : 0;

            add_uint(&slots, 8, seg[n].addr + import_place(&seg[n], i));
            add_uint(&slots, 4, i);
            add_uint(&slots, 4, 0);
            add_uint(&slots, 8, addend);
            places++;
            fprintf(list, "%s %s %" PRIu64 " %s %" PRIu64 "\n", imports[i].word, kinds[n].name,
                    import_place(&seg[n], i), imports[i].name, addend);
        }
    part(4, 0, names.at, names.size, count);
    part(5, 0, slots.at, slots.size, places);
    free(names.at);
    free(slots.at);
}

static void root_part(void)
{
    struct bytes roots = {0};
    uint64_t count = 0;

    for (unsigned n = 0; n < SEGMENTS; n++) {
        if (!seg[n].size)
            continue;
        add_uint(&roots, 4, string(kinds[n].name));
        add_uint(&roots, 4, 0);
        put(roots.at + roots.size - 4, 1, n == CODE);
        roots.at[roots.size - 4] = n == CODE;
        add_uint(&roots, 8, seg[n].addr);
        add_uint(&roots, 8, seg[n].size);
        add_uint(&roots, 8, 0);
        count++;
        fprintf(list, "root %s %#" PRIx64 " %" PRIu64 " %s\n", kinds[n].name, seg[n].addr,
                seg[n].size, kinds[n].rights);
    }
    part(6, 0, roots.at, roots.size, count);
    free(roots.at);
}

static void segments_part(void)
{
    struct bytes b = {0};
    uint64_t count = 0;

    for (unsigned n = 0; n < SEGMENTS; n++) {
        if (!seg[n].size)
            continue;
        add_uint(&b, 8, seg[n].addr);
        add_uint(&b, 8, seg[n].size);
        add_uint(&b, 1, kinds[n].kind);
        add_uint(&b, 1, seg[n].align);
        add_uint(&b, 2, 0);
        add_uint(&b, 4, string(kinds[n].name));
        for (unsigned i = 0; i < 3; i++)
            add_uint(&b, 8, 0);
        count++;
    }
    part(1, 0, b.at, b.size, count);
    free(b.at);
}

static void header(void)
{
    struct bytes h = {0};
    uint64_t span = 0, at = written - table.size;
    XXH128_canonical_t id;

    for (unsigned n = 0; n < SEGMENTS; n++)
        if (seg[n].size)
            span = seg[n].addr + seg[n].size;
    XXH128_canonicalFromHash(&id, XXH3_128bits(table.at, table.size));
    add(&h, "\x89HEAP\r\n\x1a", 8);
    add_uint(&h, 1, opt.big ? 2 : 1);
    add_uint(&h, 1, 8);
    add_uint(&h, 2, 0);
    h.at[10] = 1;
    add_uint(&h, 2, 128);
    add_uint(&h, 2, 64);
    add_uint(&h, 8, written);
    add_uint(&h, 8, at);
    add_uint(&h, 4, part_count);
    add_uint(&h, 4, 0);
    add_uint(&h, 8, span);
    add_uint(&h, 1, opt.high ? 48 : 64);
    while (h.size < 56)
        add_uint(&h, 1, 0);
    add(&h, &id, 16);
    while (h.size < 112)
        add_uint(&h, 1, 0);
    add_uint(&h, 8, XXH3_64bits(table.at, table.size));
    add_uint(&h, 8, XXH3_64bits(h.at, 120));
    rewind(out);
    if (fwrite(h.at, 1, 128, out) != 128)
        die("cannot write");
    free(h.at);
}

/* ---- main ---- */

static uint64_t number(const char *s)
{
    char *end = NULL;
    uint64_t v = strtoull(s, &end, 0);

    return v << (*end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : 0);
}

static void option(const char *a)
{
    static const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--near", &opt.near}, {"--tags", &opt.tags}, {"--high-tags", &opt.high},
                 {"--odd", &opt.odd},   {"--gaps", &opt.gaps}, {"--own", &opt.own},
                 {"--one", &opt.one},   {"--big", &opt.big},   {"--plain-code", &opt.plain_code},
                 {"--windows", &opt.windows}};

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(a, flags[i].name)) {
            *flags[i].flag = true;
            return;
        }
    if (!strncmp(a, "--size=", 7))
        opt.size = number(a + 7);
    else if (!strncmp(a, "--seed=", 7))
        opt.seed = number(a + 7);
    else if (!strncmp(a, "--density=", 10))
        opt.density = number(a + 10);
    else if (!strncmp(a, "--imports=", 10))
        opt.cluster = a[10] == 'c', opt.no_imports = a[10] == 'n';
    else if (!strncmp(a, "--cpu=", 6))
        opt.arm = a[6] == 'a';
    else if (!strncmp(a, "--runtime=", 10))
        opt.runtime = a + 10;
    else if (!strncmp(a, "--build-id=", 11))
        opt.build_id = a + 11;
    else if (!strncmp(a, "--prefix=", 9))
        opt.prefix = a + 9;
    else
        die("unknown option");
}

static void place(void)
{
    const uint64_t sizes[SEGMENTS] = {opt.one ? 0 : opt.size / 4, opt.size,
                                      opt.one ? 0 : opt.size / 8, opt.one ? 0 : 4096};
    uint64_t at = 0;

    for (unsigned n = 0; n < SEGMENTS; n++) {
        struct segment *g = &seg[n];

        g->size = sizes[n];
        g->align = g->size >= 2 << 20 ? 21 : 16;
        at = (at + (UINT64_C(1) << g->align) - 1) & ~((UINT64_C(1) << g->align) - 1);
        g->addr = at;
        at += g->size;
        if (n != ZERO && g->size) {
            g->data = make(g->size);
            g->map = make((g->size + 63) / 64);
        }
    }
}

int main(int argc, char **argv)
{
    static const uint8_t header_room[128];
    const uint8_t ret[2][4] = {{0xc3}, {0xc0, 0x03, 0x5f, 0xd6}};

    if (argc < 3)
        die("usage: heapgen OUT.heap OUT.list [OPTION...]");
    for (int i = 3; i < argc; i++)
        option(argv[i]);
    opt.no_imports = opt.no_imports || opt.one;
    /* What msvcrt calls them; its loader adds nothing to what it finds. */
    for (size_t i = 0; opt.windows && i < IMPORTS; i++)
        imports[i].name = !strcmp(imports[i].name, "environ")  ? "_environ"
                          : !strcmp(imports[i].name, "stdout") ? "_iob"
                                                               : imports[i].name;
    for (unsigned n = 0; n < SEGMENTS; n++)
        snprintf(kinds[n].name, sizeof kinds[n].name, "%s%s", opt.prefix, kinds[n].suffix);
    state = opt.seed * 0x9e3779b97f4a7c15ULL + 1;
    if (!(out = fopen(argv[1], "wb")) || !(list = fopen(argv[2], "w")))
        die("cannot create the outputs");
    add(&strings, "", 1);
    place();
    put_out(header_room, sizeof header_room);
    segments_part();
    root_part();
    if (!opt.one)
        memcpy(seg[CODE].data, ret[opt.arm], 4);
    for (unsigned n = 0; n < SEGMENTS; n++)
        if (seg[n].data) {
            fill(n);
            sum(n);
            part(2, index_of(n), seg[n].data, seg[n].size, 0);
            slots_part(n);
        }
    if (!opt.no_imports)
        import_parts();
    struct bytes identity = {0}, meta = {0};
    add_uint(&identity, 4, string(opt.runtime));
    add_uint(&identity, 4, string("1.0"));
    add_uint(&identity, 4, string(opt.build_id));
    add_uint(&identity, 4, string(""));
    part(9, 0, identity.at, identity.size, 1);
    add_uint(&meta, 4, string("made-by"));
    add_uint(&meta, 4, string("heapgen"));
    part(10, 0, meta.at, meta.size, 1);
    part(11, 0, strings.at, strings.size, 0);
    pad(8);
    put_out(table.at, table.size);
    header();
    return fclose(out) || fclose(list);
}
