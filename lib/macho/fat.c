/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fat.c - universal files: one Mach-O file for each CPU (<mach-o/fat.h>).
 * The header is big-endian whatever the slices are. */

#include "macho/file.h"

#include <inttypes.h>

enum { FAT_MAX = 40, FAT_ARCH = 20, FAT_ARCH_64 = 32 };

bool macho_is_fat(struct span in)
{
    uint64_t magic = in.size >= 8 ? load_uint(in.at, 4, true) : 0;

    if (magic == FAT_MAGIC_64)
        return true;
    return magic == FAT_MAGIC && load_uint(in.at + 4, 4, true) <= FAT_MAX;
}

static bool read_slice(struct diag *d, struct cursor *c, struct macho_slice *s)
{
    s->cputype = cur_u32(c);
    s->cpusubtype = cur_u32(c);
    s->offset = cur_word(c);
    s->size = cur_word(c);
    s->align_log2 = cur_u32(c);
    if (c->wide)
        cur_u32(c);
    if (!span_sub(c->in, s->offset, s->size, &s->data))
        return diag_fail(d, E_FORMAT,
                         "0x%" PRIx64 " bytes at 0x%" PRIx64 " are not inside the file (0x%" PRIx64
                         " bytes)",
                         s->size, s->offset, c->in.size);
    return true;
}

bool macho_read_fat(struct diag *d, struct arena *a, struct span in, struct macho_slice **out,
                    uint32_t *count)
{
    struct cursor c = {.in = in, .big = true};
    uint32_t n = 0;
    bool ok = true;

    *out = NULL;
    *count = 0;
    c.wide = cur_u32(&c) == FAT_MAGIC_64;
    n = cur_u32(&c);
    if (n > FAT_MAX || !cur_count(&c, n, c.wide ? FAT_ARCH_64 : FAT_ARCH))
        return diag_fail(d, E_FORMAT,
                         "%" PRIu32 " slices do not fit in the file (0x%" PRIx64 " bytes)", n,
                         in.size);
    if (!(*out = arena_alloc(a, n, sizeof **out)))
        return diag_nomem(d);
    for (uint32_t i = 0; ok && i < n; i++) {
        struct where here = {d->where, "slice", i};

        d->where = &here;
        ok = read_slice(d, &c, &(*out)[i]);
        d->where = here.up;
    }
    *count = ok ? n : 0;
    return ok;
}

/* "x86-64, arm64": for a message. */
static const char *list_slices(struct arena *a, const struct macho_slice *slices, uint32_t count)
{
    const char *text = count ? "" : "no CPU";

    for (uint32_t i = 0; text && i < count; i++) {
        const char *cpu = macho_cpu_name(slices[i].cputype, slices[i].cpusubtype);

        text = arena_printf(a, "%s%s%s", text, i ? ", " : "", cpu ? cpu : "an unknown CPU");
    }
    return text ? text : "other CPUs";
}

bool macho_pick_slice(struct diag *d, struct arena *a, struct span in, uint32_t cputype,
                      struct span *out)
{
    struct macho_slice *slices = NULL;
    uint32_t count = 0;

    *out = in;
    if (!macho_is_fat(in))
        return true;
    if (!macho_read_fat(d, a, in, &slices, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (slices[i].cputype == cputype &&
            !(cputype == CPU_TYPE_ARM64 &&
              (slices[i].cpusubtype & ~CPU_SUBTYPE_MASK) == CPU_SUBTYPE_ARM64E)) {
            *out = slices[i].data;
            return true;
        }
    return diag_fail(d, E_LINK, "has nothing for %s, only for %s", macho_cpu_name(cputype, 0),
                     list_slices(a, slices, count));
}
