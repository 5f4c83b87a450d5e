/* SPDX-License-Identifier: GPL-3.0-or-later */
/* merge.c - equal strings and constants of all objects become one. */

#include "base/pages.h"
#include "elf/elf.h"
#include "link/link.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zlib.h>
#include <zstd.h>

/* ---- contents ---- */

static bool unpack(const struct section *s, uint8_t *out)
{
    if (s->compression == COMPRESSION_ZSTD) {
        size_t got = ZSTD_decompress(out, s->size, s->data.at, s->data.size);

        return !ZSTD_isError(got) && got == s->size;
    }
    uLongf got = s->size;

    return uncompress(out, &got, s->data.at, s->data.size) == Z_OK && got == s->size;
}

const uint8_t *lsec_contents(struct link *l, struct lsec *s)
{
    uint8_t *out = NULL;

    if (s->data)
        return s->data;
    if (!s->sec->compression)
        return s->sec->data.at;
    if (!(out = malloc(s->size + 1))) {
        diag_nomem(l->d);
        return NULL;
    }
    if (!link_own(l, out))
        return NULL;
    if (!unpack(s->sec, out)) {
        diag_fail(l->d, E_FORMAT, "%s: section %" PRIu32 ": %s does not unpack to 0x%" PRIx64
                  " bytes", s->obj->o.name, s->index, s->sec->name, s->size);
        return NULL;
    }
    return s->data = out;
}

struct lsec *lsec_moved(struct lsec *s, uint64_t off, uint64_t *to)
{
    uint64_t lo = 0, hi = s->moved_count;

    *to = off;
    if (!s->into)
        return s;
    /* The last piece that starts at or before OFF. */
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (s->moved[mid].from <= off)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || s->moved[lo - 1].to == MOVED_GONE) {
        *to = 0;
        return lo == 0 ? s->into : NULL;
    }
    *to = s->moved[lo - 1].to + (off - s->moved[lo - 1].from);
    return s->into;
}

/* ---- merging ---- */

/* Sections whose entries may stand for each other. */
struct pool {
    const char *name;
    uint32_t flags;
    uint64_t entsize;
    uint8_t align_log2;
    struct lsec **secs;
    uint64_t count, cap;
};

struct pools {
    struct pool **at; /* in the order first met */
    uint64_t count, cap;
    struct pool **table; /* the same, open, by hash */
    uint64_t size;
};

struct entry {
    const uint8_t *at;
    uint64_t size;
    uint64_t hash;
    uint64_t to;
};

struct merger {
    struct link *l;
    struct pool *pool;
    struct entry *table; /* open, by hash */
    uint64_t size, used;
    struct buf out;
};

/* Every entry is aligned as its section was: with more than this, small ones
   would be mostly padding. */
enum { MERGE_ALIGN_LOG2 = 6 };

static bool mergeable(const struct lsec *s)
{
    return s->live && (s->sec->flags & SEC_MERGE) && !(s->sec->flags & (SEC_WRITE | SEC_ZERO)) &&
           s->size && s->align_log2 <= MERGE_ALIGN_LOG2 && s->sec->reloc_count == 0 &&
           s->sec->entsize <= UINT32_MAX &&
           (!(s->sec->flags & SEC_STRINGS) || s->sec->entsize == 1 || s->sec->entsize == 2 ||
            s->sec->entsize == 4);
}

/* The name that sections of a pool share: .rodata.str1.1 of every function. */
static const char *pool_name(const char *name)
{
    return !strncmp(name, ".rodata.", 8) ? ".rodata" : name;
}

static uint64_t pool_hash(const struct pool *p)
{
    const uint64_t key[] = {p->flags, p->entsize, p->align_log2};

    return XXH3_64bits_withSeed(p->name, strlen(p->name), XXH3_64bits(key, sizeof key));
}

static bool same_pool(const struct pool *p, const struct pool *q)
{
    return p->flags == q->flags && p->entsize == q->entsize && p->align_log2 == q->align_log2 &&
           !strcmp(p->name, q->name);
}

static struct pool **pool_slot(const struct pools *ps, const struct pool *p)
{
    uint64_t i = pool_hash(p) & (ps->size - 1);

    while (ps->table[i] && !same_pool(ps->table[i], p))
        i = (i + 1) & (ps->size - 1);
    return &ps->table[i];
}

static bool pools_grow(struct link *l, struct pools *ps)
{
    ps->size = ps->size ? ps->size * 2 : 64;
    if (!(ps->table = arena_alloc(&l->arena, ps->size, sizeof(struct pool *))))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < ps->count; i++)
        *pool_slot(ps, ps->at[i]) = ps->at[i];
    return true;
}

static bool add_to_pool(struct link *l, struct pools *ps, struct lsec *s)
{
    const uint32_t kind = SEC_ALLOC | SEC_STRINGS | SEC_DEBUG | SEC_LARGE | SEC_TLS | SEC_EXEC;
    const struct pool like = {.name = pool_name(s->sec->name),
                              .flags = s->sec->flags & kind,
                              .entsize = s->sec->entsize,
                              .align_log2 = s->align_log2};
    struct pool **slot = NULL, *p = NULL;

    if (ps->count * 2 >= ps->size && !pools_grow(l, ps))
        return false;
    slot = pool_slot(ps, &like);
    if (!*slot) {
        if (!(*slot = arena_alloc(&l->arena, 1, sizeof **slot)) ||
            !arena_grow(&l->arena, (void **)&ps->at, ps->count, &ps->cap, sizeof *ps->at))
            return diag_nomem(l->d);
        **slot = like;
        ps->at[ps->count++] = *slot;
    }
    p = *slot;
    if (!arena_grow(&l->arena, (void **)&p->secs, p->count, &p->cap, sizeof *p->secs))
        return diag_nomem(l->d);
    p->secs[p->count++] = s;
    return true;
}

static bool table_grow(struct merger *m)
{
    uint64_t size = m->size ? m->size * 2 : 1024;
    struct entry *table = calloc(size, sizeof *table);

    if (!table)
        return diag_nomem(m->l->d);
    pages_make(table, size * sizeof *table);
    for (uint64_t i = 0; i < m->size; i++)
        if (m->table[i].at) {
            uint64_t to = m->table[i].hash & (size - 1);

            while (table[to].at)
                to = (to + 1) & (size - 1);
            table[to] = m->table[i];
        }
    free(m->table);
    m->table = table;
    m->size = size;
    return true;
}

/* Where the entry of SIZE bytes at P is in the output. */
static bool place_entry(struct merger *m, const uint8_t *p, uint64_t size, uint64_t *to)
{
    uint64_t hash = XXH3_64bits(p, size);
    uint64_t i = 0;

    if (m->used * 2 >= m->size && !table_grow(m))
        return false;
    for (i = hash & (m->size - 1); m->table[i].at; i = (i + 1) & (m->size - 1))
        if (m->table[i].hash == hash && m->table[i].size == size &&
            !memcmp(m->table[i].at, p, size)) {
            *to = m->table[i].to;
            return true;
        }
    buf_align(&m->out, UINT64_C(1) << m->pool->align_log2);
    *to = m->out.size;
    buf_bytes(&m->out, p, size);
    m->table[i] = (struct entry){p, size, hash, *to};
    m->used++;
    return !m->out.bad || diag_nomem(m->l->d);
}

/* The size of the string of UNIT-byte characters at P, its end included; 0
   if it does not end within LEFT bytes. */
static uint64_t string_size(const uint8_t *p, uint64_t left, uint64_t unit)
{
    static const uint8_t zero[4];

    if (unit == 1) {
        const uint8_t *end = memchr(p, 0, left);

        return end ? (uint64_t)(end - p) + 1 : 0;
    }
    for (uint64_t n = 0; n + unit <= left; n += unit)
        if (!memcmp(p + n, zero, unit))
            return n + unit;
    return 0;
}

static bool merge_section(struct merger *m, struct lsec *s)
{
    const uint8_t *p = lsec_contents(m->l, s);
    bool strings = s->sec->flags & SEC_STRINGS;
    uint64_t cap = 0, count = 0;

    if (!p)
        return false;
    for (uint64_t at = 0; at < s->size;) {
        uint64_t size =
            strings ? string_size(p + at, s->size - at, s->sec->entsize) : s->sec->entsize;

        if (size == 0)
            return diag_fail(m->l->d, E_FORMAT,
                             "%s: section %" PRIu32 ": the string at 0x%" PRIx64 " has no end",
                             s->obj->o.name, s->index, at);
        if (!arena_grow(&m->l->arena, (void **)&s->moved, count, &cap, sizeof *s->moved))
            return diag_nomem(m->l->d);
        s->moved[count].from = at;
        if (!place_entry(m, p + at, size, &s->moved[count++].to))
            return false;
        at += size;
    }
    s->moved_count = (uint32_t)count;
    s->live = false;
    return true;
}

static bool merge_pool(struct link *l, struct pool *p)
{
    struct merger m = {.l = l, .pool = p};
    struct lsec *made = NULL;
    bool ok = true;

    if (p->count < 2) /* a compiler has merged within its own output */
        return true;
    made = link_new_section(l, p->name, SHT_PROGBITS,
                            (p->flags & SEC_ALLOC ? SHF_ALLOC : 0u) |
                                (p->flags & SEC_EXEC ? SHF_EXECINSTR : 0u) |
                                (p->flags & SEC_LARGE ? SHF_X86_64_LARGE : 0u),
                            p->align_log2);
    /* Still a merge section for those who read the image's headers. */
    if (!(p->flags & SEC_ALLOC)) {
        struct section *sec = &l->objs[0]->o.sections[made->index];

        sec->flags |= SEC_MERGE | (p->flags & (SEC_STRINGS | SEC_DEBUG));
        sec->entsize = p->entsize;
    }
    for (uint64_t i = 0; ok && i < p->count; i++) {
        ok = merge_section(&m, p->secs[i]);
        p->secs[i]->into = made;
    }
    free(m.table);
    made->data = m.out.at;
    made->size = m.out.size;
    return link_own(l, m.out.at) && ok;
}

bool link_merge_strings(struct link *l)
{
    struct pools pools = {0};

    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (mergeable(&l->objs[i]->secs[n]) && !add_to_pool(l, &pools, &l->objs[i]->secs[n]))
                return false;
    for (uint64_t i = 0; i < pools.count; i++)
        if (!merge_pool(l, pools.at[i]))
            return false;
    return true;
}
