/* SPDX-License-Identifier: MIT */
/* cache_tell.c - who else is to know of an image's code: a debugger, and the
 * unwinder of exceptions.  (Profilers look into the file that is mapped.) */

#include "runtime/cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- gdb and lldb: "JIT Compilation Interface" of gdb's manual ---- */

struct jit_code_entry {
    struct jit_code_entry *next_entry, *prev_entry;
    const uint8_t *symfile_addr;
    uint64_t symfile_size;
};

enum { JIT_NOACTION, JIT_REGISTER, JIT_UNREGISTER };

struct jit_descriptor {
    uint32_t version, action_flag;
    struct jit_code_entry *relevant_entry, *first_entry;
};

/* The names are the debugger's.  Weak: a process may have a compiler with the same interface
   linked in, and one list does for both. */
SIMG_API __attribute__((weak, noinline)) void __jit_debug_register_code(void);
SIMG_API __attribute__((weak)) extern struct jit_descriptor __jit_debug_descriptor;

void __jit_debug_register_code(void) { __asm__ volatile("" ::: "memory"); /* a breakpoint is here */ }

struct jit_descriptor __jit_debug_descriptor = {.version = 1};

static atomic_flag list_is_taken = ATOMIC_FLAG_INIT;

static void tell_debugger(struct jit_code_entry *entry, uint32_t action)
{
    struct jit_descriptor *d = &__jit_debug_descriptor;

    while (atomic_flag_test_and_set(&list_is_taken))
        ;
    if (action == JIT_REGISTER) {
        entry->next_entry = d->first_entry;
        if (entry->next_entry)
            entry->next_entry->prev_entry = entry;
        d->first_entry = entry;
    } else {
        if (entry->prev_entry)
            entry->prev_entry->next_entry = entry->next_entry;
        else
            d->first_entry = entry->next_entry;
        if (entry->next_entry)
            entry->next_entry->prev_entry = entry->prev_entry;
    }
    d->relevant_entry = entry;
    d->action_flag = action;
    __jit_debug_register_code();
    d->action_flag = JIT_NOACTION;
    atomic_flag_clear(&list_is_taken);
}

struct shown {
    struct jit_code_entry entry;
    struct map_view file;
};

static struct shown *show(int fd)
{
    struct shown *s = calloc(1, sizeof *s);
    uint64_t size = 0;

    if (!s || !map_file_size(fd, &size) || !map_view(fd, 0, size, &s->file)) {
        free(s);
        return NULL;
    }
    s->entry.symfile_addr = s->file.at;
    s->entry.symfile_size = size;
    tell_debugger(&s->entry, JIT_REGISTER);
    return s;
}

static void hide(struct shown *s)
{
    if (!s)
        return;
    tell_debugger(&s->entry, JIT_UNREGISTER);
    map_unview(&s->file);
    free(s);
}

/* ---- the unwinder ---- */

typedef void frame_function(const void *);

static frame_function *unwinder(const char *name)
{
    return (frame_function *)(uintptr_t)loaded_symbol(name);
}

/* libgcc takes a whole section, LLVM's libunwind one function's rows at a time; it has a name of
   its own to know it by. */
static bool call_unwinder(const char *name, const uint8_t *eh_frame)
{
    frame_function *call = unwinder(name);
    uint32_t length = 0, id = 0;

    if (!call)
        return false;
    if (!unwinder("__unw_add_dynamic_fde")) {
        call(eh_frame);
        return true;
    }
    for (; memcpy(&length, eh_frame, 4), length; eh_frame += 4 + (size_t)length) {
        memcpy(&id, eh_frame + 4, 4);
        if (id)
            call(eh_frame);
    }
    return true;
}

#define UNWIND_ROOT ".eh_frame"

static bool use_tables(struct simg_cache *c, const void *tables)
{
    if (c->unwound)
        call_unwinder("__deregister_frame", c->unwound);
    c->unwound = NULL;
    if (!tables)
        return true;
    if (!call_unwinder("__register_frame", tables))
        return false;
    c->unwound = tables;
    return true;
}

enum simg_status simg_cache_unwind(struct simg_cache *c, const void *eh_frame)
{
    enum simg_status status = simg_cache_set_root(c, UNWIND_ROOT, (void *)(uintptr_t)eh_frame);

    if (status != SIMG_OK)
        return status;
    return use_tables(c, eh_frame) ? SIMG_OK : SIMG_ERR_UNSUPPORTED;
}

/* ---- both ---- */

void tell_loaded(struct simg_cache *c, int fd, bool moved)
{
    if (moved) /* the file's addresses, and those in the tables, are of another place */
        return;
    if (c->o.flags & SIMG_CACHE_REGISTER)
        c->shown = show(fd);
    use_tables(c, simg_cache_root(c, UNWIND_ROOT));
}

void tell_unloaded(struct simg_cache *c)
{
    hide(c->shown);
    c->shown = NULL;
    use_tables(c, NULL);
}
