/* SPDX-License-Identifier: MIT */
/* move.h - copy a heap to where it is to be, and relocate it on the way.
 *
 * Freestanding: the start-up code of images is made of it, without a libc,
 * and libsysimage uses the same.  Pages cost more than pointers: a private
 * page that is filled 4 KiB at a time takes 5 to 8 times as long as the same
 * bytes in huge pages, and the additions come free with the copy. */

#ifndef RUNTIME_MOVE_H
#define RUNTIME_MOVE_H

#include <stdbool.h>
#include <stdint.h>

/* The ways of copying; each needs the CPU to have it. */
enum move_way { MOVE_PLAIN, MOVE_AVX2, MOVE_AVX512 };

/* The words lie in the heap, where it was and where it is, and both are below
   2^48 (2^47 on x86-64): what is added never reaches a tag, which starts at
   bit 48 at the lowest.  So the whole word may be added to. */
typedef uint64_t move_word __attribute__((aligned(1), may_alias));

static inline void move_group(uint8_t *to, const uint8_t *from, unsigned bits, uint64_t delta)
{
    for (unsigned i = 0; i < 8; i++)
        ((move_word *)to)[i] = ((const move_word *)from)[i] + (bits >> i & 1 ? delta : 0);
}

static inline void move_plain(uint8_t *to, const uint8_t *from, uint64_t groups,
                              const uint8_t *bits, uint64_t delta)
{
    for (uint64_t i = 0; i < groups; i++, to += 64, from += 64)
        move_group(to, from, bits[i], delta);
}

#if defined __x86_64__
#include <immintrin.h>

/* Bits of four words as masks of them. */
__attribute__((target("avx2"))) static inline void move_avx2(uint8_t *to, const uint8_t *from,
                                                             uint64_t groups, const uint8_t *bits,
                                                             uint64_t delta)
{
    const __m256i select = _mm256_set_epi64x(8, 4, 2, 1), add = _mm256_set1_epi64x((int64_t)delta);

    for (uint64_t i = 0; i < groups; i++, to += 64, from += 64) {
        __m256i low = _mm256_and_si256(_mm256_set1_epi64x(bits[i] & 15), select);
        __m256i high = _mm256_and_si256(_mm256_set1_epi64x(bits[i] >> 4), select);
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)from);
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(from + 32));

        low = _mm256_and_si256(_mm256_cmpeq_epi64(low, select), add);
        high = _mm256_and_si256(_mm256_cmpeq_epi64(high, select), add);
        _mm256_storeu_si256((__m256i *)(void *)to, _mm256_add_epi64(a, low));
        _mm256_storeu_si256((__m256i *)(void *)(to + 32), _mm256_add_epi64(b, high));
    }
}

/* A byte of the map is a mask of eight words as it is. */
__attribute__((target("avx512f"))) static inline void move_avx512(uint8_t *to, const uint8_t *from,
                                                                  uint64_t groups,
                                                                  const uint8_t *bits,
                                                                  uint64_t delta)
{
    const __m512i add = _mm512_set1_epi64((int64_t)delta);

    for (uint64_t i = 0; i < groups; i++, to += 64, from += 64) {
        __m512i v = _mm512_loadu_si512(from);

        _mm512_storeu_si512(to, _mm512_mask_add_epi64(v, (__mmask8)bits[i], v, add));
    }
}

static inline void move_cpuid(uint32_t leaf, uint32_t out[4])
{
    __asm__("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(0));
}

/* The best way that this CPU has and the system keeps the registers for
   (Intel SDM 1, 13.3 and 14.3 on XCR0). */
static inline enum move_way move_best_way(void)
{
    uint32_t r[4], xcr0 = 0, high = 0;

    move_cpuid(0, r);
    if (r[0] < 7)
        return MOVE_PLAIN;
    move_cpuid(1, r);
    if (!(r[2] & 1u << 27)) /* OSXSAVE */
        return MOVE_PLAIN;
    __asm__("xgetbv" : "=a"(xcr0), "=d"(high) : "c"(0));
    move_cpuid(7, r);
    if ((r[1] & 1u << 16) && (xcr0 & 0xe6) == 0xe6)
        return MOVE_AVX512;
    return (r[1] & 1u << 5) && (xcr0 & 6) == 6 ? MOVE_AVX2 : MOVE_PLAIN;
}

static inline void move_groups(enum move_way way, uint8_t *to, const uint8_t *from, uint64_t groups,
                               const uint8_t *bits, uint64_t delta)
{
    if (way == MOVE_AVX512)
        move_avx512(to, from, groups, bits, delta);
    else if (way == MOVE_AVX2)
        move_avx2(to, from, groups, bits, delta);
    else
        move_plain(to, from, groups, bits, delta);
}
#else
static inline enum move_way move_best_way(void) { return MOVE_PLAIN; }

static inline void move_groups(enum move_way way, uint8_t *to, const uint8_t *from, uint64_t groups,
                               const uint8_t *bits, uint64_t delta)
{
    (void)way;
    move_plain(to, from, groups, bits, delta);
}
#endif

/* Copy the SIZE bytes of a segment from FROM to TO, which are the same or do
   not overlap, and add DELTA to the words at its slots: those of the bitmap
   BITS (NULL: none; ceil(SIZE / 64) bytes) and the ODD_COUNT ones at ODD. */
static inline void move_segment(enum move_way way, uint8_t *to, const uint8_t *from, uint64_t size,
                                const uint8_t *bits, const uint64_t *odd, uint64_t odd_count,
                                uint64_t delta)
{
    static const uint8_t none[64];
    uint64_t groups = size / 64, done = 0;

    if (bits)
        move_groups(way, to, from, groups, bits, delta);
    else if (to != from)
        for (; done < groups; done += sizeof none)
            move_groups(way, to + 64 * done, from + 64 * done,
                        groups - done < sizeof none ? groups - done : sizeof none, none, delta);
    for (uint64_t at = 64 * groups; at + 8 <= size; at += 8) {
        bool slot = bits && (bits[groups] >> at / 8 % 8 & 1);

        *(move_word *)(to + at) = *(const move_word *)(from + at) + (slot ? delta : 0);
    }
    for (uint64_t at = size & ~UINT64_C(7); at < size; at++)
        to[at] = from[at];
    for (uint64_t i = 0; i < odd_count; i++)
        *(move_word *)(to + odd[i]) += delta;
}

#endif
