/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sections.c - output sections: their names, kinds and order, and which input
 * section goes where, by the rules of ld's built-in script. */

#include "elf/elf.h"
#include "link/link.h"

#include <stdlib.h>
#include <xxhash.h>

/* Input sections PREFIX and PREFIX.* go to OUT. */
static const struct {
    const char *prefix, *out;
} renames[] = {
    {".text", ".text"},
    {".rodata", ".rodata"},
    {".data.rel.ro", ".data.rel.ro"},
    {".data", ".data"},
    {".bss", ".bss"},
    {".tdata", ".tdata"},
    {".tbss", ".tbss"},
    {".init_array", ".init_array"},
    {".fini_array", ".fini_array"},
    {".preinit_array", ".preinit_array"},
    {".gcc_except_table", ".gcc_except_table"},
    {".ldata", ".ldata"},
    {".lrodata", ".lrodata"},
    {".lbss", ".lbss"},
    {".gnu.linkonce.t", ".text"},
    {".gnu.linkonce.r", ".rodata"},
    {".gnu.linkonce.d", ".data"},
    {".gnu.linkonce.d.rel.ro", ".data.rel.ro"},
    {".gnu.linkonce.b", ".bss"},
    {".gnu.linkonce.td", ".tdata"},
    {".gnu.linkonce.tb", ".tbss"},
    {".gnu.linkonce.wi", ".debug_info"},
};

enum { HUGE = 256 << 20 };

/* In an image beyond the reach of 32-bit distances, a huge section goes where
   large data goes, behind all that code may want to reach: Julia's heap is
   plain .data, and .bss would come behind it.  A distance into it is checked
   like any other. */
static bool is_large(const struct link *l, const struct lsec *s)
{
    if (s->sec->flags & SEC_LARGE)
        return true;
    return l->beyond_reach && s->size >= HUGE && l->machine->number == EM_X86_64 &&
           (s->sec->flags & (SEC_ALLOC | SEC_EXEC | SEC_TLS)) == SEC_ALLOC &&
           s->sec->role == ROLE_PLAIN && !s->relro;
}

static void measure(struct link *l)
{
    uint64_t size = 0;

    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (l->objs[i]->secs[n].live && (l->objs[i]->o.sections[n].flags & SEC_ALLOC) &&
                !l->objs[i]->o.heap) /* heaps lie behind all else in any case */
                size += l->objs[i]->secs[n].size;
    l->beyond_reach = size > INT32_MAX - (64 << 20);
}

static const char *output_name(const struct link *l, const struct lsec *s)
{
    const char *name = s->sec->name;
    size_t best = 0;
    const char *out = name;

    for (size_t i = 0; i < sizeof renames / sizeof *renames; i++) {
        size_t n = 0;

        if (name[0] != '.' || name[1] != renames[i].prefix[1]) /* most are done with here */
            continue;
        n = strlen(renames[i].prefix);
        if (n > best && !strncmp(name, renames[i].prefix, n) && (!name[n] || name[n] == '.')) {
            best = n;
            out = renames[i].out;
        }
    }
    /* Large-model objects call their data .data.*, but flag it. */
    if (is_large(l, s) && best && out[1] != 'l')
        return s->sec->flags & SEC_ZERO ? ".lbss" : s->sec->flags & SEC_WRITE ? ".ldata" : ".lrodata";
    /* A name as in C stays: __start_X and __stop_X are around those alone. */
    return s->relro && *out == '.' ? ".data.rel.ro" : out;
}

static enum rank rank_of(const char *name, uint32_t type, uint64_t flags)
{
    static const char *const relro[] = {".data.rel.ro", ".bss.rel.ro", ".ctors", ".dtors", ".jcr"};

    if (!(flags & SHF_ALLOC))
        return !strncmp(name, ".debug_", 7) ? RANK_DEBUG : RANK_OTHER;
    if (flags & SHF_X86_64_LARGE)
        return type == SHT_NOBITS ? RANK_LARGE_BSS
               : flags & SHF_WRITE ? RANK_LARGE_DATA
                                   : RANK_LARGE_RODATA;
    if (flags & SHF_EXECINSTR)
        return RANK_TEXT;
    if (!strcmp(name, ".sysimage.slots"))
        return RANK_SLOT_MAPS;
    if (!(flags & SHF_WRITE))
        return type == SHT_NOTE ? RANK_NOTE : !strcmp(name, ".eh_frame") ? RANK_EH : RANK_RODATA;
    if (flags & SHF_TLS)
        return type == SHT_NOBITS ? RANK_TBSS : RANK_TDATA;
    if (type == SHT_INIT_ARRAY || type == SHT_FINI_ARRAY || type == SHT_PREINIT_ARRAY)
        return RANK_INIT;
    for (size_t i = 0; i < sizeof relro / sizeof *relro; i++)
        if (!strcmp(name, relro[i]) && type != SHT_NOBITS)
            return RANK_RELRO;
    return type == SHT_NOBITS ? RANK_BSS : RANK_DATA;
}

struct out *link_out(struct link *l, const char *name, uint32_t type, uint64_t flags,
                     enum rank rank)
{
    struct out *o = arena_alloc(&l->arena, 1, sizeof *o);

    if (!o ||
        !arena_grow(&l->arena, (void **)&l->outs, l->out_count, &l->out_cap, sizeof *l->outs)) {
        diag_nomem(l->d);
        return NULL;
    }
    *o = (struct out){.name = name, .type = type, .flags = flags, .rank = rank};
    l->outs[l->out_count++] = o;
    return o;
}

bool out_add(struct link *l, struct out *o, struct lsec *s)
{
    if (!arena_grow(&l->arena, (void **)&o->secs, o->count, &o->cap, sizeof *o->secs))
        return diag_nomem(l->d);
    o->secs[o->count++] = s;
    s->out = o;
    if (s->align_log2 > o->align_log2)
        o->align_log2 = s->align_log2;
    return true;
}

static uint64_t sh_flags(const struct link *l, const struct lsec *s)
{
    uint32_t f = s->sec->flags;

    if (s->late_rights)
        f = (f & ~(uint32_t)SEC_EXEC) | SEC_WRITE;
    return (f & SEC_ALLOC ? SHF_ALLOC : 0u) | (f & SEC_WRITE || s->relro ? SHF_WRITE : 0u) |
           (f & SEC_EXEC ? SHF_EXECINSTR : 0u) | (f & SEC_TLS ? SHF_TLS : 0u) |
           (is_large(l, s) ? (uint64_t)SHF_X86_64_LARGE : 0u);
}

static uint32_t sh_type(const struct lsec *s)
{
    static const uint32_t types[] = {[ROLE_NOTE] = SHT_NOTE,
                                     [ROLE_INIT_ARRAY] = SHT_INIT_ARRAY,
                                     [ROLE_FINI_ARRAY] = SHT_FINI_ARRAY,
                                     [ROLE_PREINIT_ARRAY] = SHT_PREINIT_ARRAY,
                                     [ROLE_META] = SHT_PROGBITS};
    uint32_t type = s->sec->role < sizeof types / sizeof *types ? types[s->sec->role] : 0;

    /* Old assemblers make arrays as plain data; the name decides. */
    if (!type && !strncmp(s->sec->name, ".init_array", 11))
        type = SHT_INIT_ARRAY;
    if (!type && !strncmp(s->sec->name, ".fini_array", 11))
        type = SHT_FINI_ARRAY;
    return type ? type : s->sec->flags & SEC_ZERO ? SHT_NOBITS : SHT_PROGBITS;
}

/* Merge-able debug strings keep their flags, if all of the section is so. */
static void note_merge(struct out *o, const struct lsec *s)
{
    uint64_t flags = s->sec->flags & SEC_ALLOC ? 0
                     : (s->sec->flags & SEC_MERGE ? (uint64_t)SHF_MERGE : 0) |
                           (s->sec->flags & SEC_STRINGS ? (uint64_t)SHF_STRINGS : 0);

    if (o->count == 0) {
        o->flags |= flags;
        o->entsize = s->sec->entsize;
        return;
    }
    if ((o->flags & (SHF_MERGE | SHF_STRINGS)) != flags || o->entsize != s->sec->entsize) {
        o->flags &= ~(uint64_t)(SHF_MERGE | SHF_STRINGS);
        o->entsize = 0;
    }
}

/* Output sections by name and kind; inputs may have thousands of names. */
struct out_table {
    struct out **at;
    uint64_t size, used;
};

/* What keeps sections of one name apart: memory and file, TLS and its
   zeros, near and far. */
static uint64_t out_class(uint64_t flags, uint32_t type)
{
    return (flags & (SHF_ALLOC | SHF_TLS | SHF_X86_64_LARGE)) |
           ((flags & SHF_TLS) && type == SHT_NOBITS ? 1u : 0u);
}

static struct out **table_slot(const struct out_table *t, const char *name, uint64_t class)
{
    uint64_t i = (XXH3_64bits(name, strlen(name)) ^ class) & (t->size - 1);

    while (t->at[i] && (out_class(t->at[i]->flags, t->at[i]->type) != class ||
                        strcmp(t->at[i]->name, name) != 0))
        i = (i + 1) & (t->size - 1);
    return &t->at[i];
}

static bool table_grow(struct link *l, struct out_table *t)
{
    struct out_table bigger = {.size = t->size ? t->size * 2 : 256, .used = t->used};

    if (!(bigger.at = arena_alloc(&l->arena, bigger.size, sizeof(struct out *))))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < t->size; i++)
        if (t->at[i])
            *table_slot(&bigger, t->at[i]->name, out_class(t->at[i]->flags, t->at[i]->type)) =
                t->at[i];
    *t = bigger;
    return true;
}

/* The output section for S, made if it is the first of its kind. */
static struct out *find_out(struct link *l, struct out_table *t, const char *name,
                            const struct lsec *s)
{
    uint64_t flags = sh_flags(l, s);
    uint32_t type = sh_type(s);
    struct out **slot = NULL;
    struct out *o = NULL;

    if (t->used * 2 >= t->size && !table_grow(l, t))
        return NULL;
    slot = table_slot(t, name, out_class(flags, type));
    if (!*slot) {
        *slot = link_out(l, name, type, flags, RANK_OTHER);
        t->used++;
        return *slot;
    }
    o = *slot;
    if (o->type == SHT_NOBITS)
        o->type = type;
    else if (o->type != type && type != SHT_NOBITS)
        o->type = SHT_PROGBITS;
    o->flags |= flags;
    return o;
}

/* ---- order inside a section ---- */

/* ".init_array.123" -> 123; the plain name goes last. */
static uint64_t priority(const char *name)
{
    const char *dot = *name ? strrchr(name + 1, '.') : NULL;
    uint64_t n = 0;

    if (!dot || !dot[1])
        return UINT64_MAX;
    for (const char *p = dot + 1; *p; p++) {
        if (*p < '0' || *p > '9' || n > 1000000)
            return UINT64_MAX;
        n = n * 10 + (uint64_t)(*p - '0');
    }
    return n;
}

/* Cold code first, then start-up, hot and the rest, as ld's script has it:
   what runs together lies together. */
static uint64_t text_order(const char *name)
{
    static const char *const first[] = {".text.unlikely", ".text.exit", ".text.startup",
                                        ".text.hot"};

    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        if (!strncmp(name, first[i], strlen(first[i])) &&
            (!name[strlen(first[i])] || name[strlen(first[i])] == '.'))
            return i;
    return sizeof first / sizeof *first;
}

static uint64_t order_in(const struct out *o, const struct lsec *s)
{
    if (o->type == SHT_INIT_ARRAY || o->type == SHT_FINI_ARRAY)
        return priority(s->sec->name);
    if (o->rank == RANK_TEXT && !strcmp(o->name, ".text"))
        return text_order(s->sec->name);
    /* What has bytes first: the zeros behind take no room in the file. */
    return o->rank == RANK_DATA && (s->sec->flags & SEC_ZERO);
}

struct placed {
    uint64_t order, seq;
    struct lsec *s;
};

static int by_order(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static bool sort_out(struct link *l, struct out *o)
{
    struct placed *p = NULL;
    bool sorted = true;

    for (uint64_t i = 1; sorted && i < o->count; i++)
        sorted = order_in(o, o->secs[i - 1]) <= order_in(o, o->secs[i]);
    if (sorted)
        return true;
    if (!(p = calloc(o->count, sizeof *p)))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < o->count; i++)
        p[i] = (struct placed){order_in(o, o->secs[i]), i, o->secs[i]};
    qsort(p, o->count, sizeof *p, by_order);
    for (uint64_t i = 0; i < o->count; i++)
        o->secs[i] = p[i].s;
    free(p);
    return true;
}

/* ---- link order ---- */

static int by_linked(const void *a, const void *b)
{
    const struct lsec *x = *(struct lsec *const *)a, *y = *(struct lsec *const *)b;
    const struct lsec *p = &x->obj->secs[x->sec->link], *q = &y->obj->secs[y->sec->link];
    uint64_t pr = p->out ? p->out->rank : 0, qr = q->out ? q->out->rank : 0;

    if (p->out != q->out)
        return pr != qr ? (pr < qr ? -1 : 1) : p->out < q->out ? -1 : 1;
    return p->offset < q->offset ? -1 : p->offset > q->offset;
}

/* What does not fit LINK_MAX_SIZE stays there; link_layout() refuses it. */
void out_lay_out(struct out *o)
{
    uint64_t at = 0;

    for (uint64_t i = 0; i < o->count; i++) {
        uint64_t size = o->secs[i]->size < LINK_MAX_SIZE ? o->secs[i]->size : LINK_MAX_SIZE;

        at = align_up(at, UINT64_C(1) << o->secs[i]->align_log2);
        o->secs[i]->offset = at;
        at = at + size < LINK_MAX_SIZE ? at + size : LINK_MAX_SIZE;
    }
    o->size = at;
}

/* Sections flagged SHF_LINK_ORDER stand in the order of what they describe. */
static void sort_linked(struct link *l)
{
    for (uint64_t i = 0; i < l->out_count; i++) {
        struct out *o = l->outs[i];
        bool all = o->count > 0;

        for (uint64_t n = 0; all && n < o->count; n++)
            all = (o->secs[n]->sec->flags & SEC_LINK_ORDER) && o->secs[n]->sec->link;
        if (!all)
            continue;
        qsort(o->secs, o->count, sizeof(struct lsec *), by_linked);
        o->flags |= SHF_LINK_ORDER;
        o->link = o->secs[0]->obj->secs[o->secs[0]->sec->link].out;
        out_lay_out(o);
    }
}

/* ---- all of them ---- */

static int by_rank(const void *a, const void *b)
{
    const struct out *x = *(struct out *const *)a, *y = *(struct out *const *)b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index; /* index: the order made */
}

/* Sections of the linker's own, each alone in its output section.  The note of
   heaps says how far away their table is, so it stands beside it: tools that
   need room for a program header (patchelf) move what comes first in a file. */
static const struct {
    enum made made;
    enum rank rank;
} own[] = {
    {MADE_PROPERTY, RANK_NOTE},     {MADE_BUILD_ID, RANK_NOTE},
    {MADE_HASH, RANK_HASH},         {MADE_GNU_HASH, RANK_HASH},
    {MADE_DYNSYM, RANK_DYNSYM},     {MADE_DYNSTR, RANK_DYNSTR},
    {MADE_VERSYM, RANK_VERSION},    {MADE_VERDEF, RANK_VERSION},
    {MADE_VERNEED, RANK_VERSION},   {MADE_RELA, RANK_RELOCS},
    {MADE_RELR, RANK_RELOCS},       {MADE_RELAPLT, RANK_RELOCS},
    {MADE_HEAP_NOTE, RANK_RODATA},  {MADE_HEAP_TABLE, RANK_RODATA},
    {MADE_EH_FRAME_HDR, RANK_EH},   {MADE_EH_FRAME, RANK_EH},
    {MADE_PLT, RANK_PLT},           {MADE_DYNAMIC, RANK_DYNAMIC},
    {MADE_GOT, RANK_GOT},           {MADE_GOTPLT, RANK_GOTPLT},
    {MADE_SYMTAB, RANK_SYMTAB},     {MADE_SYMTAB_SHNDX, RANK_SYMTAB},
    {MADE_STRTAB, RANK_STRTAB},     {MADE_SHSTRTAB, RANK_SHSTRTAB},
};

static bool is_own(const struct link *l, const struct lsec *s)
{
    for (size_t i = 0; s->obj == l->objs[0] && i < sizeof own / sizeof *own; i++)
        if (l->made[own[i].made] == s)
            return true;
    return false;
}

static bool add_own(struct link *l)
{
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        struct lsec *s = l->made[own[i].made];
        enum rank rank = own[i].rank;
        struct out *o = NULL;

        if (!s)
            continue;
        /* With -z now nothing is written after relocation: .got.plt too is
           read-only then. */
        if (own[i].made == MADE_GOTPLT && l->opt->now)
            rank = RANK_GOTPLT_RELRO;
        if (!(o = link_out(l, s->sec->name, s->sec->type, sh_flags(l, s), rank)) ||
            (own[i].made == MADE_RELA && !link_add_heap_relas(l, o)) || !out_add(l, o, s))
            return false;
        o->entsize = s->sec->entsize;
    }
    return true;
}

static bool add_inputs(struct link *l)
{
    struct out_table table = {0};

    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];
            struct out *o = NULL;

            if (!s->live || s->into || s->fill || is_own(l, s))
                continue;
            if (s->obj->o.heap) {
                /* Each its own, where the heap's address space has it. */
                if (s->size && (!(o = link_out(l, s->sec->name, sh_type(s), sh_flags(l, s),
                                               RANK_HEAP)) ||
                                !out_add(l, o, s)))
                    return false;
                if (o)
                    o->heap = s->obj;
                continue;
            }
            if (!(o = find_out(l, &table, output_name(l, s), s)))
                return false;
            note_merge(o, s);
            if (!out_add(l, o, s))
                return false;
        }
    return true;
}

/* An empty section has a place, since symbols may stand there, but no header. */
static bool is_empty(const struct out *o)
{
    return o->size == 0 && o->rank >= RANK_RODATA && o->rank <= RANK_DEBUG && o->rank != RANK_GOT;
}

bool link_make_outs(struct link *l)
{
    uint32_t index = 0;

    measure(l);
    if (!add_inputs(l))
        return false;
    for (uint64_t i = 0; i < l->out_count; i++)
        l->outs[i]->rank = l->outs[i]->heap ? RANK_HEAP : rank_of(l->outs[i]->name, l->outs[i]->type, l->outs[i]->flags);
    /* More sections than a symbol's 16 bits can name? */
    if (l->made[MADE_SYMTAB] && l->out_count + MADE_COUNT >= SHN_LORESERVE)
        l->made[MADE_SYMTAB_SHNDX] =
            link_new_section(l, ".symtab_shndx", SHT_SYMTAB_SHNDX, 0, 2);
    if (!add_own(l))
        return false;
    for (uint64_t i = 0; i < l->out_count; i++) {
        if (!sort_out(l, l->outs[i]))
            return false;
        out_lay_out(l->outs[i]);
        l->outs[i]->index = (uint32_t)i;
    }
    sort_linked(l);
    if (!(l->places = arena_alloc(&l->arena, l->out_count, sizeof(struct out *))))
        return diag_nomem(l->d);
    qsort(l->outs, l->out_count, sizeof(struct out *), by_rank);
    for (uint64_t i = 0; i < l->out_count; i++) {
        l->outs[i]->empty = is_empty(l->outs[i]);
        /* Symbols in an empty section are said to be in the one before. */
        l->outs[i]->index = index += !l->outs[i]->empty;
        if ((l->outs[i]->flags & SHF_ALLOC) && !l->outs[i]->empty && l->outs[i]->rank != RANK_TBSS)
            l->places[l->place_count++] = l->outs[i];
    }
    return true;
}
