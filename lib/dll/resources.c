/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resources.c - the resources of all objects as one tree (PE specification, 6.9).
 *
 * The trees of windres are in .rsrc, with their data; those of cvtres in .rsrc$01,
 * with data in .rsrc$02.  Like imports they are read for what they say, and made
 * anew. */

#include "coff/resources.h"
#include "dll/dll.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MANIFEST = 24 /* RT_MANIFEST */, OF_PROCESS = 1 /* its name: for the whole process */ };
#define LEADS_ON UINT32_C(0x80000000)
#define MOST_BYTES UINT64_C(0x7fff0000) /* offsets have 31 bits, as an image's have */

struct resource {
    struct coff_resource r;
    const struct lobj *obj;
    struct span data;
    uint64_t order;
};

struct collector {
    struct link *l;
    struct lsec *sec;     /* whose tree is read */
    struct reloc *relocs; /* of SEC, by offset: where the data is */
    uint64_t reloc_count;
    uint64_t seen; /* data entries */
    struct resource *all;
    uint64_t count, cap;
};

/* ---- reading ---- */

static int by_offset(const void *a, const void *b)
{
    const struct reloc *x = a, *y = b;

    return (x->offset > y->offset) - (x->offset < y->offset);
}

static bool read_relocs(struct collector *c)
{
    const struct object *o = &c->sec->obj->o;
    uint64_t count = c->sec->sec->reloc_count;
    struct reloc *all = arena_alloc(&c->l->arena, count, sizeof *all);
    unsigned got = 0;

    if (!all)
        return diag_nomem(c->l->d);
    for (uint64_t first = 0; first < count; first += got)
        if (!o->format->relocs(c->l->d, o, c->sec->index, first, all + first, RELOC_BATCH, &got))
            return false;
    if (count)
        qsort(all, count, sizeof *all, by_offset);
    c->relocs = all;
    c->reloc_count = count;
    return true;
}

/* Where the data of R is: the address that its entry has in the image. */
static bool find_data(struct collector *c, const struct coff_resource *r, struct span *out)
{
    const struct object *o = &c->sec->obj->o;
    const struct reloc key = {.offset = r->entry};
    const struct reloc *found =
        c->reloc_count ? bsearch(&key, c->relocs, c->reloc_count, sizeof key, by_offset) : NULL;
    const struct symbol *s = NULL;
    char name[RESOURCE_NAME_TEXT];

    if (!found || !found->type->field || found->type->from != FROM_IMAGE ||
        found->type->field->bytes != 4)
        return diag_fail(c->l->d, E_FORMAT, "resource %s: no relocation says where its data is",
                         coff_resource_name(r, name));
    s = &o->symbols[found->symbol];
    if (s->section && s->section < o->section_count &&
        span_sub(o->sections[s->section].data, s->value + (uint64_t)found->addend, r->size, out))
        return true;
    return diag_fail(c->l->d, E_FORMAT,
                     "resource %s: its 0x%" PRIx32 " bytes are not inside a section of the object",
                     coff_resource_name(r, name), r->size);
}

static bool add_resource(void *arg, const struct coff_resource *r)
{
    struct collector *c = arg;
    struct resource *out = NULL;

    if (!arena_grow(&c->l->arena, (void **)&c->all, c->count, &c->cap, sizeof *c->all))
        return diag_nomem(c->l->d);
    out = &c->all[c->count];
    *out = (struct resource){.r = *r, .obj = c->sec->obj, .order = c->count};
    c->count++;
    c->seen++;
    return find_data(c, r, &out->data);
}

static bool read_tree(struct collector *c)
{
    struct diag *d = c->l->d;
    struct where object = {d->where, c->sec->obj->o.name, NO_INDEX};
    struct where here = {&object, c->sec->sec->name, NO_INDEX};
    bool ok = false;

    d->where = &here;
    c->seen = 0;
    ok = read_relocs(c) && coff_each_resource(d, c->sec->sec->data, add_resource, c);
    /* A linker's -r puts one tree behind the other. */
    if (ok && c->seen < c->reloc_count)
        ok = diag_fail(d, E_UNSUPPORTED,
                       "%" PRIu64 " relocations for the %" PRIu64
                       " resources of the first tree: link the objects that this was made of",
                       c->reloc_count, c->seen);
    d->where = object.up;
    return ok;
}

static bool collect(struct collector *c)
{
    for (uint64_t i = 1; i < c->l->obj_count; i++)
        for (uint32_t n = 1; n < c->l->objs[i]->o.section_count; n++) {
            struct lsec *s = &c->l->objs[i]->secs[n];
            const char *name = s->sec->name;

            if (!s->live || c->l->objs[i]->o.heap || strncmp(name, ".rsrc", 5) != 0 ||
                (name[5] && name[5] != '$'))
                continue;
            s->live = false;
            c->sec = s;
            if ((!name[5] || !strcmp(name + 5, "$01")) && !read_tree(c))
                return false;
        }
    return true;
}

/* ---- one of each ---- */

/* The first level at which A and B differ; RESOURCE_LEVELS: none. */
static unsigned differ(const struct resource *a, const struct resource *b)
{
    unsigned level = 0;

    while (level < RESOURCE_LEVELS && coff_compare_keys(&a->r.key[level], &b->r.key[level]) == 0)
        level++;
    return level;
}

static int by_keys(const void *a, const void *b)
{
    const struct resource *x = a, *y = b;
    unsigned level = differ(x, y);

    if (level < RESOURCE_LEVELS)
        return coff_compare_keys(&x->r.key[level], &y->r.key[level]);
    return (x->order > y->order) - (x->order < y->order);
}

static bool is_id(const struct coff_resource_key *k, uint32_t id)
{
    return !k->named && k->id == id;
}

static bool is_manifest(const struct resource *r)
{
    return is_id(&r->r.key[RESOURCE_TYPE], MANIFEST) && is_id(&r->r.key[RESOURCE_NAME], OF_PROCESS);
}

/* Some compilers bring a manifest of no language, for programs that have none of their
   own: it gives way, and of two such the first stays. */
static bool drop_default_manifest(struct collector *c)
{
    const struct resource *last = NULL;
    uint64_t kept = 0, others = 0;

    for (uint64_t i = 0; i < c->count; i++)
        others += is_manifest(&c->all[i]) && !is_id(&c->all[i].r.key[RESOURCE_LANGUAGE], 0);
    for (uint64_t i = 0; i < c->count; i++) {
        const struct resource *r = &c->all[i];

        if (is_manifest(r) && is_id(&r->r.key[RESOURCE_LANGUAGE], 0) && (others || last))
            continue;
        if (is_manifest(r)) {
            if (last)
                return diag_fail(c->l->d, E_LINK,
                                 "a manifest of language %" PRIu32
                                 " in %s, and one of language %" PRIu32
                                 " in %s: there is one for the whole image",
                                 last->r.key[RESOURCE_LANGUAGE].id, last->obj->o.name,
                                 r->r.key[RESOURCE_LANGUAGE].id, r->obj->o.name);
            last = &c->all[kept];
        }
        c->all[kept++] = *r;
    }
    c->count = kept;
    return true;
}

static bool check_twice(const struct collector *c)
{
    char name[RESOURCE_NAME_TEXT];
    bool ok = true;

    for (uint64_t i = 1; i < c->count; i++)
        if (differ(&c->all[i - 1], &c->all[i]) == RESOURCE_LEVELS)
            ok = diag_fail(c->l->d, E_LINK, "resource %s: is in %s and in %s",
                           coff_resource_name(&c->all[i].r, name), c->all[i - 1].obj->o.name,
                           c->all[i].obj->o.name);
    return ok;
}

/* ---- the tree ---- */

/* Where the parts of the tree begin, and while it is made, what is free of each. */
struct tree {
    const struct resource *all;
    uint8_t *to;
    uint64_t table, entry, text, data, size;
    bool too_many; /* entries for one directory */
};

/* Directories, data entries, text, data. */
static struct tree measure(const struct collector *c)
{
    uint64_t tables = RESOURCE_DIRECTORY_SIZE, text = 0, data = 0;
    struct tree t = {.all = c->all};

    for (uint64_t i = 0; i < c->count; i++) {
        unsigned level = i ? differ(&c->all[i - 1], &c->all[i]) : 0;

        data = align_up(data, 8) + c->all[i].data.size;
        tables += RESOURCE_ENTRY_SIZE;
        for (unsigned n = level; n < RESOURCE_LANGUAGE; n++)
            tables += RESOURCE_ENTRY_SIZE + RESOURCE_DIRECTORY_SIZE;
        for (unsigned n = level; n < RESOURCE_LEVELS; n++)
            text += c->all[i].r.key[n].named ? 2 + c->all[i].r.key[n].text.size : 0;
    }
    t.entry = tables;
    t.text = t.entry + c->count * RESOURCE_DATA_SIZE;
    t.data = align_up(t.text + text, 8);
    t.size = t.data + data;
    return t;
}

static uint64_t put_key(struct tree *t, const struct coff_resource_key *k)
{
    uint64_t at = t->text;

    if (!k->named)
        return k->id;
    store_uint(t->to + at, 2, false, k->text.size / 2);
    if (k->text.size)
        memcpy(t->to + at + 2, k->text.at, k->text.size);
    t->text += 2 + k->text.size;
    return LEADS_ON | at;
}

/* Resource I's data, and where it is: an offset, until there are addresses. */
static uint64_t put_leaf(struct tree *t, const struct resource *r)
{
    uint64_t at = t->entry;

    t->data = align_up(t->data, 8);
    if (r->data.size)
        memcpy(t->to + t->data, r->data.at, r->data.size);
    store_uint(t->to + at, 4, false, t->data);
    store_uint(t->to + at + 4, 4, false, r->data.size);
    store_uint(t->to + at + 8, 4, false, r->r.codepage);
    t->data += r->data.size;
    t->entry += RESOURCE_DATA_SIZE;
    return at;
}

/* The directory of resources FROM to TO, which are the same up to LEVEL. */
static uint64_t put_directory(struct tree *t, unsigned level, uint64_t from, uint64_t to)
{
    uint64_t at = t->table, named = 0, count = 0, row = at + RESOURCE_DIRECTORY_SIZE;

    for (uint64_t i = from; i < to; i++)
        if (i == from || differ(&t->all[i - 1], &t->all[i]) <= level) {
            named += t->all[i].r.key[level].named;
            count++;
        }
    t->too_many = t->too_many || named > UINT16_MAX || count - named > UINT16_MAX;
    store_uint(t->to + at + 12, 2, false, named);
    store_uint(t->to + at + 14, 2, false, count - named);
    t->table += RESOURCE_DIRECTORY_SIZE + count * RESOURCE_ENTRY_SIZE;
    for (uint64_t i = from, end = 0; i < to; i = end, row += RESOURCE_ENTRY_SIZE) {
        for (end = i + 1; end < to && differ(&t->all[end - 1], &t->all[end]) > level; end++)
            ;
        store_uint(t->to + row, 4, false, put_key(t, &t->all[i].r.key[level]));
        store_uint(t->to + row + 4, 4, false,
                   level == RESOURCE_LANGUAGE ? put_leaf(t, &t->all[i])
                                              : LEADS_ON | put_directory(t, level + 1, i, end));
    }
    return at;
}

static bool make_tree(struct collector *c)
{
    struct section section = {.name = ".rsrc", .flags = SEC_ALLOC, .align_log2 = 3};
    struct dll *y = c->l->dll;
    struct tree t = measure(c);

    if (t.size > MOST_BYTES)
        return diag_fail(c->l->d, E_LINK,
                         "0x%" PRIx64 " bytes of resources, 0x%" PRIx64 " are allowed", t.size,
                         MOST_BYTES);
    y->resource_entries = t.entry;
    y->resource_count = c->count;
    section.size = t.size;
    y->resources = link_append_section(c->l, &section);
    if (!(t.to = y->resources->data = arena_alloc(&c->l->arena, t.size, 1)))
        return diag_nomem(c->l->d);
    put_directory(&t, RESOURCE_TYPE, 0, c->count);
    return !t.too_many ||
           diag_fail(c->l->d, E_LINK, "more than 65535 resources of one type, or languages of one");
}

bool dll_make_resources(struct link *l)
{
    struct collector c = {.l = l};

    if (!collect(&c))
        return false;
    if (c.count == 0)
        return true;
    qsort(c.all, c.count, sizeof *c.all, by_keys);
    return drop_default_manifest(&c) && check_twice(&c) && make_tree(&c);
}

void dll_fill_resources(struct link *l)
{
    const struct dll *y = l->dll;

    for (uint64_t i = 0; i < y->resource_count; i++) {
        uint8_t *entry = y->resources->data + y->resource_entries + i * RESOURCE_DATA_SIZE;

        store_uint(entry, 4, false, load_uint(entry, 4, false) + dll_lsec_rva(l, y->resources));
    }
}
