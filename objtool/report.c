/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - one telling, two renderings. */

#include "report.h"

#include <inttypes.h>
#include <stdio.h>

enum { LABEL_WIDTH = 17 };

void rep_open(struct report *r, const char *key, char bracket)
{
    if (r->as_json)
        json_open(&r->json, key, bracket);
}

void rep_close(struct report *r)
{
    if (r->as_json)
        json_close(&r->json);
}

void rep_heading(struct report *r, const char *name, const char *rest)
{
    struct buf head = {0};

    if (r->as_json)
        return;
    term_str(&head, name);
    buf_bytes(&head, "", 1);
    r->text.bad = r->text.bad || head.bad;
    if (!head.bad)
        term_tint(&r->text, r->colours, TINT_HEAD, (const char *)head.at);
    buf_free(&head);
    buf_printf(&r->text, ": %s\n", rest);
}

struct buf *rep_line(struct report *r, const char *label)
{
    uint64_t start = r->text.size;

    if (r->as_json)
        return &r->text;
    if (!label) {
        /* Go on with the line before. */
        if (r->text.size > 0 && r->text.at[r->text.size - 1] == '\n')
            r->text.size--;
        return &r->text;
    }
    buf_bytes(&r->text, "  ", 2);
    buf_bytes(&r->text, label, strlen(label));
    term_pad(&r->text, start, LABEL_WIDTH);
    return &r->text;
}

void rep_end_line(struct report *r)
{
    while (r->text.size > 0 && r->text.at[r->text.size - 1] == ' ')
        r->text.size--;
    buf_bytes(&r->text, "\n", 1);
    if (r->as_json)
        r->text.size = 0;
}

/* True if there is room left. */
static bool has_room(struct report *r)
{
    uint64_t size = r->as_json ? r->json.out.size : r->text.size;

    r->over = r->over || (r->limit > 0 && size > r->limit);
    return !r->over;
}

void rep_str(struct report *r, const char *key, const char *label, const char *s)
{
    if (!has_room(r))
        return;
    if (r->as_json && key)
        json_str(&r->json, key, s);
    if (r->as_json || !label || !s)
        return;
    term_str(rep_line(r, label), s);
    rep_end_line(r);
}

void rep_num(struct report *r, const char *key, const char *label, uint64_t v)
{
    if (r->as_json && key)
        json_num(&r->json, key, v);
    if (r->as_json || !label)
        return;
    term_count(rep_line(r, label), v);
    rep_end_line(r);
}

void rep_hex(struct report *r, const char *key, const char *label, uint64_t v)
{
    if (r->as_json && key)
        json_hex(&r->json, key, v);
    if (r->as_json || !label)
        return;
    buf_printf(rep_line(r, label), "0x%" PRIx64, v);
    rep_end_line(r);
}

void rep_flag(struct report *r, const char *key, bool v)
{
    if (r->as_json)
        json_flag(&r->json, key, v);
}

/* Put what was written from r->cell_start on in its column. */
static void end_cell(struct report *r)
{
    const struct column *c = &r->columns[r->column];
    uint64_t used = r->text.size - r->cell_start;
    uint64_t fill = used < c->width ? c->width - used : 0;

    if (c->right && fill > 0 && buf_reserve(&r->text, fill)) {
        memmove(r->text.at + r->cell_start + fill, r->text.at + r->cell_start, used);
        memset(r->text.at + r->cell_start, ' ', fill);
    } else if (!c->right && fill > 0 && r->column + 1 < r->column_count) {
        term_pad(&r->text, r->cell_start, c->width);
    }
    r->column++;
}

static void begin_cell(struct report *r)
{
    buf_bytes(&r->text, "  ", 2);
    r->cell_start = r->text.size;
}

void rep_table(struct report *r, const char *key, const char *title, const struct column *columns,
               unsigned count)
{
    r->columns = columns;
    r->column_count = count;
    r->in_row = false;
    if (r->as_json) {
        json_open(&r->json, key, '[');
        return;
    }
    buf_bytes(&r->text, "\n", 1);
    term_tint(&r->text, r->colours, TINT_HEAD, title);
    buf_bytes(&r->text, "\n", 1);
    r->column = 0;
    while (r->column < count) {
        begin_cell(r);
        buf_bytes(&r->text, columns[r->column].head, strlen(columns[r->column].head));
        end_cell(r);
    }
    rep_end_line(r);
}

static void end_row(struct report *r)
{
    if (r->in_row && r->as_json)
        json_close(&r->json);
    else if (r->in_row)
        rep_end_line(r);
    r->in_row = false;
}

void rep_row(struct report *r)
{
    if (!has_room(r))
        return;
    end_row(r);
    r->column = 0;
    r->in_row = true;
    if (r->as_json)
        json_open(&r->json, NULL, '{');
}

static const char *json_key(struct report *r) { return r->columns[r->column++].key; }

void rep_cell(struct report *r, const char *s)
{
    if (!has_room(r))
        return;
    if (r->as_json) {
        json_str(&r->json, json_key(r), s);
        return;
    }
    begin_cell(r);
    if (s)
        term_str(&r->text, s);
    end_cell(r);
}

void rep_cell_num(struct report *r, uint64_t v)
{
    if (!has_room(r))
        return;
    if (r->as_json) {
        json_num(&r->json, json_key(r), v);
        return;
    }
    begin_cell(r);
    buf_printf(&r->text, "%" PRIu64, v);
    end_cell(r);
}

void rep_cell_int(struct report *r, int64_t v)
{
    if (!has_room(r))
        return;
    if (r->as_json) {
        json_int(&r->json, json_key(r), v);
        return;
    }
    begin_cell(r);
    buf_printf(&r->text, "%" PRId64, v);
    end_cell(r);
}

void rep_cell_hex(struct report *r, uint64_t v)
{
    if (!has_room(r))
        return;
    if (r->as_json) {
        json_hex(&r->json, json_key(r), v);
        return;
    }
    begin_cell(r);
    buf_printf(&r->text, "0x%" PRIx64, v);
    end_cell(r);
}

void rep_table_end(struct report *r)
{
    end_row(r);
    if (r->as_json)
        json_close(&r->json);
}

void rep_free(struct report *r)
{
    buf_free(&r->text);
    json_free(&r->json);
}
