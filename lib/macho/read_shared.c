/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read_shared.c - what a dynamic library offers to a link. */

#include "macho/reader.h"
#include "macho/trie.h"

struct collector {
    struct diag *d;
    struct arena *a;
    struct object *o;
    uint64_t cap;
};

static bool add_symbol(struct collector *c, const char *name, bool weak, bool tls, uint64_t value)
{
    struct object *o = c->o;

    if (o->symbol_count == UINT32_MAX - 16 ||
        !arena_grow(c->a, (void **)&o->symbols, o->symbol_count, &c->cap, sizeof *o->symbols))
        return diag_nomem(c->d);
    o->symbols[o->symbol_count++] = (struct symbol){
        .name = name,
        .section = SECTION_ABS,
        .value = value,
        .binding = weak ? BIND_WEAK : BIND_GLOBAL,
        .kind = tls ? KIND_TLS : KIND_NONE,
    };
    return true;
}

static bool add_export(void *arg, const struct trie_symbol *s)
{
    return add_symbol(arg, s->name, s->flags & EXPORT_SYMBOL_FLAGS_WEAK_DEFINITION,
                      (s->flags & EXPORT_SYMBOL_FLAGS_KIND_MASK) ==
                          EXPORT_SYMBOL_FLAGS_KIND_THREAD_LOCAL,
                      s->addr);
}

/* A library from before there was a tree: what its symbol table defines. */
static bool add_table(struct collector *c, const struct macho_file *f)
{
    for (uint32_t i = 0; i < f->nsyms; i++) {
        struct macho_sym s = macho_symbol(f, i);

        if (s.type & (N_STAB | N_PEXT) || !(s.type & N_EXT) || (s.type & N_TYPE) == N_UNDF)
            continue;
        if (!add_symbol(c, macho_symbol_name(f, &s), s.desc & N_WEAK_DEF, false, s.value))
            return false;
    }
    return true;
}

static bool add_libraries(struct collector *c, const struct macho_file *f)
{
    struct object *o = c->o;

    o->needed = arena_alloc(c->a, f->library_count, sizeof *o->needed);
    o->reexports = arena_alloc(c->a, f->library_count, sizeof *o->reexports);
    if (!o->needed || !o->reexports)
        return diag_nomem(c->d);
    for (uint32_t i = 0; i < f->library_count; i++) {
        o->needed[o->needed_count++] = f->libraries[i].name;
        if (f->libraries[i].cmd == LC_REEXPORT_DYLIB)
            o->reexports[o->reexport_count++] = f->libraries[i].name;
    }
    return true;
}

bool macho_read_shared(struct diag *d, struct arena *a, const struct macho_file *f,
                       struct object *o)
{
    struct collector c = {.d = d, .a = a, .o = o};
    struct span trie = f->exports_trie.present ? f->exports_trie.data : f->export_opcodes.data;

    o->section_count = 1;
    o->first_global = 1;
    o->soname = f->install_name;
    o->current_version = f->current_version;
    o->compatibility_version = f->compatibility_version;
    if (!(o->sections = arena_alloc(a, 1, sizeof *o->sections)))
        return diag_nomem(d);
    o->sections[0].name = "";
    if (!add_symbol(&c, "", false, false, 0))
        return false;
    o->symbols[0] = (struct symbol){.name = ""};
    return (f->exports_trie.present || f->has_dyld_info ? trie_read(d, a, trie, add_export, &c)
                                                        : add_table(&c, f)) &&
           add_libraries(&c, f);
}
