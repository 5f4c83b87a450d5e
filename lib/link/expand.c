/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expand.c - from the command line's inputs to open files: -l and -L, linker
 * scripts in place of libraries, and which of them are archives. */

#include "coff/file.h"
#include "coff/machine.h"
#include "dll/dll.h"
#include "elf/elf.h"
#include "link/inputs.h"
#include "macho/file.h"
#include "macho/machine.h"

#include <sys/utsname.h>
#include <unistd.h>

/* ---- recognising ---- */

/* The CPU that a file is for, as its format numbers it; both 0 if it does not
   say, or is for several. */
struct peek {
    uint16_t elf;   /* e_machine */
    uint32_t macho; /* cputype */
    uint16_t coff;  /* IMAGE_FILE_MACHINE_* */
};

static const char magics[2][4] = {"\177ELF", "\xcf\xfa\xed\xfe"};

/* COFF has no magic number to search for: the CPU of the first of an archive's
   members that is COFF. */
static uint16_t peek_coff(struct span in)
{
    enum { AR_MAGIC = 8, AR_HEADER = 60, AR_SIZE = 48, LOOK = 8 };
    uint64_t at = AR_MAGIC;

    for (int i = 0; archive_is(in) && i < LOOK; i++) {
        struct span header, member;
        uint64_t size = 0;

        if (!span_sub(in, at, AR_HEADER, &header))
            return 0;
        for (int n = 0; n < 10 && header.at[AR_SIZE + n] >= '0' && header.at[AR_SIZE + n] <= '9'; n++)
            size = size * 10 + (uint64_t)(header.at[AR_SIZE + n] - '0');
        at += AR_HEADER;
        if (!span_sub(in, at, size, &member))
            return 0;
        at += size + (size & 1);
        if (header.at[0] != '/' && (coff_is_object(member) || coff_is_import(member)))
            return peek_coff(member);
    }
    if (archive_is(in))
        return 0;
    if (coff_is_import(in))
        return (uint16_t)load_uint(in.at + 6, 2, false);
    if (coff_is_image(in)) {
        uint64_t at_pe = load_uint(in.at + PE_OFFSET_AT, 4, false) + 4;

        return at_pe + 2 <= in.size ? (uint16_t)load_uint(in.at + at_pe, 2, false) : 0;
    }
    /* A bigobj's is behind its version. */
    return coff_is_object(in) ? (uint16_t)load_uint(in.at + (in.at[0] || in.at[1] ? 0 : 6), 2, false)
                              : 0;
}

/* Of an archive: where its first object starts. */
static struct span first_member(struct span in)
{
    uint64_t size = in.size < 1 << 20 ? in.size : 1 << 20;
    const uint8_t *first = NULL;

    for (size_t i = 0; i < 2; i++) {
        const uint8_t *found = memmem(in.at, size, magics[i], 4);

        first = found && (!first || found < first) ? found : first;
    }
    return first ? (struct span){first, in.size - (uint64_t)(first - in.at)} : (struct span){0};
}

static struct peek peek_machine(struct span in)
{
    struct cursor c = {.in = archive_is(in) ? first_member(in) : in};
    const uint8_t *ident = cur_take(&c, 16);
    struct peek p = {0};

    if (ident && !memcmp(ident, magics[0], 4)) {
        c.big = ident[5] == ELFDATA2MSB;
        cur_u16(&c);
        p.elf = cur_u16(&c);
    } else if (ident && !memcmp(ident, magics[1], 4)) {
        p.macho = (uint32_t)load_uint(ident + 4, 4, false);
    } else {
        p.coff = peek_coff(in);
    }
    return p;
}

/* A file for P may be what the link is for, as far as is known. */
static bool suits(const struct link *l, struct peek p)
{
    if (l->darwin)
        return !p.elf && !p.coff && (!p.macho || p.macho == l->darwin->cputype);
    if (l->coff)
        return !p.elf && !p.macho && (!p.coff || p.coff == l->coff->number);
    return !p.macho && !p.coff && (!p.elf || !l->machine || p.elf == l->machine->number);
}

bool input_is_bitcode(struct span in)
{
    return in.size >= 4 && (!memcmp(in.at, "BC\xc0\xde", 4) || !memcmp(in.at, "\xde\xc0\x17\x0b", 4));
}


/* ---- files ---- */

static struct file *open_file(struct link *l, const char *path)
{
    struct file *f = arena_alloc(&l->arena, 1, sizeof *f);

    if (!f || !arena_grow(&l->arena, (void **)&l->files, l->file_count, &l->file_cap,
                          sizeof *l->files)) {
        diag_nomem(l->d);
        return NULL;
    }
    if (!file_open(l->d, path, f))
        return NULL;
    l->files[l->file_count++] = f;
    if (file_is(f, l->opt->output)) {
        diag_fail(l->d, E_USAGE, "%s: is the output as well as an input", path);
        return NULL;
    }
    return f;
}

/* How files are called that -lNAME and -framework NAME may mean, the static
   one last. */
struct form {
    const char *before, *after; /* the name; what is NULL ends the list */
    bool twice;                 /* the name is its directory's as well */
    bool no_static;             /* not with -Bstatic */
};
static const struct form elf_forms[] = {
    {"lib", ".so", .no_static = true}, {"lib", ".a", .no_static = false}, {0}};
static const struct form darwin_forms[] = {{"lib", ".tbd", .no_static = true},
                                           {"lib", ".dylib", .no_static = true},
                                           {"lib", ".a", .no_static = false},
                                           {0}};
/* As GNU ld for MinGW has them. */
static const struct form coff_forms[] = {{"lib", ".dll.a", .no_static = true},
                                         {"", ".dll.a", .no_static = true},
                                         {"lib", ".a", .no_static = false},
                                         {"", ".lib", .no_static = false},
                                         {"lib", ".lib", .no_static = false},
                                         {"lib", ".dll", .no_static = true},
                                         {"", ".dll", .no_static = true},
                                         {0}};
static const struct form framework_forms[] = {
    {".framework/", ".tbd", .twice = true}, {".framework/", "", .twice = true}, {0}};
static const struct form exact_forms[] = {{"", "", .no_static = false}, {0}};

static char *form_path(struct link *l, const struct form *form, const char *dir, const char *name)
{
    return arena_printf(&l->arena, "%s/%s%s%s%s", dir, form->twice ? name : "", form->before, name,
                        form->after);
}

/* The file that -lNAME means, NULL if none of the directories has one.
   Files for another CPU are passed over, as ld does. */
static struct file *search_library(struct link *l, const struct link_input *in)
{
    bool exact = in->name[0] == ':';
    const struct form *forms = in->framework ? framework_forms
                               : exact       ? exact_forms
                               : l->darwin   ? darwin_forms
                               : l->coff     ? coff_forms
                                             : elf_forms;
    const struct strings *dirs = in->framework ? &l->opt->darwin.frameworks : &l->opt->search;

    for (size_t i = 0; i < dirs->count + l->script_dir_count; i++)
        for (const struct form *form = forms; form->before; form++) {
            const char *dir = i < dirs->count ? dirs->at[i] : l->script_dirs[i - dirs->count];
            char *path = form_path(l, form, dir, in->name + exact);
            struct file *f = NULL;

            if (!path) {
                diag_nomem(l->d);
                return NULL;
            }
            if ((in->only_static && form->no_static) || access(path, R_OK) != 0)
                continue;
            if (!(f = open_file(l, path)))
                return NULL;
            if (suits(l, peek_machine(f->data)))
                return f;
        }
    return NULL;
}

/* The search directories for a message, at most so many that it stays a line. */
static const char *searched(struct link *l, const struct strings *dirs)
{
    const char *text = "any directory: none is given";

    for (size_t i = 0; text && i < dirs->count; i++)
        text = i == 0   ? dirs->at[i]
               : i < 8  ? arena_printf(&l->arena, "%s, %s", text, dirs->at[i])
               : i == 8 ? arena_printf(&l->arena, "%s, ...", text)
                        : text;
    return text ? text : "";
}

/* ---- expanding the command line ---- */

static bool add_path(struct inputs *ins, const struct link_input *in, const struct file *f,
                     uint32_t group);

static bool add_library(struct inputs *ins, const struct link_input *in, uint32_t group)
{
    uint64_t errors = ins->l->d->errors;
    struct file *f = search_library(ins->l, in);

    if (f)
        return add_path(ins, in, f, group);
    if (ins->l->d->errors != errors)
        return false;
    return diag_fail(ins->l->d, E_SYSTEM, "cannot find %s%s in %s",
                     in->framework ? "-framework " : "-l", in->name,
                     searched(ins->l, in->framework ? &ins->l->opt->darwin.frameworks
                                                    : &ins->l->opt->search));
}

/* A name inside a linker script: as it is, or in the search directories. */
static bool add_script_name(struct inputs *ins, const struct link_input *in, uint32_t group)
{
    struct link *l = ins->l;
    struct link_input as_library = *in;
    struct file *f = NULL;
    const char *path = in->name;

    if (*path == '/' && *l->opt->sysroot) {
        char *inside = arena_printf(&l->arena, "%s%s", l->opt->sysroot, path);

        if (inside && access(inside, R_OK) == 0)
            path = inside;
    }
    if (access(path, R_OK) == 0)
        return (f = open_file(l, path)) && add_path(ins, in, f, group);
    as_library.name = arena_printf(&l->arena, ":%s", in->name);
    if (!as_library.name)
        return diag_nomem(l->d);
    if (*path != '/' && (f = search_library(l, &as_library)))
        return add_path(ins, in, f, group);
    return diag_fail(l->d, E_SYSTEM, "cannot find %s", in->name);
}

/* A text in place of a library: "INPUT(-lfoo)", "GROUP ( ... )". */
static bool add_script(struct inputs *ins, const struct link_input *in, const struct file *f,
                       uint32_t group)
{
    struct link *l = ins->l;
    struct where here = {l->d->where, f->path, NO_INDEX};
    struct linker_script script;
    uint32_t base = ins->next_group;
    bool ok = true;

    l->d->where = &here;
    for (uint64_t i = 0; ok && i < l->visited_count; i++)
        if (!strcmp(l->visited[i], f->path))
            ok = diag_fail(l->d, E_FORMAT, "this linker script asks for itself");
    ok = ok && script_read(l->d, &l->arena, f->data, &script);
    ok = ok && (arena_grow(&l->arena, (void **)&l->visited, l->visited_count, &l->visited_cap,
                           sizeof *l->visited) ||
                diag_nomem(l->d));
    if (!ok) {
        l->d->where = here.up;
        return false;
    }
    l->visited[l->visited_count++] = f->path;
    for (uint64_t i = 0; ok && i < script.search_count; i++)
        if ((ok = arena_grow(&l->arena, (void **)&l->script_dirs, l->script_dir_count,
                             &l->script_dir_cap, sizeof *l->script_dirs) ||
                  diag_nomem(l->d)))
            l->script_dirs[l->script_dir_count++] =
                script.search[i][0] == '='
                    ? arena_printf(&l->arena, "%s%s", l->opt->sysroot, script.search[i] + 1)
                    : script.search[i];
    for (uint64_t i = 0; ok && i < script.input_count; i++)
        if (script.inputs[i].group >= ins->next_group - base)
            ins->next_group = base + script.inputs[i].group + 1;
    for (uint64_t i = 0; ok && i < script.input_count; i++) {
        const struct script_input *s = &script.inputs[i];
        struct link_input *inner = arena_alloc(&l->arena, 1, sizeof *inner);
        uint32_t g = group ? group : s->group ? base + s->group : 0;

        if (!inner) {
            ok = diag_nomem(l->d);
            break;
        }
        *inner = *in;
        inner->name = s->name;
        inner->library = s->library;
        inner->as_needed = in->as_needed || s->as_needed;
        inner->retain = false;
        ok = s->library ? add_library(ins, inner, g) : add_script_name(ins, inner, g);
    }
    l->visited_count--;
    l->d->where = here.up;
    return ok;
}

static bool read_archive(struct inputs *ins, struct item *item)
{
    struct link *l = ins->l;
    struct where here = {l->d->where, item->file->path, NO_INDEX};
    bool ok = false;

    l->d->where = &here;
    ok = archive_read(l->d, &l->arena, item->data, &item->ar);
    l->d->where = here.up;
    if (ok && !(item->members = arena_alloc(&l->arena, item->ar.member_count + 1ull,
                                            sizeof *item->members)))
        ok = diag_nomem(l->d);
    return ok;
}

/* A library, as far as its first bytes tell. */
static bool is_shared(struct span in)
{
    const struct format *format = format_find(in);
    uint32_t type = 0;

    if (format == &format_elf && in.size > 18)
        return load_uint(in.at + 16, 2, in.at[5] == ELFDATA2MSB) == ET_DYN;
    if (format == &format_macho && in.size > 16)
        type = (uint32_t)load_uint(in.at + 12, 4, false);
    return format == &format_tbd || type == MH_DYLIB || type == MH_DYLIB_STUB ||
           (format == &format_coff && (coff_is_image(in) || coff_is_import(in)));
}

/* Of a universal file, the part for our CPU. */
static bool pick_part(struct link *l, const struct file *f, struct span *out)
{
    struct where here = {l->d->where, f->path, NO_INDEX};
    bool ok = false;

    *out = f->data;
    if (!macho_is_fat(f->data))
        return true;
    l->d->where = &here;
    ok = l->darwin ? macho_pick_slice(l->d, &l->arena, f->data, l->darwin->cputype, out)
                   : diag_fail(l->d, E_USAGE,
                               "is for several CPUs: say which with --target or -arch");
    l->d->where = here.up;
    return ok;
}

/* A file that was found, whatever it is. */
static bool add_path(struct inputs *ins, const struct link_input *in, const struct file *f,
                     uint32_t group)
{
    struct link *l = ins->l;
    struct item *item = NULL;
    struct span data;

    if (!pick_part(l, f, &data))
        return false;
    if (!format_find(data) && !archive_is(data)) {
        struct where here = {l->d->where, f->path, NO_INDEX};

        if (l->coff && dll_is_def(f->path))
            return dll_add_def(l, f);
        if (!l->darwin && !input_is_bitcode(data) && script_is(data))
            return add_script(ins, in, f, group);
        l->d->where = &here;
        if (input_is_bitcode(data))
            input_fail_lto(l->d);
        else
            diag_fail(l->d, E_UNKNOWN, "is no object, archive, shared library or linker script");
        l->d->where = here.up;
        return false;
    }
    if (!arena_grow(&l->arena, (void **)&ins->items, ins->count, &ins->cap, sizeof *ins->items))
        return diag_nomem(l->d);
    item = &ins->items[ins->count++];
    *item = (struct item){
        .in = in, .file = f, .data = data, .name = f->path, .group = group,
        .as_needed = in->as_needed};
    if (archive_is(data)) {
        item->kind = ITEM_ARCHIVE;
        item->whole = in->whole || (in->retain && !in->library);
        return read_archive(ins, item);
    }
    item->kind = is_shared(data) ? ITEM_SHARED : ITEM_OBJECT;
    if (!(item->members = arena_alloc(&l->arena, 1, sizeof *item->members)))
        return diag_nomem(l->d);
    return true;
}

/* The CPU that this program runs on, NULL if it is none of ours. */
static const struct elf_machine *own_machine(void)
{
    static const struct elf_machine *const machines[] = {&elf_x86_64, &elf_aarch64};
    struct utsname self;

    if (uname(&self) != 0)
        return NULL;
    for (char *p = self.machine; *p; p++)
        *p = *p == '_' ? '-' : *p;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
        if (!strcmp(self.machine, machines[i]->arch->name))
            return machines[i];
    return NULL;
}

bool inputs_expand(struct inputs *ins)
{
    struct link *l = ins->l;
    bool ok = true, heap = false;

    /* -l needs to know the CPU: that of the first input that tells. */
    for (size_t i = 0; !l->machine && !l->darwin && !l->coff && i < l->opt->input_count; i++) {
        struct diag quiet = {0};
        struct file f;

        if (!l->opt->inputs[i].library && file_open(&quiet, l->opt->inputs[i].name, &f)) {
            struct peek p = peek_machine(f.data);

            l->machine = elf_machine_find(p.elf);
            l->darwin = macho_machine_find(p.macho);
            l->coff = coff_machine_find(p.coff);
            heap = heap || format_find(f.data) == &format_heap;
            file_close(&f);
        }
    }
    if (!l->machine && !l->darwin && !l->coff && heap) /* for any CPU: then for this one, as ld does */
        l->machine = own_machine();
    ins->next_group = 1;
    for (size_t i = 0; i < l->opt->input_count; i++)
        if (l->opt->inputs[i].group >= ins->next_group)
            ins->next_group = l->opt->inputs[i].group + 1;
    for (size_t i = 0; i < l->opt->input_count; i++) {
        const struct link_input *in = &l->opt->inputs[i];
        struct file *f = NULL;

        if (in->library)
            ok = add_library(ins, in, in->group) && ok;
        else
            ok = (f = open_file(l, in->name)) && add_path(ins, in, f, in->group) && ok;
    }
    return ok;
}
