/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.c - what Mach-O's numbers are called. */

#include "macho/file.h"

struct name {
    uint32_t number;
    const char *name;
};

static const char *find(const struct name *names, size_t count, uint32_t number)
{
    for (size_t i = 0; i < count; i++)
        if (names[i].number == number)
            return names[i].name;
    return NULL;
}
#define FIND(NAMES, NUMBER) find(NAMES, sizeof NAMES / sizeof *NAMES, NUMBER)

/* clang-format off */
static const struct name commands[] = {
    {LC_SEGMENT, "SEGMENT"}, {LC_SYMTAB, "SYMTAB"}, {0x3, "SYMSEG"}, {0x4, "THREAD"},
    {0x5, "UNIXTHREAD"}, {0x6, "LOADFVMLIB"}, {0x7, "IDFVMLIB"}, {0x8, "IDENT"},
    {0x9, "FVMFILE"}, {0xa, "PREPAGE"}, {LC_DYSYMTAB, "DYSYMTAB"}, {LC_LOAD_DYLIB, "LOAD_DYLIB"},
    {LC_ID_DYLIB, "ID_DYLIB"}, {LC_LOAD_DYLINKER, "LOAD_DYLINKER"}, {0xf, "ID_DYLINKER"},
    {0x10, "PREBOUND_DYLIB"}, {0x11, "ROUTINES"}, {LC_SUB_FRAMEWORK, "SUB_FRAMEWORK"},
    {LC_SUB_UMBRELLA, "SUB_UMBRELLA"}, {LC_SUB_CLIENT, "SUB_CLIENT"},
    {LC_SUB_LIBRARY, "SUB_LIBRARY"}, {0x16, "TWOLEVEL_HINTS"}, {0x17, "PREBIND_CKSUM"},
    {LC_LOAD_WEAK_DYLIB, "LOAD_WEAK_DYLIB"}, {LC_SEGMENT_64, "SEGMENT_64"},
    {LC_ROUTINES_64, "ROUTINES_64"}, {LC_UUID, "UUID"}, {LC_RPATH, "RPATH"},
    {LC_CODE_SIGNATURE, "CODE_SIGNATURE"}, {LC_SEGMENT_SPLIT_INFO, "SEGMENT_SPLIT_INFO"},
    {LC_REEXPORT_DYLIB, "REEXPORT_DYLIB"}, {LC_LAZY_LOAD_DYLIB, "LAZY_LOAD_DYLIB"},
    {LC_ENCRYPTION_INFO, "ENCRYPTION_INFO"}, {LC_DYLD_INFO, "DYLD_INFO"},
    {LC_DYLD_INFO_ONLY, "DYLD_INFO_ONLY"}, {LC_LOAD_UPWARD_DYLIB, "LOAD_UPWARD_DYLIB"},
    {LC_VERSION_MIN_MACOSX, "VERSION_MIN_MACOSX"},
    {LC_VERSION_MIN_IPHONEOS, "VERSION_MIN_IPHONEOS"}, {LC_FUNCTION_STARTS, "FUNCTION_STARTS"},
    {LC_DYLD_ENVIRONMENT, "DYLD_ENVIRONMENT"}, {LC_MAIN, "MAIN"},
    {LC_DATA_IN_CODE, "DATA_IN_CODE"}, {LC_SOURCE_VERSION, "SOURCE_VERSION"},
    {LC_DYLIB_CODE_SIGN_DRS, "DYLIB_CODE_SIGN_DRS"},
    {LC_ENCRYPTION_INFO_64, "ENCRYPTION_INFO_64"}, {LC_LINKER_OPTION, "LINKER_OPTION"},
    {LC_LINKER_OPTIMIZATION_HINT, "LINKER_OPTIMIZATION_HINT"},
    {LC_VERSION_MIN_TVOS, "VERSION_MIN_TVOS"}, {LC_VERSION_MIN_WATCHOS, "VERSION_MIN_WATCHOS"},
    {LC_NOTE, "NOTE"}, {LC_BUILD_VERSION, "BUILD_VERSION"},
    {LC_DYLD_EXPORTS_TRIE, "DYLD_EXPORTS_TRIE"}, {LC_DYLD_CHAINED_FIXUPS, "DYLD_CHAINED_FIXUPS"},
    {LC_FILESET_ENTRY, "FILESET_ENTRY"}, {LC_ATOM_INFO, "ATOM_INFO"},
    {LC_FUNCTION_VARIANTS, "FUNCTION_VARIANTS"},
    {LC_FUNCTION_VARIANT_FIXUPS, "FUNCTION_VARIANT_FIXUPS"}, {LC_TARGET_TRIPLE, "TARGET_TRIPLE"},
};

static const struct name filetypes[] = {
    {MH_OBJECT, "object"}, {MH_EXECUTE, "program"}, {3, "fixed VM library"}, {MH_CORE, "core file"},
    {5, "preloaded program"}, {MH_DYLIB, "dynamic library"}, {MH_DYLINKER, "dynamic linker"},
    {MH_BUNDLE, "bundle"}, {MH_DYLIB_STUB, "library stub"}, {MH_DSYM, "debug information"},
    {MH_KEXT_BUNDLE, "kernel extension"}, {MH_FILESET, "file set"},
};

static const struct name cpus[] = {
    {CPU_TYPE_X86, "i386"}, {CPU_TYPE_X86_64, "x86-64"}, {CPU_TYPE_ARM, "arm"},
    {CPU_TYPE_ARM64, "arm64"}, {CPU_TYPE_ARM64_32, "arm64_32"}, {CPU_TYPE_POWERPC, "powerpc"},
    {CPU_TYPE_POWERPC64, "powerpc64"},
};

static const struct name platforms[] = {
    {PLATFORM_MACOS, "macOS"}, {2, "iOS"}, {3, "tvOS"}, {4, "watchOS"}, {5, "bridgeOS"},
    {6, "Mac Catalyst"}, {7, "iOS simulator"}, {8, "tvOS simulator"}, {9, "watchOS simulator"},
    {10, "DriverKit"}, {11, "visionOS"}, {12, "visionOS simulator"},
};

static const char *const section_types[] = {
    [S_REGULAR] = "regular", [S_ZEROFILL] = "zero-fill", [S_CSTRING_LITERALS] = "strings",
    [S_4BYTE_LITERALS] = "4-byte literals", [S_8BYTE_LITERALS] = "8-byte literals",
    [S_LITERAL_POINTERS] = "literal pointers",
    [S_NON_LAZY_SYMBOL_POINTERS] = "symbol pointers",
    [S_LAZY_SYMBOL_POINTERS] = "lazy symbol pointers", [S_SYMBOL_STUBS] = "stubs",
    [S_MOD_INIT_FUNC_POINTERS] = "initialisers", [S_MOD_TERM_FUNC_POINTERS] = "finalisers",
    [S_COALESCED] = "coalesced", [S_GB_ZEROFILL] = "large zero-fill",
    [S_INTERPOSING] = "interposing", [S_16BYTE_LITERALS] = "16-byte literals",
    [S_DTRACE_DOF] = "DTrace", [S_LAZY_DYLIB_SYMBOL_POINTERS] = "lazy library pointers",
    [S_THREAD_LOCAL_REGULAR] = "thread-local", [S_THREAD_LOCAL_ZEROFILL] = "thread-local zero-fill",
    [S_THREAD_LOCAL_VARIABLES] = "thread-local descriptors",
    [S_THREAD_LOCAL_VARIABLE_POINTERS] = "thread-local pointers",
    [S_THREAD_LOCAL_INIT_FUNCTION_POINTERS] = "thread-local initialisers",
    [S_INIT_FUNC_OFFSETS] = "initialiser offsets",
};
/* clang-format on */

const char *macho_command_name(uint32_t cmd) { return FIND(commands, cmd); }

const char *macho_filetype_name(uint32_t filetype) { return FIND(filetypes, filetype); }

const char *macho_cpu_name(uint32_t cputype, uint32_t cpusubtype)
{
    cpusubtype &= ~CPU_SUBTYPE_MASK;
    if (cputype == CPU_TYPE_ARM64 && cpusubtype == CPU_SUBTYPE_ARM64E)
        return "arm64e";
    if (cputype == CPU_TYPE_X86_64 && cpusubtype == CPU_SUBTYPE_X86_64_H)
        return "x86-64h";
    return FIND(cpus, cputype);
}

const char *macho_platform_name(uint32_t platform) { return FIND(platforms, platform); }

const char *macho_section_type_name(uint32_t flags)
{
    uint32_t type = flags & SECTION_TYPE;

    return type < sizeof section_types / sizeof *section_types ? section_types[type] : NULL;
}

const char *macho_version(struct arena *a, uint32_t version)
{
    const char *text =
        version & 0xff
            ? arena_printf(a, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff)
            : arena_printf(a, "%u.%u", version >> 16, version >> 8 & 0xff);

    return text ? text : "";
}
