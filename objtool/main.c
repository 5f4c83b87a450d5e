/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - find the command; started as ld, be a linker. */

#include "command.h"
#include "tell.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
    const char *full; /* for getopt's messages */
} commands[] = {
    {"link", cmd_link, "make a shared library of objects, archives and shared libraries",
     "objtool link"},
    {"heap", cmd_heap, "make a heap container of a runtime's own bytes", "objtool heap"},
    {"pack", cmd_pack, "make an object of a heap container, for any linker", "objtool pack"},
    {"julia", cmd_julia, "make a Julia sysimage, from package to image", "objtool julia"},
    {"sign", cmd_sign, "give a Mach-O file a new ad-hoc signature", "objtool sign"},
    {"inspect", cmd_inspect, "tell what a file consists of", "objtool inspect"},
    {"cache", cmd_cache, "look after the images that engines keep", "objtool cache"},
    {"verify", cmd_verify, "hold an image against the rules of a loadable one", "objtool verify"},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static int help(void)
{
    struct buf out = {0};

    buf_printf(&out, "Usage: objtool COMMAND [argument...]\n"
                     "Make and look into sysimages: warm heaps as native shared libraries.\n\n");
    for (int i = 0; i < COMMANDS; i++)
        buf_printf(&out, "  %-10s %s\n", commands[i].name, commands[i].help);
    buf_printf(&out, "\n"
                     "  --help     this text; objtool COMMAND --help says more\n"
                     "  --version  the version\n"
                     "\n"
                     "Started under a name that begins with ld, it is a linker with ld's rules.\n");
    return tell_print(&out, 0);
}

static int print_version(void)
{
    struct buf out = {0};

    buf_printf(&out, "objtool (sysimage-tools) %s\n", PACKAGE_VERSION);
    return tell_print(&out, 0);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

int main(int argc, char **argv)
{
    const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
    const char *program = slash ? slash + 1 : argc > 0 ? argv[0] : "objtool";
    const char *name = argc > 1 ? argv[1] : NULL;

    /* "ld", "ld.objtool"; a cross compiler looks for "aarch64-linux-gnu-ld", and one that
       has its linker's path built in (Debian's for MinGW) for "collect2", which calls it. */
    if (strncmp(program, "ld", 2) == 0 || ends_with(program, "-ld") ||
        strcmp(program, "collect2") == 0)
        return cmd_ld(argc, argv, program);
    if (!name) {
        fprintf(stderr, "objtool: no command given\nTry 'objtool --help'.\n");
        return diag_exit_code(E_USAGE);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help();
    if (strcmp(name, "--version") == 0)
        return print_version();
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            argv[1] = (char *)commands[i].full;
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    fprintf(stderr, "objtool: '%s' is not a command\nTry 'objtool --help'.\n", name);
    return diag_exit_code(E_USAGE);
}
