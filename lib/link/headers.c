/* SPDX-License-Identifier: GPL-3.0-or-later */
/* headers.c - the ELF header, program headers and section headers. */

#include "elf/put.h"
#include "link/link.h"

bool link_make_shstrtab(struct link *l)
{
    struct lsec *s = l->made[MADE_SHSTRTAB];

    strtab_add(&l->shstrtab, "");
    for (uint64_t i = 0; i < l->out_count; i++)
        if (!l->outs[i]->empty)
            strtab_add(&l->shstrtab, l->outs[i]->name);
    s->data = l->shstrtab.out.at;
    s->size = s->out->size = l->shstrtab.out.size;
    return !l->shstrtab.out.bad || diag_nomem(l->d);
}

static uint64_t entry_addr(const struct link *l)
{
    const struct lsym *s = l->opt->entry ? link_find(l, l->opt->entry) : NULL;

    return s && lsym_defined(s) ? s->addr : 0;
}

/* OSABI GNU says that a symbol is STT_GNU_IFUNC or STB_GNU_UNIQUE. */
static bool uses_gnu_symbols(const struct link *l)
{
    for (uint64_t i = 1; i < l->dynsym_count; i++)
        if (lsym_defined(l->dynsyms[i]) &&
            (lsym_is_ifunc(l->dynsyms[i]) || lsym_symbol(l->dynsyms[i])->binding == BIND_UNIQUE))
            return true;
    return l->plt_count > l->plt_lazy || l->irelative_count;
}

static void elf_header(const struct link *l, struct buf *b)
{
    uint32_t names = l->made[MADE_SHSTRTAB]->out->index;

    buf_bytes(b, "\177ELF", 4);
    buf_uint(b, ELFCLASS64, 1);
    buf_uint(b, ELFDATA2LSB, 1);
    buf_uint(b, EV_CURRENT, 1);
    buf_uint(b, uses_gnu_symbols(l) ? ELFOSABI_GNU : ELFOSABI_SYSV, 1);
    buf_uint(b, 0, 8);
    buf_uint(b, ET_DYN, 2);
    buf_uint(b, l->machine->number, 2);
    buf_uint(b, EV_CURRENT, 4);
    buf_uint(b, entry_addr(l), 8);
    buf_uint(b, EHDR64_SIZE, 8);
    buf_uint(b, l->shoff, 8);
    buf_uint(b, 0, 4);
    buf_uint(b, EHDR64_SIZE, 2);
    buf_uint(b, PHDR64_SIZE, 2);
    buf_uint(b, l->segment_count, 2);
    buf_uint(b, SHDR64_SIZE, 2);
    buf_uint(b, l->header_count < SHN_LORESERVE ? l->header_count : 0, 2);
    buf_uint(b, names < SHN_LORESERVE ? names : SHN_XINDEX, 2);
}

static void program_header(struct buf *b, const struct segment *g)
{
    buf_uint(b, g->type, 4);
    buf_uint(b, g->flags, 4);
    buf_uint(b, g->offset, 8);
    buf_uint(b, g->addr, 8);
    buf_uint(b, g->addr, 8);
    buf_uint(b, g->filesz, 8);
    buf_uint(b, g->memsz, 8);
    buf_uint(b, g->align, 8);
}

/* sh_link by what the section is: a table's names, a hash's symbols. */
static uint32_t link_of(const struct link *l, const struct out *o)
{
    static const struct {
        uint32_t type;
        enum made to;
    } links[] = {
        {SHT_DYNSYM, MADE_DYNSTR},      {SHT_DYNAMIC, MADE_DYNSTR},
        {SHT_GNU_VERDEF, MADE_DYNSTR},  {SHT_GNU_VERNEED, MADE_DYNSTR},
        {SHT_HASH, MADE_DYNSYM},        {SHT_GNU_HASH, MADE_DYNSYM},
        {SHT_GNU_VERSYM, MADE_DYNSYM},  {SHT_RELA, MADE_DYNSYM},
        {SHT_SYMTAB, MADE_STRTAB},      {SHT_SYMTAB_SHNDX, MADE_SYMTAB},
    };

    if (o->link)
        return o->link->index;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (links[i].type == o->type && l->made[links[i].to] && l->made[links[i].to]->out)
            return l->made[links[i].to]->out->index;
    return 0;
}

static uint32_t info_of(const struct link *l, const struct out *o)
{
    switch (o->type) {
    case SHT_GNU_VERDEF:
        return l->verdef_count;
    case SHT_GNU_VERNEED:
        return l->verneed_count;
    case SHT_DYNSYM:
        return 1;
    case SHT_RELA:
        return l->made[MADE_RELAPLT] && o == l->made[MADE_RELAPLT]->out && l->made[MADE_GOTPLT]
                   ? l->made[MADE_GOTPLT]->out->index
                   : 0;
    default:
        return o->info_value;
    }
}

static void section_header(struct link *l, struct buf *b, const struct out *o)
{
    bool plt = l->made[MADE_GOTPLT] && l->made[MADE_RELAPLT] && o == l->made[MADE_RELAPLT]->out;
    uint64_t flags = o->flags | (plt ? SHF_INFO_LINK : 0u) |
                     (o->packed.at ? (uint64_t)SHF_COMPRESSED : 0u);

    elf_put_shdr(b, &(struct elf_shdr){
                        .name_offset = strtab_add(&l->shstrtab, o->name),
                        .type = o->type,
                        .flags = flags,
                        .addr = o->flags & SHF_ALLOC ? o->addr : 0,
                        .offset = o->offset,
                        .size = o->packed.at ? o->packed.size : o->size,
                        .link = link_of(l, o),
                        .info = info_of(l, o),
                        .align = UINT64_C(1) << o->align_log2,
                        .entsize = o->entsize,
                    });
}

bool link_make_headers(struct link *l, struct span *front, struct span *back)
{
    struct buf f = {0}, s = {0};
    uint32_t names = l->made[MADE_SHSTRTAB]->out->index;

    elf_header(l, &f);
    for (uint32_t i = 0; i < l->segment_count; i++)
        program_header(&f, &l->segments[i]);
    buf_reserve(&s, 32);
    /* Section 0 holds the numbers that do not fit the ELF header. */
    buf_uint(&s, l->header_count < SHN_LORESERVE ? 0 : l->header_count, 8);
    buf_uint(&s, names < SHN_LORESERVE ? 0 : names, 4);
    buf_reserve(&s, SHDR64_SIZE - s.size);
    for (uint64_t i = 0; i < l->out_count; i++)
        if (!l->outs[i]->empty)
            section_header(l, &s, l->outs[i]);
    *front = buf_span(&f);
    *back = buf_span(&s);
    return link_own(l, f.at) && link_own(l, s.at) && (!(f.bad || s.bad) || diag_nomem(l->d));
}
