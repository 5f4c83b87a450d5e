/* SPDX-License-Identifier: MIT */
/* map_win.c - files and memory of Windows (map.h).
 *
 * A file is mapped as a section object: views of it begin at multiples of 64 KiB,
 * where images have their heaps, and its pages are shared until they are
 * written to.  A reserved range cannot be filled piece by piece: it is given back
 * and what is around the piece is reserved again; if somebody else takes some of
 * it meanwhile, the piece fails.  So each piece is an allocation of its own. */

#if defined _WIN32

#include "runtime/map.h"
#include "sysimage/format.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <windows.h>

enum { VIEW = 65536, PAGE = 4096, SHARED = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE };

static HANDLE handle_of(int fd) { return (HANDLE)_get_osfhandle(fd); }

static uint64_t whole_pages(uint64_t size) { return (size + PAGE - 1) & ~(uint64_t)(PAGE - 1); }

/* The last error as C has it, as far as anybody asks. */
static bool failed(void)
{
    switch (GetLastError()) {
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_COMMITMENT_LIMIT:
        errno = ENOMEM;
        break;
    case ERROR_INVALID_ADDRESS:
        errno = EEXIST;
        break;
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_INVALID_NAME:
        errno = ENOENT;
        break;
    case ERROR_ACCESS_DENIED:
    case ERROR_SHARING_VIOLATION:
        errno = EACCES;
        break;
    default:
        errno = EIO;
    }
    return false;
}

/* ---- files ---- */

/* Not by _open(): the file may get another name, or go, while it is open. */
bool map_open(const char *path, int *fd)
{
    HANDLE h = CreateFileA(path, GENERIC_READ | GENERIC_EXECUTE | FILE_WRITE_ATTRIBUTES, SHARED,
                           NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);

    if (h == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED)
        h = CreateFileA(path, GENERIC_READ, SHARED, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return failed();
    *fd = _open_osfhandle((intptr_t)h, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    return *fd >= 0;
}

void map_close(int fd) { _close(fd); }

char *map_real_path(const char *path) { return _fullpath(NULL, path, 0); }

/* Who may read a new file is its folder's to say. */
bool map_create(const char *path, bool secret, int *fd)
{
    (void)secret;
    *fd = _open(path, _O_RDWR | _O_CREAT | _O_EXCL | _O_BINARY | _O_NOINHERIT,
                _S_IREAD | _S_IWRITE);
    return *fd >= 0;
}

/* ReadFile and WriteFile count in 32 bits. */
static DWORD piece(uint64_t size) { return size < 1u << 30 ? (DWORD)size : 1u << 30; }

static OVERLAPPED at_offset(uint64_t offset)
{
    return (OVERLAPPED){.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
}

bool map_write(int fd, uint64_t offset, const void *from, uint64_t size)
{
    const uint8_t *at = from;

    while (size > 0) {
        OVERLAPPED place = at_offset(offset);
        DWORD done = 0;

        if (!WriteFile(handle_of(fd), at, piece(size), &done, &place) || done == 0)
            return failed();
        at += done;
        offset += done;
        size -= done;
    }
    return true;
}

bool map_finish(int fd) { return _close(fd) == 0; }

/* A file that is mapped somewhere cannot be replaced, but can get another name: this one. */
static bool set_aside(const char *path, char aside[MAX_PATH])
{
    if (strlen(path) > MAX_PATH - 40)
        return false;
    snprintf(aside, MAX_PATH, "%s.%lu-%lu.old", path, GetCurrentProcessId(), GetTickCount());
    return MoveFileExA(path, aside, 0);
}

/* NAME is what set_aside() makes of a name that is LENGTH long. */
static bool is_aside(const char *name, size_t length)
{
    size_t digits = strlen(name) > length ? strspn(name + length + 1, "0123456789-") : 0;

    return digits > 0 && strcmp(name + length + 1 + digits, ".old") == 0;
}

bool map_replace(const char *from, const char *to)
{
    char aside[MAX_PATH];

    if (MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return true;
    if (GetLastError() != ERROR_ACCESS_DENIED && GetLastError() != ERROR_USER_MAPPED_FILE)
        return failed();
    if (!set_aside(to, aside))
        return failed();
    if (!MoveFileExA(from, to, MOVEFILE_WRITE_THROUGH)) {
        failed();
        MoveFileExA(aside, to, 0);
        return false;
    }
    map_tidy(to);
    return true;
}

void map_tidy(const char *path)
{
    char name[MAX_PATH];
    WIN32_FIND_DATAA found;
    HANDLE h = INVALID_HANDLE_VALUE;
    size_t folder = 0;

    if (strlen(path) > sizeof name - 8)
        return;
    snprintf(name, sizeof name, "%s.*.old", path);
    folder = (size_t)(map_file_name(path) - path);
    h = FindFirstFileA(name, &found);
    if (h == INVALID_HANDLE_VALUE)
        return;
    do {
        snprintf(name + folder, sizeof name - folder, "%s", found.cFileName);
        if (is_aside(found.cFileName, strlen(path) - folder))
            DeleteFileA(name);
    } while (FindNextFileA(h, &found));
    FindClose(h);
}

/* Either slash ends a folder, and so does a drive's colon. */
const char *map_file_name(const char *path)
{
    const char *name = path;

    for (; *path; path++)
        if (*path == '/' || *path == '\\' || *path == ':')
            name = path + 1;
    return name;
}

void map_remove(const char *path) { DeleteFileA(path); }

long map_process(void) { return (long)_getpid(); }

bool map_nameless(int *fd)
{
    char folder[MAX_PATH], path[MAX_PATH];
    HANDLE h = INVALID_HANDLE_VALUE;

    if (!GetTempPathA(sizeof folder, folder) || !GetTempFileNameA(folder, "sim", 0, path))
        return failed();
    h = CreateFileA(path, GENERIC_READ | GENERIC_WRITE | DELETE, FILE_SHARE_READ | FILE_SHARE_DELETE,
                    NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return failed();
    *fd = _open_osfhandle((intptr_t)h, _O_RDWR | _O_BINARY | _O_NOINHERIT);
    return *fd >= 0;
}

bool map_set_size(int fd, uint64_t size)
{
    return _chsize_s(fd, (int64_t)size) == 0;
}

/* There is no such limit. */
bool map_limit_on(void) { return false; }
void map_limit_off(bool on) { (void)on; }

bool map_sync(int fd) { return FlushFileBuffers(handle_of(fd)) || failed(); }

/* MoveFileEx() was told to come back when that is done. */
bool map_sync_name(const char *path) { return path != NULL; }

bool map_lock(const char *path, uint32_t timeout, int *fd)
{
    HANDLE h = INVALID_HANDLE_VALUE;

    /* Nobody else may have it open at all. */
    for (uint32_t waited = 0; h == INVALID_HANDLE_VALUE; waited += 5) {
        h = CreateFileA(path, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_ALWAYS,
                        FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, NULL);
        if (h != INVALID_HANDLE_VALUE)
            break;
        if (GetLastError() != ERROR_SHARING_VIOLATION && GetLastError() != ERROR_ACCESS_DENIED)
            return failed();
        if (waited >= timeout) {
            errno = EAGAIN;
            return false;
        }
        Sleep(5);
    }
    *fd = _open_osfhandle((intptr_t)h, _O_RDWR | _O_BINARY | _O_NOINHERIT);
    return *fd >= 0;
}

void map_unlock(const char *path, int fd)
{
    (void)path; /* it goes by itself */
    _close(fd);
}

char **map_environment(void) { return _environ; }

const char *map_variable(const char *name) { return getenv(name); }

/* Who may write to a file is the folder's business: those of a user are his. */
bool map_is_trusted(int fd, const char **why)
{
    *why = NULL;
    return fd >= 0;
}

void map_touch(int fd)
{
    FILETIME now;

    GetSystemTimeAsFileTime(&now);
    SetFileTime(handle_of(fd), NULL, NULL, &now);
}

bool map_is_directory(const char *path)
{
    DWORD what = GetFileAttributesA(path);

    return what != INVALID_FILE_ATTRIBUTES && (what & FILE_ATTRIBUTE_DIRECTORY);
}

bool map_make_directory(const char *path)
{
    return CreateDirectoryA(path, NULL) || GetLastError() == ERROR_ALREADY_EXISTS || failed();
}

/* A time of Windows: tenths of microseconds since 1601. */
static int64_t seconds_of(const FILETIME *t)
{
    uint64_t n = (uint64_t)t->dwHighDateTime << 32 | t->dwLowDateTime;

    return (int64_t)(n / 10000000) - INT64_C(11644473600);
}

bool map_list(const char *path, void (*each)(void *arg, const struct map_entry *e), void *arg)
{
    char pattern[MAX_PATH + 8];
    WIN32_FIND_DATAA found;
    HANDLE h = INVALID_HANDLE_VALUE;

    if (strlen(path) > MAX_PATH) {
        errno = ENAMETOOLONG;
        return false;
    }
    strcpy(pattern, path);
    strcat(pattern, "\\*");
    h = FindFirstFileA(pattern, &found);
    if (h == INVALID_HANDLE_VALUE)
        return failed();
    do {
        struct map_entry e = {found.cFileName,
                              (uint64_t)found.nFileSizeHigh << 32 | found.nFileSizeLow,
                              seconds_of(&found.ftLastWriteTime)};

        if (!(found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY))
            each(arg, &e);
    } while (FindNextFileA(h, &found));
    FindClose(h);
    return true;
}

uint64_t map_microseconds(void)
{
    LARGE_INTEGER now, second;

    QueryPerformanceCounter(&now);
    QueryPerformanceFrequency(&second);
    return (uint64_t)(now.QuadPart / second.QuadPart) * 1000000 +
           (uint64_t)(now.QuadPart % second.QuadPart) * 1000000 / (uint64_t)second.QuadPart;
}

int64_t map_seconds(void)
{
    FILETIME now;

    GetSystemTimeAsFileTime(&now);
    return seconds_of(&now);
}

void map_say(const char *text, size_t size)
{
    DWORD done = 0;

    WriteFile(GetStdHandle(STD_ERROR_HANDLE), text, (DWORD)size, &done, NULL);
}

static bool is_written_to(const MEMORY_BASIC_INFORMATION *info)
{
    return info->State == MEM_COMMIT && !(info->Protect & PAGE_GUARD) &&
           (info->Protect & (PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE));
}

struct map_range *map_ranges(size_t *count)
{
    struct map_range *all = NULL;
    MEMORY_BASIC_INFORMATION info;
    uintptr_t at = 0, next = 0;

    *count = 0;
    for (; VirtualQuery((void *)at, &info, sizeof info); at = next) {
        next = (uintptr_t)info.BaseAddress + info.RegionSize;
        if (next <= at)
            break;
        if (!is_written_to(&info))
            continue;
        if (*count && all[*count - 1].to == at) {
            all[*count - 1].to = next;
            continue;
        }
        if (*count % 64 == 0) {
            struct map_range *more = realloc(all, (*count + 64) * sizeof *all);

            if (!more) {
                free(all);
                return NULL;
            }
            all = more;
        }
        all[(*count)++] = (struct map_range){at, next};
    }
    return all;
}

bool map_file_size(int fd, uint64_t *size)
{
    LARGE_INTEGER n;

    *size = 0;
    if (GetFileType(handle_of(fd)) != FILE_TYPE_DISK) {
        errno = EINVAL;
        return false;
    }
    if (!GetFileSizeEx(handle_of(fd), &n))
        return failed();
    *size = (uint64_t)n.QuadPart;
    return true;
}

bool map_file_id(int fd, uint64_t id[2])
{
    BY_HANDLE_FILE_INFORMATION info;

    if (!GetFileInformationByHandle(handle_of(fd), &info))
        return failed();
    id[0] = (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow;
    id[1] = info.dwVolumeSerialNumber;
    return true;
}

bool map_read(int fd, uint64_t offset, void *to, uint64_t size)
{
    uint8_t *at = to;

    while (size > 0) {
        OVERLAPPED place = at_offset(offset);
        DWORD got = 0;

        if (!ReadFile(handle_of(fd), at, piece(size), &got, &place) &&
            GetLastError() != ERROR_HANDLE_EOF)
            return failed();
        if (got == 0) {
            errno = 0;
            return false;
        }
        at += got;
        offset += got;
        size -= got;
    }
    return true;
}

/* ---- memory ---- */

/* While a piece is taken out of a reserved range, no other thread may be given it. */
static SRWLOCK carving = SRWLOCK_INIT;

static bool reserve(uint8_t *at, uint64_t size)
{
    return VirtualAlloc(at, size, MEM_RESERVE, PAGE_NOACCESS) != NULL;
}

static bool reserve_somewhere(uint64_t base, uint64_t size, bool exact, uint8_t **out)
{
    uint8_t *got = (uint8_t *)(uintptr_t)base;

    *out = NULL;
    size = whole_pages(size);
    if (base && reserve(got, size)) {
        *out = got;
        return true;
    }
    if (exact) {
        errno = EEXIST;
        return false;
    }
    /* More than is needed shows a place that is aligned; others may be faster to take it. */
    for (unsigned tries = 0; size + HUGE_PAGE > size && tries < 16; tries++) {
        got = VirtualAlloc(NULL, size + HUGE_PAGE, MEM_RESERVE, PAGE_NOACCESS);
        if (!got)
            break;
        VirtualFree(got, 0, MEM_RELEASE);
        got += -(uint64_t)(uintptr_t)got & (HUGE_PAGE - 1);
        if (reserve(got, size)) {
            *out = got;
            return true;
        }
    }
    errno = ENOMEM;
    return false;
}

bool map_reserve(uint64_t base, uint64_t size, bool exact, uint8_t **out)
{
    bool ok = false;

    AcquireSRWLockExclusive(&carving);
    ok = reserve_somewhere(base, size, exact, out);
    ReleaseSRWLockExclusive(&carving);
    return ok;
}

/* SIZE bytes at AT, in the reserved region INFO, are free then; what is around them stays reserved. */
static bool carve(uint8_t *at, uint64_t size, const MEMORY_BASIC_INFORMATION *info)
{
    uint8_t *from = info->AllocationBase, *to = (uint8_t *)info->BaseAddress + info->RegionSize;
    uint8_t *end = at + ((size + VIEW - 1) & ~(uint64_t)(VIEW - 1));

    return VirtualFree(from, 0, MEM_RELEASE) && (at <= from || reserve(from, (uint64_t)(at - from))) &&
           (end >= to || reserve(end, (uint64_t)(to - end)));
}

/* SIZE bytes at AT that are all of one kind. */
static bool make_fresh(uint8_t *at, uint64_t size, const MEMORY_BASIC_INFORMATION *info)
{
    DWORD old = 0;

    if (info->State == MEM_COMMIT && info->Type == MEM_MAPPED) {
        if (!VirtualProtect(at, size, PAGE_WRITECOPY, &old))
            return false;
        memset(at, 0, size);
        return true;
    }
    if (info->State == MEM_COMMIT)
        return VirtualFree(at, size, MEM_DECOMMIT) &&
               VirtualAlloc(at, size, MEM_COMMIT, PAGE_READWRITE) != NULL;
    if (info->State == MEM_RESERVE && !carve(at, size, info))
        return false;
    return VirtualAlloc(at, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) != NULL;
}

/* What of SIZE bytes at AT is in INFO's region, which AT is in. */
static uint64_t part_of(const uint8_t *at, uint64_t size, const MEMORY_BASIC_INFORMATION *info)
{
    uint64_t left = (uint64_t)((const uint8_t *)info->BaseAddress + info->RegionSize - at);

    return left < size ? left : size;
}

bool map_fresh(uint8_t *at, uint64_t size)
{
    MEMORY_BASIC_INFORMATION info;
    bool ok = true;

    size = whole_pages(size);
    AcquireSRWLockExclusive(&carving);
    for (uint64_t done = 0, part = 0; ok && done < size; done += part) {
        ok = VirtualQuery(at + done, &info, sizeof info);
        part = ok ? part_of(at + done, size - done, &info) : 0;
        ok = ok && make_fresh(at + done, part, &info);
    }
    ReleaseSRWLockExclusive(&carving);
    return ok || failed();
}

/* A view of SIZE bytes of the file at OFFSET, at AT; its pages may become code. */
static void *view_at(uint8_t *at, uint64_t size, int fd, uint64_t offset)
{
    DWORD access = FILE_MAP_COPY | FILE_MAP_EXECUTE;
    HANDLE section = CreateFileMappingA(handle_of(fd), NULL, PAGE_EXECUTE_WRITECOPY, 0, 0, NULL);
    void *got = NULL;

    if (!section) { /* a file that nobody may run */
        access = FILE_MAP_COPY;
        section = CreateFileMappingA(handle_of(fd), NULL, PAGE_WRITECOPY, 0, 0, NULL);
    }
    if (!section)
        return NULL;
    got = MapViewOfFileEx(section, access, (DWORD)(offset >> 32), (DWORD)offset, size, at);
    CloseHandle(section); /* the view keeps it */
    return got;
}

/* A view in place of reserved memory. */
static bool replace_by_view(uint8_t *at, uint64_t size, int fd, uint64_t offset)
{
    MEMORY_BASIC_INFORMATION info;
    bool ok = false;

    AcquireSRWLockExclusive(&carving);
    ok = VirtualQuery(at, &info, sizeof info) && info.State == MEM_RESERVE &&
         part_of(at, size, &info) == size && carve(at, size, &info) && view_at(at, size, fd, offset);
    ReleaseSRWLockExclusive(&carving);
    return ok;
}

bool map_file(uint8_t *at, uint64_t size, int fd, uint64_t offset, bool write)
{
    uint32_t prot = write ? SIMG_PROT_R | SIMG_PROT_W : SIMG_PROT_R;

    if (offset % VIEW == 0 && replace_by_view(at, size, fd, offset))
        return map_protect(at, size, prot);
    return map_fresh(at, size) && map_read(fd, offset, at, size);
}

/* Allocation by allocation: the system protects no more at once. */
bool map_protect(uint8_t *at, uint64_t size, uint32_t prot)
{
    MEMORY_BASIC_INFORMATION info;

    size = whole_pages(size);
    for (uint64_t done = 0, part = 0; done < size; done += part) {
        DWORD rights = PAGE_READONLY, old = 0;

        if (!VirtualQuery(at + done, &info, sizeof info))
            return failed();
        part = part_of(at + done, size - done, &info);
        if (prot & SIMG_PROT_W) /* a view is copied where it is written to */
            rights = info.Type == MEM_MAPPED ? PAGE_WRITECOPY : PAGE_READWRITE;
        else if (prot & SIMG_PROT_X)
            rights = PAGE_EXECUTE_READ;
        if (!VirtualProtect(at + done, part, rights, &old))
            return failed();
    }
    return true;
}

/* Views, fresh and reserved memory, whatever of them is there. */
void map_release(uint8_t *at, uint64_t size)
{
    MEMORY_BASIC_INFORMATION info;

    AcquireSRWLockExclusive(&carving);
    for (uint64_t done = 0; at && done < size;) {
        if (!VirtualQuery(at + done, &info, sizeof info) || info.RegionSize == 0)
            break;
        if (info.Type == MEM_MAPPED)
            UnmapViewOfFile(info.AllocationBase);
        else if (info.State != MEM_FREE)
            VirtualFree(info.AllocationBase, 0, MEM_RELEASE);
        done = (uint64_t)((uint8_t *)info.BaseAddress + info.RegionSize - at);
    }
    ReleaseSRWLockExclusive(&carving);
}

bool map_view(int fd, uint64_t offset, uint64_t size, struct map_view *out)
{
    uint64_t skip = offset % VIEW;
    HANDLE section = NULL;

    *out = (struct map_view){0};
    if (size == 0)
        return true;
    section = CreateFileMappingA(handle_of(fd), NULL, PAGE_READONLY, 0, 0, NULL);
    if (!section)
        return failed();
    out->mapping = MapViewOfFile(section, FILE_MAP_READ, (DWORD)((offset - skip) >> 32),
                                 (DWORD)(offset - skip), size + skip);
    CloseHandle(section);
    if (!out->mapping)
        return failed();
    out->mapped = size + skip;
    out->at = (const uint8_t *)out->mapping + skip;
    return true;
}

void map_unview(struct map_view *view)
{
    if (view->mapping)
        UnmapViewOfFile(view->mapping);
    *view = (struct map_view){0};
}

#endif
