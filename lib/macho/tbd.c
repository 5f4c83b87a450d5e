/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tbd.c - text stubs of dynamic libraries: what a library's SDK has in place
 * of the library.
 *
 * Versions 1 to 4 are YAML, 5 is JSON, which is read as YAML as well.  A file
 * may have several documents: the first is the library, the others those that
 * it passes on. */

#include "macho/machine.h"
#include "obj/object.h"

#include <inttypes.h>
#include <yaml.h>

enum { MAX_DOCUMENTS = 4096, MAX_SIZE = 256 << 20 };

struct tbd {
    struct diag *d;
    struct arena *a;
    struct span in;
    bool arm64;
    yaml_document_t *y; /* the document at hand */
    unsigned version;
    uint64_t strings; /* taken so far; aliases could make it many */
    struct library {
        const char *name; /* NULL: not for this CPU */
        uint32_t current, compatibility;
        struct symbol *symbols;
        uint64_t symbol_count, symbol_cap;
        const char **reexports;
        uint64_t reexport_count, reexport_cap;
        bool taken;
    } * libraries, *lib;
    uint64_t library_count, library_cap;
};

static bool is_tbd(struct span in)
{
    static const char json[] = "tapi_tbd_version";
    uint64_t size = in.size < 4096 ? in.size : 4096;

    if (in.size < 16)
        return false;
    if (in.at[0] == '{')
        return memmem(in.at, size, json, sizeof json - 1) != NULL;
    return !memcmp(in.at, "--- !tapi-tbd", 13) ||
           (!memcmp(in.at, "---\n", 4) && memmem(in.at, size, "install-name:", 13) != NULL &&
            memmem(in.at, size, "archs:", 6) != NULL);
}

/* ---- the document ---- */

static yaml_node_t *node_at(const struct tbd *t, int index)
{
    return yaml_document_get_node(t->y, index);
}

/* What MAP has for KEY; NULL if it has nothing. */
static yaml_node_t *get(const struct tbd *t, const yaml_node_t *map, const char *key)
{
    if (!map || map->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
         p++) {
        const yaml_node_t *k = node_at(t, p->key);

        if (k && k->type == YAML_SCALAR_NODE && !strcmp((const char *)k->data.scalar.value, key))
            return node_at(t, p->value);
    }
    return NULL;
}

/* Elements of LIST; none if it is no list. */
static int length(const yaml_node_t *list)
{
    return list && list->type == YAML_SEQUENCE_NODE
               ? (int)(list->data.sequence.items.top - list->data.sequence.items.start)
               : 0;
}

static yaml_node_t *element(const struct tbd *t, const yaml_node_t *list, int i)
{
    return node_at(t, list->data.sequence.items.start[i]);
}

static const char *text(const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

/* ---- whom it is for ---- */

static bool is_our_cpu(const struct tbd *t, const char *arch, size_t len)
{
    static const char *const arm[] = {"arm64", "arm64e"};

    for (size_t i = 0; t->arm64 && i < 2; i++)
        if (strlen(arm[i]) == len && !memcmp(arch, arm[i], len))
            return true;
    return !t->arm64 &&
           ((len == 6 && !memcmp(arch, "x86_64", 6)) || (len == 7 && !memcmp(arch, "x86_64h", 7)));
}

/* LIST, of targets or architectures, has ours.  A missing one means all. */
static bool is_ours(const struct tbd *t, const yaml_node_t *list)
{
    if (!list)
        return true;
    for (int i = 0; i < length(list); i++) {
        const char *target = text(element(t, list, i));
        size_t len = target ? strcspn(target, "-") : 0;

        if (target && is_our_cpu(t, target, len) &&
            (target[len] == 0 || !strcmp(target + len, "-macos") ||
             !strcmp(target + len, "-macosx")))
            return true;
    }
    return false;
}

/* ---- symbols ---- */

static bool count_string(struct tbd *t)
{
    return ++t->strings <= t->in.size ||
           diag_fail(t->d, E_FORMAT, "has more names than bytes: aliases repeat them");
}

static bool add_symbol(struct tbd *t, const char *prefix, const char *name, bool weak, bool tls)
{
    struct library *l = t->lib;
    const char *full = arena_printf(t->a, "%s%s", prefix, name);

    if (!full || !arena_grow(t->a, (void **)&l->symbols, l->symbol_count, &l->symbol_cap,
                             sizeof *l->symbols))
        return diag_nomem(t->d);
    l->symbols[l->symbol_count++] = (struct symbol){
        .name = full,
        .section = SECTION_ABS,
        .binding = weak ? BIND_WEAK : BIND_GLOBAL,
        .kind = tls ? KIND_TLS : KIND_NONE,
    };
    return true;
}

/* The kinds of lists: their keys in YAML and in JSON, and what their names mean. */
static const struct kind {
    const char *yaml, *json;
    const char *prefix[2];
    bool weak, tls;
} kinds[] = {
    {"symbols", "global", {"", NULL}, false, false},
    {"weak-symbols", "weak", {"", NULL}, true, false},
    {"weak-def-symbols", NULL, {"", NULL}, true, false},
    {"thread-local-symbols", "thread_local", {"", NULL}, false, true},
    {"objc-classes", "objc_class", {"_OBJC_CLASS_$_", "_OBJC_METACLASS_$_"}, false, false},
    {"objc-eh-types", "objc_eh_type", {"_OBJC_EHTYPE_$_", NULL}, false, false},
    {"objc-ivars", "objc_ivar", {"_OBJC_IVAR_$_", NULL}, false, false},
};

static bool add_names(struct tbd *t, const struct kind *k, const yaml_node_t *list)
{
    for (int i = 0; i < length(list); i++) {
        const char *name = text(element(t, list, i));

        if (!name)
            return diag_fail(t->d, E_FORMAT, "%s: element %d is no name", k->yaml, i);
        if (!count_string(t))
            return false;
        /* $ld$hide$..., $ld$previous$...: what older systems had. */
        if (!strncmp(name, "$ld$", 4))
            continue;
        if (k->prefix[1] && t->version < 3 && *name == '_') /* as the assembler has it */
            name++;
        for (size_t p = 0; p < 2 && k->prefix[p]; p++)
            if (!add_symbol(t, k->prefix[p], name, k->weak, k->tls))
                return false;
    }
    return true;
}

static bool add_reexport(struct tbd *t, const char *name)
{
    struct library *l = t->lib;

    if (!name || !count_string(t))
        return name || diag_fail(t->d, E_FORMAT, "a library that it passes on has no name");
    if (!arena_grow(t->a, (void **)&l->reexports, l->reexport_count, &l->reexport_cap,
                    sizeof *l->reexports) ||
        !(l->reexports[l->reexport_count] = arena_strdup(t->a, name)))
        return diag_nomem(t->d);
    l->reexport_count++;
    return true;
}

static bool add_reexports(struct tbd *t, const yaml_node_t *list)
{
    for (int i = 0; i < length(list); i++)
        if (!add_reexport(t, text(element(t, list, i))))
            return false;
    return true;
}

/* One section of exports, for some targets. */
static bool add_exports(struct tbd *t, const yaml_node_t *e)
{
    const yaml_node_t *parts[] = {e, get(t, e, "data"), get(t, e, "text")};
    const yaml_node_t *targets = get(t, e, "targets");

    if (!is_ours(t, targets ? targets : get(t, e, "archs")))
        return true;
    for (size_t p = 0; p < 3; p++)
        for (size_t k = 0; parts[p] && k < sizeof kinds / sizeof *kinds; k++) {
            const char *key = t->version >= 5 ? kinds[k].json : kinds[k].yaml;

            if (key && !add_names(t, &kinds[k], get(t, parts[p], key)))
                return false;
        }
    return add_reexports(t, get(t, e, "re-exports")) && /* up to version 3 */
           add_reexports(t, get(t, e, "libraries")) &&  /* reexported-libraries of version 4 */
           add_reexports(t, get(t, e, "names"));        /* and of 5 */
}

/* "1319.100.3": 16, 8 and 8 bits. */
static bool parse_version(struct tbd *t, const char *s, uint32_t *out)
{
    unsigned v[3] = {0, 0, 0};

    *out = 1 << 16;
    if (!s)
        return true;
    if (sscanf(s, "%u.%u.%u", &v[0], &v[1], &v[2]) < 1)
        return diag_fail(t->d, E_FORMAT, "version `%.40s' is no number", s);
    v[1] = v[1] > 255 ? 255 : v[1];
    v[2] = v[2] > 255 ? 255 : v[2];
    *out = (v[0] > 0xffff ? 0xffff : v[0]) << 16 | v[1] << 8 | v[2];
    return true;
}

/* In version 5, "install_names": [{"targets": [...], "name": "..."}]. */
static const char *listed_text(const struct tbd *t, const yaml_node_t *root, const char *key,
                               const char *inner)
{
    const yaml_node_t *list = get(t, root, key);

    for (int i = 0; i < length(list); i++) {
        const yaml_node_t *e = element(t, list, i);

        if (is_ours(t, get(t, e, "targets")))
            return text(get(t, e, inner));
    }
    return NULL;
}

static bool targets_are_ours(struct tbd *t, const yaml_node_t *root)
{
    const yaml_node_t *info = get(t, root, "target_info");
    const char *platform = text(get(t, root, "platform"));

    if (t->version >= 5) {
        for (int i = 0; i < length(info); i++) {
            const char *target = text(get(t, element(t, info, i), "target"));
            size_t len = target ? strcspn(target, "-") : 0;

            if (target && is_our_cpu(t, target, len) && !strcmp(target + len, "-macos"))
                return true;
        }
        return false;
    }
    if (t->version == 4)
        return is_ours(t, get(t, root, "targets"));
    return (!platform || !strcmp(platform, "macosx") || !strcmp(platform, "zippered")) &&
           is_ours(t, get(t, root, "archs"));
}

static bool read_library(struct tbd *t, const yaml_node_t *root)
{
    static const char *const lists[2][4] = {
        {"exports", "reexports", "reexported-libraries", NULL},
        {"exported_symbols", "reexported_symbols", "reexported_libraries", NULL}};
    bool json = t->version >= 5;
    const char *name =
        json ? listed_text(t, root, "install_names", "name") : text(get(t, root, "install-name"));
    struct library *l = NULL;

    if (t->library_count == MAX_DOCUMENTS)
        return diag_fail(t->d, E_UNSUPPORTED, "has more than %d libraries", MAX_DOCUMENTS);
    if (!arena_grow(t->a, (void **)&t->libraries, t->library_count, &t->library_cap,
                    sizeof *t->libraries))
        return diag_nomem(t->d);
    l = t->lib = &t->libraries[t->library_count++];
    *l = (struct library){0};
    if (!targets_are_ours(t, root))
        return true;
    if (!name)
        return diag_fail(t->d, E_FORMAT, "library %" PRIu64 " has no install name",
                         t->library_count);
    if (!(l->name = arena_strdup(t->a, name)))
        return diag_nomem(t->d);
    if (!parse_version(t,
                       json ? listed_text(t, root, "current_versions", "version")
                            : text(get(t, root, "current-version")),
                       &l->current) ||
        !parse_version(t,
                       json ? listed_text(t, root, "compatibility_versions", "version")
                            : text(get(t, root, "compatibility-version")),
                       &l->compatibility))
        return false;
    for (const char *const *key = lists[json]; *key; key++) {
        const yaml_node_t *list = get(t, root, *key);

        for (int i = 0; i < length(list); i++)
            if (!add_exports(t, element(t, list, i)))
                return false;
    }
    return true;
}

/* The version that the document's tag or key says. */
static unsigned version_of(const struct tbd *t, const yaml_node_t *root)
{
    const char *json = text(get(t, root, "tapi_tbd_version"));
    const char *key = text(get(t, root, "tbd-version"));
    const char *tag = root->tag ? (const char *)root->tag : "";
    const char *v = strstr(tag, "tapi-tbd-v");

    if (json)
        return (unsigned)strtoul(json, NULL, 10);
    if (key)
        return (unsigned)strtoul(key, NULL, 10);
    return v ? (unsigned)strtoul(v + 10, NULL, 10) : 1;
}

static bool read_document(struct tbd *t)
{
    const yaml_node_t *root = yaml_document_get_root_node(t->y), *more = NULL;

    if (root->type != YAML_MAPPING_NODE)
        return diag_fail(t->d, E_FORMAT, "is no description of a library");
    t->version = version_of(t, root);
    if (t->version < 1 || t->version > 5)
        return diag_fail(t->d, E_UNSUPPORTED, "is of version %u; 1 to 5 are known", t->version);
    if (t->version < 5)
        return read_library(t, root);
    more = get(t, root, "libraries");
    if (!read_library(t, get(t, root, "main_library")))
        return false;
    for (int i = 0; i < length(more); i++)
        if (!read_library(t, element(t, more, i)))
            return false;
    return true;
}

static bool read_documents(struct tbd *t)
{
    yaml_parser_t parser;
    bool ok = true, more = true;

    if (!yaml_parser_initialize(&parser))
        return diag_nomem(t->d);
    yaml_parser_set_input_string(&parser, t->in.at, t->in.size);
    while (ok && more) {
        yaml_document_t document;

        if (!yaml_parser_load(&parser, &document)) {
            ok = parser.error == YAML_MEMORY_ERROR
                     ? diag_nomem(t->d)
                     : diag_fail(t->d, E_FORMAT, "line %zu: %s", parser.problem_mark.line + 1,
                                 parser.problem ? parser.problem : "is not YAML");
            break;
        }
        t->y = &document;
        more = yaml_document_get_root_node(&document) != NULL;
        ok = !more || read_document(t);
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return ok;
}

/* ---- the library that the link sees ---- */

static struct library *find_library(const struct tbd *t, const char *name)
{
    for (uint64_t i = 0; i < t->library_count; i++)
        if (t->libraries[i].name && !strcmp(t->libraries[i].name, name))
            return &t->libraries[i];
    return NULL;
}

/* Give L's symbols to O; what it passes on follows if it is in the same file. */
static bool take(struct tbd *t, struct library *l, struct object *o, uint64_t *cap)
{
    l->taken = true;
    for (uint64_t i = 0; i < l->symbol_count; i++) {
        if (!arena_grow(t->a, (void **)&o->symbols, o->symbol_count, cap, sizeof *o->symbols))
            return diag_nomem(t->d);
        o->symbols[o->symbol_count++] = l->symbols[i];
    }
    return true;
}

static bool make_object(struct tbd *t, struct object *o)
{
    struct library *main = t->library_count ? &t->libraries[0] : NULL;
    struct library **queue = arena_alloc(t->a, t->library_count, sizeof(struct library *));
    uint64_t cap = 0, rest_cap = 0, queued = 0;

    if (!queue || !(o->sections = arena_alloc(t->a, 1, sizeof *o->sections)) ||
        !arena_grow(t->a, (void **)&o->symbols, 0, &cap, sizeof *o->symbols))
        return diag_nomem(t->d);
    if (!main || !main->name)
        return diag_fail(t->d, E_LINK, "has nothing for %s on macOS",
                         t->arm64 ? "arm64" : "x86-64");
    o->sections[0].name = "";
    o->section_count = o->first_global = 1;
    o->symbols[o->symbol_count++] = (struct symbol){.name = ""};
    o->soname = main->name;
    o->current_version = main->current;
    o->compatibility_version = main->compatibility;
    queue[queued++] = main;
    main->taken = true;
    for (uint64_t i = 0; i < queued; i++) {
        if (!take(t, queue[i], o, &cap))
            return false;
        for (uint64_t n = 0; n < queue[i]->reexport_count; n++) {
            struct library *next = find_library(t, queue[i]->reexports[n]);

            if (next && next->taken)
                continue;
            if (next) {
                next->taken = true;
                queue[queued++] = next;
                continue;
            }
            uint64_t count = o->reexport_count;

            if (!arena_grow(t->a, (void **)&o->reexports, count, &rest_cap, sizeof *o->reexports))
                return diag_nomem(t->d);
            o->reexports[o->reexport_count++] = queue[i]->reexports[n];
        }
    }
    return true;
}

static bool read(struct diag *d, struct arena *a, const char *name, struct span in,
                 struct object *out)
{
    struct tbd t = {.d = d, .a = a, .in = in};
    const struct macho_machine *machine = macho_machine_find(out->machine);

    *out = (struct object){.name = name,
                           .format = &format_tbd,
                           .kind = OBJ_SHARED,
                           .wide = true,
                           .platform = PLATFORM_MACOS,
                           .file = in};
    if (!machine)
        return diag_fail(d, E_USAGE, "is for several CPUs: say which with --target or -arch");
    if (in.size > MAX_SIZE)
        return diag_fail(d, E_UNSUPPORTED, "0x%" PRIx64 " bytes of text are too many", in.size);
    out->machine = machine->cputype;
    out->rows = machine->rows;
    t.arm64 = machine == &macho_arm64;
    return read_documents(&t) && make_object(&t, out);
}

static bool no_relocs(struct diag *d, const struct object *o, uint32_t section, uint64_t first,
                      struct reloc *out, unsigned max, unsigned *got)
{
    (void)d;
    (void)o;
    (void)section;
    (void)first;
    (void)out;
    (void)max;
    *got = 0;
    return true;
}

const struct format format_tbd = {
    .name = "text stub",
    .is = is_tbd,
    .read = read,
    .relocs = no_relocs,
};
