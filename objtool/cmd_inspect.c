/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_inspect.c - objtool inspect: what is in this file? */

#include "command.h"
#include "inspect.h"
#include "tell.h"

#include "base/file.h"
#include "heap/container.h"
#include "coff/file.h"
#include "macho/file.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] =
    "usage: objtool inspect [OPTION...] FILE...\n"
    "Tell what ELF and Mach-O objects, libraries and programs, archives of them, and heap\n"
    "containers consist of.\n"
    "Without a choice of lists: a summary.\n"
    "\n"
    "  --segments     list the segments\n"
    "  --sections     list the sections\n"
    "  --symbols      list the symbol tables\n"
    "  --relocs       list the relocations, and what a loader fixes\n"
    "  --exports      list what others find here\n"
    "  --imports      list what is looked for elsewhere\n"
    "  --members      list all members of an archive\n"
    "  --roots        list the roots of heaps\n"
    "  --sources      list the sources of an image of the engine cache\n"
    "  --functions    list its functions\n"
    "  --histogram    list the types of a heap's objects, with counts and bytes: of a container\n"
    "                 and of an image of the engine cache\n"
    "  --reference-tree[=ROOT]\n"
    "                 list what ROOT, or all roots together, hold\n"
    "  --strings-audit\n"
    "                 list texts in an image of the engine cache that ought not to be kept\n"
    "  --all          all lists\n"
    "  --json         JSON, with the summary and the lists chosen\n"
    "  -h, --help     this text\n"
    "\n"
    "Exit code: 0 ok, 2 usage, 3 I/O, 4 no known format, 5 malformed.\n";

bool inspect_span(struct diag *d, struct report *r, unsigned parts, const char *tree_root,
                  const char *name, struct span in)
{
    struct arena a = {0};
    struct inspect i = {
        .d = d, .r = r, .a = &a, .parts = parts, .tree_root = tree_root, .name = name};
    bool ok = false;

    r->limit = 16 * in.size + (UINT64_C(64) << 20);
    if (elf_is(in))
        ok = inspect_open(&i, in) && inspect_elf(&i);
    else if (archive_is(in))
        ok = inspect_archive(d, r, &a, parts, name, in);
    else if (macho_is(in) || macho_is_fat(in))
        ok = inspect_macho(d, r, &a, parts, name, in);
    else if (heap_is(in))
        ok = inspect_container(d, r, &a, parts, tree_root, name, in);
    else if (coff_is_image(in) || coff_is_object(in) || coff_is_import(in))
        ok = inspect_coff(d, r, &a, parts, name, in);
    else
        diag_fail(d, E_UNKNOWN,
                  "neither an ELF, Mach-O, COFF or PE file nor an archive nor a heap container");
    arena_free(&a);
    if (ok && r->over)
        ok = diag_fail(d, E_NOMEM, "there would be more than %" PRIu64 " bytes to show", r->limit);
    return ok;
}

/* The summary and lists of PATH go to R.  Of a file that cannot be shown to
   the end, nothing is. */
static int inspect_path(struct report *r, unsigned parts, const char *tree_root, const char *path)
{
    struct where here = {NULL, path, NO_INDEX};
    struct diag d = {.sink = tell_sink};
    struct report one = {.as_json = r->as_json, .colours = r->colours};
    struct file file;

    rep_open(&one, NULL, '{');
    rep_str(&one, "file", NULL, path);
    if (file_open(&d, path, &file)) {
        d.where = &here;
        inspect_span(&d, &one, parts, tree_root, path, file.data);
        file_close(&file);
    }
    rep_close(&one);
    if (d.status == OK && r->as_json && !json_done(&one.json))
        diag_nomem(&d);
    if (d.status == OK) {
        if (r->as_json)
            json_splice(&r->json, NULL, &one.json);
        else
            buf_bytes(&r->text, one.text.at, one.text.size);
        r->text.bad = r->text.bad || one.text.bad;
    } else {
        rep_open(r, NULL, '{');
        if (r->as_json) {
            json_str(&r->json, "file", path);
            json_str(&r->json, "error", d.text);
            json_num(&r->json, "exit_code", (uint64_t)diag_exit_code(d.status));
        }
        rep_close(r);
    }
    rep_free(&one);
    return diag_exit_code(d.status);
}

static int inspect_all(struct report *r, unsigned parts, const char *tree_root, char **paths,
                       int count)
{
    int code = 0;

    rep_open(r, NULL, '{');
    rep_str(r, "schema", NULL, "sysimage-tools/inspect");
    rep_num(r, "version", NULL, 1);
    rep_open(r, "files", '[');
    for (int i = 0; i < count; i++) {
        int now = 0;

        if (i > 0 && !r->as_json)
            buf_printf(&r->text, "\n");
        now = inspect_path(r, parts, tree_root, paths[i]);
        code = now > code ? now : code;
        if (!r->as_json)
            code = tell_print(&r->text, code);
    }
    rep_close(r);
    rep_close(r);
    if (r->as_json) {
        buf_printf(&r->json.out, "\n");
        r->json.out.bad = !json_done(&r->json);
        code = tell_print(&r->json.out, code);
    }
    return code;
}

int cmd_inspect(int argc, char **argv)
{
    enum { LIST = 0x10000, JSON = 0x20000, HELP = 'h' };
    static const struct option options[] = {
        {"segments", no_argument, NULL, LIST | PART_SEGMENTS},
        {"sections", no_argument, NULL, LIST | PART_SECTIONS},
        {"symbols", no_argument, NULL, LIST | PART_SYMBOLS},
        {"relocs", no_argument, NULL, LIST | PART_RELOCS},
        {"exports", no_argument, NULL, LIST | PART_EXPORTS},
        {"imports", no_argument, NULL, LIST | PART_IMPORTS},
        {"members", no_argument, NULL, LIST | PART_MEMBERS},
        {"roots", no_argument, NULL, LIST | PART_ROOTS},
        {"sources", no_argument, NULL, LIST | PART_SOURCES},
        {"functions", no_argument, NULL, LIST | PART_FUNCTIONS},
        {"strings-audit", no_argument, NULL, LIST | PART_AUDIT},
        {"histogram", no_argument, NULL, LIST | PART_HISTOGRAM},
        {"reference-tree", optional_argument, NULL, LIST | PART_TREE},
        {"all", no_argument, NULL, LIST | PART_ALL},
        {"json", no_argument, NULL, JSON},
        {"help", no_argument, NULL, HELP},
        {0}};
    struct report r = {.colours = term_colours(STDOUT_FILENO)};
    const char *tree_root = NULL;
    unsigned parts = 0;
    int option = 0, code = 0;

    optind = 0; /* the options of objtool itself were read before */
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == HELP) {
            buf_bytes(&r.text, usage, sizeof usage - 1);
            return tell_print(&r.text, 0);
        }
        if (option == '?')
            return tell_usage("inspect");
        if (option == (LIST | PART_TREE))
            tree_root = optarg;
        if (option == JSON)
            r.as_json = true;
        else
            parts |= (unsigned)option & PART_ALL;
    }
    if (optind == argc) {
        fprintf(stderr, "objtool inspect: no file given\n");
        return tell_usage("inspect");
    }
    code = inspect_all(&r, parts, tree_root, argv + optind, argc - optind);
    rep_free(&r);
    return code;
}
