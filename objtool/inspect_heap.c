/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_heap.c - heaps: what containers and images both say of one, and
 * then all that a container says. */

#include "inspect_heap.h"

#include "heap/pages.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof((a)[0])))

/* Rows of a list in a summary. */
enum { SHOWN = 16 };

/* ---- facts ---- */

static void put_identity(const struct heap_view *v)
{
    const struct heap *h = v->h;
    struct buf *line = NULL;

    rep_open(v->r, "identity", '{');
    rep_str(v->r, "runtime", NULL, h->runtime);
    rep_str(v->r, "version", NULL, h->version);
    rep_str(v->r, "build_id", NULL, h->build_id);
    rep_str(v->r, "flags", NULL, h->flags);
    rep_close(v->r);
    if (v->r->as_json || !(*h->runtime || *h->version || *h->build_id || *h->flags))
        return;
    line = rep_line(v->r, "runtime");
    term_str(line, *h->runtime ? h->runtime : "(no name)");
    buf_printf(line, "%s", *h->version ? " " : "");
    term_str(line, h->version);
    buf_printf(line, "%s", *h->build_id ? ", build " : "");
    term_str(line, h->build_id);
    buf_printf(line, "%s", *h->flags ? ", flags " : "");
    term_str(line, h->flags);
    rep_end_line(v->r);
}

static void put_metadata(const struct heap_view *v)
{
    const struct heap *h = v->h;

    rep_open(v->r, "metadata", '[');
    for (uint32_t i = 0; i < h->meta_count; i++) {
        struct buf *line = NULL;

        rep_open(v->r, NULL, '{');
        rep_str(v->r, "key", NULL, h->metas[i].key);
        rep_str(v->r, "value", NULL, h->metas[i].value);
        rep_close(v->r);
        if (v->r->as_json || i > SHOWN)
            continue;
        line = rep_line(v->r, i ? "" : "metadata");
        if (i == SHOWN) {
            buf_printf(line, "and %" PRIu32 " more", h->meta_count - SHOWN);
        } else {
            term_str(line, h->metas[i].key);
            buf_printf(line, " = ");
            term_str(line, h->metas[i].value);
        }
        rep_end_line(v->r);
    }
    rep_close(v->r);
}

/* Which words are slots is known, not only how many. */
static bool has_maps(const struct heap_view *v)
{
    return !v->image || v->image->flags & SIMG_HEAP_HAS_SLOTS;
}

static void put_counts(const struct heap_view *v)
{
    const struct heap *h = v->h;
    struct buf *line = NULL;
    uint64_t odd = 0;

    for (uint32_t i = 0; i < h->segment_count; i++)
        odd += h->segments[i].slots.odd_count;
    rep_num(v->r, "segment_count", NULL, h->segment_count);
    rep_num(v->r, "slot_count", NULL, h->slot_count);
    if (has_maps(v))
        rep_num(v->r, "odd_slot_count", NULL, odd);
    rep_num(v->r, "import_count", NULL, h->import_count);
    rep_num(v->r, "import_slot_count", NULL, h->import_slot_count);
    rep_num(v->r, "root_count", NULL, h->root_count);
    if (v->r->as_json)
        return;
    line = rep_line(v->r, "slots");
    term_count(line, h->slot_count);
    if (odd > 0) {
        buf_printf(line, ", of them ");
        term_count(line, odd);
        buf_printf(line, " not 8-aligned");
    }
    rep_end_line(v->r);
    line = rep_line(v->r, "imports");
    term_count(line, h->import_count);
    buf_printf(line, ", with ");
    term_count(line, h->import_slot_count);
    buf_printf(line, " slots");
    rep_end_line(v->r);
    rep_num(v->r, NULL, "roots", h->root_count);
}

void heap_put_place(struct report *r, const struct image_heap *h)
{
    const char *mode = heap_mode_name(h->mode);
    struct buf *line = NULL;

    rep_str(r, "mode", NULL, mode);
    rep_hex(r, "addr", NULL, h->at);
    rep_hex(r, "base", NULL, h->base);
    rep_flag(r, "needs_image", h->flags & SIMG_HEAP_NEEDS_IMAGE);
    rep_flag(r, "has_maps", h->flags & SIMG_HEAP_HAS_SLOTS);
    if (r->as_json)
        return;
    line = rep_line(r, "heap");
    buf_printf(line, "at 0x%" PRIx64 ", ", h->at);
    if (image_heap_is_mobile(h))
        buf_printf(line, "relocates itself when it is loaded");
    else if (h->mode == SIMG_MODE_PRELINKED)
        buf_printf(line, "prelinked for 0x%" PRIx64, h->base);
    else if (h->mode == SIMG_MODE_NATIVE)
        buf_printf(line, "relocated by the system's loader");
    else
        buf_printf(line, "not relocated: slots hold heap addresses");
    if (h->flags & SIMG_HEAP_NEEDS_IMAGE)
        buf_printf(line, ", refers to the rest of the image");
    rep_end_line(r);
}

void heap_put_facts(const struct heap_view *v)
{
    const struct heap *h = v->h;
    char id[2 * sizeof h->id + 1];

    for (size_t i = 0; i < sizeof h->id; i++)
        snprintf(id + 2 * i, 3, "%02x", h->id[i]);
    rep_str(v->r, "content_id", "content id", id);
    put_identity(v);
    rep_hex(v->r, "span", "address space", h->span);
    rep_num(v->r, "address_bits", h->address_bits != 48 ? "address bits" : NULL, h->address_bits);
    put_counts(v);
    put_metadata(v);
}

/* ---- lists ---- */

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {NULL, "read-only", "read-write", "zero", "code"};

    return kind < COUNT(names) && names[kind] ? names[kind] : "?";
}

static uint32_t rights_of(const struct heap_view *v, uint32_t i)
{
    static const uint32_t rights[] = {0, SIMG_PROT_R, SIMG_PROT_R | SIMG_PROT_W,
                                      SIMG_PROT_R | SIMG_PROT_W, SIMG_PROT_R | SIMG_PROT_X};

    if (v->image)
        return v->image->segments[i].prot;
    return v->h->segments[i].kind < COUNT(rights) ? rights[v->h->segments[i].kind] : 0;
}

/* The row's last cells: the name, or what an image's own segments are for. */
static const char *segment_name(const struct heap_view *v, uint32_t i)
{
    uint32_t flags = v->image ? v->image->segments[i].flags : 0;

    if (flags & SIMG_SEG_IMPORTS && !v->r->as_json)
        return "(imported functions)";
    if (flags & SIMG_SEG_STUBS && !v->r->as_json)
        return "(jumps to them)";
    return v->h->segments[i].name;
}

/* What is true of it besides: in JSON names, in text a letter each. */
static const char *segment_flags(const struct heap_view *v, uint32_t i, char text[16])
{
    uint32_t flags = v->image ? v->image->segments[i].flags : 0;
    const struct heap_segment *s = &v->h->segments[i];
    bool zstd = s->data_part != HEAP_NO_PART && v->h->parts[s->data_part].flags & SIMG_PART_ZSTD;

    snprintf(text, 16, "%s%s%s%s", flags & SIMG_SEG_LOADED_WRITABLE ? "W" : "",
             flags & SIMG_SEG_IMPORTS ? "I" : "", flags & SIMG_SEG_STUBS ? "S" : "",
             zstd ? "Z" : "");
    return text;
}

void heap_put_segments(const struct heap_view *v)
{
    static const struct column columns[] = {
        {"index", "#", 3, true},          {"kind", "kind", 10, false},
        {"rights", "rights", 6, false},   {"addr", "address", 14, true},
        {"size", "size", 12, true},       {"align", "align", 8, true},
        {"slot_count", "slots", 9, true}, {"odd_slot_count", "odd", 6, true},
        {"flags", "flags", 5, false},     {"name", "name", 0, false},
    };
    uint32_t count = v->h->segment_count;
    uint32_t shown = v->r->as_json || v->parts & PART_SEGMENTS || count <= SHOWN ? count : SHOWN;

    rep_table(v->r, "segments", "segments of the heap", columns, COUNT(columns));
    for (uint32_t i = 0; i < shown; i++) {
        const struct heap_segment *s = &v->h->segments[i];
        uint32_t rights = rights_of(v, i);
        char text[4], flags[16];

        snprintf(text, sizeof text, "%s%s%s", rights & SIMG_PROT_R ? "r" : "-",
                 rights & SIMG_PROT_W ? "w" : "-", rights & SIMG_PROT_X ? "x" : "-");
        rep_row(v->r);
        rep_cell_num(v->r, i);
        rep_cell(v->r, kind_name(s->kind));
        rep_cell(v->r, text);
        rep_cell_hex(v->r, s->addr);
        rep_cell_num(v->r, s->size);
        if (v->image) /* an image's segments lie where they lie */
            rep_cell(v->r, NULL);
        else
            rep_cell_hex(v->r, UINT64_C(1) << s->align_log2);
        rep_cell_num(v->r, v->image ? v->image->segments[i].slot_count : s->slots.count);
        if (has_maps(v))
            rep_cell_num(v->r, s->slots.odd_count);
        else
            rep_cell(v->r, NULL);
        rep_cell(v->r, segment_flags(v, i, flags));
        rep_cell(v->r, segment_name(v, i));
    }
    rep_table_end(v->r);
    if (shown < count)
        rep_num(v->r, NULL, "and more", count - shown);
}

void heap_put_imports(const struct heap_view *v)
{
    static const struct column columns[] = {
        {"kind", "kind", 8, false},       {"binding", "binding", 7, false},
        {"slot_count", "slots", 9, true}, {"word", "word", 14, true},
        {"name", "name", 0, false},
    };
    static const char *const kinds[] = {[SIMG_IMPORT_DATA] = "data",
                                        [SIMG_IMPORT_FUNCTION] = "function",
                                        [SIMG_IMPORT_MODULE] = "module"};
    const struct heap *h = v->h;

    rep_table(v->r, "imports", "imports of the heap", columns, COUNT(columns));
    for (uint32_t i = 0; i < h->import_count; i++) {
        rep_row(v->r);
        rep_cell(v->r, kinds[h->imports[i].kind]);
        rep_cell(v->r, h->imports[i].weak ? "weak" : "strong");
        rep_cell_num(v->r, h->imports[i].slot_count);
        if (v->image && v->image->places[i] != SIMG_NO_PLACE)
            rep_cell_hex(v->r, v->image->places[i]);
        else
            rep_cell(v->r, NULL);
        rep_cell(v->r, h->imports[i].name);
    }
    rep_table_end(v->r);
}

void heap_put_roots(const struct heap_view *v)
{
    static const struct column columns[] = {
        {"kind", "kind", 8, false}, {"addr", "address", 14, true}, {"size", "size", 12, true},
        {"segment", "in", 3, true}, {"name", "name", 0, false},
    };
    const struct heap *h = v->h;

    rep_table(v->r, "roots", "roots of the heap", columns, COUNT(columns));
    for (uint32_t i = 0; i < h->root_count; i++) {
        rep_row(v->r);
        rep_cell(v->r, h->roots[i].kind == SIMG_ROOT_FUNCTION ? "function" : "data");
        rep_cell_hex(v->r, h->roots[i].addr);
        rep_cell_num(v->r, h->roots[i].size);
        rep_cell_num(v->r, h->roots[i].segment);
        rep_cell(v->r, h->roots[i].name);
    }
    rep_table_end(v->r);
}

/* ---- a container ---- */

static void put_objects(const struct heap_view *v)
{
    uint64_t objects = 0;
    struct buf *line = NULL;

    for (uint32_t i = 0; i < v->h->segment_count; i++)
        objects += v->h->segments[i].object_count;
    rep_num(v->r, "object_count", NULL, objects);
    rep_num(v->r, "type_count", NULL, v->h->type_count);
    if (v->r->as_json || objects == 0)
        return;
    line = rep_line(v->r, "objects");
    term_count(line, objects);
    buf_printf(line, ", of ");
    term_count(line, v->h->type_count);
    buf_printf(line, " types");
    rep_end_line(v->r);
}

/* Where somebody has to write when the heap is relocated. */
static bool put_pages(struct diag *d, struct arena *a, const struct heap_view *v)
{
    struct heap_pages slots, imports;
    struct buf *line = NULL;

    if (!heap_pages_begin(d, a, v->h, &slots) || !heap_pages_begin(d, a, v->h, &imports))
        return false;
    heap_pages_mark_slots(&slots);
    for (uint64_t i = 0; i < v->h->import_slot_count; i++)
        heap_pages_mark(&imports, heap_import_slot_at(v->h, i).place, 8);
    rep_open(v->r, "pages", '{');
    rep_num(v->r, "page_size", NULL, HEAP_PAGE);
    rep_num(v->r, "all", NULL, heap_pages_all(v->h));
    rep_num(v->r, "with_slots", NULL, heap_pages_marked(&slots));
    rep_num(v->r, "with_import_slots", NULL, heap_pages_marked(&imports));
    rep_close(v->r);
    if (v->r->as_json)
        return true;
    line = rep_line(v->r, "pages");
    term_count(line, heap_pages_all(v->h));
    buf_printf(line, " of %d bytes, ", HEAP_PAGE);
    term_count(line, heap_pages_marked(&slots));
    buf_printf(line, " with slots, ");
    term_count(line, heap_pages_marked(&imports));
    buf_printf(line, " with slots of imports");
    rep_end_line(v->r);
    return true;
}

static bool put_summary(struct diag *d, struct arena *a, const struct heap_view *v)
{
    uint64_t stored = 0, size = 0;

    for (uint32_t i = 0; i < v->h->part_count; i++)
        if (v->h->parts[i].flags & SIMG_PART_ZSTD) {
            stored += v->h->parts[i].stored;
            size += v->h->parts[i].size;
        }
    rep_num(v->r, "size", "size", v->h->file.size);
    rep_num(v->r, "compressed_size", stored ? "compressed" : NULL, stored);
    rep_num(v->r, "uncompressed_size", stored ? "  to be" : NULL, size);
    heap_put_facts(v);
    put_objects(v);
    return put_pages(d, a, v);
}

bool inspect_container(struct diag *d, struct report *r, struct arena *a, unsigned parts,
                       const char *tree_root, const char *name, struct span in)
{
    struct heap h;
    struct heap_view v = {r, &h, NULL, parts};
    bool lists = parts & ~(unsigned)PART_MEMBERS;
    char text[80];

    if (!heap_read(d, a, NULL, in, &h))
        return false;
    snprintf(text, sizeof text, "heap container %d.%u, %s-endian", SIMG_HEAP_MAJOR, h.minor,
             h.big ? "big" : "little");
    rep_heading(r, name, text);
    rep_str(r, "format", NULL, "heap");
    snprintf(text, sizeof text, "%d.%u", SIMG_HEAP_MAJOR, h.minor);
    rep_str(r, "version", NULL, text);
    rep_str(r, "byte_order", NULL, h.big ? "big" : "little");
    if ((r->as_json || !lists) && !put_summary(d, a, &v))
        return false;
    if (r->as_json || !lists || parts & PART_SEGMENTS)
        heap_put_segments(&v);
    if (parts & PART_IMPORTS)
        heap_put_imports(&v);
    if (parts & PART_ROOTS)
        heap_put_roots(&v);
    return (!(parts & PART_HISTOGRAM) || heap_put_histogram(d, a, &v)) &&
           (!(parts & PART_TREE) || heap_put_tree(d, a, &v, tree_root));
}
