/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dynamic_symbols.c - hash tables and versions of an image's symbols. */

#include "elf/dynamic.h"

#include <inttypes.h>

uint32_t elf_sysv_hash(const char *name)
{
    uint32_t h = 0;

    for (; *name; name++) {
        h = (h << 4) + (uint8_t)*name;
        h ^= h >> 24 & 0xf0;
        h &= 0x0fffffff;
    }
    return h;
}

uint32_t elf_gnu_hash(const char *name)
{
    uint32_t h = 5381;

    for (; *name; name++)
        h = h * 33 + (uint8_t)*name;
    return h;
}

bool elf_read_gnu_hash(struct diag *d, const struct elf_image *m, struct elf_gnu_hash *out)
{
    uint64_t addr = 0, word = m->file->wide ? 8 : 4, pos = 0;
    struct cursor c;

    *out = (struct elf_gnu_hash){0};
    if (!elf_image_tag(m, DT_GNU_HASH, &addr))
        return diag_fail(d, E_FORMAT, "there is no DT_GNU_HASH");
    c = elf_cursor(m->file, elf_image_rest(m, addr));
    out->bucket_count = cur_u32(&c);
    out->first = cur_u32(&c);
    out->bloom_count = cur_u32(&c);
    out->bloom_shift = cur_u32(&c);
    pos = c.pos;
    if (c.bad || !span_sub(c.in, pos, out->bloom_count * word, &out->bloom) ||
        !span_sub(c.in, pos += out->bloom.size, (uint64_t)out->bucket_count * 4, &out->buckets)) {
        diag_fail(d, E_FORMAT,
                  "table at 0x%" PRIx64 " (%" PRIu32 " bloom words, %" PRIu32
                  " buckets) is not inside a segment",
                  addr, out->bloom_count, out->bucket_count);
        *out = (struct elf_gnu_hash){0};
        return false;
    }
    pos += out->buckets.size;
    span_sub(c.in, pos, c.in.size - pos, &out->chains);
    return true;
}

/* What both chains of records need while they are read. */
struct reading {
    struct diag *d;
    struct arena *a;
    struct elf_image *m;
    struct elf_versions *out;
    uint64_t cap, file_cap;
    uint64_t left; /* records that may still be read: no file has more than fit in it */
};

/* Version INDEX is V; its name is string NAME and must hash to HASH. */
static bool add_version(struct reading *r, uint32_t index, uint32_t name, uint32_t hash,
                        struct elf_version v)
{
    struct elf_versions *out = r->out;

    v.name = elf_image_string(r->m, name);
    if (!v.name)
        return diag_fail(r->d, E_FORMAT, "name at 0x%" PRIx32 " is not inside DT_STRTAB", name);
    if (elf_sysv_hash(v.name) != hash)
        return diag_fail(r->d, E_FORMAT, "hash is 0x%" PRIx32 ", that of the name is 0x%" PRIx32,
                         hash, elf_sysv_hash(v.name));
    while (out->count <= index) {
        if (!arena_grow(r->a, (void **)&out->by_index, out->count, &r->cap, sizeof *out->by_index))
            return diag_nomem(r->d);
        out->by_index[out->count++] = (struct elf_version){0};
    }
    if (out->by_index[index].name)
        return diag_fail(r->d, E_FORMAT, "index %" PRIu32 " is already taken", index);
    out->by_index[index] = v;
    return true;
}

/* One Verdef at offset POS of TABLE: u16 version, flags, ndx, cnt; u32 hash,
   aux, next.  *NEXT is the distance to the following one. */
static bool read_definition(struct reading *r, struct span table, uint64_t pos, uint32_t *next)
{
    struct cursor c = elf_cursor(r->m->file, table), aux;
    struct elf_version v = {0};
    uint16_t version = 0, index = 0, count = 0;
    uint32_t hash = 0, first = 0, name = 0;

    cur_take(&c, pos);
    version = cur_u16(&c);
    v.flags = cur_u16(&c);
    index = cur_u16(&c);
    count = cur_u16(&c);
    hash = cur_u32(&c);
    first = cur_u32(&c);
    *next = cur_u32(&c);
    aux = elf_cursor(r->m->file, table);
    cur_take(&aux, pos + first);
    name = cur_u32(&aux);
    if (c.bad || aux.bad)
        return diag_fail(r->d, E_FORMAT, "record at 0x%" PRIx64 " is not inside its segment", pos);
    if (version != 1 || count == 0 || (index & 0x7fff) == 0)
        return diag_fail(r->d, E_FORMAT,
                         "version %u, index %u, %u names: allowed are 1, 1 and up, 1 and up",
                         version, index, count);
    r->out->defined++;
    return add_version(r, index & 0x7fff, name, hash, v);
}

/* One Verneed: u16 version, cnt; u32 file, aux, next; each Vernaux: u32 hash;
   u16 flags, other; u32 name, next. */
static bool read_need(struct reading *r, struct span table, uint64_t pos, uint32_t *next)
{
    struct cursor c = elf_cursor(r->m->file, table);
    struct elf_versions *out = r->out;
    uint16_t version = 0, count = 0;
    uint32_t file = 0, step = 0;
    struct elf_version v = {0};

    cur_take(&c, pos);
    version = cur_u16(&c);
    count = cur_u16(&c);
    file = cur_u32(&c);
    step = cur_u32(&c);
    *next = cur_u32(&c);
    if (c.bad)
        return diag_fail(r->d, E_FORMAT, "record at 0x%" PRIx64 " is not inside its segment", pos);
    if (version != 1)
        return diag_fail(r->d, E_FORMAT, "version %u, not 1", version);
    if (!(v.file = elf_image_string(r->m, file)))
        return diag_fail(r->d, E_FORMAT, "file name at 0x%" PRIx32 " is not inside DT_STRTAB",
                         file);
    if (!arena_grow(r->a, (void **)&out->files, out->file_count, &r->file_cap, sizeof *out->files))
        return diag_nomem(r->d);
    out->files[out->file_count++] = v.file;
    for (uint16_t i = 0; i < count; i++) {
        uint32_t hash = 0, name = 0;
        uint16_t index = 0;

        c = elf_cursor(r->m->file, table);
        pos += step;
        cur_take(&c, pos);
        hash = cur_u32(&c);
        v.flags = cur_u16(&c);
        index = cur_u16(&c) & 0x7fff;
        name = cur_u32(&c);
        step = cur_u32(&c);
        if (c.bad || r->left-- == 0)
            return diag_fail(r->d, E_FORMAT, "record %u at 0x%" PRIx64 " is not inside its segment",
                             i, pos);
        out->needed++;
        if (!add_version(r, index, name, hash, v))
            return false;
        if (step == 0 && i + 1 < count)
            return diag_fail(r->d, E_FORMAT, "the chain ends after %u of %u records", i + 1, count);
    }
    return true;
}

static bool read_chain(struct reading *r, uint64_t tag, uint64_t count_tag, const char *what,
                       bool (*read)(struct reading *, struct span, uint64_t, uint32_t *))
{
    uint64_t addr = 0, count = 0, pos = 0;
    struct span table;
    bool ok = true;

    if (!elf_image_tag(r->m, tag, &addr))
        return true;
    if (!elf_image_tag(r->m, count_tag, &count))
        return diag_fail(r->d, E_FORMAT, "%s without its count", what);
    table = elf_image_rest(r->m, addr);
    r->left = table.size / 8;
    for (uint64_t i = 0; ok && i < count; i++) {
        struct where here = {r->d->where, what, i};
        uint32_t next = 0;

        r->d->where = &here;
        ok = read(r, table, pos, &next);
        if (ok && (next == 0) != (i + 1 == count))
            ok = diag_fail(r->d, E_FORMAT, "the chain %s after %" PRIu64 " of %" PRIu64 " records",
                           next ? "goes on" : "ends", i + 1, count);
        r->d->where = here.up;
        pos += next;
    }
    return ok;
}

bool elf_read_versions(struct diag *d, struct arena *a, struct elf_image *m,
                       struct elf_versions *out)
{
    struct reading r = {.d = d, .a = a, .m = m, .out = out};
    uint64_t addr = 0;

    *out = (struct elf_versions){0};
    if (elf_image_tag(m, DT_VERSYM, &addr) &&
        !elf_image_bytes(m, addr, m->symbol_count * 2, &out->indices))
        return diag_fail(d, E_FORMAT,
                         "DT_VERSYM: 2 bytes for each of %" PRIu64 " symbols at 0x%" PRIx64
                         " are not inside a segment",
                         m->symbol_count, addr);
    return read_chain(&r, DT_VERDEF, DT_VERDEFNUM, "DT_VERDEF", read_definition) &&
           read_chain(&r, DT_VERNEED, DT_VERNEEDNUM, "DT_VERNEED", read_need);
}

const struct elf_version *elf_symbol_version(const struct elf_file *f, const struct elf_versions *v,
                                             uint64_t i, bool *hidden)
{
    uint32_t index = 0;

    *hidden = false;
    if (i >= v->indices.size / 2)
        return NULL;
    index = (uint32_t)load_uint(v->indices.at + i * 2, 2, f->big);
    *hidden = index & VERSYM_HIDDEN;
    index &= 0x7fff;
    return index > 1 && index < v->count && v->by_index[index].name ? &v->by_index[index] : NULL;
}
