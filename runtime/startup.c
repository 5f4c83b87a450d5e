/* SPDX-License-Identifier: MIT */
/* startup.c - the code in every image with a heap that runs when the image is
 * loaded, before any other initialiser (docs/image-format.md).
 *
 * If the image lies where it was linked for, which is the rule, nothing is
 * relocated.  If not, each segment with pointers is copied to huge pages, the
 * difference added on the way, and these put in its place at once: no other
 * thread ever finds a hole there, and nobody has an address into the heap
 * that becomes wrong.  Then memory that only the loader had to write loses
 * the right to be written.
 *
 * Compiled freestanding for each CPU when objtool is built; it must need
 * nothing but __simg_table, which the linker defines. */

#include "move.h"
#include "sysimage/format.h"

extern const struct simg_table __simg_table __attribute__((visibility("hidden")));

enum {
    PAGE = 4096, /* the kernel rounds up to its own */
    PROT_NONE = 0,
    PROT_READ = 1,
    PROT_WRITE = 2,
    PROT_EXEC = 4,
    MAP_PRIVATE = 2,
    MAP_ANONYMOUS = 0x20,
    MAP_NORESERVE = 0x4000,
    MREMAP_MAYMOVE = 1,
    MREMAP_FIXED = 2,
    MADV_HUGEPAGE = 14,
};
#define HUGE_PAGE UINT64_C(0x200000)

/* ---- system calls (Linux; numbers and registers of each CPU) ---- */

#if defined __x86_64__
enum { SYS_MMAP = 9, SYS_MPROTECT = 10, SYS_MUNMAP = 11, SYS_MREMAP = 25, SYS_MADVISE = 28 };

static uint64_t call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    register uint64_t r9 __asm__("r9") = 0;
    uint64_t result = 0;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#elif defined __aarch64__
enum { SYS_MMAP = 222, SYS_MPROTECT = 226, SYS_MUNMAP = 215, SYS_MREMAP = 216, SYS_MADVISE = 233 };

static uint64_t call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    register long x8 __asm__("x8") = number;
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d;
    register uint64_t x4 __asm__("x4") = e;
    register uint64_t x5 __asm__("x5") = 0;

    __asm__ volatile("svc #0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
#endif

static bool failed(uint64_t result) { return result > (uint64_t)-4096; }

static uint64_t whole_pages(uint64_t size) { return (size + PAGE - 1) & ~(uint64_t)(PAGE - 1); }

/* ---- a segment ---- */

struct segment {
    uint8_t *at;
    const struct simg_table_segment *of;
    const uint8_t *bits; /* NULL: no map */
    const uint64_t *odd;
    enum move_way way;
    uint64_t delta;
};

static void relocate(const struct segment *s, uint8_t *to)
{
    move_segment(s->way, to, s->at, s->of->size, s->bits, s->odd, s->of->odd_count, s->delta);
}

/* Fill fresh huge pages and put them where the segment is; false, with
   nothing done, if the system does not give them. */
static bool replace(const struct segment *s)
{
    uint64_t size = whole_pages(s->of->size), room = size + HUGE_PAGE;
    uint64_t got = call(SYS_MMAP, 0, room, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, (uint64_t)-1);
    uint64_t fresh = 0, end = 0;

    if (failed(got))
        return false;
    /* As far into a huge page as the segment is, so that moving them splits none. */
    fresh = got + (((uint64_t)s->at - got) & (HUGE_PAGE - 1));
    end = got + room;
    call(SYS_MADVISE, fresh, size, MADV_HUGEPAGE, 0, 0);
    relocate(s, (uint8_t *)fresh);
    if (fresh > got)
        call(SYS_MUNMAP, got, fresh - got, 0, 0, 0);
    if (end > fresh + size)
        call(SYS_MUNMAP, fresh + size, end - fresh - size, 0, 0, 0);
    if (!failed(
            call(SYS_MREMAP, fresh, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, (uint64_t)s->at)))
        return true;
    call(SYS_MUNMAP, fresh, size, 0, 0, 0);
    return false;
}

static bool protect(const struct segment *s, uint64_t rights)
{
    return !failed(call(SYS_MPROTECT, (uint64_t)s->at, whole_pages(s->of->size), rights, 0, 0));
}

static void relocate_segment(const struct segment *s)
{
    if (s->of->size >= HUGE_PAGE && replace(s))
        return;
    /* A heap with wrong pointers must not run. */
    if (!protect(s, PROT_READ | PROT_WRITE))
        __builtin_trap();
    relocate(s, s->at);
}

/* What is not in the page cache yet is then read 2 MiB at a time and mapped so,
   whatever the system's read-ahead is.  Zeros are not read: they would only
   take more memory. */
static void read_by_huge_pages(const struct segment *s)
{
    if (s->of->size >= HUGE_PAGE && !(s->of->flags & SIMG_SEG_ZERO))
        call(SYS_MADVISE, (uint64_t)s->at, whole_pages(s->of->size), MADV_HUGEPAGE, 0, 0);
}

static uint64_t own_rights(const struct simg_table_segment *s)
{
    return (s->prot & SIMG_PROT_R ? PROT_READ : 0u) | (s->prot & SIMG_PROT_W ? PROT_WRITE : 0u) |
           (s->prot & SIMG_PROT_X ? PROT_EXEC : 0u);
}

static void start_heap(const uint8_t *table, const struct simg_table_heap *h,
                       const struct simg_table_segment *segments)
{
    uint64_t base = (uint64_t)(table + h->at);
    uint64_t delta = h->mode == SIMG_MODE_PRELINKED ? base - h->base : 0;

    for (uint32_t i = 0; i < h->segment_count; i++) {
        const struct simg_table_segment *of = &segments[i];
        struct segment s = {
            .at = (uint8_t *)(base + of->addr),
            .of = of,
            .bits = of->bitmap ? table + of->bitmap : 0,
            .odd = (const uint64_t *)(const void *)(of->odd ? table + of->odd : 0),
            .delta = delta,
        };
        bool moves = delta && of->slot_count;

        read_by_huge_pages(&s);
        if (moves) {
            s.way = move_best_way();
            relocate_segment(&s);
        }
        if ((of->flags & SIMG_SEG_LOADED_WRITABLE) || (moves && !(of->prot & SIMG_PROT_W)))
            protect(&s, own_rights(of));
    }
}

__attribute__((visibility("hidden"))) void __simg_start(void);

void __simg_start(void)
{
    const struct simg_table *t = &__simg_table;
    const uint8_t *table = (const uint8_t *)t;
    const struct simg_table_heap *heaps = (const void *)(table + t->heaps);
    const struct simg_table_segment *segments = (const void *)(table + t->segments);

    for (uint32_t i = 0; i < t->heap_count; i++)
        start_heap(table, &heaps[i], segments + heaps[i].first_segment);
}

/* Priority 0: initialisers of programs begin at 101, those of compilers above 0. */
__attribute__((section(".init_array.00000"), used)) static void (*const start)(void) = __simg_start;
