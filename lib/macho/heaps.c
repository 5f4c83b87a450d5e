/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heaps.c - find the heaps of a linked Mach-O file. */

#include "macho/heaps.h"

#include "heap/table.h"

const struct macho_section *macho_heap_table(const struct macho_file *f)
{
    return macho_find_section(f, SIMG_MACHO_SEGMENT, SIMG_MACHO_SECTION);
}

static bool bytes_at(void *arg, uint64_t addr, uint64_t size, struct span *out)
{
    struct span there = macho_at(arg, addr);

    return span_sub(there, 0, size, out);
}

bool macho_heaps_read(struct diag *d, struct arena *a, const struct macho_file *f,
                      const struct macho_section *s, struct heap_image *out)
{
    /* What a note says in ELF, the section's own place and size say here. */
    uint8_t *note = arena_alloc(a, TABLE_NOTE_SIZE, 1);
    struct heap_image_input in = {.bytes = bytes_at,
                                  .arg = (void *)(uintptr_t)f,
                                  .big = f->big,
                                  .file_size = f->in.size,
                                  .note = s->addr};

    if (!note)
        return diag_nomem(d);
    table_note(note, 0, s->size);
    in.desc = (struct span){note + TABLE_NOTE_HEAD, TABLE_NOTE_SIZE - TABLE_NOTE_HEAD};
    return heap_image_read(d, a, &in, out);
}

/* Sections and symbols by which a runtime's heap is known. */
static const struct {
    const char *runtime, *segment, *section, *symbol;
} known[] = {
    {"GraalVM native image", "__DATA", "__svm_heap", NULL},
    {"GraalVM native image", "__DATA_CONST", "__svm_heap", NULL},
    {"GraalVM native image", "__SVM_HEAP", "__svm_heap", NULL},
    {"Dart snapshot", NULL, NULL, "_kDartVmSnapshotData"},
    {"Dart snapshot", NULL, NULL, "_kDartIsolateSnapshotData"},
    {"Dart snapshot", NULL, NULL, "_kDartSnapshotData"},
    {"Dart snapshot", "__CUSTOM", "__dart_app_snap", NULL},
    {"Julia sysimage", NULL, NULL, "_jl_system_image_data"},
};

static bool find_symbol(const struct macho_file *f, const char *name, uint64_t *addr)
{
    for (uint32_t i = 0; i < f->nsyms; i++) {
        struct macho_sym s = macho_symbol(f, i);

        if ((s.type & N_TYPE) == N_SECT && !(s.type & N_STAB) &&
            !strcmp(macho_symbol_name(f, &s), name)) {
            *addr = s.value;
            return true;
        }
    }
    return false;
}

unsigned macho_foreign_heaps(const struct macho_file *f,
                             struct macho_foreign_heap out[FOREIGN_HEAPS])
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof known / sizeof *known && count < FOREIGN_HEAPS; i++) {
        const struct macho_section *s =
            known[i].section ? macho_find_section(f, known[i].segment, known[i].section) : NULL;
        uint64_t addr = 0;

        if (s)
            out[count++] = (struct macho_foreign_heap){known[i].runtime, s->full, s->addr, s->size};
        else if (known[i].symbol && find_symbol(f, known[i].symbol, &addr))
            out[count++] = (struct macho_foreign_heap){known[i].runtime, known[i].symbol, addr, 0};
    }
    return count;
}
