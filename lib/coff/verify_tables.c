/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_tables.c - rules about what directories lead to. */

#include "coff/heaps.h"
#include "coff/machine.h"
#include "coff/resources.h"
#include "coff/verify_rules.h"

/* What a walk over a table could not get over is a finding of its rule. */
static void told(struct coff_verify *v, const struct diag *problem)
{
    if (problem->status == E_NOMEM)
        v->nomem = true;
    else if (problem->status != OK)
        coff_found(v, "%s", problem->text);
}

/* ---- exports ---- */

struct names {
    struct coff_verify *v;
    const char *last;
};

static bool check_export(void *arg, const char *name, uint32_t ordinal, uint32_t rva,
                         const char *forward)
{
    struct names *n = arg;
    struct coff_verify *v = n->v;

    if (name && n->last && strcmp(n->last, name) >= 0)
        coff_found(v, "exports: `%s' stands behind `%s'", name, n->last);
    n->last = name ? name : n->last;
    if (ordinal > 65535)
        coff_found(v, "exports: number %" PRIu32 "; 65535 is the last", ordinal);
    if (forward && !strchr(forward, '.'))
        coff_found(v, "exports: `%s' is passed on to '%s', which is no DLL.name", name, forward);
    if (!forward && !coff_section_at(&v->f, rva))
        coff_found(v, "exports: `%s' at 0x%" PRIx32 " is in no section", name ? name : "", rva);
    return coff_go_on(v);
}

void coff_verify_exports(struct coff_verify *v)
{
    struct names n = {.v = v};
    struct diag problem = {0};
    struct span dir;

    if (!coff_each_export(&problem, &v->f, check_export, &n))
        told(v, &problem);
    if (coff_directory(&problem, &v->f, DIRECTORY_EXPORT, &dir) && dir.size >= EXPORT_DIRECTORY_SIZE) {
        if (!coff_string_at(&v->f, load_uint(dir.at + 12, 4, false)))
            coff_found(v, "exports: the library's own name is not inside a section");
        if (load_uint(dir.at, 4, false))
            coff_found(v, "exports: flags 0x%" PRIx64 " are to be 0", load_uint(dir.at, 4, false));
    }
}

/* ---- imports ---- */

static bool check_import(void *arg, const char *dll, const char *name, uint32_t ordinal,
                         uint32_t rva)
{
    struct coff_verify *v = arg;
    const struct coff_directory *iat = &v->f.optional.directories[DIRECTORY_IAT];
    const struct coff_section *s = coff_section_at(&v->f, rva);

    (void)ordinal;
    if (!*dll || (name && !*name))
        coff_found(v, "imports: %s: a name is empty", dll);
    if (!s)
        coff_found(v, "imports: %s: the slot 0x%" PRIx32 " is in no section", dll, rva);
    else if (!(s->flags & IMAGE_SCN_MEM_WRITE) && rva - iat->rva >= iat->size)
        coff_found(v, "imports: %s: nobody may write to the slot 0x%" PRIx32
                      ": not in the import address table nor in a writable section",
                   dll, rva);
    if (rva % 8)
        coff_found(v, "imports: %s: the slot 0x%" PRIx32 " is no multiple of 8", dll, rva);
    return coff_go_on(v);
}

void coff_verify_imports(struct coff_verify *v)
{
    struct diag problem = {0};

    if (!coff_each_import(&problem, &v->f, check_import, v))
        told(v, &problem);
}

/* ---- base relocations ---- */

struct moved {
    struct coff_verify *v;
    uint32_t last;
    bool any;
};

static bool check_moved(void *arg, uint32_t rva, unsigned type)
{
    struct moved *m = arg;
    struct coff_verify *v = m->v;
    struct span word;

    if (type == IMAGE_REL_BASED_ABSOLUTE)
        return true;
    if (type != IMAGE_REL_BASED_DIR64) {
        coff_found(v, "base relocations: 0x%" PRIx32 ": type %u; DIR64 (10) is what 64-bit images have",
                   rva, type);
        return coff_go_on(v);
    }
    if (m->any && rva <= m->last)
        coff_found(v, "base relocations: 0x%" PRIx32 " stands behind 0x%" PRIx32, rva, m->last);
    m->any = true;
    m->last = rva;
    if (!coff_section_at(&v->f, rva) || !coff_section_at(&v->f, rva + 7ull))
        coff_found(v, "base relocations: 0x%" PRIx32 " is in no section", rva);
    else if (coff_at(&v->f, rva, 8, &word)) {
        /* Bits from 48 up may be a tag. */
        uint64_t value = load_uint(word.at, 8, false) & 0xffffffffffff;

        if (!coff_is_inside(&v->f, value) &&
            value != v->f.optional.image_base + v->f.optional.image_size)
            coff_found(v, "base relocations: 0x%" PRIx32 ": 0x%" PRIx64
                          " is no address of the image",
                       rva, value);
    }
    return coff_go_on(v);
}

static void check_blocks(struct coff_verify *v, struct span all)
{
    uint64_t page = 0, last = 0;

    for (uint64_t at = 0; all.size - at >= 8 && coff_go_on(v);) {
        uint64_t size = load_uint(all.at + at + 4, 4, false);

        page = load_uint(all.at + at, 4, false);
        if (page % 4096)
            coff_found(v, "base relocations: a block for 0x%" PRIx64 ", no multiple of 4 KiB", page);
        if (size % 4)
            coff_found(v, "base relocations: a block of 0x%" PRIx64 " bytes, no multiple of 4", size);
        if (at && page <= last)
            coff_found(v, "base relocations: the block for 0x%" PRIx64 " stands behind 0x%" PRIx64,
                       page, last);
        last = page;
        if (size < 8 || size > all.size - at)
            return;
        at += size;
    }
}

void coff_verify_relocs(struct coff_verify *v)
{
    struct moved m = {.v = v};
    struct diag problem = {0};
    struct span all;

    if (coff_directory(&problem, &v->f, DIRECTORY_BASERELOC, &all))
        check_blocks(v, all);
    if (coff_go_on(v) && !coff_each_base_reloc(&problem, &v->f, check_moved, &m))
        told(v, &problem);
}

/* ---- exceptions ---- */

/* The number of bytes of a function in packed ARM64 unwind data, or in .xdata. */
static uint64_t arm64_length(const struct coff_file *f, uint32_t unwind)
{
    struct span head;

    if (unwind & 3)
        return (unwind >> 2 & 0x7ff) * UINT64_C(4);
    return coff_at(f, unwind, 4, &head) ? (load_uint(head.at, 4, false) & 0x3ffff) * 4 : 0;
}

static void check_unwind(struct coff_verify *v, uint64_t i, uint32_t unwind)
{
    struct span head;

    /* An odd one leads to another entry; packed data of ARM64 leads nowhere. */
    if (v->f.machine == IMAGE_FILE_MACHINE_AMD64 ? unwind & 1 : unwind & 3)
        return;
    if (unwind % 4 || !coff_at(&v->f, unwind, 4, &head))
        coff_found(v, "exceptions: entry %" PRIu64 ": no unwind information at 0x%" PRIx32, i, unwind);
    else if (v->f.machine == IMAGE_FILE_MACHINE_AMD64 && ((head.at[0] & 7) == 0 || (head.at[0] & 7) > 2))
        coff_found(v, "exceptions: entry %" PRIu64 ": unwind information of version %u", i,
                   head.at[0] & 7);
}

void coff_verify_exceptions(struct coff_verify *v)
{
    bool amd64 = v->f.machine == IMAGE_FILE_MACHINE_AMD64;
    unsigned size = amd64 ? 12 : 8;
    struct diag problem = {0};
    uint64_t last = 0;
    struct span all;

    if (!coff_directory(&problem, &v->f, DIRECTORY_EXCEPTION, &all)) {
        told(v, &problem);
        return;
    }
    if (all.size % size)
        coff_found(v, "exceptions: 0x%" PRIx64 " bytes are no whole number of entries", all.size);
    for (uint64_t i = 0; (i + 1) * size <= all.size && coff_go_on(v); i++) {
        const uint8_t *e = all.at + i * size;
        uint32_t begin = (uint32_t)load_uint(e, 4, false);
        uint32_t unwind = (uint32_t)load_uint(e + size - 4, 4, false);
        uint64_t end = amd64 ? load_uint(e + 4, 4, false) : begin + arm64_length(&v->f, unwind);

        if (begin == 0 && end == 0) /* unused, at the end */
            continue;
        if (begin < last)
            coff_found(v, "exceptions: entry %" PRIu64 " begins at 0x%" PRIx32
                          ", the one before ends at 0x%" PRIx64,
                       i, begin, last);
        if (begin >= end || !coff_is_code(&v->f, begin) || !coff_is_code(&v->f, end - 1))
            coff_found(v, "exceptions: entry %" PRIu64 ": 0x%" PRIx32 " to 0x%" PRIx64
                          " is no piece of code",
                       i, begin, end);
        last = end;
        check_unwind(v, i, unwind);
    }
}

/* ---- thread-local storage, load configuration ---- */

void coff_verify_tls(struct coff_verify *v)
{
    const struct coff_directory *place = &v->f.optional.directories[DIRECTORY_TLS];
    struct diag problem = {0};
    uint64_t words[4] = {0};
    const struct coff_section *s = NULL;
    struct span dir;

    if (!place->rva)
        return;
    if (!coff_at(&v->f, place->rva, TLS_DIRECTORY_SIZE, &dir)) {
        coff_found(v, "thread-local storage: its directory is not in one section");
        return;
    }
    (void)problem;
    for (int i = 0; i < 4; i++)
        words[i] = load_uint(dir.at + 8 * i, 8, false);
    if (words[0] > words[1])
        coff_found(v, "thread-local storage: its data ends before it begins");
    for (int i = 0; i < 4; i++)
        if (words[i] && !coff_is_inside(&v->f, words[i]) &&
            words[i] != v->f.optional.image_base + v->f.optional.image_size)
            coff_found(v, "thread-local storage: word %d, 0x%" PRIx64 ", is no address of the image", i,
                       words[i]);
    s = coff_section_at(&v->f, words[2] - v->f.optional.image_base);
    if (!s || !(s->flags & IMAGE_SCN_MEM_WRITE))
        coff_found(v, "thread-local storage: the loader cannot write the index at 0x%" PRIx64,
                   words[2]);
    if (words[3] && coff_is_inside(&v->f, words[3])) {
        struct span calls;

        if (!coff_from(&v->f, words[3] - v->f.optional.image_base, &calls))
            calls.size = 0;
        for (uint64_t at = 0;; at += 8) {
            uint64_t call = calls.size - at < 8 ? 1 : load_uint(calls.at + at, 8, false);

            if (call == 0)
                break;
            if (!coff_is_inside(&v->f, call) ||
                !coff_is_code(&v->f, call - v->f.optional.image_base)) {
                coff_found(v, "thread-local storage: callback %" PRIu64 " is not code", at / 8);
                break;
            }
        }
    }
}

void coff_verify_load_config(struct coff_verify *v)
{
    const struct coff_directory *place = &v->f.optional.directories[DIRECTORY_LOAD_CONFIG];
    uint64_t size = 0;
    struct span head;

    if (!place->rva)
        return;
    if (!coff_at(&v->f, place->rva, 4, &head)) {
        coff_found(v, "load configuration: is not inside a section");
        return;
    }
    size = load_uint(head.at, 4, false);
    if (size < 4 || !coff_at(&v->f, place->rva, size, &head))
        coff_found(v, "load configuration: 0x%" PRIx64 " bytes are not inside its section", size);
}

/* ---- resources ---- */

struct resources {
    struct coff_verify *v;
    struct coff_resource last;
    bool any;
};

/* Whoever looks for one goes by halves. */
static bool check_resource(void *arg, const struct coff_resource *r)
{
    struct resources *all = arg;
    struct coff_verify *v = all->v;
    char name[RESOURCE_NAME_TEXT];
    unsigned level = 0;
    struct span data;

    while (all->any && level < RESOURCE_LEVELS &&
           coff_compare_keys(&all->last.key[level], &r->key[level]) == 0)
        level++;
    if (level == RESOURCE_LEVELS)
        coff_found(v, "resources: %s: is there twice", coff_resource_name(r, name));
    else if (all->any && !r->key[level].named && !all->last.key[level].named &&
             r->key[level].id < all->last.key[level].id)
        coff_found(v, "resources: %s: stands behind number %" PRIu32, coff_resource_name(r, name),
                   all->last.key[level].id);
    if (r->size && !coff_at(&v->f, r->address, r->size, &data))
        coff_found(v, "resources: %s: 0x%" PRIx32 " bytes at 0x%" PRIx32 " are not inside a section",
                   coff_resource_name(r, name), r->size, r->address);
    all->last = *r;
    all->any = true;
    return coff_go_on(v);
}

void coff_verify_resources(struct coff_verify *v)
{
    struct resources all = {.v = v};
    struct diag problem = {0};
    struct span tree;

    if (coff_directory(&problem, &v->f, DIRECTORY_RESOURCE, &tree) && tree.size &&
        !coff_each_resource(&problem, tree, check_resource, &all))
        told(v, &problem);
}

/* ---- heaps ---- */

void coff_verify_heaps(struct coff_verify *v)
{
    const struct coff_section *s = coff_heap_table(&v->f);
    struct diag problem = {0};
    struct heap_image m;

    if (!s)
        return;
    if (!coff_heaps_read(&problem, v->a, &v->f, s, &m)) {
        told(v, &problem);
        return;
    }
    if (m.checksum && m.checksum != heap_image_checksum(&m))
        coff_found(v, "heap: the checksum of the table is not that of its bytes");
    for (uint32_t k = 0; k < m.heap_count; k++)
        for (uint32_t i = 0; i < m.heaps[k].heap.segment_count && coff_go_on(v); i++) {
            const struct image_heap *h = &m.heaps[k];
            const struct heap_segment *g = &h->heap.segments[i];
            uint64_t rva = h->at + g->addr - v->f.optional.image_base;
            struct span bytes;

            if (g->size && !coff_section_at(&v->f, rva))
                coff_found(v, "heap: segment %" PRIu32 " at 0x%" PRIx64 " is not in the image", i,
                           h->at + g->addr);
            else if (h->segments[i].checksum && coff_at(&v->f, rva, g->size, &bytes) &&
                     heap_bytes_checksum(bytes) != h->segments[i].checksum)
                coff_found(v, "heap: segment %" PRIu32 ": the checksum is not that of its bytes", i);
        }
}
