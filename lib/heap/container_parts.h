/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container_parts.h - what the files of the container's reader share. */

#ifndef HEAP_CONTAINER_PARTS_H
#define HEAP_CONTAINER_PARTS_H

#include "heap/container.h"

struct heap_reader {
    struct diag *d;
    struct arena *a;
    struct heap *h;
    struct span strings; /* its last byte is a NUL */
};

/* ---- container.c ---- */

/* The part of TYPE and INDEX, or NULL. */
const struct heap_part *heap_find_part(const struct heap *h, uint32_t type, uint32_t index);

/* What messages call a part of TYPE; NULL if the type is not known. */
const char *heap_part_name(uint32_t type);
/* Each segment has its own part of this type. */
bool heap_part_of_segment(uint32_t type);

/* ---- container_stored.c ---- */

/* Check that P's frames, if it is compressed, hold as many bytes as it says. */
bool heap_check_frames(struct diag *d, const struct heap_part *p);

/* P's plain bytes, after checking its checksum; unpacked into A if need be.
   No part (NULL) has no bytes. */
bool heap_plain(struct diag *d, struct arena *a, const struct heap_part *p, struct span *out);

/* ---- container_parts.c ---- */

bool heap_read_strings(struct heap_reader *r);
bool heap_read_segments(struct heap_reader *r);
bool heap_read_imports(struct heap_reader *r);
bool heap_read_roots(struct heap_reader *r);
bool heap_read_types(struct heap_reader *r);
bool heap_read_identity(struct heap_reader *r);
bool heap_read_metas(struct heap_reader *r);

/* The segment that holds heap address ADDR, or NULL. */
const struct heap_segment *heap_segment_at(const struct heap *h, uint64_t addr);

/* ---- container_slots.c ---- */

bool heap_read_slots(struct heap_reader *r, uint32_t segment);
bool heap_read_import_slots(struct heap_reader *r);
bool heap_read_objects(struct heap_reader *r, uint32_t segment);

#endif
