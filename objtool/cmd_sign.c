/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_sign.c - objtool sign: new ad-hoc signatures for Mach-O files. */

#include "command.h"
#include "tell.h"
#include "term.h"

#include "base/file.h"
#include "macho/sign.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: objtool sign [OPTION...] FILE...\n"
    "Sign Mach-O programs and libraries ad hoc, thin or universal, in place of the\n"
    "signatures that they have. Each file is written anew and takes its old name.\n"
    "\n"
    "  -o, --output=OUT        write to OUT, and leave FILE (then only one) as it is\n"
    "  -i, --identifier=NAME   the identifier (default: that of the old signature, or the\n"
    "                          file's name)\n"
    "  -f, --force             drop entitlements and the like of an old signature\n"
    "  -h, --help              this text\n"
    "\n"
    "Exit code: 0 done, 2 usage, 3 I/O, 4 not Mach-O, 5 malformed, 6 not supported.\n";

struct sign_command {
    struct sign_options options;
    const char *output;
    bool help;
};

/* A sink of diagnostics: a line on stderr. */
static void say(void *arg, enum diag_kind kind, const char *text)
{
    struct buf line = {0};

    (void)arg, (void)kind;
    buf_printf(&line, "objtool sign: ");
    term_str(&line, text);
    buf_bytes(&line, "\n", 2);
    fputs(line.bad ? "out of memory\n" : (const char *)line.at, stderr);
    buf_free(&line);
}

static bool read_options(struct diag *d, struct sign_command *c, int argc, char **argv)
{
    static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
                                          {"identifier", required_argument, NULL, 'i'},
                                          {"force", no_argument, NULL, 'f'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    int o = 0;

    optind = 1;
    while ((o = getopt_long(argc, argv, "o:i:fh", longs, NULL)) != -1) {
        switch (o) {
        case 'o':
            c->output = optarg;
            break;
        case 'i':
            c->options.ident = optarg;
            break;
        case 'f':
            c->options.entitled_ok = true;
            break;
        case 'h':
            c->help = true;
            return true;
        default: /* getopt has said what */
            d->status = E_USAGE;
            return false;
        }
    }
    if (optind == argc)
        return diag_fail(d, E_USAGE, "no file is given; see --help");
    if (c->output && argc - optind > 1)
        return diag_fail(d, E_USAGE, "-o is for one file at a time");
    if (c->options.ident && !*c->options.ident)
        return diag_fail(d, E_USAGE, "-i: an identifier without a name");
    return true;
}

static bool write_file(struct diag *d, const char *path, const struct buf *b, mode_t mode)
{
    struct output out;
    bool ok = output_begin(d, path, b->size, &out);

    if (ok && !output_write(&out, b->at, b->size, 0))
        ok = diag_fail(d, E_SYSTEM, "%s: cannot write", path);
    ok = ok && output_commit(d, &out, mode);
    output_abandon(&out);
    return ok;
}

static void sign_file(struct diag *d, const struct sign_command *c, const char *path)
{
    struct sign_options options = c->options;
    struct where here = {NULL, path, NO_INDEX};
    struct arena a = {0};
    struct file f = {0};
    struct buf out = {0};
    struct stat st;
    mode_t mode = 0777;

    options.name = path;
    if (!file_open(d, path, &f))
        return;
    if (fstat(f.fd, &st) == 0)
        mode = st.st_mode & 07777;
    d->where = &here;
    if (macho_sign(d, &a, f.data, &options, &out)) {
        d->where = NULL;
        write_file(d, c->output ? c->output : path, &out, mode);
    }
    d->where = NULL;
    buf_free(&out);
    file_close(&f);
    arena_free(&a);
}

int cmd_sign(int argc, char **argv)
{
    struct diag d = {.sink = say};
    struct sign_command c = {0};
    struct buf out = {0};

    if (read_options(&d, &c, argc, argv) && c.help) {
        buf_printf(&out, "%s", usage);
        return tell_print(&out, 0);
    }
    for (int i = optind; d.status != E_USAGE && i < argc; i++)
        sign_file(&d, &c, argv[i]);
    return diag_exit_code(d.status);
}
