/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_coff.c - any bytes as a COFF object, an import, a PE image or a .def file.
 * What the reader accepts must be usable without another look; images are held
 * against the rules and their tables walked. */

#include "coff/file.h"
#include "coff/heaps.h"
#include "coff/resources.h"
#include "coff/verify.h"
#include "dll/dll.h"
#include "obj/object.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum; /* of what was touched, so that nothing is optimised away */

static void die(const char *rule)
{
    fprintf(stderr, "does not hold: %s\n", rule);
    abort();
}
#define check(rule) ((rule) ? (void)0 : die(#rule))

static void touch(struct span file, struct span s)
{
    if (s.size == 0)
        return;
    check(s.at >= file.at && s.size <= file.size && s.at <= file.at + file.size - s.size);
    sum += s.at[0] + s.at[s.size - 1];
}

static void check_relocs(const struct object *o, uint32_t section)
{
    const struct section *s = &o->sections[section];
    struct reloc batch[RELOC_BATCH];
    struct diag d = {0};
    unsigned got = 0;

    for (uint64_t first = 0; first < s->reloc_count; first += got) {
        bool ok = o->format->relocs(&d, o, section, first, batch, RELOC_BATCH, &got);

        check(ok == (d.status == OK));
        if (!ok)
            return;
        check(got > 0 && got <= RELOC_BATCH && got <= s->reloc_count - first);
        for (unsigned i = 0; i < got; i++) {
            const struct reloc *r = &batch[i];

            check(r->symbol < o->symbol_count && r->type);
            if (r->type->field)
                touch(o->file, (struct span){s->data.at + r->offset, r->type->field->bytes});
        }
    }
}

static void check_object(const struct object *o)
{
    check(o->first_global <= o->symbol_count);
    for (uint32_t i = 1; i < o->section_count; i++) {
        const struct section *s = &o->sections[i];

        sum += strlen(s->name);
        check(s->group < o->group_count || s->group == 0);
        touch(o->file, s->data);
        touch(o->file, s->relocs);
        check(s->flags & SEC_ZERO ? !s->data.at : s->size == s->data.size);
        check_relocs(o, i);
    }
    for (uint32_t i = 0; i < o->symbol_count; i++) {
        const struct symbol *s = &o->symbols[i];

        sum += strlen(s->name);
        check(s->fallback < o->symbol_count);
        if (o->kind == OBJ_SHARED)
            check(i == 0 || s->value < o->import_count);
        else
            check(s->section >= SECTION_LARGE_COMMON || s->section < o->section_count);
    }
    for (uint32_t i = 0; i < o->import_count; i++)
        sum += o->imports[i].name ? strlen(o->imports[i].name) : o->imports[i].ordinal;
}

static void add_finding(void *arg, const char *rule, const char *text)
{
    (void)arg;
    sum += strlen(rule) + strlen(text);
}

static bool see_export(void *arg, const char *name, uint32_t ordinal, uint32_t rva,
                       const char *forward)
{
    (void)arg;
    sum += ordinal + rva + (name ? strlen(name) : 0) + (forward ? strlen(forward) : 0);
    return true;
}

static bool see_import(void *arg, const char *dll, const char *name, uint32_t ordinal, uint32_t rva)
{
    (void)arg;
    sum += ordinal + rva + strlen(dll) + (name ? strlen(name) : 0);
    return true;
}

static bool see_moved(void *arg, uint32_t rva, unsigned type)
{
    (void)arg;
    sum += rva + type;
    return true;
}

static bool see_resource(void *arg, const struct coff_resource *r)
{
    const struct span *tree = arg;
    char name[RESOURCE_NAME_TEXT];

    for (unsigned i = 0; i < RESOURCE_LEVELS; i++)
        touch(*tree, r->key[i].text);
    sum += strlen(coff_resource_name(r, name)) + r->size;
    return true;
}

static void look(struct span in)
{
    struct verify_options o = {.found = add_finding};
    struct coff_foreign_heap heaps[COFF_FOREIGN_HEAPS];
    struct arena a = {0};
    struct diag d = {0};
    struct coff_file f;
    struct span tree;
    uint64_t findings = 0;

    check(coff_verify(&d, &a, in, &o, &findings) == (d.status == OK));
    d = (struct diag){0};
    if (coff_open(&d, &a, in, &f)) {
        struct diag quiet = {0};

        coff_each_export(&quiet, &f, see_export, NULL);
        coff_each_import(&quiet, &f, see_import, NULL);
        coff_each_base_reloc(&quiet, &f, see_moved, NULL);
        if (coff_directory(&quiet, &f, DIRECTORY_RESOURCE, &tree))
            coff_each_resource(&quiet, tree, see_resource, &tree);
        for (uint32_t i = 0; i < f.section_count; i++)
            if (!strncmp(f.sections[i].name, ".rsrc", 5))
                coff_each_resource(&quiet, f.sections[i].data, see_resource, &f.sections[i].data);
        sum += coff_foreign_heaps(&f, heaps);
        for (uint32_t i = 0; i < f.section_count; i++)
            touch(in, f.sections[i].data);
    }
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {data, size};
    struct arena a = {0};
    struct diag d = {0};
    struct object o = {0};
    struct def_file def;
    bool ok = false;

    if (format_coff.is(in)) {
        ok = format_coff.read(&d, &a, "input", in, &o);
        check(ok == (d.status == OK));
        if (ok)
            check_object(&o);
        look(in);
    } else {
        ok = def_read(&d, &a, in, &def);
        check(ok == (d.status == OK));
        for (uint64_t i = 0; ok && i < def.count; i++)
            sum += strlen(def.exports[i].name);
    }
    arena_free(&a);
    return 0;
}
