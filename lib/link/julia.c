/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia.c - the heap of a Julia sysimage among the inputs: --julia-prelink.
 *
 * Julia's own object has its heap as plain data, which Julia relocates each time it starts.  Here
 * that data leaves its object, and comes back as a heap of the link with most of this done. */

#include "heap/julia_prelink.h"
#include "link/link.h"

#include <inttypes.h>

/* The image that the inputs make, as they are linked so far. */
static bool lookup(void *arg, const char *name, struct julia_found *out)
{
    const struct link *l = arg;
    const struct lsym *s = link_find(l, name);
    const struct lsec *in = s ? lsym_section(s) : NULL;

    *out = (struct julia_found){0};
    if (!in)
        return false;
    out->size = lsym_symbol(s)->size;
    if (!in->sec->compression)
        span_sub(in->sec->data, lsym_symbol(s)->value, in->sec->data.size - lsym_symbol(s)->value,
                 &out->bytes);
    return true;
}

/* A relocation of section S refers to section HEAP, which is to leave their object, and not by
   the symbol DATA.  Those that cannot be read fail later. */
static bool refers_to(struct link *l, const struct lsec *s, const struct lsec *heap,
                      const struct lsym *data)
{
    struct reloc batch[RELOC_BATCH];
    unsigned got = 0;

    for (uint64_t first = 0; first < s->sec->reloc_count; first += got) {
        if (!s->obj->o.format->relocs(l->d, &s->obj->o, s->index, first, batch, RELOC_BATCH, &got))
            return true;
        for (unsigned i = 0; i < got; i++)
            if (s->obj->o.symbols[batch[i].symbol].section == heap->index &&
                lobj_sym(s->obj, batch[i].symbol) != data)
                return true;
    }
    return false;
}

static bool has_references(struct link *l, const struct lsec *heap, const struct lsym *data)
{
    const struct lobj *o = heap->obj;

    for (uint32_t i = 1; i < o->o.section_count; i++)
        if (o->secs[i].live && refers_to(l, &o->secs[i], heap, data))
            return true;
    return false;
}

/* Since 1.12 the heap's section may be one that lies beyond the reach of 32-bit offsets.  Up to
   this size, it may as well lie among the others, as before. */
enum { MOST_LARGE = 1 << 30 };

/* Why the image's heap cannot be rewritten, in a few words; NULL if it can. */
static const char *obstacle(struct link *l)
{
    const struct lsym *data = link_find(l, "jl_system_image_data");
    const struct lsym *size = link_find(l, "jl_system_image_size");
    const struct lsec *in = data ? lsym_section(data) : NULL;
    const struct lsec *size_in = size ? lsym_section(size) : NULL;

    if (!l->machine)
        return "only ELF images can have theirs rewritten";
    if (l->heap_relocs != HEAP_RELOCS_PRELINKED)
        return "--heap-relocs has another wish";
    if (!in || !size_in)
        return "jl_system_image_data or its size is not among the inputs";
    if (size_in->sec->reloc_count || in == size_in || in->sec->reloc_count ||
        has_references(l, in, data))
        return "the object that has it is not plain data";
    if (in->sec->flags & SEC_LARGE && in->size > MOST_LARGE)
        return "it is too large to lie where 32-bit offsets must reach";
    if (lsym_symbol(data)->value || lsym_symbol(data)->size != in->size)
        return "its section holds more than it";
    return NULL;
}

/* jl_system_image_size is SIZE from now on. */
static bool set_size(struct link *l, uint64_t size)
{
    const struct lsym *s = link_find(l, "jl_system_image_size");
    struct section *in = &s->obj->o.sections[lsym_section(s)->index];
    uint8_t *copy = arena_alloc(&l->arena, 1, in->data.size);

    if (!copy)
        return diag_nomem(l->d);
    memcpy(copy, in->data.at, in->data.size);
    store_uint(copy + lsym_symbol(s)->value, 8, false, size); /* julia_read() has read it */
    in->data.at = copy;
    return true;
}

/* The object that has the heap's bytes is not to have them any more. */
static void take_out(struct lsym *data)
{
    struct lsec *in = lsym_section(data);

    in->obj->o.sections[in->index].flags |= SEC_EXCLUDE;
    in->live = false;
    data->obj->o.symbols[data->index].section = SECTION_UNDEF;
    data->state = SYM_UNDEFINED;
}

static bool put_in(struct link *l, const struct julia_image *image,
                   const struct julia_prelink *heap)
{
    struct lsym *data = link_find(l, "jl_system_image_data");
    const char *name = arena_printf(&l->arena, "<Julia's heap in %s>", data->obj->o.name);
    struct lobj *o = arena_alloc(&l->arena, 1, sizeof *o);

    if (!name || !o)
        return diag_nomem(l->d);
    if (!julia_heap_object(l->d, &l->arena, name, image, heap, &o->o) ||
        !link_prepare_object(l, l->d, &l->arena, o) || !set_size(l, heap->bytes.size))
        return false;
    take_out(data);
    return inputs_add_object(l, o, true, "Julia's heap, relocated");
}

static bool refuse(const struct link *l, const char *why)
{
    return l->opt->julia_prelink != CHOICE_YES ||
           diag_fail(l->d, E_UNSUPPORTED, "--julia-prelink: Julia's heap stays as it is: %s", why);
}

bool link_prelink_julia(struct link *l)
{
    struct julia_input in = {.lookup = lookup, .arg = l, .wide = true};
    struct julia_image image = {0};
    struct julia_prelink heap = {0};
    const char *why = NULL;

    if (l->opt->julia_prelink == CHOICE_NO ||
        (l->opt->ld_rules && l->opt->julia_prelink == CHOICE_DEFAULT))
        return true;
    if (julia_recognise(lookup, l) == JULIA_NOT)
        return refuse(l, "there is no Julia sysimage among the inputs");
    if ((why = obstacle(l)))
        return refuse(l, why);
    if (!julia_read(l->d, &l->arena, &in, &image))
        return false;
    if (!image.has_heap)
        return refuse(l, image.no_heap);
    return julia_prelink(l->d, &l->arena, &image,
                         lsym_section(link_find(l, "jl_system_image_data"))->sec->data, &heap) &&
           put_in(l, &image, &heap);
}
