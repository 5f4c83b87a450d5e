/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cache_files.c - the files of an engine cache: by name, and an image opened. */

#include "cache.h"

#include "runtime/map.h"
#include "sysimage/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct {
    const char *end;
    enum cache_kind kind;
} ends[] = {
    {".bad", CACHE_BAD}, {".tmp", CACHE_TEMP}, {".lock", CACHE_LOCK}, {".failed", CACHE_FAILED}};
enum { ENDS = sizeof ends / sizeof ends[0] };

/* The first LENGTH bytes of NAME are NAME-0123456789abcdef.so, as engines name images in a
   directory. */
static bool is_image_name(const char *name, size_t length)
{
    enum { ID = 16, END = ID + 3 };

    return length > END + 1 && memcmp(name + length - 3, ".so", 3) == 0 &&
           name[length - END - 1] == '-' && strspn(name + length - END, "0123456789abcdef") == ID;
}

/* What NAME is the name of; *LENGTH: of the image's. */
static enum cache_kind kind_of(const char *name, size_t *length)
{
    size_t n = strlen(name);

    for (unsigned i = 0; i < ENDS; i++) {
        size_t end = strlen(ends[i].end);

        if (n > end && strcmp(name + n - end, ends[i].end) == 0) {
            *length = n - end;
            return ends[i].kind;
        }
    }
    *length = n;
    return CACHE_IMAGE;
}

/* In a directory, and beside an image, nothing is followed. */
enum origin { LISTED, BESIDE, ASKED_FOR };

static bool add_file(struct diag *d, struct arena *a, struct cache_place *p, const char *path,
                     enum origin from)
{
    const char *slash = strrchr(path, '/');
    struct cache_file f = {.path = arena_strdup(a, path)};
    struct stat st;
    size_t length = 0;

    if ((from == ASKED_FOR ? stat(path, &st) : lstat(path, &st)) != 0 || !S_ISREG(st.st_mode))
        return true; /* it went, or is none of ours */
    if (!f.path || !arena_grow(a, (void **)&p->files, p->count, &p->cap, sizeof f))
        return diag_nomem(d);
    f.name = slash ? f.path + (slash - path) + 1 : f.path;
    f.kind = kind_of(f.name, &length);
    f.usual = is_image_name(f.name, length);
    f.named = from != LISTED || f.usual;
    if (from == ASKED_FOR) { /* what was set aside is looked at like any other */
        f.kind = CACHE_IMAGE;
        length = strlen(f.name);
    }
    f.image = arena_strndup(a, f.path, (size_t)(f.name - f.path) + length);
    if (!f.image)
        return diag_nomem(d);
    f.size = (uint64_t)st.st_size;
    f.disk = (uint64_t)st.st_blocks * 512;
    f.inode = (uint64_t)st.st_ino;
    f.used = st.st_mtime;
    f.owner = (uint32_t)st.st_uid;
    f.mode = (uint32_t)st.st_mode & 07777;
    p->files[p->count++] = f;
    return true;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct cache_file *)left)->name,
                  ((const struct cache_file *)right)->name);
}

static bool list_directory(struct diag *d, struct arena *a, struct cache_place *p)
{
    DIR *dir = opendir(p->path);
    bool ok = true;

    if (!dir)
        return diag_fail(d, E_SYSTEM, "%s: cannot open: %s", p->path, strerror(errno));
    for (struct dirent *e = readdir(dir); ok && e; e = readdir(dir)) {
        bool slash = p->path[strlen(p->path) - 1] == '/';
        const char *path = arena_printf(a, "%s%s%s", p->path, slash ? "" : "/", e->d_name);

        ok = path ? add_file(d, a, p, path, LISTED) : diag_nomem(d);
    }
    closedir(dir);
    if (ok && p->count)
        qsort(p->files, p->count, sizeof *p->files, by_name);
    return ok;
}

/* The image PATH, and what stands beside it. */
static bool list_file(struct diag *d, struct arena *a, struct cache_place *p)
{
    if (!add_file(d, a, p, p->path, ASKED_FOR))
        return false;
    if (p->count == 0)
        return diag_fail(d, E_SYSTEM, "%s: is not a regular file", p->path);
    for (unsigned i = 0; i < ENDS; i++) {
        const char *path = arena_printf(a, "%s%s", p->path, ends[i].end);

        if (!path)
            return diag_nomem(d);
        if (!add_file(d, a, p, path, BESIDE))
            return false;
    }
    return true;
}

bool cache_list(struct diag *d, struct arena *a, const char *path, struct cache_place *out)
{
    struct stat st;

    *out = (struct cache_place){.path = path};
    if (!*path || stat(path, &st) != 0)
        return diag_fail(d, E_SYSTEM, "%s: cannot open: %s", path,
                         strerror(*path ? errno : ENOENT));
    out->directory = S_ISDIR(st.st_mode);
    return out->directory ? list_directory(d, a, out) : list_file(d, a, out);
}

bool cache_is_same(const struct cache_file *f)
{
    struct stat st;

    return lstat(f->path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_ino == f->inode &&
           st.st_mtime == f->used && (uint64_t)st.st_size == f->size;
}

bool cache_is_held(struct arena *a, const struct cache_file *f)
{
    const char *lock = arena_printf(a, "%s.lock", f->image);
    int fd = lock ? open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;

    if (fd >= 0)
        close(fd);
    return held;
}

/* ---- an image ---- */

const char *cache_state_name(enum cache_state state)
{
    static const enum simg_verdict verdicts[] = {[CACHE_OK] = SIMG_VERDICT_OK,
                                                 [CACHE_DAMAGED] = SIMG_VERDICT_DAMAGED,
                                                 [CACHE_FOREIGN] = SIMG_VERDICT_FOREIGN,
                                                 [CACHE_NOT_OURS] = SIMG_VERDICT_NOT_OURS,
                                                 [CACHE_SYSTEM] = SIMG_VERDICT_SYSTEM};

    return simg_verdict_text(verdicts[state]);
}

static void set_state(struct cache_image *i, enum cache_state state, const char *why)
{
    i->state = state;
    snprintf(i->why, sizeof i->why, "%s", why);
}

/* As engines know a damaged image from a program that somebody named by mistake
   (runtime/cache_load.c). */
static bool starts_like_an_image(struct span data)
{
    struct span head = {0};

    span_sub(data, 0, data.size < 4096 ? data.size : 4096, &head);
    for (uint64_t i = 0; i + 8 <= head.size; i++)
        if (memcmp(head.at + i, SIMG_TABLE_MAGIC, 8) == 0)
            return true;
    return head.size < 1024;
}

static enum cache_state state_of(enum status status, struct span data)
{
    if (status == E_NOMEM)
        return CACHE_SYSTEM;
    return status == E_FORMAT && starts_like_an_image(data) ? CACHE_DAMAGED : CACHE_FOREIGN;
}

/* As an engine looks at it without being told to read all. */
static void check_image(struct cache_image *i)
{
    const char *why = NULL;
    struct diag d = {0};

    if (!elf_cache_read(&d, &i->a, i->file.data, &i->c)) {
        set_state(i, i->file.data.size ? state_of(d.status, i->file.data) : CACHE_DAMAGED,
                  i->file.data.size ? d.text : "it is empty");
        return;
    }
    i->is_image = true;
    if (i->c.heaps.checksum && heap_image_checksum(&i->c.heaps) != i->c.heaps.checksum)
        set_state(i, CACHE_DAMAGED, "the checksum of its table of heaps is not that of its bytes");
    else if (heap_cache_checksum(&i->c.reg) != i->c.reg.checksum)
        set_state(i, CACHE_DAMAGED, "the checksum of its register is not that of its bytes");
    else if (!map_is_trusted(i->file.fd, &why))
        set_state(i, CACHE_NOT_OURS, why);
}

void cache_open(const struct cache_file *f, struct cache_image *out)
{
    struct diag d = {0};

    *out = (struct cache_image){.f = f, .file = {.fd = -1}};
    if (file_open(&d, f->path, &out->file))
        check_image(out);
    else
        set_state(out, CACHE_SYSTEM, d.text);
}

void cache_close(struct cache_image *image)
{
    file_close(&image->file);
    arena_free(&image->a);
}

bool cache_next(const struct cache_place *place, uint64_t *next, struct cache_image *i)
{
    while (*next < place->count) {
        const struct cache_file *f = &place->files[(*next)++];

        if (f->kind != CACHE_IMAGE)
            continue;
        cache_open(f, i);
        if (f->named || i->is_image)
            return true;
        cache_close(i);
    }
    return false;
}

/* ---- text ---- */

const char *cache_flags_text(uint32_t flags, char text[8])
{
    snprintf(text, 8, "%s%s%s%s", flags & SIMG_ENGINE_HASHES_ADDRESSES ? "H" : "",
             flags & SIMG_ENGINE_HAS_CODE ? "C" : "", flags & SIMG_ENGINE_CODE_ONLY ? "O" : "",
             flags & SIMG_ENGINE_MOVABLE ? "M" : "");
    return text;
}

const char *cache_time_text(int64_t seconds, char text[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;

    if (!gmtime_r(&t, &tm) || strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        text[0] = 0;
    return text;
}
