/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_statements.c - mend, filter and count precompile statements. */

#include "julia_statements.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

enum { STRANGE_SHOWN = 5 };

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '!' || (uint8_t)c >= 0x80;
}

/* The length of the string literal that begins at P, its quotes included. */
static size_t string_length(const char *p, size_t left)
{
    size_t n = 1;

    while (n < left && p[n] != '"')
        n += p[n] == '\\' && n + 1 < left ? 2 : 1;
    return n < left ? n + 1 : left;
}

/* At P is Char(0xNNNN) with a number that is no code point, which is how
   Julia 1.5 prints the bits of a Char: how long it is and which number. */
static size_t char_bits(const char *p, size_t left, uint64_t *bits)
{
    static const char head[] = "Char(0x";
    size_t n = sizeof head - 1, digits = 0;

    *bits = 0;
    if (left < n || memcmp(p, head, n) != 0)
        return 0;
    for (; n < left && is_hex(p[n]) && digits < 9; n++, digits++)
        *bits = *bits << 4 | (uint64_t)(p[n] <= '9' ? p[n] - '0' : (p[n] | 0x20) - 'a' + 10);
    if (digits == 0 || digits > 8 || n == left || p[n] != ')' || *bits <= 0x10ffff)
        return 0;
    return n + 1;
}

bool statement_mend(struct buf *out, const char *line, size_t len)
{
    bool mended = false;

    for (size_t i = 0; i < len;) {
        uint64_t bits = 0;
        size_t n = line[i] == '"' ? string_length(line + i, len - i) : 0;

        if (n > 0) {
            buf_bytes(out, line + i, n);
        } else if ((i == 0 || !is_word(line[i - 1])) &&
                   (n = char_bits(line + i, len - i, &bits)) > 0) {
            /* Eight digits, or it would not be a UInt32. */
            buf_printf(out, "reinterpret(Char, 0x%08" PRIx64 ")", bits);
            mended = true;
        } else {
            n = 1;
            buf_bytes(out, line + i, 1);
        }
        i += n;
    }
    return mended;
}

bool statement_is_generated(const char *line, size_t len)
{
    /* var"#5#6" and Symbol("#5#6"); no other string begins so. */
    for (size_t i = 0; i + 1 < len; i += line[i] == '"' ? string_length(line + i, len - i) : 1)
        if (line[i] == '"' && line[i + 1] == '#' && i > 0 &&
            (line[i - 1] == 'r' || line[i - 1] == '('))
            return true;
    return false;
}

/* ---- the list ---- */

static struct span statement_at(const struct statements *s, uint64_t number)
{
    uint64_t start = load_uint(s->starts.at + 8 * (number - 1), 8, false);
    uint64_t end =
        8 * number < s->starts.size ? load_uint(s->starts.at + 8 * number, 8, false) : s->text.size;

    return (struct span){s->text.at + start, end - start};
}

/* The place of TEXT in the table: what it holds, or 0 where it would be. */
static uint64_t *find(struct statements *s, struct span text)
{
    uint64_t i = XXH3_64bits(text.at, text.size) & (s->table_size - 1);

    while (s->table[i]) {
        struct span other = statement_at(s, s->table[i]);

        if (other.size == text.size && !memcmp(other.at, text.at, text.size))
            break;
        i = (i + 1) & (s->table_size - 1);
    }
    return &s->table[i];
}

static bool room(struct statements *s)
{
    uint64_t size = s->table_size ? 2 * s->table_size : 1024, *new = NULL;

    if (2 * (s->kept + 1) <= s->table_size)
        return true;
    new = calloc(size, sizeof *new);
    if (!new)
        return false;
    free(s->table);
    s->table = new;
    s->table_size = size;
    for (uint64_t i = 1; i <= s->kept; i++)
        *find(s, statement_at(s, i)) = i;
    return true;
}

/* Keep what was appended to the text from START on, unless it is there
   already; MENDED if it was changed. */
static void keep(struct statements *s, uint64_t start, bool mended)
{
    struct span text = {s->text.at + start, s->text.size - start};
    uint64_t *place = NULL;

    /* First: where it begins, the one before it ends. */
    buf_uint(&s->starts, start, 8);
    if (s->starts.bad)
        return;
    place = find(s, text);
    if (*place) {
        s->doubles++;
        s->text.size = start;
        s->starts.size -= 8;
    } else {
        *place = ++s->kept;
        s->mended += mended;
    }
}

/* A comment behind the statement (") # recompile") does not belong to it. */
static size_t without_comment(const char *line, size_t len)
{
    for (size_t n = len; n > 2 && line[len - 1] != ')'; n--)
        if (!memcmp(line + n - 3, ") #", 3))
            return n - 2;
    return len;
}

/* Nor do blanks around it, and a comment before it ("#= 12 ms =#"); false if
   there is nothing else. */
static bool trim(const char **line, size_t *len)
{
    for (;;) {
        while (*len > 0 && strchr(" \t\r", (*line)[*len - 1]))
            --*len;
        while (*len > 0 && strchr(" \t", **line)) {
            ++*line;
            --*len;
        }
        if (*len > 4 && !memcmp(*line, "#=", 2)) {
            const char *end = memmem(*line + 2, *len - 2, "=#", 2);

            if (!end)
                return false;
            *len -= (size_t)(end + 2 - *line);
            *line = end + 2;
            continue;
        }
        *len = without_comment(*line, *len);
        return *len > 0 && **line != '#';
    }
}

static bool is_statement(const char *line, size_t len)
{
    static const char head[] = "precompile(Tuple{";
    size_t n = sizeof head - 1;

    if (len < n || memcmp(line, head, n) != 0)
        return false;
    for (size_t i = 0; i < len; i++)
        if ((uint8_t)line[i] < 0x20)
            return false;
    return line[len - 1] == ')';
}

static void add_line(struct diag *d, struct statements *s, const char *line, size_t len)
{
    uint64_t start = s->text.size;
    bool mended = false;

    if (!trim(&line, &len))
        return;
    if (!is_statement(line, len)) {
        if (s->strange++ < STRANGE_SHOWN)
            diag_warn(d, "no precompile statement, left out: %.*s", len < 80 ? (int)len : 80, line);
        return;
    }
    if (s->drop_generated && statement_is_generated(line, len)) {
        s->generated++;
        return;
    }
    mended = statement_mend(&s->text, line, len);
    buf_bytes(&s->text, "\n", 1);
    if (s->text.bad)
        return;
    keep(s, start, mended);
}

bool statements_add(struct diag *d, struct statements *s, const char *name, struct span in)
{
    struct where file = {d->where, name, NO_INDEX}, here = {&file, "line", 0};
    uint64_t before = s->strange;
    bool ok = true;

    d->where = &here;
    for (uint64_t at = 0; at < in.size && ok;) {
        const uint8_t *end = memchr(in.at + at, '\n', in.size - at);
        uint64_t len = end ? (uint64_t)(end - in.at) - at : in.size - at;

        here.index++;
        ok = room(s);
        if (ok)
            add_line(d, s, (const char *)in.at + at, len);
        at += len + 1;
    }
    d->where = &file;
    if (s->strange - before > STRANGE_SHOWN)
        diag_warn(d, "and %" PRIu64 " more lines that are no precompile statement",
                  s->strange - before - STRANGE_SHOWN);
    d->where = file.up;
    return (ok && !s->text.bad && !s->starts.bad) || diag_nomem(d);
}

void statements_free(struct statements *s)
{
    buf_free(&s->text);
    buf_free(&s->starts);
    free(s->table);
    s->table = NULL;
}
