/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pack.c - from a container to an object: the steps in order. */

#include "pack/pack.h"

#include "pack/prelinked.h"

#include <inttypes.h>

bool pack_get(const struct pack *p, uint64_t at, unsigned n, uint64_t *out)
{
    struct span field;

    *out = 0;
    if (!span_sub(buf_span(&p->skeleton), at, n, &field))
        return false;
    *out = load_uint(field.at, n, false);
    return true;
}

bool pack_put(struct pack *p, uint64_t at, unsigned n, uint64_t value)
{
    if (at > p->skeleton.size || n > p->skeleton.size - at)
        return false;
    store_uint(p->skeleton.at + at, n, false, value);
    return true;
}

bool pack_bad_skeleton(struct pack *p, const char *what)
{
    return diag_fail(p->d, E_UNSUPPORTED, "LLVM made an object that is not as expected: %s", what);
}

const struct pack_splicer *pack_splicer_of(const struct pack *p)
{
    static const struct pack_splicer *const splicers[] = {
        [PACK_ELF] = &pack_elf, [PACK_MACHO] = &pack_macho, [PACK_COFF] = &pack_coff};

    return splicers[p->opt->target.format];
}

bool pack_target_read(struct diag *d, const char *triple, struct pack_target *out)
{
    static const struct {
        const char *part;
        enum pack_format format;
    } systems[] = {{"linux", PACK_ELF},    {"freebsd", PACK_ELF},  {"apple", PACK_MACHO},
                   {"windows", PACK_COFF}, {"mingw32", PACK_COFF}, {"-elf", PACK_ELF}};
    static const struct {
        const char *part;
        enum pack_cpu cpu;
    } cpus[] = {{"x86_64-", PACK_X86_64},
                {"amd64-", PACK_X86_64},
                {"aarch64-", PACK_AARCH64},
                {"arm64-", PACK_AARCH64}};
    bool cpu = false, system = false;

    *out = (struct pack_target){.triple = triple};
    for (size_t i = 0; !cpu && i < sizeof cpus / sizeof *cpus; i++)
        if ((cpu = !strncmp(triple, cpus[i].part, strlen(cpus[i].part))))
            out->cpu = cpus[i].cpu;
    for (size_t i = 0; !system && i < sizeof systems / sizeof *systems; i++)
        if ((system = strstr(triple, systems[i].part) != NULL))
            out->format = systems[i].format;
    if (cpu && system)
        return true;
    return diag_fail(d, E_USAGE,
                     "--target: '%s' is not a target of ours: x86_64 or aarch64, and linux, "
                     "apple-macos, windows or mingw32",
                     triple);
}

/* Compressed segments are unpacked whole: there is no other way to read them twice. */
static bool unpack(struct pack *p)
{
    for (uint32_t i = 0; i < p->heap.segment_count; i++) {
        struct heap_segment *g = &p->heap.segments[i];
        uint8_t *plain = NULL;

        if (g->kind == SIMG_SEGMENT_ZERO || g->data.at)
            continue;
        if (!(plain = arena_alloc(&p->arena, 1, g->size)))
            return diag_nomem(p->d);
        if (!heap_unpack(p->d, &p->heap, i, plain))
            return false;
        g->data = (struct span){plain, g->size};
    }
    return true;
}

static bool is_heap(struct pack *p, const struct file *in)
{
    return heap_is(in->data) ||
           diag_fail(p->d, E_UNKNOWN, "%s: is not a heap container", in->path);
}

static bool read_heap(struct pack *p, const struct file *in)
{
    struct where here = {NULL, in->path, NO_INDEX};
    bool ok = false;

    p->d->where = &here;
    ok = heap_read(p->d, &p->arena, in->path, in->data, &p->heap) && unpack(p);
    p->d->where = NULL;
    if (ok && p->heap.big)
        return diag_fail(p->d, E_UNSUPPORTED, "%s: is big-endian; all targets are not", in->path);
    return ok;
}

static bool write_prelinked(struct pack *p, struct span in)
{
    static const struct elf_machine *const machines[] = {[PACK_X86_64] = &elf_x86_64,
                                                         [PACK_AARCH64] = &elf_aarch64};

    if (p->opt->target.format != PACK_ELF)
        return diag_fail(p->d, E_UNSUPPORTED,
                         "--heap-relocs: prelinked objects are of ELF; use native for %s",
                         p->opt->target.triple);
    return prelinked_write(p->d, &p->arena, machines[p->opt->target.cpu],
                           &(struct prelinked_input){p->opt->input, in}, 1, p->opt->output, -1);
}

bool pack_run(struct diag *d, const struct pack_options *options)
{
    struct pack p = {.d = d, .opt = options, .out = {.fd = -1}};
    struct file in;
    struct buf text = {0};
    bool ok = file_open(d, options->input, &in);

    if (ok && file_is(&in, options->output))
        ok = diag_fail(d, E_USAGE, "%s: is the output as well as the input", options->input);
    ok = ok && is_heap(&p, &in);
    if (ok && options->mode == PACK_PRELINKED)
        ok = write_prelinked(&p, in.data);
    else
        ok = ok && read_heap(&p, &in) && pack_text(&p, &text) &&
         pack_assemble(&p, (const char *)text.at) && pack_splicer_of(&p)->find(&p) &&
         pack_stream(&p) && output_commit(d, &p.out, 0666);
    output_abandon(&p.out);
    buf_free(&text);
    buf_free(&p.skeleton);
    arena_free(&p.arena);
    file_close(&in);
    return ok;
}
