/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mingw_opts.c - what the options of GNU ld for MinGW do. */

#include "mingw.h"

#include "coff/machine.h"
#include "link_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- is it a PE image ---- */

static bool is_triple(const char *triple)
{
    return strstr(triple, "-mingw32") || strstr(triple, "-windows");
}

static bool is_emulation(const char *name)
{
    return !strcmp(name, "i386pep") || !strcmp(name, "arm64pe");
}

bool mingw_wanted(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : "";

        if ((!strncmp(argv[i], "--target=", 9) && is_triple(argv[i] + 9)) ||
            (!strcmp(argv[i], "--target") && is_triple(next)) ||
            (!strcmp(argv[i], "-m") && is_emulation(next)) ||
            (!strncmp(argv[i], "-m", 2) && is_emulation(argv[i] + 2)))
            return true;
    }
    return false;
}

bool mingw_set_target(struct link_command *c, const char *triple)
{
    const struct coff_machine *m = NULL;

    if (!is_triple(triple))
        return false;
    m = coff_machine_named(triple, strcspn(triple, "-"));
    if (!m)
        return diag_fail(c->d, E_UNSUPPORTED,
                         "--target=%s: not supported (x86_64-w64-mingw32 and aarch64-w64-mingw32 "
                         "are)",
                         triple);
    c->options.coff.machine = m;
    return true;
}

bool mingw_set_emulation(struct link_command *c, const char *name)
{
    if (!is_emulation(name))
        return false;
    c->options.coff.machine = !strcmp(name, "arm64pe") ? &coff_arm64 : &coff_amd64;
    return true;
}

bool mingw_add_search_dirs(struct link_command *c)
{
    static const char *const dirs[] = {"/usr", "/usr/local"};

    for (size_t i = 0; c->options.coff.machine && i < sizeof dirs / sizeof *dirs; i++) {
        const char *dir = arena_printf(c->a, "%s%s/%s-w64-mingw32/lib", c->options.sysroot, dirs[i],
                                       c->options.coff.machine->name);

        if (!dir)
            return diag_nomem(c->d);
        if (!link_add_string(c, &c->options.search, dir))
            return false;
    }
    return true;
}

/* ---- values ---- */

/* "a,b": GNU ld takes colons as well. */
static bool exclude(struct link_command *c, const char *names)
{
    char *copy = arena_strdup(c->a, names), *save = NULL;

    if (!copy)
        return diag_nomem(c->d);
    for (char *name = strtok_r(copy, ",:", &save); name; name = strtok_r(NULL, ",:", &save))
        if (!link_add_string(c, &c->options.coff.exclude, name))
            return false;
    return true;
}

static bool set_subsystem(struct link_command *c, const char *spelt, const char *name)
{
    size_t len = strcspn(name, ":"); /* what follows is a version */

    if (len == 7 && !strncasecmp(name, "console", len))
        c->options.coff.subsystem = IMAGE_SUBSYSTEM_WINDOWS_CUI;
    else if (len == 7 && !strncasecmp(name, "windows", len))
        c->options.coff.subsystem = IMAGE_SUBSYSTEM_WINDOWS_GUI;
    else
        return diag_fail(c->d, E_UNSUPPORTED, "%s: '%s' is not console or windows", spelt, name);
    return true;
}

static bool check_alignment(struct link_command *c, const char *spelt, const char *value)
{
    char *end = NULL;

    if (strtoull(value, &end, 0) != 4096 || *end)
        diag_warn(c->d, "%s %s: 4096 is used, so that pages of the file can be mapped", spelt, value);
    return true;
}

bool mingw_apply(struct link_command *c, const struct opt_row *row, const char *value,
                 const char *spelt)
{
    switch ((enum mingw_option)row->to) {
    case MINGW_EXCLUDE_SYMBOLS:
        return exclude(c, value);
    case MINGW_SUBSYSTEM:
        return set_subsystem(c, spelt, value);
    case MINGW_ALIGN:
        return check_alignment(c, spelt, value);
    }
    return true;
}
