/* SPDX-License-Identifier: GPL-3.0-or-later */
/* term.h - text for people: names from files made harmless, numbers made
 * readable, colour where it is wanted. */

#ifndef OBJTOOL_TERM_H
#define OBJTOOL_TERM_H

#include "base/buf.h"

/* How many bytes at S (LEN of them, not 0) are one UTF-8 character as RFC
   3629 allows it, and which in *CODE; 0 if they are none. */
unsigned utf8_char(const char *s, size_t len, uint32_t *code);

/* How many of the LEN bytes at S are printable ASCII and not the backslash,
   up to the first that is not: most of most names. */
size_t plain_run(const char *s, size_t len);

/* Append the LEN bytes at S, whatever they are, as text that only shows:
   control characters, what reorders or hides text, bytes that are no UTF-8
   and the backslash become \xNN, byte for byte, so that it can be undone. */
void term_name(struct buf *out, const char *s, size_t len);
void term_str(struct buf *out, const char *s);

/* Append V in decimal, its digits in groups of three: 1,234,567. */
void term_count(struct buf *out, uint64_t v);

/* Pad with blanks until the line that began at offset START is WIDTH wide. */
void term_pad(struct buf *out, uint64_t start, unsigned width);

enum tint { TINT_NONE, TINT_HEAD, TINT_BAD };

/* True if FD is a terminal that takes colours and NO_COLOR is not set. */
bool term_colours(int fd);

/* Append TEXT in TINT; without colours as it is. */
void term_tint(struct buf *out, bool colours, enum tint tint, const char *text);

#endif
