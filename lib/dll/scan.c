/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - what each relocation needs: a slot of the import table, a jump
 * through one, a base relocation, nothing; or an error with its place and
 * reason. */

#include "base/par.h"
#include "dll/dll.h"
#include "link/complaints.h"

#include <inttypes.h>

enum dll_target dll_target_of(const struct link *l, const struct lsec *s, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);

    if (sym->state == SYM_SHARED) {
        if (dll_is_pointer(sym))
            return TARGET_POINTER;
        /* A heap says whether it only calls a function or wants its own address. */
        if (lsym_symbol(sym)->kind == KIND_FUNC &&
            (!s->obj->o.heap || s->obj->o.symbols[r->symbol].kind == KIND_FUNC))
            return TARGET_STUB;
        return reloc_is_word(r->type) && !r->addend && r->offset % 8 == 0 &&
                       !(s->sec->flags & SEC_EXEC)
                   ? TARGET_AUTO
                   : TARGET_PSEUDO;
    }
    if (!lsym_defined(sym) || (!sym->linker && lsym_symbol(sym)->section == SECTION_ABS))
        return TARGET_CONSTANT;
    /* What was dropped is nowhere: debuggers expect 0 there. */
    if (lsym_section(sym) && !lsym_section(sym)->live)
        return TARGET_CONSTANT;
    if (s->obj->o.heap && l->heap_relocs == HEAP_RELOCS_NONE && sym->obj == s->obj)
        return TARGET_CONSTANT; /* a heap address */
    return TARGET_HERE;
}

static const char *name_of(const struct lsec *s, uint32_t symbol)
{
    const struct symbol *entry = &s->obj->o.symbols[symbol];

    return entry->kind == KIND_SECTION ? s->obj->o.sections[entry->section].name : entry->name;
}

static bool fail(struct diag *d, const struct lsec *s, const struct reloc *r, const char *why)
{
    struct arena a = {0};

    diag_fail(d, E_LINK, "%s: %s against `%s': %s", link_place(&a, s, r->offset), r->type->name,
              name_of(s, r->symbol), why);
    arena_free(&a);
    return false;
}

struct scan {
    struct link *l;
    struct complaints complaints;
    atomic_bool failed;
};

static bool has_relocator(const struct link *l)
{
    const struct lsym *s = link_find(l, "_pei386_runtime_relocator");

    return s && lsym_defined(s);
}

/* Imports get their slots one after the other, in the order of the inputs: here
   only what can be seen without them. */
static bool check_one(struct diag *d, const struct link *l, struct lsec *s, const struct reloc *r)
{
    enum dll_target target = dll_target_of(l, s, r);
    bool loaded = s->sec->flags & SEC_ALLOC;
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);

    if (!r->type->field || !loaded)
        return true;
    if (target == TARGET_PSEUDO && !reloc_is_word(r->type))
        return fail(d, s, r,
                    "is data of another image, and code cannot know how far away; declare it "
                    "with __declspec(dllimport)");
    if (target == TARGET_PSEUDO && !has_relocator(l))
        return fail(d, s, r,
                    "a place inside another image's data: only MinGW's start-up code "
                    "(_pei386_runtime_relocator), which is not in the link, can find it");
    if ((target == TARGET_AUTO || target == TARGET_PSEUDO) && l->opt->coff.no_auto_import)
        return fail(d, s, r,
                    "is data of another image that was not declared with "
                    "__declspec(dllimport), and --disable-auto-import is given");
    if (target == TARGET_CONSTANT && lsym_section(sym) && !lsym_section(sym)->live &&
        strncmp(s->sec->name, ".eh_frame", 9) != 0 && strncmp(s->sec->name, ".xdata", 6) != 0 &&
        !s->obj->o.heap && s->sec->flags & SEC_EXEC)
        return fail(d, s, r, "its section was dropped, another object's is used");
    if (r->type->from == FROM_ZERO && r->type->what == WHAT_SYMBOL && r->type->field->bytes == 4 &&
        !r->type->field->insn && target != TARGET_CONSTANT)
        return fail(d, s, r, "4 bytes have no room for an address");
    if (dll_moves(r, target))
        s->relative++;
    return true;
}

static bool check_section(struct diag *d, struct link *l, struct lsec *s)
{
    struct reloc batch[RELOC_BATCH];
    uint64_t last = 0;
    unsigned got = 0;
    bool ok = true;

    s->sorted = true;
    s->relative = 0;
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned i = 0; i < got; i++) {
            s->sorted = s->sorted && batch[i].offset >= last;
            last = batch[i].offset;
            ok = check_one(d, l, s, &batch[i]) && ok;
        }
    }
    return ok;
}

static void scan_object(void *arg, unsigned worker, uint64_t i)
{
    struct scan *sc = arg;
    struct diag *d = complaints_diag(&sc->complaints, worker, i);
    struct lobj *o = sc->l->objs[i];

    for (uint32_t n = 1; n < o->o.section_count; n++)
        if (o->secs[n].live && o->secs[n].sec->reloc_count && !check_section(d, sc->l, &o->secs[n]))
            atomic_store(&sc->failed, true);
}

/* ---- imports ---- */

/* Does any relocation of O need one?  Most objects' symbols tell. */
static bool has_imports(const struct lobj *o)
{
    for (uint32_t n = 0; n < o->o.symbol_count - o->o.first_global; n++)
        if (o->globals[n]->state == SYM_SHARED)
            return true;
    return false;
}

static bool take_import(struct link *l, struct lsec *s, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);
    enum dll_target target = dll_target_of(l, s, r);
    struct dll_import *import = NULL;

    if (target == TARGET_AUTO)
        return s->sec->flags & SEC_ALLOC ? dll_need_place(l, sym, s, r->offset) : true;
    if (target == TARGET_PSEUDO)
        return s->sec->flags & SEC_ALLOC ? dll_need_pseudo(l, sym, s, r->offset) : true;
    if (target != TARGET_POINTER && target != TARGET_STUB)
        return true;
    if (!(import = dll_need_import(l, sym)))
        return false;
    if (target == TARGET_STUB && !import->stub)
        import->stub = ++l->dll->stub_count;
    return true;
}

static bool take_imports(struct link *l, struct lsec *s)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return false;
        for (unsigned i = 0; i < got; i++)
            if (batch[i].type->field && !take_import(l, s, &batch[i]))
                return false;
    }
    return true;
}

bool dll_scan(struct link *l)
{
    struct scan sc = {.l = l};

    if (!complaints_begin(l->d, &sc.complaints))
        return false;
    par_for(l->obj_count, scan_object, &sc);
    if (!complaints_end(l->d, &sc.complaints) || sc.failed)
        return false;
    for (uint64_t i = 1; i < l->obj_count; i++) {
        struct lobj *o = l->objs[i];

        if (!has_imports(o))
            continue;
        for (uint32_t n = 1; n < o->o.section_count; n++)
            if (o->secs[n].live && o->secs[n].sec->reloc_count && !take_imports(l, &o->secs[n]))
                return false;
    }
    /* Exports of what is imported lead through a jump. */
    for (uint64_t i = 0; i < l->dll->export_count; i++) {
        const struct lsym *s = l->dll->exports[i].sym;
        struct dll_import *import = NULL;

        if (!s || s->state != SYM_SHARED)
            continue;
        if (dll_is_pointer(s) || lsym_symbol(s)->kind != KIND_FUNC)
            return diag_fail(l->d, E_LINK,
                             "export `%s': is another image's data; export it from there, or as a "
                             "forwarder",
                             l->dll->exports[i].name);
        if (!(import = dll_need_import(l, s)))
            return false;
        if (!import->stub)
            import->stub = ++l->dll->stub_count;
    }
    return true;
}
