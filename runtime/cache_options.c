/* SPDX-License-Identifier: MIT */
/* cache_options.c - arguments such as --engine.CacheStore=fib.image, by one table. */

#include "runtime/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const mode_names[] = {"auto", "on", "off", "readonly", NULL};
static const char *const verify_names[] = {"header", "full", "none", NULL};
static const char *const audit_names[] = {"refuse", "warn", "off", NULL};

enum kind {
    PATH,
    CHOICE, /* one of NAMES */
    FLAG,   /* true or false; nothing is true */
    SIZE,   /* bytes, with K, M or G; -1: any */
    MILLISECONDS,
};

#define AT(MEMBER) offsetof(struct simg_cache_options, MEMBER)

static const struct option {
    const char *name;
    enum kind kind;
    size_t at;
    uint32_t flag;
    const char *const *names;
} options[] = {
    {"Cache", PATH, AT(load), 0, NULL}, /* and the other one */
    {"CacheLoad", PATH, AT(load), 0, NULL},
    {"CacheStore", PATH, AT(store), 0, NULL},
    {"CachePreinitializeContext", FLAG, AT(flags), SIMG_CACHE_PREINITIALIZE, NULL},
    {"TraceCache", FLAG, AT(flags), SIMG_CACHE_TRACE, NULL},
    {"TraceCompilation", FLAG, AT(flags), SIMG_CACHE_TRACE_COMPILATION, NULL},
    {"CacheCompile", CHOICE, AT(compile), 0, compile_names},
    {"UpdatePolicy", CHOICE, AT(update), 0, update_names},
    {"CacheUpdate", CHOICE, AT(update), 0, update_names},
    {"CacheStoreMaxImageSize", SIZE, AT(max_image), 0, NULL},
    {"DebugCacheStore", FLAG, AT(flags), SIMG_CACHE_DEBUG_STORE, NULL},
    {"DebugCacheLoad", FLAG, AT(flags), SIMG_CACHE_DEBUG_LOAD, NULL},
    {"DebugCacheCompile", CHOICE, AT(debug_compile), 0, compile_names},
    {"DebugCacheTrace", FLAG, AT(flags), SIMG_CACHE_DEBUG_TRACE, NULL},
    {"DebugTraceCache", FLAG, AT(flags), SIMG_CACHE_DEBUG_TRACE, NULL},
    /* ours */
    {"CacheMode", CHOICE, AT(mode), 0, mode_names},
    {"CacheVerify", CHOICE, AT(verify), 0, verify_names},
    {"CacheAudit", CHOICE, AT(audit), 0, audit_names},
    {"CacheMaxDirectorySize", SIZE, AT(max_directory), 0, NULL},
    {"CacheLockTimeout", MILLISECONDS, AT(lock_timeout), 0, NULL},
    {"CacheRegister", FLAG, AT(flags), SIMG_CACHE_REGISTER, NULL},
    {"CacheHistogram", FLAG, AT(flags), SIMG_CACHE_HISTOGRAM, NULL},
    {"CacheReferenceTree", FLAG, AT(flags), SIMG_CACHE_REFERENCE_TREE, NULL},
};

/* The virtual machine's own spelling of two of them. */
static const struct {
    const char *argument, *value;
    uint32_t flag;
} whole[] = {
    {"-XX:+TraceAuxiliaryImageClassHistogram", "true", SIMG_CACHE_HISTOGRAM},
    {"-XX:-TraceAuxiliaryImageClassHistogram", "false", SIMG_CACHE_HISTOGRAM},
    {"-XX:+TraceAuxiliaryImageReferenceTree", "true", SIMG_CACHE_REFERENCE_TREE},
    {"-XX:-TraceAuxiliaryImageReferenceTree", "false", SIMG_CACHE_REFERENCE_TREE},
};

void simg_cache_options_init(struct simg_cache_options *o)
{
    *o = (struct simg_cache_options){.size = sizeof *o,
                                     .compile = SIMG_COMPILE_HOT,
                                     .debug_compile = SIMG_COMPILE_HOT,
                                     .flags = SIMG_CACHE_PREINITIALIZE,
                                     .lock_timeout = 250,
                                     .max_image = UINT64_MAX,
                                     .max_directory = UINT64_MAX};
}

void simg_cache_options_free(struct simg_cache_options *o)
{
    free(o->load);
    free(o->store);
    simg_cache_options_init(o);
}

/* ---- values ---- */

static enum simg_status set_path(char **to, const char *value, struct simg_error *e)
{
    char *copy = *value ? strdup(value) : NULL;

    if (*value && !copy)
        return error_memory(e);
    free(*to);
    *to = copy;
    return SIMG_OK;
}

static bool parse_flag(const char *value, bool *out)
{
    *out = !*value || strcmp(value, "true") == 0;
    return *out || strcmp(value, "false") == 0;
}

static bool parse_choice(const char *value, const char *const *names, uint32_t *out)
{
    for (uint32_t i = 0; names[i]; i++)
        if (strcmp(value, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool parse_size(const char *value, uint64_t *out)
{
    static const char units[] = "KMG";
    char *end = NULL;
    const char *unit = NULL;
    unsigned long long n = 0;

    if (strcmp(value, "-1") == 0) {
        *out = UINT64_MAX;
        return true;
    }
    if (*value < '0' || *value > '9')
        return false;
    errno = 0;
    n = strtoull(value, &end, 10);
    if (errno)
        return false;
    if (*end && (unit = strchr(units, *end)) && !end[1]) {
        unsigned shift = 10 * (unsigned)(unit - units + 1);

        if (n > UINT64_MAX >> shift)
            return false;
        n <<= shift;
        end++;
    }
    if (*end)
        return false;
    *out = n;
    return true;
}

static bool parse_milliseconds(const char *value, uint32_t *out)
{
    uint64_t n = 0;

    if (value[strspn(value, "0123456789")] || !parse_size(value, &n) || n > UINT32_MAX)
        return false;
    *out = (uint32_t)n;
    return true;
}

/* What a value may be, for the error. */
static const char *allowed(const struct option *o, char text[96])
{
    static const char *const kinds[] = {"a path", NULL, "true or false",
                                        "a number of bytes, with K, M or G, or -1",
                                        "a number of milliseconds"};

    if (o->kind != CHOICE)
        return kinds[o->kind];
    text[0] = 0;
    for (unsigned i = 0; o->names[i]; i++) {
        strcat(text, i ? ", " : "");
        strcat(text, o->names[i]);
    }
    return text;
}

static enum simg_status set(struct simg_cache_options *to, const struct option *o, const char *value,
                            struct simg_error *e)
{
    void *member = (uint8_t *)to + o->at;
    bool yes = false, ok = true;
    char text[96];

    switch (o->kind) {
    case PATH:
        ok = *value != 0;
        if (ok && o == options && set_path(&to->store, value, e) != SIMG_OK)
            return SIMG_ERR_MEMORY;
        if (ok)
            return set_path(member, value, e);
        break;
    case CHOICE:
        ok = parse_choice(value, o->names, member);
        break;
    case FLAG:
        ok = parse_flag(value, &yes);
        if (ok)
            to->flags = yes ? to->flags | o->flag : to->flags & ~o->flag;
        break;
    case SIZE:
        ok = parse_size(value, member);
        break;
    case MILLISECONDS:
        ok = parse_milliseconds(value, &to->lock_timeout);
        break;
    }
    return ok ? SIMG_OK
              : error_set(e, SIMG_ERR_ARGUMENT, 0, "--engine.%s: '%.48s' is not %s%s", o->name, value,
                          o->kind == CHOICE ? "one of " : "", allowed(o, text));
}

enum simg_status simg_cache_option(struct simg_cache_options *to, const char *argument,
                                   struct simg_error *error)
{
    static const char prefix[] = "--engine.";
    const char *name = argument + sizeof prefix - 1;
    size_t length = 0;

    error_clear(error);
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(argument, whole[i].argument) == 0) {
            to->flags = *whole[i].value == 't' ? to->flags | whole[i].flag
                                               : to->flags & ~whole[i].flag;
            return SIMG_OK;
        }
    if (strcmp(argument, "--experimental-options") == 0)
        return SIMG_OK;
    if (strncmp(argument, prefix, sizeof prefix - 1) != 0)
        return error_set(error, SIMG_ERR_NOT_FOUND, 0, "'%.128s' is no option of the cache", argument);
    length = strcspn(name, "=");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return set(to, &options[i], name[length] ? name + length + 1 : "", error);
    return error_set(error, SIMG_ERR_NOT_FOUND, 0, "'%.128s' is no option of the cache", argument);
}

enum simg_status simg_cache_option_env(struct simg_cache_options *to, const char *name,
                                       struct simg_error *error)
{
    const char *value = map_variable(name);
    char *copy = value ? strdup(value) : NULL;
    enum simg_status status = SIMG_OK;

    error_clear(error);
    if (value && !copy)
        return error_memory(error);
    for (char *p = copy, *end = NULL; p && *p && status == SIMG_OK; p = end) {
        p += strspn(p, " \t\n");
        end = p + strcspn(p, " \t\n");
        if (*end)
            *end++ = 0;
        if (*p)
            status = simg_cache_option(to, p, error);
    }
    free(copy);
    return status;
}
