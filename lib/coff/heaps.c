/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heaps.c - find the heaps of a PE image. */

#include "coff/heaps.h"

#include "heap/table.h"
#include "sysimage/format.h"

#include <stddef.h>

static const struct coff_section *find(const struct coff_file *f, const char *name)
{
    for (uint32_t i = 0; i < f->section_count; i++)
        if (!strcmp(f->sections[i].name, name))
            return &f->sections[i];
    return NULL;
}

const struct coff_section *coff_heap_table(const struct coff_file *f)
{
    return find(f, SIMG_PE_SECTION);
}

static bool bytes_at(void *arg, uint64_t addr, uint64_t size, struct span *out)
{
    const struct coff_file *f = arg;

    *out = (struct span){0};
    return addr >= f->optional.image_base && coff_at(f, addr - f->optional.image_base, size, out);
}

bool coff_heaps_read(struct diag *d, struct arena *a, const struct coff_file *f,
                     const struct coff_section *s, struct heap_image *out)
{
    /* What a note says in ELF, the section's own place and size say here. */
    uint8_t *note = arena_alloc(a, TABLE_NOTE_SIZE, 1);
    uint64_t size = s->vsize;
    struct span head;
    struct heap_image_input in = {.bytes = bytes_at,
                                  .arg = (void *)(uintptr_t)f,
                                  .file_size = f->in.size,
                                  .note = f->optional.image_base + s->rva};

    if (!note)
        return diag_nomem(d);
    /* The section may reach up to the heap behind it; the table says how long it is itself. */
    if (coff_at(f, s->rva, sizeof(struct simg_table), &head))
        size = load_uint(head.at + offsetof(struct simg_table, size), 8, false);
    table_note(note, 0, size <= s->vsize ? size : s->vsize);
    in.desc = (struct span){note + TABLE_NOTE_HEAD, TABLE_NOTE_SIZE - TABLE_NOTE_HEAD};
    return heap_image_read(d, a, &in, out);
}

static const struct {
    const char *runtime, *section, *name;
} known[] = {
    {"GraalVM native image", ".svm_heap", NULL},
    {"GraalVM native image", ".svm_hea", NULL},
    {"Dart snapshot", "snapshot", NULL},
    {"Dart snapshot", NULL, "_kDartVmSnapshotData"},
    {"Dart snapshot", NULL, "_kDartIsolateSnapshotData"},
    {"Dart snapshot", NULL, "_kDartSnapshotData"},
    {"Julia sysimage", NULL, "jl_system_image_data"},
};

struct search {
    const char *name;
    uint32_t rva;
};

static bool is_it(void *arg, const char *name, uint32_t ordinal, uint32_t rva, const char *forward)
{
    struct search *s = arg;

    (void)ordinal;
    if (name && !forward && !strcmp(name, s->name))
        s->rva = rva;
    return true;
}

unsigned coff_foreign_heaps(const struct coff_file *f,
                            struct coff_foreign_heap out[COFF_FOREIGN_HEAPS])
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof known / sizeof *known && count < COFF_FOREIGN_HEAPS; i++) {
        const struct coff_section *s = known[i].section ? find(f, known[i].section) : NULL;
        struct search search = {.name = known[i].name};
        struct diag quiet = {0};

        if (s)
            out[count++] = (struct coff_foreign_heap){known[i].runtime, s->name, s->rva, s->vsize};
        else if (search.name && coff_each_export(&quiet, f, is_it, &search) && search.rva)
            out[count++] =
                (struct coff_foreign_heap){known[i].runtime, known[i].name, search.rva, 0};
    }
    return count;
}
