/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resources.c - a tree of resources, walked. */

#include "coff/resources.h"

#include <inttypes.h>
#include <stdio.h>

#define LEADS_ON UINT32_C(0x80000000) /* to a directory; of a key: to text */

struct walk {
    struct diag *d;
    struct span tree;
    uint64_t left; /* entries that the tree has room for: if directories share them, the tree was
                      made to waste time */
    struct coff_resource r;
    bool (*each)(void *arg, const struct coff_resource *r);
    void *arg;
};

static uint32_t u32(const uint8_t *p) { return (uint32_t)load_uint(p, 4, false); }

static bool bad(struct walk *w, uint32_t at, const char *what)
{
    return diag_fail(w->d, E_FORMAT, "resources: entry at 0x%" PRIx32 ": %s", at, what);
}

static bool read_key(struct walk *w, uint32_t at, uint32_t value, bool named,
                     struct coff_resource_key *out)
{
    uint64_t text = value & ~LEADS_ON;
    struct span size;

    *out = (struct coff_resource_key){.named = named, .id = named ? 0 : value};
    if (named != (value >= LEADS_ON))
        return bad(w, at, named ? "a number among the names" : "a name among the numbers");
    if (!named)
        return true;
    return (span_sub(w->tree, text, 2, &size) &&
            span_sub(w->tree, text + 2, 2 * load_uint(size.at, 2, false), &out->text)) ||
           bad(w, at, "its name is not inside the tree");
}

static bool read_leaf(struct walk *w, uint32_t at, uint32_t to)
{
    struct span entry;

    if (!span_sub(w->tree, to, RESOURCE_DATA_SIZE, &entry))
        return bad(w, at, "its data entry is not inside the tree");
    w->r.entry = to;
    w->r.address = u32(entry.at);
    w->r.size = u32(entry.at + 4);
    w->r.codepage = u32(entry.at + 8);
    return w->each(w->arg, &w->r);
}

/* LEVEL ends the recursion: Windows has three, and no more. */
static bool walk_directory(struct walk *w, uint32_t at, unsigned level)
{
    uint64_t named = 0, count = 0;
    struct span head, entries;

    if (!span_sub(w->tree, at, RESOURCE_DIRECTORY_SIZE, &head))
        return diag_fail(w->d, E_FORMAT,
                         "resources: directory at 0x%" PRIx32 " is not inside the tree (0x%" PRIx64
                         " bytes)",
                         at, w->tree.size);
    named = load_uint(head.at + 12, 2, false);
    count = named + load_uint(head.at + 14, 2, false);
    if (!span_sub(w->tree, at + (uint64_t)RESOURCE_DIRECTORY_SIZE, count * RESOURCE_ENTRY_SIZE,
                  &entries))
        return diag_fail(w->d, E_FORMAT,
                         "resources: directory at 0x%" PRIx32 ": %" PRIu64
                         " entries are not inside the tree (0x%" PRIx64 " bytes)",
                         at, count, w->tree.size);
    if (count > w->left)
        return diag_fail(w->d, E_FORMAT, "resources: directories share their entries");
    w->left -= count;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *p = entries.at + i * RESOURCE_ENTRY_SIZE;
        uint32_t here = (uint32_t)(p - w->tree.at), to = u32(p + 4);

        if (!read_key(w, here, u32(p), i < named, &w->r.key[level]))
            return false;
        if ((level == RESOURCE_LANGUAGE) == (to >= LEADS_ON))
            return bad(w, here,
                       level == RESOURCE_LANGUAGE ? "leads on behind the language"
                                                  : "there is data in front of the language");
        if (to >= LEADS_ON ? !walk_directory(w, to & ~LEADS_ON, level + 1)
                           : !read_leaf(w, here, to))
            return false;
    }
    return true;
}

bool coff_each_resource(struct diag *d, struct span tree,
                        bool (*each)(void *arg, const struct coff_resource *r), void *arg)
{
    struct walk w = {
        .d = d, .tree = tree, .left = tree.size / RESOURCE_ENTRY_SIZE, .each = each, .arg = arg};

    return walk_directory(&w, 0, RESOURCE_TYPE);
}

int coff_compare_keys(const struct coff_resource_key *a, const struct coff_resource_key *b)
{
    if (a->named != b->named)
        return a->named ? -1 : 1;
    for (uint64_t i = 0; i + 2 <= a->text.size && i + 2 <= b->text.size; i += 2) {
        uint64_t x = load_uint(a->text.at + i, 2, false), y = load_uint(b->text.at + i, 2, false);

        if (x != y)
            return x < y ? -1 : 1;
    }
    if (a->text.size != b->text.size)
        return a->text.size < b->text.size ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

const char *coff_resource_name(const struct coff_resource *r, char out[RESOURCE_NAME_TEXT])
{
    static const char *const levels[] = {"type", "name", "language"};
    enum { MOST = 24, ROOM = 48 };
    size_t len = 0;

    for (unsigned level = 0; level < RESOURCE_LEVELS; level++) {
        const struct coff_resource_key *k = &r->key[level];
        char text[MOST + 4];
        uint64_t n = 0;

        for (; n < MOST && 2 * n < k->text.size; n++) {
            uint64_t c = load_uint(k->text.at + 2 * n, 2, false);

            text[n] = c >= ' ' && c < 0x7f ? (char)c : '?';
        }
        snprintf(text + n, sizeof text - n, "%s", 2 * n < k->text.size ? "..." : "");
        if (!k->named)
            snprintf(text, sizeof text, "%" PRIu32, k->id);
        len += (size_t)snprintf(out + len, ROOM, "%s%s %s", level ? ", " : "", levels[level], text);
    }
    return out;
}
