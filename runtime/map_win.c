/* SPDX-License-Identifier: MIT */
/* map_win.c - files and memory of Windows (map.h).
 *
 * A file is mapped as a section object: views of it begin at multiples of 64 KiB,
 * where images have their heaps, and its pages are shared until they are
 * written to.  A reserved range cannot be filled with views piece by piece, so
 * map_reserve() gives back what it found free; if somebody else takes it before
 * the pieces come, these fail. */

#if defined _WIN32

#include "runtime/map.h"
#include "sysimage/format.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <process.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <windows.h>

enum { VIEW = 65536, PAGE = 4096 };

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
    case ERROR_ACCESS_DENIED:
        errno = EACCES;
        break;
    default:
        errno = EIO;
    }
    return false;
}

/* ---- files ---- */

bool map_open(const char *path, int *fd)
{
    *fd = _open(path, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
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

bool map_replace(const char *from, const char *to)
{
    return MoveFileExA(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) || failed();
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

struct map_range *map_ranges(size_t *count)
{
    *count = 0;
    return NULL;
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

static uint8_t *find_free(uint64_t base, uint64_t size)
{
    uint8_t *got = VirtualAlloc((void *)(uintptr_t)base, size, MEM_RESERVE, PAGE_NOACCESS);

    if (got)
        VirtualFree(got, 0, MEM_RELEASE);
    return got;
}

bool map_reserve(uint64_t base, uint64_t size, bool exact, uint8_t **out)
{
    uint8_t *got = NULL;

    *out = NULL;
    size = whole_pages(size);
    if (base && (*out = find_free(base, size)))
        return true;
    if (exact) {
        errno = EEXIST;
        return false;
    }
    if (size + HUGE_PAGE < size || !(got = find_free(0, size + HUGE_PAGE))) {
        errno = ENOMEM;
        return false;
    }
    *out = got + (-(uint64_t)(uintptr_t)got & (HUGE_PAGE - 1));
    return true;
}

bool map_fresh(uint8_t *at, uint64_t size)
{
    return VirtualAlloc(at, whole_pages(size), MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) ||
           failed();
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

bool map_file(uint8_t *at, uint64_t size, int fd, uint64_t offset, bool write)
{
    uint32_t prot = write ? SIMG_PROT_R | SIMG_PROT_W : SIMG_PROT_R;

    if (offset % VIEW == 0 && view_at(at, size, fd, offset))
        return map_protect(at, size, prot);
    return map_fresh(at, size) && map_read(fd, offset, at, size);
}

bool map_protect(uint8_t *at, uint64_t size, uint32_t prot)
{
    MEMORY_BASIC_INFORMATION info;
    DWORD rights = PAGE_READONLY, old = 0;

    if (!VirtualQuery(at, &info, sizeof info))
        return failed();
    if (prot & SIMG_PROT_W) /* a view is copied where it is written to */
        rights = info.Type == MEM_MAPPED ? PAGE_WRITECOPY : PAGE_READWRITE;
    else if (prot & SIMG_PROT_X)
        rights = PAGE_EXECUTE_READ;
    return VirtualProtect(at, whole_pages(size), rights, &old) || failed();
}

/* Views and fresh memory, whatever of them is there. */
void map_release(uint8_t *at, uint64_t size)
{
    MEMORY_BASIC_INFORMATION info;

    for (uint64_t done = 0; at && done < size;) {
        if (!VirtualQuery(at + done, &info, sizeof info) || info.RegionSize == 0)
            return;
        if (info.Type == MEM_MAPPED)
            UnmapViewOfFile(info.AllocationBase);
        else if (info.State != MEM_FREE)
            VirtualFree(info.AllocationBase, 0, MEM_RELEASE);
        done = (uint64_t)((uint8_t *)info.BaseAddress + info.RegionSize - at);
    }
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
