/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive.c - read ar archives.
 *
 * An archive is a magic and then members, each a header of 60 characters and
 * its contents, padded to an even offset.  The dialects differ in where a
 * long name is kept (GNU: in the member "//"; BSD: in front of the contents)
 * and in the symbol index.  In a thin archive only the special members have
 * contents. */

#include "archive.h"

#include <inttypes.h>
#include <string.h>

enum { MAGIC = 8, HEADER = 60, NAME = 16, SIZE_AT = 48, SIZE = 10, END_AT = 58 };

/* How the index was written. */
enum index_kind { INDEX_NONE, INDEX_GNU, INDEX_GNU64, INDEX_BSD, INDEX_BSD64 };

struct reader {
    struct diag *d;
    struct arena *a;
    struct span in;
    struct archive *out;
    uint64_t cap;
    char *names; /* a copy of "//" in which each name ends in NUL; NULL if there is none */
    uint64_t names_size;
    struct span index;
    enum index_kind kind;
};

bool archive_is(struct span in)
{
    return in.size >= MAGIC &&
           (memcmp(in.at, "!<arch>\n", MAGIC) == 0 || memcmp(in.at, "!<thin>\n", MAGIC) == 0);
}

/* The decimal number that starts at P and ends before END or at a character
   that is no digit; *REST is that place.  False without digits or when it
   does not fit. */
static bool decimal(const uint8_t *p, const uint8_t *end, uint64_t *value, const uint8_t **rest)
{
    const uint8_t *start = p;
    uint64_t v = 0;

    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        if (v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(*p - '0');
    }
    *value = v;
    *rest = p;
    return p > start;
}

static bool only_spaces(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p == ' ')
        p++;
    return p == end;
}

/* True if the name field P is NAME, with or without padding behind it. */
static bool named(const uint8_t *p, const char *name)
{
    size_t n = strlen(name);

    return memcmp(p, name, n) == 0 && only_spaces(p + n, p + NAME);
}

/* Take the name table: names end in "/\n" (GNU), "\n" or NUL (COFF). */
static bool read_names(struct reader *r, uint64_t at, struct span table)
{
    if (r->names)
        return diag_fail(r->d, E_FORMAT, "header at 0x%" PRIx64 ": a second name table", at);
    r->names = arena_strndup(r->a, table.size ? (const char *)table.at : "", table.size);
    if (!r->names)
        return diag_nomem(r->d);
    r->names_size = table.size;
    for (uint64_t i = 0; i < table.size; i++) {
        if (r->names[i] != '\n')
            continue;
        r->names[i] = 0;
        if (i > 0 && r->names[i - 1] == '/')
            r->names[i - 1] = 0;
    }
    return true;
}

/* A name such as "/123" or, in a thin archive, "/123:456". */
static bool table_name(struct reader *r, const uint8_t *field, struct ar_member *m)
{
    const uint8_t *end = field + NAME, *rest = NULL;
    uint64_t at = 0;

    if (!decimal(field + 1, end, &at, &rest))
        return diag_fail(r->d, E_FORMAT, "header at 0x%" PRIx64 ": unknown special name",
                         m->offset);
    if (r->out->thin && rest < end && *rest == ':' && !decimal(rest + 1, end, &m->nested, &rest))
        return diag_fail(r->d, E_FORMAT, "header at 0x%" PRIx64 ": no offset after the ':'",
                         m->offset);
    if (!only_spaces(rest, end))
        return diag_fail(r->d, E_FORMAT, "header at 0x%" PRIx64 ": more than a number in the name",
                         m->offset);
    if (!r->names)
        return diag_fail(r->d, E_FORMAT,
                         "header at 0x%" PRIx64 ": a long name, but there was no name table",
                         m->offset);
    if (at >= r->names_size)
        return diag_fail(r->d, E_FORMAT,
                         "header at 0x%" PRIx64 ": name %" PRIu64 " is outside the name table "
                         "(%" PRIu64 " bytes)",
                         m->offset, at, r->names_size);
    m->name = r->names + at;
    return true;
}

/* A name "#1/LEN": the first LEN bytes of the contents. */
static bool bsd_name(struct reader *r, const uint8_t *field, struct ar_member *m)
{
    const uint8_t *end = field + NAME, *rest = NULL;
    struct span name = {0};
    uint64_t len = 0;

    if (r->out->thin || !decimal(field + 3, end, &len, &rest) || !only_spaces(rest, end))
        return diag_fail(r->d, E_FORMAT, "header at 0x%" PRIx64 ": bad BSD name", m->offset);
    if (!span_sub(m->data, 0, len, &name))
        return diag_fail(r->d, E_FORMAT,
                         "header at 0x%" PRIx64 ": a name of %" PRIu64
                         " bytes in a member of %" PRIu64,
                         m->offset, len, m->data.size);
    m->name = arena_strndup(r->a, len ? (const char *)name.at : "", len);
    if (!m->name)
        return diag_nomem(r->d);
    span_sub(m->data, len, m->data.size - len, &m->data);
    m->size -= len;
    return true;
}

/* A name in the field itself; GNU ends it with '/', so that it can have
   blanks. */
static bool short_name(struct reader *r, const uint8_t *field, struct ar_member *m)
{
    size_t n = NAME;

    while (n > 0 && field[n - 1] == ' ')
        n--;
    if (n > 1 && field[n - 1] == '/')
        n--;
    m->name = arena_strndup(r->a, (const char *)field, n);
    return m->name || diag_nomem(r->d);
}

static bool read_name(struct reader *r, const uint8_t *field, struct ar_member *m)
{
    if (field[0] == '/')
        return table_name(r, field, m);
    return memcmp(field, "#1/", 3) == 0 ? bsd_name(r, field, m) : short_name(r, field, m);
}

/* What index, if any, the special member with the name field FIELD is. */
static enum index_kind gnu_index(const uint8_t *field)
{
    if (named(field, "/"))
        return INDEX_GNU;
    return named(field, "/SYM64/") ? INDEX_GNU64 : INDEX_NONE;
}

/* What index, if any, a member with the BSD name NAME is. */
static enum index_kind bsd_index(const char *name)
{
    if (strcmp(name, "__.SYMDEF") == 0 || strcmp(name, "__.SYMDEF SORTED") == 0)
        return INDEX_BSD;
    if (strcmp(name, "__.SYMDEF_64") == 0 || strcmp(name, "__.SYMDEF_64 SORTED") == 0)
        return INDEX_BSD64;
    return INDEX_NONE;
}

/* Keep DATA as the index unless there is one: COFF archives have a second
   one, in another form. */
static bool keep_index(struct reader *r, enum index_kind kind, struct span data)
{
    if (r->kind == INDEX_NONE) {
        r->kind = kind;
        r->index = data;
    }
    return true;
}

/* The header at POS of IN: its fields, and the size that it gives. */
static bool read_header(struct diag *d, struct span in, uint64_t pos, const uint8_t **field,
                        uint64_t *size)
{
    struct span header = {0};
    const uint8_t *end = NULL, *rest = NULL;

    if (!span_sub(in, pos, HEADER, &header))
        return diag_fail(d, E_FORMAT,
                         "header at 0x%" PRIx64 ": ends past the end of the file (0x%" PRIx64
                         " bytes)",
                         pos, in.size);
    *field = header.at;
    end = header.at + SIZE_AT + SIZE;
    if (header.at[END_AT] != '`' || header.at[END_AT + 1] != '\n')
        return diag_fail(d, E_FORMAT, "header at 0x%" PRIx64 ": does not end as a header does",
                         pos);
    if (!decimal(header.at + SIZE_AT, end, size, &rest) || !only_spaces(rest, end))
        return diag_fail(d, E_FORMAT, "header at 0x%" PRIx64 ": the size is not a decimal number",
                         pos);
    return true;
}

/* The SIZE bytes behind the header at POS. */
static bool contents(struct diag *d, struct span in, uint64_t pos, uint64_t size, struct span *out)
{
    if (span_sub(in, pos + HEADER, size, out))
        return true;
    return diag_fail(d, E_FORMAT,
                     "header at 0x%" PRIx64 ": contents (0x%" PRIx64
                     " bytes) end past the end of the file (0x%" PRIx64 " bytes)",
                     pos, size, in.size);
}

/* Read the member whose header is at *POS, and move *POS behind it. */
static bool read_member(struct reader *r, uint64_t *pos)
{
    struct ar_member m = {.offset = *pos};
    const uint8_t *field = NULL;
    bool special = false;
    void *members = r->out->members;

    if (!read_header(r->d, r->in, *pos, &field, &m.size))
        return false;
    special = named(field, "/") || named(field, "//") || named(field, "/SYM64/") ||
              (field[0] == '/' && field[1] == '<');
    *pos += HEADER;
    if (!r->out->thin || special) {
        if (!contents(r->d, r->in, m.offset, m.size, &m.data))
            return false;
        *pos += m.size + (m.size & 1);
    }

    if (named(field, "//"))
        return read_names(r, m.offset, m.data);
    if (special)
        return keep_index(r, gnu_index(field), m.data);
    if (!read_name(r, field, &m))
        return false;
    if (r->out->member_count == 0 && bsd_index(m.name) != INDEX_NONE)
        return keep_index(r, bsd_index(m.name), m.data);

    if (r->out->member_count == UINT32_MAX)
        return diag_fail(r->d, E_UNSUPPORTED, "more than %u members", UINT32_MAX);
    if (!arena_grow(r->a, &members, r->out->member_count, &r->cap, sizeof m))
        return diag_nomem(r->d);
    r->out->members = members;
    r->out->members[r->out->member_count++] = m;
    return true;
}

/* The member whose header is at OFFSET; members are in the order of their
   offsets.  False if there is none. */
static bool find_member(const struct archive *ar, uint64_t offset, uint32_t *index)
{
    uint32_t low = 0, high = ar->member_count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (ar->members[mid].offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    *index = low;
    return low < ar->member_count && ar->members[low].offset == offset;
}

static bool add_symbol(struct reader *r, const char *name, uint64_t offset)
{
    struct archive *ar = r->out;
    struct ar_symbol *s = &ar->symbols[ar->symbol_count];

    if (!name)
        return diag_fail(r->d, E_FORMAT,
                         "symbol index: name %" PRIu64 " is outside its string table",
                         ar->symbol_count);
    if (!find_member(ar, offset, &s->member))
        return diag_fail(r->d, E_FORMAT,
                         "symbol index: entry %" PRIu64 " names offset 0x%" PRIx64
                         ", where no member starts",
                         ar->symbol_count, offset);
    s->name = name;
    ar->symbol_count++;
    return true;
}

/* A count, as many offsets, as many names in a row; big-endian. */
static bool read_gnu_index(struct reader *r)
{
    struct cursor c = {.in = r->index, .big = true, .wide = r->kind == INDEX_GNU64};
    struct span names = {0};
    uint64_t count = cur_word(&c), at = 0;

    if (!cur_count(&c, count, c.wide ? 8 : 4))
        return diag_fail(r->d, E_FORMAT,
                         "symbol index: %" PRIu64 " entries do not fit its 0x%" PRIx64 " bytes",
                         count, r->index.size);
    span_sub(r->index, c.pos + count * (c.wide ? 8 : 4),
             r->index.size - c.pos - count * (c.wide ? 8 : 4), &names);
    r->out->symbols = arena_alloc(r->a, count, sizeof *r->out->symbols);
    if (!r->out->symbols)
        return diag_nomem(r->d);
    for (uint64_t i = 0; i < count; i++) {
        const char *name = span_str(names, at);

        if (!add_symbol(r, name, cur_word(&c)))
            return false;
        at += strlen(name) + 1;
    }
    return true;
}

/* The size of the entries, entries of (name's offset, member's offset), the
   size of the names, the names; in the byte order of the target. */
static bool read_bsd_index(struct reader *r)
{
    struct cursor c = {.in = r->index, .wide = r->kind == INDEX_BSD64};
    struct span names = {0};
    uint64_t word = c.wide ? 8 : 4, size = 0, strings_size = 0;

    /* Read as the wrong order, a size does not fit its own member. */
    for (int big = 0; big < 2; big++) {
        c = (struct cursor){.in = r->index, .wide = c.wide, .big = big};
        size = cur_word(&c);
        if (cur_count(&c, size, 1) && size % (2 * word) == 0)
            break;
        c.bad = true;
    }
    if (!c.bad) {
        struct cursor after = c;

        cur_take(&after, size);
        strings_size = cur_word(&after);
        if (after.bad || !span_sub(r->index, after.pos, strings_size, &names))
            c.bad = true;
    }
    if (c.bad)
        return diag_fail(r->d, E_FORMAT,
                         "symbol index: its tables do not fit its 0x%" PRIx64 " bytes",
                         r->index.size);
    r->out->symbols = arena_alloc(r->a, size / (2 * word), sizeof *r->out->symbols);
    if (!r->out->symbols)
        return diag_nomem(r->d);
    for (uint64_t i = 0; i < size / (2 * word); i++) {
        uint64_t name = cur_word(&c);

        if (!add_symbol(r, span_str(names, name), cur_word(&c)))
            return false;
    }
    return true;
}

bool archive_read(struct diag *d, struct arena *a, struct span in, struct archive *out)
{
    struct reader r = {.d = d, .a = a, .in = in, .out = out};
    uint64_t pos = MAGIC;
    bool ok = true;

    *out = (struct archive){0};
    if (!archive_is(in))
        return diag_fail(d, E_UNKNOWN, "not an archive");
    out->thin = in.at[2] == 't';
    while (ok && pos < in.size)
        ok = read_member(&r, &pos);
    if (ok && r.kind != INDEX_NONE) {
        out->has_index = true;
        ok = r.kind == INDEX_GNU || r.kind == INDEX_GNU64 ? read_gnu_index(&r) : read_bsd_index(&r);
    }
    if (!ok)
        *out = (struct archive){0};
    return ok;
}

bool archive_member_at(struct diag *d, struct span in, uint64_t offset, struct span *data)
{
    const uint8_t *field = NULL, *rest = NULL;
    uint64_t size = 0, name = 0;

    *data = (struct span){0};
    if (!archive_is(in) || in.at[2] == 't')
        return diag_fail(d, E_UNKNOWN, "not an archive with contents");
    if (!read_header(d, in, offset, &field, &size) || !contents(d, in, offset, size, data))
        return false;
    if (memcmp(field, "#1/", 3) == 0 && decimal(field + 3, field + NAME, &name, &rest))
        span_sub(*data, name, data->size - name, data);
    return true;
}

char *archive_member_path(struct arena *a, const char *path, const struct ar_member *m)
{
    const char *slash = strrchr(path, '/');

    return *m->name == '/' || !slash
               ? arena_strdup(a, m->name)
               : arena_printf(a, "%.*s/%s", (int)(slash - path), path, m->name);
}
