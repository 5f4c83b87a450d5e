/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_macho.c - any bytes as a Mach-O object, library or image, thin or
 * universal, or as a text stub.  What the reader accepts must be usable
 * without another look; what is linked is held against the rules and signed,
 * and what was signed must be readable again. */

#include "macho/file.h"
#include "macho/fixups.h"
#include "macho/sign.h"
#include "macho/verify.h"
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

            check(r->symbol < o->symbol_count && r->minus < o->symbol_count && r->type);
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
        check(s->align_log2 < 64);
        touch(o->file, s->data);
        touch(o->file, s->relocs);
        check(s->flags & SEC_ZERO ? !s->data.at : s->size == s->data.size);
        check_relocs(o, i);
    }
    for (uint32_t i = 0; i < o->symbol_count; i++) {
        const struct symbol *s = &o->symbols[i];

        sum += strlen(s->name);
        check(s->section >= SECTION_LARGE_COMMON || s->section < o->section_count ||
              o->kind == OBJ_SHARED);
        if (s->section < o->section_count && s->section)
            check(s->value <= o->sections[s->section].size);
    }
    for (uint32_t i = 0; i < o->reexport_count; i++)
        sum += strlen(o->reexports[i]);
}

static void read_as(const struct format *format, struct span in, uint32_t machine)
{
    struct arena a = {0};
    struct diag d = {0};
    struct object o = {.machine = machine};
    bool ok = format->read(&d, &a, "input", in, &o);

    check(ok == (d.status == OK));
    if (ok)
        check_object(&o);
    arena_free(&a);
}

static bool add_fixup(void *arg, const struct macho_fixup *x)
{
    (void)arg;
    sum += x->addr + (x->symbol ? strlen(x->symbol) : 0);
    return true;
}

static void add_finding(void *arg, const char *rule, const char *text)
{
    (void)arg;
    sum += strlen(rule) + strlen(text);
}

static void look(struct span in)
{
    struct arena a = {0};
    struct diag d = {0};
    struct verify_options o = {.found = add_finding};
    struct macho_file f;
    struct buf out = {0};
    uint64_t findings = 0;

    check(macho_verify(&d, &a, in, &o, &findings) == (d.status == OK));
    d = (struct diag){0};
    if (macho_open(&d, &a, in, &f))
        macho_each_fixup(&d, &a, &f, add_fixup, NULL);
    d = (struct diag){0};
    if (macho_sign(&d, &a, in, &(struct sign_options){.name = "x", .entitled_ok = true}, &out)) {
        d = (struct diag){0};
        check(macho_is_fat(in) || macho_open(&d, &a, buf_span(&out), &f));
    }
    buf_free(&out);
    arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = {data, size};
    const struct format *format = format_find(in);

    if (format != &format_macho && format != &format_tbd)
        return 0;
    read_as(format, in, CPU_TYPE_X86_64);
    read_as(format, in, CPU_TYPE_ARM64);
    if (format == &format_macho)
        look(in);
    return 0;
}
