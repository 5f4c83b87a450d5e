/* SPDX-License-Identifier: MIT */
/* heap_file.c - the container's file: parts one after another, with their
 * checksums, then the table, then the header. */

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "runtime/heap_writer.h"
#include "runtime/map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

struct heapw_file {
    char *path, *temp; /* TEMP: NULL if there is no file to remove */
    int fd;
    uint64_t pos;
    struct grow parts; /* struct heapw_part */
    struct heapw_part part;
    XXH3_state_t *blocks, *block; /* the checksum: of all blocks, of the last one */
    uint64_t in_block;            /* bytes in that one */

    int compression;
    void *zstd;     /* ZSTD_CCtx */
    uint8_t *frame; /* bytes for the next frame */
    size_t frame_size;
    uint8_t *packed;
    size_t packed_cap;
};

/* ---- zstd, which a build may do without ---- */

#ifdef HAVE_ZSTD
static bool zstd_begin(struct simg_heap_writer *w, struct heapw_file *f)
{
    f->packed_cap = ZSTD_compressBound(HEAPW_BLOCK);
    f->zstd = ZSTD_createCCtx();
    f->frame = malloc(HEAPW_BLOCK);
    f->packed = malloc(f->packed_cap);
    return (f->zstd && f->frame && f->packed) || heapw_memory(w);
}

static size_t zstd_pack(struct heapw_file *f)
{
    size_t n = ZSTD_compressCCtx(f->zstd, f->packed, f->packed_cap, f->frame, f->frame_size,
                                 f->compression);

    return ZSTD_isError(n) ? 0 : n;
}

static void zstd_end(struct heapw_file *f) { ZSTD_freeCCtx(f->zstd); }
#else
static bool zstd_begin(struct simg_heap_writer *w, struct heapw_file *f)
{
    (void)f;
    error_set(&w->error, SIMG_ERR_UNSUPPORTED, 0, "compression: built without zstd");
    return false;
}

static size_t zstd_pack(struct heapw_file *f)
{
    (void)f;
    return 0;
}

static void zstd_end(struct heapw_file *f) { (void)f; }
#endif

/* ---- the file ---- */

static bool write_at(struct simg_heap_writer *w, const uint8_t *p, size_t n, uint64_t pos)
{
    if (map_write(w->file->fd, pos, p, n))
        return true;
    error_system(&w->error, errno, "cannot write %s", w->file->temp);
    return false;
}

/* Make a new file beside PATH. */
static bool make_temp(struct simg_heap_writer *w, struct heapw_file *f)
{
    size_t room = strlen(f->path) + 48;
    char *temp = malloc(room);

    if (!temp)
        return heapw_memory(w);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(temp, room, "%s.%ld-%u.tmp", f->path, map_process(), i);
        if (map_create(temp, false, &f->fd)) {
            f->temp = temp;
            return true;
        }
        if (errno != EEXIST)
            break;
    }
    error_system(&w->error, errno, "cannot make %s", temp);
    free(temp);
    return false;
}

bool heapw_file_create(struct simg_heap_writer *w, const char *path, int compression)
{
    struct heapw_file *f = calloc(1, sizeof *f);

    if (!f)
        return heapw_memory(w);
    w->file = f;
    f->fd = -1;
    f->compression = compression;
    f->pos = SIMG_HEADER_SIZE; /* written last */
    f->path = strdup(path);
    f->blocks = XXH3_createState();
    f->block = XXH3_createState();
    if (!f->path || !f->blocks || !f->block)
        return heapw_memory(w);
    return (!compression || zstd_begin(w, f)) && make_temp(w, f);
}

void heapw_file_free(struct simg_heap_writer *w)
{
    struct heapw_file *f = w->file;

    if (!f)
        return;
    if (f->fd >= 0)
        map_close(f->fd);
    if (f->temp)
        map_remove(f->temp);
    if (f->zstd)
        zstd_end(f);
    XXH3_freeState(f->blocks);
    XXH3_freeState(f->block);
    free(f->path);
    free(f->temp);
    free(f->frame);
    free(f->packed);
    free(f->parts.at);
    free(f);
}

/* ---- parts ---- */

static void end_block(struct heapw_file *f)
{
    uint8_t hash[8];

    put_uint(hash, 8, false, XXH3_64bits_digest(f->block));
    XXH3_64bits_update(f->blocks, hash, sizeof hash);
    XXH3_64bits_reset(f->block);
    f->in_block = 0;
}

static bool store(struct simg_heap_writer *w, const uint8_t *p, size_t n)
{
    struct heapw_file *f = w->file;

    for (size_t i = 0; i < n;) {
        size_t room = (size_t)(HEAPW_BLOCK - f->in_block), piece = n - i < room ? n - i : room;

        XXH3_64bits_update(f->block, p + i, piece);
        f->in_block += piece;
        i += piece;
        if (f->in_block == HEAPW_BLOCK)
            end_block(f);
    }
    if (!write_at(w, p, n, f->pos))
        return false;
    f->pos += n;
    f->part.stored += n;
    return true;
}

static bool end_frame(struct simg_heap_writer *w)
{
    struct heapw_file *f = w->file;
    size_t n = f->frame_size ? zstd_pack(f) : 0;

    if (f->frame_size && !n)
        return heapw_memory(w); /* nothing else can go wrong with a buffer that is large enough */
    f->frame_size = 0;
    return store(w, f->packed, n);
}

bool heapw_part_begin(struct simg_heap_writer *w, enum simg_part type, uint32_t index,
                      uint64_t count, bool may_compress)
{
    struct heapw_file *f = w->file;
    bool zstd = may_compress && f->compression;
    uint64_t align = type == SIMG_PART_DATA && !zstd ? SIMG_DATA_ALIGN : 8;

    f->pos = (f->pos + align - 1) & ~(align - 1);
    f->part = (struct heapw_part){.type = type,
                                  .index = index,
                                  .flags = zstd ? SIMG_PART_ZSTD : 0,
                                  .offset = f->pos,
                                  .count = count};
    XXH3_64bits_reset(f->blocks);
    XXH3_64bits_reset(f->block);
    f->in_block = 0;
    return true;
}

bool heapw_part_put(struct simg_heap_writer *w, const void *p, size_t n)
{
    struct heapw_file *f = w->file;
    const uint8_t *from = p;

    f->part.size += n;
    if (!(f->part.flags & SIMG_PART_ZSTD))
        return store(w, from, n);
    while (n > 0) {
        size_t room = HEAPW_BLOCK - f->frame_size, piece = n < room ? n : room;

        memcpy(f->frame + f->frame_size, from, piece);
        f->frame_size += piece;
        from += piece;
        n -= piece;
        if (f->frame_size == HEAPW_BLOCK && !end_frame(w))
            return false;
    }
    return true;
}

bool heapw_part_end(struct simg_heap_writer *w)
{
    struct heapw_file *f = w->file;
    uint8_t *p;

    if (!end_frame(w))
        return false;
    if (f->in_block)
        end_block(f);
    f->part.checksum = XXH3_64bits_digest(f->blocks);
    p = grow_reserve(&f->parts, sizeof f->part);
    if (!p)
        return heapw_memory(w);
    memcpy(p, &f->part, sizeof f->part);
    return true;
}

/* ---- the end ---- */

static void put_part(uint8_t *p, bool big, const struct heapw_part *part)
{
    put_uint(p, 4, big, part->type);
    put_uint(p + 4, 4, big, part->index);
    put_uint(p + 8, 4, big, part->flags);
    put_uint(p + 16, 8, big, part->offset);
    put_uint(p + 24, 8, big, part->stored);
    put_uint(p + 32, 8, big, part->size);
    put_uint(p + 40, 8, big, part->count);
    put_uint(p + 48, 8, big, part->checksum);
}

static bool write_header(struct simg_heap_writer *w, const uint8_t *table, size_t size,
                         uint64_t table_at)
{
    uint8_t h[SIMG_HEADER_SIZE] = {0};
    XXH128_canonical_t id;

    memcpy(h, SIMG_HEAP_MAGIC, 8);
    h[8] = w->big ? SIMG_BIG : SIMG_LITTLE;
    h[9] = 8;
    h[10] = SIMG_HEAP_MAJOR;
    h[11] = SIMG_HEAP_MINOR;
    put_uint(h + 12, 2, w->big, SIMG_HEADER_SIZE);
    put_uint(h + 14, 2, w->big, SIMG_PART_SIZE);
    put_uint(h + 16, 8, w->big, table_at + size);
    put_uint(h + 24, 8, w->big, table_at);
    put_uint(h + 32, 4, w->big, size / SIMG_PART_SIZE);
    put_uint(h + 40, 8, w->big, w->span);
    h[48] = (uint8_t)w->address_bits;
    XXH128_canonicalFromHash(&id, XXH3_128bits(table, size));
    memcpy(h + 56, &id, 16);
    put_uint(h + 112, 8, w->big, XXH3_64bits(table, size));
    put_uint(h + 120, 8, w->big, XXH3_64bits(h, 120));
    return write_at(w, h, sizeof h, 0);
}

static bool write_table(struct simg_heap_writer *w)
{
    struct heapw_file *f = w->file;
    size_t count = f->parts.size / sizeof(struct heapw_part);
    uint64_t at = (f->pos + 7) & ~UINT64_C(7);
    uint8_t *table = calloc(count, SIMG_PART_SIZE);
    struct heapw_part part;
    bool ok;

    if (!table)
        return heapw_memory(w);
    for (size_t i = 0; i < count; i++) {
        memcpy(&part, f->parts.at + i * sizeof part, sizeof part);
        put_part(table + i * SIMG_PART_SIZE, w->big, &part);
    }
    ok = write_at(w, table, count * SIMG_PART_SIZE, at) &&
         write_header(w, table, count * SIMG_PART_SIZE, at);
    free(table);
    return ok;
}

bool heapw_file_finish(struct simg_heap_writer *w)
{
    struct heapw_file *f = w->file;
    int fd = f->fd;

    if (!write_table(w))
        return false;
    f->fd = -1;
    if (!map_finish(fd)) {
        error_system(&w->error, errno, "cannot write %s", f->temp);
        return false;
    }
    if (!map_replace(f->temp, f->path)) {
        error_system(&w->error, errno, "cannot rename %s to %s", f->temp, f->path);
        return false;
    }
    free(f->temp);
    f->temp = NULL;
    return true;
}
