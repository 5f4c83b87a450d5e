/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dynamic.c - .dynamic: what the dynamic linker needs to know of the image. */

#include "elf/elf.h"
#include "link/link.h"

static void entry(struct buf *b, uint64_t tag, uint64_t value)
{
    buf_uint(b, tag, 8);
    buf_uint(b, value, 8);
}

static void string_entry(struct link *l, struct buf *b, uint64_t tag, const char *s)
{
    entry(b, tag, strtab_add(&l->dynstr, s));
}

static uint64_t made_addr(const struct link *l, enum made m)
{
    return l->made[m]->out ? lsec_addr(l->made[m]) : 0;
}

/* Address and size of output section NAME, if there is one. */
static void array_entries(const struct link *l, struct buf *b, uint32_t type, uint64_t tag,
                          uint64_t size_tag)
{
    for (uint64_t i = 0; i < l->out_count; i++)
        if (l->outs[i]->type == type && !l->outs[i]->empty) {
            entry(b, tag, l->outs[i]->addr);
            entry(b, size_tag, l->outs[i]->size);
            return;
        }
}

static void function_entry(const struct link *l, struct buf *b, uint64_t tag, const char *name)
{
    const struct lsym *s = link_find(l, name);
    const struct lsec *sec = s ? lsym_section(s) : NULL;

    if (sec && sec->live)
        entry(b, tag, s->addr);
}

static const char *joined_rpath(struct link *l)
{
    struct buf b = {0};
    char *path = NULL;

    for (size_t i = 0; i < l->opt->rpath.count; i++) {
        bool seen = false;

        for (size_t k = 0; k < i; k++)
            seen = seen || !strcmp(l->opt->rpath.at[k], l->opt->rpath.at[i]);
        if (!seen)
            buf_printf(&b, "%s%s", b.size ? ":" : "", l->opt->rpath.at[i]);
    }
    path = b.size && !b.bad ? arena_strndup(&l->arena, (char *)b.at, b.size) : NULL;
    buf_free(&b);
    return path;
}

static void flag_entries(const struct link *l, struct buf *b)
{
    const struct link_options *o = l->opt;
    uint64_t flags = (o->origin ? DF_ORIGIN : 0u) |
                     (o->bsymbolic == BSYMBOLIC_ALL ? DF_SYMBOLIC : 0u) |
                     (l->need_textrel ? DF_TEXTREL : 0u) | (o->now ? DF_BIND_NOW : 0u) |
                     (l->need_static_tls ? DF_STATIC_TLS : 0u);
    uint64_t flags1 = (o->now ? DF_1_NOW : 0u) | (o->global ? DF_1_GLOBAL : 0u) |
                      (o->nodelete ? DF_1_NODELETE : 0u) | (o->initfirst ? DF_1_INITFIRST : 0u) |
                      (o->nodlopen ? DF_1_NOOPEN : 0u) | (o->origin ? DF_1_ORIGIN : 0u) |
                      (o->interpose ? DF_1_INTERPOSE : 0u) | (o->nodump ? DF_1_NODUMP : 0u) |
                      (o->nodefaultlib ? DF_1_NODEFLIB : 0u);

    if (o->bsymbolic == BSYMBOLIC_ALL)
        entry(b, DT_SYMBOLIC, 0);
    if (l->need_textrel)
        entry(b, DT_TEXTREL, 0);
    if (flags)
        entry(b, DT_FLAGS, flags);
    if (flags1)
        entry(b, DT_FLAGS_1, flags1);
}

static void reloc_entries(const struct link *l, struct buf *b)
{
    if (l->made[MADE_GOTPLT])
        entry(b, DT_PLTGOT, made_addr(l, MADE_GOTPLT));
    if (l->made[MADE_RELAPLT]) {
        entry(b, DT_PLTRELSZ, l->made[MADE_RELAPLT]->size);
        entry(b, DT_PLTREL, DT_RELA);
        entry(b, DT_JMPREL, made_addr(l, MADE_RELAPLT));
    }
    if (l->made[MADE_RELA]) {
        const struct out *o = l->made[MADE_RELA]->out;

        /* The slots of heaps come first: see link_add_heap_relas(). */
        entry(b, DT_RELA, o ? o->addr : 0);
        entry(b, DT_RELASZ, o ? o->size : 0);
        entry(b, DT_RELAENT, RELA64_SIZE);
        if (l->heap_relative + l->relative_count)
            entry(b, DT_RELACOUNT, l->heap_relative + l->relative_count);
    }
    if (l->made[MADE_RELR]) {
        entry(b, DT_RELR, made_addr(l, MADE_RELR));
        entry(b, DT_RELRSZ, l->made[MADE_RELR]->size);
        entry(b, DT_RELRENT, 8);
    }
}

static void version_entries(const struct link *l, struct buf *b)
{
    if (l->made[MADE_VERSYM])
        entry(b, DT_VERSYM, made_addr(l, MADE_VERSYM));
    if (l->made[MADE_VERDEF]) {
        entry(b, DT_VERDEF, made_addr(l, MADE_VERDEF));
        entry(b, DT_VERDEFNUM, l->verdef_count);
    }
    if (l->made[MADE_VERNEED]) {
        entry(b, DT_VERNEED, made_addr(l, MADE_VERNEED));
        entry(b, DT_VERNEEDNUM, l->verneed_count);
    }
}

/* AArch64: a function with a calling convention of its own (SVE) must not be
   bound lazily, since the resolver keeps only the usual registers. */
static bool has_variant_pcs(const struct link *l)
{
    for (uint64_t i = 0; l->machine->number == EM_AARCH64 && i < l->plt_lazy; i++)
        if (lsym_symbol(l->plt[i])->other & STO_AARCH64_VARIANT_PCS)
            return true;
    return false;
}

static void make(struct link *l, struct buf *b)
{
    const char *rpath = joined_rpath(l);

    for (uint64_t i = 0; i < l->lib_count; i++)
        if (l->libs[i]->needed)
            string_entry(l, b, DT_NEEDED, l->libs[i]->o.soname);
    if (l->opt->soname)
        string_entry(l, b, DT_SONAME, l->opt->soname);
    for (size_t i = 0; i < l->opt->filter.count; i++)
        string_entry(l, b, DT_FILTER, l->opt->filter.at[i]);
    for (size_t i = 0; i < l->opt->auxiliary.count; i++)
        string_entry(l, b, DT_AUXILIARY, l->opt->auxiliary.at[i]);
    if (rpath)
        string_entry(l, b, l->opt->rpath_old ? DT_RPATH : DT_RUNPATH, rpath);
    function_entry(l, b, DT_INIT, l->opt->init ? l->opt->init : "_init");
    function_entry(l, b, DT_FINI, l->opt->fini ? l->opt->fini : "_fini");
    array_entries(l, b, SHT_INIT_ARRAY, DT_INIT_ARRAY, DT_INIT_ARRAYSZ);
    array_entries(l, b, SHT_FINI_ARRAY, DT_FINI_ARRAY, DT_FINI_ARRAYSZ);
    if (l->made[MADE_HASH])
        entry(b, DT_HASH, made_addr(l, MADE_HASH));
    if (l->made[MADE_GNU_HASH])
        entry(b, DT_GNU_HASH, made_addr(l, MADE_GNU_HASH));
    entry(b, DT_STRTAB, made_addr(l, MADE_DYNSTR));
    entry(b, DT_SYMTAB, made_addr(l, MADE_DYNSYM));
    entry(b, DT_STRSZ, l->dynstr.out.size);
    entry(b, DT_SYMENT, SYM64_SIZE);
    reloc_entries(l, b);
    flag_entries(l, b);
    version_entries(l, b);
    if (l->machine->number == EM_AARCH64 && (l->feature_and & 1) && l->made[MADE_PLT])
        entry(b, DT_AARCH64_BTI_PLT, 0);
    if (has_variant_pcs(l))
        entry(b, DT_AARCH64_VARIANT_PCS, 0);
    entry(b, DT_NULL, 0);
}

bool link_make_dynamic(struct link *l)
{
    struct lsec *s = link_new_section(l, ".dynamic", SHT_DYNAMIC, SHF_ALLOC | SHF_WRITE, 3);

    l->made[MADE_DYNAMIC] = s;
    l->objs[0]->o.sections[s->index].entsize = DYN64_SIZE;
    s->size = DYN64_SIZE;
    return true;
}

bool link_size_dynamic(struct link *l)
{
    struct lsec *s = l->made[MADE_DYNAMIC], *names = l->made[MADE_DYNSTR];
    struct buf b = {0};

    make(l, &b); /* which entries there are does not depend on addresses */
    s->size = s->out->size = b.size;
    names->size = names->out->size = l->dynstr.out.size;
    buf_free(&b);
    return (!b.bad && !l->dynstr.out.bad) || diag_nomem(l->d);
}

bool link_fill_dynamic(struct link *l)
{
    struct lsec *s = l->made[MADE_DYNAMIC];
    struct buf b = {0};

    make(l, &b);
    s->data = b.at;
    l->made[MADE_DYNSTR]->data = l->dynstr.out.at;
    return link_own(l, b.at) && (!b.bad || diag_nomem(l->d));
}
