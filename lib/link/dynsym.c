/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dynsym.c - what the dynamic linker sees: .dynsym, its hash tables, and the
 * versions that are defined and needed. */

#include "elf/put.h"
#include "link/link.h"

#include <inttypes.h>
#include <stdlib.h>

uint32_t elf_hash(const char *name)
{
    uint32_t h = 0;

    for (const uint8_t *p = (const uint8_t *)name; *p; p++) {
        h = (h << 4) + *p;
        h ^= h >> 24 & 0xf0;
        h &= 0x0fffffff;
    }
    return h;
}

static uint32_t gnu_hash(const char *name, size_t len)
{
    uint32_t h = 5381;

    for (size_t i = 0; i < len; i++)
        h = h * 33 + (uint8_t)name[i];
    return h;
}

/* ---- who is in it ---- */

static bool add_symbol(struct link *l, struct lsym *s)
{
    if (!arena_grow(&l->arena, (void **)&l->dynsyms, l->dynsym_count, &l->dynsym_cap,
                    sizeof(struct lsym *)))
        return diag_nomem(l->d);
    l->dynsyms[l->dynsym_count++] = s;
    return true;
}

static bool in_dead_section(const struct lsym *s)
{
    const struct lsec *sec = lsym_section(s);

    return sec && !sec->live && !sec->into;
}

static bool collect(struct link *l)
{
    if (!add_symbol(l, NULL))
        return false;
    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];

        if (!lsym_defined(s) && (atomic_load(&s->needs) & NEED_DYNSYM) && !add_symbol(l, s))
            return false;
    }
    l->dynsym_first_hashed = l->dynsym_count;
    for (uint64_t i = 0; i < l->global_count; i++) {
        struct lsym *s = l->globals[i];

        if (lsym_defined(s) && s->exported && !in_dead_section(s) && !add_symbol(l, s))
            return false;
    }
    return true;
}

/* ---- .gnu.hash ---- */

struct hashed {
    struct lsym *s;
    uint32_t hash, bucket;
    uint64_t seq;
};

static int by_bucket(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;

    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Words of the Bloom filter: about 12 bits for each symbol. */
static uint32_t bloom_words(uint64_t symbols)
{
    uint32_t n = 1;

    while ((uint64_t)n * 64 < symbols * 12)
        n *= 2;
    return n;
}

/* Sort the defined symbols by bucket, as the table demands, and build it. */
static bool make_gnu_hash(struct link *l)
{
    enum { SHIFT = 26 };
    uint64_t first = l->dynsym_first_hashed, count = l->dynsym_count - first;
    uint32_t buckets = (uint32_t)(count / 4 + 1), words = bloom_words(count);
    struct hashed *h = calloc(count + 1, sizeof *h);
    struct lsec *sec = link_new_section(l, ".gnu.hash", SHT_GNU_HASH, SHF_ALLOC, 3);
    uint8_t *p = NULL, *bloom = NULL, *bucket = NULL, *chain = NULL;

    l->made[MADE_GNU_HASH] = sec;
    sec->size = 16 + (uint64_t)words * 8 + (uint64_t)buckets * 4 + count * 4;
    sec->data = p = arena_alloc(&l->arena, 1, sec->size);
    if (!h || !p) {
        free(h);
        return diag_nomem(l->d);
    }
    for (uint64_t i = 0; i < count; i++) {
        struct lsym *s = l->dynsyms[first + i];
        uint32_t hash = gnu_hash(s->name, s->base);

        h[i] = (struct hashed){s, hash, hash % buckets, i};
    }
    qsort(h, count, sizeof *h, by_bucket);
    bloom = p + 16;
    bucket = bloom + (uint64_t)words * 8;
    chain = bucket + (uint64_t)buckets * 4;
    store_uint(p, 4, false, buckets);
    store_uint(p + 4, 4, false, first);
    store_uint(p + 8, 4, false, words);
    store_uint(p + 12, 4, false, SHIFT);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t *word = bloom + h[i].hash / 64 % words * 8;
        bool last = i + 1 == count || h[i + 1].bucket != h[i].bucket;

        l->dynsyms[first + i] = h[i].s;
        store_uint(word, 8, false,
                   load_uint(word, 8, false) | UINT64_C(1) << h[i].hash % 64 |
                       UINT64_C(1) << (h[i].hash >> SHIFT) % 64);
        if (i == 0 || h[i - 1].bucket != h[i].bucket)
            store_uint(bucket + (uint64_t)h[i].bucket * 4, 4, false, first + i);
        store_uint(chain + i * 4, 4, false, (h[i].hash & ~1u) | last);
    }
    free(h);
    return true;
}

static bool make_sysv_hash(struct link *l)
{
    struct lsec *sec = link_new_section(l, ".hash", SHT_HASH, SHF_ALLOC, 3);
    uint64_t count = l->dynsym_count, buckets = count / 2 + 1;
    uint8_t *p = NULL;

    l->made[MADE_HASH] = sec;
    l->objs[0]->o.sections[sec->index].entsize = 4;
    sec->size = 8 + buckets * 4 + count * 4;
    if (!(sec->data = p = arena_alloc(&l->arena, 1, sec->size)))
        return diag_nomem(l->d);
    store_uint(p, 4, false, buckets);
    store_uint(p + 4, 4, false, count);
    for (uint64_t i = 1; i < count; i++) {
        char *name = arena_strndup(&l->arena, l->dynsyms[i]->name, l->dynsyms[i]->base);
        uint8_t *bucket = NULL, *chain = p + 8 + buckets * 4 + i * 4;

        if (!name)
            return diag_nomem(l->d);
        bucket = p + 8 + elf_hash(name) % buckets * 4;
        store_uint(chain, 4, false, load_uint(bucket, 4, false));
        store_uint(bucket, 4, false, i);
    }
    return true;
}

/* ---- versions ---- */

struct need {
    struct lobj *lib;
    const char *version;
    uint32_t next; /* need of the same library, 0 for the last */
    uint16_t index;
};

struct versions {
    struct link *l;
    struct need *needs; /* [0] is unused */
    uint64_t count, cap;
    uint32_t *first; /* by library: its first need */
    uint16_t next_index;
};

static const char *shared_version(const struct lsym *s)
{
    const struct symbol *sym = lsym_symbol(s);
    const struct object *o = &s->obj->o;

    return s->state == SYM_SHARED && sym->version > VER_NDX_GLOBAL &&
                   sym->version < o->version_count
               ? o->versions[sym->version]
               : NULL;
}

/* The number of VERSION of library LIB, a new one if it is new; 0 without memory. */
static uint16_t add_need(struct versions *v, struct lobj *lib, const char *version)
{
    uint32_t *at = &v->first[lib->order];

    for (; *at; at = &v->needs[*at].next)
        if (!strcmp(v->needs[*at].version, version))
            return v->needs[*at].index;
    *at = (uint32_t)v->count;
    if (!arena_grow(&v->l->arena, (void **)&v->needs, v->count, &v->cap, sizeof *v->needs)) {
        diag_nomem(v->l->d);
        return 0;
    }
    v->needs[v->count++] = (struct need){lib, version, 0, v->next_index};
    return v->next_index++;
}

/* glibc refuses DT_RELR in an image that does not need this version. */
static bool need_relr_version(struct versions *v)
{
    struct link *l = v->l;
    struct lobj *libc = NULL;

    for (uint64_t i = 0; i < l->lib_count; i++)
        if (!strcmp(l->libs[i]->o.soname, "libc.so.6"))
            libc = l->libs[i];
    if (!libc) {
        /* Nobody asked for libc, but every process that knows DT_RELR has it. */
        uint32_t *first = arena_alloc(&l->arena, l->lib_count + 1, sizeof *first);

        libc = arena_alloc(&l->arena, 1, sizeof *libc);
        if (!libc || !first ||
            !arena_grow(&l->arena, (void **)&l->libs, l->lib_count, &l->lib_cap,
                        sizeof(struct lobj *)))
            return diag_nomem(l->d);
        memcpy(first, v->first, l->lib_count * sizeof *first);
        v->first = first;
        libc->o.name = libc->o.soname = "libc.so.6";
        libc->needed = true;
        libc->order = (uint32_t)l->lib_count;
        l->libs[l->lib_count++] = libc;
    }
    return add_need(v, libc, "GLIBC_ABI_DT_RELR") != 0;
}

static bool make_verneed(struct versions *v)
{
    struct link *l = v->l;
    struct lsec *sec = link_new_section(l, ".gnu.version_r", SHT_GNU_VERNEED, SHF_ALLOC, 3);
    struct buf out = {0};
    uint32_t libs = 0, done = 0;

    for (uint64_t i = 0; i < l->lib_count; i++)
        libs += v->first[i] != 0;
    for (uint64_t i = 0; i < l->lib_count; i++) {
        uint32_t count = 0;

        for (uint32_t n = v->first[i]; n; n = v->needs[n].next)
            count++;
        if (!count)
            continue;
        buf_uint(&out, 1, 2);
        buf_uint(&out, count, 2);
        buf_uint(&out, strtab_add(&l->dynstr, l->libs[i]->o.soname), 4);
        buf_uint(&out, 16, 4);
        buf_uint(&out, ++done == libs ? 0 : 16 + 16 * count, 4);
        for (uint32_t n = v->first[i]; n; n = v->needs[n].next) {
            buf_uint(&out, elf_hash(v->needs[n].version), 4);
            buf_uint(&out, 0, 2);
            buf_uint(&out, v->needs[n].index, 2);
            buf_uint(&out, strtab_add(&l->dynstr, v->needs[n].version), 4);
            buf_uint(&out, v->needs[n].next ? 16 : 0, 4);
        }
    }
    sec->data = out.at;
    sec->size = out.size;
    l->objs[0]->o.sections[sec->index].entsize = 0;
    l->made[MADE_VERNEED] = sec;
    l->verneed_count = libs;
    return link_own(l, out.at) && (!out.bad || diag_nomem(l->d));
}

static bool make_verdef(struct link *l)
{
    const struct version_script *v = l->opt->version_script;
    struct lsec *sec = link_new_section(l, ".gnu.version_d", SHT_GNU_VERDEF, SHF_ALLOC, 3);
    const char *slash = strrchr(l->opt->output, '/');
    const char *base = l->opt->soname ? l->opt->soname : slash ? slash + 1 : l->opt->output;
    struct buf out = {0};
    uint32_t named = 0, done = 0;

    for (uint32_t i = 0; i < v->node_count; i++)
        named += *v->nodes[i].name != 0;
    for (uint32_t i = 0; i <= v->node_count; i++) {
        const struct version_node *n = i ? &v->nodes[i - 1] : NULL;
        const char *name = n ? n->name : base;
        uint32_t count = n ? 1 + n->parent_count : 1;

        if (n && !*n->name)
            continue;
        buf_uint(&out, 1, 2);
        buf_uint(&out, n ? 0 : VER_FLG_BASE, 2);
        buf_uint(&out, n ? n->index : VER_NDX_GLOBAL, 2);
        buf_uint(&out, count, 2);
        buf_uint(&out, elf_hash(name), 4);
        buf_uint(&out, 20, 4);
        buf_uint(&out, done++ == named ? 0 : 20 + 8 * count, 4);
        buf_uint(&out, strtab_add(&l->dynstr, name), 4);
        buf_uint(&out, count > 1 ? 8 : 0, 4);
        for (uint32_t k = 1; k < count; k++) {
            const char *parent = "";

            for (uint32_t m = 0; m < v->node_count; m++)
                if (v->nodes[m].index == n->parents[k - 1])
                    parent = v->nodes[m].name;
            buf_uint(&out, strtab_add(&l->dynstr, parent), 4);
            buf_uint(&out, k + 1 < count ? 8 : 0, 4);
        }
    }
    sec->data = out.at;
    sec->size = out.size;
    l->made[MADE_VERDEF] = sec;
    l->verdef_count = named + 1;
    return link_own(l, out.at) && (!out.bad || diag_nomem(l->d));
}

static bool make_versions(struct link *l)
{
    const struct version_script *script = l->opt->version_script;
    struct versions v = {.l = l, .count = 1, .next_index = 2};
    bool defines = false;
    struct lsec *sec = NULL;
    uint8_t *p = arena_alloc(&l->arena, l->dynsym_count, 2);

    v.first = arena_alloc(&l->arena, l->lib_count + 1, sizeof *v.first);
    if (!p || !v.first ||
        !arena_grow(&l->arena, (void **)&v.needs, 0, &v.cap, sizeof *v.needs))
        return diag_nomem(l->d);
    for (uint32_t i = 0; script && i < script->node_count; i++)
        if (*script->nodes[i].name) {
            defines = true;
            if (script->nodes[i].index >= v.next_index)
                v.next_index = (uint16_t)(script->nodes[i].index + 1);
        }
    for (uint64_t i = 1; i < l->dynsym_count; i++) {
        struct lsym *s = l->dynsyms[i];
        const char *version = shared_version(s);
        uint16_t index = lsym_defined(s) ? s->version : VER_NDX_GLOBAL;

        if (version && !(index = add_need(&v, s->obj, version)))
            return false;
        store_uint(p + 2 * i, 2, false, index);
    }
    if (l->made[MADE_RELR] && !need_relr_version(&v))
        return false;
    if (v.count == 1 && !defines)
        return true;
    sec = link_new_section(l, ".gnu.version", SHT_GNU_VERSYM, SHF_ALLOC, 1);
    sec->data = p;
    sec->size = 2 * l->dynsym_count;
    l->objs[0]->o.sections[sec->index].entsize = 2;
    l->made[MADE_VERSYM] = sec;
    return (!defines || make_verdef(l)) && (v.count == 1 || make_verneed(&v));
}

/* ---- the table ---- */

bool link_make_dynsym(struct link *l)
{
    struct lsec *dynsym = link_new_section(l, ".dynsym", SHT_DYNSYM, SHF_ALLOC, 3);

    l->made[MADE_DYNSYM] = dynsym;
    l->made[MADE_DYNSTR] = link_new_section(l, ".dynstr", SHT_STRTAB, SHF_ALLOC, 0);
    strtab_add(&l->dynstr, "");
    if (!collect(l) || ((l->opt->hash_style & HASH_GNU) && !make_gnu_hash(l)))
        return false;
    for (uint64_t i = 1; i < l->dynsym_count; i++) {
        l->dynsyms[i]->dynsym = (uint32_t)i;
        strtab_addn(&l->dynstr, l->dynsyms[i]->name, l->dynsyms[i]->base);
    }
    dynsym->size = l->dynsym_count * SYM64_SIZE;
    l->objs[0]->o.sections[dynsym->index].entsize = SYM64_SIZE;
    if (!(dynsym->data = arena_alloc(&l->arena, 1, dynsym->size)))
        return diag_nomem(l->d);
    return (!(l->opt->hash_style & HASH_SYSV) || make_sysv_hash(l)) && make_versions(l);
}

bool link_fill_dynsym(struct link *l, struct diag *d)
{
    uint8_t *p = l->made[MADE_DYNSYM]->data;

    for (uint64_t i = 1; i < l->dynsym_count; i++) {
        const struct lsym *s = l->dynsyms[i];
        const struct symbol *sym = lsym_symbol(s);
        bool defined = lsym_defined(s);
        uint8_t info = lsym_info(s);
        uint64_t value = !defined           ? 0
                         : (info & 15) == STT_TLS ? s->addr - l->tls_addr
                                           : s->addr;
        uint32_t index = defined ? lsym_header(l, s) : SHN_UNDEF;

        if (index >= SHN_LORESERVE && index != SECTION_ABS)
            return diag_fail(d, E_UNSUPPORTED,
                             "%s: exported symbol `%s' would be in section %" PRIu32
                             ", beyond what .dynsym can say",
                             l->opt->output, s->name, index);
        p += SYM64_SIZE;
        elf_store_sym(p, &(struct elf_sym){
                             .name = strtab_addn(&l->dynstr, s->name, s->base),
                             .info = info,
                             .other = (uint8_t)(defined ? s->visibility | (sym->other & ~3) : 0),
                             .shndx = index == SECTION_ABS ? SHN_ABS : (uint16_t)index,
                             .value = value,
                             .size = defined ? sym->size : 0,
                         });
    }
    return !l->dynstr.out.bad || diag_nomem(d);
}
