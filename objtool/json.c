/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.c - brackets and commas here, values by jansson. */

#include "json.h"

#include "term.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* Of objects this deep, each member has a line: a file, its summary. */
enum { LINE_DEPTH = 2 };

static int append(const char *text, size_t len, void *out)
{
    buf_bytes(out, text, len);
    return ((struct buf *)out)->bad ? -1 : 0;
}

/* Write VALUE, which may be NULL if it could not be made, and let go of it. */
static void put_value(struct json *j, json_t *value)
{
    size_t how = JSON_ENCODE_ANY | JSON_ENSURE_ASCII;

    if (!value || json_dump_callback(value, append, &j->out, how) != 0)
        j->out.bad = true;
    json_decref(value);
}

static void put_key(struct json *j, const char *key)
{
    bool *more = &j->more[j->depth];

    if (*more)
        buf_bytes(&j->out, ",", 1);
    /* A line for each element, and for what is said of a file: a row of a
       table fits on one. */
    if (j->depth > 0 && (!key || j->depth <= LINE_DEPTH))
        buf_bytes(&j->out, "\n", 1);
    *more = true;
    if (key) {
        put_value(j, json_string(key));
        buf_bytes(&j->out, ":", 1);
    }
}

void json_open(struct json *j, const char *key, char bracket)
{
    put_key(j, key);
    buf_bytes(&j->out, &bracket, 1);
    if (j->depth + 1 >= JSON_DEPTH) {
        j->out.bad = true;
        return;
    }
    j->close[j->depth++] = bracket == '{' ? '}' : ']';
    j->more[j->depth] = false;
}

void json_close(struct json *j)
{
    if (j->depth == 0) {
        j->out.bad = true;
        return;
    }
    j->depth--;
    buf_bytes(&j->out, &j->close[j->depth], 1);
}

/* S as valid UTF-8, reversibly. */
static void escape(struct buf *out, const char *s, size_t len)
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
        if (n > 0 && c != '\\')
            buf_bytes(out, s, n);
        else
            buf_printf(out, "\\x%02x", (uint8_t)s[0]);
        n = n ? n : 1;
        s += n;
        len -= n;
    }
}

void json_text(struct json *j, const char *key, const char *s, size_t len)
{
    struct buf text = {0};

    escape(&text, s, len);
    put_key(j, key);
    put_value(j, text.bad ? NULL : json_stringn(text.at ? (const char *)text.at : "", text.size));
    buf_free(&text);
}

void json_str(struct json *j, const char *key, const char *s)
{
    if (s)
        json_text(j, key, s, strlen(s));
}

void json_num(struct json *j, const char *key, uint64_t v)
{
    if (v >> 53) {
        json_hex(j, key, v);
        return;
    }
    put_key(j, key);
    put_value(j, json_integer((json_int_t)v));
}

void json_int(struct json *j, const char *key, int64_t v)
{
    put_key(j, key);
    put_value(j, json_integer(v));
}

void json_hex(struct json *j, const char *key, uint64_t v)
{
    char text[24];

    snprintf(text, sizeof text, "0x%" PRIx64, v);
    json_str(j, key, text);
}

void json_flag(struct json *j, const char *key, bool v)
{
    put_key(j, key);
    put_value(j, json_boolean(v));
}

void json_splice(struct json *j, const char *key, const struct json *one)
{
    put_key(j, key);
    buf_bytes(&j->out, one->out.at, one->out.size);
    j->out.bad = j->out.bad || !json_done(one);
}

bool json_done(const struct json *j) { return !j->out.bad && j->depth == 0; }

void json_free(struct json *j)
{
    buf_free(&j->out);
    *j = (struct json){0};
}
