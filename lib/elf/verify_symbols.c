/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_symbols.c - rules about dynamic symbols, how they are found, and
 * their versions. */

#include "elf/verify_rules.h"

static bool is_local(const struct elf_sym *s) { return s->info >> 4 == STB_LOCAL; }

/* One that others may find here. */
static bool is_export(const struct elf_sym *s) { return s->shndx != SHN_UNDEF && !is_local(s); }

/* Symbol S against its section.  For TLS the value counts from PT_TLS. */
static void check_place(struct verify *v, uint64_t i, const struct elf_sym *s, const char *name)
{
    const struct elf_file *f = &v->f;
    const struct elf_shdr *in = s->shndx < f->section_count ? &f->sections[s->shndx] : NULL;
    uint64_t base = 0;

    if (s->shndx >= SHN_LORESERVE || f->section_count == 0)
        return;
    if (in && (s->info & 15) == STT_NOTYPE && s->size == 0) {
        /* A linker's mark such as __bss_start or _end: it may be said to be in
           a neighbouring section, and at the end of all. */
        if (s->value > 0 && !elf_image_load(&v->m, s->value, 0) &&
            !elf_image_load(&v->m, s->value - 1, 0))
            diag_fail(v->d, E_FORMAT,
                      "symbol %" PRIu64 " (%.200s): 0x%" PRIx64 " is not inside a PT_LOAD", i, name,
                      s->value);
        return;
    }
    if (!in) {
        diag_fail(v->d, E_FORMAT, "symbol %" PRIu64 " (%.200s): section %u, there are %" PRIu32, i,
                  name, s->shndx, f->section_count);
        return;
    }
    if ((s->info & 15) == STT_TLS)
        for (uint32_t p = 0; p < f->segment_count; p++)
            if (f->segments[p].type == PT_TLS)
                base = f->segments[p].vaddr;
    /* At the very end is where symbols such as _end are. */
    if (s->value + base < in->addr || s->value + base - in->addr > in->size)
        diag_fail(v->d, E_FORMAT,
                  "symbol %" PRIu64 " (%.200s): 0x%" PRIx64
                  " is not inside section %u (%.200s), 0x%" PRIx64 " bytes at 0x%" PRIx64,
                  i, name, s->value + base, s->shndx, in->name, in->size, in->addr);
}

static void check_memory(struct verify *v, uint64_t i, const struct elf_sym *s, const char *name)
{
    unsigned kind = s->info & 15;

    if (kind != STT_FUNC && kind != STT_OBJECT && kind != STT_GNU_IFUNC)
        return;
    if (s->shndx != SHN_ABS && s->size > 0 && !elf_image_load(&v->m, s->value, s->size))
        diag_fail(v->d, E_FORMAT,
                  "symbol %" PRIu64 " (%.200s): 0x%" PRIx64 " bytes at 0x%" PRIx64
                  " are not inside a PT_LOAD",
                  i, name, s->size, s->value);
}

void verify_symbols(struct verify *v)
{
    uint64_t addr = 0;

    if (elf_image_tag(&v->m, DT_SYMTAB, &addr) && v->m.symbol_count == 0 &&
        elf_image_tag(&v->m, DT_HASH, &addr))
        diag_fail(v->d, E_FORMAT, "DT_SYMTAB: no symbol is inside a PT_LOAD");
    for (uint64_t i = 0; i < v->m.symbol_count && verify_go_on(v); i++) {
        struct elf_sym s = elf_image_symbol(&v->m, i);
        const char *name = elf_image_string(&v->m, s.name);

        if (i == 0) {
            if (s.name || s.info || s.other || s.shndx || s.value || s.size)
                diag_fail(v->d, E_FORMAT, "symbol 0 is not all zero");
            continue;
        }
        if (!name) {
            diag_fail(v->d, E_FORMAT,
                      "symbol %" PRIu64 ": name 0x%" PRIx32 " is not inside DT_STRTAB (0x%" PRIx64
                      " bytes)",
                      i, s.name, v->m.strings.size);
            continue;
        }
        if (s.shndx == SHN_UNDEF)
            continue;
        if (is_export(&s) && (s.other & 3) != STV_DEFAULT && (s.other & 3) != STV_PROTECTED)
            diag_fail(v->d, E_FORMAT, "symbol %" PRIu64 " (%.200s) is hidden and yet exported", i,
                      name);
        check_place(v, i, &s, name);
        check_memory(v, i, &s, name);
    }
}

/* Walk the chain of BUCKET from symbol I, marking in SEEN. */
static void walk_hash_chain(struct verify *v, struct span chains, uint64_t buckets, uint64_t bucket,
                            uint64_t i, uint8_t *seen)
{
    unsigned word = elf_hash_word(&v->f);
    uint64_t count = chains.size / word;

    while (i != 0 && verify_go_on(v)) {
        struct elf_sym s;
        const char *name = NULL;

        if (i >= count || i >= v->m.symbol_count) {
            diag_fail(v->d, E_FORMAT, "bucket %" PRIu64 ": symbol %" PRIu64 ", there are %" PRIu64,
                      bucket, i, v->m.symbol_count);
            return;
        }
        if (seen[i]) {
            diag_fail(v->d, E_FORMAT,
                      "bucket %" PRIu64 ": symbol %" PRIu64 " is in a chain for the second time",
                      bucket, i);
            return;
        }
        seen[i] = 1;
        s = elf_image_symbol(&v->m, i);
        name = elf_image_string(&v->m, s.name);
        if (name && elf_sysv_hash(name) % buckets != bucket)
            diag_fail(v->d, E_FORMAT,
                      "bucket %" PRIu64 ": symbol %" PRIu64 " (%.200s) belongs to bucket %" PRIu64,
                      bucket, i, name, elf_sysv_hash(name) % buckets);
        i = load_uint(chains.at + i * word, word, v->f.big);
    }
}

/* Every exported symbol of which SEEN is 0 cannot be found. */
static void tell_unseen(struct verify *v, const uint8_t *seen, uint64_t first)
{
    for (uint64_t i = first; i < v->m.symbol_count && verify_go_on(v); i++) {
        struct elf_sym s = elf_image_symbol(&v->m, i);
        const char *name = NULL;

        if (seen[i] || !is_export(&s))
            continue;
        name = elf_image_string(&v->m, s.name);
        diag_fail(v->d, E_FORMAT, "symbol %" PRIu64 " (%.200s) is exported and not in the table", i,
                  name ? name : "?");
    }
}

void verify_hash(struct verify *v)
{
    struct where here = {v->d->where, "DT_HASH", NO_INDEX};
    unsigned word = elf_hash_word(&v->f);
    uint64_t addr = 0, buckets = 0, chains = 0;
    struct span table, chain_span;
    struct cursor c;
    uint8_t *seen = NULL;

    if (!elf_image_tag(&v->m, DT_HASH, &addr))
        return;
    v->d->where = &here;
    table = elf_image_rest(&v->m, addr);
    c = elf_cursor(&v->f, table);
    buckets = cur_uint(&c, word);
    chains = cur_uint(&c, word);
    if (c.bad || !cur_count(&c, buckets, word) || !cur_count(&c, chains, word) ||
        !span_sub(table, (2 + buckets) * word, chains * word, &chain_span)) {
        diag_fail(v->d, E_FORMAT,
                  "%" PRIu64 " buckets and %" PRIu64 " chain words at 0x%" PRIx64
                  " are not inside a PT_LOAD",
                  buckets, chains, addr);
    } else if (chains != v->m.symbol_count) {
        diag_fail(v->d, E_FORMAT, "nchain is %" PRIu64 ", there are %" PRIu64 " symbols", chains,
                  v->m.symbol_count);
    } else if (buckets == 0) {
        diag_fail(v->d, E_FORMAT, "no bucket: loaders divide by their number");
    } else if ((seen = verify_alloc(v, v->m.symbol_count, 1))) {
        for (uint64_t b = 0; b < buckets && verify_go_on(v); b++)
            walk_hash_chain(v, chain_span, buckets, b, cur_uint(&c, word), seen);
        tell_unseen(v, seen, 1);
    }
    v->d->where = here.up;
}

struct gnu_check {
    struct elf_gnu_hash h;
    uint8_t *seen;
    uint64_t next; /* the symbol at which the next chain must begin */
};

/* True if the bloom filter lets HASH through. */
static bool passes_bloom(const struct verify *v, const struct elf_gnu_hash *h, uint32_t hash)
{
    unsigned word = v->f.wide ? 8 : 4, bits = word * 8;
    uint64_t at = (hash / bits) & (h->bloom_count - 1);
    uint64_t filter = load_uint(h->bloom.at + at * word, word, v->f.big);
    uint32_t second = h->bloom_shift < 32 ? hash >> h->bloom_shift : 0;

    return filter >> (hash % bits) & filter >> (second % bits) & 1;
}

static void check_gnu_symbol(struct verify *v, const struct gnu_check *g, uint64_t bucket,
                             uint64_t i, uint32_t chain)
{
    struct elf_sym s = elf_image_symbol(&v->m, i);
    const char *name = elf_image_string(&v->m, s.name);
    uint32_t hash = name ? elf_gnu_hash(name) : 0;

    if (!name)
        return; /* "symbol" tells */
    if ((hash | 1) != (chain | 1))
        diag_fail(v->d, E_FORMAT,
                  "symbol %" PRIu64 " (%.200s): hash 0x%" PRIx32 " in the chain, 0x%" PRIx32
                  " of the name",
                  i, name, chain | 1, hash | 1);
    else if (hash % g->h.bucket_count != bucket)
        diag_fail(v->d, E_FORMAT,
                  "symbol %" PRIu64 " (%.200s) is in bucket %" PRIu64 " and belongs to %" PRIu32, i,
                  name, bucket, hash % g->h.bucket_count);
    if (!passes_bloom(v, &g->h, hash))
        diag_fail(v->d, E_FORMAT, "symbol %" PRIu64 " (%.200s) does not pass the bloom filter", i,
                  name);
}

/* The chain of BUCKET, which starts at symbol I.  False if it makes no sense
   to go on. */
static bool walk_gnu_chain(struct verify *v, struct gnu_check *g, uint64_t bucket, uint64_t i)
{
    uint32_t chain = 0;

    if (i != g->next)
        diag_fail(v->d, E_FORMAT,
                  "bucket %" PRIu64 " starts at symbol %" PRIu64 ", not at %" PRIu64
                  " where the one before ends",
                  bucket, i, g->next);
    if (i < g->next)
        return false;
    do {
        struct span word;

        if (i >= v->m.symbol_count || !span_sub(g->h.chains, (i - g->h.first) * 4, 4, &word))
            return diag_fail(v->d, E_FORMAT,
                             "bucket %" PRIu64 ": the chain does not end before symbol %" PRIu64,
                             bucket, i);
        chain = (uint32_t)load_uint(word.at, 4, v->f.big);
        g->seen[i] = 1;
        check_gnu_symbol(v, g, bucket, i, chain);
        i++;
    } while (!(chain & 1) && verify_go_on(v));
    g->next = i;
    return true;
}

static void check_gnu_hash(struct verify *v, struct gnu_check *g)
{
    struct cursor c = elf_cursor(&v->f, g->h.buckets);
    bool ok = true;

    if (g->h.bucket_count == 0 || g->h.bloom_count == 0 ||
        g->h.bloom_count & (g->h.bloom_count - 1) || g->h.first > v->m.symbol_count) {
        diag_fail(v->d, E_FORMAT,
                  "%" PRIu32 " buckets, %" PRIu32 " bloom words, first symbol %" PRIu32
                  ": allowed are 1 and up, a power of two, up to %" PRIu64,
                  g->h.bucket_count, g->h.bloom_count, g->h.first, v->m.symbol_count);
        return;
    }
    if (!(g->seen = verify_alloc(v, v->m.symbol_count, 1)))
        return;
    g->next = g->h.first;
    for (uint64_t b = 0; ok && b < g->h.bucket_count && verify_go_on(v); b++) {
        uint32_t first = cur_u32(&c);

        if (first != 0)
            ok = walk_gnu_chain(v, g, b, first);
    }
    if (ok)
        tell_unseen(v, g->seen, 1);
}

void verify_gnu_hash(struct verify *v)
{
    struct where here = {v->d->where, "DT_GNU_HASH", NO_INDEX};
    struct gnu_check g = {0};
    uint64_t addr = 0;

    if (!elf_image_tag(&v->m, DT_GNU_HASH, &addr))
        return;
    v->d->where = &here;
    if (elf_read_gnu_hash(v->d, &v->m, &g.h))
        check_gnu_hash(v, &g);
    v->d->where = here.up;
}

static bool is_needed(struct verify *v, const char *file)
{
    for (uint32_t i = 0; i < v->m.entry_count; i++) {
        const char *name = NULL;

        if (v->m.entries[i].tag != DT_NEEDED)
            continue;
        name = elf_image_string(&v->m, v->m.entries[i].value);
        if (name && !strcmp(name, file))
            return true;
    }
    return false;
}

/* A program may hold a copy of another file's variable, under its version. */
static bool may_copy(const struct elf_file *f)
{
    for (uint32_t i = 0; i < f->segment_count; i++)
        if (f->segments[i].type == PT_INTERP)
            return true;
    return f->type == ET_EXEC;
}

static void check_symbol_version(struct verify *v, const struct elf_versions *all, uint64_t i,
                                 bool copies)
{
    struct elf_sym s = elf_image_symbol(&v->m, i);
    uint32_t index = (uint32_t)load_uint(all->indices.at + i * 2, 2, v->f.big) & 0x7fff;
    const struct elf_version *version = index < all->count ? &all->by_index[index] : NULL;
    const char *name = NULL, *wrong = NULL;

    if (index <= VER_NDX_GLOBAL)
        return;
    if (!version || !version->name)
        wrong = "which no record has";
    else if (s.shndx == SHN_UNDEF && !version->file)
        wrong = "which this file defines, and the symbol is undefined";
    else if (s.shndx != SHN_UNDEF && version->file && !is_local(&s) && !copies)
        wrong = "which is another file's, and the symbol is defined here";
    if (!wrong)
        return;
    name = elf_image_string(&v->m, s.name);
    diag_fail(v->d, E_FORMAT, "symbol %" PRIu64 " (%.200s) has version %" PRIu32 ", %s", i,
              name ? name : "?", index, wrong);
}

void verify_versions(struct verify *v)
{
    struct elf_versions all;
    uint64_t left = v->f.in.size / 8;
    bool copies = may_copy(&v->f);

    if (!elf_read_versions(v->d, v->a, &v->m, &all))
        return;
    for (uint64_t i = 1; i < all.indices.size / 2 && verify_go_on(v); i++)
        check_symbol_version(v, &all, i, copies);
    for (uint32_t i = 0; i < all.file_count && left >= v->m.entry_count; i++) {
        left -= v->m.entry_count;
        if (!is_needed(v, all.files[i]))
            diag_fail(v->d, E_FORMAT, "DT_VERNEED %" PRIu32 ": %.200s is not in DT_NEEDED", i,
                      all.files[i]);
    }
}
