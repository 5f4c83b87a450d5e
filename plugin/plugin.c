/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plugin.c - what the linker calls. */

#include "plugin/plugin.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct plugin plugin = {.output = -1};

/* Errors end the link: linkers differ in what they do with a hook's status,
   but not in this. */
static void say(void *arg, enum diag_kind kind, const char *text)
{
    const struct plugin *p = arg;

    if (kind == DIAG_ERROR && p->finishing)
        unlink(p->output_name);
    if (p->message)
        p->message(kind == DIAG_ERROR ? LDPL_FATAL : LDPL_WARNING, "sysimage-plugin: %s", text);
    else
        fprintf(stderr, "sysimage-plugin: %s\n", text);
}

void plugin_tell(const struct plugin *p, const char *format, ...)
{
    char text[512];
    va_list ap;

    if (!p->verbose)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (p->message)
        p->message(LDPL_INFO, "sysimage-plugin: %s", text);
}

int plugin_memory(struct plugin *p, const char *name)
{
    int fd = memfd_create(name, 0);

    if (fd < 0)
        diag_fail(&p->diag, E_SYSTEM, "%s: no memory for an object: %s", name, strerror(errno));
    return fd;
}

bool plugin_add_input(struct plugin *p, int fd, const char *what)
{
    const char *path = arena_printf(&p->arena, "/proc/self/fd/%d", fd);

    if (!path)
        return diag_nomem(&p->diag);
    plugin_tell(p, "%s is %s", what, path);
    return p->add_input_file(path) == LDPS_OK ||
           diag_fail(&p->diag, E_SYSTEM, "%s: the linker does not take the object", what);
}

bool plugin_add_name(struct plugin *p, struct plugin_names *names, const char *name)
{
    const char *copy = arena_strdup(&p->arena, name);

    if (!copy ||
        !arena_grow(&p->arena, (void **)&names->at, names->count, &names->cap, sizeof *names->at))
        return diag_nomem(&p->diag);
    names->at[names->count++] = copy;
    return true;
}

static enum plugin_status status_of(bool ok) { return ok ? LDPS_OK : LDPS_ERR; }

static enum plugin_status on_claim(const struct plugin_input *file, int *claimed)
{
    *claimed = 0;
    if (!plugin_offer(&plugin, file, claimed))
        return LDPS_ERR;
    return !*claimed && plugin.chain.claim ? plugin.chain.claim(file, claimed) : LDPS_OK;
}

static enum plugin_status on_all_read(void)
{
    if (!plugin_emit(&plugin))
        return LDPS_ERR;
    return plugin.chain.all_read ? plugin.chain.all_read() : LDPS_OK;
}

static enum plugin_status on_cleanup(void)
{
    /* Some linkers come here after an error, too. */
    bool ok = plugin.diag.errors || plugin_finish(&plugin);

    if (plugin.chain.cleanup)
        ok = plugin.chain.cleanup() == LDPS_OK && ok;

    /* What pointed there is forgotten: a linker may come again. */
    arena_free(&plugin.arena);
    plugin = (struct plugin){.output = -1, .diag = plugin.diag, .message = plugin.message};
    return status_of(ok);
}

static void read_tag(struct plugin *p, const struct plugin_tv *tv)
{
    static const char *name, *version;

    switch (tv->tag) {
    case LDPT_LINKER_OUTPUT:
        p->output = tv->u.number;
        break;
    case LDPT_OUTPUT_NAME:
        p->output_name = tv->u.string;
        break;
    case LDPT_REGISTER_CLAIM_FILE_HOOK:
        p->register_claim = tv->u.register_claim;
        break;
    case LDPT_REGISTER_ALL_SYMBOLS_READ_HOOK:
        p->register_all_read = tv->u.register_event;
        break;
    case LDPT_REGISTER_CLEANUP_HOOK:
        p->register_cleanup = tv->u.register_event;
        break;
    case LDPT_ADD_SYMBOLS:
        p->add_symbols = tv->u.add_symbols;
        break;
    case LDPT_ADD_INPUT_FILE:
        p->add_input_file = tv->u.add_input_file;
        break;
    case LDPT_MESSAGE:
        p->message = tv->u.message;
        break;
    case LDPT_GET_VIEW:
        p->get_view = tv->u.get_view;
        break;
    case LDPT_GNU_LD_VERSION:
        p->takes_early = true; /* gold would not survive it */
        p->loads_one = false;
        break;
    case LDPT_GOLD_VERSION:
        p->forgets = true;
        p->loads_one = false; /* mold says neither */
        break;
    case LDPT_GET_API_VERSION: /* mold starts itself a second time if it is not asked */
        tv->u.get_api_version("sysimage-plugin", PACKAGE_VERSION, 0, 1, &name, &version);
        break;
    }
}

static bool read_options(struct plugin *p, const struct plugin_tv *tv)
{
    for (; tv->tag != LDPT_NULL; tv++)
        if (tv->tag == LDPT_OPTION && !plugin_option(p, tv->u.string))
            return false;
    return true;
}

/* The linker's entry.  Options may come before what is needed to complain
   about them, so the list is read twice. */
__attribute__((visibility("default"))) enum plugin_status onload(struct plugin_tv *tv);

enum plugin_status onload(struct plugin_tv *tv)
{
    struct plugin *p = &plugin;

    p->diag.sink = say;
    p->diag.arg = p;
    for (const struct plugin_tv *t = tv; t->tag != LDPT_NULL; t++)
        p->loads_one = p->loads_one || t->tag == LDPT_GET_API_VERSION;
    for (const struct plugin_tv *t = tv; t->tag != LDPT_NULL; t++)
        read_tag(p, t);
    if (!p->register_claim || !p->add_symbols)
        return LDPS_OK;
    if (!(p->loads_one ? plugin_load_chained(p, tv) : read_options(p, tv)))
        return LDPS_ERR;
    if (p->register_claim(on_claim) != LDPS_OK)
        return LDPS_ERR;
    /* nm and ar only list symbols. */
    if (!p->register_all_read || !p->add_input_file)
        return LDPS_OK;
    if (!plugin_open_heaps(p) || !plugin_open_retained(p))
        return LDPS_ERR;
    if (p->register_cleanup)
        p->register_cleanup(on_cleanup);
    return p->register_all_read(on_all_read);
}
