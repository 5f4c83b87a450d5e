/* SPDX-License-Identifier: GPL-3.0-or-later */
/* directives.c - .drectve: what the compiler asks of the linker.  gcc writes
 * -export:"f",data, clang -export:f,data, and for MSVC's tools /EXPORT:f,DATA. */

#include "dll/dll.h"

#include <stdlib.h>
#include <strings.h>

/* The next word of TEXT from *AT on, without its quotes; NULL at the end. */
static char *next_word(struct arena *a, struct span text, uint64_t *at, bool *nomem)
{
    uint64_t start = 0, n = 0;
    char *out = NULL;
    bool quoted = false;

    while (*at < text.size && (text.at[*at] <= ' ' || text.at[*at] == 0xef || text.at[*at] == 0xbb ||
                               text.at[*at] == 0xbf)) /* MSVC may begin with a byte order mark */
        ++*at;
    start = *at;
    while (*at < text.size && (quoted || text.at[*at] > ' ')) {
        quoted ^= text.at[*at] == '"';
        ++*at;
    }
    if (start == *at)
        return NULL;
    if (!(out = arena_alloc(a, *at - start + 1, 1))) {
        *nomem = true;
        return NULL;
    }
    for (uint64_t i = start; i < *at; i++)
        if (text.at[i] != '"')
            out[n++] = (char)text.at[i];
    return out;
}

static bool add_list(struct link *l, struct strings *list, size_t *cap, char *names)
{
    char *save = NULL;

    for (char *name = strtok_r(names, ",", &save); name; name = strtok_r(NULL, ",", &save))
        if (!dll_add_string(l, list, cap, name))
            return false;
    return true;
}

/* A=B: who wants A and finds it nowhere gets B. */
static bool add_alternate(struct link *l, char *text)
{
    char *equals = strchr(text, '=');
    struct lsym *s = NULL;

    if (!equals)
        return true;
    *equals = 0;
    if (!(s = link_intern(l, text, strlen(text))) || !link_intern(l, equals + 1, strlen(equals + 1)))
        return false;
    return dll_add_string(l, &l->dll->alternates, &l->dll->alternate_cap, text) &&
           dll_add_string(l, &l->dll->alternates, &l->dll->alternate_cap, equals + 1);
}

static bool include(struct link *l, const char *name)
{
    struct lsym *s = link_intern(l, name, strlen(name));

    if (!s)
        return false;
    s->wanted = true;
    if (s->state == SYM_NEW)
        s->state = SYM_UNDEFINED;
    return true;
}

/* -aligncomm:"name",LOG2: the alignment of a common symbol, which the symbol
   table has no room for. */
static void align_common(struct link *l, char *text)
{
    char *comma = strrchr(text, ',');
    struct lsym *s = NULL;
    unsigned long log2 = comma ? strtoul(comma + 1, NULL, 10) : 0;

    if (!comma || log2 > 13)
        return;
    *comma = 0;
    s = link_find(l, text);
    if (s && s->state == SYM_COMMON && s->addr < UINT64_C(1) << log2)
        s->addr = UINT64_C(1) << log2;
}

static bool apply(struct link *l, char *word)
{
    char *colon = strchr(word, ':');
    size_t len = colon ? (size_t)(colon - word) : strlen(word);
    struct dll *y = l->dll;

    if (*word != '-' && *word != '/')
        return true;
    word++;
    len--;
    if (!colon)
        return true;
    if (len == 6 && !strncasecmp(word, "export", len))
        return dll_add_string(l, &y->asked, &y->asked_cap, colon + 1);
    if (len == 15 && !strncasecmp(word, "exclude-symbols", len))
        return add_list(l, &y->hidden, &y->hidden_cap, colon + 1);
    if (len == 7 && !strncasecmp(word, "include", len))
        return include(l, colon + 1);
    if (len == 13 && !strncasecmp(word, "alternatename", len))
        return add_alternate(l, colon + 1);
    if (len == 9 && !strncasecmp(word, "aligncomm", len))
        align_common(l, colon + 1);
    /* Default libraries, checks of compiler versions and the like: what is needed
       stands on the command line. */
    return true;
}

bool dll_read_directives(struct link *l, struct lobj *o)
{
    struct span text = o->o.directives;
    uint64_t at = 0;
    bool nomem = false;
    char *word = NULL;

    if (!dll_state(l))
        return false;
    while ((word = next_word(&l->arena, text, &at, &nomem)))
        if (!apply(l, word))
            return false;
    return !nomem || diag_nomem(l->d);
}
