/* SPDX-License-Identifier: MIT */
/* session.c - a state of an interpreter, from an image or fresh, and how it gets into one. */

#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

_Noreturn void fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "%s: ", language.name);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(1);
}

void tell(const struct session *s, const char *fmt, ...)
{
    va_list ap;

    if (s->remaking) /* it was told before */
        return;
    fflush(stdout);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

void *session_realloc(struct session *s, void *p, size_t size)
{
    return simg_arena_realloc(simg_cache_arena(s->cache), p, size);
}

/* xorshift64, from the system's numbers. */
double session_random(void)
{
    static uint64_t x;

    while (x == 0)
        if (getrandom(&x, sizeof x, 0) != sizeof x)
            fail("no random numbers");
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (double)(x >> 11) / (double)(UINT64_C(1) << 53);
}

/* ---- sources ---- */

/* The whole file with a zero behind it, malloc'ed. */
static char *read_file(const char *path, struct stat *st)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = NULL;
    size_t size = 0;
    ssize_t got = 0;

    if (fd >= 0 && fstat(fd, st) == 0 && (text = malloc((size_t)st->st_size + 1))) {
        size = (size_t)st->st_size;
        while ((got = read(fd, text + (st->st_size - (off_t)size), size)) > 0)
            size -= (size_t)got;
        text[st->st_size - (off_t)size] = 0;
        st->st_size -= (off_t)size;
        if (got < 0) {
            free(text);
            text = NULL;
        }
    }
    if (fd >= 0)
        close(fd);
    return text;
}

static int64_t changed(const struct stat *st)
{
    return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

static int is_unchanged(const struct source *f, const struct stat *st)
{
    return (size_t)st->st_size == f->size && changed(st) == f->changed && st->st_ino == f->inode;
}

/* The last one of that name: older ones are versions that the file had before. */
static struct source *find(const struct session *s, const char *name)
{
    struct source *found = NULL;

    for (struct source *f = s->record->first; f; f = f->next)
        if (strcmp(f->name, name) == 0)
            found = f;
    return found;
}

static void drop(struct session *s, struct source *f)
{
    struct simg_arena *arena = simg_cache_arena(s->cache);

    for (struct source **at = &s->record->first; *at; at = &(*at)->next)
        if (*at == f) {
            *at = f->next;
            break;
        }
    simg_arena_free(arena, f->text);
    simg_arena_free(arena, f->name);
    simg_arena_free(arena, f);
}

/* At the end of the list: libraries run in its order. */
static struct source *add(struct session *s, const char *name, const char *text,
                          const struct stat *st)
{
    struct simg_arena *arena = simg_cache_arena(s->cache);
    struct source *f = simg_arena_alloc(arena, sizeof *f), **end = &s->record->first;
    size_t size = (size_t)st->st_size;

    if (!f || !(f->name = simg_arena_alloc(arena, strlen(name) + 1)) ||
        !(f->text = simg_arena_alloc(arena, size + 1)))
        fail("the arena is full");
    simg_cache_type(s->cache, f, "source");
    simg_cache_type(s->cache, f->name, "source name");
    simg_cache_type(s->cache, f->text, "source text");
    strcpy(f->name, name);
    memcpy(f->text, text, size + 1);
    f->size = size;
    f->changed = changed(st);
    f->inode = st->st_ino;
    f->library = (uint32_t)s->in_library;
    f->number = simg_cache_source(s->cache, name, text, size, NULL);
    while (*end)
        end = &(*end)->next;
    return *end = f;
}

/* The file has other bytes now. */
static void forget_old(struct session *s, struct source *old)
{
    simg_cache_drop_source(s->cache, old->number);
    for (uint32_t i = 0;; i++) {
        struct simg_function g;

        if (!simg_cache_get_function(s->cache, i, &g))
            break;
        if (g.source == old->number)
            simg_cache_drop_function(s->cache, i);
    }
    drop(s, old);
}

const struct source *session_source(struct session *s, const char *path, char *error, size_t size)
{
    struct source *f = find(s, path);
    struct stat st;
    char *text = NULL;

    if (f && s->in_library)
        f->library = 1;
    if (f && stat(path, &st) == 0 && is_unchanged(f, &st))
        return f;
    if (!(text = read_file(path, &st))) {
        if (error)
            snprintf(error, size, "cannot read %s: %s", path, strerror(errno));
        else
            tell(s, "%s: cannot read %s: %s", language.name, path, strerror(errno));
        return NULL;
    }
    if (f && f->size == (size_t)st.st_size && memcmp(f->text, text, f->size) == 0) {
        f->changed = changed(&st); /* touched, and nothing else */
        f->inode = st.st_ino;
        free(text);
        return f;
    }
    if (f)
        forget_old(s, f);
    f = add(s, path, text, &st);
    free(text);
    if (s->language->compile(s, f) != 0) {
        simg_cache_drop_source(s->cache, f->number);
        drop(s, f);
        if (error)
            snprintf(error, size, "cannot compile %s", path);
        return NULL;
    }
    if (s->language->functions)
        s->language->functions(s, f);
    else
        functions_tell(s, f);
    return f;
}

/* ---- running ---- */

_Noreturn void session_exit(struct session *s, int status)
{
    s->status = status;
    s->ended = 1;
    if (!s->way_out)
        exit(status);
    longjmp(*s->way_out, 1);
}

int session_file(struct session *s, const char *path)
{
    const struct source *f = NULL;
    jmp_buf *outer = s->way_out, here;
    volatile int result = 0;

    s->way_out = &here;
    if (setjmp(here) == 0)
        result = (f = session_source(s, path, NULL, 0)) ? s->language->run(s, f) : -1;
    s->way_out = outer;
    return result;
}

int session_text(struct session *s, const char *name, const char *text)
{
    jmp_buf *outer = s->way_out, here;
    volatile int result = 0;

    s->way_out = &here;
    if (setjmp(here) == 0)
        result = s->language->run_text(s, name, text);
    s->way_out = outer;
    return result;
}

/* ---- the context ---- */

/* Run the libraries.  In an image without a context they are there, compiled. */
static int run_libraries(struct session *s)
{
    int result = 0;

    s->in_library = 1;
    for (char **l = s->libraries; *l && result == 0 && !s->ended; l++)
        result = session_file(s, *l);
    s->in_library = 0;
    s->record->ready = 1;
    return result;
}

static int make(struct session *s)
{
    if (!(s->state = s->language->make(s)))
        fail("cannot make a state");
    return simg_cache_set_root(s->cache, "state", s->state) != SIMG_OK;
}

/* What an image has is made in a fresh state, which the program has not touched.  What libraries
   print while they run for it was printed before. */
static int remake(struct session *s)
{
    int out = -1, null = -1, failed = 0, status = s->status, ended = s->ended;

    s->ended = 0;
    s->language->end(s->state);
    s->state = NULL;
    s->remaking = 1;
    s->record->ready = 0;
    failed = make(s);
    for (struct source *f = s->record->first; f && !failed; f = f->next) {
        f->library = 0; /* until a library loads it */
        failed = s->language->compile(s, f) != 0;
    }
    if (!failed && simg_cache_wants(s->cache, SIMG_CACHE_PREINITIALIZE)) {
        fflush(stdout);
        out = dup(STDOUT_FILENO);
        null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        failed = run_libraries(s) != 0 || s->ended; /* it did not end when it ran before */
        fflush(stdout);
        dup2(out, STDOUT_FILENO);
        close(out);
        close(null);
    }
    s->remaking = 0;
    s->status = status;
    s->ended = ended;
    return failed;
}

/* The stamps of all files that the context was made from; their names are behind them. */
static int write_stamps(struct session *s)
{
    struct record *r = s->record;
    size_t count = 0, room = 0;
    char *name = NULL;

    for (const struct source *f = r->first; f; f = f->next)
        if (f->library) {
            count++;
            room += sizeof *r->stamps + strlen(f->name) + 1;
        }
    r->stamp_count = 0;
    if (!r->ready || !count)
        return 0;
    if (!(r->stamps = session_realloc(s, r->stamps, room)))
        return -1;
    name = (char *)(r->stamps + count);
    for (const struct source *f = r->first; f; f = f->next)
        if (f->library) {
            r->stamps[r->stamp_count++] = (struct stamp){name, f->size, f->changed, f->inode};
            name = stpcpy(name, f->name) + 1;
        }
    return 0;
}

static int before_store(void *arg, struct simg_cache *c)
{
    struct session *s = arg;

    (void)c;
    return remake(s) != 0 || write_stamps(s) != 0 || s->language->prepare(s) != 0 ? -1 : 0;
}

/* An image whose context was made from files that have changed is of no use. */
static int after_load(void *arg, struct simg_cache *c)
{
    struct session *s = arg;

    s->cache = c;
    s->state = simg_cache_root(c, "state");
    s->record = simg_cache_root(c, "sources");
    if (!s->state || !s->record)
        return -1;
    for (uint64_t i = 0; i < s->record->stamp_count; i++) {
        const struct stamp *m = &s->record->stamps[i];
        struct stat st;

        if (stat(m->name, &st) != 0 || (size_t)st.st_size != m->size ||
            changed(&st) != m->changed || st.st_ino != m->inode)
            return -1;
    }
    return s->language->wake(s);
}

/* What an image depends on besides the program: libraries by name, and the environment. */
static char *inputs_of(const struct language *l, char *const *libraries)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        fail("no memory");
    for (; *libraries; libraries++) {
        struct stat st = {0};

        stat(*libraries, &st);
        fprintf(f, "library %s %lld %lld\n", *libraries, (long long)st.st_size,
                (long long)changed(&st));
    }
    for (const char *const *name = l->environment; name && *name; name++)
        if (getenv(*name))
            fprintf(f, "%s=%s\n", *name, getenv(*name));
    fclose(f);
    return text;
}

int session_open(struct session *s, const struct language *l, char **libraries,
                 const struct simg_cache_options *options)
{
    int context = !options || options->flags & SIMG_CACHE_PREINITIALIZE;
    struct simg_error e;

    *s = (struct session){.language = l, .libraries = libraries, .inputs = inputs_of(l, libraries)};
    s->engine = (struct simg_engine){
        .size = sizeof s->engine,
        .name = l->name,
        .version = l->version,
        .build_flags = context ? "context" : "code",
        .inputs = s->inputs,
        .flags = l->flags | (context ? 0 : SIMG_ENGINE_CODE_ONLY),
        .before_store = before_store,
        .after_load = after_load,
        .arg = s,
    };
    if (simg_cache_open(&s->engine, options, &s->cache, &e) != SIMG_OK) {
        fprintf(stderr, "%s: %s\n", l->name, e.text);
        free(s->inputs);
        return -1;
    }
    if (!simg_cache_loaded(s->cache)) {
        s->record = simg_arena_alloc(simg_cache_arena(s->cache), sizeof *s->record);
        simg_cache_set_root(s->cache, "sources", s->record);
        make(s);
    }
    return s->record->ready ? 0 : run_libraries(s);
}

uint64_t session_end(struct session *s)
{
    struct simg_cache_status status;

    s->language->end(s->state);
    while (s->record->first)
        drop(s, s->record->first);
    simg_arena_free(simg_cache_arena(s->cache), s->record->stamps);
    simg_arena_free(simg_cache_arena(s->cache), s->record);
    simg_cache_get_status(s->cache, &status);
    simg_cache_abandon(s->cache);
    free(s->inputs);
    return status.live_blocks;
}

void session_close(struct session *s)
{
    struct simg_error e;

    fflush(stdout);
    if (simg_cache_close(s->cache, &e) != SIMG_OK) {
        fprintf(stderr, "%s: %s\n", s->language->name, e.text);
        s->status = s->status ? s->status : 1;
    }
    free(s->inputs);
}
