/* SPDX-License-Identifier: MIT */
/* cache_cpu.c - what a CPU can do, as an image's machine code may need it. */

#include "runtime/cache_cpu.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined __x86_64__
#include <cpuid.h>

/* What the system lets programs use of wide registers. */
static uint32_t enabled(void)
{
    uint32_t eax = 0, edx = 0;

    __asm__("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
    return eax;
}

/* Intel's SDM, volume 2, CPUID: leaf 1 ecx and edx, leaf 7 ebx and ecx and edx, leaf 0x80000001
   ecx; and XCR0.  Bits that say what the system does now, or who is asked (leaf 1: OSXSAVE; edx
   of leaf 7, which has mitigations), are left out. */
static void read_features(uint32_t out[6])
{
    uint32_t a = 0, b = 0, c = 0, d = 0;

    if (__get_cpuid(1, &a, &b, &c, &d)) {
        out[0] = c & ~(UINT32_C(1) << 31 | UINT32_C(1) << 27); /* hypervisor, OSXSAVE */
        out[1] = d;
        out[5] = c >> 27 & 1 ? enabled() : 0;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        out[2] = b;
        out[3] = c;
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        out[4] = c;
}
static const char name[] = "x86-64";
#elif defined __aarch64__ && defined __linux__
#include <sys/auxv.h>

static void read_features(uint32_t out[6])
{
    uint64_t caps = getauxval(AT_HWCAP), caps2 = getauxval(AT_HWCAP2);

    out[0] = (uint32_t)caps;
    out[1] = (uint32_t)(caps >> 32);
    out[2] = (uint32_t)caps2;
    out[3] = (uint32_t)(caps2 >> 32);
}
static const char name[] = "aarch64";
#else
/* Nothing is known: the same kind of CPU is all that can be asked for. */
static void read_features(uint32_t out[6]) { (void)out; }
#if defined __aarch64__
static const char name[] = "aarch64";
#else
static const char name[] = "other";
#endif
#endif

void cpu_features(char text[64])
{
    uint32_t f[6] = {0};

    read_features(f);
    snprintf(text, 64, "%s:%x.%x.%x.%x.%x.%x", name, f[0], f[1], f[2], f[3], f[4], f[5]);
}

bool cpu_covers(const char *have, const char *need)
{
    const char *colon = strchr(need, ':');
    char *end = NULL;

    if (!colon || strncmp(have, need, (size_t)(colon - need) + 1) != 0)
        return false;
    have += colon - need + 1;
    need = colon + 1;
    for (int i = 0; i < 6; i++) {
        unsigned long h = strtoul(have, &end, 16), n = 0;

        have = *end ? end + 1 : end;
        n = strtoul(need, &end, 16);
        need = *end ? end + 1 : end;
        if (n & ~h)
            return false;
    }
    return true;
}
