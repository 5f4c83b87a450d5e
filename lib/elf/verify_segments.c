/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_segments.c - rules about the ELF header, segments and notes. */

#include "elf/verify_rules.h"

/* The next segment of TYPE at or after I; segment_count if there is none. */
static uint32_t next_of(const struct elf_file *f, uint32_t type, uint32_t i)
{
    while (i < f->segment_count && f->segments[i].type != type)
        i++;
    return i;
}

static uint32_t count_of(const struct elf_file *f, uint32_t type)
{
    uint32_t n = 0;

    for (uint32_t i = next_of(f, type, 0); i < f->segment_count; i = next_of(f, type, i + 1))
        n++;
    return n;
}

static uint64_t page_down(uint64_t addr) { return addr & ~(uint64_t)(VERIFY_PAGE - 1); }

/* CPUs on which the address of a function may be that of a descriptor in
   data: PA-RISC, 64-bit PowerPC, Itanium. */
static bool has_descriptors(const struct elf_file *f)
{
    return f->machine == 15 || f->machine == 21 || f->machine == 50;
}

void verify_header(struct verify *v)
{
    const struct elf_file *f = &v->f;
    unsigned size = f->wide ? 64 : 52;
    const struct elf_load *l = elf_image_load(&v->m, f->entry, 1);

    if (f->version != EV_CURRENT)
        diag_fail(v->d, E_FORMAT, "e_version is %" PRIu32 ", not 1", f->version);
    if (f->ehsize != size)
        diag_fail(v->d, E_FORMAT, "e_ehsize is %u, not %u", f->ehsize, size);
    if (v->m.load_count == 0)
        diag_fail(v->d, E_FORMAT, "there is no PT_LOAD with memory");
    else if (f->entry != 0 && !has_descriptors(f) && !(l && l->flags & PF_X))
        diag_fail(v->d, E_FORMAT, "e_entry 0x%" PRIx64 " is not in an executable PT_LOAD",
                  f->entry);
}

/* Call CHECK for every pair of successive PT_LOADs (BEFORE is NULL for the
   first), with the later one as the place. */
static void each_load(struct verify *v, void (*check)(struct verify *v, const struct elf_phdr *p,
                                                      const struct elf_phdr *before))
{
    const struct elf_file *f = &v->f;
    const struct elf_phdr *before = NULL;

    for (uint32_t i = next_of(f, PT_LOAD, 0); i < f->segment_count;
         i = next_of(f, PT_LOAD, i + 1)) {
        struct where here = {v->d->where, "segment", i};

        v->d->where = &here;
        check(v, &f->segments[i], before);
        v->d->where = here.up;
        before = &f->segments[i];
    }
}

static void check_order(struct verify *v, const struct elf_phdr *p, const struct elf_phdr *before)
{
    uint64_t end = before ? before->vaddr + before->memsz : 0;

    if (!before)
        return;
    if (p->vaddr < before->vaddr)
        diag_fail(v->d, E_FORMAT, "PT_LOAD at 0x%" PRIx64 " comes after the one at 0x%" PRIx64,
                  p->vaddr, before->vaddr);
    else if (p->vaddr < end)
        diag_fail(v->d, E_FORMAT,
                  "PT_LOAD at 0x%" PRIx64 " overlaps the one before, which ends at 0x%" PRIx64,
                  p->vaddr, end);
    else if (end > 0 && page_down(p->vaddr) <= page_down(end - 1))
        diag_fail(v->d, E_FORMAT,
                  "PT_LOAD at 0x%" PRIx64
                  " shares a page with the one before, which ends at 0x%" PRIx64,
                  p->vaddr, end);
}

void verify_load_order(struct verify *v) { each_load(v, check_order); }

static void check_align(struct verify *v, const struct elf_phdr *p, const struct elf_phdr *before)
{
    (void)before;
    if (p->align & (p->align - 1))
        diag_fail(v->d, E_FORMAT, "p_align 0x%" PRIx64 " is not a power of two", p->align);
    else if (p->align < VERIFY_PAGE)
        diag_fail(v->d, E_FORMAT, "p_align 0x%" PRIx64 " is less than a page", p->align);
    else if ((p->vaddr - p->offset) & (p->align - 1))
        diag_fail(v->d, E_FORMAT,
                  "p_offset 0x%" PRIx64 " and p_vaddr 0x%" PRIx64
                  " differ modulo p_align 0x%" PRIx64,
                  p->offset, p->vaddr, p->align);
}

void verify_load_align(struct verify *v) { each_load(v, check_align); }

static void check_size(struct verify *v, const struct elf_phdr *p, const struct elf_phdr *before)
{
    (void)before;
    if (p->filesz > p->memsz)
        diag_fail(v->d, E_FORMAT, "p_filesz 0x%" PRIx64 " is more than p_memsz 0x%" PRIx64,
                  p->filesz, p->memsz);
    if (p->memsz > verify_last_addr(v) - p->vaddr)
        diag_fail(v->d, E_FORMAT, "0x%" PRIx64 " bytes at 0x%" PRIx64 " wrap around", p->memsz,
                  p->vaddr);
}

void verify_load_size(struct verify *v) { each_load(v, check_size); }

static void check_wx(struct verify *v, const struct elf_phdr *p, const struct elf_phdr *before)
{
    (void)before;
    if (p->flags & PF_W && p->flags & PF_X)
        diag_fail(v->d, E_FORMAT, "PT_LOAD at 0x%" PRIx64 " is writable and executable", p->vaddr);
}

void verify_wx(struct verify *v) { each_load(v, check_wx); }

void verify_stack(struct verify *v)
{
    uint32_t i = next_of(&v->f, PT_GNU_STACK, 0);

    if (i == v->f.segment_count)
        diag_fail(v->d, E_FORMAT,
                  "no PT_GNU_STACK: loaders then make every stack of the process executable");
    else if (v->f.segments[i].flags & PF_X)
        diag_fail(v->d, E_FORMAT, "segment %" PRIu32 ": PT_GNU_STACK is executable", i);
    if (count_of(&v->f, PT_GNU_STACK) > 1)
        diag_fail(v->d, E_FORMAT, "%" PRIu32 " PT_GNU_STACKs", count_of(&v->f, PT_GNU_STACK));
}

void verify_relro(struct verify *v)
{
    uint32_t i = next_of(&v->f, PT_GNU_RELRO, 0);
    const struct elf_phdr *p = i < v->f.segment_count ? &v->f.segments[i] : NULL;
    const struct elf_load *l = p ? elf_image_load(&v->m, p->vaddr, 0) : NULL;
    struct where here = {v->d->where, "segment", i};

    if (!p)
        return;
    v->d->where = &here;
    if (count_of(&v->f, PT_GNU_RELRO) > 1)
        diag_fail(v->d, E_FORMAT, "the first of %" PRIu32 " PT_GNU_RELROs: loaders obey one",
                  count_of(&v->f, PT_GNU_RELRO));
    /* The last page is whole in memory, even where its PT_LOAD ends before. */
    if (!l || !(l->flags & PF_W) || p->memsz > align_up(l->mem_end, VERIFY_PAGE) - p->vaddr)
        diag_fail(v->d, E_FORMAT,
                  "PT_GNU_RELRO, 0x%" PRIx64 " bytes at 0x%" PRIx64
                  ", is not inside a writable PT_LOAD",
                  p->memsz, p->vaddr);
    else if (page_down(p->vaddr) != p->vaddr && p->vaddr != l->addr)
        diag_fail(v->d, E_FORMAT,
                  "PT_GNU_RELRO begins at 0x%" PRIx64
                  ", inside a page whose start is to stay writable",
                  p->vaddr);
    else if (page_down(p->vaddr + p->memsz) != p->vaddr + p->memsz)
        diag_fail(v->d, E_FORMAT,
                  "PT_GNU_RELRO ends at 0x%" PRIx64 ", inside a page: its last 0x%" PRIx64
                  " bytes stay writable",
                  p->vaddr + p->memsz, (p->vaddr + p->memsz) & (VERIFY_PAGE - 1));
    v->d->where = here.up;
}

void verify_segment_place(struct verify *v)
{
    static const uint32_t types[] = {PT_DYNAMIC, PT_INTERP,       PT_NOTE,        PT_PHDR,
                                     PT_TLS,     PT_GNU_EH_FRAME, PT_GNU_PROPERTY};

    for (uint32_t i = 0; i < v->f.segment_count; i++) {
        const struct elf_phdr *p = &v->f.segments[i];
        const struct elf_load *l = elf_image_load(&v->m, p->vaddr, p->filesz);
        const struct elf_phdr *in = l ? &v->f.segments[l->segment] : NULL;
        bool known = false;

        for (size_t t = 0; t < sizeof types / sizeof types[0]; t++)
            known = known || p->type == types[t];
        if (!known || p->filesz == 0)
            continue;
        if (!in || p->vaddr + p->filesz > l->file_end)
            diag_fail(v->d, E_FORMAT,
                      "segment %" PRIu32 ": %s, 0x%" PRIx64 " bytes at 0x%" PRIx64
                      ", is not inside a PT_LOAD",
                      i, elf_segment_type_name(p->type), p->filesz, p->vaddr);
        else if (p->vaddr - p->offset != in->vaddr - in->offset)
            diag_fail(v->d, E_FORMAT,
                      "segment %" PRIu32 ": %s at 0x%" PRIx64 " has offset 0x%" PRIx64
                      ", its PT_LOAD puts offset 0x%" PRIx64 " there",
                      i, elf_segment_type_name(p->type), p->vaddr, p->offset,
                      in->offset + (p->vaddr - in->vaddr));
    }
}

/* PT_PHDR and PT_INTERP: once at most and, as the gABI asks, before any
   PT_LOAD. */
static const struct elf_phdr *find_single(struct verify *v, uint32_t type, uint32_t *index)
{
    const struct elf_file *f = &v->f;

    *index = next_of(f, type, 0);
    if (count_of(f, type) > 1)
        diag_fail(v->d, E_FORMAT, "%" PRIu32 " segments PT_%s", count_of(f, type),
                  elf_segment_type_name(type));
    if (*index < f->segment_count && next_of(f, PT_LOAD, 0) < *index)
        diag_fail(v->d, E_FORMAT, "segment %" PRIu32 ": PT_%s comes after a PT_LOAD", *index,
                  elf_segment_type_name(type));
    return *index < f->segment_count ? &f->segments[*index] : NULL;
}

void verify_phdr(struct verify *v)
{
    const struct elf_file *f = &v->f;
    uint64_t size = (uint64_t)f->segment_count * f->phentsize;
    uint32_t i = 0;
    const struct elf_phdr *p = find_single(v, PT_PHDR, &i);

    if (p && (p->offset != f->phoff || p->filesz != size))
        diag_fail(v->d, E_FORMAT,
                  "segment %" PRIu32 ": PT_PHDR, 0x%" PRIx64 " bytes at offset 0x%" PRIx64
                  ", is not the program headers, 0x%" PRIx64 " bytes at offset 0x%" PRIx64,
                  i, p->filesz, p->offset, size, f->phoff);
    p = find_single(v, PT_INTERP, &i);
    if (p &&
        (p->data.size < 2 || memchr(p->data.at, 0, p->data.size) != p->data.at + p->data.size - 1))
        diag_fail(v->d, E_FORMAT, "segment %" PRIu32 ": PT_INTERP is not one string", i);
}

void verify_tls(struct verify *v)
{
    uint32_t i = next_of(&v->f, PT_TLS, 0);
    const struct elf_phdr *p = i < v->f.segment_count ? &v->f.segments[i] : NULL;
    struct where here = {v->d->where, "segment", i};

    if (!p)
        return;
    v->d->where = &here;
    if (count_of(&v->f, PT_TLS) > 1)
        diag_fail(v->d, E_FORMAT, "the first of %" PRIu32 " PT_TLSs", count_of(&v->f, PT_TLS));
    if (p->align & (p->align - 1))
        diag_fail(v->d, E_FORMAT, "PT_TLS: p_align 0x%" PRIx64 " is not a power of two", p->align);
    else if (p->align > 1 && p->filesz > 0 && p->vaddr & (p->align - 1))
        diag_fail(v->d, E_FORMAT,
                  "PT_TLS at 0x%" PRIx64 " is not at a multiple of its p_align 0x%" PRIx64,
                  p->vaddr, p->align);
    if (p->filesz > p->memsz)
        diag_fail(v->d, E_FORMAT, "PT_TLS: p_filesz 0x%" PRIx64 " is more than p_memsz 0x%" PRIx64,
                  p->filesz, p->memsz);
    v->d->where = here.up;
}

/* NT_GNU_PROPERTY_TYPE_0: u32 type, u32 size, data padded to a word, in
   ascending order. */
static void check_properties(struct verify *v, struct span desc)
{
    struct cursor c = elf_cursor(&v->f, desc);
    uint32_t before = 0;

    for (unsigned n = 0; c.pos < c.in.size && !c.bad; n++) {
        uint32_t type = cur_u32(&c), size = cur_u32(&c);

        cur_take(&c, align_up(size, v->f.wide ? 8 : 4));
        if (!c.bad && n > 0 && type <= before)
            diag_fail(v->d, E_FORMAT, "property 0x%" PRIx32 " comes after 0x%" PRIx32, type,
                      before);
        before = type;
    }
    if (c.bad)
        diag_fail(v->d, E_FORMAT, "property 0x%" PRIx32 " is cut off", before);
}

static uint32_t check_note_segment(struct verify *v, const struct elf_phdr *p)
{
    struct cursor c = elf_cursor(&v->f, p->data);
    struct elf_note n;
    uint32_t ids = 0;

    while (elf_next_note(&c, p->align == 8 ? 8 : 4, &n)) {
        bool gnu = n.owner.size == 3 && !memcmp(n.owner.at, "GNU", 3);

        if (gnu && n.type == NT_GNU_BUILD_ID) {
            ids++;
            if (n.desc.size < 4 || n.desc.size > 64)
                diag_fail(v->d, E_FORMAT, "build-id has %" PRIu64 " bytes", n.desc.size);
        }
        if (gnu && n.type == NT_GNU_PROPERTY_TYPE_0)
            check_properties(v, n.desc);
    }
    if (c.bad)
        diag_fail(v->d, E_FORMAT,
                  "a note is cut off by the end of its segment (0x%" PRIx64 " bytes)",
                  p->data.size);
    return ids;
}

void verify_notes(struct verify *v)
{
    const struct elf_file *f = &v->f;
    uint64_t left = f->in.size;
    uint32_t ids = 0;

    for (uint32_t i = next_of(f, PT_NOTE, 0); i < f->segment_count;
         i = next_of(f, PT_NOTE, i + 1)) {
        struct where here = {v->d->where, "segment", i};

        if (f->segments[i].filesz > left) {
            diag_fail(v->d, E_FORMAT, "PT_NOTEs cover the same bytes more than once");
            return;
        }
        left -= f->segments[i].filesz;
        v->d->where = &here;
        ids += check_note_segment(v, &f->segments[i]);
        v->d->where = here.up;
    }
    if (ids > 1)
        diag_fail(v->d, E_FORMAT, "%" PRIu32 " build-ids", ids);
}
