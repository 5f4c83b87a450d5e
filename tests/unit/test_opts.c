/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_opts.c - the command line of objtool link and of ld: every spelling,
 * what compilers pass, response files, and that help and the man page name
 * every option. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "elf/machine.h"
#include "link/script.h"
#include "objtool/darwin.h"
#include "objtool/mingw.h"
#include "objtool/link_opts.h"
#include "objtool/link_table.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum { MAX_ARGS = 200 };

struct run {
    struct arena a;
    struct diag d;
    struct link_command c;
    struct buf warnings;
    char *argv[MAX_ARGS];
    int argc;
};

static void keep_warning(void *arg, enum diag_kind kind, const char *text)
{
    struct run *r = arg;

    if (kind == DIAG_WARNING)
        buf_printf(&r->warnings, "%s\n", text);
}

/* Read LINE, split at blanks, as ld or as objtool link. */
static bool read_line(struct run *r, bool ld, const char *line)
{
    char *rest = NULL, *copy = NULL;

    *r = (struct run){.d = {.sink = keep_warning}};
    r->d.arg = r;
    copy = arena_strdup(&r->a, line);
    r->argv[r->argc++] = copy ? arena_strdup(&r->a, "ld") : NULL;
    for (char *s = strtok_r(copy, " ", &rest); s; s = strtok_r(NULL, " ", &rest)) {
        ck_assert_int_lt(r->argc, MAX_ARGS - 1);
        r->argv[r->argc++] = s;
    }
    r->c =
        (struct link_command){.d = &r->d, .a = &r->a, .options = {.program = "ld", .ld_rules = ld}};
    return link_read_command(&r->c, r->argc, r->argv);
}

static void end(struct run *r)
{
    link_command_free(&r->c);
    buf_free(&r->warnings);
    arena_free(&r->a);
}

/* The inputs as text: a mark for each mode in force, then the name. */
static void describe_inputs(const struct link_options *o, struct buf *out)
{
    for (size_t i = 0; i < o->input_count; i++) {
        const struct link_input *in = &o->inputs[i];

        buf_printf(out, "%s%s%s%s", in->retain ? "!" : "", in->whole ? "*" : "",
                   in->as_needed ? "?" : "", in->only_static ? "." : "");
        if (in->group)
            buf_printf(out, "(%u)", in->group);
        buf_printf(out, "%s%s ", in->library ? "-l" : "", in->name);
    }
    buf_bytes(out, "", 1);
}

/* "!" retained, "*" whole, "?" as needed, "." only static, "(N)" group */
static const struct {
    bool ld;
    const char *line, *inputs;
} inputs[] = {
    {false, "a.o b.a -lc", "!a.o !b.a -lc "},
    {true, "-shared a.o b.a -lc", "a.o b.a -lc "},
    {false, "--no-whole-archive a.a b.a", "a.a b.a "},
    {false, "a.a --no-whole-archive b.a", "!a.a b.a "},
    {false, "--whole-archive a.a -lx --no-whole-archive b.a", "!*a.a *-lx !b.a "},
    {false, "--whole-archive a.a --no-whole-archive --no-whole-archive b.a", "!*a.a b.a "},
    {true, "-shared --whole-archive a.a --no-whole-archive b.a", "*a.a b.a "},
    {true, "-shared -as-needed -lx --no-as-needed -ly", "?-lx -ly "},
    {true, "-shared -Bstatic -lx -Bdynamic -ly -dn -lx -dy -lz -non_shared -lx -call_shared -ly",
     ".-lx -ly .-lx -lz .-lx -ly "},
    {true,
     "-shared --push-state --as-needed -lx --push-state -Bstatic -ly --pop-state -lz --pop-state a",
     "?-lx ?.-ly ?-lz a "},
    {true, "-shared --start-group a b --end-group c -( d -) e", "(1)a (1)b c (2)d e "},
    {true, "-shared -l x -l:y.so --library z --library=w", "-lx -l:y.so -lz -lw "},
    {true, "-shared -- -a -b", "-a -b "},
    {true, "-shared - --", "- "},
};

START_TEST(modes_of_inputs)
{
    struct run r;
    struct buf got = {0};

    ck_assert_msg(read_line(&r, inputs[_i].ld, inputs[_i].line), "%s", r.d.text);
    describe_inputs(&r.c.options, &got);
    ck_assert_msg(!strcmp((char *)got.at, inputs[_i].inputs), "%s: %s", inputs[_i].line, got.at);
    buf_free(&got);
    end(&r);
}
END_TEST

/* Text options in each spelling that ld takes. */
static const struct {
    const char *line;
    size_t at;
    const char *value;
} texts[] = {
    {"", offsetof(struct link_options, output), "a.out"},
    {"-o x.so", offsetof(struct link_options, output), "x.so"},
    {"-ox.so", offsetof(struct link_options, output), "x.so"},
    {"-output", offsetof(struct link_options, output), "utput"},
    {"--output x.so", offsetof(struct link_options, output), "x.so"},
    {"--output=x.so", offsetof(struct link_options, output), "x.so"},
    {"-soname x", offsetof(struct link_options, soname), "x"},
    {"-soname=x", offsetof(struct link_options, soname), "x"},
    {"--soname=x=y", offsetof(struct link_options, soname), "x=y"},
    {"--soname=", offsetof(struct link_options, soname), ""},
    {"-h x", offsetof(struct link_options, soname), "x"},
    {"-hx", offsetof(struct link_options, soname), "x"},
    {"-e main", offsetof(struct link_options, entry), "main"},
    {"-entry=main", offsetof(struct link_options, entry), "main"},
    {"-init a -fini b", offsetof(struct link_options, init), "a"},
    {"-init a -fini b", offsetof(struct link_options, fini), "b"},
    {"-M", offsetof(struct link_options, map), "-"},
    {"-Map x", offsetof(struct link_options, map), "x"},
    {"-Map=x", offsetof(struct link_options, map), "x"},
    {"-dynamic-linker /lib/ld.so", offsetof(struct link_options, dynamic_linker), "/lib/ld.so"},
    {"-I/lib/ld.so", offsetof(struct link_options, dynamic_linker), "/lib/ld.so"},
    {"--sysroot=/", offsetof(struct link_options, sysroot), ""},
    {"--sysroot=/x//", offsetof(struct link_options, sysroot), "/x"},
};

START_TEST(spellings)
{
    struct run r;
    char line[200];

    snprintf(line, sizeof line, "-shared x.o %s", texts[_i].line);
    ck_assert_msg(read_line(&r, true, line), "%s", r.d.text);
    ck_assert_str_eq(*(const char **)((char *)&r.c.options + texts[_i].at), texts[_i].value);
    end(&r);
}
END_TEST

static bool list_is(const struct strings *list, size_t n, const char *const *want)
{
    if (list->count < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strcmp(list->at[i], want[i]) != 0)
            return false;
    return true;
}
#define LIST(...)                                                                                  \
    COUNT(((const char *const[]){__VA_ARGS__})), (const char *const[]) { __VA_ARGS__ }

START_TEST(lists)
{
    struct run r;
    const struct link_options *o = &r.c.options;

    ck_assert_msg(read_line(&r, true,
                            "-shared x.o -L/a -L =/b --library-path=$SYSROOT/c --sysroot=/root "
                            "-rpath a:b -rpath=c -R /nowhere/at/all -u s1 --undefined=s2 -us3 "
                            "--require-defined=s4 --exclude-libs a.a,b.a:c.a --exclude-libs ALL "
                            "--wrap w1 --wrap=w2 -y t1 -yt2 -F f1 -ff2 --nostdlib"),
                  "%s", r.d.text);
    ck_assert_uint_eq(o->search.count, 3);
    ck_assert(list_is(&o->search, LIST("/a", "/root/b", "/root/c")));
    ck_assert(list_is(&o->rpath, LIST("a", "b", "c", "/nowhere/at/all")));
    ck_assert(list_is(&o->undefined, LIST("s1", "s2", "s3")));
    ck_assert(list_is(&o->require_defined, LIST("s4")));
    ck_assert(list_is(&o->exclude_libs, LIST("a.a", "b.a", "c.a", "ALL")));
    ck_assert(list_is(&o->wrap, LIST("w1", "w2")));
    ck_assert(list_is(&o->trace_symbols, LIST("t1", "t2")));
    ck_assert(list_is(&o->filter, LIST("f1")));
    ck_assert(list_is(&o->auxiliary, LIST("f2")));
    end(&r);
}
END_TEST

START_TEST(values)
{
    struct run r;
    const struct link_options *o = &r.c.options;

    ck_assert_msg(
        read_line(&r, true,
                  "-shared x.o -z now -zrelro -z max-page-size=0x10000 -z defs -z muldefs "
                  "-z pack-relative-relocs -z noseparate-code -z notext -z noexecstack "
                  "-znodelete -z initfirst -z combreloc --hash-style=gnu --build-id=0xaB-cd "
                  "-s -S -X -O2 --compress-debug-sections=zstd --threads=3 -Bsymbolic "
                  "--disable-new-dtags --eh-frame-hdr --gc-sections --print-gc-sections "
                  "--image-base=0x1000 --fatal-warnings --color-diagnostics=never -t"),
        "%s", r.d.text);
    ck_assert(o->now && o->relro && o->no_undefined && o->allow_multiple && o->nodelete);
    ck_assert(o->initfirst && o->text_ok && !o->text_error && o->noexecstack);
    ck_assert(o->separate_code_set && !o->separate_code);
    ck_assert_uint_eq(o->max_page_size, 0x10000);
    ck_assert_int_eq(o->relocs, RELOCS_RELR);
    ck_assert_uint_eq(o->hash_style, HASH_GNU);
    ck_assert_int_eq(o->build_id, BUILD_ID_HEX);
    ck_assert_uint_eq(o->build_id_size, 2);
    ck_assert_mem_eq(o->build_id_bytes, "\xab\xcd", 2);
    ck_assert_int_eq(o->strip, STRIP_ALL);
    ck_assert_int_eq(o->discard, DISCARD_LOCALS);
    ck_assert_int_eq(o->compress, COMPRESS_ZSTD);
    ck_assert_uint_eq(o->threads, 3);
    ck_assert_int_eq(o->bsymbolic, BSYMBOLIC_ALL);
    ck_assert(o->rpath_old && o->eh_frame_hdr && o->gc_sections && o->print_gc_sections);
    ck_assert(o->fatal_warnings && o->trace);
    ck_assert_uint_eq(o->image_base, 0x1000);
    ck_assert_int_eq(r.c.colour, COLOUR_NEVER);
    end(&r);
}
END_TEST

START_TEST(defaults)
{
    struct run r;

    for (int ld = 0; ld < 2; ld++) {
        const struct link_options *o = &r.c.options;

        ck_assert(read_line(&r, ld, ld ? "-shared x.o" : "x.o"));
        ck_assert_str_eq(o->output, "a.out");
        ck_assert_uint_eq(o->hash_style, HASH_SYSV | HASH_GNU);
        ck_assert(o->relro && !o->now && o->demangle);
        ck_assert_int_eq(o->build_id, BUILD_ID_NONE);
        ck_assert_int_eq(o->discard, DISCARD_MERGE);
        ck_assert(o->eh_frame_hdr == !ld);
        ck_assert_uint_gt(o->search.count, 3);
        ck_assert(!o->machine && !o->version_script && !o->dynamic_list && !o->exports);
        end(&r);
    }
}
END_TEST

START_TEST(build_ids)
{
    static const struct {
        const char *option;
        enum link_build_id kind;
    } rows[] = {{"--build-id", BUILD_ID_HASH},      {"--build-id=sha1", BUILD_ID_HASH},
                {"--build-id=md5", BUILD_ID_HASH},  {"--build-id=fast", BUILD_ID_HASH},
                {"--build-id=uuid", BUILD_ID_UUID}, {"--build-id --build-id=none", BUILD_ID_NONE}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct run r;
        char line[100];

        snprintf(line, sizeof line, "x.o %s", rows[i].option);
        ck_assert(read_line(&r, false, line));
        ck_assert_int_eq(r.c.options.build_id, rows[i].kind);
        end(&r);
    }
}
END_TEST

START_TEST(targets)
{
    static const struct {
        const char *option;
        const struct elf_machine *machine;
        const char *dir;
    } rows[] = {
        {"-m elf_x86_64", &elf_x86_64, "/usr/lib/x86_64-linux-gnu"},
        {"-melf_x86_64", &elf_x86_64, "/usr/lib/x86_64-linux-gnu"},
        {"-maarch64linux", &elf_aarch64, "/usr/lib/aarch64-linux-gnu"},
        {"--target=aarch64-linux-gnu", &elf_aarch64, "/usr/lib/aarch64-linux-gnu"},
        {"--target=arm64-unknown-linux-musl", &elf_aarch64, "/usr/lib/aarch64-linux-gnu"},
        {"--target=x86_64-pc-linux-gnu", &elf_x86_64, "/usr/lib/x86_64-linux-gnu"},
        {"--oformat=elf64-littleaarch64", &elf_aarch64, "/usr/lib/aarch64-linux-gnu"},
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct run r;
        char line[100];
        bool found = false;

        snprintf(line, sizeof line, "-shared x.o %s", rows[i].option);
        ck_assert_msg(read_line(&r, true, line), "%s", r.d.text);
        ck_assert_ptr_eq(r.c.options.machine, rows[i].machine);
        for (size_t k = 0; k < r.c.options.search.count; k++)
            found |= !strcmp(r.c.options.search.at[k], rows[i].dir);
        ck_assert_msg(found, "%s", rows[i].dir);
        end(&r);
    }
}
END_TEST

static const struct {
    const char *option, *name, *value;
    bool number;
    uint64_t addend;
} defsyms[] = {
    {"--defsym=a=b", "a", "b", false, 0},
    {"--defsym a=0x10", "a", "0x10", true, 16},
    {"-defsym a=b+4", "a", "b", false, 4},
    {"--defsym a=b-4", "a", "b", false, UINT64_MAX - 3},
};

START_TEST(defsym)
{
    struct run r;
    char line[100];

    snprintf(line, sizeof line, "x.o %s", defsyms[_i].option);
    ck_assert_msg(read_line(&r, false, line), "%s", r.d.text);
    ck_assert_uint_eq(r.c.options.defsym_count, 1);
    ck_assert_str_eq(r.c.options.defsyms[0].name, defsyms[_i].name);
    ck_assert_str_eq(r.c.options.defsyms[0].value, defsyms[_i].value);
    ck_assert(r.c.options.defsyms[0].number == defsyms[_i].number);
    ck_assert_uint_eq(r.c.options.defsyms[0].addend, defsyms[_i].addend);
    end(&r);
}
END_TEST

/* ---- what is wrong ---- */

static const struct {
    bool ld;
    const char *line;
    enum status status;
    const char *error;
} wrong[] = {
    {false, "", E_USAGE, "no input files"},
    {true, "-shared", E_USAGE, "no input files"},
    {true, "a.o", E_UNSUPPORTED, "only shared libraries can be made: -shared is missing"},
    {true, "-shared -pie a.o", E_UNSUPPORTED, "-pie: only shared libraries can be made (-shared)"},
    {true, "-r a.o", E_UNSUPPORTED, "-r: only shared libraries can be made (-shared)"},
    {true, "-static a.o", E_UNSUPPORTED, "only shared libraries can be made"},
    {false, "-pie a.o", E_UNSUPPORTED, "-pie: only shared libraries can be made"},
    {false, "--foo a.o", E_USAGE, "unknown option '--foo'"},
    {false, "-Zx a.o", E_USAGE, "unknown option '-Zx'"},
    {false, "--export-dyn a.o", E_USAGE, "unknown option '--export-dyn'"},
    {false, "-Mx a.o", E_USAGE, "unknown option '-Mx'"},
    {false, "--L/x a.o", E_USAGE, "unknown option '--L/x'"},
    {true, "-shared --export=x a.o", E_USAGE, "unknown option '--export=x'"},
    {true, "-shared --print-retained a.o", E_USAGE, "unknown option '--print-retained'"},
    {false, "a.o --soname", E_USAGE, "option '--soname' needs a value (NAME)"},
    {false, "a.o -o", E_USAGE, "option '-o' needs a value (FILE)"},
    {false, "a.o --shared=x", E_USAGE, "option '--shared=x' takes no value"},
    {false, "a.o -m elf_i386", E_USAGE, "-m elf_i386: not supported"},
    {false, "a.o --target=riscv64-linux-gnu", E_UNSUPPORTED,
     "--target=riscv64-linux-gnu: not supp"},
    {false, "a.o --target=x86_64-apple-ios14", E_UNSUPPORTED, "not supported"},
    {false, "a.o --oformat binary", E_UNSUPPORTED, "format binary: not supported"},
    {false, "a.o -b binary", E_UNSUPPORTED, "format binary: not supported"},
    {false, "a.o -T x.ld", E_UNSUPPORTED, "-T: linker scripts that lay out the image"},
    {false, "a.o -Tx.ld", E_UNSUPPORTED, "-Tx.ld: linker scripts that lay out the image"},
    {false, "a.o -Ttext=0", E_UNSUPPORTED, "sections cannot be placed one by one"},
    {false, "a.o -z max-page-size=3", E_USAGE, "-z max-page-size: 3 is not a power of two"},
    {false, "a.o -z max-page-size=x", E_USAGE, "-z max-page-size: 'x' is not a number"},
    {false, "a.o -z max-page-size", E_USAGE, "-z max-page-size: needs a value (SIZE)"},
    {false, "a.o -z now=1", E_USAGE, "-z now=1: takes no value"},
    {false, "a.o --hash-style=foo", E_USAGE, "--hash-style=foo: 'foo' is not known"},
    {false, "a.o --hash-style=", E_USAGE, "no style"},
    {false, "a.o --build-id=foo", E_USAGE, "--build-id=foo: 'foo' is not known"},
    {false, "a.o --build-id=0x123", E_USAGE, "--build-id: '0x123' is not pairs of digits"},
    {false, "a.o --build-id=0x", E_USAGE, "--build-id: '0x' is empty"},
    {false, "a.o --build-id=0x1g", E_USAGE, "is not pairs of digits"},
    {false, "a.o --compress-debug-sections=lzma", E_USAGE, "'lzma' is not known"},
    {false, "a.o --compress-debug-sections=zlib-gnu", E_UNSUPPORTED, "use zlib"},
    {false, "a.o --pack-dyn-relocs=android+relr", E_UNSUPPORTED, "Android"},
    {false, "a.o --threads=0", E_USAGE, "from 1 to 1024"},
    {false, "a.o --threads=x", E_USAGE, "'x' is not a number"},
    {false, "a.o --defsym=a", E_USAGE, "'a' is not NAME=VALUE"},
    {false, "a.o --defsym==a", E_USAGE, "'=a' is not NAME=VALUE"},
    {false, "a.o --defsym=a=b*2", E_UNSUPPORTED, "'b*2' is neither a number nor a symbol"},
    {false, "a.o --defsym=a=b+c", E_USAGE, "'c' is not a number"},
    {false, "a.o --pop-state", E_USAGE, "--pop-state without --push-state"},
    {false, "a.o --end-group", E_USAGE, "--end-group without --start-group"},
    {false, "--start-group a.o", E_USAGE, "--start-group without --end-group"},
    {false, "--start-group --start-group a.o", E_USAGE, "--start-group inside of a group"},
    {false, "a.o --version-script=/nowhere/x", E_SYSTEM, "/nowhere/x: cannot open"},
    {false, "a.o --export=", E_USAGE, "--export: no pattern"},
    {false, "a.o --export=@/nowhere/x", E_SYSTEM, "/nowhere/x: cannot open"},
    {false, "a.o @/nowhere/x", E_SYSTEM, "/nowhere/x: cannot open"},
    {false, "a.o --unresolved-symbols=x", E_USAGE, "'x' is not known"},
};

START_TEST(says_what_is_wrong)
{
    struct run r;

    ck_assert(!read_line(&r, wrong[_i].ld, wrong[_i].line));
    ck_assert_msg(r.d.status == wrong[_i].status, "%s: status %d", wrong[_i].line, r.d.status);
    ck_assert_msg(strstr(r.d.text, wrong[_i].error), "%s: \"%s\"", wrong[_i].line, r.d.text);
    ck_assert_uint_eq(r.d.errors, 1);
    end(&r);
}
END_TEST

START_TEST(unknown_keywords_warn)
{
    struct run r;

    ck_assert(read_line(&r, false, "a.o -z foo -z foo=1 -z loadfltr -z nognustack"));
    buf_bytes(&r.warnings, "", 1);
    ck_assert_str_eq((char *)r.warnings.at, "-z foo ignored: unknown\n-z foo=1 ignored: unknown\n"
                                            "-z loadfltr ignored: not supported\n");
    end(&r);
}
END_TEST

/* ---- what compilers pass ---- */

/* As printed by "gcc -shared -###" and its like, paths shortened. */
static const struct {
    const char *what, *line;
    const char *inputs;
} drivers[] = {
    {"gcc 12",
     "-plugin /x/liblto_plugin.so -plugin-opt=/x/lto-wrapper -plugin-opt=-fresolution=/tmp/a.res "
     "-plugin-opt=-pass-through=-lgcc -plugin-opt=-pass-through=-lgcc_s --build-id --eh-frame-hdr "
     "-m elf_x86_64 --hash-style=gnu --as-needed -shared /x/crti.o /x/crtbeginS.o -L/x -L/x/../.. "
     "f.o -lgcc --push-state --as-needed -lgcc_s --pop-state -lc -lgcc --push-state --as-needed "
     "-lgcc_s --pop-state /x/crtendS.o /x/crtn.o",
     "?/x/crti.o ?/x/crtbeginS.o ?f.o ?-lgcc ?-lgcc_s ?-lc ?-lgcc ?-lgcc_s ?/x/crtendS.o "
     "?/x/crtn.o "},
    {"g++ 12 -flto -static-libgcc",
     "-plugin /x/liblto_plugin.so -plugin-opt=/x/lto-wrapper -flto --build-id --eh-frame-hdr "
     "-m elf_x86_64 --hash-style=gnu --as-needed -shared -o f.so -flto=auto -flto-partition=none "
     "-fuse-ld=bfd f.o -lstdc++ -lm -lgcc -lgcc_eh -lc",
     "?f.o ?-lstdc++ ?-lm ?-lgcc ?-lgcc_eh ?-lc "},
    {"aarch64-linux-gnu-gcc 12",
     "-plugin /x/liblto_plugin.so -plugin-opt=/x/lto-wrapper --sysroot=/ --build-id --eh-frame-hdr "
     "--hash-style=gnu --as-needed -shared -X -EL -maarch64linux --fix-cortex-a53-835769 "
     "--fix-cortex-a53-843419 -dynamic-linker /lib/ld-linux-aarch64.so.1 /x/crti.o -L/x f.o -lgcc",
     "?/x/crti.o ?f.o ?-lgcc "},
    {"gcc -s -rdynamic and much through -Wl",
     "-shared -s -export-dynamic -z now -z relro -z noexecstack -O1 --sort-common --no-undefined "
     "-soname x.so.1 f.o --no-copy-dt-needed-entries --no-keep-memory "
     "-rpath-link /x -rpath /y --enable-new-dtags --no-ld-generated-unwind-info --stats "
     "-call_shared",
     "f.o "},
    {"clang 14",
     "--hash-style=both --build-id --eh-frame-hdr -m elf_x86_64 -shared -o a.out /x/crti.o "
     "/x/crtbeginS.o -L/x -L/x/../lib64 f.o -lgcc --as-needed -lgcc_s --no-as-needed -lc -lgcc "
     "--as-needed -lgcc_s --no-as-needed /x/crtendS.o /x/crtn.o",
     "/x/crti.o /x/crtbeginS.o f.o -lgcc ?-lgcc_s -lc -lgcc ?-lgcc_s /x/crtendS.o /x/crtn.o "},
    {"clang -flto=thin -fuse-ld=lld",
     "--hash-style=both --build-id --eh-frame-hdr -m elf_x86_64 -shared -plugin-opt=mcpu=x86-64 "
     "-plugin-opt=O2 -plugin-opt=thinlto -plugin /x/LLVMgold.so -O2 --lto-O2 --threads=2 "
     "--thinlto-jobs=2 --thinlto-cache-dir=/x -mllvm -x --no-rosegment --icf=safe --gdb-index "
     "--color-diagnostics f.o",
     "f.o "},
    {"clang -fsanitize=address",
     "--hash-style=both --eh-frame-hdr -m elf_x86_64 -shared --whole-archive /x/asan_static.a "
     "--no-whole-archive f.o -lgcc --export-dynamic",
     "*/x/asan_static.a f.o -lgcc "},
    {"clang --target=aarch64-linux-android",
     "--sysroot=/x -EL --fix-cortex-a53-843419 -z now -z relro -z max-page-size=16384 "
     "--hash-style=gnu --build-id=sha1 --eh-frame-hdr -m aarch64linux -shared --no-rosegment "
     "--pack-dyn-relocs=relr --warn-shared-textrel -z noexecstack -Bdynamic "
     "--allow-shlib-undefined "
     "f.o",
     "f.o "},
};

START_TEST(lines_of_compilers)
{
    struct run r;
    struct buf got = {0};
    bool ok = read_line(&r, true, drivers[_i].line);

    ck_assert_msg(ok, "%s: %s", drivers[_i].what, r.d.text);
    describe_inputs(&r.c.options, &got);
    ck_assert_msg(!strcmp((char *)got.at, drivers[_i].inputs), "%s: %s", drivers[_i].what, got.at);
    ck_assert_uint_eq(r.warnings.size, 0);
    buf_free(&got);
    end(&r);
}
END_TEST

/* ---- files ---- */

static char directory[64];

/* A file NAME in this test's directory with the text; its path. */
static const char *make_file(struct arena *a, const char *name, const char *content)
{
    char *path = arena_printf(a, "%s/%s", directory, name);
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(content, f);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

static void enter(void)
{
    snprintf(directory, sizeof directory, "/tmp/test_opts.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void leave(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -r '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(response_files)
{
    struct arena a = {0};
    struct run r;
    struct buf got = {0};
    const char *inner = make_file(&a, "inner.rsp", "-lx\n'a b.o'  \"c\\\"d.o\" e\\ f.o\t''g.o\n");
    const char *outer = make_file(&a, "outer.rsp", arena_printf(&a, "--as-needed @%s h.o", inner));

    ck_assert_msg(read_line(&r, true, arena_printf(&a, "-shared @%s i.o", outer)), "%s", r.d.text);
    describe_inputs(&r.c.options, &got);
    ck_assert_str_eq((char *)got.at, "?-lx ?a b.o ?c\"d.o ?e f.o ?g.o ?h.o ?i.o ");
    buf_free(&got);
    end(&r);

    make_file(&a, "inner.rsp", arena_printf(&a, "@%s", outer));
    ck_assert(!read_line(&r, true, arena_printf(&a, "-shared @%s", outer)));
    ck_assert_int_eq(r.d.status, E_USAGE);
    ck_assert_msg(strstr(r.d.text, "the file asks for itself"), "%s", r.d.text);
    end(&r);
    arena_free(&a);
}
END_TEST

/* Ten files that each name the next twice would be a thousand arguments,
   forty would never end. */
START_TEST(response_files_that_grow)
{
    struct arena a = {0};
    struct run r;

    for (int i = 0; i < 40; i++)
        make_file(&a, arena_printf(&a, "%d", i),
                  arena_printf(&a, "@%s/%d @%s/%d", directory, i + 1, directory, i + 1));
    make_file(&a, "40", "");
    ck_assert(!read_line(&r, true, arena_printf(&a, "-shared @%s/0", directory)));
    ck_assert_msg(strstr(r.d.text, "too many response files"), "%s", r.d.text);
    end(&r);
    arena_free(&a);
}
END_TEST

START_TEST(files_of_symbols)
{
    struct arena a = {0};
    struct run r;
    uint16_t index = 0;
    bool local = false;
    const char *versions = make_file(&a, "versions", "V1 { foo; };");
    const char *list = make_file(&a, "list", "{ one; };");
    const char *exports = make_file(&a, "exports", "foo # the first\n\n  b*r\t\n# none\nlast");

    ck_assert_msg(read_line(&r, false,
                            arena_printf(&a,
                                         "x.o --version-script=%s --dynamic-list %s "
                                         "--dynamic-list-cpp-new --export-dynamic-symbol=two "
                                         "-Bsymbolic --export=@%s --export=more",
                                         versions, list, exports)),
                  "%s", r.d.text);
    ck_assert(version_match(r.c.options.version_script, "foo", &index, &local) && index == 2);
    ck_assert(version_match(r.c.options.dynamic_list, "one", &index, &local));
    ck_assert(version_match(r.c.options.dynamic_list, "two", &index, &local));
    ck_assert(version_match(r.c.options.dynamic_list, "_Znwm", &index, &local));
    ck_assert(!version_match(r.c.options.dynamic_list, "three", &index, &local));
    ck_assert_int_eq(r.c.options.bsymbolic, BSYMBOLIC_NONE);
    ck_assert(version_match(r.c.options.exports, "foo", &index, &local));
    ck_assert(version_match(r.c.options.exports, "bar", &index, &local));
    ck_assert(version_match(r.c.options.exports, "last", &index, &local));
    ck_assert(version_match(r.c.options.exports, "more", &index, &local));
    ck_assert(!version_match(r.c.options.exports, "none", &index, &local));
    end(&r);

    /* Exceptions without anything to except from. */
    ck_assert(read_line(&r, false, "x.o --export-dynamic-symbol=two"));
    ck_assert_ptr_null(r.c.options.dynamic_list);
    end(&r);

    make_file(&a, "versions", "V1 {\n foo };");
    ck_assert(!read_line(&r, false, arena_printf(&a, "x.o --version-script=%s", versions)));
    ck_assert_msg(strstr(r.d.text, "versions: line 2: expected `;'"), "%s", r.d.text);
    end(&r);
    arena_free(&a);
}
END_TEST

/* ---- the tables ---- */

static const struct {
    const struct opt_row *rows;
    const size_t *count;
} tables[] = {{link_rows, &link_row_count},
              {link_own_rows, &link_own_row_count},
              {darwin_rows, &darwin_row_count},
              {mingw_rows, &mingw_row_count},
              {link_z_rows, &link_z_row_count}};

/* Help fits a terminal, and every row has some. */
START_TEST(help_fits)
{
    for (size_t t = 0; t < COUNT(tables); t++)
        for (size_t i = 0; i < *tables[t].count; i++) {
            struct buf out = {0};
            const char *line = NULL;

            ck_assert_ptr_nonnull(tables[t].rows[i].help);
            if (tables[t].rows[i].names && tables[t].rows != link_z_rows)
                opt_help(&out, &tables[t].rows[i]);
            buf_bytes(&out, "", 1);
            for (line = (char *)out.at; *line; line += strcspn(line, "\n") + 1)
                ck_assert_msg(strcspn(line, "\n") < 80, "%s", line);
            buf_free(&out);
        }
}
END_TEST

struct finding {
    const struct opt_row *row;
    const char *page;
};

/* The option NAME, dashes and all, leads to its own row and no other. */
static bool finds_row(void *arg, const char *name)
{
    const struct finding *f = arg;
    struct diag d = {0};
    char given[80], *argv[] = {given, (char *)"value"};
    struct opts o = {.d = &d, .rows = link_rows, .count = link_row_count, .argc = 2, .argv = argv};
    struct opt opt = {0};

    snprintf(given, sizeof given, "%s", name);
    if (strchr(given, '*'))
        *strchr(given, '*') = 'x';
    ck_assert_msg(opts_next(&o, &opt), "%s: %s", given, d.text);
    ck_assert_msg(opt.row == f->row, "%s leads to %s", given, opt.row ? opt.row->names : "no row");
    return true;
}

START_TEST(every_name_leads_to_its_row)
{
    for (size_t i = 0; i < link_row_count; i++) {
        struct finding f = {&link_rows[i], NULL};

        opt_names(&link_rows[i], finds_row, &f);
    }
}
END_TEST

/* The man page without roff: tag lines only, one name at the start of each
   line. */
static char *man_tags(struct arena *a, const char *path)
{
    struct diag d = {0};
    struct file file;
    struct buf out = {0};
    bool tag = false;
    char *text = NULL, *rest = NULL;

    if (!file_open(&d, path, &file))
        ck_abort_msg("%s", d.text);
    text = arena_strndup(a, (const char *)file.data.at, file.data.size);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        buf_printf(&out, "\n");
        for (const char *p = line; tag && *p; p++) {
            if (p[0] == '\\' && p[1] == 'f')
                p += 2;
            else if (p[0] == '\\')
                buf_bytes(&out, ++p, 1);
            else if (p[0] == ',' && p[1] == ' ')
                buf_printf(&out, "%c", *++p == ' ' ? '\n' : ' ');
            else
                buf_bytes(&out, p, 1);
        }
        tag = strcmp(line, ".TP") == 0;
    }
    buf_printf(&out, "\n");
    buf_bytes(&out, "", 1);
    text = arena_strdup(a, (char *)out.at);
    buf_free(&out);
    file_close(&file);
    return text;
}

/* NAME begins a line of the tags, and nothing but its value follows. */
static bool is_tag(const char *tags, const char *name)
{
    char start[100];
    const char *p = tags;

    snprintf(start, sizeof start, "\n%s", name);
    while ((p = strstr(p, start))) {
        p += strlen(start);
        if (strchr("\n =[", *p))
            return true;
    }
    return false;
}

static bool in_page(void *arg, const char *name)
{
    const struct finding *f = arg;

    ck_assert_msg(is_tag(f->page, name), "the man page has no line for %s", name);
    return true;
}

START_TEST(the_man_page_has_every_option)
{
    const char *top = getenv("top_srcdir");
    struct arena a = {0};
    struct finding f = {0};

    f.page = man_tags(&a, arena_printf(&a, "%s/man/objtool-link.1", top ? top : "."));
    for (size_t t = 0; t < COUNT(tables); t++)
        for (size_t i = 0; i < *tables[t].count; i++) {
            const char *names = tables[t].rows[i].names;

            if (tables[t].rows != link_z_rows) {
                opt_names(&tables[t].rows[i], in_page, &f);
                continue;
            }
            for (const char *p = names; p && *p; p += strcspn(p, "|"), p += *p == '|')
                in_page(&f, arena_strndup(&a, p, strcspn(p, "|")));
        }
    ck_assert(!is_tag(f.page, "--no-such-option"));
    arena_free(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("opts");
    TCase *c = tcase_create("opts"), *files = tcase_create("files");
    SRunner *r = srunner_create(s);
    int failed;

    tcase_add_loop_test(c, modes_of_inputs, 0, COUNT(inputs));
    tcase_add_loop_test(c, spellings, 0, COUNT(texts));
    tcase_add_test(c, lists);
    tcase_add_test(c, values);
    tcase_add_test(c, defaults);
    tcase_add_test(c, build_ids);
    tcase_add_test(c, targets);
    tcase_add_loop_test(c, defsym, 0, COUNT(defsyms));
    tcase_add_loop_test(c, says_what_is_wrong, 0, COUNT(wrong));
    tcase_add_test(c, unknown_keywords_warn);
    tcase_add_loop_test(c, lines_of_compilers, 0, COUNT(drivers));
    tcase_add_test(c, help_fits);
    tcase_add_test(c, every_name_leads_to_its_row);
    tcase_add_test(c, the_man_page_has_every_option);
    suite_add_tcase(s, c);
    tcase_add_checked_fixture(files, enter, leave);
    tcase_add_test(files, response_files);
    tcase_add_test(files, response_files_that_grow);
    tcase_add_test(files, files_of_symbols);
    suite_add_tcase(s, files);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
