/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_audit.c - objtool julia audit: what an image or object tells of who
 * made it, and where in it. */

#include "julia.h"
#include "julia_leaks.h"
#include "julia_places.h"
#include "report.h"
#include "tell.h"

#include "base/file.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern char **environ;

/* Without --verbose, so many texts of a directory; in JSON, so many in all. */
enum { SHOWN = 3, LISTED = 20000, SHORTEST_VALUE = 6 };

struct audit {
    struct julia_command *c;
    struct diag *d;
    struct report *r;
    struct leaks leaks;
    struct places places;
    uint64_t number; /* of the present text, for --redact */
};

/* ---- what to look for ---- */

/* Variables whose values are everywhere. */
static bool is_common(const char *variable)
{
    static const char *const common[] = {"TERM=",      "LANG=",  "LC_",    "SHELL=",  "COLORTERM=",
                                         "LS_COLORS=", "SHLVL=", "PAGER=", "EDITOR=", "_="};

    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (strncmp(variable, common[i], strlen(common[i])) == 0)
            return true;
    return false;
}

static bool look_for_environment(struct audit *u, struct span in)
{
    const struct passwd *who = getpwuid(getuid());
    char host[256] = "";
    bool ok = true;

    for (char **v = environ; ok && *v; v++) {
        const char *value = strchr(*v, '=');
        const char *name = value ? arena_strndup(u->c->a, *v, (size_t)(value - *v)) : NULL;

        if (value && !name)
            return diag_nomem(u->d);
        if (value && strlen(value + 1) >= SHORTEST_VALUE && !is_common(*v))
            ok = leaks_look_for(&u->leaks, in, 0, LEAK_VALUE, value + 1, true, name);
    }
    /* Every system has a root, and its name is a word. */
    if (ok && who && strlen(who->pw_name) > 2 && strcmp(who->pw_name, "root") != 0)
        ok = leaks_look_for(&u->leaks, in, 0, LEAK_VALUE, arena_strdup(u->c->a, who->pw_name), true,
                            "the user");
    if (ok && gethostname(host, sizeof host - 1) == 0 && strlen(host) > 3 &&
        strcmp(host, "localhost") != 0)
        ok = leaks_look_for(&u->leaks, in, 0, LEAK_VALUE, arena_strdup(u->c->a, host), true,
                            "the machine");
    return ok;
}

static bool scan(struct audit *u, struct span in)
{
    if (!leaks_scan(&u->leaks, in, 0))
        return false;
    for (uint64_t i = 0; i < u->c->look_for.count; i++)
        if (!leaks_look_for(&u->leaks, in, 0, LEAK_WANTED, u->c->look_for.at[i], false, NULL))
            return false;
    return !u->c->environment || look_for_environment(u, in);
}

/* By kind, then alphabetically, so that what is in one directory is together. */
static int by_text(const void *a, const void *b)
{
    const struct leak *x = a, *y = b;
    uint64_t n = x->text.size < y->text.size ? x->text.size : y->text.size;
    int order =
        x->kind != y->kind ? (int)x->kind - (int)y->kind : memcmp(x->text.at, y->text.at, n);

    return order ? order : (x->text.size > y->text.size) - (x->text.size < y->text.size);
}

/* ---- the result ---- */

/* "Julia's constants+0x12", or "0x1234" in the file. */
static void put_place(struct audit *u, struct buf *out, uint64_t offset)
{
    const struct place *p = places_find(&u->places, offset);

    if (p) {
        term_str(out, p->name);
        buf_printf(out, "+0x%" PRIx64, offset - p->offset);
    } else {
        buf_printf(out, "0x%" PRIx64, offset);
    }
}

static void put_places(struct audit *u, const struct leak *l)
{
    struct buf *out = &u->r->text;

    buf_printf(out, "        %" PRIu64 " %s ", l->count, l->count > 1 ? "places:" : "place:");
    for (uint64_t i = 0; i < l->count && i < LEAK_PLACES; i++) {
        buf_printf(out, i ? ", " : "");
        put_place(u, out, l->place[i]);
    }
    buf_printf(out, l->count > LEAK_PLACES ? ", ...\n" : "\n");
}

static void put_leak(struct audit *u, const struct leak *l)
{
    struct buf *out = &u->r->text;

    if (u->c->redact)
        buf_printf(out, "text %" PRIu64 ", %" PRIu64 " bytes", u->number, l->text.size);
    else
        term_name(out, (const char *)l->text.at, l->text.size);
    if (l->why)
        buf_printf(out, " (%s)", l->why);
    buf_printf(out, "\n");
    put_places(u, l);
}

static bool same_root(const struct leak *a, const struct leak *b)
{
    struct span x = leak_root(a), y = leak_root(b);

    return a->kind == b->kind && x.size == y.size && !memcmp(x.at, y.at, x.size);
}

/* Those from FIRST on that are in one directory; how many. */
static uint64_t put_group(struct audit *u, uint64_t first)
{
    const struct leak *l = &u->leaks.all[first];
    struct buf *out = &u->r->text;
    uint64_t n = 0, places = 0;

    while (first + n < u->leaks.count && same_root(l, l + n))
        places += l[n++].count;
    if (n > 1) {
        buf_printf(out, "    ");
        if (u->c->redact)
            buf_printf(out, "one directory");
        else
            term_name(out, (const char *)leak_root(l).at, leak_root(l).size);
        buf_printf(out, ": %" PRIu64 " texts in %" PRIu64 " places\n", n, places);
    }
    for (uint64_t i = 0; i < n; i++) {
        u->number++;
        if (i >= SHOWN && !u->c->verbose)
            continue;
        buf_printf(out, n > 1 ? "      " : "    ");
        put_leak(u, &l[i]);
    }
    if (n > SHOWN && !u->c->verbose)
        buf_printf(out, "      and %" PRIu64 " more (--verbose)\n", n - SHOWN);
    return n;
}

static void put_text(struct audit *u, const char *name)
{
    const struct leaks *all = &u->leaks;
    char head[100];

    if (all->count == 0)
        snprintf(head, sizeof head, "nothing found that tells of where it was made");
    else
        snprintf(head, sizeof head, "%" PRIu64 " %s", all->count,
                 all->count > 1 ? "texts tell of where it was made"
                                : "text tells of where it was made");
    rep_heading(u->r, name, head);
    for (uint64_t i = 0; i < all->count;) {
        if (i == 0 || all->all[i].kind != all->all[i - 1].kind)
            buf_printf(&u->r->text, "  %s\n", leak_name(all->all[i].kind));
        i += put_group(u, i);
    }
    for (uint64_t i = 0; i < u->places.hidden_count; i++) {
        buf_printf(&u->r->text, "  not looked into, for it is compressed: ");
        term_str(&u->r->text, u->places.hidden[i]);
        buf_printf(&u->r->text, "\n");
    }
}

static void put_json_place(struct audit *u, uint64_t offset)
{
    const struct place *p = places_find(&u->places, offset);
    struct json *j = &u->r->json;

    json_open(j, NULL, '{');
    json_num(j, "offset", offset);
    json_str(j, "part", p ? p->name : NULL);
    if (p)
        json_num(j, "part_offset", offset - p->offset);
    json_close(j);
}

static void put_json(struct audit *u, const char *name)
{
    struct json *j = &u->r->json;

    json_open(j, NULL, '{');
    json_str(j, "schema", "sysimage-tools/julia-audit");
    json_num(j, "version", 1);
    json_str(j, "file", name);
    json_num(j, "texts", u->leaks.count);
    json_open(j, "found", '[');
    for (uint64_t i = 0; i < u->leaks.count && i < LISTED; i++) {
        const struct leak *l = &u->leaks.all[i];

        json_open(j, NULL, '{');
        json_str(j, "kind", leak_key(l->kind));
        if (!u->c->redact)
            json_text(j, "text", (const char *)l->text.at, l->text.size);
        json_num(j, "length", l->text.size);
        json_str(j, "variable", l->why);
        json_num(j, "count", l->count);
        json_open(j, "places", '[');
        for (uint64_t n = 0; n < l->count && n < LEAK_PLACES; n++)
            put_json_place(u, l->place[n]);
        json_close(j);
        json_close(j);
    }
    json_close(j);
    json_open(j, "not_looked_into", '[');
    for (uint64_t i = 0; i < u->places.hidden_count; i++)
        json_str(j, NULL, u->places.hidden[i]);
    json_close(j);
    json_close(j);
    buf_printf(&j->out, "\n");
    j->out.bad = !json_done(j);
}

static void put_result(struct audit *u)
{
    const char *slash = strrchr(u->c->input, '/');
    const char *name = u->c->redact && slash ? slash + 1 : u->c->input;

    if (u->leaks.count > 0)
        qsort(u->leaks.all, u->leaks.count, sizeof *u->leaks.all, by_text);
    if (u->c->json)
        put_json(u, name);
    else
        put_text(u, name);
}

bool julia_audit_span(struct julia_command *c, struct report *r, struct span in,
                      const struct leaks *except, uint64_t *found)
{
    struct audit u = {.c = c, .d = c->d, .r = r};
    struct where here = {c->d->where, c->input, NO_INDEX};
    bool ok = true;

    u.leaks = (struct leaks){.d = c->d, .a = c->a, .system = c->system, .except = except};
    c->d->where = &here;
    ok = places_read(c->d, c->a, in, &u.places) && scan(&u, in);
    if (ok)
        put_result(&u);
    *found = u.leaks.count;
    c->d->where = here.up;
    return ok;
}

int julia_audit(struct julia_command *c)
{
    struct report r = {.as_json = c->json, .colours = term_colours(STDOUT_FILENO)};
    struct file file, other;
    struct leaks except = {.d = c->d, .a = c->a, .system = true};
    uint64_t found = 0;
    bool has_other = c->except && file_open(c->d, c->except, &other);
    int code = 0;

    /* Texts of that file are not new where they are found again. */
    if (has_other)
        leaks_scan(&except, other.data, 0);
    if (c->d->status == OK && file_open(c->d, c->input, &file)) {
        if (julia_audit_span(c, &r, file.data, has_other ? &except : NULL, &found))
            code = tell_print(c->json ? &r.json.out : &r.text, found > 0);
        file_close(&file);
    }
    if (has_other)
        file_close(&other);
    rep_free(&r);
    return c->d->status != OK ? diag_exit_code(c->d->status) : code;
}
