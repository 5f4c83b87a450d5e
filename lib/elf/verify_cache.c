/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_cache.c - rules about images of the engine cache: that the register
 * and the arena are sound, and that they and the table of heaps say the same. */

#include "elf/cache.h"
#include "elf/verify_heaps.h"

/* Modules are imports, in the same order. */
static void check_modules(struct verify *v, const struct image_heap *h,
                          const struct heap_cache_register *r)
{
    if (r->module_count != h->heap.import_count) {
        diag_fail(v->d, E_FORMAT,
                  "the register has %" PRIu32 " modules, the table %" PRIu32 " imports",
                  r->module_count, h->heap.import_count);
        return;
    }
    for (uint32_t i = 0; i < r->module_count && verify_go_on(v); i++) {
        const struct heap_import *p = &h->heap.imports[i];

        if (strcmp(r->modules[i].name, p->name) != 0 || p->kind != SIMG_IMPORT_MODULE)
            diag_fail(v->d, E_FORMAT,
                      "import %" PRIu32 " is not module %" PRIu32 " of the register", i, i);
        else if (r->modules[i].slots != p->slot_count && p->slot_count) /* 0: it cannot move */
            diag_fail(v->d, E_FORMAT,
                      "module %" PRIu32 ": the register has %" PRIu64
                      " words that point into it, the "
                      "table %" PRIu64,
                      i, r->modules[i].slots, p->slot_count);
    }
}

static void check_register(struct verify *v, const struct image_heap *h)
{
    struct diag problem = {0};
    struct elf_cache c = {0};
    uint64_t found = 0;

    if (!heap_cache_is(h))
        return;
    if (!elf_cache_parts(&problem, v->a, &v->m, h, &c)) {
        v->nomem = v->nomem || problem.status == E_NOMEM;
        diag_fail(v->d, E_FORMAT, "%s", problem.text);
        return;
    }
    if ((found = heap_cache_checksum(&c.reg)) != c.reg.checksum)
        diag_fail(v->d, E_FORMAT,
                  "the register's checksum is 0x%016" PRIx64 ", its bytes have 0x%016" PRIx64,
                  c.reg.checksum, found);
    check_modules(v, h, &c.reg);
}

void verify_cache_register(struct verify *v) { verify_each_heap(v, check_register); }

static void check_arena(struct verify *v, const struct image_heap *h)
{
    struct diag problem = {0};
    struct heap_cache_arena arena;
    struct elf_cache c = {0};

    if (!heap_cache_is(h) || !elf_cache_parts(&problem, v->a, &v->m, h, &c))
        return; /* cache-register tells */
    if (!heap_cache_read_arena(&problem, v->a, c.blocks, v->f.big,
                               c.parts.code ? c.parts.code->size : 0, c.reg.type_count, &arena)) {
        v->nomem = v->nomem || problem.status == E_NOMEM;
        diag_fail(v->d, E_FORMAT, "%s", problem.text);
        return;
    }
    if (c.parts.rows->addr != arena.size)
        diag_fail(v->d, E_FORMAT,
                  "the register is at 0x%" PRIx64 ", not behind the arena of 0x%" PRIx64 " bytes",
                  c.parts.rows->addr, arena.size);
    if (c.parts.code && c.parts.code->addr != arena.limit)
        diag_fail(v->d, E_FORMAT, "code is at 0x%" PRIx64 ", the arena has it from 0x%" PRIx64,
                  c.parts.code->addr, arena.limit);
}

void verify_cache_arena(struct verify *v) { verify_each_heap(v, check_arena); }
