/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_relocs.c - rules about dynamic relocations. */

#include "elf/verify_rules.h"

/* What loaders accept beyond the types in struct elf_machine; glibc's
   elf_machine_rela() of each CPU. */
static const struct accepted {
    uint16_t machine;
    uint32_t types[10]; /* ends at 0, which all accept (NONE) */
} accepted[] = {
    /* PC32, COPY, 32, SIZE32, SIZE64, RELATIVE64 */
    {EM_X86_64, {2, 5, 10, 32, 33, 38}},
    /* COPY, and ABS64 by its other number (ABS16 and ABS32 are not done) */
    {EM_AARCH64, {1024, 257}},
};

/* CPUs of which only a little is known: enough to follow their pointers. */
static const struct other_cpu {
    uint16_t machine;
    uint32_t relative;
} other_cpus[] = {
    {EM_386, 8}, {EM_ARM, 23}, {EM_RISCV, 3}, {20, 22}, {21, 22}, {22, 12}, {258, 3},
};

/* The number of this CPU's relative relocation; 0 if not known. */
static uint32_t relative_type(const struct elf_file *f)
{
    const struct elf_machine *machine = elf_machine_find(f->machine);

    for (size_t i = 0; !machine && i < sizeof other_cpus / sizeof other_cpus[0]; i++)
        if (other_cpus[i].machine == f->machine)
            return other_cpus[i].relative;
    return machine ? machine->relative : 0;
}

static bool is_known_type(const struct elf_machine *m, uint32_t type)
{
    const uint32_t common[] = {m->relative, m->glob_dat, m->jump_slot, m->abs,    m->irelative,
                               m->dtpmod,   m->dtpoff,   m->tpoff,     m->tlsdesc};

    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        if (type == common[i])
            return true;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++)
        for (const uint32_t *t = accepted[i].types; accepted[i].machine == m->number && *t; t++)
            if (type == *t)
                return true;
    return type == 0;
}

/* Types that make no sense without a symbol. */
static bool needs_symbol(const struct elf_machine *m, uint32_t type)
{
    return type == m->glob_dat || type == m->jump_slot;
}

struct place_check {
    struct verify *v;
    const struct elf_machine *machine;
    bool textrel;
};

static bool check_place(void *arg, const struct elf_dynamic_reloc *r)
{
    const struct place_check *c = arg;
    struct verify *v = c->v;
    uint64_t word = v->f.wide ? 8 : 4;
    /* On CPUs not known here a type may write less than a word. */
    const struct elf_load *l = elf_image_load(&v->m, r->addr, c->machine ? word : 1);
    const char *table = elf_reloc_source_name(r->source);

    if (r->source != ELF_FROM_RELR && r->type == 0)
        return true;
    if (!l)
        diag_fail(v->d, E_FORMAT, "%s %" PRIu64 ": the place 0x%" PRIx64 " is not inside a PT_LOAD",
                  table, r->index, r->addr);
    else if (!(l->flags & PF_W) && !c->textrel)
        diag_fail(v->d, E_FORMAT,
                  "%s %" PRIu64 ": the place 0x%" PRIx64 " is in segment %" PRIu32
                  ", which is not writable, and there is no DT_TEXTREL",
                  table, r->index, r->addr, l->segment);
    else if (r->addr % word != 0 &&
             (r->source == ELF_FROM_RELR || (c->machine && r->type == c->machine->jump_slot)))
        diag_fail(v->d, E_FORMAT,
                  "%s %" PRIu64 ": the place 0x%" PRIx64 " is not a multiple of %" PRIu64, table,
                  r->index, r->addr, word);
    return verify_go_on(v);
}

void verify_reloc_place(struct verify *v)
{
    struct place_check c = {v, elf_machine_find(v->f.machine), false};
    uint64_t flags = 0;

    c.textrel = elf_image_tag(&v->m, DT_TEXTREL, &flags) ||
                (elf_image_tag(&v->m, DT_FLAGS, &flags) && flags & DF_TEXTREL);
    elf_image_relocs(&v->m, check_place, &c);
}

static bool check_type(void *arg, const struct elf_dynamic_reloc *r)
{
    struct verify *v = arg;
    const struct elf_machine *machine = elf_machine_find(v->f.machine);
    const struct reloc_type *row = NULL;

    if (r->source == ELF_FROM_RELR || is_known_type(machine, r->type))
        return true;
    row = reloc_row(machine->rows, r->type);
    diag_fail(v->d, E_FORMAT,
              "%s %" PRIu64 ": no loader applies type %" PRIu32 "%s%s%s at 0x%" PRIx64,
              elf_reloc_source_name(r->source), r->index, r->type, row ? " (" : "",
              row ? row->name : "", row ? ")" : "", r->addr);
    return verify_go_on(v);
}

void verify_reloc_type(struct verify *v)
{
    if (elf_machine_find(v->f.machine))
        elf_image_relocs(&v->m, check_type, v);
}

static bool check_symbol(void *arg, const struct elf_dynamic_reloc *r)
{
    struct verify *v = arg;
    const struct elf_machine *machine = elf_machine_find(v->f.machine);
    const char *table = elf_reloc_source_name(r->source);

    if (r->source == ELF_FROM_RELR)
        return true;
    if (r->symbol != 0 && r->symbol >= v->m.symbol_count)
        diag_fail(v->d, E_FORMAT, "%s %" PRIu64 ": symbol %" PRIu32 ", there are %" PRIu64, table,
                  r->index, r->symbol, v->m.symbol_count);
    else if (machine && r->symbol == 0 && needs_symbol(machine, r->type))
        diag_fail(v->d, E_FORMAT, "%s %" PRIu64 ": type %" PRIu32 " without a symbol", table,
                  r->index, r->type);
    else if (machine && r->symbol != 0 && r->type == machine->relative)
        diag_fail(v->d, E_FORMAT, "%s %" PRIu64 ": RELATIVE with symbol %" PRIu32, table, r->index,
                  r->symbol);
    return verify_go_on(v);
}

void verify_reloc_symbol(struct verify *v) { elf_image_relocs(&v->m, check_symbol, v); }

struct relative_check {
    struct verify *v;
    uint32_t type;
    uint64_t low, high; /* the image: its first address, and the one behind it */
};

static bool check_relative(void *arg, const struct elf_dynamic_reloc *r)
{
    struct relative_check *c = arg;
    struct verify *v = c->v;
    uint64_t target = (uint64_t)r->addend & verify_last_addr(v);
    unsigned word = v->f.wide ? 8 : 4;
    struct span place;

    if (r->source != ELF_FROM_RELR && (c->type == 0 || r->type != c->type))
        return true;
    if (r->in_place) {
        /* A zero-filled place leads to the image's first byte. */
        if (!elf_image_bytes(&v->m, r->addr, word, &place))
            return true;
        target = load_uint(place.at, word, v->f.big);
    }
    target &= verify_heap_mask(v, r->addr);
    if (target < c->low || target > c->high)
        diag_fail(v->d, E_FORMAT,
                  "%s %" PRIu64 ": 0x%" PRIx64 " gets the address 0x%" PRIx64
                  ", outside of the image (0x%" PRIx64 " to 0x%" PRIx64 ")",
                  elf_reloc_source_name(r->source), r->index, r->addr, target, c->low, c->high);
    return verify_go_on(v);
}

void verify_relative(struct verify *v)
{
    struct relative_check c = {.v = v, .type = relative_type(&v->f)};

    if (v->m.load_count == 0)
        return;
    c.low = v->m.loads[0].addr & ~(uint64_t)(VERIFY_PAGE - 1);
    c.high = v->m.loads[v->m.load_count - 1].mem_end;
    elf_image_relocs(&v->m, check_relative, &c);
}

/* A bitmap must follow a place, and places must ascend: one that is there
   twice gets the base added twice. */
static void check_relr_words(struct verify *v, struct span table)
{
    uint64_t word = v->f.wide ? 8 : 4, next = 0, end = 0;
    struct cursor c = elf_cursor(&v->f, table);

    for (uint64_t i = 0; i < table.size / word && verify_go_on(v); i++) {
        uint64_t entry = cur_word(&c);

        if (entry & 1 && i == 0) {
            diag_fail(v->d, E_FORMAT, "DT_RELR 0: a bitmap before any place");
        } else if (entry & 1) {
            for (unsigned bit = 1; bit < word * 8; bit++)
                if (entry >> bit & 1)
                    end = next + bit * word;
            next += (word * 8 - 1) * word;
        } else {
            if (i > 0 && entry < end)
                diag_fail(v->d, E_FORMAT,
                          "DT_RELR %" PRIu64 ": the place 0x%" PRIx64 " is below 0x%" PRIx64
                          ", where the entries before have come to",
                          i, entry, end);
            next = end = entry + word;
        }
    }
}

/* glibc from 2.36 on refuses an image with DT_RELR that needs versions of
   libc and does not need this one. */
static void check_relr_version(struct verify *v)
{
    struct diag quiet = {0}; /* "version" tells */
    struct elf_versions all;
    bool libc = false, asked = false;

    elf_read_versions(&quiet, v->a, &v->m, &all);
    for (uint32_t i = 0; i < all.count; i++) {
        const struct elf_version *n = &all.by_index[i];

        if (!n->name || !n->file || strncmp(n->file, "libc.so.", 8) != 0)
            continue;
        libc = true;
        asked = asked || !strcmp(n->name, "GLIBC_ABI_DT_RELR");
    }
    if (libc && !asked)
        diag_fail(v->d, E_FORMAT,
                  "DT_RELR without version GLIBC_ABI_DT_RELR of libc: glibc does "
                  "not load this");
}

void verify_relr(struct verify *v)
{
    struct span table = elf_image_table(&v->m, DT_RELR, DT_RELRSZ);
    uint64_t addr = 0;

    if (!elf_image_tag(&v->m, DT_RELR, &addr))
        return;
    check_relr_words(v, table);
    check_relr_version(v);
}
