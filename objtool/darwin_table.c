/* SPDX-License-Identifier: GPL-3.0-or-later */
/* darwin_table.c - the options of objtool link that only ld64 has.  Where both
 * have one of the same name, for a Mach-O target ld64's counts. */

#include "darwin.h"
#include "link_table.h"

#include "link/options.h"

#include <stddef.h>

#define AT(MEMBER) offsetof(struct link_options, MEMBER)
#define COUNT(TABLE) (sizeof(TABLE) / sizeof *(TABLE))

/* clang-format off */
const struct opt_row darwin_rows[] = {
    {.help = "Mach-O images (the names that Apple's ld has)"},
    {"dylib", NULL, DOES_DARWIN, 0, DARWIN_DYLIB, "make a dynamic library: the only thing that is made"},
    {"arch", "CPU", DOES_DARWIN, 0, DARWIN_ARCH, "x86_64 or arm64"},
    {"platform_version", "PLATFORM MIN SDK", DOES_DARWIN, 0, DARWIN_PLATFORM,
     "macos, the oldest system that the image runs on, and the SDK it was made with"},
    {"macos_version_min|macosx_version_min", "VERSION", DOES_DARWIN, 0, DARWIN_MIN,
     "the oldest system that the image runs on"},
    {"sdk_version", "VERSION", DOES_DARWIN, 0, DARWIN_SDK, "the SDK that it was made with"},
    {"install_name|dylib_install_name", "NAME", DOES_TEXT, AT(soname), 0,
     "how others find the library (default: @rpath/ and the output's name; with -dylib: the output)"},
    {"final_output", "NAME", DOES_DARWIN, 0, DARWIN_FINAL, "the install name, if there is no -install_name"},
    {"current_version|dylib_current_version", "VERSION", DOES_DARWIN, 0, DARWIN_CURRENT,
     "the version of the library"},
    {"compatibility_version|dylib_compatibility_version", "VERSION", DOES_DARWIN, 0, DARWIN_COMPAT,
     "the oldest version that it can stand for"},
    {"all_load", NULL, DOES_DARWIN, 0, DARWIN_ALL_LOAD, "take all archives whole"},
    {"noall_load", NULL, DOES_IGNORE, 0, 0, "the default"},
    {"force_load", "FILE", DOES_DARWIN, 0, DARWIN_FORCE_LOAD, "take this archive whole"},
    {"load_hidden", "FILE", DOES_DARWIN, 0, DARWIN_HIDDEN, "an archive whose symbols are not exported"},
    {"hidden-l*", NULL, DOES_DARWIN, 0, DARWIN_HIDDEN_L, "the same, searched as by -l"},
    {"weak_library", "FILE", DOES_DARWIN, 0, DARWIN_WEAK, "a library that may be missing at run time"},
    {"weak-l*", NULL, DOES_DARWIN, 0, DARWIN_WEAK_L, "the same, searched as by -l"},
    {"weak_framework", "NAME", DOES_DARWIN, 0, DARWIN_WEAK_FRAMEWORK, "the same for a framework"},
    {"reexport_library", "FILE", DOES_DARWIN, 0, DARWIN_REEXPORT, "a library whose symbols are ours as well"},
    {"reexport-l*", NULL, DOES_DARWIN, 0, DARWIN_REEXPORT_L, "the same, searched as by -l"},
    {"reexport_framework", "NAME", DOES_DARWIN, 0, DARWIN_REEXPORT_FRAMEWORK, "the same for a framework"},
    {"upward_library", "FILE", DOES_DARWIN, 0, DARWIN_UPWARD, "a library that depends on this one"},
    {"upward-l*", NULL, DOES_DARWIN, 0, DARWIN_UPWARD_L, "the same, searched as by -l"},
    {"needed_library", "FILE", DOES_DARWIN, 0, DARWIN_NEEDED, "a library; it is always kept"},
    {"needed-l*", NULL, DOES_DARWIN, 0, DARWIN_NEEDED_L, "the same, searched as by -l"},
    {"framework|needed_framework", "NAME", DOES_DARWIN, 0, DARWIN_FRAMEWORK, "link with framework NAME"},
    {"F", "DIR", DOES_LIST, AT(darwin.frameworks), 0, "search DIR for frameworks"},
    {"syslibroot", "DIR", DOES_TEXT, AT(sysroot), 0, "the SDK: paths from / are looked for there first"},
    {"Z", NULL, DOES_DARWIN, 0, DARWIN_NO_DIRS, "do not search the usual directories"},
    {"rpath", "DIR", DOES_LIST, AT(rpath), 0, "LC_RPATH: where the loader looks for @rpath libraries"},
    {"filelist", "FILE", DOES_DARWIN, 0, DARWIN_FILELIST, "inputs from FILE, one on each line"},
    {"exported_symbol", "PATTERN", DOES_DARWIN, 0, DARWIN_EXPORT, "export only what a PATTERN matches"},
    {"exported_symbols_list", "FILE", DOES_DARWIN, 0, DARWIN_EXPORT_LIST, "patterns from FILE, one on each line"},
    {"unexported_symbol", "PATTERN", DOES_DARWIN, 0, DARWIN_UNEXPORT, "do not export what PATTERN matches"},
    {"unexported_symbols_list", "FILE", DOES_DARWIN, 0, DARWIN_UNEXPORT_LIST, "patterns from FILE"},
    {"undefined", "TREATMENT", DOES_DARWIN, 0, DARWIN_UNDEFINED,
     "what to do with undefined symbols: error (default with -dylib), warning, suppress, "
     "dynamic_lookup (default without: the loader looks in all images)"},
    {"U", "SYMBOL", DOES_LIST, AT(darwin.lookup), 0, "SYMBOL may be undefined"},
    {"alias", "SYMBOL NAME", DOES_DARWIN, 0, DARWIN_ALIAS, "NAME is SYMBOL's other name"},
    {"headerpad", "HEX", DOES_DARWIN, 0, DARWIN_HEADERPAD, "room for load commands to grow (default 400)"},
    {"headerpad_max_install_names", NULL, DOES_FLAG, AT(darwin.headerpad_max), true,
     "room for every name to become 1024 bytes"},
    {"fixup_chains", NULL, DOES_INT, AT(darwin.chained), CHOICE_YES, "chained fixups (default from macOS 12)"},
    {"no_fixup_chains", NULL, DOES_INT, AT(darwin.chained), CHOICE_NO, "rebase and bind opcodes"},
    {"init_offsets", NULL, DOES_INT, AT(darwin.init_offsets), CHOICE_YES,
     "initialisers as offsets (default with chained fixups)"},
    {"no_init_offsets", NULL, DOES_INT, AT(darwin.init_offsets), CHOICE_NO, "as pointers"},
    {"adhoc_codesign", NULL, DOES_INT, AT(darwin.sign), CHOICE_YES, "sign ad hoc (default)"},
    {"no_adhoc_codesign", NULL, DOES_INT, AT(darwin.sign), CHOICE_NO, "do not sign"},
    {"no_uuid", NULL, DOES_FLAG, AT(darwin.no_uuid), true, "no LC_UUID; systems from 12 on ask for one"},
    {"function_starts", NULL, DOES_FLAG, AT(darwin.no_function_starts), false, "list where functions start (default)"},
    {"no_function_starts", NULL, DOES_FLAG, AT(darwin.no_function_starts), true, "do not"},
    {"data_in_code_info", NULL, DOES_FLAG, AT(darwin.no_data_in_code), false, "list data among code (default)"},
    {"no_data_in_code_info", NULL, DOES_FLAG, AT(darwin.no_data_in_code), true, "do not"},
    {"flat_namespace", NULL, DOES_FLAG, AT(darwin.flat_namespace), true, "look symbols up in all images"},
    {"twolevel_namespace", NULL, DOES_FLAG, AT(darwin.flat_namespace), false, "in the library that had them (default)"},
    {"application_extension", NULL, DOES_FLAG, AT(darwin.app_extension), true, "mark as safe for extensions"},
    {"no_application_extension", NULL, DOES_FLAG, AT(darwin.app_extension), false, "do not (default)"},
    {"dead_strip_dylibs", NULL, DOES_FLAG, AT(darwin.dead_strip_dylibs), true, "leave out libraries that nothing is bound to"},
    {"umbrella", "NAME", DOES_TEXT, AT(darwin.umbrella), 0, "the framework that this is part of"},
    {"sectcreate", "SEGMENT SECTION FILE", DOES_DARWIN, 0, DARWIN_SECTCREATE, "a section with the bytes of FILE"},
    {"image_base|seg1addr", "HEX", DOES_DARWIN, 0, DARWIN_BASE, "the address that the image prefers"},
    {"map", "FILE", DOES_TEXT, AT(map), 0, "write what is where to FILE"},
    {"why_load", NULL, DOES_FLAG, AT(print_retained), true, "say why each member is in the image"},
    {"w", NULL, DOES_FLAG, AT(no_warnings), true, "no warnings"},
    {"flavor", "NAME", DOES_DARWIN, 0, DARWIN_FLAVOR, "as lld has it: darwin"},

    {.help = "Accepted for Mach-O, without effect"},
    {"dead_strip|no_dead_strip_inits_and_terms", NULL, DOES_WARN, 0, 0, "sections are kept whole"},
    {"mark_dead_strippable_dylib", NULL, DOES_IGNORE, 0, 0, "for other links with the library"},
    {"dynamic|single_module|multi_module|bind_at_load|export_dynamic|no_deduplicate|deduplicate|"
     "search_paths_first|search_dylibs_first|ld_classic|ld_new|no_implicit_dylibs|"
     "implicit_dylibs|no_weak_imports|random_uuid|prebind|no_objc_category_merging|"
     "no_warn_duplicate_libraries|warn_duplicate_libraries|no_inits|demangle|no_demangle|"
     "objc_relative_method_lists|no_objc_relative_method_lists|no_exported_symbols|noprebind|"
     "twolevel_namespace_hints|no_encryption|noseglinkedit|seglinkedit|nofixprebinding",
     NULL, DOES_IGNORE, 0, 0, "what is done anyway, or changes nothing of the image"},
    {"lto_library|object_path_lto|cache_path_lto|prune_interval_lto|prune_after_lto|"
     "max_relative_cache_size_lto|mcpu|order_file|dependency_info|oso_prefix|add_ast_path|"
     "client_name|allowable_client|read_only_relocs|debug_variant|objc_abi_version",
     "VALUE", DOES_IGNORE, 0, 0, "about intermediate code, debuggers or other tools"},
    {"ObjC", NULL, DOES_WARN, 0, 0, "members are taken for their symbols only; use -force_load"},

    {.help = "Refused for Mach-O"},
    {"execute|bundle|r|preload|dylinker|kext|static", NULL, DOES_OTHER, 0, OPT_NOT_SHARED,
     "only dynamic libraries can be made"},
    {"init", "SYMBOL", DOES_REFUSE, 0, 0, "LC_ROUTINES is of old systems: use a constructor"},
    {"stack_size|pagezero_size|bundle_loader|segprot|segaddr|segalign|rename_section|"
     "rename_segment|moved_symbol|reexported_symbols_list|merge_library", "VALUE", DOES_REFUSE, 0, 0,
     "not supported"},
};
const size_t darwin_row_count = COUNT(darwin_rows);
/* clang-format on */
