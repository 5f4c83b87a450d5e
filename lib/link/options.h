/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - what a link is asked to do.  Filled by a front end (objtool,
 * later the plugin's host), read by everybody else. */

#ifndef LINK_OPTIONS_H
#define LINK_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct version_script;
struct elf_machine;
struct macho_machine;
struct coff_machine;

/* One input as the command line named it, with the modes in force there. */
struct link_input {
    const char *name; /* a path, or what followed -l */
    bool library;     /* -l: search; a leading ':' asks for that very file name */
    bool retain;      /* an archive named by path is taken whole */
    bool whole;       /* --whole-archive: any archive is taken whole */
    bool as_needed;
    bool only_static; /* -Bstatic: -l finds archives only */
    uint32_t group;   /* --start-group number; 0 for none */
    bool framework;   /* Mach-O: -framework NAME */
    bool weak, reexport, upward; /* Mach-O: how the library is to be loaded */
    bool hidden;      /* Mach-O: its symbols are not exported */
};

enum link_strip { STRIP_NONE, STRIP_DEBUG, STRIP_ALL };
enum link_bsymbolic { BSYMBOLIC_NONE, BSYMBOLIC_FUNCTIONS, BSYMBOLIC_ALL };
enum link_build_id { BUILD_ID_NONE, BUILD_ID_HASH, BUILD_ID_UUID, BUILD_ID_HEX };
enum link_compress { COMPRESS_NONE, COMPRESS_ZLIB, COMPRESS_ZSTD };
enum link_relocs { RELOCS_RELA, RELOCS_RELR };
enum link_heap_relocs {
    HEAP_RELOCS_DEFAULT,
    HEAP_RELOCS_NATIVE,
    HEAP_RELOCS_PRELINKED,
    HEAP_RELOCS_NONE
};
enum link_discard { DISCARD_MERGE, DISCARD_NONE, DISCARD_LOCALS, DISCARD_ALL };
enum { HASH_SYSV = 1, HASH_GNU = 2 };

struct strings {
    const char **at;
    size_t count;
};

/* What only Mach-O images have (ld64's options; man/objtool-link.1). */
enum darwin_choice { CHOICE_DEFAULT, CHOICE_YES, CHOICE_NO };
struct darwin_options {
    const struct macho_machine *machine; /* --target, -arch; NULL: that of the first object */
    bool ld64_rules;   /* one of ld64's own options was given: undefined symbols are errors */
    uint32_t platform; /* 0: macOS */
    uint32_t minos, sdk; /* 16.8.8 bits; 0: what the first object says */
    uint32_t current_version, compatibility_version; /* 0: 1.0 */
    bool dynamic_lookup;   /* -undefined dynamic_lookup; */
    bool undefined_warn;   /* warning, suppress */
    struct strings lookup; /* -U: these */
    struct strings frameworks; /* -F: directories */
    struct strings aliases; /* -alias: pairs */
    struct version_script *exports, *hidden; /* -exported_symbol..., -unexported_symbol... */
    uint64_t headerpad;
    bool headerpad_max;
    enum darwin_choice chained, sign, init_offsets;
    bool no_uuid, no_function_starts, no_data_in_code;
    bool flat_namespace, app_extension, dead_strip_dylibs;
    const char *umbrella;
    struct sectcreate { const char *segment, *section, *path; } *sections;
    size_t section_count;
};

/* What only PE images have (man/objtool-link.1). */
struct coff_options {
    const struct coff_machine *machine; /* --target, -m; NULL: that of the first object */
    const char *implib, *def; /* --out-implib, --output-def; NULL: none */
    bool export_all, export_none; /* --export-all-symbols, --exclude-all-symbols */
    struct strings exclude; /* --exclude-symbols */
    enum darwin_choice dynamic_base, high_entropy, nx;
    uint16_t subsystem; /* 0: the console's, IMAGE_SUBSYSTEM_WINDOWS_CUI */
    bool no_auto_import;
};

struct link_options {
    const char *program; /* the name to put before messages */
    bool ld_rules;       /* started as ld: no retention by default, no extras */
    const char *output;  /* -o; never NULL */
    const char *soname;  /* -soname, NULL for none */
    const struct elf_machine *machine; /* --target or -m; NULL: that of the first object */
    const char *sysroot; /* "" for none */
    const char *dynamic_linker; /* ignored for a library, kept for messages */
    const char *entry;          /* -e, NULL for none: e_entry */
    const char *init, *fini;    /* -init, -fini: DT_INIT and DT_FINI functions */

    struct link_input *inputs;
    size_t input_count;
    struct strings search;  /* -L, in order, "=" replaced by the sysroot */
    struct strings rpath;   /* joined with ':' for DT_RUNPATH */
    bool rpath_old;         /* --disable-new-dtags: DT_RPATH */
    struct strings undefined; /* -u: symbols to find although nobody refers to them */
    struct strings require_defined; /* --require-defined: -u, and an error if not found */
    struct strings exclude_libs; /* --exclude-libs: archive names, "ALL" */
    struct strings wrap;         /* --wrap */
    struct strings filter, auxiliary; /* -F, -f: DT_FILTER, DT_AUXILIARY */
    struct defsym { const char *name, *value; bool number; uint64_t addend; } *defsyms;
    size_t defsym_count; /* --defsym NAME=SYMBOL or NAME=NUMBER */

    struct version_script *version_script; /* NULL for none */
    struct version_script *dynamic_list;   /* NULL for none; one anonymous node */
    struct version_script *exports;        /* --export; NULL: everything that ld would export */
    enum link_bsymbolic bsymbolic;

    bool gc_sections, print_gc_sections;
    bool print_retained;
    bool trace;          /* --trace: name each input as it is used */
    struct strings trace_symbols; /* -y */
    const char *map;     /* -Map; "-" for standard output */
    bool cref;
    bool no_undefined;   /* -z defs */
    bool warn_unresolved;/* --warn-unresolved-symbols: not an error */
    bool allow_multiple; /* -z muldefs */
    bool warn_common, fatal_warnings, no_warnings;
    bool noinhibit;      /* --noinhibit-exec: write although there were errors */

    bool now;            /* -z now */
    bool relro;          /* -z relro; the default */
    enum link_relocs relocs;
    enum link_heap_relocs heap_relocs; /* default: prelinked */
    enum darwin_choice julia_prelink;  /* default: if it can be done */
    bool execstack, noexecstack;
    bool text_error;     /* -z text */
    bool text_ok;        /* -z notext: no warning */
    bool nodelete, nodlopen, initfirst, interpose, origin, global, nodump;
    bool force_ibt, force_shstk, force_bti; /* claimed for the image, whatever the objects say */
    bool ibt_plt;        /* a PLT fit for IBT even so */
    bool nodefaultlib;
    bool separate_code_set, separate_code;
    uint64_t max_page_size, common_page_size; /* 0: the CPU's */
    uint64_t image_base;
    bool image_base_set;
    uint64_t heap_base; /* 0: wherever the image puts it */
    unsigned hash_style;
    enum link_build_id build_id;
    const uint8_t *build_id_bytes; /* BUILD_ID_HEX */
    size_t build_id_size; /* BUILD_ID_HASH: 0 for the usual 20 */
    bool demangle;        /* C++ names in messages */
    bool eh_frame_hdr;   /* the default for objtool; ld needs --eh-frame-hdr */
    enum link_strip strip;
    enum link_discard discard;
    enum link_compress compress;
    struct darwin_options darwin;
    struct coff_options coff;
    bool progress;       /* may draw a progress line on stderr */
    unsigned threads;    /* 0: one for each processor */
};

#endif
