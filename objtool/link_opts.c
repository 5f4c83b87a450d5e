/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_opts.c - what each option does to the link's options. */

#include "link_opts.h"

#include "darwin.h"
#include "mingw.h"
#include "link_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool link_add_string(struct link_command *c, struct strings *list, const char *s)
{
    /* The array doubles; a list's room is the power of two above its count. */
    bool full = (list->count & (list->count - 1)) == 0;
    const char **at = list->at;

    if (full) {
        at = arena_alloc(c->a, list->count ? list->count * 2 : 1, sizeof *at);
        if (!at)
            return diag_nomem(c->d);
        if (list->count)
            memcpy(at, list->at, list->count * sizeof *at);
    }
    at[list->count++] = s;
    list->at = at;
    return true;
}

/* Add the pieces of TEXT between any of the characters of MARKS. */
static bool add_pieces(struct link_command *c, struct strings *list, const char *text,
                       const char *marks)
{
    while (*text) {
        size_t n = strcspn(text, marks);
        const char *piece = n ? arena_strndup(c->a, text, n) : NULL;

        if (n && (!piece || !link_add_string(c, list, piece)))
            return piece ? false : diag_nomem(c->d);
        text += n + (text[n] != 0);
    }
    return true;
}

bool link_read_number(struct link_command *c, const char *what, const char *text, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 0);
    if (!*text || *end || errno || *text == '-' || *text == ' ')
        return diag_fail(c->d, E_USAGE, "%s: '%s' is not a number", what, text);
    return true;
}

bool link_add_input(struct link_command *c, const char *name, bool library)
{
    struct link_options *o = &c->options;
    void *inputs = o->inputs;
    struct link_input in = {
        .name = name,
        .library = library,
        .retain = c->now.retain && !library,
        .whole = c->now.whole,
        .as_needed = c->now.as_needed,
        .only_static = c->now.only_static,
        .group = c->in_group ? c->groups : 0,
    };

    if (!*name)
        return diag_fail(c->d, E_USAGE, "an input without a name");
    if (!arena_grow(c->a, &inputs, o->input_count, &c->input_cap, sizeof in))
        return diag_nomem(c->d);
    o->inputs = inputs;
    o->inputs[o->input_count++] = in;
    return true;
}

static bool push_state(struct link_command *c)
{
    void *saved = c->saved;

    if (!arena_grow(c->a, &saved, c->saved_count, &c->saved_cap, sizeof c->now))
        return diag_nomem(c->d);
    c->saved = saved;
    c->saved[c->saved_count++] = c->now;
    return true;
}

static bool pop_state(struct link_command *c)
{
    if (c->saved_count == 0)
        return diag_fail(c->d, E_USAGE, "--pop-state without --push-state");
    c->now = c->saved[--c->saved_count];
    return true;
}

static bool group(struct link_command *c, bool begin)
{
    if (begin == c->in_group)
        return diag_fail(c->d, E_USAGE,
                         begin ? "--start-group inside of a group"
                               : "--end-group without --start-group");
    c->in_group = begin;
    c->groups += begin;
    return true;
}

/* --no-whole-archive ends --whole-archive; where that is not in force, it
   asks for ld's rule. */
static void no_whole_archive(struct link_command *c)
{
    if (!c->now.whole)
        c->now.retain = false;
    c->now.whole = false;
}

/* --defsym NAME=VALUE */
static bool add_defsym(struct link_command *c, const char *text)
{
    struct link_options *o = &c->options;
    const char *equals = strchr(text, '=');
    struct defsym def = {0};
    void *defsyms = o->defsyms;
    const char *value = equals ? equals + 1 : "";
    size_t len = strcspn(value, "+-");
    uint64_t number = 0;

    if (!equals || equals == text || !*value)
        return diag_fail(c->d, E_USAGE, "--defsym: '%s' is not NAME=VALUE", text);
    def.name = arena_strndup(c->a, text, (size_t)(equals - text));
    def.value = arena_strndup(c->a, value, len);
    if (!def.name || !def.value)
        return diag_nomem(c->d);
    if (value[0] >= '0' && value[0] <= '9') {
        def.number = true;
        if (!link_read_number(c, "--defsym", value, &def.addend))
            return false;
    } else if (len == 0 || def.value[strcspn(def.value, "()*/%&|^~!<>=?:, \t")]) {
        return diag_fail(c->d, E_UNSUPPORTED,
                         "--defsym: '%s' is neither a number nor a symbol plus or minus one",
                         value);
    } else if (value[len]) {
        if (!link_read_number(c, "--defsym", value + len + 1, &number))
            return false;
        def.addend = value[len] == '-' ? 0 - number : number;
    }
    if (!arena_grow(c->a, &defsyms, o->defsym_count, &c->defsym_cap, sizeof def))
        return diag_nomem(c->d);
    o->defsyms = defsyms;
    o->defsyms[o->defsym_count++] = def;
    return true;
}

/* Set *OUT to the place of VALUE among NAMES, which NULL ends. */
static bool choose(struct link_command *c, const char *spelt, const char *value,
                   const char *const *names, unsigned *out)
{
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(names[i], value) == 0) {
            *out = i;
            return true;
        }
    }
    return diag_fail(c->d, E_USAGE, "%s: '%s' is not known", spelt, value);
}

static bool set_hash_style(struct link_command *c, const char *spelt, const char *value)
{
    static const char *const names[] = {"", "sysv", "gnu", "both", NULL}; /* by HASH_* */

    if (!*value)
        return diag_fail(c->d, E_USAGE, "%s: no style", spelt);
    return choose(c, spelt, value, names, &c->options.hash_style);
}

static int hex_digit(char ch)
{
    const char *digits = "0123456789abcdef", *p = ch ? strchr(digits, ch | 0x20) : NULL;

    return p && (ch >= 'A' || (ch >= '0' && ch <= '9')) ? (int)(p - digits) : -1;
}

/* "0x" and pairs of digits, with '-' or ':' between pairs where wanted. */
static bool set_build_id_bytes(struct link_command *c, const char *hex)
{
    uint8_t *bytes = arena_alloc(c->a, strlen(hex) / 2, 1);
    size_t n = 0;

    if (!bytes)
        return diag_nomem(c->d);
    for (const char *p = hex + 2; *p; p += *p == '-' || *p == ':' ? 1 : 2) {
        if (*p == '-' || *p == ':')
            continue;
        if (hex_digit(p[0]) < 0 || hex_digit(p[1]) < 0)
            return diag_fail(c->d, E_USAGE, "--build-id: '%s' is not pairs of digits", hex);
        bytes[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
    }
    if (n == 0)
        return diag_fail(c->d, E_USAGE, "--build-id: '%s' is empty", hex);
    c->options.build_id = BUILD_ID_HEX;
    c->options.build_id_bytes = bytes;
    c->options.build_id_size = n;
    return true;
}

static bool set_build_id(struct link_command *c, const char *spelt, const char *value)
{
    static const char *const names[] = {"none", "uuid",   "fast", "md5",
                                        "sha1", "sha256", "tree", NULL};
    static const size_t sizes[] = {0, 16, 8, 16, 20, 32, 20};
    unsigned i = 0;

    if (value && strncmp(value, "0x", 2) == 0)
        return set_build_id_bytes(c, value);
    if (value && !choose(c, spelt, value, names, &i))
        return false;
    c->options.build_id = !value || i > 1 ? BUILD_ID_HASH : i == 1 ? BUILD_ID_UUID : BUILD_ID_NONE;
    c->options.build_id_size = value ? sizes[i] : 0;
    return true;
}

static bool set_compress(struct link_command *c, const char *spelt, const char *value)
{
    static const char *const names[] = {"none", "zlib", "zstd", "zlib-gabi", NULL};
    unsigned i = 0;

    if (strcmp(value, "zlib-gnu") == 0)
        return diag_fail(c->d, E_UNSUPPORTED, "%s: zlib-gnu is the old form; use zlib", spelt);
    if (!choose(c, spelt, value, names, &i))
        return false;
    c->options.compress = i == 0 ? COMPRESS_NONE : i == 2 ? COMPRESS_ZSTD : COMPRESS_ZLIB;
    return true;
}

static bool set_pack_relocs(struct link_command *c, const char *spelt, const char *value)
{
    static const char *const names[] = {"none", "relr", NULL};
    unsigned i = 0;

    if (strstr(value, "android"))
        return diag_fail(c->d, E_UNSUPPORTED, "%s: Android's packed relocations are not supported",
                         spelt);
    if (!choose(c, spelt, value, names, &i))
        return false;
    c->options.relocs = i ? RELOCS_RELR : RELOCS_RELA;
    return true;
}

static bool set_heap_relocs(struct link_command *c, const char *spelt, const char *value)
{
    static const char *const names[] = {"prelinked", "native", "none", NULL};
    static const enum link_heap_relocs modes[] = {HEAP_RELOCS_PRELINKED, HEAP_RELOCS_NATIVE,
                                                  HEAP_RELOCS_NONE};
    unsigned i = 0;

    if (!choose(c, spelt, value, names, &i))
        return false;
    c->options.heap_relocs = modes[i];
    return true;
}

static bool set_julia_prelink(struct link_command *c, const char *spelt, const char *value)
{
    static const char *const names[] = {"yes", "no", "auto", NULL};
    static const enum darwin_choice choices[] = {CHOICE_YES, CHOICE_NO, CHOICE_DEFAULT};
    unsigned i = 0;

    if (value && !choose(c, spelt, value, names, &i))
        return false;
    c->options.julia_prelink = choices[i];
    return true;
}

static bool set_unresolved(struct link_command *c, const char *spelt, const char *value)
{
    static const char *const names[] = {"ignore-all", "ignore-in-object-files", "report-all",
                                        "ignore-in-shared-libs", NULL};
    unsigned i = 0;

    if (!choose(c, spelt, value, names, &i))
        return false;
    c->options.no_undefined = i > 1;
    return true;
}

static bool set_page_size(struct link_command *c, const char *what, const char *value,
                          uint64_t *out)
{
    if (!link_read_number(c, what, value, out))
        return false;
    if (*out == 0 || *out & (*out - 1) || *out > UINT64_C(1) << 40)
        return diag_fail(c->d, E_USAGE, "%s: %s is not a power of two, or too large", what, value);
    return true;
}

static bool set_threads(struct link_command *c, const char *spelt, const char *value, bool none)
{
    uint64_t n = 0;

    if (value && !link_read_number(c, spelt, value, &n))
        return false;
    if (value && (n == 0 || n > 1024))
        return diag_fail(c->d, E_USAGE, "%s: from 1 to 1024", spelt);
    c->options.threads = none ? 1 : (unsigned)n;
    return true;
}

static bool set_colour(struct link_command *c, const char *spelt, const char *value, bool never)
{
    static const char *const names[] = {"auto", "always", "never", NULL}; /* by enum link_colour */
    unsigned i = COLOUR_ALWAYS;

    if (value && !choose(c, spelt, value, names, &i))
        return false;
    c->colour = never ? COLOUR_NEVER : (enum link_colour)i;
    return true;
}

/* -R: a directory as for --rpath; GNU ld takes a file as --just-symbols. */
static bool set_r(struct link_command *c, const char *value)
{
    struct stat st;

    if (stat(value, &st) == 0 && !S_ISDIR(st.st_mode))
        return diag_fail(c->d, E_UNSUPPORTED,
                         "-R %s: a file; symbols without their code are not supported", value);
    return add_pieces(c, &c->options.rpath, value, ":");
}

/* The options that are more than a member of link_options. */
static bool apply_other(struct link_command *c, const struct opt_row *row, const char *value,
                        const char *spelt)
{
    struct link_options *o = &c->options;
    bool flag = row->at;

    switch ((enum other)row->to) {
    case OPT_LIBRARY:
        return link_add_input(c, value, true);
    case OPT_WHOLE:
        c->now.whole = true;
        return true;
    case OPT_NO_WHOLE:
        no_whole_archive(c);
        return true;
    case OPT_AS_NEEDED:
    case OPT_NO_AS_NEEDED:
        c->now.as_needed = row->to == OPT_AS_NEEDED;
        return true;
    case OPT_STATIC:
    case OPT_DYNAMIC:
        c->now.only_static = row->to == OPT_STATIC;
        return true;
    case OPT_START_GROUP:
    case OPT_END_GROUP:
        return group(c, row->to == OPT_START_GROUP);
    case OPT_PUSH:
        return push_state(c);
    case OPT_POP:
        return pop_state(c);
    case OPT_FORMAT:
        if (strcmp(value, "default") == 0 || strcmp(value, "elf") == 0)
            return true;
        return link_set_format(c, value);
    case OPT_SHARED:
        c->shared = true;
        c->other_output = NULL;
        return true;
    case OPT_NOT_SHARED:
        c->other_output = spelt;
        return true;
    case OPT_TARGET:
        return link_set_target(c, value);
    case OPT_EMULATION:
        return link_set_emulation(c, value);
    case OPT_OFORMAT:
        return link_set_format(c, value);
    case OPT_NOSTDLIB:
        c->nostdlib = true;
        return true;
    case OPT_RPATH:
        return add_pieces(c, &o->rpath, value, ":");
    case OPT_R:
        return set_r(c, value);
    case OPT_UNRESOLVED:
        return set_unresolved(c, spelt, value);
    case OPT_DEFSYM:
        return add_defsym(c, value);
    case OPT_EXCLUDE_LIBS:
        return add_pieces(c, &o->exclude_libs, value, ",:");
    case OPT_VERSION_SCRIPT:
        return link_read_version_script(c, value);
    case OPT_DYNAMIC_LIST:
        return link_add_dynamic_list(c, &c->dynamic_list, value);
    case OPT_LIST_DATA:
        o->bsymbolic = BSYMBOLIC_FUNCTIONS;
        return true;
    case OPT_LIST_NEW:
        /* A pattern without quotes holds no blank; '?' stands for it. */
        buf_printf(&c->dynamic_list, "{extern \"C++\" {operator?new*; operator?delete*;};};\n");
        return true;
    case OPT_LIST_TYPEINFO:
        buf_printf(&c->dynamic_list, "{extern \"C++\" {typeinfo?for*; typeinfo?name?for*;};};\n");
        return true;
    case OPT_EXPORT_SYMBOL:
        buf_printf(&c->exceptions, "{%s;};\n", value);
        return true;
    case OPT_EXPORT_LIST:
        return link_add_dynamic_list(c, &c->exceptions, value);
    case OPT_EXPORT:
        return link_add_export(c, value);
    case OPT_HASH_STYLE:
        return set_hash_style(c, spelt, value);
    case OPT_BUILD_ID:
        return set_build_id(c, spelt, value);
    case OPT_COMPRESS:
        return set_compress(c, spelt, value);
    case OPT_PACK_RELOCS:
        return set_pack_relocs(c, spelt, value);
    case OPT_HEAP_RELOCS:
        return set_heap_relocs(c, spelt, value);
    case OPT_JULIA_PRELINK:
        return set_julia_prelink(c, spelt, value);
    case OPT_HEAP_BASE:
        if (!link_read_number(c, spelt, value, &o->heap_base))
            return false;
        o->image_base_set = true;
        return o->heap_base % (2 << 20) == 0 ||
               diag_fail(c->d, E_USAGE, "%s: %s is not a multiple of 2 MiB", spelt, value);
    case OPT_IMAGE_BASE:
        o->image_base_set = true;
        return link_read_number(c, spelt, value, &o->image_base);
    case OPT_Z:
        return link_read_z(c, value);
    case OPT_MAX_PAGE:
        return set_page_size(c, "-z max-page-size", value, &o->max_page_size);
    case OPT_COMMON_PAGE:
        return set_page_size(c, "-z common-page-size", value, &o->common_page_size);
    case OPT_SEPARATE_CODE:
        o->separate_code_set = true;
        o->separate_code = flag;
        return true;
    case OPT_TEXT:
        o->text_error = flag;
        o->text_ok = !flag;
        return true;
    case OPT_EXECSTACK:
        o->execstack = flag;
        o->noexecstack = !flag;
        return true;
    case OPT_PRINT_MAP:
        o->map = "-";
        return true;
    case OPT_THREADS:
        return set_threads(c, spelt, value, flag);
    case OPT_COLOR:
        return set_colour(c, spelt, value, flag);
    case OPT_STRIP_DEBUG:
        if (o->strip == STRIP_NONE)
            o->strip = STRIP_DEBUG;
        return true;
    case OPT_HELP:
        c->ask = ASK_HELP;
        return true;
    case OPT_VERSION:
        c->ask = ASK_VERSION;
        return true;
    case OPT_V:
    case OPT_BIG_V:
        c->say_version = true;
        c->say_targets |= row->to == OPT_BIG_V;
        return true;
    case OPT_VERBOSE:
        c->say_version = true;
        c->say_search = true;
        o->trace = true;
        return true;
    case OPT_PRINT_SYSROOT:
        c->ask = ASK_SYSROOT;
        return true;
    case OPT_PRINT_FORMAT:
        c->ask = ASK_FORMAT;
        return true;
    }
    return diag_fail(c->d, E_USAGE, "unknown option '%s'", spelt);
}

bool link_apply(struct link_command *c, const struct opt_row *row, const char *value,
                const char *spelt)
{
    void *member = (char *)&c->options + row->at;

    switch ((enum does)row->does) {
    case DOES_HEADING:
    case DOES_IGNORE:
        return true;
    case DOES_FLAG:
        *(bool *)member = row->to;
        return true;
    case DOES_INT:
        *(int *)member = row->to;
        return true;
    case DOES_TEXT:
        *(const char **)member = value;
        return true;
    case DOES_LIST:
        return link_add_string(c, member, value);
    case DOES_WARN:
        if (!c->options.no_warnings)
            diag_warn(c->d, "%s ignored: %s", spelt, row->help);
        return true;
    case DOES_REFUSE:
        return diag_fail(c->d, E_UNSUPPORTED, "%s: %s", spelt, row->help);
    case DOES_DARWIN:
        return darwin_apply(c, row, value, spelt);
    case DOES_MINGW:
        return mingw_apply(c, row, value, spelt);
    case DOES_OTHER:
        return apply_other(c, row, value, spelt);
    }
    return true;
}

/* The row of -z KEYWORD (LEN bytes), or NULL. */
static const struct opt_row *find_z(const char *keyword, size_t len)
{
    for (const struct opt_row *r = link_z_rows; r < link_z_rows + link_z_row_count; r++) {
        for (const char *p = r->names; *p; p += strcspn(p, "|"), p += *p == '|')
            if (strcspn(p, "|") == len && memcmp(p, keyword, len) == 0)
                return r;
    }
    return NULL;
}

bool link_read_z(struct link_command *c, const char *keyword)
{
    size_t len = strcspn(keyword, "=");
    const struct opt_row *row = find_z(keyword, len);
    const char *value = keyword[len] ? keyword + len + 1 : NULL;
    const char *spelt = arena_printf(c->a, "-z %s", keyword);

    if (!spelt)
        return diag_nomem(c->d);
    /* As in ld, what is unknown does not stop the link. */
    if (!row) {
        diag_warn(c->d, "%s ignored: unknown", spelt);
        return true;
    }
    if (value && !row->value)
        return diag_fail(c->d, E_USAGE, "%s: takes no value", spelt);
    if (!value && row->value && row->value[0] != '[')
        return diag_fail(c->d, E_USAGE, "%s: needs a value (%s)", spelt, row->value);
    return link_apply(c, row, value, spelt);
}
