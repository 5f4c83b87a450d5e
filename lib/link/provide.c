/* SPDX-License-Identifier: GPL-3.0-or-later */
/* provide.c - the linker's own object: common symbols, the symbols that ld
 * provides, and the call that runs destructors when the image is unloaded.
 *
 * It is objs[0], an object like any other, so nothing later needs to know
 * which sections and symbols had no file. */

#include "coff/machine.h"
#include "elf/elf.h"
#include "link/link.h"
#include "macho/machine.h"

#include <stdlib.h>

/* ---- making sections and symbols ---- */

/* At most this many sections are made: one for each common symbol, one for
   each pool of merged sections, islands, and those of enum made. */
static uint32_t spare_sections(const struct link *l)
{
    uint64_t count = MADE_COUNT + 1024; /* the rest: islands and the finalizer */

    for (uint64_t i = 0; i < l->global_count; i++)
        count += l->globals[i]->state == SYM_COMMON;
    for (uint64_t i = 0; i < l->heap_count; i++)
        count += 2ull * l->heaps[i]->o.section_count; /* slot maps, relocations */
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            count += (l->objs[i]->o.sections[n].flags & SEC_MERGE) != 0;
    return (uint32_t)count;
}

bool link_make_internal(struct link *l)
{
    struct lobj *o = l->objs[0];
    uint32_t sections = spare_sections(l);
    uint32_t symbols = (uint32_t)l->global_count + (uint32_t)l->opt->defsym_count + 64;

    o->o.name = "<linker>";
    o->o.format = l->darwin ? &format_macho : l->coff ? &format_coff : &format_elf;
    o->o.wide = true;
    o->o.machine = l->darwin ? l->darwin->cputype : l->coff ? l->coff->number : l->machine->number;
    o->o.rows = l->darwin ? l->darwin->rows : l->coff ? l->coff->rows : l->machine->rows;
    o->o.sections = arena_alloc(&l->arena, sections, sizeof *o->o.sections);
    o->o.symbols = arena_alloc(&l->arena, symbols, sizeof *o->o.symbols);
    o->secs = arena_alloc(&l->arena, sections, sizeof *o->secs);
    o->globals = arena_alloc(&l->arena, symbols, sizeof(struct lsym *));
    o->locals = arena_alloc(&l->arena, 1, sizeof *o->locals);
    o->retain = true;
    if (!o->o.sections || !o->o.symbols || !o->secs || !o->globals || !o->locals)
        return diag_nomem(l->d);
    o->o.section_count = o->o.symbol_count = o->o.first_global = 1;
    o->o.symbols[0].name = o->o.sections[0].name = "";
    o->secs[0] = (struct lsec){.obj = o, .sec = &o->o.sections[0]};
    o->locals[0] = (struct lsym){.name = "", .obj = o, .localized = true};
    return true;
}

static uint32_t flags_from_sh(uint64_t flags, uint32_t type)
{
    return (flags & SHF_ALLOC ? SEC_ALLOC : 0u) | (flags & SHF_WRITE ? SEC_WRITE : 0u) |
           (flags & SHF_EXECINSTR ? SEC_EXEC : 0u) | (flags & SHF_TLS ? SEC_TLS : 0u) |
           (flags & SHF_X86_64_LARGE ? SEC_LARGE : 0u) | (type == SHT_NOBITS ? SEC_ZERO : 0u);
}

struct lsec *link_append_section(struct link *l, const struct section *section)
{
    struct lobj *o = l->objs[0];
    uint32_t i = o->o.section_count++;

    o->o.sections[i] = *section;
    o->secs[i] = (struct lsec){.obj = o,
                               .sec = &o->o.sections[i],
                               .index = i,
                               .size = section->size,
                               .live = true,
                               .sorted = true,
                               .align_log2 = section->align_log2};
    return &o->secs[i];
}

struct lsec *link_new_section(struct link *l, const char *name, uint32_t type, uint64_t flags,
                              uint8_t align_log2)
{
    struct section section = {
        .name = name,
        .flags = flags_from_sh(flags, type),
        .role = type == SHT_FINI_ARRAY ? ROLE_FINI_ARRAY : ROLE_PLAIN,
        .align_log2 = align_log2,
        .type = type,
    };

    return link_append_section(l, &section);
}

void link_define(struct link *l, struct lsym *s, struct lsec *sec, uint64_t value,
                 enum symbol_kind kind)
{
    struct lobj *o = l->objs[0];
    uint32_t i = o->o.symbol_count++;

    o->o.symbols[i] = (struct symbol){
        .name = s->name,
        .value = value,
        .section = sec ? sec->index : SECTION_ABS,
        .binding = BIND_GLOBAL,
        .visibility = VIS_HIDDEN,
        .kind = (uint8_t)kind,
    };
    o->globals[i - 1] = s;
    s->obj = o;
    s->index = i;
    s->state = SYM_DEFINED;
}

static struct lsym *new_hidden(struct link *l, const char *name, struct lsec *sec)
{
    struct lsym *s = arena_alloc(&l->arena, 1, sizeof *s);

    if (!s) {
        diag_nomem(l->d);
        return NULL;
    }
    *s = (struct lsym){
        .name = name, .visibility = VIS_HIDDEN, .localized = true, .linker = true};
    link_define(l, s, sec, 0, KIND_FUNC);
    return s;
}

/* ---- common symbols ---- */

static void place_common(struct link *l, struct lsym *s)
{
    const struct symbol *from = lsym_symbol(s);
    bool tls = from->kind == KIND_TLS, large = from->section == SECTION_LARGE_COMMON;
    struct lobj *o = l->objs[0];
    uint32_t i = o->o.symbol_count++;
    struct lsec *sec =
        link_new_section(l, tls ? ".tbss" : large ? ".lbss" : ".bss", SHT_NOBITS,
                         SHF_ALLOC | SHF_WRITE | (tls ? SHF_TLS : 0) |
                             (large ? SHF_X86_64_LARGE : 0),
                         s->addr > 1 ? (uint8_t)__builtin_ctzll(s->addr) : 0);

    o->o.sections[sec->index].size = sec->size = from->size;
    o->o.symbols[i] = *from;
    o->o.symbols[i].section = sec->index;
    o->o.symbols[i].value = 0;
    if (o->o.symbols[i].kind == KIND_NONE)
        o->o.symbols[i].kind = KIND_OBJECT;
    o->globals[i - 1] = s;
    s->obj = o;
    s->index = i;
    s->addr = 0;
    s->state = SYM_DEFINED;
}

/* ---- symbols that ld provides ---- */

enum place {
    PLACE_BASE,
    PLACE_DYNAMIC,
    PLACE_GOT,
    PLACE_EH_HDR,
    PLACE_ETEXT,
    PLACE_EDATA,
    PLACE_BSS,
    PLACE_END,
    PLACE_TLS,
    PLACE_HEAPS,
    PLACE_START,   /* of the section named behind the prefix */
    PLACE_STOP,
};

static const struct provided {
    const char *name; /* with PLACE_START and PLACE_STOP: a prefix, or the whole name */
    enum place place;
    const char *section;
    enum symbol_visibility shown; /* as in ld's built-in script */
} provided[] = {
    {"__dso_handle", PLACE_BASE, NULL, VIS_HIDDEN},
    {"__ehdr_start", PLACE_BASE, NULL, VIS_HIDDEN},
    {"__executable_start", PLACE_BASE, NULL, VIS_DEFAULT},
    {"_DYNAMIC", PLACE_DYNAMIC, NULL, VIS_HIDDEN},
    {"_GLOBAL_OFFSET_TABLE_", PLACE_GOT, NULL, VIS_HIDDEN},
    {"__GNU_EH_FRAME_HDR", PLACE_EH_HDR, NULL, VIS_HIDDEN},
    {"_etext", PLACE_ETEXT, NULL, VIS_DEFAULT},
    {"etext", PLACE_ETEXT, NULL, VIS_DEFAULT},
    {"__etext", PLACE_ETEXT, NULL, VIS_DEFAULT},
    {"_edata", PLACE_EDATA, NULL, VIS_DEFAULT},
    {"edata", PLACE_EDATA, NULL, VIS_DEFAULT},
    {"__bss_start", PLACE_BSS, NULL, VIS_DEFAULT},
    {"__bss_start__", PLACE_BSS, NULL, VIS_DEFAULT},
    {"_end", PLACE_END, NULL, VIS_DEFAULT},
    {"end", PLACE_END, NULL, VIS_DEFAULT},
    {"_TLS_MODULE_BASE_", PLACE_TLS, NULL, VIS_HIDDEN},
    {"__simg_table", PLACE_HEAPS, NULL, VIS_HIDDEN},
    {"__preinit_array_start", PLACE_START, ".preinit_array", VIS_HIDDEN},
    {"__preinit_array_end", PLACE_STOP, ".preinit_array", VIS_HIDDEN},
    {"__init_array_start", PLACE_START, ".init_array", VIS_HIDDEN},
    {"__init_array_end", PLACE_STOP, ".init_array", VIS_HIDDEN},
    {"__fini_array_start", PLACE_START, ".fini_array", VIS_HIDDEN},
    {"__fini_array_end", PLACE_STOP, ".fini_array", VIS_HIDDEN},
    {"__start_", PLACE_START, NULL, VIS_PROTECTED},
    {"__stop_", PLACE_STOP, NULL, VIS_PROTECTED},
};

static bool is_c_name(const char *s)
{
    if (!*s || (*s >= '0' && *s <= '9'))
        return false;
    while ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
           *s == '_')
        s++;
    return !*s;
}

/* The row for NAME, NULL if it is nothing that the linker provides. */
static const struct provided *find_provided(const char *name)
{
    for (size_t i = 0; i < sizeof provided / sizeof *provided; i++) {
        const struct provided *p = &provided[i];
        bool prefix = p->place >= PLACE_START && !p->section;

        if (prefix ? !strncmp(name, p->name, strlen(p->name)) && is_c_name(name + strlen(p->name))
                   : !strcmp(name, p->name))
            return p;
    }
    return NULL;
}

/* Those whose name can follow __start_, found by name from now on. */
static int by_name(const void *a, const void *b)
{
    const struct lsec *x = *(struct lsec *const *)a, *y = *(struct lsec *const *)b;

    return strcmp(x->sec->name, y->sec->name);
}

static bool list_named(struct link *l)
{
    uint64_t count = 0;

    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            count += is_c_name(l->objs[i]->o.sections[n].name);
    if (!(l->named = arena_alloc(&l->arena, count + 1, sizeof(struct lsec *))))
        return diag_nomem(l->d);
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (is_c_name(l->objs[i]->o.sections[n].name))
                l->named[l->named_count++] = &l->objs[i]->secs[n];
    qsort(l->named, count, sizeof(struct lsec *), by_name);
    return true;
}

struct lsec *const *link_named_sections(const struct link *l, const char *name)
{
    uint64_t lo = 0, hi = l->named_count;

    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (strcmp(l->named[mid]->sec->name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < l->named_count && !strcmp(l->named[lo]->sec->name, name) ? &l->named[lo] : NULL;
}

static bool section_exists(const struct link *l, const char *name)
{
    struct lsec *const *s = link_named_sections(l, name);

    for (; s && *s && !strcmp((*s)->sec->name, name); s++)
        if ((*s)->live && ((*s)->sec->flags & SEC_ALLOC))
            return true;
    return false;
}

static bool provide(struct link *l, struct lsym *s)
{
    const struct provided *p = NULL;

    if (!s->referred || (s->state != SYM_UNDEFINED && s->state != SYM_SHARED) ||
        !(p = find_provided(s->name)))
        return true;
    /* Without the section, __start_X stays the user's own business. */
    if (p->place >= PLACE_START && !p->section &&
        !section_exists(l, s->name + strlen(p->name)))
        return true;
    if (p->place == PLACE_HEAPS && l->heap_count == 0)
        return true;
    link_define(l, s, NULL, 0, p->place == PLACE_TLS ? KIND_TLS : KIND_NONE);
    s->linker = s->localized = true;
    /* ld shows some to others too, if nothing says otherwise. */
    if (p->shown != VIS_HIDDEN && (s->visibility == VIS_DEFAULT || s->visibility == VIS_PROTECTED)) {
        s->localized = false;
        s->visibility = (uint8_t)p->shown;
        link_decide_export(l, s);
    }
    return true;
}

/* ---- destructors ---- */

/* Who registers destructors with __cxa_atexit names __dso_handle.  The
   compiler driver's crtbeginS.o defines it and runs the destructors when the
   library is unloaded; where we define it, we must run them too, or dlclose()
   leaves the program with calls into unmapped memory. */
static bool add_finalizer(struct link *l, struct lsym *handle)
{
    struct lobj *o = l->objs[0];
    struct lsym *finalize = link_intern(l, "__cxa_finalize", strlen("__cxa_finalize"));
    struct lsec *code = link_new_section(l, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 4);
    struct lsec *fini = link_new_section(l, ".fini_array", SHT_FINI_ARRAY, SHF_ALLOC | SHF_WRITE, 3);
    struct section *code_sec = &o->o.sections[code->index], *fini_sec = &o->o.sections[fini->index];
    struct lsym *stub = new_hidden(l, "__dso_finalize", code);
    struct buf rela = {0};
    uint32_t count = 0, slot = o->o.symbol_count;
    uint8_t *copy = NULL;

    if (!finalize || !stub)
        return false;
    o->o.symbols[o->o.symbol_count++] =
        (struct symbol){.name = "__cxa_finalize", .binding = BIND_WEAK};
    o->globals[slot - 1] = finalize;
    finalize->referred = true;
    if (finalize->state == SYM_NEW) {
        finalize->state = SYM_UNDEFINED;
        finalize->obj = o;
        finalize->index = slot;
    }
    for (; l->machine->finalize[count].number; count++) {
        uint64_t sym = l->machine->finalize[count].slot ? slot : handle->index;

        buf_uint(&rela, l->machine->finalize[count].offset, 8);
        buf_uint(&rela, sym << 32 | l->machine->finalize[count].number, 8);
        buf_uint(&rela, (uint64_t)l->machine->finalize[count].addend, 8);
    }
    buf_uint(&rela, 0, 8); /* and the pointer to the stub */
    buf_uint(&rela, (uint64_t)stub->index << 32 | l->machine->abs, 8);
    buf_uint(&rela, 0, 8);
    copy = rela.bad ? NULL : (uint8_t *)arena_strndup(&l->arena, (char *)rela.at, rela.size);
    buf_free(&rela);
    if (!copy || !(fini->data = arena_alloc(&l->arena, 1, 8)))
        return diag_nomem(l->d);
    code_sec->data = (struct span){l->arch->finalize_code, l->arch->finalize_size};
    code_sec->size = code->size = l->arch->finalize_size;
    code_sec->relocs = (struct span){copy, count * RELA64_SIZE};
    code_sec->reloc_count = count;
    fini_sec->data = (struct span){fini->data, 8};
    fini_sec->size = fini->size = 8;
    fini_sec->relocs = (struct span){copy + count * RELA64_SIZE, RELA64_SIZE};
    fini_sec->reloc_count = 1;
    code_sec->reloc_size = fini_sec->reloc_size = RELA64_SIZE;
    o->o.symbols[stub->index].size = l->arch->finalize_size;
    return true;
}

/* ---- --defsym ---- */

static bool define_user(struct link *l, const struct defsym *def)
{
    struct lsym *s = link_intern(l, def->name, strlen(def->name));
    struct lsym *of = def->number ? NULL : link_find(l, def->value);
    const struct symbol *from = NULL;

    if (!s)
        return false;
    if (!def->number && (!of || !lsym_defined(of)))
        return diag_fail(l->d, E_LINK, "--defsym %s=%s: `%s' is not defined here", def->name,
                         def->value, def->value);
    from = of ? lsym_symbol(of) : NULL;
    link_define(l, s, NULL, def->addend, from ? (enum symbol_kind)from->kind : KIND_NONE);
    if (of) {
        /* The same place in the same object, under another name. */
        s->obj = of->obj;
        s->index = of->index;
        l->objs[0]->o.symbol_count--;
    }
    link_decide_export(l, s);
    return true;
}

bool link_provide(struct link *l)
{
    uint64_t count = l->global_count;
    struct lsym *handle = NULL;

    if (!list_named(l))
        return false;
    for (uint64_t i = 0; i < count; i++) {
        if (l->globals[i]->state == SYM_COMMON)
            place_common(l, l->globals[i]);
        else if (!provide(l, l->globals[i]))
            return false;
    }
    for (size_t i = 0; i < l->opt->defsym_count; i++)
        if (!define_user(l, &l->opt->defsyms[i]))
            return false;
    handle = link_find(l, "__dso_handle");
    return !handle || !handle->linker || add_finalizer(l, handle);
}

/* ---- addresses ---- */

static const struct out *find_out(const struct link *l, const char *name)
{
    for (uint64_t i = 0; i < l->out_count; i++)
        if (!strcmp(l->outs[i]->name, name) && (l->outs[i]->flags & SHF_ALLOC))
            return l->outs[i];
    return NULL;
}

/* The output section that inputs called NAME went to, the first of several. */
static const struct out *find_named_out(const struct link *l, const char *name)
{
    struct lsec *const *s = link_named_sections(l, name);
    const struct out *found = NULL;

    for (; s && *s && !strcmp((*s)->sec->name, name); s++) {
        const struct out *o = (*s)->into ? (*s)->into->out : (*s)->out;

        if (o && (o->flags & SHF_ALLOC) && (!found || o->addr < found->addr))
            found = o;
    }
    return found;
}

/* The end of the last section whose rank is below LIMIT; of code only if CODE. */
static uint64_t end_of(const struct link *l, enum rank limit, bool code)
{
    uint64_t end = 0;

    for (uint64_t i = 0; i < l->out_count; i++) {
        const struct out *o = l->outs[i];

        if ((o->flags & SHF_ALLOC) && o->rank < limit && o->rank != RANK_TBSS &&
            (!code || (o->flags & SHF_EXECINSTR)) && o->addr + o->size > end)
            end = o->addr + o->size;
    }
    return end;
}

static uint64_t provided_addr(const struct link *l, const struct lsym *s, uint64_t end)
{
    const struct provided *p = find_provided(s->name);
    const struct out *o = NULL;

    if (!p)
        return 0;
    switch (p->place) {
    case PLACE_BASE:
        return l->image_base;
    case PLACE_DYNAMIC:
        return lsec_addr(l->made[MADE_DYNAMIC]);
    case PLACE_GOT:
        return l->got_base;
    case PLACE_EH_HDR:
        return l->made[MADE_EH_FRAME_HDR] ? lsec_addr(l->made[MADE_EH_FRAME_HDR]) : 0;
    case PLACE_ETEXT:
        return end_of(l, RANK_OTHER, true);
    case PLACE_EDATA:
    case PLACE_BSS:
        return end_of(l, RANK_BSS, false);
    case PLACE_END:
        return end;
    case PLACE_TLS:
        return l->tls_addr;
    case PLACE_HEAPS:
        return l->made[MADE_HEAP_TABLE] ? lsec_addr(l->made[MADE_HEAP_TABLE]) : 0;
    case PLACE_START:
    case PLACE_STOP:
        o = p->section ? find_out(l, p->section) : find_named_out(l, s->name + strlen(p->name));
        return !o ? end : o->addr + (p->place == PLACE_STOP ? o->size : 0);
    }
    return 0;
}

void link_place_provided(struct link *l)
{
    const struct lobj *o = l->objs[0];
    uint64_t end = end_of(l, RANK_OTHER, false);

    for (uint32_t i = 1; i < o->o.symbol_count; i++) {
        struct lsym *s = o->globals[i - 1];

        if (s->linker && s->obj == o && s->index == i && o->o.symbols[i].section == SECTION_ABS)
            s->addr = provided_addr(l, s, end);
    }
}

uint32_t lsym_header(const struct link *l, const struct lsym *s)
{
    struct lsec *sec = lsym_section(s);
    uint64_t lo = 0, hi = l->place_count, to = 0;

    if (sec) {
        sec = lsec_moved(sec, lsym_symbol(s)->value, &to);
        return sec && sec->out ? sec->out->index : SECTION_ABS;
    }
    if (!s->linker)
        return SECTION_ABS;
    /* Of the last section that starts at or before it: an absolute symbol
       would not move with the image. */
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;

        if (l->places[mid]->addr <= s->addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? l->places[lo - 1]->index : 1;
}
