/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_heap.c - objtool heap: make a heap container of a blob, or of memory
 * dumps in which the pointers have to be found. */

#include "heap.h"
#include "command.h"
#include "tell.h"
#include "term.h"

#include "base/file.h"
#include "sysimage/heap.h"

#include <inttypes.h>
#include <stdlib.h>

/* What becomes a container. */
struct source {
    struct heap_command *c;
    const char *path;
    struct span blob;
    uint64_t base; /* what words at slots hold beside the offset */
    struct heap_places places;
    struct simg_heap_writer *w;
};

static int help(void)
{
    struct buf out = {0};

    buf_printf(&out, "Usage: objtool heap --raw=BLOB [option...] -o OUT.heap\n"
                     "       objtool heap --scan A@BASE [B@BASE] [option...] [-o OUT.heap]\n"
                     "Make a heap container of a runtime's own bytes.\n");
    for (const struct opt_row *r = heap_rows; r < heap_rows + heap_row_count; r++) {
        if (!r->names)
            buf_printf(&out, "\n%s:\n", r->help);
        else
            opt_help(&out, r);
    }
    buf_printf(&out, "\nExit code: 0 done, 2 usage, 3 I/O, 5 inputs that contradict each other or\n"
                     "the rules of the container, 7 no memory.\n");
    return tell_print(&out, 0);
}

/* The writer failed: what it says, with the exit code that fits. */
static bool tell_error(struct source *s, const struct simg_error *e)
{
    enum status status = E_FORMAT;
    struct where here = {NULL, s->path, NO_INDEX};

    if (e->status == SIMG_OK)
        return true;
    if (e->status == SIMG_ERR_SYSTEM)
        status = E_SYSTEM;
    else if (e->status == SIMG_ERR_MEMORY)
        status = E_NOMEM;
    else if (e->status == SIMG_ERR_UNSUPPORTED)
        status = E_UNSUPPORTED;
    if (status == E_FORMAT)
        s->c->d->where = &here;
    diag_fail(s->c->d, status, "%s", e->text);
    s->c->d->where = NULL;
    return false;
}

/* ---- the container ---- */

/* With no --segment, all of the blob is one. */
static bool default_segment(struct source *s)
{
    struct heap_command *c = s->c;

    if (c->segment_count)
        return true;
    c->segments = arena_alloc(c->a, 1, sizeof *c->segments);
    if (!c->segments)
        return diag_nomem(c->d);
    c->segments[c->segment_count++] =
        (struct heap_segment_arg){0, s->blob.size, SIMG_SEGMENT_READ_WRITE, ""};
    return true;
}

static bool in_blob(struct source *s, const struct heap_segment_arg *g)
{
    if (g->kind == SIMG_SEGMENT_ZERO ||
        (g->offset <= s->blob.size && g->size <= s->blob.size - g->offset))
        return true;
    return diag_fail(s->c->d, E_FORMAT,
                     "%s: segment of 0x%" PRIx64 " bytes at 0x%" PRIx64 ", but it has 0x%" PRIx64,
                     s->path, g->size, g->offset, s->blob.size);
}

/* The segment that holds OFFSET, or the number of segments. */
static uint32_t segment_at(const struct heap_command *c, uint64_t offset)
{
    uint32_t i = 0;

    while (i < c->segment_count && offset - c->segments[i].offset >= c->segments[i].size)
        i++;
    return i;
}

static bool no_segment(struct source *s, const char *what, uint64_t offset)
{
    return diag_fail(s->c->d, E_FORMAT, "%s: %s at 0x%" PRIx64 " is in no segment with bytes",
                     s->path, what, offset);
}

/* Bits of words that no segment with bytes holds. */
static bool check_bitmap(struct source *s)
{
    const struct heap_command *c = s->c;
    uint64_t word = 0, words = s->blob.size / 8;

    while (word < words) {
        unsigned left = (unsigned)s->places.bitmap[word / 8] >> word % 8;
        uint32_t i;

        if (!left) {
            word = (word / 8 + 1) * 8;
            continue;
        }
        word += (unsigned)__builtin_ctz(left);
        i = segment_at(c, 8 * word);
        if (i == c->segment_count || c->segments[i].kind == SIMG_SEGMENT_ZERO)
            return no_segment(s, "the slot", 8 * word);
        word = (c->segments[i].offset + c->segments[i].size + 7) / 8;
    }
    return true;
}

static bool put_bitmap(struct source *s)
{
    struct heap_command *c = s->c;
    struct simg_error e = {0};
    uint64_t all = s->blob.size / 8;

    if (!check_bitmap(s))
        return false;
    for (uint32_t i = 0; i < c->segment_count; i++) {
        const struct heap_segment_arg *g = &c->segments[i];
        /* The last word may stick out: if it is a slot, the writer says so. */
        uint64_t words = (g->size + 7) / 8;

        if (g->kind == SIMG_SEGMENT_ZERO || g->offset / 8 >= all)
            continue;
        if (words > all - g->offset / 8)
            words = all - g->offset / 8;
        simg_heap_slot_bitmap(s->w, i, 0, s->places.bitmap + g->offset / 64, words, &e);
    }
    return tell_error(s, &e);
}

/* The offsets, as many at once as are in one segment. */
static bool put_offsets(struct source *s)
{
    const struct heap_places *p = &s->places;
    const struct heap_command *c = s->c;
    struct simg_error e = {0};
    uint64_t batch[512];

    for (uint64_t k = 0; k < p->count;) {
        uint32_t i = segment_at(c, p->offsets[k]);
        size_t n = 0;

        if (i == c->segment_count)
            return no_segment(s, "the slot", p->offsets[k]);
        while (n < 512 && k < p->count &&
               p->offsets[k] - c->segments[i].offset < c->segments[i].size)
            batch[n++] = p->offsets[k++] - c->segments[i].offset;
        simg_heap_slots(s->w, i, batch, n, &e);
    }
    return tell_error(s, &e);
}

static bool put_slots(struct source *s)
{
    return (!s->places.bitmap || put_bitmap(s)) && put_offsets(s);
}

static int by_import_name(const void *x, const void *y)
{
    const struct heap_import_arg *a = x, *b = y;
    int order = strcmp(a->name, b->name);

    return order ? order : a->offset < b->offset ? -1 : a->offset > b->offset;
}

struct place {
    uint64_t offset;
    uint32_t import;
    int64_t addend;
};

static int by_place(const void *x, const void *y)
{
    const struct place *a = x, *b = y;

    return a->offset < b->offset ? -1 : a->offset > b->offset;
}

/* Name the imports, each once, and list their places in order. */
static bool name_imports(struct source *s, struct place *places)
{
    struct heap_command *c = s->c;
    struct simg_error e = {0};
    uint32_t number = 0;

    qsort(c->imports, c->import_count, sizeof *c->imports, by_import_name);
    for (uint64_t i = 0; i < c->import_count; i++) {
        const struct heap_import_arg *m = &c->imports[i];
        bool known = i > 0 && strcmp(m[-1].name, m->name) == 0;

        if (known && (m[-1].kind != m->kind || m[-1].weak != m->weak))
            return diag_fail(c->d, E_USAGE, "import %s is data and a function, or weak and not",
                             m->name);
        if (!known)
            simg_heap_import(s->w, m->name, m->kind, m->weak, &number, &e);
        places[i] = (struct place){m->offset, number, m->addend};
    }
    qsort(places, c->import_count, sizeof *places, by_place);
    return tell_error(s, &e);
}

static bool put_imports(struct source *s)
{
    struct heap_command *c = s->c;
    struct place *places;
    struct simg_error e = {0};

    if (c->import_count == 0)
        return true;
    places = arena_alloc(c->a, c->import_count, sizeof *places);
    if (!places)
        return diag_nomem(c->d);
    if (!name_imports(s, places))
        return false;
    for (uint64_t k = 0; k < c->import_count; k++) {
        uint32_t i = segment_at(c, places[k].offset);
        struct simg_heap_import_slot slot;

        if (i == c->segment_count)
            return no_segment(s, "the import", places[k].offset);
        slot = (struct simg_heap_import_slot){places[k].offset - c->segments[i].offset,
                                              places[k].import, places[k].addend};
        simg_heap_import_slots(s->w, i, &slot, 1, &e);
    }
    return tell_error(s, &e);
}

static bool put_texts(struct source *s)
{
    struct heap_command *c = s->c;
    struct simg_error e = {0};

    for (uint64_t k = 0; k < c->root_count; k++) {
        const struct heap_root_arg *r = &c->roots[k];
        uint32_t i = segment_at(c, r->offset);

        if (i == c->segment_count)
            return diag_fail(c->d, E_FORMAT, "%s: root %s at 0x%" PRIx64 " is in no segment",
                             s->path, r->name, r->offset);
        simg_heap_root(s->w, r->name, r->kind, i, r->offset - c->segments[i].offset, r->size, &e);
    }
    if (c->runtime || c->version || c->build_id || c->flags)
        simg_heap_identity(s->w, c->runtime, c->version, c->build_id, c->flags, &e);
    for (uint64_t k = 0; k < c->meta_count; k++)
        simg_heap_meta(s->w, c->metas[k].key, c->metas[k].value, &e);
    return tell_error(s, &e);
}

static bool put_segments(struct source *s)
{
    struct heap_command *c = s->c;
    struct simg_error e = {0};

    if (!default_segment(s))
        return false;
    for (uint32_t i = 0; i < c->segment_count; i++) {
        const struct heap_segment_arg *g = &c->segments[i];
        struct simg_heap_segment segment = {
            .kind = g->kind, .name = g->name, .addr = g->offset, .size = g->size};

        if (!in_blob(s, g))
            return false;
        if (s->base) /* never looked at: only a number here */
            segment.live = (const void *)(uintptr_t)(s->base + g->offset);
        simg_heap_segment(s->w, &segment, NULL, &e);
    }
    return tell_error(s, &e);
}

static bool put_bytes(struct source *s)
{
    struct heap_command *c = s->c;
    struct simg_error e = {0};

    for (uint32_t i = 0; i < c->segment_count; i++) {
        const struct heap_segment_arg *g = &c->segments[i];

        if (g->kind != SIMG_SEGMENT_ZERO)
            simg_heap_append(s->w, i, s->blob.at + g->offset, g->size, &e);
    }
    return tell_error(s, &e);
}

static bool write_container(struct source *s)
{
    struct heap_command *c = s->c;
    struct simg_heap_options o = {.size = sizeof o,
                                  .order = c->big ? SIMG_BIG : SIMG_LITTLE,
                                  .address_bits = c->address_bits,
                                  .compression = c->compression,
                                  .null_is_no_slot = c->null_is_no_slot};
    struct simg_error e = {0};

    simg_heap_create(c->output, &o, &s->w, &e);
    if (!tell_error(s, &e))
        return false;
    if (!put_segments(s) || !put_slots(s) || !put_imports(s) || !put_texts(s) || !put_bytes(s)) {
        simg_heap_abandon(s->w);
        return false;
    }
    simg_heap_finish(s->w, &e);
    return tell_error(s, &e);
}

/* ---- the two ways to come by slots ---- */

static bool read_files(struct source *s, struct file *slots, struct file *bitmap)
{
    struct heap_command *c = s->c;
    struct where here = {NULL, NULL, NO_INDEX};
    struct file imports = {0};
    bool ok = true;

    if (c->slots)
        ok = file_open(c->d, c->slots, slots);
    if (ok && c->bitmap)
        ok = file_open(c->d, c->bitmap, bitmap);
    if (ok && c->imports_file)
        ok = file_open(c->d, c->imports_file, &imports);
    c->d->where = &here;
    here.what = c->slots;
    ok = ok && (!c->slots || heap_parse_slots(c->d, c->a, slots->data, &s->places));
    here.what = c->bitmap;
    ok = ok && (!c->bitmap || heap_parse_bitmap(c->d, bitmap->data, s->blob.size, &s->places));
    here.what = c->imports_file;
    ok = ok && (!c->imports_file || heap_parse_imports(c, imports.data));
    c->d->where = NULL;
    file_close(&imports);
    return ok;
}

static void line(struct buf *out, uint64_t n, const char *what, const char *says)
{
    buf_printf(out, "%12" PRIu64 "  %-22s %s\n", n, what, says);
}

static void report_one(struct buf *out, const struct heap_scan *s)
{
    line(out, s->candidates, "candidates", "point to a multiple of 8 inside: taken");
    line(out, s->candidates_tagged, "tagged candidates", "point inside, elsewhere: taken");
    line(out, s->odd_candidates, "unaligned candidates",
         s->unaligned ? "not at multiples of 8: taken"
                      : "not at multiples of 8: not taken (--unaligned)");
    buf_printf(out, "Not sure: one dump proves nothing, any number may look like a pointer.\n");
}

static void report_two(struct buf *out, const struct heap_scan *s)
{
    uint64_t doubts = s->high_tags + s->differ + s->only_a + s->only_b;

    line(out, s->proven, "proven by both", "point inside and moved with the heap: taken");
    line(out, s->proven_tagged, "  of these tagged", "have bits set below 8 or above the address");
    line(out, s->odd_proven, "proven, unaligned", "the same, not at multiples of 8: taken");
    line(out, s->high_tags, "tagged candidates",
         "would be proven below a tag of 16 bits: not taken (--address-bits=48)");
    line(out, s->differ, "only alike",
         s->unproven ? "point inside in both, to other places: taken"
                     : "point inside in both, to other places: not taken (--unproven)");
    line(out, s->only_a, "only in the first",
         s->unproven ? "point inside in the first dump only: taken"
                     : "point inside in the first dump only: not taken (--unproven)");
    line(out, s->only_b, "only in the second", "point inside in the second dump only: not taken");
    line(out, s->unmoved, "unmoved", "look like pointers and are the same in both: no pointers");
    line(out, s->noise, "noise", "other words that differ: outside pointers, counters, hashes");
    if (doubts)
        buf_printf(out, "Not sure: %" PRIu64 " words may be pointers and are not proven.\n",
                   doubts);
    else
        buf_printf(out, "Sure: whatever looks like a pointer is proven.\n");
}

static void report(struct buf *out, const struct heap_scan *s)
{
    buf_printf(out, "%12" PRIu64 "  words\n", s->words);
    if (s->b.at)
        report_two(out, s);
    else
        report_one(out, s);
}

static bool scan(struct source *s, const struct file *other, struct buf *out)
{
    struct heap_command *c = s->c;
    struct heap_scan scan = {.a = s->blob,
                             .b = other->data,
                             .base_a = c->dump[0].base,
                             .base_b = c->dump[1].base,
                             .big = c->big,
                             .unproven = c->unproven,
                             .unaligned = c->unaligned,
                             .address_bits = c->address_bits ? c->address_bits : 64};

    if (c->dumps == 2 && other->data.size != s->blob.size)
        return diag_fail(c->d, E_FORMAT,
                         "%s has %" PRIu64 " bytes, %s %" PRIu64
                         ": dumps of the same heap have the same size",
                         c->dump[0].path, s->blob.size, c->dump[1].path, other->data.size);
    for (unsigned i = 0; i < c->dumps; i++)
        if (c->dump[i].base > UINT64_MAX - s->blob.size)
            return diag_fail(c->d, E_USAGE, "%s does not fit at 0x%" PRIx64, c->dump[i].path,
                             c->dump[i].base);
    if (c->dump[0].base < UINT64_C(1) << 32)
        diag_warn(c->d,
                  "%s: addresses from 0x%" PRIx64 " on look like ordinary numbers; a base "
                  "like 0x2f1d00000000 tells them apart",
                  c->dump[0].path, c->dump[0].base);
    if (!heap_scan(c->d, c->a, &scan, &s->places))
        return false;
    report(out, &scan);
    return true;
}

static bool work(struct heap_command *c, struct buf *out)
{
    struct source s = {.c = c, .base = c->scan ? c->dump[0].base : c->base};
    struct file blob = {0}, other = {0}, slots = {0}, bitmap = {0};
    bool ok;

    s.path = c->scan ? c->dump[0].path : c->raw;
    ok = file_open(c->d, s.path, &blob);
    if (ok && c->dumps == 2)
        ok = file_open(c->d, c->dump[1].path, &other);
    s.blob = blob.data;
    ok = ok && read_files(&s, &slots, &bitmap) && (!c->scan || scan(&s, &other, out)) &&
         (!c->output || write_container(&s));
    file_close(&blob);
    file_close(&other);
    file_close(&slots);
    file_close(&bitmap);
    return ok;
}

int cmd_heap(int argc, char **argv)
{
    struct arena a = {0};
    struct diag d = {.sink = tell_sink};
    struct heap_command c = {.d = &d, .a = &a};
    struct buf out = {0};
    int code = 0;

    if (!heap_read_command(&c, argc, argv)) {
        code = d.status == E_USAGE ? tell_usage("heap") : diag_exit_code(d.status);
    } else if (c.help) {
        code = help();
    } else {
        work(&c, &out);
        code = tell_print(&out, diag_exit_code(d.status));
    }
    arena_free(&a);
    return code;
}
