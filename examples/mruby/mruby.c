/* SPDX-License-Identifier: MIT */
/* mruby.c - mruby for the runner: mruby-cache --engine.Cache=app.image -r library.rb app.rb
 *
 * All of mruby's state is in memory that mrb_open_allocf() takes from its allocator, but for what
 * that call writes to variables of the library; a process that loads an image does not call it:
 *
 *   numbers of symbols   in the compiled methods of the library; they go into the image and back
 *   a table for base64   is made when a string is unpacked
 *
 * What mruby knows of the process:
 *
 *   methods in C    the image's words that point into the program are written again if it is
 *                   elsewhere.  The cache of methods has such addresses shifted by two bits, which
 *                   nobody could know for what they are: it is emptied
 *   files           the standard ones have the same numbers in each process; others are closed
 *   random numbers  mruby begins with the same ones in each process, from source too
 *   the C stack     mrb->jmp, which is NULL where no script runs
 *
 * Hashes and the method cache go by addresses of objects, which are in the arena and stay. */

#define _GNU_SOURCE /* memmem */
#include "runner.h"

#include <mruby.h>
#include <mruby/array.h>
#include <mruby/class.h>
#include <mruby/compile.h>
#include <mruby/data.h>
#include <mruby/dump.h>
#include <mruby/error.h>
#include <mruby/gc.h>
#include <mruby/irep.h>
#include <mruby/debug.h> /* needs the former */
#include <mruby/proc.h>
#include <mruby/string.h>
#include <mruby/variable.h>
#include <mruby/version.h>
#include <stdio.h>
#include <string.h>

/* In the library, and in no header: mruby-io's type, and how mruby-pack starts. */
extern const struct mrb_data_type mrb_io_type;
extern void mrb_mruby_pack_gem_init(mrb_state *mrb);

/* Symbols of a method of the library, for an image. */
struct symbols {
    struct symbols *next;
    mrb_sym *at; /* in the library */
    size_t size;
    mrb_sym kept[];
};

/* The allocator's user data, in the arena. */
struct memory {
    struct simg_arena *arena;
    struct session *session;
    mrb_value compiled;      /* a Proc for each source, by its number */
    struct symbols *symbols; /* in an image */
};

static void *allocate(mrb_state *mrb, void *p, size_t size, void *ud)
{
    (void)mrb;
    return simg_arena_realloc(((struct memory *)ud)->arena, p, size);
}

static struct memory *memory_of(mrb_state *mrb) { return mrb->allocf_ud; }
static struct session *session_of(mrb_state *mrb) { return memory_of(mrb)->session; }

/* ---- what scripts can call ---- */

/* As a call, not by mrb_top_run(): that would leave blocks which outlive their file with variables on
   mruby's stack, where the next file's are. */
static mrb_value call(mrb_state *mrb, mrb_value proc)
{
    return mrb_yield_with_class(mrb, proc, 0, NULL, mrb_top_self(mrb), mrb->object_class);
}

static mrb_value call_pointed(mrb_state *mrb, void *proc) { return call(mrb, *(mrb_value *)proc); }

static mrb_value proc_of(mrb_state *mrb, const struct source *f)
{
    return mrb_ary_ref(mrb, memory_of(mrb)->compiled, (mrb_int)f->number);
}

static mrb_value do_load(mrb_state *mrb, mrb_value self)
{
    const struct source *f = NULL;
    const char *path = NULL;
    char error[256];

    (void)self;
    mrb_get_args(mrb, "z", &path);
    if (!(f = session_source(session_of(mrb), path, error, sizeof error)))
        mrb_raise(mrb, mrb_class_get(mrb, "ScriptError"), error);
    call(mrb, proc_of(mrb, f));
    return mrb_true_value();
}

/* Debian's mruby has no exit.  As in Ruby it is an exception, so `ensure` is not passed over. */
static mrb_value do_exit(mrb_state *mrb, mrb_value self)
{
    mrb_int status = 0;
    mrb_value e = mrb_nil_value();

    (void)self;
    mrb_get_args(mrb, "|i", &status);
    e = mrb_exc_new_lit(mrb, mrb_class_get(mrb, "SystemExit"), "exit");
    mrb_iv_set(mrb, e, mrb_intern_lit(mrb, "status"), mrb_fixnum_value(status));
    mrb_exc_raise(mrb, e);
    return mrb_nil_value();
}

static int has_table = 1; /* mruby-pack's */

/* The table is made in a state that has little else and ends at once. */
static void make_table(void)
{
    mrb_state *other = has_table ? NULL : mrb_open_core(mrb_default_allocf, NULL);

    has_table = 1;
    if (!other)
        return;
    mrb_mruby_pack_gem_init(other);
    mrb_close(other);
}

static mrb_value do_unpack(mrb_state *mrb, mrb_value self)
{
    const char *format = NULL;

    mrb_get_args(mrb, "z", &format);
    make_table();
    return mrb_funcall(mrb, self, "__unpack", 1, mrb_str_new_cstr(mrb, format));
}

static mrb_value do_unpack1(mrb_state *mrb, mrb_value self)
{
    return mrb_ary_ref(mrb, do_unpack(mrb, self), 0);
}

/* ---- errors ---- */

/* Exception E is told; NAME is where it is from if E does not know.  exit() ends the session. */
static int told(struct session *s, const char *name, mrb_value e)
{
    mrb_state *mrb = s->state;
    mrb_value lines = mrb_nil_value(), text = mrb_nil_value();
    int place = mrb_gc_arena_save(mrb);

    mrb->exc = NULL;
    if (mrb_obj_is_kind_of(mrb, e, mrb_class_get(mrb, "SystemExit"))) {
        mrb_value status = mrb_iv_get(mrb, e, mrb_intern_lit(mrb, "status"));

        mrb_gc_arena_restore(mrb, place);
        session_exit(s, (int)mrb_fixnum(status));
    }
    lines = mrb_exc_backtrace(mrb, e);
    text = mrb_funcall(mrb, e, "message", 0);
    if (mrb->exc || !mrb_string_p(text)) /* a message of one's own that fails */
        text = mrb_str_new_lit(mrb, "?");
    mrb->exc = NULL;
    if (mrb_array_p(lines) && RARRAY_LEN(lines) > 0)
        tell(s, "%s: %s (%s)", RSTRING_CSTR(mrb, RARRAY_PTR(lines)[0]), RSTRING_CSTR(mrb, text),
             mrb_obj_classname(mrb, e));
    else
        tell(s, "%s: %s (%s)", name, RSTRING_CSTR(mrb, text), mrb_obj_classname(mrb, e));
    mrb_gc_arena_restore(mrb, place);
    return -1;
}

/* ---- the language ---- */

static void *make(struct session *s)
{
    struct memory *m = simg_arena_alloc(simg_cache_arena(s->cache), sizeof *m);
    mrb_state *mrb = NULL;

    if (!m)
        return NULL;
    *m = (struct memory){.arena = simg_cache_arena(s->cache), .session = s};
    if (!(mrb = mrb_open_allocf(allocate, m)))
        return NULL;
    m->compiled = mrb_ary_new(mrb);
    mrb_gc_register(mrb, m->compiled);
    mrb_define_class(mrb, "SystemExit", mrb->eException_class);
    mrb_define_method(mrb, mrb->kernel_module, "load", do_load, MRB_ARGS_REQ(1));
    mrb_define_method(mrb, mrb->kernel_module, "exit", do_exit, MRB_ARGS_OPT(1));
    mrb_define_alias(mrb, mrb->string_class, "__unpack", "unpack");
    mrb_define_method(mrb, mrb->string_class, "unpack", do_unpack, MRB_ARGS_REQ(1));
    mrb_define_method(mrb, mrb->string_class, "unpack1", do_unpack1, MRB_ARGS_REQ(1));
    return mrb;
}

static void end(void *state)
{
    struct memory *m = memory_of(state);

    mrb_close(state);
    while (m->symbols) {
        struct symbols *next = m->symbols->next;

        simg_arena_free(m->arena, m->symbols);
        m->symbols = next;
    }
    simg_arena_free(m->arena, m);
}

/* What `mrbc` writes begins with its ident: trusted, as the program is. */
static int is_bytecode(const char *text, size_t size)
{
    return size >= sizeof RITE_BINARY_IDENT && memcmp(text, RITE_BINARY_IDENT, 4) == 0;
}

/* A Proc, or nil and mrb->exc. */
static mrb_value compiled(mrb_state *mrb, const char *name, const char *text, size_t size)
{
    mrbc_context *context = mrbc_context_new(mrb);
    mrb_value proc = mrb_nil_value();

    mrbc_filename(mrb, context, name);
    context->capture_errors = 1;
    context->no_exec = 1;
    proc = is_bytecode(text, size) ? mrb_load_irep_buf_cxt(mrb, text, size, context)
                                   : mrb_load_nstring_cxt(mrb, text, size, context);
    mrbc_context_free(mrb, context);
    if (mrb_proc_p(proc))
        MRB_PROC_SET_TARGET_CLASS(mrb_proc_ptr(proc), mrb->object_class);
    else if (!mrb->exc)
        mrb->exc = mrb_obj_ptr(mrb_exc_new_lit(mrb, mrb_class_get(mrb, "ScriptError"),
                                               "this is not mruby's bytecode"));
    return proc;
}

static int compile(struct session *s, const struct source *f)
{
    mrb_state *mrb = s->state;
    int place = mrb_gc_arena_save(mrb);
    mrb_value proc = compiled(mrb, f->name, f->text, f->size);

    if (mrb->exc)
        return told(s, f->name, mrb_obj_value(mrb->exc));
    mrb_ary_set(mrb, memory_of(mrb)->compiled, (mrb_int)f->number, proc);
    mrb_gc_arena_restore(mrb, place);
    return 0;
}

static int run_proc(struct session *s, const char *name, mrb_value proc)
{
    mrb_state *mrb = s->state;
    int place = mrb_gc_arena_save(mrb);
    mrb_bool failed = 0;
    mrb_value e = mrb_protect_error(mrb, call_pointed, &proc, &failed);

    mrb_gc_arena_restore(mrb, place);
    if (!failed)
        return 0;
    mrb_gc_protect(mrb, e);
    return told(s, name, e);
}

static int run(struct session *s, const struct source *f)
{
    return run_proc(s, f->name, proc_of(s->state, f));
}

static int run_text(struct session *s, const char *name, const char *text)
{
    mrb_state *mrb = s->state;
    int place = mrb_gc_arena_save(mrb);
    mrb_value proc = compiled(mrb, name, text, strlen(text));
    int failed = mrb->exc ? told(s, name, mrb_obj_value(mrb->exc)) : run_proc(s, name, proc);

    mrb_gc_arena_restore(mrb, place);
    return failed;
}

static void arguments(struct session *s, char **all)
{
    mrb_state *mrb = s->state;
    int place = mrb_gc_arena_save(mrb);
    mrb_value list = mrb_ary_new(mrb);

    for (; *all; all++)
        mrb_ary_push(mrb, list, mrb_str_new_cstr(mrb, *all));
    mrb_define_global_const(mrb, "ARGV", list);
    mrb_gc_arena_restore(mrb, place);
}

/* ---- functions: methods and blocks, each of which is an irep of its own ---- */

/* Where a walk over the functions of a source is in its text. */
struct walk {
    struct session *s;
    const struct source *f;
    const char *at; /* where line LINE begins; NULL: there is no text */
    uint32_t line, count;
};

/* Functions come with their lines ascending, but for those that begin with a block. */
static void go_to_line(struct walk *w, uint32_t line)
{
    if (w->at && line < w->line)
        w->at = w->f->text, w->line = 1;
    for (; w->at && w->line < line; w->line++) {
        w->at = strchr(w->at, '\n');
        w->at = w->at ? w->at + 1 : NULL;
    }
}

/* The name behind "def" in line LINE, or "block". */
static void function_name(struct walk *w, uint32_t line, char *name, size_t size)
{
    const char *def = NULL;

    go_to_line(w, line);
    def = w->at ? memmem(w->at, strcspn(w->at, "\n"), "def ", 4) : NULL;
    snprintf(name, size, "%.*s", def ? (int)strcspn(def + 4, " (;\n") : 5, def ? def + 4 : "block");
}

static void tell_tree(struct walk *w, const mrb_irep *irep)
{
    int32_t line = irep->ilen ? mrb_debug_get_line(w->s->state, irep, 0) : -1;
    struct simg_function function = {.source = w->f->number, .line = line > 0 ? (uint32_t)line : 0};
    char name[96] = ":program", method[64];

    if (w->count == 0) {
        function.flags = SIMG_FUNCTION_EXECUTED;
    } else { /* several may be in a line */
        function_name(w, function.line, method, sizeof method);
        snprintf(name, sizeof name, "%s@%u", method, (unsigned)w->count);
    }
    function.name = name;
    w->count++;
    simg_cache_function(w->s->cache, &function);
    for (uint16_t i = 0; i < irep->rlen; i++)
        tell_tree(w, irep->reps[i]);
}

static void functions(struct session *s, const struct source *f)
{
    struct walk w = {s, f, is_bytecode(f->text, f->size) ? NULL : f->text, 1, 0};

    tell_tree(&w, mrb_proc_ptr(proc_of(s->state, f))->body.irep);
}

/* ---- into an image and out of one ---- */

static int close_file(mrb_state *mrb, struct RBasic *object, void *arg)
{
    mrb_value io = mrb_obj_value(object);

    (void)arg;
    if (object->tt != MRB_TT_DATA || mrb_object_dead_p(mrb, object) ||
        DATA_TYPE(io) != &mrb_io_type || mrb_test(mrb_funcall(mrb, io, "closed?", 0)))
        return MRB_EACH_OBJ_OK;
    if (mrb_fixnum(mrb_funcall(mrb, io, "fileno", 0)) > 2)
        mrb_funcall(mrb, io, "close", 0);
    mrb->exc = NULL; /* it cannot be closed: then it is not open */
    return MRB_EACH_OBJ_OK;
}

/* Most symbols have fixed numbers and are constants; the others are written when a state is made. */
static int is_variable(const void *p)
{
    extern char __data_start[], _end[]; /* the linker's */

    return (uintptr_t)p >= (uintptr_t)__data_start && (uintptr_t)p < (uintptr_t)_end;
}

static int keep_symbols(struct memory *m, const mrb_irep *irep)
{
    size_t size = irep->slen * sizeof *irep->syms;
    struct symbols *kept = NULL;

    if (size && is_variable(irep->syms)) {
        if (!(kept = simg_arena_alloc(m->arena, sizeof *kept + size)))
            return -1;
        *kept = (struct symbols){m->symbols, (mrb_sym *)(uintptr_t)irep->syms, size};
        memcpy(kept->kept, irep->syms, size);
        m->symbols = kept;
    }
    for (uint16_t i = 0; i < irep->rlen; i++)
        if (keep_symbols(m, irep->reps[i]) != 0)
            return -1;
    return 0;
}

static int keep_method(mrb_state *mrb, struct RBasic *object, void *failed)
{
    const struct RProc *proc = (const struct RProc *)object;

    if (object->tt == MRB_TT_PROC && !mrb_object_dead_p(mrb, object) && !MRB_PROC_CFUNC_P(proc) &&
        proc->body.irep && keep_symbols(memory_of(mrb), proc->body.irep) != 0)
        *(int *)failed = -1;
    return MRB_EACH_OBJ_OK;
}

static int prepare(struct session *s)
{
    mrb_state *mrb = s->state;
    int place = mrb_gc_arena_save(mrb), failed = 0;

    mrb_objspace_each_objects(mrb, close_file, NULL);
    mrb_gc_arena_restore(mrb, place);
    mrb_full_gc(mrb);
    mrb_objspace_each_objects(mrb, keep_method, &failed);
    memset(mrb->cache, 0, sizeof mrb->cache);
    memory_of(mrb)->session = NULL;
    return failed;
}

static int wake(struct session *s)
{
    for (struct symbols *k = memory_of(s->state)->symbols; k; k = k->next)
        memcpy(k->at, k->kept, k->size);
    has_table = 0;
    memory_of(s->state)->session = s;
    return 0;
}

const struct language language = {
    .name = "mruby-cache",
    .version = "mruby " MRUBY_VERSION,
    .flags = SIMG_ENGINE_OWN_MODULE, /* mruby is linked in, and points to nothing else */
    .make = make,
    .end = end,
    .compile = compile,
    .run = run,
    .run_text = run_text,
    .arguments = arguments,
    .functions = functions,
    .prepare = prepare,
    .wake = wake,
};
