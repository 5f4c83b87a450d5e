/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.c - the tables of a PE image, entry by entry: exports, imports, base
 * relocations (PE specification, 6.3, 6.4 and 6.6). */

#include "coff/heaps.h"

#include <inttypes.h>
#include <stdlib.h>

/* Names and tables may share bytes; a file in which they add up to more than 16
   times its size was made to waste time. */
struct budget {
    struct diag *d;
    uint64_t left;
};

static struct budget budget_of(struct diag *d, const struct coff_file *f)
{
    return (struct budget){d, 16 * f->in.size};
}

static bool spend(struct budget *b, const char *name)
{
    uint64_t cost = 8 + (name ? strlen(name) : 0);

    if (cost > b->left)
        return diag_fail(b->d, E_FORMAT, "names and tables have more than 16 times the file's bytes");
    b->left -= cost;
    return true;
}

static uint32_t u32(const uint8_t *p) { return (uint32_t)load_uint(p, 4, false); }

/* ---- exports ---- */

static bool table_at(struct diag *d, const struct coff_file *f, const char *what, uint32_t rva,
                     uint64_t count, unsigned size, struct span *out)
{
    *out = (struct span){0};
    return count == 0 || coff_at(f, rva, count * size, out) ||
           diag_fail(d, E_FORMAT,
                     "exports: %s: %" PRIu64 " entries at 0x%" PRIx32 " are not inside a section",
                     what, count, rva);
}

bool coff_each_export(struct diag *d, const struct coff_file *f,
                      bool (*each)(void *arg, const char *name, uint32_t ordinal, uint32_t rva,
                                   const char *forward),
                      void *arg)
{
    const struct coff_directory *place = &f->optional.directories[DIRECTORY_EXPORT];
    struct span dir, functions, names, ordinals;
    uint32_t count = 0, named = 0, base = 0;
    struct budget budget = budget_of(d, f);
    uint32_t *name_of = NULL;
    bool ok = true;

    if (!coff_directory(d, f, DIRECTORY_EXPORT, &dir))
        return false;
    if (dir.size == 0)
        return true;
    if (dir.size < EXPORT_DIRECTORY_SIZE)
        return diag_fail(d, E_FORMAT, "exports: 0x%" PRIx64 " bytes, %d are needed", dir.size,
                         EXPORT_DIRECTORY_SIZE);
    base = u32(dir.at + 16);
    count = u32(dir.at + 20);
    named = u32(dir.at + 24);
    if (!table_at(d, f, "functions", u32(dir.at + 28), count, 4, &functions) ||
        !table_at(d, f, "names", u32(dir.at + 32), named, 4, &names) ||
        !table_at(d, f, "ordinals", u32(dir.at + 36), named, 2, &ordinals))
        return false;
    if (!(name_of = calloc(count + 1ull, sizeof *name_of)))
        return diag_nomem(d);
    for (uint32_t i = 0; ok && i < named; i++) {
        uint64_t index = load_uint(ordinals.at + 2ull * i, 2, false);
        const char *name = coff_string_at(f, u32(names.at + 4ull * i)), *forward = NULL;
        uint32_t rva = 0;

        if (!name || index >= count) {
            ok = diag_fail(d, E_FORMAT, "exports: name %" PRIu32 ": %s", i,
                           name ? "its function is not in the table" : "is not inside a section");
            break;
        }
        name_of[index] = i + 1;
        rva = u32(functions.at + 4 * index);
        if (rva - place->rva < place->size && !(forward = coff_string_at(f, rva)))
            ok = diag_fail(d, E_FORMAT, "exports: `%s': whom it is passed on to does not end", name);
        ok = ok && spend(&budget, name) && spend(&budget, forward) &&
             each(arg, name, base + (uint32_t)index, forward ? 0 : rva, forward);
    }
    for (uint32_t i = 0; ok && i < count; i++)
        if (!name_of[i] && u32(functions.at + 4ull * i))
            ok = each(arg, NULL, base + i, u32(functions.at + 4ull * i), NULL);
    free(name_of);
    return ok;
}

/* ---- imports ---- */

static bool each_slot(struct diag *d, const struct coff_file *f, struct budget *budget,
                      const char *dll, uint32_t lookup, uint32_t slots,
                      bool (*each)(void *arg, const char *dll, const char *name, uint32_t ordinal,
                                   uint32_t rva),
                      void *arg)
{
    unsigned size = f->optional.wide ? 8 : 4;
    struct span rows;

    if (!coff_from(f, lookup, &rows))
        return diag_fail(d, E_FORMAT, "imports: %s: the table at 0x%" PRIx32 " is not inside a section",
                         dll, lookup);
    for (uint64_t at = 0;; at += size) {
        uint64_t row = 0;
        struct span hint;
        const char *name = NULL;

        if (rows.size - at < size)
            return diag_fail(d, E_FORMAT, "imports: %s: its table does not end", dll);
        row = load_uint(rows.at + at, size, false);
        if (row == 0)
            return true;
        if (!spend(budget, NULL))
            return false;
        if (row >> (8 * size - 1)) {
            if (!each(arg, dll, NULL, (uint16_t)row, slots + (uint32_t)at))
                return false;
            continue;
        }
        if (row > UINT32_MAX || !coff_at(f, row, 2, &hint) || !(name = coff_string_at(f, row + 2)))
            return diag_fail(d, E_FORMAT,
                             "imports: %s: row %" PRIu64 ": no name at 0x%" PRIx64, dll, at / size,
                             row);
        if (!spend(budget, name) || !each(arg, dll, name, (uint16_t)load_uint(hint.at, 2, false), slots + (uint32_t)at))
            return false;
    }
}

bool coff_each_import(struct diag *d, const struct coff_file *f,
                      bool (*each)(void *arg, const char *dll, const char *name, uint32_t ordinal,
                                   uint32_t rva),
                      void *arg)
{
    const struct coff_directory *place = &f->optional.directories[DIRECTORY_IMPORT];
    struct budget budget = budget_of(d, f);
    struct span all;

    if (place->rva == 0)
        return true;
    if (!coff_from(f, place->rva, &all))
        return diag_fail(d, E_FORMAT, "imports: 0x%" PRIx32 " is not inside a section's data",
                         place->rva);
    for (uint64_t at = 0;; at += IMPORT_DESCRIPTOR_SIZE) {
        struct span row;
        const char *dll = NULL;

        if (!span_sub(all, at, IMPORT_DESCRIPTOR_SIZE, &row))
            return diag_fail(d, E_FORMAT, "imports: the descriptors do not end");
        if (u32(row.at + 12) == 0) /* the loader looks at the name */
            return true;
        if (!(dll = coff_string_at(f, u32(row.at + 12))))
            return diag_fail(d, E_FORMAT,
                             "imports: descriptor %" PRIu64 ": no name at 0x%" PRIx32,
                             at / IMPORT_DESCRIPTOR_SIZE, u32(row.at + 12));
        if (!spend(&budget, dll) || !each_slot(d, f, &budget, dll, u32(row.at) ? u32(row.at) : u32(row.at + 16), u32(row.at + 16),
                       each, arg))
            return false;
    }
}

/* ---- base relocations ---- */

bool coff_each_base_reloc(struct diag *d, const struct coff_file *f,
                          bool (*each)(void *arg, uint32_t rva, unsigned type), void *arg)
{
    struct span all;

    if (!coff_directory(d, f, DIRECTORY_BASERELOC, &all))
        return false;
    for (uint64_t at = 0; at < all.size;) {
        uint32_t page = 0, size = 0;

        if (all.size - at < 8)
            return diag_fail(d, E_FORMAT, "base relocations: 0x%" PRIx64 " bytes are left at 0x%" PRIx64
                                          ", no whole block", all.size - at, at);
        page = u32(all.at + at);
        size = u32(all.at + at + 4);
        if (size < 8 || size > all.size - at)
            return diag_fail(d, E_FORMAT,
                             "base relocations: block at 0x%" PRIx64 ": 0x%" PRIx32
                             " bytes, from 8 to 0x%" PRIx64 " are allowed",
                             at, size, all.size - at);
        for (uint64_t n = 8; n + 2 <= size; n += 2) {
            uint16_t entry = (uint16_t)load_uint(all.at + at + n, 2, false);

            if (!each(arg, page + (entry & 0xfff), entry >> 12))
                return false;
        }
        at += size;
    }
    return true;
}
