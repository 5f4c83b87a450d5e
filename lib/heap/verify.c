/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.c - the rules of a heap container.
 *
 * Most of them are heap_read()'s, which stops at the first that is broken:
 * behind it nothing in the file means what it says.  Here are those that it
 * leaves to whoever uses the bytes. */

#include "heap/verify.h"

#include "base/par.h"
#include "heap/container_parts.h"

#include <inttypes.h>

enum { RULE_CONTAINER, RULE_CHECKSUM, RULE_SLOT, RULES };

static const struct {
    const char *name, *says;
} rules[RULES] = {
    [RULE_CONTAINER] = {"container", "a heap container's parts keep docs/heap-format.md"},
    [RULE_CHECKSUM] = {"part-checksum",
                       "the checksum of each part of a container is that of its bytes"},
    [RULE_SLOT] = {"slot-word", "the word at each slot of a container is an address in the heap"},
};

const char *heap_verify_rule(unsigned i, const char **says)
{
    *says = i < RULES ? rules[i].says : NULL;
    return i < RULES ? rules[i].name : NULL;
}

/* ---- checksums ---- */

struct sums {
    const struct heap *h;
    uint64_t *found; /* of each part */
};

static void sum_part(void *arg, unsigned worker, uint64_t i)
{
    const struct sums *s = arg;

    (void)worker;
    s->found[i] = heap_checksum(s->h->parts[i].bytes);
}

static bool check_sums(struct findings *f, struct arena *a, const struct heap *h)
{
    struct sums s = {h, arena_alloc(a, h->part_count, sizeof *s.found)};

    if (!s.found)
        return false;
    par_for(h->part_count, sum_part, &s);
    for (uint32_t i = 0; i < h->part_count && findings_go_on(f); i++) {
        const struct heap_part *p = &h->parts[i];
        const char *name = heap_part_name(p->type);
        struct where here = {f->diag.where, name ? name : "part of type",
                             name ? (heap_part_of_segment(p->type) ? p->index : NO_INDEX)
                                  : p->type};

        f->diag.where = &here;
        if (s.found[i] != p->checksum)
            diag_fail(&f->diag, E_FORMAT, "checksum 0x%016" PRIx64 ", its bytes have 0x%016" PRIx64,
                      p->checksum, s.found[i]);
        f->diag.where = here.up;
    }
    return true;
}

/* ---- words ---- */

struct words {
    struct findings *f;
    const struct heap *h;
    struct span data;
    uint64_t mask;
};

static bool check_word(void *arg, uint64_t offset)
{
    const struct words *w = arg;
    uint64_t word = load_uint(w->data.at + offset, 8, w->h->big);

    if ((word & w->mask) <= w->h->span)
        return true;
    diag_fail(&w->f->diag, E_FORMAT,
              "the slot at 0x%" PRIx64 " holds 0x%" PRIx64
              ", no address in the heap's span of 0x%" PRIx64,
              offset, word, w->h->span);
    return findings_go_on(w->f);
}

/* False without memory; data that does not unpack is a finding. */
static bool check_segment(struct findings *f, const struct heap *h, uint32_t i)
{
    const struct heap_segment *s = &h->segments[i];
    struct words w = {f, h, s->data, UINT64_MAX >> (64 - h->address_bits)};
    struct where here = {f->diag.where, "segment", i};
    struct arena scratch = {0};
    uint8_t *plain = NULL;

    if (!s->data.at && s->data_part != HEAP_NO_PART) {
        /* Unpacked even without slots: that it can be is a rule, too. */
        if (!(plain = arena_alloc(&scratch, 1, s->size)))
            return false;
        if (!heap_unpack(&f->diag, h, i, plain)) {
            arena_free(&scratch);
            return true;
        }
        w.data = (struct span){plain, s->size};
    }
    f->diag.where = &here;
    if (w.data.at)
        slots_each(&s->slots, 0, s->size, check_word, &w);
    f->diag.where = here.up;
    arena_free(&scratch);
    return true;
}

static bool check_words(struct findings *f, const struct heap *h)
{
    for (uint32_t i = 0; i < h->segment_count && findings_go_on(f); i++)
        if (!check_segment(f, h, i))
            return false;
    return true;
}

bool heap_verify(struct diag *d, struct arena *a, struct span in, const struct verify_options *o,
                 uint64_t *findings)
{
    struct diag first = {0}; /* findings name no file: who shows them knows it */
    struct findings all;
    struct heap h;
    bool ok = true;

    findings_begin(&all, o);
    *findings = 0;
    if (!heap_read(&first, a, NULL, in, &h)) {
        if (first.status != E_FORMAT)
            return diag_fail(d, first.status, "%s", first.text);
        if (findings_rule(&all, rules[RULE_CONTAINER].name))
            diag_fail(&all.diag, E_FORMAT, "%s", first.text);
        *findings = all.total;
        return true;
    }
    if (findings_rule(&all, rules[RULE_CHECKSUM].name)) {
        ok = check_sums(&all, a, &h);
        findings_rest(&all);
    }
    if (ok && findings_rule(&all, rules[RULE_SLOT].name)) {
        ok = check_words(&all, &h);
        findings_rest(&all);
    }
    *findings = all.total;
    return ok || diag_nomem(d);
}
