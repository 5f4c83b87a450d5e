/* SPDX-License-Identifier: GPL-3.0-or-later */
/* symtab.c - .symtab: every symbol of the image, for debuggers, profilers and
 * runtimes that name their frames from it. */

#include "elf/put.h"
#include "link/link.h"

uint8_t lsym_info(const struct lsym *s)
{
    static const uint8_t kinds[] = {[KIND_NONE] = STT_NOTYPE,       [KIND_OBJECT] = STT_OBJECT,
                                    [KIND_FUNC] = STT_FUNC,         [KIND_SECTION] = STT_SECTION,
                                    [KIND_FILE] = STT_FILE,         [KIND_TLS] = STT_TLS,
                                    [KIND_IFUNC] = STT_GNU_IFUNC};
    static const uint8_t bindings[] = {[BIND_LOCAL] = STB_LOCAL,
                                       [BIND_GLOBAL] = STB_GLOBAL,
                                       [BIND_WEAK] = STB_WEAK,
                                       [BIND_UNIQUE] = STB_GNU_UNIQUE};
    const struct symbol *sym = lsym_symbol(s);
    uint8_t kind = kinds[sym->kind];

    if (lsym_defined(s))
        return (uint8_t)(bindings[sym->binding] << 4 | kind);
    /* That another library's function is an IFUNC is its own business. */
    if (kind == STT_GNU_IFUNC)
        kind = STT_FUNC;
    return (uint8_t)((s->strong_ref ? STB_GLOBAL : STB_WEAK) << 4 | kind);
}

struct table {
    struct link *l;
    struct buf out;
    struct buf extended; /* SHT_SYMTAB_SHNDX, if the image has so many sections */
    uint32_t count;
    bool any_extended;
};

static void add(struct table *t, const char *name, uint8_t info, uint8_t other, uint32_t section,
                uint64_t value, uint64_t size)
{
    bool far = section >= SHN_LORESERVE && section < SECTION_ABS;
    uint16_t index = section == SECTION_ABS ? SHN_ABS : far ? SHN_XINDEX : (uint16_t)section;
    uint8_t *p = buf_reserve(&t->out, SYM64_SIZE);

    if (p)
        elf_store_sym(p, &(struct elf_sym){strtab_add(&t->l->strtab, name), info, other, index,
                                           value, size});
    buf_uint(&t->extended, far ? section : 0, 4);
    t->any_extended = t->any_extended || far;
    t->count++;
}

/* Is local symbol S of the input kept out?  -x drops all locals, -X those of
   the assembler; by default those go that only named merged strings. */
static bool discarded(const struct link *l, const struct symbol *s, const struct lsec *sec)
{
    bool temporary = !strncmp(s->name, ".L", 2);

    switch (l->opt->discard) {
    case DISCARD_NONE:
        return false;
    case DISCARD_ALL:
        return true;
    case DISCARD_LOCALS:
        return temporary;
    case DISCARD_MERGE:
        return temporary && sec && (sec->sec->flags & SEC_MERGE);
    }
    return false;
}

static void add_symbol(struct table *t, const struct lsym *s, bool local)
{
    const struct symbol *sym = lsym_symbol(s);
    struct lsec *sec = lsym_section(s);
    uint8_t info = lsym_info(s), kind = info & 15;
    uint64_t to = 0;
    uint32_t index = SHN_UNDEF;

    if (sec) {
        sec = lsec_moved(sec, sym->value, &to);
        if (!sec || !sec->out || !sec->live)
            return;
        if (t->l->opt->strip == STRIP_DEBUG && !(sec->out->flags & SHF_ALLOC))
            return;
    }
    if (lsym_defined(s))
        index = lsym_header(t->l, s);
    add(t, s->name, local ? (uint8_t)(STB_LOCAL << 4 | kind) : info,
        (uint8_t)((lsym_defined(s) ? s->visibility & 3 : 0) | (sym->other & ~3)), index,
        kind == STT_TLS && lsym_defined(s) ? s->addr - t->l->tls_addr : s->addr,
        lsym_defined(s) ? sym->size : 0);
}

static void add_locals(struct table *t, const struct lobj *o)
{
    const char *file = NULL;

    for (uint32_t i = 1; i < o->o.first_global; i++) {
        const struct symbol *sym = &o->o.symbols[i];
        struct lsym *s = &o->locals[i];

        if (sym->kind == KIND_FILE) {
            file = sym->name;
            continue;
        }
        if (sym->kind == KIND_SECTION || !*sym->name || sym->section == SECTION_UNDEF ||
            discarded(t->l, sym, lsym_section(s)))
            continue;
        if (file) { /* named once it has a symbol to its name */
            add(t, file, STB_LOCAL << 4 | STT_FILE, 0, SECTION_ABS, 0, 0);
            file = NULL;
        }
        s->visibility = VIS_DEFAULT;
        add_symbol(t, s, true);
    }
}

static bool is_local_now(const struct lsym *s)
{
    return lsym_defined(s) && s->localized;
}

/* Needs nothing but the addresses, so other tables can be made meanwhile:
   it takes no memory from the link's arena and tells nobody of failures. */
void link_build_symtab(struct link *l)
{
    struct table t = {.l = l};

    if (!l->made[MADE_SYMTAB])
        return;
    buf_reserve(&t.out, SYM64_SIZE);
    buf_reserve(&t.extended, 4);
    strtab_add(&l->strtab, "");
    t.count = 1;
    for (uint64_t i = 1; i < l->obj_count; i++)
        add_locals(&t, l->objs[i]);
    /* Globals that became local, and the linker's own, belong to no file. */
    add(&t, "", STB_LOCAL << 4 | STT_FILE, 0, SECTION_ABS, 0, 0);
    for (uint64_t i = 0; i < l->global_count; i++)
        if (is_local_now(l->globals[i]) && l->opt->discard != DISCARD_ALL)
            add_symbol(&t, l->globals[i], true);
    l->symtab_first_global = t.count;
    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];

        if (s->obj && !is_local_now(s) && (lsym_defined(s) || s->dynsym))
            add_symbol(&t, s, false);
    }
    l->symtab_out = t.out;
    l->symtab_extended = t.extended;
    l->symtab_needs_extended = t.any_extended;
}

static void give(struct lsec *s, const struct buf *b)
{
    s->data = b->at;
    s->size = s->out->size = b->size;
}

bool link_finish_symtab(struct link *l)
{
    if (!l->made[MADE_SYMTAB])
        return true;
    give(l->made[MADE_SYMTAB], &l->symtab_out);
    l->made[MADE_SYMTAB]->out->info_value = l->symtab_first_global;
    give(l->made[MADE_STRTAB], &l->strtab.out);
    if (l->symtab_needs_extended && !l->made[MADE_SYMTAB_SHNDX])
        return diag_fail(l->d, E_UNSUPPORTED, "internal error: no room for section indices");
    if (l->made[MADE_SYMTAB_SHNDX])
        give(l->made[MADE_SYMTAB_SHNDX], &l->symtab_extended);
    return !(l->symtab_out.bad || l->symtab_extended.bad || l->strtab.out.bad) ||
           diag_nomem(l->d);
}
