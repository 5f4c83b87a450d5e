/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap_opts.c - the command line of objtool heap. */

#include "heap.h"

#include "sysimage/format.h"

#include <inttypes.h>

enum heap_does {
    DOES_HELP,
    DOES_SCAN,
    DOES_UNPROVEN,
    DOES_UNALIGNED,
    DOES_NULLS,
    DOES_RAW,
    DOES_SLOTS,
    DOES_BITMAP,
    DOES_OUTPUT,
    DOES_BASE,
    DOES_BITS,
    DOES_ORDER,
    DOES_COMPRESS,
    DOES_RUNTIME,
    DOES_VERSION,
    DOES_BUILD_ID,
    DOES_FLAGS,
    DOES_SEGMENT,
    DOES_ROOT,
    DOES_IMPORT,
    DOES_META,
    DOES_IMPORTS,
};

/* clang-format off */
const struct opt_row heap_rows[] = {
    {NULL, NULL, 0, 0, 0, "What to read"},
    {"raw", "BLOB", DOES_RAW, 0, 0, "the heap's bytes; the word at a slot holds the target's offset in BLOB"},
    {"slots", "FILE", DOES_SLOTS, 0, 0, "where pointers are: a byte offset a line, decimal or with 0x; # starts a comment"},
    {"bitmap", "FILE", DOES_BITMAP, 0, 0, "where pointers are: one bit for each 8 bytes, the lowest of the first byte first"},
    {"base", "ADDR", DOES_BASE, 0, 0, "words at slots hold ADDR and the offset, as in a memory dump"},
    {"order", "little|big", DOES_ORDER, 0, 0, "byte order of the words (little)"},
    {"address-bits", "N", DOES_BITS, 0, 0, "bits of a word from N (48 to 64) up are a tag, left alone (64: no tag)"},
    {"null-is-no-slot", NULL, DOES_NULLS, 0, 0, "leave out slots whose word is 0"},
    {"scan", NULL, DOES_SCAN, 0, 0, "find the pointers of DUMP@BASE, and with a second dump of the same heap at another base prove them"},
    {"unproven", NULL, DOES_UNPROVEN, 0, 0, "with two dumps: take words, too, that point inside in the first one only or lead elsewhere in the second"},
    {"unaligned", NULL, DOES_UNALIGNED, 0, 0, "with one dump: take pointers, too, that are not at multiples of 8"},
    {NULL, NULL, 0, 0, 0, "What it is"},
    {"segment", "OFF,SIZE,KIND[,NAME]", DOES_SEGMENT, 0, 0, "this part of the heap is ro, rw, zero or code; OFF is a multiple of 64 KiB; zero needs no bytes in BLOB (without this option all of BLOB is rw)"},
    {"root", "NAME=OFF[,SIZE][,function]", DOES_ROOT, 0, 0, "export the place as symbol NAME"},
    {"import", "NAME=OFF[,data|function] [,weak][,+N|,-N]", DOES_IMPORT, 0, 0, "the word at OFF is to hold the address of symbol NAME, plus or less N; a function is only called through it"},
    {"imports", "FILE", DOES_IMPORTS, 0, 0, "the same, one a line"},
    {"runtime", "NAME", DOES_RUNTIME, 0, 0, "whose heap it is"},
    {"version-string", "TEXT", DOES_VERSION, 0, 0, "the runtime's version"},
    {"build-id", "TEXT", DOES_BUILD_ID, 0, 0, "the runtime's build; an image is refused by another one"},
    {"flags", "TEXT", DOES_FLAGS, 0, 0, "for the runtime's own use"},
    {"meta", "KEY=VALUE", DOES_META, 0, 0, "any further text"},
    {NULL, NULL, 0, 0, 0, "What to write"},
    {"o|output", "OUT.heap", DOES_OUTPUT, 0, 0, "the container"},
    {"compress", "[LEVEL]", DOES_COMPRESS, 0, 0, "by zstd, level 1 to 19 (3)"},
    {"h|help", NULL, DOES_HELP, 0, 0, "this text"},
};
/* clang-format on */
const size_t heap_row_count = sizeof heap_rows / sizeof heap_rows[0];

/* ---- values ---- */

bool heap_number(const char *text, size_t len, uint64_t *out)
{
    bool hex = len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    uint64_t base = hex ? 16 : 10;

    *out = 0;
    for (size_t i = hex ? 2 : 0; i < len; i++) {
        char c = text[i];
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16;

        if (digit >= base || *out > (UINT64_MAX - digit) / base)
            return false;
        *out = *out * base + digit;
    }
    return len > 0;
}

static bool wrong(struct heap_command *c, const char *what, const char *text, const char *wants)
{
    return diag_fail(c->d, E_USAGE, "%s: '%s' is not %s", what, text, wants);
}

static bool number_option(struct heap_command *c, const char *what, const char *text, uint64_t min,
                          uint64_t max, uint64_t *out)
{
    if (!heap_number(text, strlen(text), out))
        return wrong(c, what, text, "a number");
    if (*out < min || *out > max)
        return diag_fail(c->d, E_USAGE, "%s: %s, not %" PRIu64 " to %" PRIu64, what, text, min,
                         max);
    return true;
}

/* The next of the fields of *REST, which commas part; false at the end. */
static bool next_field(const char **rest, const char **at, size_t *len)
{
    if (!*rest)
        return false;
    *at = *rest;
    *len = strcspn(*rest, ",");
    *rest = (*at)[*len] ? *at + *len + 1 : NULL;
    return true;
}

static bool field_is(const char *at, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(at, word, len) == 0;
}

/* ARRAY, of COUNT elements, with room for one more; it may have moved. */
static void *one_more(struct heap_command *c, void *array, uint64_t count, uint64_t *cap,
                      uint64_t size)
{
    if (arena_grow(c->a, &array, count, cap, size))
        return array;
    diag_nomem(c->d);
    return NULL;
}

/* TEXT is NAME=REST; the last '=' counts. */
static bool split(struct heap_command *c, const char *what, const char *text, const char *wants,
                  const char **name, const char **rest)
{
    const char *equals = strrchr(text, '=');

    if (!equals || equals == text)
        return wrong(c, what, text, wants);
    *name = arena_strndup(c->a, text, (size_t)(equals - text));
    *rest = equals + 1;
    return *name || diag_nomem(c->d);
}

static bool add_segment(struct heap_command *c, const char *what, const char *text)
{
    static const char wants[] = "OFF,SIZE,KIND[,NAME] with KIND ro, rw, zero or code";
    static const char *const kinds[] = {[SIMG_SEGMENT_READ_ONLY] = "ro",
                                        [SIMG_SEGMENT_READ_WRITE] = "rw",
                                        [SIMG_SEGMENT_ZERO] = "zero",
                                        [SIMG_SEGMENT_CODE] = "code"};
    struct heap_segment_arg s = {.name = ""};
    const char *rest = text, *at = NULL;
    size_t len = 0;

    if (!next_field(&rest, &at, &len) || !heap_number(at, len, &s.offset) ||
        !next_field(&rest, &at, &len) || !heap_number(at, len, &s.size) ||
        !next_field(&rest, &at, &len))
        return wrong(c, what, text, wants);
    for (int i = SIMG_SEGMENT_READ_ONLY; i <= SIMG_SEGMENT_CODE; i++)
        if (field_is(at, len, kinds[i]))
            s.kind = i;
    if (!s.kind)
        return wrong(c, what, text, wants);
    if (s.offset % (1 << SIMG_SEGMENT_ALIGN_LOG2))
        return diag_fail(c->d, E_USAGE, "%s: offset 0x%" PRIx64 " is not a multiple of 64 KiB",
                         what, s.offset);
    if (rest)
        s.name = rest;
    c->segments = one_more(c, c->segments, c->segment_count, &c->segment_cap, sizeof s);
    if (!c->segments)
        return false;
    c->segments[c->segment_count++] = s;
    return true;
}

static bool add_root(struct heap_command *c, const char *what, const char *text)
{
    static const char wants[] = "NAME=OFF[,SIZE][,function]";
    struct heap_root_arg r = {.kind = SIMG_ROOT_DATA};
    const char *rest = NULL, *at = NULL;
    size_t len = 0;

    if (!split(c, what, text, wants, &r.name, &rest))
        return false;
    if (!next_field(&rest, &at, &len) || !heap_number(at, len, &r.offset))
        return wrong(c, what, text, wants);
    for (int i = 0; next_field(&rest, &at, &len); i++) {
        if (field_is(at, len, "function"))
            r.kind = SIMG_ROOT_FUNCTION;
        else if (i > 0 || !heap_number(at, len, &r.size))
            return wrong(c, what, text, wants);
    }
    c->roots = one_more(c, c->roots, c->root_count, &c->root_cap, sizeof r);
    if (!c->roots)
        return false;
    c->roots[c->root_count++] = r;
    return true;
}

bool heap_add_import(struct heap_command *c, const char *what, const char *text)
{
    static const char wants[] = "NAME=OFF[,data|function][,weak][,+N|,-N]";
    struct heap_import_arg m = {.kind = SIMG_IMPORT_DATA};
    const char *rest = NULL, *at = NULL;
    size_t len = 0;
    uint64_t addend;

    if (!split(c, what, text, wants, &m.name, &rest))
        return false;
    if (!next_field(&rest, &at, &len) || !heap_number(at, len, &m.offset))
        return wrong(c, what, text, wants);
    while (next_field(&rest, &at, &len)) {
        if (field_is(at, len, "function"))
            m.kind = SIMG_IMPORT_FUNCTION;
        else if (field_is(at, len, "weak"))
            m.weak = true;
        else if ((*at == '+' || *at == '-') && heap_number(at + 1, len - 1, &addend) &&
                 addend <= INT64_MAX)
            m.addend = *at == '-' ? -(int64_t)addend : (int64_t)addend;
        else if (!field_is(at, len, "data"))
            return wrong(c, what, text, wants);
    }
    c->imports = one_more(c, c->imports, c->import_count, &c->import_cap, sizeof m);
    if (!c->imports)
        return false;
    c->imports[c->import_count++] = m;
    return true;
}

static bool add_meta(struct heap_command *c, const char *what, const char *text)
{
    const char *equals = strchr(text, '=');
    struct heap_meta_arg m;

    if (!equals || equals == text)
        return wrong(c, what, text, "KEY=VALUE");
    m.key = arena_strndup(c->a, text, (size_t)(equals - text));
    m.value = equals + 1;
    if (!m.key)
        return diag_nomem(c->d);
    c->metas = one_more(c, c->metas, c->meta_count, &c->meta_cap, sizeof m);
    if (!c->metas)
        return false;
    c->metas[c->meta_count++] = m;
    return true;
}

static bool add_dump(struct heap_command *c, const char *text)
{
    const char *at = strrchr(text, '@');
    struct heap_dump_arg *dump = &c->dump[c->dumps];

    if (c->dumps == 2)
        return diag_fail(c->d, E_USAGE, "'%s': a third dump", text);
    if (!at || at == text || !heap_number(at + 1, strlen(at + 1), &dump->base))
        return wrong(c, "--scan", text, "DUMP@BASE");
    dump->path = arena_strndup(c->a, text, (size_t)(at - text));
    c->dumps++;
    return dump->path || diag_nomem(c->d);
}

/* ---- the command ---- */

static bool apply(struct heap_command *c, const struct opt *o)
{
    uint64_t n = 0;

    switch (o->row->does) {
    case DOES_HELP:
        c->help = true;
        return true;
    case DOES_SCAN:
        c->scan = true;
        return true;
    case DOES_UNPROVEN:
        c->unproven = true;
        return true;
    case DOES_UNALIGNED:
        c->unaligned = true;
        return true;
    case DOES_NULLS:
        c->null_is_no_slot = true;
        return true;
    case DOES_RAW:
        c->raw = o->value;
        return true;
    case DOES_SLOTS:
        c->slots = o->value;
        return true;
    case DOES_BITMAP:
        c->bitmap = o->value;
        return true;
    case DOES_OUTPUT:
        c->output = o->value;
        return true;
    case DOES_RUNTIME:
        c->runtime = o->value;
        return true;
    case DOES_VERSION:
        c->version = o->value;
        return true;
    case DOES_BUILD_ID:
        c->build_id = o->value;
        return true;
    case DOES_FLAGS:
        c->flags = o->value;
        return true;
    case DOES_BASE:
        return number_option(c, o->spelt, o->value, 0, UINT64_MAX, &c->base);
    case DOES_BITS:
        if (!number_option(c, o->spelt, o->value, 48, 64, &n))
            return false;
        c->address_bits = (unsigned)n;
        return true;
    case DOES_COMPRESS:
        if (o->value && !number_option(c, o->spelt, o->value, 1, 19, &n))
            return false;
        c->compression = o->value ? (int)n : 3;
        return true;
    case DOES_ORDER:
        c->big = strcmp(o->value, "big") == 0;
        return c->big || strcmp(o->value, "little") == 0 ||
               wrong(c, "--order", o->value, "little or big");
    case DOES_SEGMENT:
        return add_segment(c, "--segment", o->value);
    case DOES_ROOT:
        return add_root(c, "--root", o->value);
    case DOES_IMPORT:
        return heap_add_import(c, "--import", o->value);
    case DOES_META:
        return add_meta(c, "--meta", o->value);
    case DOES_IMPORTS:
        c->imports_file = o->value;
        return true;
    }
    return true;
}

/* What does not go together. */
static bool check(struct heap_command *c)
{
    struct diag *d = c->d;

    if (!c->scan && c->dumps)
        return diag_fail(d, E_USAGE, "%s@...: dumps are for --scan, a blob is --raw=BLOB",
                         c->dump[0].path);
    if (c->scan && c->raw)
        return diag_fail(d, E_USAGE, "--raw and --scan: one of them");
    if (c->scan && (c->slots || c->bitmap || c->base))
        return diag_fail(d, E_USAGE, "--scan finds the slots: no --slots, --bitmap or --base");
    if (c->scan && c->dumps == 0)
        return diag_fail(d, E_USAGE, "--scan: no DUMP@BASE is given");
    if (!c->scan && !c->raw)
        return diag_fail(d, E_USAGE, "neither --raw nor --scan is given");
    if (!c->scan && !c->output)
        return diag_fail(d, E_USAGE, "no output is given (-o)");
    if (c->unproven && c->dumps < 2)
        return diag_fail(d, E_USAGE, "--unproven is for two dumps: nothing is proven by one");
    if (c->unaligned && c->dumps != 1)
        return diag_fail(d, E_USAGE, "--unaligned is for a scan of one dump");
    for (unsigned i = 0; i < c->dumps; i++)
        if (c->dump[i].base == 0)
            return diag_fail(d, E_USAGE, "%s: a base of 0 makes every small number a pointer",
                             c->dump[i].path);
    if (c->dumps == 2 && c->dump[0].base == c->dump[1].base)
        return diag_fail(d, E_USAGE, "two dumps at the same base prove nothing");
    return true;
}

bool heap_read_command(struct heap_command *c, int argc, char **argv)
{
    struct opts opts = {.d = c->d,
                        .rows = heap_rows,
                        .count = heap_row_count,
                        .argc = argc,
                        .argv = argv,
                        .next = 1};
    struct opt o;

    while (opts_more(&opts)) {
        if (!opts_next(&opts, &o))
            return false;
        if (o.row ? !apply(c, &o) : o.value && !add_dump(c, o.value))
            return false;
        if (c->help)
            return true;
    }
    return check(c);
}
