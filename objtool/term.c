/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term.c - escape, group digits, colour. */

#include "term.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

unsigned utf8_char(const char *s, size_t len, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t lead = (uint8_t)s[0];
    unsigned n = lead < 0x80   ? 1
                 : lead < 0xc0 ? 0
                 : lead < 0xe0 ? 2
                 : lead < 0xf0 ? 3
                 : lead < 0xf8 ? 4
                               : 0;
    uint32_t v = n == 1 ? lead : lead & (0x7fu >> n);

    if (n == 0 || n > len)
        return 0;
    for (unsigned i = 1; i < n; i++) {
        if (((uint8_t)s[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | ((uint8_t)s[i] & 0x3f);
    }
    if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return 0;
    *code = v;
    return n;
}

/* Characters that a terminal obeys, or that make text look like other text. */
static bool is_harmful(uint32_t c)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0, 0x1f},           /* C0 controls */
        {'\\', '\\'},        /* our own escape */
        {0x7f, 0x9f},        /* DEL and the C1 controls */
        {0xad, 0xad},        /* soft hyphen */
        {0x61c, 0x61c},      /* Arabic letter mark */
        {0x180e, 0x180e},    /* Mongolian vowel separator */
        {0x200b, 0x200f},    /* zero width, direction marks */
        {0x2028, 0x202e},    /* line and paragraph separators, embeddings */
        {0x2060, 0x206f},    /* invisible operators, isolates */
        {0xfe00, 0xfe0f},    /* variation selectors */
        {0xfeff, 0xfeff},    /* byte order mark */
        {0xfff0, 0xffff},    /* interlinear marks, noncharacters */
        {0xe0000, 0x10ffff}, /* tags, private planes */
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}

size_t plain_run(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '\\')
        n++;
    return n;
}

void term_name(struct buf *out, const char *s, size_t len)
{
    while (len > 0) {
        uint32_t c = 0;
        size_t plain = plain_run(s, len);
        unsigned n = 0;

        buf_bytes(out, s, plain);
        s += plain;
        len -= plain;
        if (len == 0)
            return;
        n = utf8_char(s, len, &c);
        if (n > 0 && !is_harmful(c)) {
            buf_bytes(out, s, n);
        } else {
            n = n ? n : 1;
            for (unsigned i = 0; i < n; i++)
                buf_printf(out, "\\x%02x", (uint8_t)s[i]);
        }
        s += n;
        len -= n;
    }
}

void term_str(struct buf *out, const char *s) { term_name(out, s, strlen(s)); }

void term_count(struct buf *out, uint64_t v)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)v);

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            buf_bytes(out, ",", 1);
        buf_bytes(out, &digits[i], 1);
    }
}

void term_pad(struct buf *out, uint64_t start, unsigned width)
{
    static const char blanks[] = "                                                ";
    uint64_t used = out->size - start, n = used < width ? width - used : 1;

    while (n > 0) {
        uint64_t part = n < sizeof blanks - 1 ? n : sizeof blanks - 1;

        buf_bytes(out, blanks, part);
        n -= part;
    }
}

bool term_colours(int fd)
{
    const char *no = getenv("NO_COLOR"), *kind = getenv("TERM");

    return isatty(fd) && !(no && *no) && kind && *kind && strcmp(kind, "dumb") != 0;
}

void term_tint(struct buf *out, bool colours, enum tint tint, const char *text)
{
    static const char *const start[] = {"", "\033[1m", "\033[31m"};

    if (colours)
        buf_printf(out, "%s%s%s", start[tint], text, tint ? "\033[0m" : "");
    else
        buf_bytes(out, text, strlen(text));
}
