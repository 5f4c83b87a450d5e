/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link.h - one link: objects in, one shared library out.
 *
 * The phases run in this order (link.c), each reading what the former left:
 *
 *   read      inputs.c                 open files, read objects and archives
 *   resolve   names.c resolve.c provide.c   one definition for each name
 *   retain    gc.c                     which sections live
 *   collect   merge.c eh_frame.c       strings and unwind records, shared
 *   scan      scan.c slots.c           what each relocation needs: GOT, PLT, dynamic
 *   lay out   sections.c dynsym.c dynamic.c layout.c heap.c
 *   relocate          relocate.c dynrel.c symtab.c
 *   write             headers.c pack.c write.c
 */

#ifndef LINK_LINK_H
#define LINK_LINK_H

#include "base/strtab.h"
#include "elf/machine.h"
#include "link/options.h"
#include "link/script.h"
#include "obj/archive.h"
#include "obj/object.h"

#include <stdatomic.h>

struct link;
struct lobj;
struct dylib;
struct dll;
struct window;
struct lsec;
struct out;
struct eh_section;
struct island;
struct early;
struct relr_place;

/* What a link knows of one section of a heap. */
struct heap_part_state {
    struct slot_map slots;      /* the words that follow the heap, as the image's maps have them */
    struct lsec *bits, *odd;    /* those maps; NULL: none */
    uint64_t *blocks;           /* hashes of SIMG_CHECK_BLOCK bytes of it each, once written */
    bool blocks_known;          /* as they are written; else they are read again */
};

/* A run of input bytes and where it went. */
struct moved {
    uint64_t from; /* offset in the input section */
    uint64_t to;   /* offset in the section that took it; MOVED_GONE if dropped */
};
#define MOVED_GONE UINT64_MAX

/* One section in the link: of an input, or made by the linker. */
struct lsec {
    struct lobj *obj;
    const struct section *sec;
    uint32_t index; /* of SEC in its object */
    bool live;      /* goes into the image */
    bool discarded; /* another object's group of the same name was kept */
    bool sorted;    /* its relocations come in the order of their offsets */
    bool relro;     /* read-only data that needs relocating: moved to .data.rel.ro */
    bool late_rights; /* of a heap: loaded writable, gets its own rights from the start-up code */
    uint8_t align_log2;
    struct out *out;
    uint64_t offset; /* in OUT */
    uint64_t size;
    uint8_t *data; /* contents that are not those of SEC; NULL: use SEC's */
    /* Contents made as they are written: SIZE bytes from FROM on, to OUT. */
    void (*fill)(const struct link *l, const struct lsec *s, uint64_t from, uint64_t size,
                 uint8_t *out);
    void *fill_arg;
    struct heap_part_state *heap; /* a section of a heap's object */

    /* Merged strings and unwind records: the pieces, sorted by FROM, and the
       section that holds them now. */
    struct moved *moved;
    uint32_t moved_count;
    struct lsec *into;
    struct island *island; /* where its far branches go */
    struct eh_section *eh; /* the records of an .eh_frame section */

    /* Dynamic relocations that the image needs for this section: RELATIVE in
       RELA and in RELR form, and those that name a symbol or TLS block. */
    uint64_t relative, relr, symbolic, irelative;
};

enum sym_state {
    SYM_NEW,       /* named, neither defined nor referred to */
    SYM_UNDEFINED,
    SYM_SHARED,    /* a shared library defines it */
    SYM_WEAK,      /* defined here, weakly */
    SYM_COMMON,
    SYM_DEFINED,
};

/* What relocations need of a symbol. */
enum sym_need {
    NEED_GOT = 1 << 0,
    NEED_PLT = 1 << 1,
    NEED_GD = 1 << 2,
    NEED_IE = 1 << 3,
    NEED_DESC = 1 << 4,
    NEED_DYNSYM = 1 << 5,    /* a dynamic relocation names it */
};

/* A symbol, local or global.  Globals are shared by all who name them. */
struct lsym {
    const char *name;
    struct lobj *obj;  /* the definer; else the first to refer; NULL for SYM_NEW */
    uint32_t index;    /* in OBJ */
    uint32_t dynsym;   /* index in .dynsym, 0 for none; Mach-O: number of its import */
    uint64_t addr;     /* S, once laid out; the alignment of a common one before */
    uint32_t slots;    /* index into link.slots, 0 for none */
    uint16_t version;  /* VER_NDX_* or a node of ours; VERSYM_HIDDEN for "name@V" */
    _Atomic uint16_t needs;
    uint32_t base;     /* length of a global one's NAME without "@VERSION"; Mach-O: its index in
                          the symbol table */
    uint8_t state;     /* enum sym_state */
    uint8_t visibility;
    bool referred : 1;     /* by an object */
    bool strong_ref : 1;   /* by an object, not weakly */
    bool shared_ref : 1;   /* by a shared library, not weakly */
    bool exported : 1;     /* in .dynsym as a definition */
    bool localized : 1;    /* a version script or its kin hides it */
    bool bound : 1;        /* -Bsymbolic and its kin: not preemptible */
    bool wanted : 1;       /* -u, --export and so on: kept by --gc-sections */
    bool versioned : 1;    /* VERSION comes from its own name */
    bool linker : 1;       /* placed by provide.c; never replaced by others */
    bool named_marked : 1; /* gc.c has seen to the sections that __start_X means */
};

/* GOT and PLT places of one symbol; offsets in their sections, NO_SLOT for none. */
struct slots {
    struct lsym *sym;
    uint32_t got, gd, ie, desc; /* byte offsets in .got */
    uint32_t plt;               /* index of the PLT entry */
};
#define NO_SLOT UINT32_MAX

/* One input object or library. */
struct lobj {
    struct object o;
    const struct file *file; /* the file that holds its bytes, NULL if none */
    const char *archive;     /* path of the archive it came from, NULL */
    uint32_t order;          /* place among the inputs */
    const struct link_input *in; /* as the command line named it; NULL: it did not */
    uint32_t *import_ids;    /* PE: of each of its imports, the number + 1 in dll.imports */
    bool referred;           /* a Mach-O library: something is bound to it, */
    bool strong_ref;         /* not weakly */
    struct lsec *secs;       /* for each section of O */
    struct lsym *locals;     /* for each symbol below first_global */
    struct lsym **globals;   /* for each other */
    bool retain;             /* all its sections are kept */
    bool hide;               /* --exclude-libs */
    bool needed;             /* shared: DT_NEEDED */
    const char *why;         /* why it is in the link, for --print-retained */
    uint64_t heap_base;      /* a heap: the address of its address 0, once laid out, */
    uint64_t heap_value;     /* and what is added to its slots */
};

/* Place of an output section: by what its pages may do, then by use. */
enum rank {
    RANK_NOTE, RANK_HASH, RANK_DYNSYM, RANK_DYNSTR, RANK_VERSION, RANK_RELOCS, RANK_RODATA,
    RANK_EH,
    RANK_PLT, RANK_TEXT,
    RANK_TDATA, RANK_TBSS, RANK_INIT, RANK_RELRO, RANK_DYNAMIC, RANK_GOT, RANK_GOTPLT_RELRO,
    RANK_GOTPLT, RANK_DATA, RANK_BSS,
    RANK_LARGE_RODATA, RANK_LARGE_DATA, RANK_LARGE_BSS,
    RANK_SLOT_MAPS, RANK_HEAP,
    RANK_OTHER, /* not in memory */
    RANK_DEBUG,
    RANK_SYMTAB, RANK_STRTAB, RANK_SHSTRTAB,
};

/* One output section. */
struct out {
    const char *name;
    uint32_t type;  /* sh_type */
    uint64_t flags; /* sh_flags */
    enum rank rank;
    bool empty;     /* has a place, but no header */
    struct lobj *heap; /* it is a segment of this heap, and a PT_LOAD of its own */
    uint32_t index; /* in the section header table */
    uint64_t addr, offset, size;
    uint8_t align_log2;
    uint64_t entsize;
    struct out *link, *info; /* sh_link and sh_info, by section */
    uint32_t info_value;     /* sh_info where it is a number */
    struct lsec **secs;
    uint64_t count, cap;
    struct span packed; /* the whole contents, compressed; empty for plain */
    uint64_t packed_from; /* size before compression */
};

/* One entry of the program header table. */
struct segment {
    uint32_t type, flags;
    uint64_t offset, addr, filesz, memsz, align;
};

/* The sections that the linker makes.  Each is one lsec in its own out. */
enum made {
    MADE_PROPERTY, MADE_BUILD_ID, MADE_HASH, MADE_GNU_HASH, MADE_DYNSYM, MADE_DYNSTR,
    MADE_VERSYM, MADE_VERDEF, MADE_VERNEED, MADE_RELA, MADE_RELR, MADE_RELAPLT,
    MADE_HEAP_NOTE, MADE_HEAP_TABLE,
    MADE_EH_FRAME_HDR, MADE_EH_FRAME, MADE_PLT, MADE_DYNAMIC, MADE_GOT, MADE_GOTPLT,
    MADE_COMMENT, MADE_SYMTAB, MADE_SYMTAB_SHNDX, MADE_STRTAB, MADE_SHSTRTAB,
    MADE_COUNT
};

struct symtab; /* the hash table of global names, names.c */

/* A phase of a link, and how it is called while it runs. */
struct link_phase {
    const char *name;
    bool (*run)(struct link *l);
};

/* What an image's format does its own way, once the inputs are read. */
struct link_target {
    const struct link_phase *phases;
    size_t phase_count;
    /* Apply the relocations of S whose fields meet the window. */
    bool (*relocate)(struct link *l, struct diag *d, struct lsec *s, const struct window *w);
    /* The SIZE bytes at offset START of the file are in BYTES, relocated, and in MARKS
       a bit for each 4 of them that relocate() set.  NULL: there is nothing to do. */
    bool (*finish_window)(struct link *l, struct diag *d, uint64_t start, uint64_t size,
                          uint8_t *bytes, const uint8_t *marks);
    bool marks; /* finish_window() wants them */
    /* Mark the slots of S, of a heap, in the window; their words are addresses. */
    bool (*mark_slots)(struct link *l, struct diag *d, struct lsec *s, const struct window *w);
    /* S may turn out to be another image's when this one is loaded. */
    bool (*binds)(const struct lsym *s);
    /* For islands (island.c): O is code; where a branch of S leads to, if it can be known;
       addresses of symbols, and then all addresses once more. */
    bool (*is_code)(const struct out *o);
    bool (*branch_target)(const struct link *l, const struct lsec *s, const struct reloc *r,
                          uint64_t *to);
    bool (*place_symbols)(struct link *l);
    bool (*lay_out)(struct link *l);
};
extern const struct link_target link_target_elf, link_target_dylib, link_target_dll;

struct link {
    struct diag *d;
    const struct link_options *opt;
    const struct link_target *target;
    const struct elf_machine *machine;   /* of an ELF image, else NULL; */
    const struct macho_machine *darwin;  /* of a Mach-O one */
    const struct coff_machine *coff;     /* of a PE one */
    struct dylib *dylib;                 /* what only Mach-O needs, */
    struct dll *dll;                     /* and only PE */
    const struct arch *arch;
    struct arena arena;

    struct file **files;
    uint64_t file_count, file_cap;
    struct lobj **objs; /* objects in the link, in order; objs[0] is the linker's own */
    uint64_t obj_count, obj_cap;
    struct lobj **libs; /* shared libraries */
    uint64_t lib_count, lib_cap;
    struct symtab *symtab;
    struct lsym **globals; /* in the order first named */
    uint64_t global_count, global_cap;
    const char **visited; /* linker scripts' inputs in work, against loops */
    uint64_t visited_count, visited_cap;

    const char **script_dirs; /* SEARCH_DIR of linker scripts */
    uint64_t script_dir_count, script_dir_cap;

    struct lsec **named; /* sections that __start_X can mean, by name; NULL at the end */
    uint64_t named_count;

    struct out **outs;
    uint64_t out_count, out_cap;
    struct out **places; /* those in memory with a header, but .tbss: by address */
    uint64_t place_count;
    struct lsec *made[MADE_COUNT];
    struct out *rodata_strings; /* unused slots stay NULL */

    struct slots *slots; /* [0] is unused */
    uint64_t slot_count, slot_cap;
    struct lsym **plt;   /* by PLT index: the lazy ones, then the IFUNCs from plt_irelative on */
    uint64_t plt_count, plt_lazy;
    const struct plt_code *plt_code;
    uint32_t tls_ld_slot;  /* offset in .got, NO_SLOT */
    bool far; /* too large to turn loads from the GOT into distances */
    _Atomic bool need_tls_ld, need_static_tls, need_gotbase, need_textrel;

    struct island **islands;
    uint32_t island_count;

    struct lsym **dynsyms; /* [0] is NULL */
    uint64_t dynsym_count, dynsym_cap, dynsym_first_hashed;
    struct relr_place *relr_places; /* where RELR relocates */
    uint64_t *relr_addrs;           /* the same as addresses, sorted */
    struct strtab dynstr;
    uint32_t verneed_count, verdef_count;
    uint64_t relative_count, relr_count, symbolic_count, irelative_count; /* of sections and GOT */
    uint32_t feature_and;

    struct lobj **heaps; /* the heaps among OBJS */
    enum link_heap_relocs heap_relocs; /* never the default */
    uint64_t heap_count, heap_cap;
    uint64_t heap_relative, heap_relr; /* native: slots in .rela.dyn; words in .relr.dyn */
    uint64_t image_base; /* the address that the image prefers */
    uint64_t heap_place; /* Mach-O, prelinked: what the first heap prefers, mapped alone */

    struct segment *segments;
    uint32_t segment_count, segment_cap;
    uint64_t file_size;
    uint64_t shoff;
    uint32_t header_count; /* of section headers */
    bool beyond_reach; /* larger than 32-bit distances allow */
    uint64_t tls_addr, tls_size, tls_align;
    uint64_t got_base; /* GOT */
    uint64_t relro_end;
    int64_t started, told; /* ms: when the link began, when progress was last told */
    struct output output;
    struct early *early; /* what is being written already, NULL if nothing is */
    struct buf symtab_out, symtab_extended;
    uint32_t symtab_first_global;
    bool symtab_needs_extended;
    struct strtab strtab, shstrtab;
    void **owned; /* malloc'ed memory that goes with the link */
    uint64_t owned_count, owned_cap;
};

/* A line on the terminal, if the user wants one: WHAT is being done, DONE of
   ALL parts of it (0: not known).  From one thread at a time. */
void link_progress(struct link *l, const char *what, uint64_t done, uint64_t all);

/* Free P together with the link; P may be NULL. */
bool link_own(struct link *l, void *p);

/* Link as OPTIONS says.  What goes wrong is told to D's sink, one line each;
   the output file appears only when all went well. */
bool link_run(struct diag *d, const struct link_options *options);

/* ---- inputs.c ---- */
bool link_read_inputs(struct link *l);
bool inputs_add_object(struct link *l, struct lobj *o, bool retain, const char *why);

/* ---- names.c ---- */
/* The symbol called NAME (LEN bytes), a new one if there was none; NULL after
   a failure. */
struct lsym *link_intern(struct link *l, const char *name, size_t len);
struct lsym *link_find(const struct link *l, const char *name);
/* So many symbols and groups may come, each with a name. */
bool link_expect_names(struct link *l, uint64_t symbols, uint64_t groups);
/* The object that has the group NAME first: O, if no other had it before;
   NULL without memory. */
struct lobj *link_first_group(struct link *l, const char *name, struct lobj *o);
/* O has it from now on; the group is there. */
bool link_replace_group(struct link *l, const char *name, struct lobj *o);
void link_free_symtab(struct link *l);

/* ---- resolve.c ---- */
/* O, a relocatable object that was just read, gets its sections and local
   symbols in memory of A.  Looks at nothing but L's options: any thread may. */
bool link_prepare_object(const struct link *l, struct diag *d, struct arena *a, struct lobj *o);
/* Add O, which is prepared, and its symbols to the link. */
bool link_add_object(struct link *l, struct lobj *o);
bool link_add_shared(struct link *l, struct lobj *o);
/* After all inputs: versioned references, commons, what is exported, what
   is missing. */
bool link_finish_symbols(struct link *l);
/* Decide whether S, which is defined, is exported, under which version, and
   whether another image may replace it. */
void link_decide_export(struct link *l, struct lsym *s);

static inline struct lsym *lobj_sym(const struct lobj *o, uint32_t i)
{
    return i < o->o.first_global ? &o->locals[i] : o->globals[i - o->o.first_global];
}

/* The symbol-table entry that defines (or first named) S. */
static inline const struct symbol *lsym_symbol(const struct lsym *s)
{
    return &s->obj->o.symbols[s->index];
}

static inline bool lsym_defined(const struct lsym *s) { return s->state >= SYM_WEAK; }

/* The section that holds S, NULL for one that is absolute or not defined here. */
struct lsec *lsym_section(const struct lsym *s);
/* st_info of S: its binding, if it stays global, and its type. */
uint8_t lsym_info(const struct lsym *s);
/* The header index of the section that S, which is defined, is said to be in. */
uint32_t lsym_header(const struct link *l, const struct lsym *s);
/* S may be replaced by another image's symbol when the program runs. */
bool lsym_preemptible(const struct lsym *s);
bool lsym_is_ifunc(const struct lsym *s);
/* S is an IFUNC whose pointers hold what the resolver chooses, since other
   images see that too.  One that only this image knows is its PLT entry. */
static inline bool lsym_is_resolved(const struct lsym *s)
{
    return s->exported && lsym_is_ifunc(s);
}
/* S has one value wherever the image is loaded: absolute, or a weak one
   that nobody defines and nobody can. */
bool lsym_is_constant(const struct lsym *s);

/* ---- provide.c ---- */
bool link_make_internal(struct link *l);  /* objs[0]: what the linker defines */
bool link_provide(struct link *l);        /* __start_X, _GLOBAL_OFFSET_TABLE_, __dso_handle... */
void link_place_provided(struct link *l); /* their addresses, once laid out */
/* The first of all inputs' sections called NAME, a name as in C, with the
   others behind it; NULL if there is none. */
struct lsec *const *link_named_sections(const struct link *l, const char *name);
/* A new section of the linker's own. */
struct lsec *link_new_section(struct link *l, const char *name, uint32_t type, uint64_t flags,
                              uint8_t align_log2);
/* The same for a section that is described. */
struct lsec *link_append_section(struct link *l, const struct section *section);
/* Make S a symbol of the linker's object, at VALUE in SEC (NULL: its address
   is filled in once it is known). */
void link_define(struct link *l, struct lsym *s, struct lsec *sec, uint64_t value,
                 enum symbol_kind kind);

/* ---- gc.c ---- */
bool link_collect(struct link *l);

/* ---- merge.c, eh_frame.c ---- */
bool link_merge_strings(struct link *l);
/* One record of .eh_frame: a CIE, or the FDE of one function. */
struct eh_record {
    uint32_t offset, size; /* in the input section, with the length word */
    uint32_t cie;          /* of an FDE: index of its CIE's record; EH_CIE for a CIE */
    uint32_t reloc, reloc_count; /* its relocations, in eh_section.relocs */
    uint64_t to;           /* offset in the output, MOVED_GONE if dropped */
};
#define EH_CIE UINT32_MAX
struct eh_section {
    struct eh_record *records;
    uint32_t count;
    struct reloc *relocs; /* all of the section, by offset */
};
bool link_read_eh_frame(struct link *l);    /* before gc */
bool link_collect_eh_frame(struct link *l); /* after it */
bool link_fill_eh_frame(struct link *l);
/* The section whose code R, an FDE of S, describes; NULL if it names none. */
struct lsec *eh_function(const struct lsec *s, const struct eh_record *r);
/* Where offset OFF of S is now: the section that holds it, and the offset
   there in *TO.  NULL if it was dropped. */
struct lsec *lsec_moved(struct lsec *s, uint64_t off, uint64_t *to);
/* The contents of S, unpacked if need be.  NULL after a failure. */
const uint8_t *lsec_contents(struct link *l, struct lsec *s);

/* ---- scan.c, slots.c ---- */
bool link_scan(struct link *l);
bool link_assign_slots(struct link *l);
/* How messages call offset OFFSET of S: "lib.a(x.o): .text+0x12 (in f)";
   lives in A. */
const char *link_place(struct arena *a, const struct lsec *s, uint64_t offset);
/* The GOT load R of S in CONTENTS is rewritten to need no slot. */
bool link_relaxes(const struct link *l, const struct lsec *s, const struct reloc *r,
                  const struct lsym *sym, const uint8_t *unit, uint64_t before);
/* The relocation T writes a whole address of the image's pointer size. */
static inline bool reloc_is_word(const struct reloc_type *t)
{
    return t->what == WHAT_SYMBOL && t->from == FROM_ZERO && t->field->bytes == 8 &&
           t->field->bits == 64;
}
/* It takes the low bits of an address within its page: the same wherever
   the image is loaded. */
static inline bool reloc_is_page_offset(const struct reloc_type *t)
{
    return t->from == FROM_ZERO && t->field->range == ANY && t->field->bits <= 12;
}

/* ---- sections.c, layout.c ---- */
#define LINK_MAX_SIZE (UINT64_C(1) << 48) /* no CPU of ours gives a program more addresses */
bool link_make_outs(struct link *l);
bool link_layout(struct link *l);      /* addresses, and offsets of what is in memory */
bool link_layout_file(struct link *l); /* offsets of the rest, section headers, size */
struct out *link_out(struct link *l, const char *name, uint32_t type, uint64_t flags,
                     enum rank rank);
/* Offsets of O's sections and its size. */
void out_lay_out(struct out *o);
bool out_add(struct link *l, struct out *o, struct lsec *s);
static inline uint64_t lsec_addr(const struct lsec *s) { return s->out->addr + s->offset; }
/* The same, 0 as long as it has no place. */
static inline uint64_t lsec_addr_or_0(const struct lsec *s) { return s->out ? lsec_addr(s) : 0; }

/* ---- dynsym.c, dynamic.c ---- */
bool link_make_dynsym(struct link *l);  /* who is in it, names, hashes, versions */
bool link_fill_dynsym(struct link *l, struct diag *d);  /* values, once laid out */
bool link_make_dynamic(struct link *l); /* the section */
bool link_size_dynamic(struct link *l); /* its size, once the sections are known */
bool link_fill_dynamic(struct link *l);
uint32_t elf_hash(const char *name);

/* ---- relocate.c ---- */
bool link_place_symbols(struct link *l);
/* S + A for a relocation against symbol SYM of O, sections that moved
   taken into account; false if the target was dropped. */
bool link_target(const struct link *l, const struct lobj *o, const struct reloc *r,
                 uint64_t *value);
/* Apply the relocations of S whose fields meet [FROM, FROM + SIZE) to BYTES,
   which holds S from FROM - BEFORE to FROM + SIZE + AFTER. */
struct window {
    uint8_t *bytes; /* of offset FROM - BEFORE */
    uint64_t from, size, before, after;
    uint8_t *marks;        /* link_target.finish_window()'s; NULL: none are wanted */
    uint64_t marks_offset; /* in the file, of their first bit */
};
bool link_relocate(struct link *l, struct diag *d, struct lsec *s, const struct window *w);
/* The index of the first relocation of S at or behind OFFSET; S's relocations
   are sorted. */
uint64_t lsec_first_reloc(const struct lsec *s, uint64_t offset);

/* ---- dynrel.c: .rela.dyn, .relr.dyn, .rela.plt, GOT, PLT ---- */
bool link_make_dynrel(struct link *l); /* sizes, as far as they do not depend on addresses */
/* The size of .relr.dyn at the present addresses; it never shrinks. */
bool link_size_relr(struct link *l, bool *changed);
bool link_fill_dynrel(struct link *l);
/* A RELATIVE relocation at OFFSET of S goes into RELR. */
bool link_packs_relative(const struct link *l, const struct lsec *s, uint64_t offset);
/* The address of S for a relocation: an IFUNC's is its PLT entry's. */
uint64_t lsym_value(const struct link *l, const struct lsym *s);
uint64_t plt_entry_addr(const struct link *l, uint32_t index);

/* ---- heap.c, heap_relocs.c, heap_table.c: heaps among the inputs ---- */
bool link_begin_heap(struct link *l, struct lobj *o); /* before its symbols are added */
bool link_start_heaps(struct link *l);   /* after all inputs: the code that runs at start */
bool link_resolve_heaps(struct link *l); /* the table's symbol; imports of the wrong kind */
bool link_settle_heaps(struct link *l);  /* after the scan: what each slot will be */
bool link_make_heap_table(struct link *l); /* .note.sysimage, .sysimage, .sysimage.slots */
bool link_fill_heap_table(struct link *l);
/* A relocation of S, of a heap, against SYM needs nobody when the image is
   loaded at its own address: S is prelinked, or relative to the heap. */
bool link_heap_settles(const struct link *l, const struct lsec *s, const struct lsym *sym);
/* What is subtracted from an address to make the word in S that stands for SYM. */
uint64_t link_heap_bias(const struct link *l, const struct lsec *s, const struct lsym *sym);
/* What is added to the words at the slots of S, and false if nothing is. */
bool link_heap_adds(const struct link *l, const struct lsec *s, uint64_t *base);
/* Room in .rela.dyn for the slots of native heaps, to stand first in O. */
bool link_add_heap_relas(struct link *l, struct out *o);
/* Words of .relr.dyn for the slots of native heaps; OUT may be NULL. */
uint64_t link_encode_heap_relr(const struct link *l, uint8_t *out);
/* Hash what is in BYTES of the blocks of S, whole ones and the last; how many
   bytes that were. */
uint64_t link_hash_heap(const struct lsec *s, uint64_t from, uint64_t size, const uint8_t *bytes);
/* Checksums of segments and table, and the table again, to the output. */
bool link_finish_heaps(struct link *l);

/* ---- julia.c ---- */
/* After all inputs: the heap of a Julia sysimage becomes a heap of the link. */
bool link_prelink_julia(struct link *l);

/* ---- property.c ---- */
enum { BUILD_ID_SIZE = 20 }; /* of one made from the contents; SHA-1's, which tools expect */
bool link_make_property(struct link *l);
bool link_make_build_id(struct link *l);

/* ---- island.c: branches that do not reach ---- */
bool link_add_islands(struct link *l); /* once laid out; lays out again */
bool link_fill_islands(struct link *l);
/* ELF's branch_target(): S + A, or its PLT entry. */
bool link_branch_target(const struct link *l, const struct lsec *s, const struct reloc *r,
                        uint64_t *to);
/* TARGET, or the jump that leads there if R of S cannot reach it. */
uint64_t link_reachable(const struct link *l, const struct lsec *s, const struct reloc *r,
                        uint64_t target);

/* ---- symtab.c, headers.c, pack.c, write.c, report.c ---- */
bool link_make_shstrtab(struct link *l);
/* The ELF header with the program headers, and the section headers, in the
   arena. */
bool link_make_headers(struct link *l, struct span *front, struct span *back);
void link_build_symtab(struct link *l);
bool link_finish_symtab(struct link *l);
bool link_pack_debug(struct link *l); /* --compress-debug-sections */
bool link_write(struct link *l);

/* ---- early.c ---- */
/* The file is written in windows of this size: small ones where large ones
   would not keep all processors at work.  Never a matter of how many there
   are, since the build-id is a hash of the windows' hashes. */
enum { LINK_WINDOW = 2 << 20, SMALL_WINDOW = 256 << 10, SMALL_FILE = 32 << 20 };
static inline uint64_t link_window(const struct link *l)
{
    /* A heap's checksums are of larger blocks. */
    return l->file_size < SMALL_FILE && !l->heap_count ? SMALL_WINDOW : LINK_WINDOW;
}
/* Begin to write what cannot change any more. */
bool link_start_early(struct link *l);
/* True if WINDOW is written by that. */
bool link_is_early(const struct link *l, uint64_t window);
/* Wait for it; the hashes of its windows go to HASHES, which may be NULL. */
bool link_end_early(struct link *l, uint64_t *hashes, int *os_error);
/* Give it up. */
void link_stop_early(struct link *l);
/* Copy S from FROM on, SIZE bytes, relocated, to OUT. */
bool link_copy(struct link *l, struct diag *d, struct lsec *s, uint64_t from, uint64_t size,
               uint8_t *out);
bool link_report(struct link *l); /* -Map, --print-retained */

#endif
