/* SPDX-License-Identifier: MIT */
/* cache.h - keep a warm engine in a file, and start from it.
 *
 * An engine (an interpreter, a compiler of patterns) that takes all of its
 * memory from an arena can be stored as it is, with everything that it has
 * loaded, parsed and compiled, and loaded in the next process at the address
 * at which it stood: nothing is read again and nothing is copied.  The file is
 * a sysimage, a valid shared library that readelf, gdb and objtool inspect
 * read.  sysimage-cache(7) is the manual's page for those who use an engine
 * that has this, simg_cache(3) for those who write one.
 *
 * The order of calls:
 *
 *   1. simg_cache_options_init(), then simg_cache_option() for each argument;
 *   2. simg_cache_open(): an arena, empty or with the engine of an image;
 *   3. if it is empty (simg_cache_loaded() is 0), make the engine in it, with
 *      simg_arena_realloc() as its allocator, and say where it is by
 *      simg_cache_set_root(); else take it from simg_cache_root();
 *   4. tell of sources and functions as they come (simg_cache_source(),
 *      simg_cache_function());
 *   5. simg_cache_close(), which stores if the options say so.
 *
 * Several may be open at once, each at an address of its own; they are closed
 * in any order.  One belongs to one thread at a time.  Nothing is printed but
 * what the options ask for, and the program is never ended.
 *
 * Unless said otherwise: sizes are in bytes, pointers must not be NULL and are
 * not kept, strings are copied, and ERROR may be NULL. */

#ifndef SYSIMAGE_CACHE_H
#define SYSIMAGE_CACHE_H

#include <stddef.h>
#include <stdint.h>
#include <sysimage/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the arena: all of an engine's memory ---- */

/* It stands at its own address, the same in each process: an engine may keep
   the pointer in its memory. */
struct simg_arena;

/* SIZE bytes (16-aligned, all zero), or NULL if the arena is full. */
SIMG_API void *simg_arena_alloc(struct simg_arena *arena, size_t size);

/* P with SIZE bytes, moved if need be; what is new is zero.  P may be NULL.  SIZE 0 frees,
   and returns NULL.  If the arena is full it returns NULL and P stays as it is. */
SIMG_API void *simg_arena_realloc(struct simg_arena *arena, void *p, size_t size);

/* P may be NULL.  Its bytes are set to zero: no stale pointer gets into an image. */
SIMG_API void simg_arena_free(struct simg_arena *arena, void *p);

/* The bytes that P has: as many as were asked for, or a few more. */
SIMG_API size_t simg_arena_size(const struct simg_arena *arena, const void *p);

/* SIZE bytes of memory for machine code, in whole pages, zero, readable and writable; or NULL
   if the arena was opened without room for that. */
SIMG_API void *simg_arena_code(struct simg_arena *arena, size_t size);

/* Rights of whole pages of code: PROT is an enum simg_prot of format.h.  0 if it worked.  An
   image's code is loaded readable and executable, and never writable. */
SIMG_API int simg_arena_protect(struct simg_arena *arena, void *p, size_t size, int prot);

/* Give back pages of simg_arena_code(). */
SIMG_API void simg_arena_free_code(struct simg_arena *arena, void *p, size_t size);

/* ---- options ---- */

/* When an image is stored or loaded.  Only with ON is a refusal an error. */
enum simg_cache_mode {
    SIMG_CACHE_AUTO = 0,     /* the default: without the image if it cannot be had */
    SIMG_CACHE_ON = 1,       /* simg_cache_open() fails if there is an image and it is refused, and
                                simg_cache_close() if none can be stored */
    SIMG_CACHE_OFF = 2,      /* neither load nor store */
    SIMG_CACHE_READ_ONLY = 3 /* load, and write nothing */
};

/* Which functions' code an image has. */
enum simg_compile {
    SIMG_COMPILE_NONE = 0,     /* no code; what there is is dropped */
    SIMG_COMPILE_COMPILED = 1, /* what is complete */
    SIMG_COMPILE_HOT = 2,      /* the default: also what was started, which is completed */
    SIMG_COMPILE_AOT = 3,      /* also what can be compiled ahead of time */
    SIMG_COMPILE_EXECUTED = 4  /* also what was executed */
};

/* When an image that was loaded is stored again. */
enum simg_update {
    SIMG_UPDATE_ALWAYS = 0,     /* the default */
    SIMG_UPDATE_NEW_SOURCE = 1, /* its sources are not those that there are now */
    SIMG_UPDATE_NEW_ROOT = 2,   /* its functions are not */
    SIMG_UPDATE_NEW_CODE = 3,   /* its functions are not, or not those that have code */
    SIMG_UPDATE_NEVER = 4
};

/* Whether strings are looked for that ought not to be kept: the values of
   environment variables whose names speak of secrets. */
enum simg_audit {
    SIMG_AUDIT_REFUSE = 0, /* the default: an image that has one is not stored */
    SIMG_AUDIT_WARN = 1,   /* a trace line */
    SIMG_AUDIT_OFF = 2
};

enum simg_cache_flag {
    SIMG_CACHE_PREINITIALIZE = 1, /* an engine may store a context, not its code alone */
    SIMG_CACHE_TRACE = 2,
    SIMG_CACHE_TRACE_COMPILATION = 4,
    SIMG_CACHE_HISTOGRAM = 8,      /* when storing: what the arena has, by type */
    SIMG_CACHE_REFERENCE_TREE = 16, /* when storing: who holds it */
    SIMG_CACHE_DEBUG_STORE = 32,   /* store in this process's memory */
    SIMG_CACHE_DEBUG_LOAD = 64,    /* and load from there */
    SIMG_CACHE_DEBUG_TRACE = 128,
    SIMG_CACHE_REGISTER = 256 /* tell a debugger of an image's functions */
};

/* Fill it by simg_cache_options_init(); the members may be set by hand, too. */
struct simg_cache_options {
    size_t size;          /* sizeof (struct simg_cache_options): lets it grow */
    char *load, *store;   /* paths, malloc'ed; NULL: not to be done.  A directory (or a path that
                             ends with '/') has a file for each engine, build and CPU */
    uint32_t mode;        /* enum simg_cache_mode */
    uint32_t verify;      /* enum simg_verify of image.h */
    uint32_t compile;     /* enum simg_compile */
    uint32_t update;      /* enum simg_update */
    uint32_t audit;       /* enum simg_audit */
    uint32_t flags;       /* enum simg_cache_flag */
    uint32_t debug_compile; /* enum simg_compile, with SIMG_CACHE_DEBUG_STORE */
    uint32_t lock_timeout;  /* milliseconds; another process is storing there */
    uint64_t max_image;     /* bytes of a file; UINT64_MAX: any.  With 0 nothing is stored */
    uint64_t max_directory; /* bytes of all images of the directory together; the ones not used for
                               the longest time go */
    /* Each line of a trace, without its newline; NULL: to standard error. */
    void (*trace)(void *arg, const char *line);
    void *trace_arg;
};

/* The defaults. */
SIMG_API void simg_cache_options_init(struct simg_cache_options *options);

/* Free the paths, and set the defaults. */
SIMG_API void simg_cache_options_free(struct simg_cache_options *options);

/* Take an argument of the command line such as "--engine.CacheStore=fib.image";
 * sysimage-cache(7) lists them.
 *
 * SIMG_OK             it was one of these
 * SIMG_ERR_NOT_FOUND  it is none of these
 * SIMG_ERR_ARGUMENT   it is, and its value is not allowed
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_cache_option(struct simg_cache_options *options, const char *argument,
                                            struct simg_error *error);

/* Take all arguments in environment variable NAME, which are divided by blanks: a path that has one
   cannot be said there.  Errors: those of simg_cache_option(); it is fine if there is no such
   variable, and a program with more rights than who started it sees none. */
SIMG_API enum simg_status simg_cache_option_env(struct simg_cache_options *options,
                                                const char *name, struct simg_error *error);

/* ---- the engine ---- */

struct simg_cache;

enum simg_function_flag {
    SIMG_FUNCTION_EXECUTED = 1,
    SIMG_FUNCTION_STARTED = 2,  /* its compilation was asked for, and is not complete */
    SIMG_FUNCTION_COMPILED = 4, /* it has code */
    SIMG_FUNCTION_AOT = 8       /* it can be compiled before it is executed */
};

/* A function root: what an engine compiles as a unit. */
struct simg_function {
    const char *name;
    uint32_t source; /* what simg_cache_source() gave; UINT32_MAX: none */
    uint32_t line;
    uint32_t flags; /* enum simg_function_flag */
    uint64_t calls; /* its profile */
    void *object;   /* in the arena; NULL: none */
    void *code;     /* its machine code; NULL: none, or the engine's secret */
    uint64_t code_size;
};

enum simg_engine_flag {
    /* Tables hash addresses of the engine's own functions or data: an image is refused where
       the engine is not at the address at which it was. */
    SIMG_ENGINE_HASHES_ADDRESSES = 1,
    SIMG_ENGINE_HAS_CODE = 2,  /* machine code: an image is refused by a CPU that lacks a feature */
    SIMG_ENGINE_CODE_ONLY = 4, /* for those who look: images have no state of programs */
    SIMG_ENGINE_MOVABLE = 8,   /* with SCAN: an image may be loaded elsewhere, too */
    /* Its memory has pointers to one module alone, that of ANCHOR: what looks like a pointer to
       another is a number. */
    SIMG_ENGINE_OWN_MODULE = 16
};

/* What the library has to know of an engine.  Must live as long as the cache is open; members
   may be NULL or 0 unless said otherwise. */
struct simg_engine {
    size_t size;         /* sizeof (struct simg_engine): lets it grow */
    const char *name;    /* not NULL: "js"; in trace lines and in names of files */
    const char *version;
    const char *build_flags; /* its settings that an image depends on, as text */
    const char *inputs;  /* what the image is made from, as text (a hash, say): with another, it
                            is stale */
    const void *anchor;  /* an address in the engine's own code: an image is of that build alone.
                            NULL: the program's */
    uint32_t flags;      /* enum simg_engine_flag */
    uint64_t reserve;    /* of address space; 0: 1 GiB.  Costs nothing until it is used, but counts
                            where address space is limited */
    uint64_t code;       /* of this, for machine code; 0: none */
    uint64_t address;    /* of the arena, a multiple of 2 MiB; 0: one is chosen */

    /* Each returns 0 if all is well. */
    /* Make the engine ready: finish what runs, drop what is not to be kept. */
    int (*before_store)(void *arg, struct simg_cache *cache);
    /* Mend what is of the process: files, the stack's limits, a collector's threshold; and what the
       engine fills outside of the arena when it is made.  Called inside simg_cache_open(). */
    int (*after_load)(void *arg, struct simg_cache *cache);
    /* Compile F, or drop its code, and change its members to match. */
    int (*compile)(void *arg, struct simg_cache *cache, struct simg_function *f);
    int (*drop)(void *arg, struct simg_cache *cache, struct simg_function *f);
    /* Say by simg_cache_slot() where pointers are.  NULL: each aligned word of the arena that
       looks like one is. */
    int (*scan)(void *arg, struct simg_cache *cache);
    void *arg;
};

/* Why there is no image, or what became of it.  Values are part of the ABI. */
enum simg_verdict {
    SIMG_VERDICT_NONE = 0,     /* not asked for */
    SIMG_VERDICT_OK = 1,       /* loaded; stored */
    SIMG_VERDICT_ABSENT = 2,   /* no such file */
    SIMG_VERDICT_STALE = 3,    /* made from other inputs: it will be replaced */
    SIMG_VERDICT_DAMAGED = 4,  /* set aside */
    SIMG_VERDICT_FOREIGN = 5,  /* of another build of the engine or of a library: left alone */
    SIMG_VERDICT_CPU = 6,      /* of a CPU that can do more */
    SIMG_VERDICT_FLAGS = 7,    /* of an engine with other settings */
    SIMG_VERDICT_ADDRESS = 8,  /* its address is taken */
    SIMG_VERDICT_MOVED = 9,    /* the engine is at another address, and hashes addresses */
    SIMG_VERDICT_TOO_LARGE = 10,
    SIMG_VERDICT_NOT_OURS = 11, /* of another user, or others may write to it */
    SIMG_VERDICT_SYSTEM = 12,  /* the system refused */
    SIMG_VERDICT_ENGINE = 13,  /* the engine refused: a function of its own returned not 0 */
    SIMG_VERDICT_UNCHANGED = 14, /* not stored: the update policy says so */
    SIMG_VERDICT_BUSY = 15,    /* not stored: another process is storing */
    SIMG_VERDICT_BACK_OFF = 16, /* not stored: that failed a short time ago */
    SIMG_VERDICT_SECRET = 17,  /* not stored: it has what ought not to be kept */
    SIMG_VERDICT_FORKED = 18,  /* not stored: this is another process than the one that opened it */
    SIMG_VERDICT_READ_ONLY = 19 /* not stored: that was not to be */
};

/* VERDICT as one word, for example "foreign"; never NULL. */
SIMG_API const char *simg_verdict_text(enum simg_verdict verdict);

struct simg_cache_status {
    uint32_t load, store;          /* enum simg_verdict */
    char load_text[192], store_text[192]; /* one line each; "" if there is nothing to say */
    uint64_t load_bytes, store_bytes;     /* of the files */
    uint64_t load_us, prepare_us, persist_us, write_us; /* microseconds */
    uint64_t arena_bytes, code_bytes, live_bytes, live_blocks; /* now */
    uint32_t sources, functions;          /* now */
    uint32_t patched;                     /* words written because a library had moved */
    uint64_t slots, outside;              /* when stored: pointers inside, and into libraries */
    uint64_t strays;                      /* when stored with SIMG_CACHE_TRACE: words that look like
                                             pointers to what will not be there: stack, other
                                             allocators' memory */
};

/* Open a cache for ENGINE, which is kept, and load the image that OPTIONS (which may be NULL for
 * the defaults) name, if that can be done.
 *
 * On success *OUT is a new cache, to be ended by simg_cache_close() or
 * simg_cache_abandon(); simg_cache_loaded() says whether it has an engine.  On failure *OUT is
 * NULL and nothing stays mapped.
 *
 * SIMG_ERR_ARGUMENT  a member of ENGINE or OPTIONS is not allowed
 * SIMG_ERR_ADDRESS   the address that the engine asks for is taken
 * SIMG_ERR_MEMORY    no memory, or no address space for the arena
 * SIMG_ERR_SYSTEM
 * and, with SIMG_CACHE_ON, whatever an image is refused for */
SIMG_API enum simg_status simg_cache_open(const struct simg_engine *engine,
                                          const struct simg_cache_options *options,
                                          struct simg_cache **out, struct simg_error *error);

/* Whether the engine came from an image. */
SIMG_API int simg_cache_loaded(const struct simg_cache *cache);

SIMG_API struct simg_arena *simg_cache_arena(const struct simg_cache *cache);

/* What became of it so far. */
SIMG_API void simg_cache_get_status(const struct simg_cache *cache, struct simg_cache_status *out);

/* Whether OPTIONS had FLAG of enum simg_cache_flag. */
SIMG_API int simg_cache_wants(const struct simg_cache *cache, uint32_t flag);

/* Entries to the engine: P lies in the arena.  NULL takes NAME away. */
SIMG_API enum simg_status simg_cache_set_root(struct simg_cache *cache, const char *name, void *p);
SIMG_API void *simg_cache_root(const struct simg_cache *cache, const char *name);

/* The engine has the source NAME with these SIZE BYTES.  Its number is returned, UINT32_MAX
   without memory; the same again gives the same number.  If IS_NEW is not NULL, *IS_NEW is 0 if it
   was there before (in the image, for example: it need not be parsed). */
SIMG_API uint32_t simg_cache_source(struct simg_cache *cache, const char *name, const void *bytes,
                                    size_t size, int *is_new);

/* The engine has function F: a new one, or one with the same source, line and name, whose other
   members are replaced.  Its number is returned; UINT32_MAX without memory. */
SIMG_API uint32_t simg_cache_function(struct simg_cache *cache, const struct simg_function *f);

/* Source or function INDEX, from 0; 0 if there is none.  Texts live until the next call that adds
   one. */
SIMG_API int simg_cache_get_source(struct simg_cache *cache, uint32_t index, const char **name,
                                   uint64_t *size);
SIMG_API int simg_cache_get_function(struct simg_cache *cache, uint32_t index,
                                     struct simg_function *out);

/* The engine has lost its source or function INDEX, which keeps its number. */
SIMG_API void simg_cache_drop_source(struct simg_cache *cache, uint32_t index);
SIMG_API void simg_cache_drop_function(struct simg_cache *cache, uint32_t index);

/* The arena has, at EH_FRAME, the unwind tables of its code: the bytes of a section .eh_frame (LSB,
 * "Exception Frames") with absolute addresses, ending with four that are zero.  The process's
 * unwinder knows of them from now on, and as soon as the image is loaded; NULL ends that.  They are
 * kept, and must not be freed before.
 *
 * SIMG_ERR_ARGUMENT     not in the arena
 * SIMG_ERR_UNSUPPORTED  there is no unwinder in the process that takes such tables; they are kept in
 *                       the image all the same
 * SIMG_ERR_MEMORY */
SIMG_API enum simg_status simg_cache_unwind(struct simg_cache *cache, const void *eh_frame);

/* Inside simg_engine.scan: the word at WORD, in the arena, is a pointer. */
SIMG_API void simg_cache_slot(struct simg_cache *cache, void *word);

/* What the block P of the arena is, for histograms: a type's name, "function" for example.  At
   most 65,535 different ones count. */
SIMG_API void simg_cache_type(struct simg_cache *cache, void *p, const char *type);

/* Store the engine now, where OPTIONS say.  Only with SIMG_CACHE_ON is a refusal an error; the
   status says what became of it. */
SIMG_API enum simg_status simg_cache_store(struct simg_cache *cache, struct simg_error *error);

/* Store, if OPTIONS say so and simg_cache_store() was not called, and unload.  CACHE ends whatever
   is returned, and may be NULL. */
SIMG_API enum simg_status simg_cache_close(struct simg_cache *cache, struct simg_error *error);

/* Unload, and store nothing.  CACHE may be NULL. */
SIMG_API void simg_cache_abandon(struct simg_cache *cache);

#ifdef __cplusplus
}
#endif

#endif
