/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_target.c - the names of the targets, and where each one's libraries
 * are. */

#include "darwin.h"
#include "link_opts.h"
#include "mingw.h"

#include "base/file.h"
#include "elf/elf.h"
#include "elf/machine.h"
#include "obj/archive.h"

#include <string.h>
#include <sys/utsname.h>

static const struct target {
    const struct elf_machine *machine;
    const char *cpu, *alias; /* the first part of a triple */
    const char *emulation, *emulation2;
    const char *format; /* BFD's name */
    const char *triple; /* Debian's, in paths */
} targets[] = {
    {&elf_x86_64, "x86_64", "amd64", "elf_x86_64", "elf_x86_64", "elf64-x86-64",
     "x86_64-linux-gnu"},
    {&elf_aarch64, "aarch64", "arm64", "aarch64linux", "aarch64elf", "elf64-littleaarch64",
     "aarch64-linux-gnu"},
};
enum { TARGETS = sizeof targets / sizeof targets[0] };

static const struct target *find_machine(const struct elf_machine *machine)
{
    for (int i = 0; i < TARGETS; i++)
        if (targets[i].machine == machine)
            return &targets[i];
    return NULL;
}

static const struct target *find_cpu(const char *cpu, size_t len)
{
    for (int i = 0; i < TARGETS; i++) {
        const struct target *t = &targets[i];

        if ((strlen(t->cpu) == len && memcmp(cpu, t->cpu, len) == 0) ||
            (strlen(t->alias) == len && memcmp(cpu, t->alias, len) == 0))
            return t;
    }
    return NULL;
}

/* The machine that this process runs on; the first if it is none of ours. */
static const struct target *host(void)
{
    struct utsname name;
    const struct target *t =
        uname(&name) == 0 ? find_cpu(name.machine, strlen(name.machine)) : NULL;

    return t ? t : &targets[0];
}

bool link_set_target(struct link_command *c, const char *triple)
{
    const struct target *t = find_cpu(triple, strcspn(triple, "-"));

    if (strstr(triple, "-apple-"))
        return darwin_set_target(c, triple);
    if (strstr(triple, "-mingw32") || strstr(triple, "-windows"))
        return mingw_set_target(c, triple);
    if (t && (!triple[strcspn(triple, "-")] || strstr(triple, "-linux"))) {
        c->options.machine = t->machine;
        return true;
    }
    return diag_fail(c->d, E_UNSUPPORTED,
                     "--target=%s: not supported (x86_64-linux-gnu, aarch64-linux-gnu, "
                     "x86_64-apple-macos, arm64-apple-macos, x86_64-w64-mingw32 and "
                     "aarch64-w64-mingw32 are)",
                     triple);
}

bool link_set_emulation(struct link_command *c, const char *name)
{
    for (int i = 0; i < TARGETS; i++) {
        if (strcmp(name, targets[i].emulation) == 0 || strcmp(name, targets[i].emulation2) == 0) {
            c->options.machine = targets[i].machine;
            return true;
        }
    }
    return mingw_set_emulation(c, name) ||
           diag_fail(c->d, E_USAGE,
                     "-m %s: not supported (elf_x86_64, aarch64linux, i386pep and arm64pe are)", name);
}

bool link_set_format(struct link_command *c, const char *name)
{
    for (int i = 0; i < TARGETS; i++) {
        if (strcmp(name, targets[i].format) == 0) {
            c->options.machine = targets[i].machine;
            return true;
        }
    }
    return diag_fail(c->d, E_UNSUPPORTED,
                     "format %s: not supported (elf64-x86-64 and elf64-littleaarch64 are)", name);
}

const char *link_format_name(const struct link_command *c)
{
    const struct target *t = c->options.machine ? find_machine(c->options.machine) : host();

    return t->format;
}

/* The machine of the ELF file or archive IN, or NULL. */
static const struct elf_machine *machine_of(struct arena *a, struct span in)
{
    struct diag quiet = {0};
    struct archive ar = {0};
    bool big = false;

    if (archive_is(in)) {
        if (!archive_read(&quiet, a, in, &ar) || ar.member_count == 0)
            return NULL;
        in = ar.members[0].data;
    }
    if (in.size < 20 || memcmp(in.at, "\177ELF", 4) != 0)
        return NULL;
    big = in.at[5] == 2;
    return elf_machine_find((uint16_t)load_uint(in.at + 18, 2, big));
}

/* The target if the command line says it, else that of the first input whose
   machine can be told, else the host's.  Errors wait for who reads inputs. */
static const struct target *guess(struct link_command *c)
{
    const struct elf_machine *machine = c->options.machine;

    for (size_t i = 0; !machine && i < c->options.input_count; i++) {
        struct diag quiet = {0};
        struct arena a = {0};
        struct file file = {0};

        if (c->options.inputs[i].library || !file_open(&quiet, c->options.inputs[i].name, &file))
            continue;
        machine = machine_of(&a, file.data);
        arena_free(&a);
        file_close(&file);
    }
    return machine ? find_machine(machine) : host();
}

bool link_add_search_dirs(struct link_command *c)
{
    static const char *const native[] = {
        "/usr/local/lib/%s", "/lib/%s",        "/usr/lib/%s", "/usr/local/lib64", "/lib64",
        "/usr/lib64",        "/usr/local/lib", "/lib",        "/usr/lib",         NULL};
    /* The host's own directories have nothing for another CPU. */
    static const char *const cross[] = {"/usr/local/lib/%s", "/lib/%s", "/usr/lib/%s",
                                        "/usr/%s/lib", NULL};
    const struct target *t = guess(c);
    const char *root = c->options.sysroot;

    for (const char *const *p = t == host() || *root ? native : cross; *p; p++) {
        size_t n = strcspn(*p, "%");
        const char *rest = (*p)[n] ? *p + n + 2 : "";
        const char *dir =
            arena_printf(c->a, "%s%.*s%s%s", root, (int)n, *p, (*p)[n] ? t->triple : "", rest);

        if (!dir)
            return diag_nomem(c->d);
        if (!link_add_string(c, &c->options.search, dir))
            return false;
    }
    return true;
}
