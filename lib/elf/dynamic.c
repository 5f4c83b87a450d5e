/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dynamic.c - memory, the dynamic section, symbols, relocations, notes.
 * Versions and hash tables are in dynamic_symbols.c. */

#include "elf/dynamic.h"

#include <stdlib.h>

#define EM_MIPS 8
#define EM_S390 22
#define EM_ALPHA 0x9026

static int by_addr(const void *left, const void *right)
{
    const struct elf_load *l = left, *r = right;

    if (l->addr != r->addr)
        return l->addr < r->addr ? -1 : 1;
    return l->segment < r->segment ? -1 : l->segment > r->segment;
}

static bool read_loads(struct diag *d, struct arena *a, struct elf_image *m)
{
    const struct elf_file *f = m->file;
    uint32_t n = 0;

    if (!(m->loads = arena_alloc(a, f->segment_count, sizeof *m->loads)))
        return diag_nomem(d);
    for (uint32_t i = 0; i < f->segment_count; i++) {
        const struct elf_phdr *p = &f->segments[i];
        uint64_t file = p->filesz < p->memsz ? p->filesz : p->memsz;

        if (p->type == PT_LOAD && p->memsz > 0 && p->memsz <= UINT64_MAX - p->vaddr)
            m->loads[n++] =
                (struct elf_load){p->vaddr, p->vaddr + file, p->vaddr + p->memsz, p->flags, i};
    }
    if (n > 0)
        qsort(m->loads, n, sizeof *m->loads, by_addr);
    for (uint32_t i = 0; i < n; i++)
        if (m->load_count == 0 || m->loads[i].addr >= m->loads[m->load_count - 1].mem_end)
            m->loads[m->load_count++] = m->loads[i];
    return true;
}

const struct elf_load *elf_image_load(const struct elf_image *m, uint64_t addr, uint64_t size)
{
    uint32_t low = 0, high = m->load_count;

    /* The last one that does not begin behind ADDR. */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;

        if (m->loads[mid].addr <= addr)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0 || addr >= m->loads[low - 1].mem_end || size > m->loads[low - 1].mem_end - addr)
        return NULL;
    return &m->loads[low - 1];
}

struct span elf_image_rest(const struct elf_image *m, uint64_t addr)
{
    const struct elf_load *l = elf_image_load(m, addr, 0);
    struct span rest = {0};

    if (l && addr < l->file_end)
        span_sub(m->file->segments[l->segment].data, addr - l->addr, l->file_end - addr, &rest);
    return rest;
}

bool elf_image_bytes(const struct elf_image *m, uint64_t addr, uint64_t size, struct span *out)
{
    return span_sub(elf_image_rest(m, addr), 0, size, out);
}

static bool read_entries(struct diag *d, struct arena *a, struct elf_image *m)
{
    const struct elf_file *f = m->file;
    struct cursor c = {0};
    uint64_t room = 0;

    m->dynamic_segment = f->segment_count;
    for (uint32_t i = 0; i < f->segment_count && m->dynamic_segment == f->segment_count; i++)
        if (f->segments[i].type == PT_DYNAMIC)
            m->dynamic_segment = i;
    if (m->dynamic_segment == f->segment_count)
        return true;
    c = elf_cursor(f, f->segments[m->dynamic_segment].data);
    room = c.in.size / (f->wide ? 16 : 8);
    room = room < UINT32_MAX ? room : UINT32_MAX;
    if (!(m->entries = arena_alloc(a, room, sizeof *m->entries)))
        return diag_nomem(d);
    while (m->entry_count < room && !m->ended) {
        struct elf_dyn e = {.tag = cur_word(&c)};

        e.value = cur_word(&c);
        if (e.tag == DT_NULL)
            m->ended = true;
        else
            m->entries[m->entry_count++] = e;
    }
    return true;
}

bool elf_image_tag(const struct elf_image *m, uint64_t tag, uint64_t *value)
{
    for (uint32_t i = 0; i < m->entry_count; i++)
        if (m->entries[i].tag == tag) {
            *value = m->entries[i].value;
            return true;
        }
    *value = 0;
    return false;
}

struct span elf_image_table(const struct elf_image *m, uint64_t tag, uint64_t size_tag)
{
    uint64_t addr = 0, size = 0;
    struct span table = {0};

    if (elf_image_tag(m, tag, &addr) && elf_image_tag(m, size_tag, &size))
        elf_image_bytes(m, addr, size, &table);
    return table;
}

unsigned elf_hash_word(const struct elf_file *f)
{
    return f->wide && (f->machine == EM_ALPHA || f->machine == EM_S390) ? 8 : 4;
}

/* How many symbols DT_GNU_HASH knows of: the last chain's end. */
static uint64_t count_by_gnu_hash(const struct elf_image *m)
{
    struct diag quiet = {0};
    struct elf_gnu_hash h;
    struct cursor c;
    uint64_t last = 0;

    if (!elf_read_gnu_hash(&quiet, m, &h))
        return 0;
    c = elf_cursor(m->file, h.buckets);
    for (uint32_t i = 0; i < h.bucket_count; i++) {
        uint32_t first = cur_u32(&c);

        last = first > last ? first : last;
    }
    if (last < h.first)
        return h.first;
    c = elf_cursor(m->file, h.chains);
    cur_take(&c, (last - h.first) * 4);
    while (!c.bad && !(cur_u32(&c) & 1))
        last++;
    return c.bad ? 0 : last + 1;
}

/* The dynamic section says where symbols are, never how many. */
static void read_symbols(struct elf_image *m)
{
    const struct elf_file *f = m->file;
    uint64_t addr = 0, hash = 0, count = 0;
    struct span head;

    m->strings = elf_image_table(m, DT_STRTAB, DT_STRSZ);
    if (!elf_image_tag(m, DT_SYMTAB, &addr))
        return;
    m->symbols = elf_image_rest(m, addr);
    for (uint32_t i = 0; i < f->section_count && count == 0; i++)
        if (f->sections[i].type == SHT_DYNSYM && f->sections[i].addr == addr)
            count = f->sections[i].size / elf_sym_size(f->wide);
    if (count == 0 && elf_image_tag(m, DT_HASH, &hash) &&
        elf_image_bytes(m, hash, 2 * elf_hash_word(f), &head))
        count = load_uint(head.at + elf_hash_word(f), elf_hash_word(f), f->big);
    if (count == 0)
        count = count_by_gnu_hash(m);
    if (count > m->symbols.size / elf_sym_size(f->wide))
        count = m->symbols.size / elf_sym_size(f->wide);
    m->symbol_count = count;
    m->symbols.size = count * elf_sym_size(f->wide);
}

bool elf_image_read(struct diag *d, struct arena *a, const struct elf_file *f,
                    struct elf_image *out)
{
    *out = (struct elf_image){.file = f, .name_budget = 32 * f->in.size};
    if (!read_loads(d, a, out) || !read_entries(d, a, out))
        return false;
    read_symbols(out);
    return true;
}

struct elf_sym elf_image_symbol(const struct elf_image *m, uint64_t i)
{
    struct cursor c = elf_cursor(m->file, m->symbols);

    cur_take(&c, i * elf_sym_size(m->file->wide));
    return elf_next_sym(&c);
}

const char *elf_image_string(struct elf_image *m, uint64_t off)
{
    struct span rest = {0};
    const char *s = NULL;
    uint64_t cost = 0;

    if (!span_sub(m->strings, off < m->strings.size ? off : 0, 0, &rest) || m->name_budget == 0)
        return NULL;
    s = span_str(m->strings, off);
    cost = s ? strlen(s) + 1 : off < m->strings.size ? m->strings.size - off : 0;
    m->name_budget -= cost < m->name_budget ? cost : m->name_budget;
    return s;
}

void elf_fix_rel(const struct elf_file *f, struct elf_rel *r)
{
    uint32_t symbol = r->type, types = r->symbol;

    if (f->machine != EM_MIPS || !f->wide || f->big)
        return;
    r->symbol = symbol;
    r->type = types >> 24 | (types >> 8 & 0xff00) | (types & 0xff00) << 8 | types << 24;
}

struct walk {
    const struct elf_image *m;
    bool (*visit)(void *arg, const struct elf_dynamic_reloc *r);
    void *arg;
    bool stop;
};

static void walk_table(struct walk *w, struct span table, bool rela, enum elf_reloc_source source)
{
    const struct elf_file *f = w->m->file;
    struct cursor c = elf_cursor(f, table);
    uint64_t count = table.size / elf_rel_size(f->wide, rela);

    for (uint64_t i = 0; i < count && !w->stop; i++) {
        struct elf_rel r = elf_next_rel(&c, rela);

        elf_fix_rel(f, &r);
        w->stop = !w->visit(w->arg, &(struct elf_dynamic_reloc){source, i, r.offset, r.type,
                                                                r.symbol, r.addend, !rela});
    }
}

/* DT_RELR: an even word is a place; an odd one is a bitmap of the words that
   follow the last place. */
static void walk_relr(struct walk *w, struct span table)
{
    const struct elf_file *f = w->m->file;
    struct cursor c = elf_cursor(f, table);
    uint64_t word = f->wide ? 8 : 4, count = table.size / word, next = 0;

    for (uint64_t i = 0; i < count && !w->stop; i++) {
        uint64_t bits = cur_word(&c);
        struct elf_dynamic_reloc r = {.source = ELF_FROM_RELR, .index = i, .in_place = true};

        if ((bits & 1) == 0) {
            r.addr = bits;
            w->stop = !w->visit(w->arg, &r);
            next = bits + word;
            continue;
        }
        for (unsigned b = 1; b < word * 8 && !w->stop; b++) {
            r.addr = next + (b - 1) * word;
            if (bits >> b & 1)
                w->stop = !w->visit(w->arg, &r);
        }
        next += (word * 8 - 1) * word;
    }
}

void elf_image_relocs(const struct elf_image *m,
                      bool (*visit)(void *arg, const struct elf_dynamic_reloc *r), void *arg)
{
    struct walk w = {.m = m, .visit = visit, .arg = arg};
    struct span rela = elf_image_table(m, DT_RELA, DT_RELASZ);
    struct span rel = elf_image_table(m, DT_REL, DT_RELSZ);
    struct span plt = elf_image_table(m, DT_JMPREL, DT_PLTRELSZ);
    uint64_t kind = 0;

    elf_image_tag(m, DT_PLTREL, &kind);
    /* On some CPUs the table for the PLT is the end of the other one. */
    if (plt.at && rela.at && plt.at >= rela.at && plt.at < rela.at + rela.size)
        rela.size = (uint64_t)(plt.at - rela.at);
    if (plt.at && rel.at && plt.at >= rel.at && plt.at < rel.at + rel.size)
        rel.size = (uint64_t)(plt.at - rel.at);
    walk_table(&w, rela, true, ELF_FROM_RELA);
    walk_table(&w, rel, false, ELF_FROM_REL);
    walk_table(&w, plt, kind == DT_RELA, ELF_FROM_PLT);
    walk_relr(&w, elf_image_table(m, DT_RELR, DT_RELRSZ));
}

const char *elf_reloc_source_name(enum elf_reloc_source source)
{
    static const char *const names[] = {"RELA", "REL", "JMPREL", "RELR"};

    return names[source];
}

bool elf_next_note(struct cursor *c, uint64_t align, struct elf_note *out)
{
    uint64_t owner = 0, desc = 0, pad = 0;
    const uint8_t *p = NULL;

    *out = (struct elf_note){0};
    if (c->bad || c->pos == c->in.size)
        return false;
    owner = cur_u32(c);
    desc = cur_u32(c);
    out->type = cur_u32(c);
    p = cur_take(c, owner);
    out->owner = (struct span){p, owner > 0 && p ? owner - (p[owner - 1] == 0) : 0};
    cur_take(c, align_up(c->pos, align) - c->pos);
    p = cur_take(c, desc);
    out->desc = (struct span){p, p ? desc : 0};
    /* The last one need not be padded. */
    pad = align_up(c->pos, align) - c->pos;
    if (!c->bad)
        cur_take(c, pad < c->in.size - c->pos ? pad : c->in.size - c->pos);
    return !c->bad;
}
