/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - facts, told once and shown as text for people or as JSON.
 *
 * A fact has a KEY for JSON and a LABEL for text; with KEY NULL it is in
 * the text only, with LABEL NULL in the JSON only. */

#ifndef OBJTOOL_REPORT_H
#define OBJTOOL_REPORT_H

#include "json.h"
#include "term.h"

struct column {
    const char *key, *head;
    uint8_t width; /* in text; the last column may be 0 */
    bool right;    /* aligned to the right */
};

struct report {
    bool as_json, colours;
    struct buf text;
    struct json json;

    /* Beyond so many bytes nothing more is written, and OVER says so: a small
       file may give one long name to all that it has.  0: no limit. */
    uint64_t limit;
    bool over;

    /* The table under way. */
    const struct column *columns;
    unsigned column, column_count;
    bool in_row;
    uint64_t row_start, cell_start;
};

/* Objects and arrays of the JSON; nothing in text. */
void rep_open(struct report *r, const char *key, char bracket);
void rep_close(struct report *r);

/* The line that begins a file in text. */
void rep_heading(struct report *r, const char *name, const char *rest);

/* One fact, a line of its own in text. */
void rep_str(struct report *r, const char *key, const char *label, const char *s);
void rep_num(struct report *r, const char *key, const char *label, uint64_t v);
void rep_hex(struct report *r, const char *key, const char *label, uint64_t v);
void rep_flag(struct report *r, const char *key, bool v);

/* Begin a line of text with LABEL (NULL: go on below the last), to be filled
   in by hand and ended with rep_end_line().  In JSON mode what is written is
   thrown away. */
struct buf *rep_line(struct report *r, const char *label);
void rep_end_line(struct report *r);

/* A table: an array of objects in JSON, one per row.  Cells come in the order
   of the columns. */
void rep_table(struct report *r, const char *key, const char *title, const struct column *columns,
               unsigned count);
void rep_row(struct report *r);
void rep_cell(struct report *r, const char *s); /* NULL: empty, absent in JSON */
void rep_cell_num(struct report *r, uint64_t v);
void rep_cell_hex(struct report *r, uint64_t v);
void rep_cell_int(struct report *r, int64_t v);
void rep_table_end(struct report *r);

void rep_free(struct report *r);

#endif
