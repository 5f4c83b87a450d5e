/* SPDX-License-Identifier: MIT */
/* cache_image.c - an arena as a sysimage in ELF (docs/cache-format.md).
 *
 * The file is laid out so that offset and address differ by one number up to
 * the end of the arena's blocks:
 *
 *   headers, note, symbols, table, slot map    read-only
 *   .dynamic                                    writable: old loaders relocate it
 *   .heap                                       the arena's blocks
 *   .heap.code                                  its machine code
 *   .heap.ro                                    the register
 *   .symtab and section headers                 for debuggers, not loaded
 *
 * Parts that are loaded begin at multiples of 64 KiB in file and memory; what
 * is zero is not written, so files have holes. */

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "runtime/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* gABI */
enum {
    EHDR = 64,
    PHDR = 56,
    SHDR = 64,
    SYM = 24,
    PT_LOAD = 1,
    PT_DYNAMIC = 2,
    PT_NOTE = 4,
    PT_GNU_STACK = 0x6474e551,
    PF_X = 1,
    PF_W = 2,
    PF_R = 4,
    SHT_PROGBITS = 1,
    SHT_SYMTAB = 2,
    SHT_STRTAB = 3,
    SHT_HASH = 5,
    SHT_DYNAMIC = 6,
    SHT_NOTE = 7,
    SHT_DYNSYM = 11,
    SHF_WRITE = 1,
    SHF_ALLOC = 2,
    SHF_EXECINSTR = 4,
    DT_HASH = 4,
    DT_STRTAB = 5,
    DT_SYMTAB = 6,
    DT_STRSZ = 10,
    DT_SYMENT = 11,
    DT_SONAME = 14,
    STT_OBJECT = 1,
    STT_FUNC = 2,
    STB_GLOBAL = 1,
};

/* Sections, in the order of the file; those that are empty are left out. */
enum section {
    S_NULL,
    S_NOTE,
    S_HASH,
    S_DYNSYM,
    S_DYNSTR,
    S_TABLE,
    S_SLOTS,
    S_DYNAMIC,
    S_HEAP,
    S_CODE,
    S_REGISTER,
    S_SYMTAB,
    S_STRTAB,
    S_SHSTRTAB,
    S_COUNT
};

static const struct {
    const char *name;
    uint32_t type, flags;
    uint8_t link; /* enum section */
    uint8_t entry, align;
} kinds[S_COUNT] = {
    [S_NULL] = {"", 0, 0, 0, 0, 0},
    [S_NOTE] = {".note.sysimage", SHT_NOTE, SHF_ALLOC, 0, 0, 4},
    [S_HASH] = {".hash", SHT_HASH, SHF_ALLOC, S_DYNSYM, 4, 8},
    [S_DYNSYM] = {".dynsym", SHT_DYNSYM, SHF_ALLOC, S_DYNSTR, SYM, 8},
    [S_DYNSTR] = {".dynstr", SHT_STRTAB, SHF_ALLOC, 0, 0, 1},
    [S_TABLE] = {".sysimage", SHT_PROGBITS, SHF_ALLOC, 0, 0, 8},
    [S_SLOTS] = {".sysimage.slots", SHT_PROGBITS, SHF_ALLOC, 0, 0, 8},
    [S_DYNAMIC] = {".dynamic", SHT_DYNAMIC, SHF_ALLOC | SHF_WRITE, S_DYNSTR, 16, 8},
    [S_HEAP] = {".heap", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, 0, 0, 8},
    [S_CODE] = {".heap.code", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0, 0, 16},
    [S_REGISTER] = {".heap.ro", SHT_PROGBITS, SHF_ALLOC, 0, 0, 8},
    [S_SYMTAB] = {".symtab", SHT_SYMTAB, 0, S_STRTAB, SYM, 8},
    [S_STRTAB] = {".strtab", SHT_STRTAB, 0, 0, 0, 1},
    [S_SHSTRTAB] = {".shstrtab", SHT_STRTAB, 0, 0, 0, 1},
};

struct part {
    const uint8_t *at;
    uint64_t size, offset, addr;
    uint32_t name; /* in .shstrtab */
    uint32_t index; /* its number among the headers; 0: left out */
};

struct writer {
    struct simg_cache *c;
    struct scan *s;
    int fd;
    struct simg_error *e;
    struct part parts[S_COUNT];
    struct grow note, hash, dynsym, dynstr, table, dynamic, symtab, strtab, shstrtab;
    struct grow strings; /* of the table */
    uint8_t *reg;
    struct cache_module *used; /* modules in the image, by their numbers */
    uint32_t used_count;
    uint64_t base;  /* the address of offset 0 */
    uint64_t arena; /* of the arena */
    bool failed;    /* no memory */
};

static void put(struct writer *w, struct grow *g, const void *p, size_t n)
{
    uint8_t *room = w->failed ? NULL : grow_reserve(g, n);

    if (!room)
        w->failed = true;
    else if (p)
        memcpy(room, p, n);
    else
        memset(room, 0, n);
}

static void put_int(struct writer *w, struct grow *g, uint64_t v, unsigned n)
{
    uint8_t bytes[8];

    put_uint(bytes, n, false, v);
    put(w, g, bytes, n);
}

static uint32_t put_text(struct writer *w, struct grow *g, const char *s)
{
    uint32_t at = (uint32_t)g->size;

    if (at && !*s)
        return 0;
    put(w, g, s, strlen(s) + 1);
    return at;
}

static const struct cache_root *roots_of(const struct writer *w, uint32_t *count)
{
    *count = (uint32_t)(w->c->roots.size / sizeof(struct cache_root));
    return (const struct cache_root *)(const void *)w->c->roots.at;
}

/* ---- symbols ---- */

static void put_symbol(struct writer *w, struct grow *g, uint32_t name, unsigned info,
                       uint32_t section, uint64_t value, uint64_t size)
{
    put_int(w, g, name, 4);
    put_int(w, g, info, 1);
    put_int(w, g, 0, 1);
    put_int(w, g, section, 2);
    put_int(w, g, value, 8);
    put_int(w, g, size, 8);
}

/* gABI, "Hash Table" */
static uint32_t elf_hash(const char *s)
{
    uint32_t h = 0;

    for (; *s; s++) {
        h = (h << 4) + (uint8_t)*s;
        h ^= (h & 0xf0000000) >> 24;
        h &= 0x0fffffff;
    }
    return h;
}

/* The roots, as symbols that dlsym() finds. */
static void make_dynsym(struct writer *w)
{
    uint32_t count = 0;
    const struct cache_root *roots = roots_of(w, &count);
    uint32_t buckets = count / 2 + 1, *words = calloc(2 + buckets + count + 1ull, sizeof *words);

    put_text(w, &w->dynstr, "");
    put_symbol(w, &w->dynsym, 0, 0, 0, 0, 0);
    if (!words) {
        w->failed = true;
        return;
    }
    words[0] = buckets;
    words[1] = count + 1;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *bucket = &words[2 + elf_hash(roots[i].name) % buckets];

        put_symbol(w, &w->dynsym, put_text(w, &w->dynstr, roots[i].name),
                   STB_GLOBAL << 4 | STT_OBJECT, w->parts[S_HEAP].index, w->arena + roots[i].place, 0);
        words[2 + buckets + i + 1] = *bucket;
        *bucket = i + 1;
    }
    put(w, &w->hash, words, (2 + buckets + count + 1ull) * sizeof *words);
    free(words);
}

/* Functions that have code, for debuggers and profilers. */
static void make_symtab(struct writer *w)
{
    uint32_t count = (uint32_t)(w->c->reg.functions.size / sizeof(struct cache_function));
    const struct cache_function *all =
        (const struct cache_function *)(const void *)w->c->reg.functions.at;

    put_text(w, &w->strtab, "");
    put_symbol(w, &w->symtab, 0, 0, 0, 0, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = (uint64_t)(uintptr_t)all[i].f.code;

        if (all[i].gone || !at || at - w->arena >= w->c->size ||
            at - w->parts[S_CODE].addr >= w->parts[S_CODE].size)
            continue;
        put_symbol(w, &w->symtab, put_text(w, &w->strtab, all[i].f.name), STT_FUNC,
                   w->parts[S_CODE].index, at, all[i].f.code_size);
    }
}

/* ---- the table ---- */

/* The hash of the hashes of all blocks (docs/heap-format.md). */
static uint64_t checksum(struct writer *w, const uint8_t *at, uint64_t size)
{
    uint64_t count = (size + SIMG_CHECK_BLOCK - 1) / SIMG_CHECK_BLOCK, sum = 0;
    uint64_t *hashes = calloc(count + 1, sizeof *hashes);

    if (!hashes) {
        w->failed = true;
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        uint64_t left = size - i * SIMG_CHECK_BLOCK;

        hashes[i] = XXH3_64bits(at + i * SIMG_CHECK_BLOCK,
                                left < SIMG_CHECK_BLOCK ? left : SIMG_CHECK_BLOCK);
    }
    sum = XXH3_64bits(hashes, count * sizeof *hashes);
    free(hashes);
    return sum;
}

static const struct {
    enum section section;
    uint32_t prot, kind;
    const char *name;
} segments[] = {
    {S_HEAP, SIMG_PROT_R | SIMG_PROT_W, SIMG_SEGMENT_READ_WRITE, "arena"},
    {S_CODE, SIMG_PROT_R | SIMG_PROT_X, SIMG_SEGMENT_CODE, "code"},
    {S_REGISTER, SIMG_PROT_R, SIMG_SEGMENT_READ_ONLY, SIMG_CACHE_SEGMENT},
};
enum { SEGMENTS = sizeof segments / sizeof *segments };

static void put_segments(struct writer *w, uint64_t slots)
{
    for (int i = 0; i < SEGMENTS; i++) {
        const struct part *p = &w->parts[segments[i].section];
        struct simg_table_segment row = {.addr = p->addr - w->arena,
                                         .size = p->size,
                                         .prot = segments[i].prot,
                                         .kind = segments[i].kind,
                                         .name = put_text(w, &w->strings, segments[i].name)};

        if (!p->size)
            continue;
        row.checksum = checksum(w, p->at, p->size);
        if (segments[i].section == S_HEAP) {
            row.bitmap = (int64_t)slots;
            row.bitmap_size = p->size / 64;
            row.slot_count = w->s->slots;
        }
        put(w, &w->table, &row, sizeof row);
    }
}

static void put_symbols(struct writer *w)
{
    uint32_t count = 0;
    const struct cache_root *roots = roots_of(w, &count);

    for (uint32_t i = 0; i < count; i++) {
        struct simg_table_root row = {put_text(w, &w->strings, roots[i].name), SIMG_ROOT_DATA,
                                      roots[i].place, 0};

        put(w, &w->table, &row, sizeof row);
    }
    for (uint32_t i = 0; i < w->used_count; i++) {
        struct simg_table_import row = {.name = put_text(w, &w->strings, w->used[i].m.name),
                                        .kind = SIMG_IMPORT_MODULE,
                                        .place = SIMG_NO_PLACE};

        put(w, &w->table, &row, sizeof row);
    }
    for (size_t i = 0; i < w->s->outside.size / sizeof(struct scan_outside); i++) {
        const struct scan_outside *o = (const struct scan_outside *)(const void *)w->s->outside.at + i;
        const struct cache_module *m = (const struct cache_module *)(const void *)w->s->modules.at;
        struct simg_table_import_slot row = {.place = o->place,
                                             .import = m[o->module].number,
                                             .addend = o->addend};

        put(w, &w->table, &row, sizeof row);
    }
}

static uint64_t outside_count(const struct writer *w)
{
    return w->s->outside.size / sizeof(struct scan_outside);
}

/* How many bytes it will have before its strings: all rows have sizes that are known. */
static uint64_t table_rows(const struct writer *w, uint32_t root_count, uint32_t segment_count)
{
    return sizeof(struct simg_table) + sizeof(struct simg_table_heap) +
           segment_count * sizeof(struct simg_table_segment) +
           root_count * sizeof(struct simg_table_root) +
           w->used_count * sizeof(struct simg_table_import) +
           outside_count(w) * sizeof(struct simg_table_import_slot);
}

static uint64_t align(uint64_t n, uint64_t to) { return (n + to - 1) & ~(to - 1); }

/* Once without knowing where it is, to have its size; then for good, with the distance to the
   slot map, which follows it. */
static void make_table(struct writer *w, bool final)
{
    const struct simg_engine *engine = w->c->engine;
    struct simg_table head = {.version = SIMG_TABLE_VERSION,
                              .header_size = sizeof head,
                              .machine = table_own_machine(),
                              .heap_count = 1};
    struct simg_table_heap heap = {0};
    uint64_t strings = 0, at = sizeof head;
    XXH128_canonical_t id;

    roots_of(w, &head.root_count);
    for (int i = 0; i < SEGMENTS; i++)
        head.segment_count += w->parts[segments[i].section].size != 0;
    w->table.size = w->strings.size = 0;
    put_text(w, &w->strings, "");
    strings = table_rows(w, head.root_count, head.segment_count);
    heap.at = (int64_t)(w->arena - w->parts[S_TABLE].addr);
    heap.base = w->arena;
    heap.span = w->parts[S_REGISTER].addr - w->arena + w->parts[S_REGISTER].size;
    heap.mode = SIMG_MODE_PRELINKED;
    heap.flags = SIMG_HEAP_HAS_SLOTS;
    heap.address_bits = 64;
    heap.segment_count = head.segment_count;
    heap.root_count = head.root_count;
    heap.import_count = head.import_count = w->used_count;
    heap.import_slot_count = head.import_slot_count = outside_count(w);
    heap.slot_count = w->s->slots;
    heap.runtime = put_text(w, &w->strings, engine->name);
    heap.version = put_text(w, &w->strings, engine->version ? engine->version : "");
    heap.build_id = put_text(w, &w->strings, w->used[0].m.build);
    heap.options = put_text(w, &w->strings, engine->build_flags ? engine->build_flags : "");
    memcpy(head.magic, SIMG_TABLE_MAGIC, 8);
    put(w, &w->table, &head, sizeof head);
    put(w, &w->table, &heap, sizeof heap);
    head.heaps = at;
    head.segments = at += sizeof heap;
    head.roots = at += head.segment_count * sizeof(struct simg_table_segment);
    head.imports = at += head.root_count * sizeof(struct simg_table_root);
    head.import_slots = at += head.import_count * sizeof(struct simg_table_import);
    head.metas = head.strings = strings;
    put_segments(w, w->parts[S_SLOTS].addr - w->parts[S_TABLE].addr);
    put_symbols(w);
    if (w->failed)
        return;
    head.strings_size = (uint32_t)w->strings.size;
    put(w, &w->table, w->strings.at, w->strings.size);
    head.size = w->table.size;
    if (!final || w->failed)
        return;
    memcpy(w->table.at, &head, sizeof head);
    XXH128_canonicalFromHash(&id, XXH3_128bits(w->table.at, w->table.size));
    memcpy(heap.id, &id, sizeof heap.id);
    memcpy(w->table.at + sizeof head, &heap, sizeof heap);
    head.checksum = XXH3_64bits(w->table.at, w->table.size);
    memcpy(w->table.at, &head, sizeof head);
}

/* ---- the rest ---- */

static void make_note(struct writer *w)
{
    const struct part *n = &w->parts[S_NOTE], *t = &w->parts[S_TABLE];
    struct simg_note note = {SIMG_TABLE_VERSION, 0, (int64_t)(t->addr - (n->addr + 24)), t->size};

    w->note.size = 0;
    put_int(w, &w->note, sizeof SIMG_NOTE_NAME, 4);
    put_int(w, &w->note, sizeof note, 4);
    put_int(w, &w->note, SIMG_NOTE_TABLE, 4);
    put(w, &w->note, SIMG_NOTE_NAME "\0\0\0", 12);
    put(w, &w->note, &note, sizeof note);
}

static void make_dynamic(struct writer *w, uint32_t soname)
{
    const uint64_t rows[][2] = {{DT_SONAME, soname},
                                {DT_HASH, w->parts[S_HASH].addr},
                                {DT_STRTAB, w->parts[S_DYNSTR].addr},
                                {DT_SYMTAB, w->parts[S_DYNSYM].addr},
                                {DT_STRSZ, w->parts[S_DYNSTR].size},
                                {DT_SYMENT, SYM},
                                {0, 0}};

    w->dynamic.size = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_int(w, &w->dynamic, rows[i][0], 8);
        put_int(w, &w->dynamic, rows[i][1], 8);
    }
}

/* Modules that words point into, behind the one that the engine is in. */
static void choose_modules(struct writer *w)
{
    struct cache_module *all = (struct cache_module *)(void *)w->s->modules.at;
    size_t count = w->s->modules.size / sizeof *all;
    uintptr_t anchor = (uintptr_t)w->c->engine->anchor;

    if (!(w->used = calloc(count + 1, sizeof *w->used))) {
        w->failed = true;
        return;
    }
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < count; i++) {
            bool own = anchor ? anchor >= all[i].m.from && anchor < all[i].m.to : all[i].m.program;

            if (own ? pass == 1 : pass == 0 || all[i].slots == 0)
                continue;
            all[i].number = w->used_count;
            w->used[w->used_count++] = all[i];
        }
}

static void set_part(struct writer *w, enum section n, const struct grow *g)
{
    w->parts[n].at = g->at;
    w->parts[n].size = g->size;
}

/* Where everything is.  Sizes are known. */
static void lay_out(struct writer *w)
{
    static const enum section loaded[] = {S_NOTE, S_HASH, S_DYNSYM, S_DYNSTR, S_TABLE, S_SLOTS};
    static const enum section rest[] = {S_SYMTAB, S_STRTAB, S_SHSTRTAB};
    const struct simg_arena_head *h = (const struct simg_arena_head *)(const void *)w->c->arena;
    uint64_t at = EHDR + 8 * PHDR;

    for (size_t i = 0; i < sizeof loaded / sizeof *loaded; i++) {
        w->parts[loaded[i]].offset = align(at, 8);
        at = w->parts[loaded[i]].offset + w->parts[loaded[i]].size;
    }
    w->parts[S_DYNAMIC].offset = align(at, CACHE_PAGE);
    w->parts[S_HEAP].offset = w->parts[S_DYNAMIC].offset + CACHE_PAGE;
    w->parts[S_CODE].offset = w->parts[S_HEAP].offset + w->parts[S_HEAP].size;
    w->parts[S_REGISTER].offset = w->parts[S_CODE].offset + w->parts[S_CODE].size;
    at = w->parts[S_REGISTER].offset + w->parts[S_REGISTER].size;
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        w->parts[rest[i]].offset = align(at, 8);
        at = w->parts[rest[i]].offset + w->parts[rest[i]].size;
    }
    w->base = w->arena - w->parts[S_HEAP].offset;
    for (int i = S_NOTE; i <= S_HEAP; i++)
        w->parts[i].addr = w->base + w->parts[i].offset;
    w->parts[S_CODE].addr = w->arena + h->limit;
    w->parts[S_REGISTER].addr = w->arena + w->c->size;
}

/* ---- headers ---- */

static void put_phdr(struct writer *w, struct grow *g, uint32_t type, uint32_t flags,
                     const struct part *p, uint64_t offset, uint64_t end, uint64_t alignment)
{
    put_int(w, g, type, 4);
    put_int(w, g, flags, 4);
    put_int(w, g, offset, 8);
    put_int(w, g, p ? p->addr - (p->offset - offset) : 0, 8);
    put_int(w, g, p ? p->addr - (p->offset - offset) : 0, 8);
    put_int(w, g, end - offset, 8);
    put_int(w, g, end - offset, 8);
    put_int(w, g, alignment, 8);
}

static void put_whole(struct writer *w, struct grow *g, uint32_t type, uint32_t flags,
                      enum section n, uint64_t alignment)
{
    const struct part *p = &w->parts[n];

    if (p->size)
        put_phdr(w, g, type, flags, p, p->offset, p->offset + p->size, alignment);
}

static void put_headers(struct writer *w, struct grow *g, uint64_t shoff, uint32_t shnum)
{
    static const uint8_t ident[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    const struct part *last = &w->parts[S_SLOTS];
    size_t phdrs = 0;

    put(w, g, ident, sizeof ident);
    put_int(w, g, 3, 2); /* ET_DYN */
    put_int(w, g, table_own_machine(), 2);
    put_int(w, g, 1, 4);
    put_int(w, g, 0, 8);
    put_int(w, g, EHDR, 8);
    put_int(w, g, shoff, 8);
    put_int(w, g, 0, 4);
    put_int(w, g, EHDR, 2);
    put_int(w, g, PHDR, 2);
    put_int(w, g, 0, 2); /* below */
    put_int(w, g, SHDR, 2);
    put_int(w, g, shnum, 2);
    put_int(w, g, w->parts[S_SHSTRTAB].index, 2);
    put_phdr(w, g, PT_LOAD, PF_R, &w->parts[S_NOTE], 0, last->offset + last->size, CACHE_PAGE);
    put_whole(w, g, PT_LOAD, PF_R | PF_W, S_DYNAMIC, CACHE_PAGE);
    put_whole(w, g, PT_LOAD, PF_R | PF_W, S_HEAP, CACHE_PAGE);
    put_whole(w, g, PT_LOAD, PF_R | PF_X, S_CODE, CACHE_PAGE);
    put_whole(w, g, PT_LOAD, PF_R, S_REGISTER, CACHE_PAGE);
    put_whole(w, g, PT_DYNAMIC, PF_R | PF_W, S_DYNAMIC, 8);
    put_whole(w, g, PT_NOTE, PF_R, S_NOTE, 4);
    put_phdr(w, g, PT_GNU_STACK, PF_R | PF_W, NULL, 0, 0, 16);
    phdrs = (g->size - EHDR) / PHDR;
    if (!w->failed)
        put_uint(g->at + 56, 2, false, phdrs);
}

static void put_shdr(struct writer *w, struct grow *g, enum section n)
{
    const struct part *p = &w->parts[n];
    uint32_t info = n == S_DYNSYM ? 1 : n == S_SYMTAB ? (uint32_t)(p->size / SYM) : 0;

    put_int(w, g, p->name, 4);
    put_int(w, g, kinds[n].type, 4);
    put_int(w, g, kinds[n].flags, 8);
    put_int(w, g, kinds[n].flags & SHF_ALLOC ? p->addr : 0, 8);
    put_int(w, g, p->offset, 8);
    put_int(w, g, p->size, 8);
    put_int(w, g, w->parts[kinds[n].link].index, 4);
    put_int(w, g, info, 4);
    put_int(w, g, kinds[n].align, 8);
    put_int(w, g, kinds[n].entry, 8);
}

/* ---- writing ---- */

static bool is_zero(const uint8_t *at, uint64_t size)
{
    return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0;
}

/* Runs of pages that are not zero. */
static bool write_part(struct writer *w, const struct part *p)
{
    uint64_t from = 0, at = 0;

    while (from < p->size) {
        uint64_t end = 0;

        for (at = from; at < p->size; at = end) {
            end = at + CACHE_PAGE < p->size ? at + CACHE_PAGE : p->size;
            if (is_zero(p->at + at, end - at))
                break;
        }
        if (at > from && !map_write(w->fd, p->offset + from, p->at + from, at - from))
            return false;
        from = at < p->size ? end : at;
    }
    return true;
}

static enum simg_status write_all(struct writer *w, uint64_t *size)
{
    const struct part *last = &w->parts[S_SHSTRTAB];
    uint64_t shoff = align(last->offset + last->size, 8);
    struct grow head = {0}, tail = {0};
    uint32_t shnum = 0;
    bool ok = false;

    for (int i = 0; i < S_COUNT; i++)
        if (i == S_NULL || w->parts[i].index) {
            put_shdr(w, &tail, (enum section)i);
            shnum++;
        }
    put_headers(w, &head, shoff, shnum);
    *size = shoff + tail.size;
    if (!w->failed) {
        ok = map_set_size(w->fd, *size) && map_write(w->fd, 0, head.at, head.size) &&
             map_write(w->fd, shoff, tail.at, tail.size);
        for (int i = S_NOTE; ok && i < S_COUNT; i++)
            ok = write_part(w, &w->parts[i]);
    }
    free(head.at);
    free(tail.at);
    return w->failed ? error_memory(w->e)
           : ok      ? SIMG_OK
                     : error_system(w->e, errno, "cannot write the image");
}

static enum simg_status make_and_write(struct writer *w, uint64_t *size)
{
    struct register_extra x = {.modules = w->used,
                               .module_count = w->used_count,
                               .flags = w->c->engine->flags,
                               .compile = w->c->compile,
                               .inputs = w->c->engine->inputs ? w->c->engine->inputs : "",
                               .cpu = w->c->cpu};
    const struct simg_arena_head *h = (const struct simg_arena_head *)(const void *)w->c->arena;
    uint32_t index = 1, soname = 0;

    w->reg = w->failed ? NULL
                       : register_bytes(&w->c->reg, (const uint8_t *)w->c->arena, &x,
                                        &w->parts[S_REGISTER].size);
    if (!w->reg)
        return error_memory(w->e);
    w->parts[S_REGISTER].at = w->reg;
    w->parts[S_HEAP].at = (const uint8_t *)w->c->arena;
    w->parts[S_HEAP].size = w->s->size;
    w->parts[S_CODE].at = (const uint8_t *)w->c->arena + h->limit;
    w->parts[S_CODE].size = w->s->code_size;
    w->parts[S_CODE].addr = w->arena + h->limit;
    w->parts[S_SLOTS].at = w->s->bitmap;
    w->parts[S_SLOTS].size = w->s->size / 64;
    put_text(w, &w->shstrtab, "");
    for (int i = S_NOTE; i < S_COUNT; i++)
        if (i != S_CODE || w->s->code_size) {
            w->parts[i].name = put_text(w, &w->shstrtab, kinds[i].name);
            w->parts[i].index = index++;
        }
    make_dynsym(w);
    soname = put_text(w, &w->dynstr, w->c->engine->name);
    make_symtab(w);
    make_table(w, false);
    make_note(w);
    make_dynamic(w, soname);
    set_part(w, S_HASH, &w->hash);
    set_part(w, S_DYNSYM, &w->dynsym);
    set_part(w, S_DYNSTR, &w->dynstr);
    set_part(w, S_TABLE, &w->table);
    set_part(w, S_NOTE, &w->note);
    set_part(w, S_DYNAMIC, &w->dynamic);
    set_part(w, S_SYMTAB, &w->symtab);
    set_part(w, S_STRTAB, &w->strtab);
    set_part(w, S_SHSTRTAB, &w->shstrtab);
    lay_out(w);
    make_table(w, true);
    make_note(w);
    make_dynamic(w, soname);
    set_part(w, S_TABLE, &w->table);
    set_part(w, S_NOTE, &w->note);
    set_part(w, S_DYNAMIC, &w->dynamic);
    return w->failed ? error_memory(w->e) : write_all(w, size);
}

enum simg_status cache_write(struct simg_cache *c, struct scan *s, int fd, uint64_t *size,
                             struct simg_error *e)
{
    struct simg_arena_head *h = (struct simg_arena_head *)(void *)c->arena;
    struct writer w = {.c = c, .s = s, .fd = fd, .e = e, .arena = (uint64_t)(uintptr_t)c->arena};
    uint64_t committed = h->committed;
    enum simg_status status = SIMG_OK;

    *size = 0;
    h->committed = s->size; /* what a process has that loads it */
    choose_modules(&w);
    status = w.failed ? error_memory(e)
             : w.used_count
                 ? make_and_write(&w, size)
                 : error_set(e, SIMG_ERR_UNSUPPORTED, 0, "the engine's module was not found");
    h->committed = committed;
    free(w.note.at);
    free(w.hash.at);
    free(w.dynsym.at);
    free(w.dynstr.at);
    free(w.table.at);
    free(w.dynamic.at);
    free(w.symtab.at);
    free(w.strtab.at);
    free(w.shstrtab.at);
    free(w.strings.at);
    free(w.reg);
    free(w.used);
    return status;
}

uint64_t cache_estimate(const struct simg_cache *c)
{
    const struct simg_arena_head *h = (const struct simg_arena_head *)(const void *)c->arena;
    uint64_t blocks = align(h->top + 8, CACHE_PAGE);

    return 2 * CACHE_PAGE + blocks + (h->code_top - h->limit);
}
