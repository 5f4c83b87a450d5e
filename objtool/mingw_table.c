/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mingw_table.c - the options of objtool link that only GNU ld for MinGW has. */

#include "link_table.h"
#include "mingw.h"

#include "coff/coff.h"
#include "link/options.h"

#include <stddef.h>

#define AT(MEMBER) offsetof(struct link_options, MEMBER)

/* clang-format off */
const struct opt_row mingw_rows[] = {
    {.help = "PE images (the names that GNU ld for MinGW has)"},
    {"out-implib", "FILE", DOES_TEXT, AT(coff.implib), 0, "write an import library to FILE"},
    {"output-def", "FILE", DOES_TEXT, AT(coff.def), 0, "write a .def file with all exports to FILE"},
    {"export-all-symbols", NULL, DOES_FLAG, AT(coff.export_all), true,
     "export everything, although some symbols are named"},
    {"exclude-all-symbols", NULL, DOES_FLAG, AT(coff.export_none), true,
     "export nothing but what --export names"},
    {"exclude-symbols", "NAMES", DOES_MINGW, 0, MINGW_EXCLUDE_SYMBOLS,
     "do not export these, with commas between them"},
    {"dynamicbase", NULL, DOES_INT, AT(coff.dynamic_base), CHOICE_YES,
     "the system may load the image anywhere (default, but for prelinked heaps)"},
    {"disable-dynamicbase|no-dynamicbase", NULL, DOES_INT, AT(coff.dynamic_base), CHOICE_NO,
     "it is loaded at its own address if that is free"},
    {"high-entropy-va", NULL, DOES_INT, AT(coff.high_entropy), CHOICE_YES, "and far away (default)"},
    {"disable-high-entropy-va", NULL, DOES_INT, AT(coff.high_entropy), CHOICE_NO, "in the first 2 GiB"},
    {"nxcompat", NULL, DOES_INT, AT(coff.nx), CHOICE_YES, "data is never executed (default)"},
    {"disable-nxcompat", NULL, DOES_INT, AT(coff.nx), CHOICE_NO, "it may be"},
    {"subsystem", "NAME", DOES_MINGW, 0, MINGW_SUBSYSTEM, "console (default) or windows"},
    {"disable-auto-import", NULL, DOES_FLAG, AT(coff.no_auto_import), true,
     "other images' data must be declared with dllimport"},
    {"enable-auto-import", NULL, DOES_FLAG, AT(coff.no_auto_import), false,
     "pointers to it are filled by the loader (default)"},
    {"section-alignment|file-alignment", "SIZE", DOES_MINGW, 0, MINGW_ALIGN, "4096 is what there is"},
    {"dll|enable-auto-image-base|enable-runtime-pseudo-reloc|disable-runtime-pseudo-reloc", NULL,
     DOES_IGNORE, 0, 0, "what is always so, or never"},
    {"disable-auto-image-base|enable-stdcall-fixup|disable-stdcall-fixup|kill-at", NULL, DOES_IGNORE,
     0, 0, "about 32-bit images, or programs"},
    {"large-address-aware|disable-large-address-aware|tsaware|no-seh|disable-no-seh", NULL,
     DOES_IGNORE, 0, 0, "about programs"},
    {"enable-reloc-section|insert-timestamp|no-insert-timestamp|no-bind|no-isolation", NULL,
     DOES_IGNORE, 0, 0, "the time stamp is a hash of the image; there is .reloc where something moves"},
    {"add-stdcall-alias|warn-duplicate-exports|enable-long-section-names|disable-long-section-names|"
     "support-old-code|thumb-entry", NULL, DOES_IGNORE, 0, 0, "as GNU ld has it by default"},
    {"stack|heap|major-image-version|minor-image-version|major-os-version|minor-os-version|"
     "major-subsystem-version|minor-subsystem-version|base-file|dll-search-prefix", "VALUE", DOES_IGNORE,
     0, 0, "a DLL has no use for it"},
};
/* clang-format on */
const size_t mingw_row_count = sizeof mingw_rows / sizeof *mingw_rows;
