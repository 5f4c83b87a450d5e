/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_elf.c - any bytes as an ELF object or shared library.  Whatever the
 * reader accepts must be usable without another look: names end, data lies
 * inside the file, indices refer to what is there. */

#include "elf/file.h"
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

            check(r->symbol < o->symbol_count && r->offset <= s->size);
            if (r->type && r->type->field && !s->compression)
                touch(o->file, (struct span){s->data.at + r->offset, r->type->field->bytes});
        }
    }
}

static void check_sections(const struct object *o)
{
    for (uint32_t i = 1; i < o->section_count; i++) {
        const struct section *s = &o->sections[i];

        sum += strlen(s->name);
        check(s->align_log2 < 64 && s->link < o->section_count);
        check(s->group == 0 || s->group < o->group_count);
        touch(o->file, s->data);
        touch(o->file, s->relocs);
        check(s->reloc_count == 0 || s->relocs.size == s->reloc_count * s->reloc_size);
        check(!(s->flags & SEC_ZERO) || !s->data.at);
        check(!(s->flags & SEC_MERGE) || (s->entsize && s->size % s->entsize == 0));
        check((s->flags & (SEC_ZERO | SEC_COMPRESSED)) || s->role == ROLE_META ||
              s->size == s->data.size);
        check_relocs(o, i);
    }
}

static void check_object(const struct object *o)
{
    check(o->section_count > 0 && o->symbol_count > 0);
    check(o->first_global > 0 && o->first_global <= o->symbol_count);
    check_sections(o);
    for (uint32_t i = 0; i < o->symbol_count; i++) {
        const struct symbol *s = &o->symbols[i];
        bool common = s->section == SECTION_COMMON || s->section == SECTION_LARGE_COMMON;

        sum += strlen(s->name);
        check(s->section < o->section_count || s->section == SECTION_ABS || common);
        check(!common || (s->value && !(s->value & (s->value - 1))));
        check((s->binding == BIND_LOCAL) == (i < o->first_global));
        check(s->visibility <= VIS_PROTECTED && s->kind <= KIND_IFUNC);
    }
    for (uint32_t i = 1; i < o->group_count; i++)
        sum += strlen(o->groups[i].name);
    for (uint32_t i = 0; i < o->needed_count; i++)
        sum += strlen(o->needed[i]);
    for (uint32_t i = 0; i < o->version_count; i++)
        sum += o->versions[i] ? strlen(o->versions[i]) : 0;
    sum += o->soname ? strlen(o->soname) : 0;
    touch(o->file, o->property);
    /* What is read is no larger than what was given, but for a constant. */
    check(o->section_count <= o->file.size / 40 + 1 && o->symbol_count <= o->file.size / 16 + 1);
    check(o->needed_count <= o->file.size / 8 && o->version_count <= 0x10000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {data, size};
    const struct format *format = format_find(in);
    struct diag d = {0};
    struct arena a = {0};
    struct object o;
    bool ok = false;

    if (!format)
        return -1;
    ok = format->read(&d, &a, "input", in, &o);
    check(ok == (d.status == OK) && d.where == NULL);
    check(ok || (d.text[0] && !o.sections && !o.symbols));
    if (ok)
        check_object(&o);
    arena_free(&a);
    return 0;
}
