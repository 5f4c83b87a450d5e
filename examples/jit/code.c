/* SPDX-License-Identifier: MIT */
/* code.c - mmap() for libraries with a JIT, and the words in their code. */
#define _GNU_SOURCE
#include "code.h"

#include <errno.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sysimage/format.h>
#include <unistd.h>

static struct code *all; /* that are open */
static __thread struct code *current;

void code_open(struct code *c, struct simg_arena *arena)
{
    const struct simg_arena_head *h = (const void *)arena;

    *c = (struct code){.arena = arena,
                       .from = (char *)arena + h->limit,
                       .to = (char *)arena + h->size,
                       .next = all};
    all = c;
}

void code_close(struct code *c)
{
    struct code **p = &all;

    while (*p && *p != c)
        p = &(*p)->next;
    if (*p)
        *p = c->next;
    if (current == c)
        current = NULL;
}

struct code *code_enter(struct code *c)
{
    struct code *before = current;

    current = c;
    return before;
}

/* ---- the system's functions, for all of the program ---- */

/* Whatever rights are asked for: who writes code sets them when it is written, or code.c's user
   does. */
static void *give(size_t size)
{
    char *p = simg_arena_code(current->arena, size);

    if (!p) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    if (current->fresh == current->end || p < current->fresh)
        current->fresh = p;
    if (p + size > current->end)
        current->end = p + size;
    return p;
}

void *mmap(void *hint, size_t size, int prot, int flags, int fd, off_t offset)
{
    if (current && (flags & MAP_ANONYMOUS) && (prot & PROT_WRITE) &&
        !(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
        return give(size);
    return (void *)syscall(SYS_mmap, hint, size, prot, flags, fd, offset);
}

void *mmap64(void *hint, size_t size, int prot, int flags, int fd, off64_t offset)
{
    return mmap(hint, size, prot, flags, fd, offset);
}

int munmap(void *p, size_t size)
{
    for (struct code *c = all; c; c = c->next)
        if ((char *)p >= c->from && (char *)p < c->to) {
            simg_arena_free_code(c->arena, p, size);
            return 0;
        }
    return (int)syscall(SYS_munmap, p, size);
}

/* ---- the program's functions ---- */

bool code_stubs(struct code *c, void *const functions[], size_t count, void *out[])
{
    /* mov $FUNCTION, %rax; jmp *%rax */
    static const uint8_t stub[16] = {0x48, 0xb8, [10] = 0xff, 0xe0};
    uint8_t *page = simg_arena_code(c->arena, count * sizeof stub);

    if (!page)
        return false;
    for (size_t i = 0; i < count; i++) {
        memcpy(page + i * sizeof stub, stub, sizeof stub);
        memcpy(page + i * sizeof stub + 2, &functions[i], sizeof functions[i]);
        out[i] = page + i * sizeof stub;
    }
    return simg_arena_protect(c->arena, page, count * sizeof stub, SIMG_PROT_R | SIMG_PROT_X) == 0;
}

/* ---- words that are outside ---- */

struct word {
    uint64_t at;   /* in the code */
    char *outside; /* as the library keeps it: right for this process after a load */
    uint64_t was;  /* what is written in the code, as its complement, so that it is left alone */
};

struct words {
    uint64_t count;
    struct word at[];
};

struct search {
    struct {
        uintptr_t from, to;
    } modules[256];
    size_t count;
    const struct code *code;
    const char *end;
    struct words *words; /* NULL: they are counted */
    uint64_t found;
};

static int add_module(struct dl_phdr_info *m, size_t size, void *arg)
{
    struct search *s = arg;
    uintptr_t from = UINTPTR_MAX, to = 0;

    (void)size;
    for (int i = 0; i < m->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &m->dlpi_phdr[i];

        if (p->p_type != PT_LOAD)
            continue;
        if (m->dlpi_addr + p->p_vaddr < from)
            from = m->dlpi_addr + p->p_vaddr;
        if (m->dlpi_addr + p->p_vaddr + p->p_memsz > to)
            to = m->dlpi_addr + p->p_vaddr + p->p_memsz;
    }
    if (s->count == sizeof s->modules / sizeof *s->modules)
        return -1;
    s->modules[s->count].from = from;
    s->modules[s->count++].to = to;
    return 0;
}

static bool is_outside(const struct search *s, uint64_t word)
{
    for (size_t i = 0; i < s->count; i++)
        if (word >= s->modules[i].from && word < s->modules[i].to)
            return true;
    return false;
}

/* Each MOV of 8 bytes into a register. */
static void look(struct search *s)
{
    const uint8_t *at = (const uint8_t *)s->code->from, *end = (const uint8_t *)s->end;

    s->found = 0;
    for (const uint8_t *p = at; end - p >= 10; p++) {
        uint64_t word = 0;

        if ((p[0] & 0xfe) != 0x48 || (p[1] & 0xf8) != 0xb8)
            continue;
        memcpy(&word, p + 2, sizeof word);
        if (!is_outside(s, word))
            continue;
        if (s->words)
            s->words->at[s->found] = (struct word){(uint64_t)(p + 2 - at), (char *)word, ~word};
        s->found++;
    }
}

long code_collect(struct code *c, struct simg_cache *cache)
{
    const struct simg_arena_head *h = (const void *)c->arena;
    struct search s = {.code = c, .end = (char *)c->arena + h->code_top};

    simg_arena_free(c->arena, simg_cache_root(cache, "code_words"));
    simg_cache_set_root(cache, "code_words", NULL);
    if (dl_iterate_phdr(add_module, &s) != 0)
        return -1;
    look(&s);
    if (!s.found)
        return 0;
    s.words = simg_arena_alloc(c->arena, sizeof *s.words + s.found * sizeof *s.words->at);
    if (!s.words || simg_cache_set_root(cache, "code_words", s.words) != SIMG_OK)
        return -1;
    look(&s);
    s.words->count = s.found;
    return (long)s.found;
}

/* The words of one page, from the first one that is to be changed on.  Which one is next; NULL: it
   failed. */
static struct word *mend_page(struct code *c, struct word *w, const struct word *end, long *changed)
{
    enum { PAGE = 65536 };
    const struct simg_arena_head *h = (const void *)c->arena;
    uint64_t page = w->at / PAGE * PAGE, next = page + PAGE;
    /* the last word may end in the next page */
    size_t size = next < h->code_top - h->limit ? PAGE + 4096 : PAGE;

    if (simg_arena_protect(c->arena, c->from + page, size, SIMG_PROT_R | SIMG_PROT_W))
        return NULL;
    for (; w < end && w->at < next; w++) {
        if (w->was == ~(uint64_t)w->outside)
            continue;
        memcpy(c->from + w->at, &w->outside, sizeof w->outside);
        w->was = ~(uint64_t)w->outside;
        ++*changed;
    }
    return simg_arena_protect(c->arena, c->from + page, size, SIMG_PROT_R | SIMG_PROT_X) ? NULL : w;
}

/* Code is not looked at unless something has moved. */
long code_mend(struct code *c, struct simg_cache *cache)
{
    struct words *words = simg_cache_root(cache, "code_words");
    struct word *w = words ? words->at : NULL, *end = words ? w + words->count : NULL;
    long changed = 0;

    while (w < end)
        if (w->was == ~(uint64_t)w->outside)
            w++;
        else if (!(w = mend_page(c, w, end, &changed)))
            return -1;
    return changed;
}
