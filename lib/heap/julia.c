/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia.c - recognise a Julia sysimage, and read the tables of its code.
 *
 * The layouts are those of Julia's src/processor.cpp and src/staticdata.c. */

#include "heap/julia_parts.h"

#include <inttypes.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* More than any Julia has, and few enough that names cost no memory to speak of. */
#define MAX_TARGETS 1024
#define MAX_FEATURE_WORDS 32

/* In the tables of clones: this is a whole copy; this clone needs a slot. */
#define TOP_BIT 0x80000000u

/* What each version looks up in an image, with dlsym. */
#define FROM_1_5_TO_1_9                                                                            \
    "jl_system_image_data", "jl_system_image_size", "jl_RTLD_DEFAULT_handle_pointer",              \
        "jl_sysimg_fvars_base", "jl_sysimg_fvars_offsets", "jl_sysimg_gvars_base",                 \
        "jl_sysimg_gvars_offsets", "jl_dispatch_target_ids", "jl_dispatch_reloc_slots",            \
        "jl_dispatch_fvars_idxs", "jl_dispatch_fvars_offsets"
#define FROM_1_10 "jl_system_image_data", "jl_system_image_size", "jl_image_pointers", handle

/* 1.12 took a function for the handle's address instead of a variable; so
   do late 1.10 and 1.11.  Either serves. */
static const char handle[] = "jl_RTLD_DEFAULT_handle_pointer";
static const char handle_function[] = "get_jl_RTLD_DEFAULT_handle_addr";

/* clang-format off */
static const struct {
    const char *name;
    const char *symbols[16]; /* ends at NULL */
} versions[JULIA_VERSIONS] = {
    [JULIA_NOT] = {"no Julia", {NULL}},
    [JULIA_1_5] = {"1.5", {FROM_1_5_TO_1_9, "jl_get_ptls_states_slot", "jl_tls_offset",
                           "jl_globalUnique"}},
    [JULIA_1_6] = {"1.6", {FROM_1_5_TO_1_9, "jl_get_ptls_states_slot", "jl_tls_offset"}},
    [JULIA_1_7] = {"1.7 or 1.8", {FROM_1_5_TO_1_9, "jl_pgcstack_func_slot",
                                  "jl_pgcstack_key_slot", "jl_tls_offset"}},
    [JULIA_1_9] = {"1.9", {FROM_1_5_TO_1_9, "jl_pgcstack_func_slot", "jl_pgcstack_key_slot",
                           "jl_tls_offset_image"}},
    [JULIA_1_10] = {"1.10 to 1.12", {FROM_1_10}},
    [JULIA_1_13] = {"1.13", {FROM_1_10, "jl_image_unpack"}},
    [JULIA_1_14] = {"1.14 or later", {FROM_1_10, "jl_image_unpack", "jl_system_image_checksum"}},
};

/* What the heap of a package's own image starts with (since 1.9). */
static const uint8_t package_magic[] = {0xfb, 'j', 'l', 'i', '\r', '\n', 0x1a, '\n'};

/* The symbols that tell a version from the ones below it in this list. */
static const struct {
    const char *symbol;
    enum julia_version version;
} tells[] = {
    {"jl_system_image_checksum", JULIA_1_14},
    {"jl_image_unpack", JULIA_1_13},
    {"jl_image_pointers", JULIA_1_10},
    {"jl_tls_offset_image", JULIA_1_9},
    {"jl_pgcstack_func_slot", JULIA_1_7},
    {"jl_globalUnique", JULIA_1_5},
    {"jl_get_ptls_states_slot", JULIA_1_6},
};
/* clang-format on */

const char *julia_version_name(enum julia_version version) { return versions[version].name; }

enum julia_version julia_recognise(julia_lookup *lookup, void *arg)
{
    struct julia_found found;

    if (!lookup(arg, "jl_system_image_data", &found))
        return JULIA_NOT;
    for (size_t i = 0; i < COUNT(tells); i++)
        if (lookup(arg, tells[i].symbol, &found))
            return tells[i].version;
    return JULIA_NOT;
}

static bool list_symbols(struct diag *d, struct arena *a, const struct julia_input *in,
                         struct julia_image *out)
{
    const char *const *names = versions[out->version].symbols;
    struct julia_symbol *list;
    uint64_t count = 0;

    while (count < COUNT(versions[0].symbols) && names[count])
        count++;
    list = arena_alloc(a, count, sizeof *list);
    if (!list)
        return diag_nomem(d);
    for (uint64_t i = 0; i < count; i++) {
        struct julia_found found = {0};

        list[i].name = names[i];
        list[i].present = in->lookup(in->arg, names[i], &found);
        if (!list[i].present && names[i] == handle && out->version >= JULIA_1_10 &&
            in->lookup(in->arg, handle_function, &found)) {
            list[i].name = handle_function;
            list[i].present = true;
        }
        list[i].size = found.size;
        out->missing += !list[i].present;
    }
    out->symbols = list;
    out->symbol_count = count;
    return true;
}

/* A table behind a symbol: a cursor over it, no longer than the symbol. */
struct table {
    const char *name;
    struct cursor c;
    uint64_t size; /* the symbol's, which the table must fill; 0 if not known */
};

/* False if the table is not there, or not in this file. */
static bool find_table(const struct julia_input *in, const char *name, struct table *out)
{
    struct julia_found found = {0};

    *out = (struct table){.name = name, .c = {.big = in->big, .wide = in->wide}};
    if (!in->lookup(in->arg, name, &found))
        return false;
    out->c.in = found.bytes;
    out->size = found.size;
    if (found.size != 0 && found.size < found.bytes.size)
        out->c.in.size = found.size;
    /* An empty table (no size, nothing behind it) is there all the same. */
    return found.size == 0 || found.bytes.size != 0;
}

/* After a table was read: was it whole, and is nothing left? */
static bool end_table(struct diag *d, const struct table *t)
{
    if (t->c.bad)
        return diag_fail(d, E_FORMAT,
                         "%s: ends after 0x%" PRIx64 " bytes, in the middle of an entry", t->name,
                         t->c.in.size);
    if (t->size > t->c.in.size)
        return diag_fail(d, E_FORMAT,
                         "%s: the symbol has 0x%" PRIx64 " bytes, its section only 0x%" PRIx64,
                         t->name, t->size, t->c.in.size);
    if (t->size != 0 && t->c.pos != t->c.in.size)
        return diag_fail(d, E_FORMAT,
                         "%s: entries end at byte 0x%" PRIx64 ", the symbol at 0x%" PRIx64, t->name,
                         t->c.pos, t->c.in.size);
    return true;
}

/* A table of a count and that many entries of ENTRY bytes: the count. */
static bool read_counted(struct diag *d, struct table *t, uint64_t entry, uint64_t *count)
{
    uint64_t n = cur_u32(&t->c);

    *count = 0;
    if (!t->c.bad && !cur_count(&t->c, n, entry))
        return diag_fail(d, E_FORMAT, "%s: %" PRIu64 " entries do not fit 0x%" PRIx64 " bytes",
                         t->name, n, t->c.in.size);
    cur_take(&t->c, n * entry);
    *count = n;
    return end_table(d, t);
}

/* The names of the bits that are set in WORDS (COUNT of 4 bytes each). */
static bool name_features(struct diag *d, struct arena *a, const struct julia_input *in,
                          const uint8_t *words, uint64_t count, const char ***names, uint64_t *n)
{
    const char **list;

    *n = 0;
    for (uint64_t i = 0; i < count; i++)
        *n += (unsigned)__builtin_popcount((uint32_t)load_uint(words + 4 * i, 4, in->big));
    *names = list = arena_alloc(a, *n, sizeof *list);
    if (!list)
        return diag_nomem(d);
    for (uint64_t bit = 0; bit < 32 * count; bit++) {
        if (!(load_uint(words + bit / 32 * 4, 4, in->big) >> bit % 32 & 1))
            continue;
        *list = julia_feature_name(in->cpu, bit);
        if (!*list)
            *list = arena_printf(a, "bit %" PRIu64, bit);
        if (!*list)
            return diag_nomem(d);
        list++;
    }
    return true;
}

/* A length and that many bytes, as a string. */
static bool read_string(struct diag *d, struct arena *a, struct cursor *c, const char **out)
{
    uint32_t n = cur_u32(c);
    const uint8_t *p = cur_take(c, n);

    *out = arena_strndup(a, p ? (const char *)p : "", p ? n : 0);
    return *out || diag_nomem(d);
}

/* jl_dispatch_target_ids: a count; for each target flags, the number of
   feature words, those enabled, those disabled, name, features by name. */
static bool read_targets(struct diag *d, struct arena *a, const struct julia_input *in,
                         struct table *t, struct julia_target **out, uint64_t *out_count)
{
    struct cursor *c = &t->c;
    uint64_t count = cur_u32(c);
    struct julia_target *list;

    *out = NULL;
    *out_count = 0;
    if (!c->bad && (!cur_count(c, count, 16) || count > MAX_TARGETS))
        return diag_fail(d, E_FORMAT,
                         "%s: %" PRIu64 " targets; 0x%" PRIx64 " bytes hold no more than "
                         "%" PRIu64 ", and %d are the limit",
                         t->name, count, c->in.size, c->in.size / 16, MAX_TARGETS);
    if (c->bad)
        return end_table(d, t);
    list = arena_alloc(a, count, sizeof *list);
    if (!list)
        return diag_nomem(d);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t words;
        const uint8_t *enabled, *disabled;

        list[i].flags = cur_u32(c);
        words = cur_u32(c);
        if (c->bad)
            return end_table(d, t);
        if (!cur_count(c, words, 8) || words > MAX_FEATURE_WORDS)
            return diag_fail(d, E_FORMAT,
                             "%s: target %" PRIu64 ": %" PRIu64 " feature words, with %d "
                             "allowed and 0x%" PRIx64 " bytes left",
                             t->name, i, words, MAX_FEATURE_WORDS, c->in.size - c->pos);
        enabled = cur_take(c, 4 * words);
        disabled = cur_take(c, 4 * words);
        if (!name_features(d, a, in, enabled, words, &list[i].enabled, &list[i].enabled_count) ||
            !name_features(d, a, in, disabled, words, &list[i].disabled, &list[i].disabled_count) ||
            !read_string(d, a, c, &list[i].name) || !read_string(d, a, c, &list[i].features))
            return false;
    }
    if (!end_table(d, t))
        return false;
    *out = list;
    *out_count = count;
    return true;
}

/* jl_dispatch_fvars_idxs: for each target a count, top bit set in that of a
   full copy; for others the base; then indices of functions, in order: those
   that need a slot, or for others the clones, top bit set in those that need
   one. */
static bool read_clones(struct diag *d, struct table *t, uint64_t functions,
                        struct julia_target *targets, uint64_t count)
{
    struct cursor *c = &t->c;

    for (uint64_t i = 0; i < count; i++) {
        struct julia_target *target = &targets[i];
        uint32_t head = cur_u32(c), n = head & ~TOP_BIT;
        uint64_t next = 0; /* the lowest index that may come */

        target->full = head & TOP_BIT;
        target->clones = target->full ? functions : n;
        target->base = target->full ? (uint32_t)i : cur_u32(c);
        if (c->bad)
            break;
        if (!target->full && (target->base >= i || !targets[target->base].full))
            return diag_fail(d, E_FORMAT,
                             "%s: target %" PRIu64 ": target %" PRIu32 " is no full copy "
                             "before it",
                             t->name, i, target->base);
        if (!cur_count(c, n, 4))
            return diag_fail(d, E_FORMAT,
                             "%s: target %" PRIu64 ": %" PRIu32 " entries do not fit "
                             "0x%" PRIx64 " bytes",
                             t->name, i, n, c->in.size);
        for (uint32_t k = 0; k < n; k++) {
            uint32_t entry = cur_u32(c), index = entry;

            if (!target->full)
                index &= ~TOP_BIT;
            if (index < next || index >= functions)
                return diag_fail(d, E_FORMAT,
                                 "%s: target %" PRIu64 ": entry %" PRIu32 ": function %" PRIu32
                                 " is out of order or not one of the %" PRIu64,
                                 t->name, i, k, index, functions);
            next = (uint64_t)index + 1;
            target->slots += target->full || entry & TOP_BIT;
        }
    }
    return end_table(d, t);
}

/* jl_dispatch_fvars_offsets: one entry for each clone of every target but
   the first, whose functions jl_sysimg_fvars_offsets lists. */
static bool check_clone_offsets(struct diag *d, struct table *t, const struct julia_target *targets,
                                uint64_t count)
{
    uint64_t clones = 0;

    for (uint64_t i = 1; i < count; i++)
        clones += targets[i].clones;
    if (!cur_count(&t->c, clones, 4))
        return diag_fail(d, E_FORMAT, "%s: 0x%" PRIx64 " bytes cannot hold %" PRIu64 " clones",
                         t->name, t->c.in.size, clones);
    cur_take(&t->c, 4 * clones);
    return end_table(d, t);
}

/* Everything about the code of a 1.5 to 1.9 image. */
static bool read_code(struct diag *d, struct arena *a, const struct julia_input *in,
                      struct julia_image *out)
{
    enum { FUNCTIONS, GLOBALS, TARGETS, CLONES, CLONE_OFFSETS, SLOTS, TABLES };
    static const char *const names[TABLES] = {
        "jl_sysimg_fvars_offsets", "jl_sysimg_gvars_offsets",   "jl_dispatch_target_ids",
        "jl_dispatch_fvars_idxs",  "jl_dispatch_fvars_offsets", "jl_dispatch_reloc_slots",
    };
    struct table t[TABLES];
    struct julia_target *targets;
    uint64_t functions, globals, count, slots;

    for (size_t i = 0; i < TABLES; i++) {
        if (!find_table(in, names[i], &t[i])) {
            out->no_code = arena_printf(a, "%s or its contents are not in this file", names[i]);
            return out->no_code || diag_nomem(d);
        }
    }
    if (!read_counted(d, &t[FUNCTIONS], 4, &functions) ||
        !read_counted(d, &t[GLOBALS], 4, &globals) || !read_counted(d, &t[SLOTS], 8, &slots) ||
        !read_targets(d, a, in, &t[TARGETS], &targets, &count))
        return false;
    if (count == 0)
        return diag_fail(d, E_FORMAT, "%s: no targets", names[TARGETS]);
    if (!read_clones(d, &t[CLONES], functions, targets, count))
        return false;
    if (!targets[0].full)
        return diag_fail(d, E_FORMAT, "%s: the first target is not a full copy", names[CLONES]);
    if (!check_clone_offsets(d, &t[CLONE_OFFSETS], targets, count))
        return false;
    out->functions = functions;
    out->globals = globals;
    out->targets = targets;
    out->target_count = count;
    out->has_code = true;
    return true;
}

/* Find the heap's bytes and, if it has a layout that is known, read it. */
static bool read_heap(struct diag *d, const struct julia_input *in, struct julia_image *out)
{
    struct julia_found data = {0};
    struct table t;
    struct span bytes;

    if (!find_table(in, "jl_system_image_size", &t) || t.c.in.size == 0) {
        out->no_heap = "jl_system_image_size or its contents are not in this file";
        return true;
    }
    out->heap_size = cur_word(&t.c);
    if (!end_table(d, &t))
        return false;
    in->lookup(in->arg, "jl_system_image_data", &data);
    if (data.bytes.size == 0 && data.size != 0) {
        out->no_heap = "the contents of jl_system_image_data are not in this file";
        return true;
    }
    if (!span_sub(data.bytes, 0, out->heap_size, &bytes))
        return diag_fail(d, E_FORMAT,
                         "jl_system_image_data: jl_system_image_size is 0x%" PRIx64 ", but "
                         "its section ends after 0x%" PRIx64 " bytes",
                         out->heap_size, data.bytes.size);
    if (data.size != 0 && data.size != out->heap_size)
        return diag_fail(d, E_FORMAT,
                         "jl_system_image_data: jl_system_image_size is 0x%" PRIx64 ", the "
                         "symbol's size 0x%" PRIx64,
                         out->heap_size, data.size);
    out->package = bytes.size >= sizeof package_magic &&
                   memcmp(bytes.at, package_magic, sizeof package_magic) == 0;
    if (out->version >= JULIA_1_13 && bytes.size >= 4 &&
        load_uint(bytes.at, 4, false) == 0xfd2fb528) {
        out->no_heap = "it is compressed with zstd, which is not decoded yet";
        return true;
    }
    if (out->package) {
        out->no_heap = "it is a package's, whose links to other images are not decoded yet";
        return true;
    }
    return julia_read_heap(d, in, bytes, out);
}

bool julia_read(struct diag *d, struct arena *a, const struct julia_input *in,
                struct julia_image *out)
{
    *out = (struct julia_image){.version = julia_recognise(in->lookup, in->arg)};
    if (out->version == JULIA_NOT)
        return diag_fail(d, E_UNKNOWN, "not a Julia sysimage");
    if (!list_symbols(d, a, in, out))
        return false;
    if (out->version >= JULIA_1_10)
        out->no_code = "its tables, which are reached through jl_image_pointers since 1.10, are "
                       "not decoded yet";
    else if (!read_code(d, a, in, out))
        return false;
    return read_heap(d, in, out);
}
