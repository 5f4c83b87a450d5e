/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tls.c - the directory of thread-local storage (PE specification, 6.7), for
 * objects that have some but no C runtime, which would bring its own. */

#include "dll/dll.h"

static bool has_tls(const struct link *l)
{
    for (uint64_t i = 1; i < l->obj_count; i++)
        for (uint32_t n = 1; n < l->objs[i]->o.section_count; n++)
            if (l->objs[i]->secs[n].live && l->objs[i]->secs[n].sec->flags & SEC_TLS)
                return true;
    return false;
}

bool dll_make_tls(struct link *l)
{
    struct section index = {
        .name = ".data", .flags = SEC_ALLOC | SEC_WRITE | SEC_ZERO, .align_log2 = 3, .size = 4};
    struct section dir = {.name = ".rdata",
                          .flags = SEC_ALLOC | SEC_ZERO,
                          .align_log2 = 3,
                          .size = TLS_DIRECTORY_SIZE};
    struct dll *y = l->dll;
    struct lsym *s = link_find(l, "_tls_index");

    if (y->tls_used || !has_tls(l))
        return true;
    y->tls_index = link_append_section(l, &index);
    y->tls_dir = link_append_section(l, &dir);
    if (s && s->state == SYM_UNDEFINED)
        link_define(l, s, y->tls_index, 0, KIND_OBJECT);
    return true;
}

bool dll_fill_tls(struct link *l)
{
    struct dll *y = l->dll;

    if (!y->tls_dir)
        return true;
    if (!(y->tls_dir->data = arena_alloc(&l->arena, TLS_DIRECTORY_SIZE, 1)))
        return diag_nomem(l->d);
    store_uint(y->tls_dir->data, 8, false, y->tls->addr);
    store_uint(y->tls_dir->data + 8, 8, false, y->tls->addr + y->tls->size);
    store_uint(y->tls_dir->data + 16, 8, false, lsec_addr(y->tls_index));
    /* IMAGE_SCN_ALIGN_*: the system may align blocks by it. */
    store_uint(y->tls_dir->data + 36, 4, false, (y->tls->align_log2 + 1u) << 20);
    return true;
}
