/* SPDX-License-Identifier: GPL-3.0-or-later */
/* audit.c - look through bytes for texts that name secrets, environments, users
 * and places.
 *
 * What is looked for are runs of printable ASCII; in each, at every place where
 * a word begins, the few shapes below.  So time is bounded by the size. */

#include "heap/audit.h"
#include "sysimage/secret_words.h"

enum { SHORTEST_RUN = 6, SHORTEST_SECRET = 6, LONGEST_VALUE = 4096 };

const char *audit_kind_name(enum audit_kind kind)
{
    static const char *const names[] = {"secret", "environment", "user", "path"};

    return names[kind];
}

static bool is_printable(uint8_t c) { return c >= 0x20 && c < 0x7f; }
static bool is_upper(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool is_word(uint8_t c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }

static bool is_path(uint8_t c) { return is_word(c) || strchr("./+@~-\\", c) != NULL; }

/* What a value goes on with, wherever it stands. */
static bool is_value(uint8_t c)
{
    return c != ' ' && c != '"' && c != '\'' && c != '`' && c != ';';
}

static uint64_t span_of(struct span s, bool (*is)(uint8_t c))
{
    uint64_t n = 0;

    while (n < s.size && is(s.at[n]))
        n++;
    return n;
}

static bool begins(struct span s, const char *text)
{
    size_t n = strlen(text);

    return s.size >= n && memcmp(s.at, text, n) == 0;
}

static bool has(struct span s, const char *text)
{
    size_t n = strlen(text);

    for (; s.size >= n; s.at++, s.size--)
        if (memcmp(s.at, text, n) == 0)
            return true;
    return false;
}

static struct span after(struct span s, uint64_t n) { return (struct span){s.at + n, s.size - n}; }

/* ---- the shapes: each returns how many bytes it took, 0 for none ---- */

static bool speaks_of_secrets(struct span name)
{
    for (size_t i = 0; i < sizeof secret_words / sizeof *secret_words; i++)
        if (has(name, secret_words[i]))
            return true;
    return false;
}

static bool is_variable(struct span name)
{
    static const char *const whole[] = {"PATH",    "HOME",   "USER", "LOGNAME", "HOSTNAME",
                                        "PWD",     "OLDPWD", "MAIL", "SHELL",   "LANG",
                                        "DISPLAY", "TMPDIR", "TERM"};
    static const char *const start[] = {"SSH_", "XDG_", "LC_", "SUDO_", "LD_"};

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        if (name.size == strlen(whole[i]) && begins(name, whole[i]))
            return true;
    for (size_t i = 0; i < sizeof start / sizeof start[0]; i++)
        if (begins(name, start[i]))
            return true;
    return false;
}

static uint64_t assignment(struct span s, struct audit_find *f)
{
    uint64_t name = span_of(s, is_upper), value = 0;
    struct span text = {s.at, name};

    if (name < 3 || name == s.size || s.at[name] != '=')
        return 0;
    s.size = s.size - name - 1 < LONGEST_VALUE ? s.size : name + 1 + LONGEST_VALUE;
    value = span_of(after(s, name + 1), is_value);
    if (value >= SHORTEST_SECRET && speaks_of_secrets(text)) {
        *f = (struct audit_find){.kind = AUDIT_SECRET, .text = {s.at, name + 1}, .hidden = value};
        return name + 1 + value;
    }
    if (value > 0 && is_variable(text)) {
        *f = (struct audit_find){.kind = AUDIT_ENVIRONMENT, .text = {s.at, name + 1 + value}};
        return name + 1 + value;
    }
    return 0;
}

static uint64_t private_key(struct span s, struct audit_find *f)
{
    static const char end[] = "PRIVATE KEY-----";

    if (!begins(s, "-----BEGIN "))
        return 0;
    for (uint64_t n = 11; n < 40 && n < s.size; n++)
        if (begins(after(s, n), end)) {
            *f = (struct audit_find){.kind = AUDIT_SECRET, .text = {s.at, n + sizeof end - 1}};
            return n + sizeof end - 1;
        }
    return 0;
}

/* ://user:password@host, S begins with the colon */
static uint64_t url_password(struct span s, struct audit_find *f)
{
    uint64_t colon = 0, n = 3;

    if (!begins(s, "://"))
        return 0;
    for (; n < s.size && n < 256 && is_value(s.at[n]) && s.at[n] != '/' && s.at[n] != '@'; n++)
        colon = s.at[n] == ':' && !colon ? n : colon;
    if (!colon || colon + 1 == n || n == s.size || s.at[n] != '@')
        return 0;
    *f = (struct audit_find){
        .kind = AUDIT_SECRET, .text = {s.at, colon + 1}, .hidden = n - colon - 1};
    return n + 1;
}

static uint64_t path(struct span s, struct audit_find *f)
{
    static const struct {
        const char *begin;
        bool home; /* a user's name follows */
    } places[] = {{"/home", true}, {"/Users", true}, {"/root", false},    {"/tmp", false},
                  {"/usr", false}, {"/etc", false},  {"/var", false},     {"/opt", false},
                  {"/srv", false}, {"/mnt", false},  {"/media", false},   {"/private", false},
                  {"/run", false}, {"/nix", false},  {"/Library", false}, {"/Applications", false}};
    uint64_t size = 0;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (begins(s, places[i].begin) && begins(after(s, strlen(places[i].begin)), "/") &&
            (size = span_of(s, is_path)) > strlen(places[i].begin) + 1) {
            *f = (struct audit_find){.kind = places[i].home ? AUDIT_USER : AUDIT_PATH,
                                     .text = {s.at, size}};
            return size;
        }
    if (s.size > 9 && is_upper(s.at[0]) && begins(after(s, 1), ":\\Users\\")) {
        size = 2 + span_of(after(s, 2), is_path);
        *f = (struct audit_find){.kind = AUDIT_USER, .text = {s.at, size}};
        return size;
    }
    return 0;
}

/* ---- runs ---- */

void heap_audit(struct span data, bool (*found)(void *arg, const struct audit_find *f), void *arg)
{
    static uint64_t (*const shapes[])(struct span s, struct audit_find * f) = {
        assignment, private_key, url_password, path};

    for (uint64_t at = 0; at < data.size;) {
        struct span run = {data.at + at, span_of(after(data, at), is_printable)};
        uint64_t n = 0;

        while (run.size >= SHORTEST_RUN && n < run.size) {
            struct audit_find f = {0};
            uint64_t took = 0;
            bool inside = n > 0 && is_word(run.at[n]) && is_word(run.at[n - 1]);

            for (size_t i = 0; !inside && !took && i < sizeof shapes / sizeof shapes[0]; i++)
                took = shapes[i](after(run, n), &f);
            f.at = at + n;
            if (took && !found(arg, &f))
                return;
            n += took ? took : 1;
        }
        at += run.size + 1;
    }
}
