/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_julia.c - a Julia sysimage, linked or not yet: what lib/heap/julia.h
 * reads in it, in the report's words. */

#include "heap/julia.h"

#include "elf/machine.h"
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>

struct julia_symbol_at {
    const char *name;
    struct julia_found found;
};

/* The bytes from S on to the end of its section. */
static struct span bytes_at(const struct inspect *i, const struct elf_sym *s)
{
    const struct elf_shdr *in = s->shndx < i->f.section_count ? &i->f.sections[s->shndx] : NULL;
    uint64_t off = in ? s->value - (i->f.type == ET_REL ? 0 : in->addr) : 0;
    struct span bytes = {0};

    if (in && off <= in->data.size)
        span_sub(in->data, off, in->data.size - off, &bytes);
    return bytes;
}

static bool is_julia_name(const char *s)
{
    return !strncmp(s, "jl_", 3) || !strncmp(s, "get_jl_", 7);
}

bool julia_collect(struct julia_symbols *out, struct inspect *i)
{
    uint32_t table = i->symtab ? i->symtab : i->dynsym;
    uint64_t count = symtab_count(i, table);

    if (out->count == 0) {
        out->big = i->f.big;
        out->wide = i->f.wide;
        out->machine = i->f.machine;
    }
    if (out->machine != i->f.machine || out->big != i->f.big || out->wide != i->f.wide)
        return true;
    for (uint64_t n = 1; n < count; n++) {
        struct elf_sym s = symtab_get(i, table, n);
        const char *name = NULL;

        if (s.info >> 4 == STB_LOCAL || s.shndx == SHN_UNDEF || s.shndx >= SHN_LORESERVE)
            continue;
        name = symtab_name(i, table, &s);
        if (!is_julia_name(name))
            continue;
        if (!arena_grow(i->a, (void **)&out->all, out->count, &out->cap, sizeof *out->all))
            return diag_nomem(i->d);
        out->all[out->count++] =
            (struct julia_symbol_at){name, {.bytes = bytes_at(i, &s), .size = s.size}};
    }
    return true;
}

static bool lookup(void *arg, const char *name, struct julia_found *found)
{
    const struct julia_symbols *s = arg;

    for (uint64_t i = 0; i < s->count; i++)
        if (!strcmp(s->all[i].name, name)) {
            *found = s->all[i].found;
            return true;
        }
    return false;
}

static void put_string_list(struct report *r, const char *key, const char *const *list,
                            uint64_t count)
{
    if (!r->as_json)
        return;
    rep_open(r, key, '[');
    for (uint64_t n = 0; n < count; n++)
        json_str(&r->json, NULL, list[n]);
    rep_close(r);
}

static void put_target_flags(struct report *r, uint32_t set)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {{JULIA_CLONE_ALL, "clone-all"},       {JULIA_CLONE_MATH, "clone-math"},
                 {JULIA_CLONE_LOOP, "clone-loop"},     {JULIA_CLONE_SIMD, "clone-simd"},
                 {JULIA_UNKNOWN_NAME, "unknown-name"}, {JULIA_OPT_SIZE, "opt-size"},
                 {JULIA_MIN_SIZE, "min-size"}};
    const char *names[sizeof flags / sizeof flags[0]];
    uint64_t count = 0;

    for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++)
        if (set & flags[f].flag)
            names[count++] = flags[f].name;
    put_string_list(r, "flags", names, count);
}

static void put_targets(struct report *r, const struct julia_image *image)
{
    enum { SHOWN = 12 };

    rep_open(r, "targets", '[');
    for (uint64_t n = 0; n < image->target_count; n++) {
        const struct julia_target *t = &image->targets[n];
        struct buf *line = NULL;

        rep_open(r, NULL, '{');
        rep_str(r, "name", NULL, t->name);
        rep_str(r, "extra_features", NULL, t->features);
        put_target_flags(r, t->flags);
        put_string_list(r, "enabled", t->enabled, t->enabled_count);
        put_string_list(r, "disabled", t->disabled, t->disabled_count);
        rep_flag(r, "full", t->full);
        rep_num(r, "clones", NULL, t->clones);
        rep_num(r, "base", NULL, t->base);
        rep_num(r, "slots", NULL, t->slots);
        rep_close(r);
        if (r->as_json || n > SHOWN)
            continue;
        line = rep_line(r, n ? "" : "  targets");
        if (n == SHOWN) {
            buf_printf(line, "and %" PRIu64 " more", image->target_count - n);
            rep_end_line(r);
            continue;
        }
        term_str(line, t->name);
        if (t->features[0]) {
            buf_printf(line, ",");
            term_str(line, t->features);
        }
        buf_printf(line, ": ");
        if (t->full)
            buf_printf(line, "all functions");
        else
            term_count(line, t->clones);
        buf_printf(line, "%s, %" PRIu64 " features", t->full ? "" : " functions", t->enabled_count);
        rep_end_line(r);
    }
    rep_close(r);
}

/* References by what they refer to. */
static void put_references(struct report *r, const char *key, const uint64_t *by_kind)
{
    rep_open(r, key, '{');
    for (unsigned n = 0; n < JULIA_REFS; n++)
        rep_num(r, julia_ref_key((enum julia_ref)n), NULL, by_kind[n]);
    rep_close(r);
}

static void put_part(struct report *r, const char *name, uint64_t size, uint64_t count)
{
    struct buf *line = r->as_json ? NULL : rep_line(r, "");
    uint64_t start = line ? line->size : 0;

    if (!line)
        return;
    term_count(line, size);
    term_pad(line, start, 12);
    buf_printf(line, "%s", name);
    if (count > 0) {
        buf_printf(line, " (");
        term_count(line, count);
        buf_printf(line, ")");
    }
    rep_end_line(r);
}

static void put_heap(struct report *r, const struct julia_heap *h)
{
    uint64_t accounted = h->length_words + h->padding;

    rep_num(r, "size", "  heap bytes", h->size);
    rep_open(r, "parts", '[');
    for (unsigned n = 0; n < JULIA_PARTS; n++) {
        const char *name = julia_part_name((enum julia_part_kind)n);

        if (h->part[n].size == 0) /* not every version has every part */
            continue;
        accounted += h->part[n].size;
        rep_open(r, NULL, '{');
        rep_str(r, "part", NULL, julia_part_key((enum julia_part_kind)n));
        rep_num(r, "offset", NULL, h->part[n].offset);
        rep_num(r, "size", NULL, h->part[n].size);
        rep_num(r, "count", NULL, h->part[n].count);
        rep_close(r);
        put_part(r, name, h->part[n].size, h->part[n].count);
    }
    rep_close(r);
    put_part(r, "lengths", h->length_words, 0);
    put_part(r, "padding", h->padding, 0);
    rep_num(r, "length_words", NULL, h->length_words);
    rep_num(r, "padding", NULL, h->padding);
    rep_num(r, "unaccounted", accounted == h->size ? NULL : "  UNACCOUNTED", h->size - accounted);
    if (accounted == h->size)
        rep_str(r, NULL, "", "every byte is accounted for");
    put_references(r, "tag_references", h->tags);
    put_references(r, "pointer_references", h->pointers);
    put_references(r, "global_references", h->globals);
    rep_num(r, "globals_unused", NULL, h->globals_unused);
    rep_num(r, "functions_specialized", NULL, h->functions_specialized);
    rep_num(r, "functions_generic", NULL, h->functions_generic);
    rep_num(r, "functions_unused", NULL, h->functions_unused);
    rep_num(r, "generated_names", NULL, h->generated_names);
    rep_num(r, "world", NULL, h->world);
    rep_num(r, "inference_world", NULL, h->inference_world);
}

static void put_symbols(struct report *r, const struct julia_image *image)
{
    rep_open(r, "symbols", '[');
    for (uint64_t n = 0; n < image->symbol_count; n++) {
        rep_open(r, NULL, '{');
        rep_str(r, "name", NULL, image->symbols[n].name);
        rep_flag(r, "present", image->symbols[n].present);
        rep_num(r, "size", NULL, image->symbols[n].size);
        rep_close(r);
        if (!image->symbols[n].present)
            rep_str(r, NULL, "  missing", image->symbols[n].name);
    }
    rep_close(r);
}

static void put_image(struct report *r, const struct julia_image *image)
{
    rep_open(r, "julia", '{');
    rep_str(r, "version", NULL, julia_version_name(image->version));
    if (!r->as_json) {
        buf_printf(rep_line(r, "Julia image"),
                   "%sfor Julia %s, %" PRIu64 " of its %" PRIu64 " symbols",
                   image->package ? "of a package, " : "", julia_version_name(image->version),
                   image->symbol_count - image->missing, image->symbol_count);
        rep_end_line(r);
    }
    put_symbols(r, image);
    if (image->has_code) {
        rep_num(r, "functions", "  functions", image->functions);
        rep_num(r, "globals", "  globals", image->globals);
        put_targets(r, image);
    }
    rep_num(r, "heap_size", image->has_heap || !image->heap_size ? NULL : "  heap bytes",
            image->heap_size);
    if (image->has_heap) {
        rep_open(r, "heap", '{');
        put_heap(r, &image->heap);
        rep_close(r);
    }
    rep_flag(r, "package", image->package);
    rep_str(r, "no_code", "  code", image->no_code);
    rep_str(r, "no_heap", "  heap", image->no_heap);
    rep_close(r);
}

/* The name that lib/heap knows the CPU by. */
static const char *cpu_name(uint32_t machine)
{
    const struct elf_machine *m = elf_machine_find((uint16_t)machine);

    return m ? m->arch->name : elf_machine_name((uint16_t)machine);
}

static struct julia_input input_of(const struct julia_symbols *s)
{
    return (struct julia_input){.lookup = lookup,
                                .arg = (void *)(uintptr_t)s,
                                .big = s->big,
                                .wide = s->wide,
                                .cpu = cpu_name(s->machine)};
}

bool julia_heap_of(struct arena *a, const struct julia_symbols *s, struct julia_heap *out,
                   struct span *bytes)
{
    struct julia_input in = input_of(s);
    struct julia_image *image = arena_alloc(a, 1, sizeof *image);
    struct julia_found found = {0};
    struct diag problem = {0};

    if (!image || julia_recognise(lookup, in.arg) == JULIA_NOT ||
        !julia_read(&problem, a, &in, image) || !image->has_heap ||
        !lookup(in.arg, "jl_system_image_data", &found))
        return false;
    *out = image->heap;
    *bytes = found.bytes;
    return true;
}

bool inspect_julia(struct diag *d, struct report *r, struct arena *a, const struct julia_symbols *s)
{
    struct julia_input in = input_of(s);
    struct diag problem = {0};
    struct julia_image *image = NULL;

    if (julia_recognise(lookup, in.arg) == JULIA_NOT)
        return true;
    if (!(image = arena_alloc(a, 1, sizeof *image)))
        return diag_nomem(d);
    if (!julia_read(&problem, a, &in, image)) {
        if (problem.status == E_NOMEM)
            return diag_nomem(d);
        /* The file itself is sound: say what is known and what is not. */
        diag_warn(d, "Julia image: %s", problem.text);
    }
    if (image->version != JULIA_NOT)
        put_image(r, image);
    return true;
}
