/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_pack.c - objtool pack: a heap container as an object for any linker. */

#include "command.h"
#include "tell.h"
#include "term.h"

#include "pack/pack.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

static const char usage[] =
    "usage: objtool pack [OPTION...] IN.heap -o OUT.o\n"
    "Make a relocatable object of a heap container, for any linker.\n"
    "\n"
    "  -o, --output=OUT.o      the object\n"
    "  --target=TRIPLE         x86_64-linux-gnu, aarch64-linux-gnu, x86_64-apple-macos,\n"
    "                          arm64-apple-macos, x86_64-w64-mingw32, aarch64-windows-gnu\n"
    "                          and the like (default: this machine)\n"
    "  --heap-relocs=MODE      native (the default): each pointer is a relocation;\n"
    "                          prelinked: the object relocates its heap when the image\n"
    "                          is loaded, by code of its own (ELF only);\n"
    "                          none: pointers stay heap addresses\n"
    "  -h, --help              this text\n"
    "\n"
    "LLVM's library is needed (on Debian: libllvm14), but for prelinked objects.\n"
    "\n"
    "Exit code: 0 done, 2 usage, 3 I/O, 4 not a heap container, 5 malformed, 6 not supported.\n";

struct pack_command {
    struct diag *d;
    struct pack_options options;
    bool help;
    char host[160];
};

/* A sink of diagnostics: a line on stderr. */
static void say(void *arg, enum diag_kind kind, const char *text)
{
    struct buf line = {0};

    (void)arg, (void)kind;
    buf_printf(&line, "objtool pack: ");
    term_str(&line, text);
    buf_bytes(&line, "\n", 2);
    fputs(line.bad ? "out of memory\n" : (const char *)line.at, stderr);
    buf_free(&line);
}

static bool read_mode(struct pack_command *c, const char *mode)
{
    static const char *const modes[] = {
        [PACK_NATIVE] = "native", [PACK_PRELINKED] = "prelinked", [PACK_NONE] = "none"};

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (!strcmp(mode, modes[i])) {
            c->options.mode = (enum pack_mode)i;
            return true;
        }
    return diag_fail(c->d, E_USAGE, "--heap-relocs: '%s' is not native, prelinked or none", mode);
}

static const char *host_triple(struct pack_command *c)
{
    struct utsname u;

    if (uname(&u) != 0)
        return "";
    snprintf(c->host, sizeof c->host, "%s-linux-gnu", u.machine);
    return c->host;
}

static bool read_options(struct pack_command *c, int argc, char **argv)
{
    enum { TARGET = 256, MODE };
    static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                          {"target", required_argument, NULL, TARGET},
                                          {"heap-relocs", required_argument, NULL, MODE},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    const char *target = NULL;
    int o = 0;

    optind = 1;
    while ((o = getopt_long(argc, argv, "o:h", longs, NULL)) != -1) {
        switch (o) {
        case 'o':
            c->options.output = optarg;
            break;
        case TARGET:
            target = optarg;
            break;
        case MODE:
            if (!read_mode(c, optarg))
                return false;
            break;
        case 'h':
            c->help = true;
            return true;
        default: /* getopt has said what */
            c->d->status = E_USAGE;
            return false;
        }
    }
    if (argc - optind != 1)
        return diag_fail(c->d, E_USAGE, "one heap container is packed at a time; see --help");
    c->options.input = argv[optind];
    if (!c->options.output)
        return diag_fail(c->d, E_USAGE, "-o OUT.o is needed");
    return pack_target_read(c->d, target ? target : host_triple(c), &c->options.target);
}

/* Objects that relocate themselves are made without LLVM. */
static bool has_maker(struct pack_command *c)
{
#ifndef HAVE_LLVM
    if (c->options.mode != PACK_PRELINKED)
        return diag_fail(c->d, E_UNSUPPORTED,
                         "this objtool was built --without-llvm, and makes objects with "
                         "--heap-relocs=prelinked only");
#endif
    (void)c;
    return true;
}

int cmd_pack(int argc, char **argv)
{
    struct diag d = {.sink = say};
    struct pack_command c = {.d = &d};
    struct buf out = {0};

    if (read_options(&c, argc, argv) && c.help) {
        buf_printf(&out, "%s", usage);
        return tell_print(&out, 0);
    }
    if (d.status == OK && has_maker(&c))
        pack_run(&d, &c.options);
    return diag_exit_code(d.status);
}
