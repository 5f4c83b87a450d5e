/* SPDX-License-Identifier: MIT */
/* heap_tables.c - what a container says beside bytes and slots: names, imports,
 * roots, types and objects, whose heap it is. */

#include "runtime/heap_writer.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- strings ---- */

/* What a name is already used for. */
enum { IMPORT = 1, ROOT = 2, KEY = 4 };

/* FNV-1a */
static uint64_t hash_of(const char *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (; *s; s++)
        h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

/* The place of S in the hash table, which has room: its own or a free one. */
static size_t place_of(const struct simg_heap_writer *w, const char *s)
{
    size_t i = (size_t)hash_of(s) & (w->hash_size - 1);

    while (w->hash[i] && strcmp((const char *)w->strings.at + w->hash[i] - 1, s) != 0)
        i = (i + 1) & (w->hash_size - 1);
    return i;
}

static bool grow_hash(struct simg_heap_writer *w)
{
    size_t old_size = w->hash_size, i;
    uint32_t *old = w->hash;
    uint8_t *old_uses = w->uses;
    size_t size = old_size ? 2 * old_size : 64;
    uint32_t *hash = calloc(size, sizeof *hash);
    uint8_t *uses = calloc(size, 1);

    if (!hash || !uses) {
        free(hash);
        free(uses);
        return heapw_memory(w);
    }
    w->hash = hash;
    w->uses = uses;
    w->hash_size = size;
    for (i = 0; i < old_size; i++)
        if (old[i]) {
            size_t to = place_of(w, (const char *)w->strings.at + old[i] - 1);

            w->hash[to] = old[i];
            w->uses[to] = old_uses[i];
        }
    free(old);
    free(old_uses);
    return true;
}

/* Add S, if it is new; *AT is its place in the hash table. */
static bool intern(struct simg_heap_writer *w, const char *s, size_t *at)
{
    size_t length = strlen(s) + 1;
    uint8_t *p;

    if (w->hash_used >= w->hash_size / 2 && !grow_hash(w))
        return false;
    *at = place_of(w, s);
    if (w->hash[*at])
        return true;
    if (length >= UINT32_MAX - w->strings.size)
        return heapw_argument(w, 0, "the names have more than 4 GiB");
    p = grow_reserve(&w->strings, length);
    if (!p)
        return heapw_memory(w);
    memcpy(p, s, length);
    w->hash[*at] = (uint32_t)(w->strings.size - length) + 1;
    w->hash_used++;
    return true;
}

bool heapw_string(struct simg_heap_writer *w, const char *s, uint32_t *offset)
{
    size_t at;

    if (!intern(w, s ? s : "", &at))
        return false;
    *offset = w->hash[at] - 1;
    return true;
}

/* A name that is not empty and not yet used as USE, which is called WHAT. */
static bool new_name(struct simg_heap_writer *w, const char *name, uint8_t use, const char *what,
                     uint32_t *offset)
{
    size_t at;

    if (!*name)
        return heapw_argument(w, 0, "%s without a name", what);
    if (!intern(w, name, &at))
        return false;
    if (w->uses[at] & use)
        return heapw_argument(w, 0, "%s \"%.100s\" comes twice", what, name);
    w->uses[at] |= use;
    *offset = w->hash[at] - 1;
    return true;
}

/* N more bytes, all 0, in a table. */
static uint8_t *row(struct simg_heap_writer *w, struct grow *table, size_t n)
{
    uint8_t *p = grow_reserve(table, n);

    if (!p)
        heapw_memory(w);
    else
        memset(p, 0, n);
    return p;
}

/* ---- imports, roots ---- */

static bool add_import(struct simg_heap_writer *w, const char *name, int kind, int weak)
{
    uint32_t offset;
    uint8_t *p;

    if (kind != SIMG_IMPORT_DATA && kind != SIMG_IMPORT_FUNCTION)
        return heapw_argument(w, 0, "import \"%.100s\": kind %d, not 0 or 1", name, kind);
    if (!new_name(w, name, IMPORT, "import", &offset))
        return false;
    p = row(w, &w->imports, SIMG_IMPORT_SIZE);
    if (!p)
        return false;
    put_uint(p, 4, w->big, offset);
    p[4] = (uint8_t)kind;
    p[5] = weak != 0;
    w->import_count++;
    return true;
}

enum simg_status simg_heap_import(struct simg_heap_writer *w, const char *name, int kind, int weak,
                                  uint32_t *index, struct simg_error *error)
{
    if (!w->error.status && add_import(w, name, kind, weak) && index)
        *index = w->import_count - 1;
    return heapw_return(w, error);
}

static bool add_root(struct simg_heap_writer *w, const char *name, int kind, uint32_t index,
                     uint64_t offset, uint64_t size)
{
    const struct heapw_segment *s = heapw_segment(w, index);
    uint32_t string;
    uint8_t *p;

    if (!s)
        return false;
    if (kind != SIMG_ROOT_DATA && kind != SIMG_ROOT_FUNCTION)
        return heapw_argument(w, 0, "root \"%.100s\": kind %d, not 0 or 1", name, kind);
    if (offset >= s->size || size > s->size - offset)
        return heapw_argument(w, offset,
                              "root \"%.60s\": 0x%" PRIx64 " bytes at 0x%" PRIx64
                              " are not inside segment %" PRIu32,
                              name, size, offset, index);
    if (!new_name(w, name, ROOT, "root", &string))
        return false;
    p = row(w, &w->roots, SIMG_ROOT_SIZE);
    if (!p)
        return false;
    put_uint(p, 4, w->big, string);
    p[4] = (uint8_t)kind;
    put_uint(p + 8, 8, w->big, s->addr + offset);
    put_uint(p + 16, 8, w->big, size);
    return true;
}

enum simg_status simg_heap_root(struct simg_heap_writer *w, const char *name, int kind,
                                uint32_t index, uint64_t offset, uint64_t size,
                                struct simg_error *error)
{
    if (!w->error.status)
        add_root(w, name, kind, index, offset, size);
    return heapw_return(w, error);
}

/* ---- types, objects ---- */

enum simg_status simg_heap_type(struct simg_heap_writer *w, const char *name, uint32_t *type,
                                struct simg_error *error)
{
    uint32_t offset;
    uint8_t *p;

    if (w->error.status || !heapw_string(w, name, &offset))
        return heapw_return(w, error);
    p = row(w, &w->types, SIMG_TYPE_SIZE);
    if (p) {
        put_uint(p, 4, w->big, offset);
        *type = w->type_count++;
    }
    return heapw_return(w, error);
}

static bool add_object(struct simg_heap_writer *w, struct heapw_segment *s, uint32_t index,
                       const struct simg_heap_object *o)
{
    uint8_t numbers[30], *p;
    unsigned n;

    if (o->offset < s->object_end || o->offset > s->size || o->size > s->size - o->offset)
        return heapw_argument(w, o->offset,
                              "segment %" PRIu32 ": object of 0x%" PRIx64 " bytes at 0x%" PRIx64
                              ", not behind 0x%" PRIx64 " or not inside the segment",
                              index, o->size, o->offset, s->object_end);
    if (o->type >= w->type_count)
        return heapw_argument(w, o->offset,
                              "segment %" PRIu32 ": object at 0x%" PRIx64 " of type %" PRIu32
                              ", but there are %" PRIu32,
                              index, o->offset, o->type, w->type_count);
    n = put_leb128(numbers, o->offset - s->object_end);
    n += put_leb128(numbers + n, o->size);
    n += put_leb128(numbers + n, o->type);
    p = grow_reserve(&s->objects, n);
    if (!p)
        return heapw_memory(w);
    memcpy(p, numbers, n);
    s->object_count++;
    s->object_end = o->offset + o->size;
    return true;
}

enum simg_status simg_heap_objects(struct simg_heap_writer *w, uint32_t index,
                                   const struct simg_heap_object *objects, size_t count,
                                   struct simg_error *error)
{
    struct heapw_segment *s = w->error.status ? NULL : heapw_segment(w, index);

    for (size_t i = 0; s && i < count; i++)
        if (!add_object(w, s, index, &objects[i]))
            break;
    return heapw_return(w, error);
}

/* ---- whose it is ---- */

enum simg_status simg_heap_identity(struct simg_heap_writer *w, const char *runtime,
                                    const char *version, const char *build_id, const char *flags,
                                    struct simg_error *error)
{
    if (w->error.status)
        return heapw_return(w, error);
    if (w->identified)
        error_set(&w->error, SIMG_ERR_STATE, 0, "the identity comes twice");
    else
        w->identified = heapw_string(w, runtime, &w->identity[0]) &&
                        heapw_string(w, version, &w->identity[1]) &&
                        heapw_string(w, build_id, &w->identity[2]) &&
                        heapw_string(w, flags, &w->identity[3]);
    return heapw_return(w, error);
}

enum simg_status simg_heap_meta(struct simg_heap_writer *w, const char *key, const char *value,
                                struct simg_error *error)
{
    uint32_t k, v;
    uint8_t *p;

    if (!w->error.status && new_name(w, key, KEY, "metadata", &k) && heapw_string(w, value, &v)) {
        p = row(w, &w->metas, SIMG_META_SIZE);
        if (p) {
            put_uint(p, 4, w->big, k);
            put_uint(p + 4, 4, w->big, v);
        }
    }
    return heapw_return(w, error);
}

/* ---- the parts ---- */

static bool write_part(struct simg_heap_writer *w, enum simg_part type, uint32_t index,
                       uint64_t count, const struct grow *bytes, bool may_compress)
{
    return bytes->size == 0 || (heapw_part_begin(w, type, index, count, may_compress) &&
                                heapw_part_put(w, bytes->at, bytes->size) && heapw_part_end(w));
}

static bool write_table(struct simg_heap_writer *w, enum simg_part type, const struct grow *table,
                        size_t entry)
{
    return write_part(w, type, 0, table->size / entry, table, false);
}

static bool write_segments(struct simg_heap_writer *w)
{
    uint32_t count;
    const struct heapw_segment *all = heapw_segments(w, &count);
    struct grow table = {0};
    bool ok = true;

    for (uint32_t i = 0; ok && i < count; i++) {
        uint8_t *p = row(w, &table, SIMG_SEGMENT_SIZE);

        ok = p != NULL;
        if (!ok)
            break;
        put_uint(p, 8, w->big, all[i].addr);
        put_uint(p + 8, 8, w->big, all[i].size);
        p[16] = all[i].kind;
        p[17] = all[i].align_log2;
        put_uint(p + 20, 4, w->big, all[i].name);
    }
    ok = ok && write_table(w, SIMG_PART_SEGMENTS, &table, SIMG_SEGMENT_SIZE);
    free(table.at);
    return ok;
}

static bool write_identity(struct simg_heap_writer *w)
{
    uint8_t out[SIMG_IDENTITY_SIZE];

    if (!w->identified)
        return true;
    for (int i = 0; i < 4; i++)
        put_uint(out + 4 * i, 4, w->big, w->identity[i]);
    return heapw_part_begin(w, SIMG_PART_IDENTITY, 0, 1, false) &&
           heapw_part_put(w, out, sizeof out) && heapw_part_end(w);
}

bool heapw_write_tables(struct simg_heap_writer *w)
{
    uint32_t count;
    const struct heapw_segment *all = heapw_segments(w, &count);

    for (uint32_t i = 0; i < count; i++)
        if (!write_part(w, SIMG_PART_OBJECTS, i, all[i].object_count, &all[i].objects, true))
            return false;
    return write_segments(w) && write_table(w, SIMG_PART_IMPORTS, &w->imports, SIMG_IMPORT_SIZE) &&
           write_table(w, SIMG_PART_ROOTS, &w->roots, SIMG_ROOT_SIZE) &&
           write_table(w, SIMG_PART_TYPES, &w->types, SIMG_TYPE_SIZE) && write_identity(w) &&
           write_table(w, SIMG_PART_META, &w->metas, SIMG_META_SIZE) &&
           write_part(w, SIMG_PART_STRINGS, 0, 0, &w->strings, false);
}
