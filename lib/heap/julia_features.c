/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_features.c - names for the bits of a target's feature words.
 *
 * The words are the CPU's own: registers that CPUID answers in, or Linux's
 * hardware capabilities; Julia adds one of its own on AArch64.  Names are
 * LLVM's, as in Julia's --cpu-target. */

#include "heap/julia_parts.h"

struct feature {
    uint16_t bit; /* 32 * word + bit of the word */
    const char *name;
};

struct cpu {
    const char *name;
    const struct feature *features; /* in order of bits */
    size_t count;
};

/* clang-format off */
/* Words: CPUID leaf 1 ECX and EDX; 7 EBX, ECX and EDX; 0x80000001 ECX and
   EDX; 0xd.1 EAX; 0x80000008 EBX; and since 1.5.3 7.1 EAX; 0x14 EBX. */
static const struct feature x86[] = {
    {0, "sse3"}, {1, "pclmul"}, {9, "ssse3"}, {12, "fma"}, {13, "cx16"}, {19, "sse4.1"},
    {20, "sse4.2"}, {22, "movbe"}, {23, "popcnt"}, {25, "aes"}, {26, "xsave"}, {28, "avx"},
    {29, "f16c"}, {30, "rdrnd"},
    {64 + 0, "fsgsbase"}, {64 + 3, "bmi"}, {64 + 5, "avx2"}, {64 + 8, "bmi2"}, {64 + 11, "rtm"},
    {64 + 14, "mpx"}, {64 + 16, "avx512f"}, {64 + 17, "avx512dq"}, {64 + 18, "rdseed"},
    {64 + 19, "adx"}, {64 + 21, "avx512ifma"}, {64 + 23, "clflushopt"}, {64 + 24, "clwb"},
    {64 + 26, "avx512pf"}, {64 + 27, "avx512er"}, {64 + 28, "avx512cd"}, {64 + 29, "sha"},
    {64 + 30, "avx512bw"}, {64 + 31, "avx512vl"},
    {96 + 0, "prefetchwt1"}, {96 + 1, "avx512vbmi"}, {96 + 4, "pku"}, {96 + 5, "waitpkg"},
    {96 + 6, "avx512vbmi2"}, {96 + 7, "shstk"}, {96 + 8, "gfni"}, {96 + 9, "vaes"},
    {96 + 10, "vpclmulqdq"}, {96 + 11, "avx512vnni"}, {96 + 12, "avx512bitalg"},
    {96 + 14, "avx512vpopcntdq"}, {96 + 22, "rdpid"}, {96 + 25, "cldemote"}, {96 + 27, "movdiri"},
    {96 + 28, "movdir64b"}, {96 + 29, "enqcmd"},
    {128 + 8, "avx512vp2intersect"}, {128 + 14, "serialize"}, {128 + 16, "tsxldtrk"},
    {128 + 18, "pconfig"}, {128 + 22, "amx-bf16"}, {128 + 24, "amx-tile"}, {128 + 25, "amx-int8"},
    {160 + 0, "sahf"}, {160 + 5, "lzcnt"}, {160 + 6, "sse4a"}, {160 + 8, "prfchw"},
    {160 + 11, "xop"}, {160 + 15, "lwp"}, {160 + 16, "fma4"}, {160 + 21, "tbm"},
    {160 + 29, "mwaitx"},
    {224 + 0, "xsaveopt"}, {224 + 1, "xsavec"}, {224 + 3, "xsaves"},
    {256 + 0, "clzero"}, {256 + 9, "wbnoinvd"},
    {288 + 4, "avxvnni"}, {288 + 5, "avx512bf16"},
    {320 + 4, "ptwrite"},
};

/* Words: HWCAP, HWCAP2, and the architecture's version.  Bit 3 is of 1.5,
   which has no bit 4. */
static const struct feature aarch64[] = {
    {3, "crypto"}, {4, "aes"}, {6, "sha2"}, {7, "crc"}, {8, "lse"}, {9, "fullfp16"}, {12, "rdm"},
    {13, "jsconv"}, {14, "complxnum"}, {15, "rcpc"}, {16, "ccpp"}, {17, "sha3"}, {19, "sm4"},
    {20, "dotprod"}, {22, "sve"}, {23, "fp16fml"}, {24, "dit"}, {26, "rcpc-immo"}, {27, "flagm"},
    {28, "ssbs"}, {29, "sb"}, {30, "pauth"},
    {32 + 0, "ccdp"}, {32 + 1, "sve2"}, {32 + 3, "sve2-aes"}, {32 + 4, "sve2-bitperm"},
    {32 + 5, "sve2-sha3"}, {32 + 6, "sve2-sm4"}, {32 + 7, "altnzcv"}, {32 + 8, "fptoint"},
    {32 + 10, "f32mm"}, {32 + 11, "f64mm"}, {32 + 13, "i8mm"}, {32 + 14, "bf16"},
    {32 + 16, "rand"}, {32 + 17, "bti"}, {32 + 18, "mte"},
    {64 + 0, "v8.1a"}, {64 + 1, "v8.2a"}, {64 + 2, "v8.3a"}, {64 + 3, "v8.4a"}, {64 + 4, "v8.5a"},
    {64 + 5, "v8.6a"},
};
/* clang-format on */

static const struct cpu cpus[] = {
    {"x86-64", x86, sizeof x86 / sizeof x86[0]},
    {"i386", x86, sizeof x86 / sizeof x86[0]},
    {"aarch64", aarch64, sizeof aarch64 / sizeof aarch64[0]},
};

const char *julia_feature_name(const char *cpu, uint64_t bit)
{
    for (size_t i = 0; cpu && i < sizeof cpus / sizeof cpus[0]; i++) {
        if (strcmp(cpus[i].name, cpu) != 0)
            continue;
        for (const struct feature *f = cpus[i].features; f < cpus[i].features + cpus[i].count; f++)
            if (f->bit == bit)
                return f->name;
    }
    return NULL;
}
