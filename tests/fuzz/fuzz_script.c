/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_script.c - any text as what ld reads.  The first byte says as what:
 * 's' a linker script, 'd' a dynamic list, anything else a version script. */

#include "link/script.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void script(struct diag *d, struct arena *a, struct span in)
{
    struct linker_script s = {0};
    bool ok = script_read(d, a, in, &s);

    if (ok != (d->status == OK))
        abort();
    for (uint64_t i = 0; i < s.input_count; i++)
        if (!*s.inputs[i].name)
            abort();
    for (uint64_t i = 0; i < s.search_count; i++)
        if (!s.search[i])
            abort();
    script_is(in);
}

static void versions(struct diag *d, struct arena *a, struct span in, bool list)
{
    static const char *const names[] = {"f", "foo", "_ZN3std3fooEv", "_Z1fv", "", "*", "a*b"};
    struct version_script s = {0};
    uint16_t index = 0;
    bool local = false;

    if (version_read(d, a, in, list, &s) != (d->status == OK))
        abort();
    if (d->status != OK)
        return;
    if (s.node_count == 0 || (list && s.node_count != 1))
        abort();
    for (uint32_t i = 0; i < s.node_count; i++) {
        const struct version_node *n = &s.nodes[i];

        if (n->index != (*n->name ? i + 2 : VERSION_GLOBAL))
            abort();
        for (uint32_t k = 0; k < n->parent_count; k++)
            if (n->parents[k] >= n->index)
                abort();
        /* An exact name is found, whatever its node says of it. */
        for (uint64_t k = 0; k < n->pattern_count; k++)
            if (n->patterns[k].exact && !version_match(&s, n->patterns[k].text, &index, &local) &&
                !n->patterns[k].cxx)
                abort();
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (version_match(&s, names[i], &index, &local) &&
            (index < VERSION_GLOBAL || index > s.node_count + 1))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag d = {0};
    struct arena a = {0};
    struct span in = {data + (size > 0), size ? size - 1 : 0};

    if (size > 0 && data[0] == 's')
        script(&d, &a, in);
    else
        versions(&d, &a, in, size > 0 && data[0] == 'd');
    arena_free(&a);
    return 0;
}
