/* SPDX-License-Identifier: MIT */
/* image_look.c - what is in an open image.  The table was checked when it was
 * opened. */

#include "runtime/image.h"

#include <string.h>

uint32_t simg_heap_count(const struct simg *image) { return image->table.head->heap_count; }

static const struct simg_table_heap *heap_of(const struct simg *image, uint32_t heap)
{
    return heap < image->table.head->heap_count ? &image->table.heaps[heap] : NULL;
}

enum simg_status simg_get_heap(const struct simg *image, uint32_t heap, struct simg_heap *out)
{
    const struct simg_table_heap *h = heap_of(image, heap);
    const char *strings = image->table.strings;

    *out = (struct simg_heap){0};
    if (!h)
        return SIMG_ERR_NOT_FOUND;
    *out = (struct simg_heap){
        .addr = image->heaps[heap].at,
        .size = h->span,
        .mode = h->mode,
        .relocated = image->heaps[heap].relocated,
        .dlopened = !image->mapped,
        .segments = h->segment_count,
        .roots = h->root_count,
        .imports = h->import_count,
        .metas = h->meta_count,
        .slots = h->slot_count,
        .runtime = strings + h->runtime,
        .version = strings + h->version,
        .build_id = strings + h->build_id,
        .build_flags = strings + h->options,
    };
    memcpy(out->content_id, h->id, sizeof out->content_id);
    return SIMG_OK;
}

enum simg_status simg_get_segment(const struct simg *image, uint32_t heap, uint32_t index,
                                  struct simg_segment *out)
{
    const struct simg_table_heap *h = heap_of(image, heap);
    const struct simg_table_segment *s = NULL;

    *out = (struct simg_segment){0};
    if (!h || index >= h->segment_count)
        return SIMG_ERR_NOT_FOUND;
    s = &image->table.segments[h->first_segment + index];
    *out = (struct simg_segment){
        .addr = image->heaps[heap].at + s->addr,
        .size = s->size,
        .slots = s->slot_count,
        .kind = s->kind,
        .prot = s->prot,
        .name = image->table.strings + s->name,
    };
    return SIMG_OK;
}

enum simg_status simg_get_root(const struct simg *image, uint32_t heap, uint32_t index,
                               struct simg_root *out)
{
    const struct simg_table_heap *h = heap_of(image, heap);
    const struct simg_table_root *r = NULL;

    *out = (struct simg_root){0};
    if (!h || index >= h->root_count)
        return SIMG_ERR_NOT_FOUND;
    r = &image->table.roots[h->first_root + index];
    *out = (struct simg_root){
        .name = image->table.strings + r->name,
        .addr = image->heaps[heap].at + r->addr,
        .size = r->size,
        .kind = r->kind,
    };
    return SIMG_OK;
}

enum simg_status simg_get_import(const struct simg *image, uint32_t heap, uint32_t index,
                                 struct simg_import *out)
{
    const struct simg_table_heap *h = heap_of(image, heap);
    const struct simg_table_import *i = NULL;

    *out = (struct simg_import){0};
    if (!h || index >= h->import_count)
        return SIMG_ERR_NOT_FOUND;
    i = &image->table.imports[h->first_import + index];
    *out = (struct simg_import){
        .name = image->table.strings + i->name, .kind = i->kind, .weak = i->weak};
    return SIMG_OK;
}

enum simg_status simg_find_root(const struct simg *image, const char *name, struct simg_root *out)
{
    *out = (struct simg_root){0};
    for (uint32_t heap = 0; heap < image->table.head->heap_count; heap++) {
        const struct simg_table_heap *h = &image->table.heaps[heap];

        for (uint32_t i = 0; i < h->root_count; i++)
            if (!strcmp(image->table.strings + image->table.roots[h->first_root + i].name, name))
                return simg_get_root(image, heap, i, out);
    }
    return SIMG_ERR_NOT_FOUND;
}

void *simg_root_addr(const struct simg *image, const char *name)
{
    struct simg_root r;

    return simg_find_root(image, name, &r) == SIMG_OK ? r.addr : NULL;
}

const char *simg_meta(const struct simg *image, const char *key)
{
    const struct table *t = &image->table;

    for (uint32_t i = 0; i < t->head->meta_count; i++)
        if (!strcmp(t->strings + t->metas[i].key, key))
            return t->strings + t->metas[i].value;
    return NULL;
}
