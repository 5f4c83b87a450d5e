/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd_verify.c - objtool verify: one line for each breach of a rule. */

#include "base/file.h"
#include "elf/verify.h"
#include "heap/container.h"
#include "heap/verify.h"
#include "coff/file.h"
#include "coff/verify.h"
#include "macho/file.h"
#include "macho/verify.h"
#include "obj/archive.h"
#include "command.h"
#include "tell.h"
#include "term.h"

#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

static const char usage[] =
    "usage: objtool verify [OPTION...] FILE...\n"
    "Hold linked ELF and Mach-O images and heap containers against the rules of a sound one;\n"
    "each breach is a line.\n"
    "\n"
    "  --ignore=RULE[,RULE...]  leave rules out\n"
    "  --rules                  list the rules\n"
    "  -q, --quiet              only the exit code says whether there were findings\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit code: 0 clean, 1 findings, 2 usage, 3 I/O, 4 no known format, 6 not a linked image.\n";

struct verify_command {
    const char *ignore; /* as given: names with commas between; NULL for none */
    bool quiet, colours;
    const char *path; /* of the present file */
    struct buf out;
};

/* True if the list S of names has NAME of LEN bytes. */
static bool list_has(const char *list, const char *name, size_t len)
{
    while (list && *list) {
        size_t n = strcspn(list, ",");

        if (n == len && !strncmp(list, name, len))
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

static bool is_wanted(void *arg, const char *rule)
{
    return !list_has(((struct verify_command *)arg)->ignore, rule, strlen(rule));
}

static void print_finding(void *arg, const char *rule, const char *text)
{
    struct verify_command *c = arg;

    if (c->quiet)
        return;
    term_str(&c->out, c->path);
    buf_bytes(&c->out, ": ", 2);
    term_str(&c->out, text);
    buf_bytes(&c->out, " [", 2);
    term_tint(&c->out, c->colours, TINT_BAD, rule);
    buf_bytes(&c->out, "]\n", 2);
}

/* Rule number I of all: ELF images' first, then Mach-O's, then PE's, then containers'. */
static const char *rule_at(unsigned i, const char **says)
{
    const char *name = NULL;
    unsigned images = 0, machos = 0, pes = 0;

    while ((name = verify_rule(images, says)))
        if (images++ == i)
            return name;
    while ((name = macho_verify_rule(machos, says)))
        if (images + machos++ == i)
            return name;
    while ((name = coff_verify_rule(pes, says)))
        if (images + machos + pes++ == i)
            return name;
    return heap_verify_rule(i - images - machos - pes, says);
}

static void print_rules(struct verify_command *c)
{
    const char *says = NULL, *name = rule_at(0, &says);

    for (unsigned i = 0; name; name = rule_at(++i, &says)) {
        uint64_t start = c->out.size;

        buf_bytes(&c->out, name, strlen(name));
        term_pad(&c->out, start, 18);
        buf_printf(&c->out, "%s\n", says);
    }
}

/* The first name in the list that is no rule, or NULL. */
static const char *unknown_rule(const char *list, size_t *len)
{
    while (list && *list) {
        const char *says = NULL, *name = NULL;
        unsigned i = 0;

        *len = strcspn(list, ",");
        while ((name = rule_at(i, &says)) && !(strlen(name) == *len && !strncmp(name, list, *len)))
            i++;
        if (!name)
            return list;
        list += *len + (list[*len] == ',');
    }
    return NULL;
}

static int verify_file(struct verify_command *c, const char *path)
{
    struct where here = {NULL, path, NO_INDEX};
    struct diag d = {.sink = tell_sink};
    struct arena a = {0};
    struct file file;
    struct verify_options o = {is_wanted, print_finding, c};
    uint64_t findings = 0;

    c->path = path;
    if (!file_open(&d, path, &file))
        return diag_exit_code(d.status);
    d.where = &here;
    if (archive_is(file.data))
        diag_fail(&d, E_UNSUPPORTED, "only linked images have these rules, and this is an archive");
    else if (macho_is(file.data) || macho_is_fat(file.data))
        macho_verify(&d, &a, file.data, &o, &findings);
    else if (coff_is_image(file.data) || coff_is_object(file.data) || coff_is_import(file.data))
        coff_verify(&d, &a, file.data, &o, &findings);
    else if (heap_is(file.data))
        heap_verify(&d, &a, file.data, &o, &findings);
    else
        elf_verify(&d, &a, file.data, &o, &findings);
    arena_free(&a);
    file_close(&file);
    return d.status != OK ? diag_exit_code(d.status) : findings > 0;
}

int cmd_verify(int argc, char **argv)
{
    static const struct option options[] = {{"ignore", required_argument, NULL, 'i'},
                                            {"rules", no_argument, NULL, 'r'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct verify_command c = {.colours = term_colours(STDOUT_FILENO)};
    const char *bad = NULL;
    size_t len = 0;
    int option = 0, code = 0;

    optind = 0; /* the options of objtool itself were read before */
    while ((option = getopt_long(argc, argv, "qh", options, NULL)) != -1) {
        if (option == 'h') {
            buf_bytes(&c.out, usage, sizeof usage - 1);
            return tell_print(&c.out, 0);
        }
        if (option == 'r') {
            print_rules(&c);
            return tell_print(&c.out, 0);
        }
        if (option == 'q')
            c.quiet = true;
        else if (option == 'i')
            c.ignore = optarg;
        else
            return tell_usage("verify");
    }
    if ((bad = unknown_rule(c.ignore, &len))) {
        fprintf(stderr, "objtool verify: --ignore: there is no rule '%.*s'\n", (int)len, bad);
        return tell_usage("verify");
    }
    if (optind == argc) {
        fprintf(stderr, "objtool verify: no file given\n");
        return tell_usage("verify");
    }
    for (int i = optind; i < argc; i++) {
        int now = verify_file(&c, argv[i]);

        code = now > code ? now : code;
        code = tell_print(&c.out, code);
    }
    return code;
}
