/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.h - JSON that is valid whatever the input was.
 *
 * Values are encoded by jansson, all in ASCII, so that the text does a
 * terminal no harm either.  Objects and arrays are written as they
 * come, since a list of a file's symbols may have millions of rows.  KEY is
 * NULL for the elements of an array.  The text grows in OUT; if something
 * failed it is marked bad and must not be shown. */

#ifndef OBJTOOL_JSON_H
#define OBJTOOL_JSON_H

#include "base/buf.h"

enum { JSON_DEPTH = 16 };

struct json {
    struct buf out;
    unsigned depth;
    bool more[JSON_DEPTH]; /* by depth: something was written here already */
    char close[JSON_DEPTH];
};

void json_open(struct json *j, const char *key, char bracket); /* '{' or '[' */
void json_close(struct json *j);

/* A string of any bytes.  What is no UTF-8 and the backslash are written as
   \xNN (so a JSON text has "\\xNN"), which can be undone. */
void json_text(struct json *j, const char *key, const char *s, size_t len);
void json_str(struct json *j, const char *key, const char *s); /* nothing if S is NULL */

/* A number; above 2^53 - 1, which not every reader keeps exact, as a
   hexadecimal string. */
void json_num(struct json *j, const char *key, uint64_t v);
void json_int(struct json *j, const char *key, int64_t v);
/* An address or a set of flags: "0x1f". */
void json_hex(struct json *j, const char *key, uint64_t v);
void json_flag(struct json *j, const char *key, bool v);

/* The finished text of ONE, as an element or member. */
void json_splice(struct json *j, const char *key, const struct json *one);

/* The text is complete: every bracket is closed and memory sufficed. */
bool json_done(const struct json *j);
void json_free(struct json *j);

#endif
