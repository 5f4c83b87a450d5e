/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cachecode.cc - an engine with machine code and unwind tables (tests/e2e/cache-code.sh).  Its one
 * function calls what it is given and does not return if that throws.
 *
 *   cachecode OPTION...
 *
 * prints where the function is and whether it came from an image, calls it with a function that
 * returns and with one that throws, and stores. */

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <sysimage/cache.h>
#include <sysimage/format.h>

typedef int function(int (*callback)(int));

/* push %rbp; mov %rsp,%rbp; mov %rdi,%rax; mov $20,%edi; call *%rax; inc %eax; pop %rbp; ret */
static const unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x89, 0xf8, 0xbf, 20, 0,
                                     0,    0,    0xff, 0xd0, 0xff, 0xc0, 0x5d, 0xc3};

/* What an assembler makes of .cfi_ lines for that, with addresses of 8 bytes and no augmentation. */
static const unsigned char tables[] = {
    /* CIE */ 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x78, 16,
    0x0c, 7, 8,     /* DW_CFA_def_cfa rsp, 8 */
    0x80 | 16, 1,   /* DW_CFA_offset rip, 1 */
    0, 0, 0, 0, 0, 0,
    /* FDE */ 36, 0, 0, 0, 28, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0,                /* the function */
    sizeof code, 0, 0, 0, 0, 0, 0, 0,
    0x40 | 1, 0x0e, 16, 0x80 | 6, 2,       /* at 1: def_cfa_offset 16, offset rbp, 2 */
    0x40 | 3, 0x0d, 6,                     /* at 4: def_cfa_register rbp */
    0x40 | 13, 0x0c, 7, 8,                 /* at 17: def_cfa rsp, 8 */
    0, 0, 0, 0,
    /* end */ 0, 0, 0, 0};
enum { FUNCTION_AT = 32 };

static struct simg_engine engine;
static struct simg_cache_options options;

static void check(enum simg_status status, const struct simg_error *e)
{
    if (status != SIMG_OK) {
        fprintf(stderr, "cachecode: status %d%s%s\n", status, e ? ": " : "", e ? e->text : "");
        exit(3);
    }
}

static int returns(int n) { return 2 * n; }

extern "C" int throws(int n)
{
    if (n == 20)
        throw std::runtime_error("from inside");
    return 0;
}

static void make(simg_cache *c)
{
    unsigned char *at = static_cast<unsigned char *>(simg_arena_code(simg_cache_arena(c), 65536));
    unsigned char *t =
        static_cast<unsigned char *>(simg_arena_alloc(simg_cache_arena(c), sizeof tables));
    uint64_t place = reinterpret_cast<uint64_t>(at);
    simg_function f = {};

    memcpy(at, code, sizeof code);
    memcpy(t, tables, sizeof tables);
    memcpy(t + FUNCTION_AT, &place, 8);
    if (simg_arena_protect(simg_cache_arena(c), at, 65536, SIMG_PROT_R | SIMG_PROT_X) != 0)
        exit(3);
    f.name = "compiled_by_the_engine";
    f.source = UINT32_MAX;
    f.flags = SIMG_FUNCTION_COMPILED;
    f.code = at;
    f.code_size = sizeof code;
    simg_cache_function(c, &f);
    check(simg_cache_unwind(c, t), nullptr);
}

int main(int argc, char **argv)
{
    simg_cache *c = nullptr;
    simg_error e;
    simg_function f;
    function *call = nullptr;

    engine.size = sizeof engine;
    engine.name = "code";
    engine.flags = SIMG_ENGINE_HAS_CODE;
    engine.code = 4 << 20;
    simg_cache_options_init(&options);
    for (int i = 1; i < argc; i++)
        check(simg_cache_option(&options, argv[i], &e), &e);
    check(simg_cache_open(&engine, &options, &c, &e), &e);
    if (!simg_cache_loaded(c))
        make(c);
    if (!simg_cache_get_function(c, 0, &f))
        exit(3);
    call = reinterpret_cast<function *>(f.code);
    printf("%s, returned %d\n", simg_cache_loaded(c) ? "loaded" : "made", call(returns));
    try {
        printf("returned %d\n", call(throws));
    } catch (const std::exception &x) {
        printf("caught: %s\n", x.what());
    }
    check(simg_cache_close(c, &e), &e);
    simg_cache_options_free(&options);
}
