/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - what each relocation of the image needs: a GOT slot, a PLT entry,
 * a dynamic relocation, or nothing; and those that no shared library can
 * have, each with its place and its reason. */

#include "base/par.h"
#include "link/complaints.h"
#include "link/link.h"

#include <inttypes.h>
#include <stdlib.h>

struct scan {
    struct link *l;
    struct lsec **secs;
    uint64_t count;
    struct complaints complaints;
};

/* One section being scanned. */
struct scanner {
    struct link *l;
    struct diag *d;
    struct arena *a;
    struct lsec *s;
    struct complaints *complaints;
    unsigned worker;
};

enum { LARGE = 1 << 20 };

/* Relocations that no shared library can have come in crowds, from code that
   was compiled for programs: one is told, and how many there are. */
static const char not_for_libraries;

const char *link_place(struct arena *a, const struct lsec *s, uint64_t offset)
{
    const struct symbol *best = NULL;
    const char *text = NULL;

    for (uint32_t i = 1; i < s->obj->o.symbol_count; i++) {
        const struct symbol *sym = &s->obj->o.symbols[i];

        if (sym->section == s->index && sym->kind == KIND_FUNC && sym->value <= offset &&
            (offset - sym->value < sym->size || (!sym->size && !best)) &&
            (!best || sym->value >= best->value))
            best = sym;
    }
    text = best ? arena_printf(a, "%s: %s+0x%" PRIx64 ": in function `%s'", s->obj->o.name,
                               s->sec->name, offset, best->name)
                : arena_printf(a, "%s: %s+0x%" PRIx64, s->obj->o.name, s->sec->name, offset);
    return text ? text : s->obj->o.name;
}

/* How messages call the symbol of R. */
static const char *symbol_name(const struct lsec *s, const struct reloc *r)
{
    const struct symbol *sym = &s->obj->o.symbols[r->symbol];

    if (sym->kind == KIND_SECTION && sym->section < s->obj->o.section_count)
        return s->obj->o.sections[sym->section].name;
    return sym->name;
}

/* NAME, and what it says in C++. */
static const char *readable(struct scanner *sc, const char *name)
{
    char *plain = sc->l->opt->demangle ? demangle_cxx(name) : NULL;
    const char *text = plain ? arena_printf(sc->a, "%s' (%s)", plain, name)
                             : arena_printf(sc->a, "%s'", name);

    free(plain);
    return text ? text : name;
}

/* Where R is.  Finding the function takes long: it is left out where nobody would read it. */
static const char *place(const struct scanner *sc, const struct reloc *r)
{
    return complaints_enough(sc->complaints, sc->worker) ? sc->s->obj->o.name
                                                         : link_place(sc->a, sc->s, r->offset);
}

static void fail(struct scanner *sc, const struct reloc *r, enum status status, const char *reason)
{
    const struct lsym *sym = lobj_sym(sc->s->obj, r->symbol);
    const char *kind = r->symbol < sc->s->obj->o.first_global ? "local symbol"
                       : lsym_defined(sym)                    ? "symbol"
                       : sym->state == SYM_SHARED             ? "shared symbol"
                                                              : "undefined symbol";

    complaints_group(sc->complaints, sc->worker, &not_for_libraries);
    diag_fail(sc->d, status, "%s: %s against %s `%s %s", place(sc, r),
              r->type ? r->type->name : "relocation", kind,
              readable(sc, symbol_name(sc->s, r)), reason);
}

static void need(struct lsym *sym, unsigned bits)
{
    if ((atomic_load_explicit(&sym->needs, memory_order_relaxed) & bits) != bits)
        atomic_fetch_or_explicit(&sym->needs, (uint16_t)bits, memory_order_relaxed);
}

/* The section will be written when the image is loaded. */
static void needs_writing(struct scanner *sc)
{
    if (sc->s->sec->flags & SEC_WRITE)
        return;
    if (sc->s->obj->o.heap) {
        sc->s->late_rights = true;
        return;
    }
    if (sc->s->sec->flags & SEC_EXEC)
        atomic_store(&sc->l->need_textrel, true);
    else
        sc->s->relro = true;
}

static void add_relative(struct scanner *sc, const struct reloc *r)
{
    needs_writing(sc);
    if (link_packs_relative(sc->l, sc->s, r->offset))
        sc->s->relr++;
    else
        sc->s->relative++;
}

bool link_relaxes(const struct link *l, const struct lsec *s, const struct reloc *r,
                  const struct lsym *sym, const uint8_t *unit, uint64_t before)
{
    (void)s;
    return r->type->relax && !l->far && l->arch->relax_ok && r->addend == -4 && lsym_defined(sym) &&
           !lsym_preemptible(sym) && !lsym_is_ifunc(sym) && !lsym_is_constant(sym) &&
           l->arch->relax_ok(r->type->relax, unit, before);
}

static const char recompile[] = "cannot be used in a shared library; recompile with -fPIC";

/* S + A itself. */
static void scan_address(struct scanner *sc, const struct reloc *r, struct lsym *sym)
{
    const struct reloc_type *t = r->type;
    bool preemptible = lsym_preemptible(sym);

    if (reloc_is_word(t)) {
        if (preemptible) {
            needs_writing(sc);
            need(sym, NEED_DYNSYM);
            sc->s->symbolic++;
        } else if (!lsym_is_constant(sym)) {
            if (lsym_is_resolved(sym)) {
                needs_writing(sc);
                sc->s->irelative++;
                return;
            }
            if (lsym_is_ifunc(sym))
                need(sym, NEED_PLT);
            if (!link_heap_settles(sc->l, sc->s, sym))
                add_relative(sc, r);
        }
    } else if (reloc_is_page_offset(t) && !preemptible) {
        if (lsym_is_ifunc(sym))
            need(sym, NEED_PLT);
    } else if (preemptible || !lsym_is_constant(sym)) {
        fail(sc, r, E_LINK, recompile);
    }
}

/* A distance from the place or from the GOT. */
static void scan_distance(struct scanner *sc, const struct reloc *r, struct lsym *sym)
{
    if (lsym_preemptible(sym))
        fail(sc, r, E_LINK,
             lsym_defined(sym)
                 ? "cannot be used in a shared library, where another may replace the symbol; "
                   "recompile with -fPIC, or hide the symbol, or link with -Bsymbolic"
                 : recompile);
    else if (lsym_is_constant(sym))
        fail(sc, r, E_LINK, "is a distance to something that does not move with the image");
    else if (lsym_is_ifunc(sym))
        need(sym, NEED_PLT);
}

/* Only x86-64's distances have addends: they say how far the instruction
   goes on.  Elsewhere one would ask for a slot that holds S + A. */
static bool has_addend(struct scanner *sc, const struct reloc *r)
{
    if (!r->addend || !(r->type->field->insn || r->type->from == FROM_ZERO))
        return false;
    fail(sc, r, E_UNSUPPORTED, "has an addend, which its GOT slot cannot hold");
    return true;
}

static void scan_got(struct scanner *sc, const struct reloc *r, struct lsym *sym)
{
    const uint8_t *data = sc->s->sec->data.at;

    if (link_relaxes(sc->l, sc->s, r, sym, data + r->offset, r->offset))
        return;
    if (has_addend(sc, r))
        return;
    need(sym, NEED_GOT | (lsym_preemptible(sym) ? NEED_DYNSYM : 0u));
    if (lsym_is_ifunc(sym) && !lsym_preemptible(sym) && !lsym_is_resolved(sym))
        need(sym, NEED_PLT);
}

static void scan_tls(struct scanner *sc, const struct reloc *r, struct lsym *sym)
{
    static const struct {
        enum reloc_what what;
        unsigned need;
    } table[] = {{WHAT_TLSGD, NEED_GD}, {WHAT_TLSIE, NEED_IE}, {WHAT_TLSDESC, NEED_DESC}};
    const struct symbol *entry = &sc->s->obj->o.symbols[r->symbol];
    bool preemptible = lsym_preemptible(sym);

    if (lsym_defined(sym) && !sym->linker && lsym_symbol(sym)->kind != KIND_TLS &&
        !(lsym_section(sym) && (lsym_section(sym)->sec->flags & SEC_TLS)) &&
        entry->section != SECTION_ABS) {
        fail(sc, r, E_LINK, "treats as thread-local what is not");
        return;
    }
    if (r->type->what == WHAT_TLSLD) {
        atomic_store(&sc->l->need_tls_ld, true);
    } else if (r->type->what == WHAT_TPREL) {
        if (r->type->field->bytes != 8 || r->type->from != FROM_ZERO) {
            fail(sc, r, E_LINK,
                 "is local-exec TLS, which only a program can have; recompile with -fPIC");
            return;
        }
        needs_writing(sc);
        atomic_store(&sc->l->need_static_tls, true);
        if (preemptible)
            need(sym, NEED_DYNSYM);
        sc->s->symbolic++;
    } else if (r->type->what == WHAT_DTPREL) {
        /* The block is this image's: so must be the symbol. */
        if (preemptible && !lsym_defined(sym))
            fail(sc, r, E_LINK, recompile);
    } else if (!has_addend(sc, r)) {
        for (size_t i = 0; i < sizeof table / sizeof *table; i++)
            if (table[i].what == r->type->what)
                need(sym, table[i].need | (preemptible ? NEED_DYNSYM : 0u));
        if (r->type->what == WHAT_TLSIE)
            atomic_store(&sc->l->need_static_tls, true);
    }
}

/* True if R's symbol is missing where it must not be; told. */
static bool is_missing(struct scanner *sc, const struct reloc *r, const struct lsym *sym)
{
    const struct symbol *entry = &sc->s->obj->o.symbols[r->symbol];
    const struct lsec *at = NULL;

    if (r->symbol == 0)
        return false;
    if (entry->section && entry->section < sc->s->obj->o.section_count) {
        at = &sc->s->obj->secs[entry->section];
        if (at->discarded && r->symbol < sc->s->obj->o.first_global) {
            fail(sc, r, E_LINK, "refers into a section that was dropped, since another object has "
                                "the same group");
            return true;
        }
    }
    if (sym->state != SYM_UNDEFINED || !sym->strong_ref || entry->binding == BIND_WEAK ||
        (sym->visibility == VIS_DEFAULT && !sc->l->opt->no_undefined))
        return false;
    /* Each symbol once for each object that refers to it. */
    complaints_group(sc->complaints, sc->worker,
                     &sc->s->obj->globals[r->symbol - sc->s->obj->o.first_global]);
    if (sym->visibility != VIS_DEFAULT) {
        diag_fail(sc->d, E_LINK, "%s: undefined reference to `%s, which is hidden: an object of "
                  "this link must define it", place(sc, r), readable(sc, sym->name));
        return true;
    }
    if (sc->l->opt->warn_unresolved) {
        diag_warn(sc->d, "%s: undefined reference to `%s", place(sc, r), readable(sc, sym->name));
        return false;
    }
    return !diag_fail(sc->d, E_LINK, "%s: undefined reference to `%s", place(sc, r),
                      readable(sc, sym->name));
}

static void scan_reloc(struct scanner *sc, const struct reloc *r)
{
    const struct reloc_type *t = r->type;
    struct lsym *sym = lobj_sym(sc->s->obj, r->symbol);

    if (!t) {
        complaints_group(sc->complaints, sc->worker, &not_for_libraries);
        diag_fail(sc->d, E_UNSUPPORTED, "%s: relocation type %" PRIu32 " is not known",
                  place(sc, r), r->number);
        return;
    }
    if (t->what == WHAT_NONE || t->what == WHAT_TLSMARK || is_missing(sc, r, sym))
        return;
    if (t->from == FROM_GOT || t->from == FROM_GOTPAGE || t->what == WHAT_GOTBASE)
        atomic_store(&sc->l->need_gotbase, true);
    switch (t->what) {
    case WHAT_NONE:
    case WHAT_SECTION: /* not of ELF */
    case WHAT_SECREL:
    case WHAT_TLSMARK:
    case WHAT_TLV: /* Mach-O's */
    case WHAT_GOTBASE:
        break;
    case WHAT_DYNAMIC:
        fail(sc, r, E_FORMAT, "belongs in linked images, not in objects");
        break;
    case WHAT_SYMBOL:
        if (t->from == FROM_ZERO)
            scan_address(sc, r, sym);
        else
            scan_distance(sc, r, sym);
        break;
    case WHAT_PLT:
        if (lsym_preemptible(sym))
            need(sym, NEED_PLT | NEED_DYNSYM);
        else if (lsym_is_ifunc(sym))
            need(sym, NEED_PLT);
        break;
    case WHAT_GOT:
        scan_got(sc, r, sym);
        break;
    case WHAT_SIZE:
        if (lsym_preemptible(sym))
            fail(sc, r, E_UNSUPPORTED, "asks for the size of what another library may replace");
        break;
    case WHAT_TLSGD:
    case WHAT_TLSLD:
    case WHAT_TLSIE:
    case WHAT_TLSDESC:
    case WHAT_DTPREL:
    case WHAT_TPREL:
        scan_tls(sc, r, sym);
        break;
    }
}

static void scan_section(void *arg, unsigned worker, uint64_t i)
{
    struct scan *scan = arg;
    struct lsec *s = scan->secs[i];
    struct scanner sc = {.l = scan->l,
                         .d = complaints_diag(&scan->complaints, worker, i),
                         .a = complaints_arena(&scan->complaints, worker),
                         .s = s,
                         .complaints = &scan->complaints,
                         .worker = worker};
    struct reloc batch[RELOC_BATCH];
    uint64_t last = 0;
    unsigned got = 0;

    s->sorted = true;
    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        struct where here = {NULL, s->obj->o.name, NO_INDEX};

        sc.d->where = &here;
        if (!s->obj->o.format->relocs(sc.d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return;
        sc.d->where = NULL;
        for (unsigned n = 0; n < got; n++) {
            if (batch[n].offset < last)
                s->sorted = false;
            last = batch[n].offset;
            if (s->sec->flags & SEC_ALLOC)
                scan_reloc(&sc, &batch[n]);
        }
    }
}

/* Is the image so large that a distance within it may not fit 32 bits?  What
   the linker makes itself, and padding, get a part of the room. */
static bool is_far(const struct link *l)
{
    uint64_t size = 0;

    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            const struct lsec *s = &l->objs[i]->secs[n];

            if (s->live && (s->sec->flags & SEC_ALLOC) && (size += s->size) > INT32_MAX / 4 * 3)
                return true;
        }
    return false;
}

bool link_scan(struct link *l)
{
    struct scan scan = {.l = l};
    uint64_t cap = 0;

    l->far = is_far(l);
    for (uint64_t i = 0; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            struct lsec *s = &l->objs[i]->secs[n];

            /* What is not in memory needs nothing but its values; of a large
               section it is good to know if it can be done in parts. */
            if (!s->live || s->sec->reloc_count == 0 ||
                (!(s->sec->flags & SEC_ALLOC) && s->size < LARGE))
                continue;
            if (!arena_grow(&l->arena, (void **)&scan.secs, scan.count, &cap,
                            sizeof(struct lsec *)))
                return diag_nomem(l->d);
            scan.secs[scan.count++] = s;
        }
    if (!complaints_begin(l->d, &scan.complaints))
        return false;
    par_for(scan.count, scan_section, &scan);
    if (!complaints_end(l->d, &scan.complaints) || l->d->errors)
        return false;
    if (l->need_textrel && !l->opt->text_ok) {
        if (l->opt->text_error)
            return diag_fail(l->d, E_LINK, "code needs relocating when the image is loaded (-z text)");
        diag_warn(l->d, "code needs relocating when the image is loaded (DT_TEXTREL)");
    }
    return true;
}
