/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dylib.c - the phases of a link that makes a Mach-O library, in order. */

#include "dylib/dylib.h"

#include "macho/file.h"

enum {
    CHAINED_FROM = 12 << 16 /* macOS 12 */,
    OLDEST_ARM = 11 << 16,
    OLDEST_X86 = 10 << 16 | 13 << 8
};

/* ---- what the image is for ---- */

/* Systems and SDKs that the objects were made for: the newest of each. */
static bool ask_objects(const struct link *l, uint32_t *minos, uint32_t *sdk)
{
    bool ok = true;

    *minos = *sdk = 0;
    for (uint64_t i = 1; i < l->obj_count; i++) {
        const struct object *o = &l->objs[i]->o;
        const char *name = macho_platform_name(o->platform);

        if (o->platform && o->platform != PLATFORM_MACOS)
            ok = diag_fail(l->d, E_LINK, "%s: is for %s; this link is for macOS", o->name,
                           name ? name : "an unknown platform");
        if (o->platform != PLATFORM_MACOS)
            continue;
        *minos = o->minos > *minos ? o->minos : *minos;
        *sdk = o->sdk > *sdk ? o->sdk : *sdk;
    }
    return ok;
}

static bool chosen(enum darwin_choice choice, bool by_default)
{
    return choice == CHOICE_DEFAULT ? by_default : choice == CHOICE_YES;
}

static bool decide(struct link *l)
{
    const struct darwin_options *o = &l->opt->darwin;
    struct dylib *y = arena_alloc(&l->arena, 1, sizeof *y);
    const char *slash = strrchr(l->opt->output, '/');
    uint32_t minos = 0, sdk = 0;

    if (!(l->dylib = y))
        return diag_nomem(l->d);
    if (!ask_objects(l, &minos, &sdk))
        return false;
    if (l->opt->version_script || l->opt->dynamic_list)
        return diag_fail(l->d, E_UNSUPPORTED,
                         "version scripts and dynamic lists: Mach-O has no versions; use --export "
                         "or -exported_symbols_list");
    if (l->opt->gc_sections)
        diag_warn(l->d, "--gc-sections: sections of Mach-O are kept whole");
    y->platform = o->platform ? o->platform : PLATFORM_MACOS;
    y->minos = o->minos ? o->minos : minos;
    if (!y->minos)
        y->minos = l->darwin == &macho_arm64 ? OLDEST_ARM : OLDEST_X86;
    y->sdk = o->sdk ? o->sdk : sdk > y->minos ? sdk : y->minos;
    y->current_version = o->current_version ? o->current_version : o->ld64_rules ? 0 : 1 << 16;
    y->compatibility_version = o->compatibility_version ? o->compatibility_version
                               : o->ld64_rules          ? 0
                                                        : 1 << 16;
    y->install_name =
        l->opt->soname  ? l->opt->soname
        : o->ld64_rules ? l->opt->output
                        : arena_printf(&l->arena, "@rpath/%s", slash ? slash + 1 : l->opt->output);
    y->chained = chosen(o->chained, y->minos >= CHAINED_FROM);
    y->chain_offsets = y->minos >= CHAINED_FROM;
    y->init_offsets = chosen(o->init_offsets, y->chained);
    y->sign = chosen(o->sign, true);
    return y->install_name || diag_nomem(l->d);
}

static void look_for_tlv(struct link *l)
{
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if ((l->objs[i]->o.sections[n].type & SECTION_TYPE) == S_THREAD_LOCAL_VARIABLES &&
                l->objs[i]->o.format == &format_macho)
                l->dylib->has_tlv = true;
}

/* ---- phases ---- */

static bool resolve(struct link *l)
{
    l->arch = l->darwin->arch;
    if (!decide(l) || !link_make_internal(l) || !dylib_provide(l) || !dylib_resolve(l) ||
        !link_resolve_heaps(l))
        return false;
    look_for_tlv(l);
    return true;
}

/* The loader takes back the right to write by itself (SG_READ_ONLY); what start-up
   code writes to, it protects. */
static bool settle_heaps(struct link *l)
{
    bool ok = link_settle_heaps(l);

    for (uint64_t i = 0; i < l->heap_count; i++)
        for (uint32_t n = 1; n < l->heaps[i]->o.section_count; n++) {
            struct lsec *s = &l->heaps[i]->secs[n];

            s->late_rights = false;
            if (s->live && s->sec->flags & SEC_EXEC && s->heap->slots.count)
                ok = diag_fail(l->d, E_UNSUPPORTED,
                               "%s: segment %u: has pointers among code, and in Mach-O "
                               "images nobody writes to code; keep them in another segment",
                               s->obj->o.name, n - 1);
        }
    return ok;
}

static bool scan(struct link *l)
{
    return dylib_read_unwind(l) && dylib_scan(l) && settle_heaps(l) && dylib_assign_slots(l) &&
           dylib_make_imports(l);
}

/* The functions that __init_offsets lists, in the order of the inputs. */
static bool fill_inits(struct link *l)
{
    struct dylib *y = l->dylib;
    uint64_t at = 0;

    if (!y->inits)
        return true;
    if (!(y->inits->data = arena_alloc(&l->arena, y->inits->size, 1)))
        return diag_nomem(l->d);
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++) {
            const struct lsec *s = &l->objs[i]->secs[n];
            struct reloc r;
            unsigned got = 0;

            if (s->sec->role != ROLE_INIT_ARRAY)
                continue;
            for (uint64_t k = 0; k < s->sec->reloc_count; k++) {
                if (!s->obj->o.format->relocs(l->d, &s->obj->o, s->index, k, &r, 1, &got))
                    return false;
                if (reloc_is_word(r.type) && at + r.offset / 8 * 4 + 4 <= y->inits->size)
                    store_uint(y->inits->data + at + r.offset / 8 * 4, 4, false,
                               dylib_target(l, s->obj, &r) - l->opt->image_base);
            }
            at += s->size / 8 * 4;
        }
    return true;
}

static bool lay_out(struct link *l)
{
    return link_make_heap_table(l) && dylib_make_outs(l) && dylib_layout(l);
}

static bool make(struct link *l)
{
    return dylib_place_symbols(l) && link_fill_islands(l) && link_fill_heap_table(l) && fill_inits(l) && dylib_fill_unwind(l) &&
           dylib_fill_eh_frame(l) && dylib_make_exports(l) && dylib_make_symtab(l) &&
           dylib_make_starts(l) && dylib_make_data_in_code(l) && dylib_make_opcodes(l) &&
           dylib_size_fixups(l);
}

static bool write(struct link *l)
{
    bool ok = dylib_write(l);
    struct dylib *y = l->dylib;
    struct buf *const bufs[] = {&y->fixups.buf,       &y->rebase.buf,  &y->bind.buf,
                                &y->weak_bind.buf,    &y->trie.buf,    &y->starts.buf,
                                &y->data_in_code.buf, &y->symbols.buf, &y->indirect.buf,
                                &y->strings.buf,      &y->header};

    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        buf_free(bufs[i]);
    return ok;
}

static bool report(struct link *l)
{
    if (l->opt->fatal_warnings && l->d->warnings)
        return diag_fail(l->d, E_LINK, "there were warnings, and --fatal-warnings is given");
    return link_report(l);
}

static const struct link_phase phases[] = {
    {"resolving", resolve}, {"scanning", scan},    {"laying out", lay_out},
    {"relocating", make},   {"reporting", report}, {"writing", write},
};

static bool is_code(const struct out *o)
{
    return !o->heap && o->type & (S_ATTR_PURE_INSTRUCTIONS | S_ATTR_SOME_INSTRUCTIONS);
}

const struct link_target link_target_dylib = {
    .phases = phases,
    .phase_count = sizeof phases / sizeof *phases,
    .relocate = dylib_relocate,
    .finish_window = dylib_finish_window,
    .marks = true,
    .mark_slots = dylib_mark_slots,
    .binds = dylib_binds,
    .is_code = is_code,
    .branch_target = dylib_branch_target,
    .place_symbols = dylib_place_symbols,
    .lay_out = dylib_place,
};
