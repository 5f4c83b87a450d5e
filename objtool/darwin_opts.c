/* SPDX-License-Identifier: GPL-3.0-or-later */
/* darwin_opts.c - what ld64's options do. */

#include "darwin.h"

#include "base/file.h"
#include "link/script.h"
#include "link_table.h"
#include "macho/machine.h"
#include "macho/macho.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- is it ld64 that is called ---- */

bool darwin_wanted(const char *program, int argc, char **argv, bool *ld64)
{
    static const char *const own[] = {"-dylib",
                                      "-arch",
                                      "-platform_version",
                                      "-flavor",
                                      "-macosx_version_min",
                                      "-macos_version_min"};
    bool apple = false;

    *ld64 = !strncmp(program, "ld64", 4);
    for (int i = 1; i < argc; i++) {
        for (size_t n = 0; n < sizeof own / sizeof *own; n++)
            *ld64 = *ld64 || !strcmp(argv[i], own[n]);
        if (!strncmp(argv[i], "--target=", 9))
            apple = apple || strstr(argv[i], "-apple-");
        else if (!strcmp(argv[i], "--target") && i + 1 < argc)
            apple = apple || strstr(argv[i + 1], "-apple-");
    }
    return *ld64 || apple;
}

/* ---- values ---- */

/* "13", "10.15.7": 16, 8 and 8 bits. */
static bool read_version(struct link_command *c, const char *spelt, const char *text, uint32_t *out)
{
    unsigned v[3] = {0, 0, 0};
    int used = 0, n = sscanf(text, "%u%n.%u%n.%u%n", &v[0], &used, &v[1], &used, &v[2], &used);

    /* A version of source has more parts; what follows them does not count. */
    if (n < 1 || v[0] > 0xffff || v[1] > 0xff || v[2] > 0xff || (text[used] && text[used] != '.'))
        return diag_fail(c->d, E_USAGE,
                         "%s: '%s' is no version (X, X.Y or X.Y.Z; up to 65535.255.255)", spelt,
                         text);
    *out = v[0] << 16 | v[1] << 8 | v[2];
    return true;
}

static bool read_hex(struct link_command *c, const char *spelt, const char *text, uint64_t *out)
{
    char *end = NULL;

    *out = strtoull(text, &end, 16);
    return (*text && !*end) ||
           diag_fail(c->d, E_USAGE, "%s: '%s' is no hexadecimal number", spelt, text);
}

/* The next argument, for options with several. */
static const char *next_value(struct link_command *c, const char *spelt)
{
    if (opts_more(c->args))
        return c->args->argv[c->args->next++];
    diag_fail(c->d, E_USAGE, "option '%s' needs more values", spelt);
    return NULL;
}

static bool set_arch(struct link_command *c, const char *name)
{
    const struct macho_machine *m = macho_machine_named(name, strlen(name));

    if (!m)
        return diag_fail(c->d, E_UNSUPPORTED, "-arch %s: not supported (x86_64 and arm64 are)",
                         name);
    c->options.darwin.machine = m;
    return true;
}

static bool set_platform(struct link_command *c, const char *spelt, const char *name)
{
    const char *minos = next_value(c, spelt), *sdk = minos ? next_value(c, spelt) : NULL;
    struct darwin_options *o = &c->options.darwin;

    if (!sdk)
        return false;
    if (strcmp(name, "macos") != 0 && strcmp(name, "1") != 0)
        return diag_fail(c->d, E_UNSUPPORTED, "%s: platform %s is not supported (macos is)", spelt,
                         name);
    o->platform = PLATFORM_MACOS;
    return read_version(c, spelt, minos, &o->minos) && read_version(c, spelt, sdk, &o->sdk);
}

bool darwin_set_target(struct link_command *c, const char *triple)
{
    const char *vendor = strstr(triple, "-apple-"), *os = vendor ? vendor + 7 : "";
    size_t name = strcspn(os, "0123456789");
    struct darwin_options *o = &c->options.darwin;
    uint32_t version = 0;

    if (!vendor)
        return false;
    o->machine = macho_machine_named(triple, (size_t)(vendor - triple));
    if (!o->machine ||
        !((name == 5 && !memcmp(os, "macos", 5)) || (name == 6 && !memcmp(os, "macosx", 6)) ||
          (name == 6 && !memcmp(os, "darwin", 6))))
        return diag_fail(c->d, E_UNSUPPORTED,
                         "--target=%s: not supported (x86_64-apple-macosVERSION and "
                         "arm64-apple-macosVERSION are)",
                         triple);
    if (!os[name])
        return true;
    if (!read_version(c, "--target", os + name, &version))
        return false;
    if (*os == 'd') /* Darwin 20 is macOS 11, Darwin 19 macOS 10.15 */
        version = version >> 16 >= 20 ? ((version >> 16) - 9) << 16
                                      : 10u << 16 | ((version >> 16) - 4) << 8;
    o->minos = version;
    return true;
}

/* ---- inputs ---- */

static bool add(struct link_command *c, const char *name, struct link_input how)
{
    struct link_input *in = NULL;

    if (!link_add_input(c, name, how.library))
        return false;
    in = &c->options.inputs[c->options.input_count - 1];
    in->whole = in->whole || how.whole;
    in->framework = how.framework;
    in->weak = how.weak;
    in->reexport = how.reexport;
    in->upward = how.upward;
    in->hidden = how.hidden;
    return true;
}

/* What follows -weak-l and the like, in SPELT. */
static const char *after_l(const char *spelt) { return strstr(spelt, "-l") + 2; }

/* "NAME,SUFFIX": the suffix is for variants of frameworks that nobody ships. */
static const char *framework_name(struct link_command *c, const char *value)
{
    const char *name = arena_strndup(c->a, value, strcspn(value, ","));

    if (!name)
        diag_nomem(c->d);
    return name;
}

/* The lines of PATH, each given to ONE. */
static bool each_line(struct link_command *c, const char *path, bool comments,
                      bool (*one)(struct link_command *c, const char *line, void *arg), void *arg)
{
    struct file f = {0};
    const char *at = NULL, *end = NULL;
    bool ok = true;

    if (!file_open(c->d, path, &f))
        return false;
    at = (const char *)f.data.at;
    end = at + f.data.size;
    while (ok && at < end) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((eol ? eol : end) - at), next = len + 1;

        if (comments && memchr(at, '#', len))
            len = (size_t)((const char *)memchr(at, '#', len) - at);
        while (len && strchr(" \t\r", at[len - 1]))
            len--;
        if (len) {
            char *line = arena_strndup(c->a, at, len);

            ok = line ? one(c, line + strspn(line, " \t"), arg) : diag_nomem(c->d);
        }
        at = eol ? at + next : end;
    }
    file_close(&f);
    return ok;
}

static bool add_pattern(struct link_command *c, const char *pattern, void *list)
{
    return !*pattern || version_add_pattern(c->d, c->a, pattern, list);
}

static bool add_listed(struct link_command *c, const char *line, void *dir)
{
    const char *name = dir ? arena_printf(c->a, "%s/%s", (const char *)dir, line) : line;

    return name ? link_add_input(c, name, false) : diag_nomem(c->d);
}

/* FILE or FILE,DIR. */
static bool add_filelist(struct link_command *c, const char *value)
{
    const char *comma = strrchr(value, ',');
    char *path = comma ? arena_strndup(c->a, value, (size_t)(comma - value)) : NULL;

    if (comma && !path)
        return diag_nomem(c->d);
    return each_line(c, comma ? path : value, false, add_listed,
                     comma ? (void *)(uintptr_t)(comma + 1) : NULL);
}

/* ---- the rest ---- */

static bool set_undefined(struct link_command *c, const char *spelt, const char *value)
{
    struct darwin_options *o = &c->options.darwin;

    o->dynamic_lookup = !strcmp(value, "dynamic_lookup");
    o->undefined_warn = !strcmp(value, "warning");
    if (!strcmp(value, "suppress"))
        o->dynamic_lookup = true;
    if (!strcmp(value, "error"))
        c->options.no_undefined = true;
    else if (!o->dynamic_lookup && !o->undefined_warn)
        return diag_fail(c->d, E_USAGE,
                         "%s: '%s' is not error, warning, suppress or dynamic_lookup", spelt,
                         value);
    return true;
}

static bool add_alias(struct link_command *c, const char *spelt, const char *value)
{
    const char *name = next_value(c, spelt);

    return name && link_add_string(c, &c->options.darwin.aliases, value) &&
           link_add_string(c, &c->options.darwin.aliases, name);
}

static bool add_section(struct link_command *c, const char *spelt, const char *segment)
{
    const char *section = next_value(c, spelt), *path = section ? next_value(c, spelt) : NULL;
    struct darwin_options *o = &c->options.darwin;
    void *sections = o->sections;

    if (!path)
        return false;
    if (strlen(segment) > 16 || strlen(section) > 16 || !*segment || !*section)
        return diag_fail(c->d, E_USAGE, "%s: names have 1 to 16 bytes", spelt);
    if (!arena_grow(c->a, &sections, o->section_count, &c->section_cap, sizeof *o->sections))
        return diag_nomem(c->d);
    o->sections = sections;
    o->sections[o->section_count++] = (struct sectcreate){segment, section, path};
    return true;
}

bool darwin_apply(struct link_command *c, const struct opt_row *row, const char *value,
                  const char *spelt)
{
    struct link_options *o = &c->options;
    const char *framework = NULL;

    switch ((enum darwin_option)row->to) {
    case DARWIN_DYLIB:
        c->shared = true;
        c->other_output = NULL;
        return true;
    case DARWIN_FLAVOR:
        return !strcmp(value, "darwin") ||
               diag_fail(c->d, E_UNSUPPORTED, "%s %s: only darwin is known", spelt, value);
    case DARWIN_ARCH:
        return set_arch(c, value);
    case DARWIN_PLATFORM:
        return set_platform(c, spelt, value);
    case DARWIN_MIN:
        return read_version(c, spelt, value, &o->darwin.minos);
    case DARWIN_SDK:
        return read_version(c, spelt, value, &o->darwin.sdk);
    case DARWIN_FINAL:
        o->soname = o->soname ? o->soname : value;
        return true;
    case DARWIN_CURRENT:
        return read_version(c, spelt, value, &o->darwin.current_version);
    case DARWIN_COMPAT:
        return read_version(c, spelt, value, &o->darwin.compatibility_version);
    case DARWIN_ALL_LOAD:
        c->all_load = true;
        return true;
    case DARWIN_FORCE_LOAD:
        return add(c, value, (struct link_input){.whole = true});
    case DARWIN_HIDDEN:
        return add(c, value, (struct link_input){.hidden = true});
    case DARWIN_HIDDEN_L:
        return add(c, after_l(spelt), (struct link_input){.library = true, .hidden = true});
    case DARWIN_WEAK:
        return add(c, value, (struct link_input){.weak = true});
    case DARWIN_WEAK_L:
        return add(c, after_l(spelt), (struct link_input){.library = true, .weak = true});
    case DARWIN_REEXPORT:
        return add(c, value, (struct link_input){.reexport = true});
    case DARWIN_REEXPORT_L:
        return add(c, after_l(spelt), (struct link_input){.library = true, .reexport = true});
    case DARWIN_UPWARD:
        return add(c, value, (struct link_input){.upward = true});
    case DARWIN_UPWARD_L:
        return add(c, after_l(spelt), (struct link_input){.library = true, .upward = true});
    case DARWIN_NEEDED:
        return add(c, value, (struct link_input){.library = false});
    case DARWIN_NEEDED_L:
        return add(c, after_l(spelt), (struct link_input){.library = true});
    case DARWIN_FRAMEWORK:
    case DARWIN_WEAK_FRAMEWORK:
    case DARWIN_REEXPORT_FRAMEWORK:
        framework = framework_name(c, value);
        return framework &&
               add(c, framework,
                   (struct link_input){.library = true,
                                       .framework = true,
                                       .weak = row->to == DARWIN_WEAK_FRAMEWORK,
                                       .reexport = row->to == DARWIN_REEXPORT_FRAMEWORK});
    case DARWIN_NO_DIRS:
        c->nostdlib = true;
        return true;
    case DARWIN_FILELIST:
        return add_filelist(c, value);
    case DARWIN_EXPORT:
        return add_pattern(c, value, &o->darwin.exports);
    case DARWIN_EXPORT_LIST:
        return each_line(c, value, true, add_pattern, &o->darwin.exports);
    case DARWIN_UNEXPORT:
        return add_pattern(c, value, &o->darwin.hidden);
    case DARWIN_UNEXPORT_LIST:
        return each_line(c, value, true, add_pattern, &o->darwin.hidden);
    case DARWIN_UNDEFINED:
        return set_undefined(c, spelt, value);
    case DARWIN_ALIAS:
        return add_alias(c, spelt, value);
    case DARWIN_HEADERPAD:
        return read_hex(c, spelt, value, &o->darwin.headerpad);
    case DARWIN_SECTCREATE:
        return add_section(c, spelt, value);
    case DARWIN_BASE:
        o->image_base_set = true;
        if (!read_hex(c, spelt, value, &o->image_base))
            return false;
        return o->image_base % 0x4000 == 0 ||
               diag_fail(c->d, E_USAGE, "%s: %s is not a multiple of a page, 4000", spelt, value);
    }
    return false;
}

/* Each directory from / is looked for in the SDK first. */
static bool place_dirs(struct link_command *c, struct strings *dirs)
{
    struct strings out = {0};
    struct stat st;

    for (size_t i = 0; i < dirs->count; i++) {
        const char *in = *dirs->at[i] == '/' && *c->options.sysroot
                             ? arena_printf(c->a, "%s%s", c->options.sysroot, dirs->at[i])
                             : NULL;

        if (in && stat(in, &st) == 0 && !link_add_string(c, &out, in))
            return false;
        if (!link_add_string(c, &out, dirs->at[i]))
            return false;
    }
    *dirs = out;
    return true;
}

bool darwin_finish(struct link_command *c)
{
    struct link_options *o = &c->options;

    /* Of this host's own directories none has anything for macOS. */
    if (!c->nostdlib && *o->sysroot &&
        (!link_add_string(c, &o->search, "/usr/lib") ||
         !link_add_string(c, &o->search, "/usr/local/lib") ||
         !link_add_string(c, &o->darwin.frameworks, "/Library/Frameworks") ||
         !link_add_string(c, &o->darwin.frameworks, "/System/Library/Frameworks")))
        return false;
    for (size_t i = 0; c->all_load && i < o->input_count; i++)
        o->inputs[i].whole = true;
    return place_dirs(c, &o->search) && place_dirs(c, &o->darwin.frameworks);
}
