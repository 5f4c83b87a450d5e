/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resolve.c - one definition for each name, and who may see it.
 *
 * Symbols are added input by input.  A definition wins by its state (strong
 * over common over weak over shared), the first of equals stays; two strong
 * ones are an error. */

#include "base/pages.h"
#include "elf/elf.h"
#include "dylib/dylib.h"
#include "link/link.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- questions about a symbol ---- */

struct lsec *lsym_section(const struct lsym *s)
{
    uint32_t section = 0;

    if (!lsym_defined(s))
        return NULL;
    section = lsym_symbol(s)->section;
    return section == SECTION_UNDEF || section >= s->obj->o.section_count
               ? NULL
               : &s->obj->secs[section];
}

bool lsym_preemptible(const struct lsym *s)
{
    if (s->localized || s->linker)
        return false;
    if (lsym_defined(s))
        return s->exported && s->visibility == VIS_DEFAULT && !s->bound;
    return s->visibility == VIS_DEFAULT;
}

bool lsym_is_ifunc(const struct lsym *s)
{
    return lsym_defined(s) && lsym_symbol(s)->kind == KIND_IFUNC;
}

bool lsym_is_constant(const struct lsym *s)
{
    if (lsym_defined(s))
        return !s->linker && lsym_symbol(s)->section == SECTION_ABS;
    return !lsym_preemptible(s);
}

/* ---- adding ---- */

static uint64_t group_size(const struct object *o, uint32_t group)
{
    uint64_t size = 0;

    for (uint32_t i = 1; i < o->section_count; i++)
        size += o->sections[i].group == group ? o->sections[i].size : 0;
    return size;
}

static uint32_t group_named(const struct object *o, const char *name)
{
    for (uint32_t g = 1; g < o->group_count; g++)
        if (o->groups[g].comdat && !strcmp(o->groups[g].name, name))
            return g;
    return 0;
}

/* COFF: of the group that FIRST has and O has larger, O's is kept: what FIRST
   defined is undefined again. */
static bool replace_if_larger(struct link *l, struct lobj *first, struct lobj *o, uint32_t g,
                              bool *replaced)
{
    const char *name = o->o.groups[g].name;
    uint32_t old = group_named(&first->o, name);

    *replaced = group_size(&o->o, g) > group_size(&first->o, old);
    if (!*replaced)
        return true;
    for (uint32_t i = 1; i < first->o.section_count; i++)
        if (first->o.sections[i].group == old) {
            first->secs[i].discarded = true;
            first->secs[i].live = false;
        }
    for (uint32_t i = first->o.first_global; i < first->o.symbol_count; i++) {
        struct lsym *s = first->globals[i - first->o.first_global];
        const struct lsec *sec = s->obj == first && s->index == i ? lsym_section(s) : NULL;

        if (sec && sec->discarded)
            s->state = SYM_UNDEFINED;
    }
    return link_replace_group(l, name, o) || diag_nomem(l->d);
}

/* Of groups with the same name only the first object's is kept.  Sections
   called .gnu.linkonce.* are groups of one, named by themselves. */
static bool discard_groups(struct link *l, struct lobj *o)
{
    bool *gone = arena_alloc(&l->arena, o->o.group_count, sizeof *gone);

    if (!gone)
        return diag_nomem(l->d);
    for (uint32_t g = 1; g < o->o.group_count; g++) {
        struct lobj *first = o->o.groups[g].comdat ? link_first_group(l, o->o.groups[g].name, o) : o;

        if (!first)
            return diag_nomem(l->d);
        gone[g] = first != o;
        if (gone[g] && o->o.groups[g].largest) {
            bool replaced = false;

            if (!replace_if_larger(l, first, o, g, &replaced))
                return false;
            gone[g] = !replaced;
        }
    }
    for (uint32_t i = 1; i < o->o.section_count; i++) {
        const struct section *s = &o->o.sections[i];

        if (s->group && gone[s->group])
            o->secs[i].discarded = true;
        else if (!s->group && !strncmp(s->name, ".gnu.linkonce.", 14)) {
            struct lobj *first = link_first_group(l, s->name, o);

            if (!first)
                return diag_nomem(l->d);
            o->secs[i].discarded = first != o;
        }
        if (o->secs[i].discarded)
            o->secs[i].live = false;
    }
    return true;
}

static void make_sections(const struct link *l, struct lobj *o)
{
    for (uint32_t i = 0; i < o->o.section_count; i++) {
        const struct section *s = &o->o.sections[i];
        bool stripped = (s->flags & SEC_DEBUG) && l->opt->strip != STRIP_NONE;
        struct lsec *out = &o->secs[i]; /* all zero: cleared twice, it would take twice as long */

        out->obj = o;
        out->sec = s;
        out->index = i;
        out->size = s->size;
        out->align_log2 = s->align_log2;
        out->live = s->role != ROLE_META && s->role != ROLE_PROPERTY && s->role != ROLE_UNWIND &&
                    !(s->flags & SEC_EXCLUDE) && !stripped;
    }
}

static void make_locals(struct lobj *o)
{
    for (uint32_t i = 0; i < o->o.first_global; i++) {
        struct lsym *out = &o->locals[i];

        out->name = o->o.symbols[i].name;
        out->obj = o;
        out->index = i;
        out->state = i ? SYM_DEFINED : SYM_UNDEFINED;
        out->visibility = VIS_HIDDEN;
        out->localized = true;
    }
}

bool link_prepare_object(const struct link *l, struct diag *d, struct arena *a, struct lobj *o)
{
    o->secs = arena_alloc(a, o->o.section_count, sizeof *o->secs);
    o->locals = arena_alloc(a, o->o.first_global, sizeof *o->locals);
    o->globals = arena_alloc(a, o->o.symbol_count - o->o.first_global, sizeof *o->globals);
    if (!o->secs || !o->locals || !o->globals)
        return diag_nomem(d);
    pages_make(o->secs, o->o.section_count * sizeof *o->secs);
    pages_make(o->locals, o->o.first_global * sizeof *o->locals);
    make_sections(l, o);
    make_locals(o);
    return true;
}

/* The stricter of two visibilities; ELF numbers them so that 0 is the
   laxest and else the smaller is the stricter. */
static uint8_t strictest(uint8_t a, uint8_t b) { return !a ? b : !b ? a : a < b ? a : b; }

static bool is_wrapped(const struct link *l, const char *name)
{
    for (size_t i = 0; i < l->opt->wrap.count; i++)
        if (!strcmp(l->opt->wrap.at[i], name))
            return true;
    return false;
}

/* The symbol that a reference to NAME means: --wrap sends f to __wrap_f and
   __real_f to f. */
static struct lsym *referred_symbol(struct link *l, const char *name)
{
    char *other = NULL;

    if (l->opt->wrap.count == 0)
        return link_intern(l, name, strlen(name));
    if (is_wrapped(l, name))
        other = arena_printf(&l->arena, "__wrap_%s", name);
    else if (!strncmp(name, "__real_", 7) && is_wrapped(l, name + 7))
        other = arena_strdup(&l->arena, name + 7);
    name = other ? other : name;
    return link_intern(l, name, strlen(name));
}

/* The index of the version script's node NAME; 0 if there is none. */
static uint16_t find_version(const struct link *l, const char *name)
{
    const struct version_script *v = l->opt->version_script;

    for (uint32_t i = 0; v && i < v->node_count; i++)
        if (!strcmp(v->nodes[i].name, name))
            return v->nodes[i].index;
    return 0;
}

/* The symbol that a definition called NAME defines.  "f@@V" is f, with
   version V; "f@V" is a name of its own. */
static struct lsym *defined_symbol(struct link *l, const struct lobj *o, const char *name)
{
    const char *at = l->machine ? strchr(name, '@') : NULL; /* only ELF has versions */
    bool is_default = at && at[1] == '@';
    const char *version = at ? at + 1 + strspn(at + 1, "@") : NULL;
    struct lsym *s = NULL;
    uint16_t index = 0;

    if (!at || at == name)
        return link_intern(l, name, strlen(name));
    index = find_version(l, version);
    if (*version && !index) {
        diag_fail(l->d, E_LINK, "%s: defines `%s', but no version script has a node %s",
                  o->o.name, name, version);
        return NULL;
    }
    s = link_intern(l, name, is_default ? (size_t)(at - name) : strlen(name));
    if (s && *version) {
        s->version = (uint16_t)(index | (is_default ? 0 : VERSYM_HIDDEN));
        s->versioned = true;
    }
    return s;
}

static void add_reference(struct lsym *s, struct lobj *o, uint32_t i)
{
    const struct symbol *from = &o->o.symbols[i];
    bool first = !s->referred;

    s->referred = true;
    if (o->o.format != &format_macho) /* there, only definitions say who sees them */
        s->visibility = strictest(s->visibility, from->visibility);
    if (from->binding != BIND_WEAK && !s->strong_ref) {
        s->strong_ref = true;
        first = true;
    }
    if (s->state == SYM_NEW)
        s->state = SYM_UNDEFINED;
    /* A hidden reference means a definition in this image, not a library's. */
    if (s->state == SYM_SHARED && s->visibility != VIS_DEFAULT) {
        s->state = SYM_UNDEFINED;
        first = true;
    }
    if (s->state == SYM_UNDEFINED && first) {
        s->obj = o;
        s->index = i;
    }
}

static enum sym_state state_of(const struct symbol *from)
{
    if (from->section == SECTION_COMMON || from->section == SECTION_LARGE_COMMON)
        return SYM_COMMON;
    return from->binding == BIND_WEAK ? SYM_WEAK : SYM_DEFINED;
}

static bool add_definition(struct link *l, struct lsym *s, struct lobj *o, uint32_t i)
{
    const struct symbol *from = &o->o.symbols[i];
    enum sym_state state = state_of(from);

    s->visibility = l->darwin ? dylib_visibility(s, from)
                              : strictest(s->visibility, from->visibility);
    if (l->opt->warn_common && lsym_defined(s) &&
        (state == SYM_COMMON || s->state == SYM_COMMON))
        diag_warn(l->d, "common symbol `%s': in %s and in %s", s->name, s->obj->o.name, o->o.name);
    if (state == SYM_COMMON && s->state == SYM_COMMON) {
        if (from->value > s->addr)
            s->addr = from->value;
        if (from->size > lsym_symbol(s)->size) {
            s->obj = o;
            s->index = i;
        }
        return true;
    }
    if (state == SYM_DEFINED && s->state == SYM_DEFINED && !l->opt->allow_multiple) {
        const struct symbol *old = lsym_symbol(s);

        /* Two equal constants are one. */
        if (old->section == SECTION_ABS && from->section == SECTION_ABS &&
            old->value == from->value)
            return true;
        diag_fail(l->d, E_LINK, "duplicate symbol `%s': defined in %s and in %s", s->name,
                  s->obj->o.name, o->o.name);
        return true; /* go on: there may be more */
    }
    if (state <= (enum sym_state)s->state)
        return true;
    s->state = (uint8_t)state;
    s->obj = o;
    s->index = i;
    s->addr = state == SYM_COMMON ? from->value : 0;
    return true;
}

/* -y NAME: tell where it is defined and referred to. */
static void trace(const struct link *l, const struct lobj *o, const char *name, bool defines)
{
    for (size_t i = 0; i < l->opt->trace_symbols.count; i++)
        if (!strcmp(l->opt->trace_symbols.at[i], name))
            printf("%s: %s %s\n", o->o.name, defines ? "definition of" : "reference to", name);
}

/* Sections that ld's script would rewrite or that nothing would run. */
static bool check_sections(struct link *l, const struct lobj *o)
{
    for (uint32_t i = 1; i < o->o.section_count; i++) {
        const struct section *s = &o->o.sections[i];

        if (s->size && s->role == ROLE_PREINIT_ARRAY)
            return diag_fail(l->d, E_UNSUPPORTED,
                             "%s: %s: functions to be called before all libraries start are run "
                             "for a program only, never for a shared library",
                             o->o.name, s->name);
        if (s->size && (s->flags & SEC_ALLOC) &&
            (!strncmp(s->name, ".ctors", 6) || !strncmp(s->name, ".dtors", 6)) &&
            (!s->name[6] || s->name[6] == '.'))
            return diag_fail(l->d, E_UNSUPPORTED,
                             "%s: %s: constructors in this form are run by no current system; "
                             "recompile so that they are in .init_array",
                             o->o.name, s->name);
    }
    return true;
}

bool link_add_object(struct link *l, struct lobj *o)
{
    if ((l->machine && !check_sections(l, o)) ||
        !link_expect_names(l, o->o.symbol_count - o->o.first_global, l->darwin ? 0 : o->o.group_count) ||
        (!l->darwin && !discard_groups(l, o)))
        return false;
    for (uint32_t i = o->o.first_global; i < o->o.symbol_count; i++) {
        const struct symbol *from = &o->o.symbols[i];
        bool gone = from->section && from->section < o->o.section_count &&
                    o->secs[from->section].discarded;
        bool defines = from->section != SECTION_UNDEF && !gone;
        const char *name = from->name;
        struct lsym *s = NULL;

        /* What a dropped group defined is now a reference to the kept one. */
        if (gone && l->machine && strstr(name, "@@"))
            s = link_intern(l, name, strcspn(name, "@"));
        else
            s = defines ? defined_symbol(l, o, name) : referred_symbol(l, name);
        if (!s)
            return false;
        o->globals[i - o->o.first_global] = s;
        trace(l, o, name, defines);
        if (!defines)
            add_reference(s, o, i);
        else if (!add_definition(l, s, o, i))
            return false;
    }
    return true;
}

/* Is there any undefined symbol that names its version, "f@V"? */
static bool names_versions(const struct link *l)
{
    if (!l->machine)
        return false;
    for (uint64_t i = 0; i < l->global_count; i++)
        if (l->globals[i]->state == SYM_UNDEFINED && strchr(l->globals[i]->name, '@'))
            return true;
    return false;
}

/* The undefined symbol "f@V" (or "f@@V") that symbol I of library O defines,
   NULL if there is none. */
static struct lsym *find_versioned(const struct link *l, const struct object *o, uint32_t i)
{
    const struct symbol *from = &o->symbols[i];
    const char *version = from->version < o->version_count ? o->versions[from->version] : NULL;
    struct lsym *s = NULL;

    if (from->section == SECTION_UNDEF || !version)
        return NULL;
    for (int ats = 1; ats <= 2 && !s; ats++) {
        struct buf name = {0};

        buf_printf(&name, "%s%s%s", from->name, &"@@"[2 - ats], version);
        s = name.bad ? NULL : link_find(l, (const char *)name.at);
        s = s && s->state == SYM_UNDEFINED ? s : NULL;
        buf_free(&name);
    }
    return s;
}

/* --as-needed: is O needed by what was seen so far?  As in ld: a strong
   reference of an object, or of a library that does not bring O itself. */
static bool is_needed(const struct link *l, const struct lobj *o)
{
    bool brought = false;

    for (uint64_t i = 0; i < l->lib_count; i++)
        for (uint32_t n = 0; n < l->libs[i]->o.needed_count; n++)
            brought = brought || !strcmp(l->libs[i]->o.needed[n], o->o.soname);
    for (uint32_t i = o->o.first_global; i < o->o.symbol_count; i++) {
        const struct symbol *from = &o->o.symbols[i];
        const struct lsym *s = NULL;

        if (from->section == SECTION_UNDEF || from->hidden_version)
            continue;
        s = link_find(l, from->name);
        if (s && s->state == SYM_UNDEFINED && s->visibility == VIS_DEFAULT &&
            (s->strong_ref || s->wanted || (s->shared_ref && !brought)))
            return true;
    }
    /* A reference that names its version: "f@V". */
    if (names_versions(l))
        for (uint32_t i = o->o.first_global; i < o->o.symbol_count; i++) {
            const struct lsym *s = find_versioned(l, &o->o, i);

            if (s && s->strong_ref)
                return true;
        }
    return false;
}

bool link_add_shared(struct link *l, struct lobj *o)
{
    if (!o->needed && !is_needed(l, o))
        return true;
    o->needed = true;
    o->locals = arena_alloc(&l->arena, o->o.first_global, sizeof *o->locals);
    o->globals = arena_alloc(&l->arena, o->o.symbol_count - o->o.first_global, sizeof *o->globals);
    if (!o->locals || !o->globals)
        return diag_nomem(l->d);
    for (uint32_t i = o->o.first_global; i < o->o.symbol_count; i++) {
        const struct symbol *from = &o->o.symbols[i];
        bool defines = from->section != SECTION_UNDEF;
        struct lsym *s = NULL;

        if (defines && (from->hidden_version || from->version == VER_NDX_LOCAL) &&
            o->o.version_count)
            continue;
        if (from->visibility == VIS_HIDDEN || from->visibility == VIS_INTERNAL)
            continue;
        if (!(s = link_intern(l, from->name, strlen(from->name))))
            return false;
        o->globals[i - o->o.first_global] = s;
        if (!defines) {
            s->shared_ref = s->shared_ref || from->binding != BIND_WEAK;
            if (s->state != SYM_NEW)
                continue;
            s->state = SYM_UNDEFINED;
        } else if (s->state == SYM_NEW ||
                   (s->state == SYM_UNDEFINED && s->visibility == VIS_DEFAULT)) {
            s->state = SYM_SHARED;
        } else {
            continue;
        }
        s->obj = o;
        s->index = i;
    }
    return true;
}

/* ---- when all inputs are known ---- */

/* An undefined "f@V" may be our own f, if that is its version. */
struct own_version {
    const struct lsym *s;
    struct lsym *plain;
};

static int by_symbol(const void *a, const void *b)
{
    const struct own_version *x = a, *y = b;

    return x->s < y->s ? -1 : x->s > y->s;
}

static struct lsym *own_version(const struct link *l, const struct lsym *s)
{
    const char *at = strchr(s->name, '@');
    char *name = strndup(s->name, (size_t)(at - s->name));
    struct lsym *plain = name ? link_find(l, name) : NULL;

    free(name);
    return plain && lsym_defined(plain) &&
                   (plain->version & 0x7fff) == find_version(l, at + strspn(at, "@"))
               ? plain
               : NULL;
}

/* Undefined symbols that name their version: some library's, or our own. */
static bool resolve_versioned(struct link *l)
{
    struct own_version *own = NULL;
    uint64_t count = 0, cap = 0;

    if (!names_versions(l))
        return true;
    for (uint64_t i = 0; i < l->lib_count; i++)
        for (uint32_t n = l->libs[i]->o.first_global; n < l->libs[i]->o.symbol_count; n++) {
            struct lsym *s = find_versioned(l, &l->libs[i]->o, n);

            if (s) {
                s->state = SYM_SHARED;
                s->obj = l->libs[i];
                s->index = n;
            }
        }
    for (uint64_t i = 0; i < l->global_count; i++) {
        const struct lsym *s = l->globals[i];
        struct lsym *plain =
            s->state == SYM_UNDEFINED && strchr(s->name, '@') ? own_version(l, s) : NULL;

        if (!plain)
            continue;
        if (!arena_grow(&l->arena, (void **)&own, count, &cap, sizeof *own))
            return diag_nomem(l->d);
        own[count++] = (struct own_version){s, plain};
    }
    if (count == 0)
        return true;
    qsort(own, count, sizeof *own, by_symbol);
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 0; n < l->objs[i]->o.symbol_count - l->objs[i]->o.first_global; n++) {
            const struct own_version key = {l->objs[i]->globals[n], NULL};
            const struct own_version *found = bsearch(&key, own, count, sizeof *own, by_symbol);

            if (found)
                l->objs[i]->globals[n] = found->plain;
        }
    return true;
}

/* Does the script (or list) SCRIPT name S as one for all to see? */
static bool listed(const struct version_script *script, const char *name)
{
    uint16_t index = 0;
    bool local = false;

    return version_match(script, name, &index, &local) && !local;
}

void link_decide_export(struct link *l, struct lsym *s)
{
    const struct link_options *opt = l->opt;
    const struct symbol *def = lsym_symbol(s);
    uint16_t version = VER_NDX_GLOBAL;
    bool local = false;

    if (s->visibility == VIS_HIDDEN || s->visibility == VIS_INTERNAL || s->obj->hide)
        s->localized = true;
    if (opt->version_script && !s->versioned &&
        version_match(opt->version_script, s->name, &version, &local)) {
        if (local)
            s->localized = true;
        else
            s->version = version;
    }
    if (opt->exports && !listed(opt->exports, s->name))
        s->localized = true;
    if (s->localized)
        return;
    s->exported = true;
    if (def->binding == BIND_UNIQUE)
        return;
    if (opt->bsymbolic == BSYMBOLIC_ALL)
        s->bound = true;
    else if (opt->bsymbolic == BSYMBOLIC_FUNCTIONS)
        s->bound = def->kind == KIND_FUNC || def->kind == KIND_IFUNC;
    else if (opt->dynamic_list)
        s->bound = true;
    if (s->bound && opt->bsymbolic != BSYMBOLIC_ALL && opt->dynamic_list &&
        listed(opt->dynamic_list, s->name))
        s->bound = false;
}

bool link_finish_symbols(struct link *l)
{
    if (!resolve_versioned(l))
        return false;
    for (uint64_t i = 0; i < l->global_count; i++)
        if (lsym_defined(l->globals[i]))
            link_decide_export(l, l->globals[i]);
    for (size_t i = 0; i < l->opt->require_defined.count; i++) {
        const struct lsym *s = link_find(l, l->opt->require_defined.at[i]);

        if (!s || !lsym_defined(s))
            diag_fail(l->d, E_LINK, "required symbol `%s' is not defined",
                      l->opt->require_defined.at[i]);
    }
    return true;
}
