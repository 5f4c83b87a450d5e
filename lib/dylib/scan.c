/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - what each relocation needs: a pointer that the loader fixes, a slot
 * of the GOT, a stub, nothing; or an error with its place and reason. */

#include "base/par.h"
#include "dylib/dylib.h"
#include "link/complaints.h"

#include <inttypes.h>
#include <pthread.h>

/* Addends up to here fit a bound pointer (struct dyld_chained_ptr_64_bind). */
enum { INLINE_ADDEND = 255 };

struct scan {
    struct link *l;
    struct complaints complaints;
    pthread_mutex_t lock; /* of dylib.imports, as long as it lists the wide ones */
    atomic_bool failed;
};

static bool is_constant(const struct lsym *s)
{
    return lsym_defined(s) && !s->linker && lsym_symbol(s)->section == SECTION_ABS;
}

enum pointer_kind dylib_pointer(const struct link *l, const struct lsec *s, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);
    const struct lsec *target = NULL;

    if (r->symbol == 0)
        return POINTER_CONSTANT;
    if (s->sec->role == ROLE_INIT_ARRAY && l->dylib->init_offsets && lsym_defined(sym))
        return POINTER_INIT;
    if (dylib_binds(sym))
        return POINTER_BIND;
    if (is_constant(sym) || link_heap_settles(l, s, sym))
        return POINTER_CONSTANT;
    target = lsym_section(sym);
    if (target && (target->sec->flags & SEC_TLS) &&
        (s->sec->type & SECTION_TYPE) == S_THREAD_LOCAL_VARIABLES)
        return POINTER_TLS;
    return POINTER_REBASE;
}

bool dylib_relaxes(const struct link *l, const struct lsec *s, const struct reloc *r,
                   const uint8_t *unit, uint64_t before)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);

    return r->type->relax && !dylib_binds(sym) && !is_constant(sym) &&
           l->darwin->relax_ok(r->type->relax, unit, before);
}

/* What messages call SYM of S's object. */
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

static void need(struct lsym *sym, unsigned what) { atomic_fetch_or(&sym->needs, (uint16_t)what); }

/* SYM with an addend that the pointer has no room for: an import of its own. */
static bool need_wide(struct scan *sc, struct diag *d, const struct lsym *sym, int64_t addend)
{
    struct dylib *y = sc->l->dylib;
    bool ok = false;

    pthread_mutex_lock(&sc->lock);
    ok = arena_grow(&sc->l->arena, (void **)&y->imports, y->import_count, &y->import_cap,
                    sizeof *y->imports);
    if (ok)
        y->imports[y->import_count++] = (struct dylib_import){sym, addend};
    pthread_mutex_unlock(&sc->lock);
    return ok || diag_nomem(d);
}

static bool scan_pointer(struct scan *sc, struct diag *d, struct lsec *s, const struct reloc *r)
{
    struct lsym *sym = lobj_sym(s->obj, r->symbol);
    enum pointer_kind kind = dylib_pointer(sc->l, s, r);

    if (kind != POINTER_REBASE && kind != POINTER_BIND)
        return true;
    if (s->sec->role == ROLE_INIT_ARRAY && sc->l->dylib->init_offsets)
        return fail(d, s, r, "an initialiser in another image");
    if (!(s->sec->flags & SEC_WRITE) && !s->obj->o.heap)
        return fail(d, s, r,
                    "a pointer in __TEXT, which nothing may write to when the image is "
                    "loaded; put it in __DATA,__const");
    if (s->sec->flags & SEC_EXEC)
        return fail(d, s, r, "a pointer among code, which nothing may write to");
    if (sc->l->dylib->chained && r->offset % 4)
        return fail(d, s, r,
                    "a pointer at an offset that is no multiple of 4: chained fixups "
                    "cannot reach it; use -no_fixup_chains");
    if (kind == POINTER_REBASE) {
        s->relative++;
        return true;
    }
    s->symbolic++;
    need(sym, NEED_DYNSYM);
    return (r->addend >= 0 && r->addend <= INLINE_ADDEND) || need_wide(sc, d, sym, r->addend);
}

/* The difference of two symbols: the same wherever the image is loaded. */
static bool scan_difference(struct diag *d, const struct lsec *s, const struct reloc *r)
{
    if (!lsym_defined(lobj_sym(s->obj, r->symbol)) || !lsym_defined(lobj_sym(s->obj, r->minus)))
        return fail(d, s, r,
                    "a distance to a symbol of another image is not known before that is "
                    "loaded");
    return true;
}

static bool scan_symbol(struct scan *sc, struct diag *d, struct lsec *s, const struct reloc *r)
{
    const struct lsym *sym = lobj_sym(s->obj, r->symbol);

    if (r->minus)
        return scan_difference(d, s, r);
    if (reloc_is_word(r->type))
        return scan_pointer(sc, d, s, r);
    if (r->symbol && !lsym_defined(sym))
        return fail(d, s, r,
                    "is in another image, and code cannot know how far away; compile "
                    "without -mdynamic-no-pic or -fno-pic");
    if (r->type->from == FROM_ZERO && r->type->field->bytes == 4 && !r->type->field->insn &&
        r->symbol && !is_constant(sym))
        return fail(d, s, r, "4 bytes have no room for an address");
    return true;
}

static bool scan_one(struct scan *sc, struct diag *d, struct lsec *s, const struct reloc *r)
{
    struct lsym *sym = lobj_sym(s->obj, r->symbol);
    const uint8_t *unit = s->sec->data.at + r->offset;

    switch (r->type->what) {
    case WHAT_SYMBOL:
        return scan_symbol(sc, d, s, r);
    case WHAT_PLT:
        if (dylib_binds(sym))
            need(sym, NEED_PLT | NEED_GOT | NEED_DYNSYM);
        if (dylib_binds(sym) && r->addend)
            return fail(d, s, r, "a call of another image's function, but not of its start");
        return true;
    case WHAT_GOT:
        if (dylib_relaxes(sc->l, s, r, unit, r->offset))
            return true;
        need(sym, NEED_GOT | (dylib_binds(sym) ? NEED_DYNSYM : 0u));
        if (r->type->field->bytes == 8)
            s->relative++;
        return true;
    case WHAT_TLV:
        if (dylib_relaxes(sc->l, s, r, unit, r->offset))
            return true;
        need(sym, NEED_GD | (dylib_binds(sym) ? NEED_DYNSYM : 0u));
        return true;
    default:
        return true;
    }
}

static bool scan_section(struct scan *sc, struct diag *d, struct lsec *s)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;
    uint64_t last = 0;
    bool ok = true;

    s->sorted = true;
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        struct where here = {d->where, s->obj->o.name, NO_INDEX};
        bool read = false;

        d->where = &here;
        read = s->obj->o.format->relocs(d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got);
        d->where = here.up;
        if (!read)
            return false;
        for (unsigned i = 0; i < got; i++) {
            s->sorted = s->sorted && batch[i].offset >= last;
            last = batch[i].offset;
            ok = scan_one(sc, d, s, &batch[i]) && ok;
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
        if (o->secs[n].live && o->secs[n].sec->reloc_count && (o->secs[n].sec->flags & SEC_ALLOC) &&
            o->secs[n].sec->role != ROLE_EH_FRAME && !scan_section(sc, d, &o->secs[n]))
            atomic_store(&sc->failed, true);
}

bool dylib_scan(struct link *l)
{
    struct scan sc = {.l = l, .lock = PTHREAD_MUTEX_INITIALIZER};
    bool ok = false;

    if (!complaints_begin(l->d, &sc.complaints))
        return false;
    par_for(l->obj_count, scan_object, &sc);
    ok = complaints_end(l->d, &sc.complaints);
    pthread_mutex_destroy(&sc.lock);
    return (ok && !sc.failed && l->d->errors == 0) || l->opt->noinhibit;
}
