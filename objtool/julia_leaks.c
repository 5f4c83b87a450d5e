/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_leaks.c - find paths, names of users and settings of an environment
 * among any bytes. */

#include "julia_leaks.h"

#include <xxhash.h>

enum { LONGEST = 4096 };

static const struct {
    const char *key, *name;
} kinds[] = {
    [LEAK_HOME] = {"home", "paths in a user's directory"},
    [LEAK_USER] = {"user", "names of users"},
    [LEAK_TEMP] = {"temporary", "paths of temporary files"},
    [LEAK_PATH] = {"path", "other paths of the building machine"},
    [LEAK_SYSTEM] = {"system", "paths that every system has"},
    [LEAK_VARIABLE] = {"variable", "settings of an environment"},
    [LEAK_VALUE] = {"value", "values of this environment"},
    [LEAK_WANTED] = {"wanted", "what was looked for"},
};

const char *leak_key(enum leak_kind kind) { return kinds[kind].key; }
const char *leak_name(enum leak_kind kind) { return kinds[kind].name; }

/* ---- the list ---- */

static uint64_t *find(uint64_t *table, uint64_t size, const struct leak *all,
                      const struct leak *one)
{
    uint64_t i = XXH3_64bits_withSeed(one->text.at, one->text.size, one->kind) & (size - 1);

    for (; table[i]; i = (i + 1) & (size - 1)) {
        const struct leak *other = &all[table[i] - 1];

        if (other->kind == one->kind && other->text.size == one->text.size &&
            !memcmp(other->text.at, one->text.at, one->text.size))
            break;
    }
    return &table[i];
}

static bool room(struct leaks *l)
{
    uint64_t size = l->table_size ? 2 * l->table_size : 1024, *table = NULL;

    if (!arena_grow(l->a, (void **)&l->all, l->count, &l->cap, sizeof *l->all))
        return diag_nomem(l->d);
    if (2 * (l->count + 1) <= l->table_size)
        return true;
    if (!(table = arena_alloc(l->a, size, sizeof *table)))
        return diag_nomem(l->d);
    for (uint64_t i = 0; i < l->count; i++)
        *find(table, size, l->all, &l->all[i]) = i + 1;
    l->table = table;
    l->table_size = size;
    return true;
}

/* ONE is at its first place. */
static bool add(struct leaks *l, struct leak one)
{
    uint64_t *place = NULL;
    struct leak *known = NULL;

    if (one.kind == LEAK_SYSTEM && !l->system)
        return true;
    if (l->except && l->except->table_size &&
        *find(l->except->table, l->except->table_size, l->except->all, &one))
        return true;
    if (!room(l))
        return false;
    place = find(l->table, l->table_size, l->all, &one);
    if (!*place) {
        l->all[l->count] = one;
        *place = ++l->count;
    }
    known = &l->all[*place - 1];
    if (known->count < LEAK_PLACES)
        known->place[known->count] = one.place[0];
    known->count++;
    return true;
}

/* ---- paths ---- */

static bool is_alnum(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static bool is_path_char(uint8_t c) { return is_alnum(c) || (c != 0 && strchr("/_.~+@%-#!{}", c)); }

static bool is_printable(uint8_t c) { return c >= 0x20 && c != 0x7f; }

#define SUPERUSER "/root" /* a user's own directory, without a name below */

/* The directories that a path may begin with, the last one for all others; FEWEST: so many parts
   the path must have to be of this kind. */
static const struct root {
    const char *name;
    enum leak_kind kind;
    unsigned fewest;
} roots[] = {
    {"/home", LEAK_HOME, 2},     {"/Users", LEAK_HOME, 2},       {SUPERUSER, LEAK_HOME, 2},
    {"/var/home", LEAK_HOME, 3}, {"/export/home", LEAK_HOME, 3}, {"/tmp", LEAK_TEMP, 2},
    {"/var/tmp", LEAK_TEMP, 3},  {"/var/folders", LEAK_TEMP, 3}, {"/private", LEAK_TEMP, 3},
    {"/dev/shm", LEAK_TEMP, 3},  {"/usr", LEAK_SYSTEM, 2},       {"/lib", LEAK_SYSTEM, 2},
    {"/lib64", LEAK_SYSTEM, 2},  {"/bin", LEAK_SYSTEM, 2},       {"/sbin", LEAK_SYSTEM, 2},
    {"/etc", LEAK_SYSTEM, 2},    {"/dev", LEAK_SYSTEM, 2},       {"/proc", LEAK_SYSTEM, 2},
    {"/sys", LEAK_SYSTEM, 2},    {"/run", LEAK_SYSTEM, 2},       {"/var", LEAK_SYSTEM, 2},
    {"/boot", LEAK_SYSTEM, 2},   {"/System", LEAK_SYSTEM, 2},    {"/Library", LEAK_SYSTEM, 2},
    {"", LEAK_PATH, 3},
};

static const struct root *root_of(struct span path)
{
    const struct root *r = roots;

    while (path.size <= strlen(r->name) || memcmp(path.at, r->name, strlen(r->name)) != 0 ||
           path.at[strlen(r->name)] != '/')
        r++;
    return r;
}

/* How many names there are in PATH; 0 if one of them is empty or has nothing
   but signs, as in text that only looks like a path. */
static unsigned parts(struct span path)
{
    unsigned n = 0;
    bool word = false, any = false;

    for (uint64_t i = 1; i <= path.size; i++) {
        uint8_t c = i < path.size ? path.at[i] : '/';

        if (c == '/' || c == '\\') {
            if (!any && i < path.size)
                return 0;
            if (any && !word)
                return 0;
            n += any;
            any = word = false;
        } else {
            any = true;
            word = word || is_alnum(c) || c == '.';
        }
    }
    return n;
}

/* Where nothing else speaks for a path: it is plain, and its first name is a
   word.  Compressed code is full of bytes that are almost one. */
static bool is_likely(struct span path)
{
    uint64_t word = 0;

    for (uint64_t i = 0; i < path.size; i++)
        if (path.at[i] >= 0x80)
            return false;
    while (word + 1 < path.size && is_alnum(path.at[word + 1]))
        word++;
    return word >= 2;
}

/* The user whose directory PATH is in, by its first names. */
static struct span user_of(struct span path, const struct root *r)
{
    uint64_t from = strlen(r->name) + 1, to = from;
    struct span name = {0};

    while (to < path.size && path.at[to] != '/')
        to++;
    if (strcmp(r->name, SUPERUSER) != 0)
        span_sub(path, from, to - from, &name);
    return name;
}

/* What may stand before a path: it begins a text, or is told apart. */
static bool may_begin(const uint8_t *start, const uint8_t *p)
{
    return p == start || !is_printable(p[-1]) || strchr(" \"'`=:,;([<|>", p[-1]);
}

static struct span path_at(const uint8_t *p, const uint8_t *end)
{
    uint64_t n = 0, left = (uint64_t)(end - p) < LONGEST ? (uint64_t)(end - p) : LONGEST;

    while (n < left && is_path_char(p[n]))
        n++;
    while (n > 1 && strchr("/.!-", p[n - 1]))
        n--;
    return (struct span){p, n};
}

/* A path of Windows: C:\NAME\NAME, with either slash. */
static bool drive_path(struct leaks *l, struct span run, uint64_t i, uint64_t at, uint64_t *used)
{
    const uint8_t *p = run.at + i, *end = run.at + run.size;
    uint64_t n = 2;
    struct leak one = {.kind = LEAK_PATH, .place = {at + i}};

    *used = 1;
    if (end - p < 6 || p[1] != ':' || (p[2] != '\\' && p[2] != '/') || p[2] == p[3] ||
        !((p[0] | 0x20) >= 'a' && (p[0] | 0x20) <= 'z') || (i > 0 && is_alnum(p[-1])))
        return true;
    while (p + n < end && n < LONGEST && (is_path_char(p[n]) || p[n] == '\\'))
        n++;
    one.text = (struct span){p, n};
    if (parts((struct span){p + 2, n - 2}) < 2)
        return true;
    if (n > 9 && (!memcmp(p + 3, "Users", 5) || !memcmp(p + 3, "users", 5)))
        one.kind = LEAK_HOME;
    *used = n;
    return add(l, one);
}

static bool path(struct leaks *l, struct span run, uint64_t i, uint64_t at, uint64_t *used)
{
    struct span text = path_at(run.at + i, run.at + run.size);
    const struct root *r = root_of(text);
    struct leak one = {.kind = r->kind, .text = text, .place = {at + i}};
    struct span user = {0};

    *used = 1;
    /* Bytes that happen to be letters may stand before a text's first; what
       tells of a person is worth a wrong guess. */
    if (!may_begin(run.at, run.at + i) && r->kind != LEAK_HOME)
        return true;
    if (parts(text) < r->fewest || (r->kind == LEAK_PATH && !is_likely(text)))
        return true;
    *used = text.size;
    if (r->kind == LEAK_HOME && (user = user_of(text, r)).size > 0 &&
        !add(l, (struct leak){
                    .kind = LEAK_USER, .text = user, .place = {at + i + strlen(r->name) + 1}}))
        return false;
    return add(l, one);
}

/* ---- settings ---- */

static bool ends_with(struct span s, const char *end)
{
    size_t n = strlen(end);

    return s.size >= n && !memcmp(s.at + s.size - n, end, n);
}

/* A name that an environment has and a program's text has not. */
static bool is_variable(struct span name)
{
    static const char *const names[] = {"PATH",   "HOME",     "USER",    "LOGNAME", "HOSTNAME",
                                        "PWD",    "OLDPWD",   "SHELL",   "MAIL",    "TMPDIR",
                                        "TEMP",   "USERNAME", "CI",      "DISPLAY", "CC",
                                        "CFLAGS", "LDFLAGS",  "CPPFLAGS"};
    static const char *const begins[] = {"JULIA_", "SSH_", "AWS_", "GITHUB_", "CI_", "XDG_", "LD_"};
    static const char *const ends[] = {"_TOKEN", "_SECRET", "_PASSWORD", "_KEY",
                                       "_PATH",  "_HOME",   "_PROXY",    "_DIR"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == name.size && !memcmp(names[i], name.at, name.size))
            return true;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (name.size > strlen(begins[i]) && !memcmp(begins[i], name.at, strlen(begins[i])))
            return true;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_with(name, ends[i]))
            return true;
    return false;
}

/* The whole run is NAME=VALUE. */
static bool setting(struct leaks *l, struct span run, uint64_t at)
{
    uint64_t n = 0;

    while (n < run.size && ((run.at[n] >= 'A' && run.at[n] <= 'Z') || run.at[n] == '_' ||
                            (n > 0 && run.at[n] >= '0' && run.at[n] <= '9')))
        n++;
    if (n < 2 || n + 1 >= run.size || run.at[n] != '=' || strchr("= ", run.at[n + 1]) ||
        !is_variable((struct span){run.at, n}))
        return true;
    if (run.size > LONGEST)
        run.size = LONGEST;
    return add(l, (struct leak){.kind = LEAK_VARIABLE, .text = run, .place = {at}});
}

/* ---- all ---- */

/* A run of printable bytes at offset AT of the file. */
static bool scan_run(struct leaks *l, struct span run, uint64_t at)
{
    if (!setting(l, run, at))
        return false;
    for (uint64_t i = 0, used = 1; i + 2 < run.size; i += used) {
        used = 1;
        if (run.at[i] == '/' ? !path(l, run, i, at, &used)
                             : run.at[i + 1] == ':' && !drive_path(l, run, i, at, &used))
            return false;
    }
    return true;
}

bool leaks_scan(struct leaks *l, struct span in, uint64_t at)
{
    for (uint64_t i = 0; i < in.size;) {
        uint64_t n = 0;

        while (i + n < in.size && is_printable(in.at[i + n]))
            n++;
        if (n >= 4 && !scan_run(l, (struct span){in.at + i, n}, at + i))
            return false;
        i += n + 1;
    }
    return true;
}

bool leaks_look_for(struct leaks *l, struct span in, uint64_t at, enum leak_kind kind,
                    const char *text, bool word, const char *why)
{
    uint64_t len = strlen(text), i = 0;

    while (len > 0 && i + len <= in.size) {
        const uint8_t *p = memmem(in.at + i, in.size - i, text, len);
        bool apart = false;

        if (!p)
            return true;
        i = (uint64_t)(p - in.at);
        apart = (i == 0 || !is_alnum(p[-1])) && (i + len == in.size || !is_alnum(p[len]));
        if ((apart || !word) &&
            !add(l, (struct leak){.kind = kind, .text = {p, len}, .place = {at + i}, .why = why}))
            return false;
        i += len;
    }
    return true;
}

struct span leak_root(const struct leak *l)
{
    struct span root = l->text;
    unsigned slashes = 0;

    if (l->kind > LEAK_SYSTEM || l->kind == LEAK_USER)
        return root;
    for (uint64_t i = 0; i < root.size; i++)
        if ((root.at[i] == '/' || root.at[i] == '\\') && ++slashes == 3)
            root.size = i;
    return root;
}
