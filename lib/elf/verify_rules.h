/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify_rules.h - what the files of rules share.  A rule is a function that
 * calls diag_fail(v->d, E_FORMAT, ...) for each finding. */

#ifndef ELF_VERIFY_RULES_H
#define ELF_VERIFY_RULES_H

#include "base/findings.h"
#include "elf/dynamic.h"
#include "elf/machine.h"

#include <inttypes.h>

/* The smallest page of any CPU: what shares one shares it everywhere. */
enum { VERIFY_PAGE = 0x1000 };

struct verify_heaps;

struct verify {
    struct diag *d;
    struct arena *a;
    struct elf_file f;
    struct elf_image m;
    struct findings *found;
    struct verify_heaps *heaps; /* verify_heap.c; NULL before they were looked for */
    bool nomem;
};

typedef void verify_check(struct verify *v);

/* Memory for COUNT zeroed objects; NULL, and V is marked, without. */
void *verify_alloc(struct verify *v, uint64_t count, uint64_t size);

static inline bool verify_go_on(const struct verify *v) { return findings_go_on(v->found); }

/* The first address behind a 32- or 64-bit address space, less one. */
static inline uint64_t verify_last_addr(const struct verify *v)
{
    return v->f.wide ? UINT64_MAX : UINT32_MAX;
}

/* verify_segments.c */
verify_check verify_header, verify_load_order, verify_load_align, verify_load_size;
verify_check verify_wx, verify_stack, verify_relro, verify_segment_place, verify_phdr;
verify_check verify_tls, verify_notes;
/* verify_dynamic.c */
verify_check verify_dynamic_place, verify_dynamic_table, verify_dynamic_range;
verify_check verify_strings, verify_needed, verify_textrel, verify_plt, verify_init_array;
/* verify_symbols.c */
verify_check verify_symbols, verify_hash, verify_gnu_hash, verify_versions;
/* verify_relocs.c */
verify_check verify_reloc_place, verify_reloc_type, verify_reloc_symbol, verify_relative;
verify_check verify_relr;
/* verify_unwind.c */
verify_check verify_eh_frame, verify_eh_frame_hdr;
/* verify_sections.c */
verify_check verify_section_place, verify_section_overlap, verify_section_link, verify_symtab;
/* verify_heap.c, verify_heap_relocs.c */
verify_check verify_heap_note, verify_heap_table, verify_heap_place, verify_heap_rights;
verify_check verify_heap_slots, verify_heap_relocs, verify_heap_imports, verify_heap_roots;
verify_check verify_heap_checksums;
/* verify_cache.c */
verify_check verify_cache_register, verify_cache_arena;
/* The bits of a word at ADDR that are an address: all of them, or fewer in a
   heap whose words have tags. */
uint64_t verify_heap_mask(struct verify *v, uint64_t addr);

#endif
