/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_ar.c - any bytes as an archive.  Whatever is accepted must be usable:
 * names end, data lies inside, members and symbols refer to what is there. */

#include "obj/archive.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag d = {0};
    struct arena a = {0};
    struct span in = {data, size};
    struct archive ar = {0};
    uint64_t sum = 0;
    bool ok = archive_read(&d, &a, in, &ar);

    if (ok != (d.status == OK) || (!ok && (ar.members || ar.symbols || !d.text[0])))
        abort();
    for (uint32_t i = 0; i < ar.member_count; i++) {
        const struct ar_member *m = &ar.members[i];

        sum += strlen(m->name);
        if (m->offset >= size || (i > 0 && m->offset <= m[-1].offset))
            abort();
        if (m->data.size &&
            (m->data.at < data || m->data.size > size || m->data.at > data + size - m->data.size))
            abort();
        if (ar.thin ? m->data.size != 0 : m->data.size != m->size || m->nested)
            abort();
    }
    for (uint64_t i = 0; i < ar.symbol_count; i++) {
        sum += strlen(ar.symbols[i].name);
        if (ar.symbols[i].member >= ar.member_count)
            abort();
    }
    /* What is read is no larger than what was given, but for a constant. */
    if (ar.member_count > size / 60 || ar.symbol_count > size / 4)
        abort();
    arena_free(&a);
    return sum == UINT64_MAX;
}
