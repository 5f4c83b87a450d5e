/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leb.h - LEB128, numbers of variable length (DWARF 5, 7.6). */

#ifndef MACHO_LEB_H
#define MACHO_LEB_H

#include "base/buf.h"

/* An unsigned or signed number; C is bad if it has more than 64 bits. */
uint64_t cur_uleb(struct cursor *c);
int64_t cur_sleb(struct cursor *c);

void put_uleb(struct buf *b, uint64_t v);
void put_sleb(struct buf *b, int64_t v);

#endif
