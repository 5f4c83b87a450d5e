/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_table.h - the options of objtool link and of ld, and the keywords of
 * -z.  Help, the reader and the test of the man page go by these tables. */

#ifndef OBJTOOL_LINK_TABLE_H
#define OBJTOOL_LINK_TABLE_H

#include "opts.h"

/* What a row does with the link_options member at offset AT. */
enum does {
    DOES_HEADING,
    DOES_FLAG,   /* bool: TO */
    DOES_INT,    /* an int or an enum: TO */
    DOES_TEXT,   /* const char *: the value */
    DOES_LIST,   /* struct strings: the value is added */
    DOES_OTHER,  /* TO is an enum other */
    DOES_IGNORE, /* HELP is the reason */
    DOES_WARN,   /* ignored with a warning; HELP is the reason */
    DOES_REFUSE, /* an error; HELP is the reason */
    DOES_DARWIN, /* TO is an enum darwin_option */
    DOES_MINGW,  /* TO is an enum mingw_option */
};

/* Options that do more than set a member. */
enum other {
    OPT_LIBRARY, OPT_WHOLE, OPT_NO_WHOLE, OPT_AS_NEEDED, OPT_NO_AS_NEEDED, OPT_STATIC, OPT_DYNAMIC,
    OPT_START_GROUP, OPT_END_GROUP, OPT_PUSH, OPT_POP, OPT_FORMAT,
    OPT_SHARED, OPT_NOT_SHARED, OPT_TARGET, OPT_EMULATION, OPT_OFORMAT, OPT_NOSTDLIB,
    OPT_RPATH, OPT_R, OPT_UNRESOLVED, OPT_DEFSYM, OPT_EXCLUDE_LIBS,
    OPT_VERSION_SCRIPT, OPT_DYNAMIC_LIST, OPT_LIST_DATA, OPT_LIST_NEW, OPT_LIST_TYPEINFO,
    OPT_EXPORT_SYMBOL, OPT_EXPORT_LIST, OPT_EXPORT,
    OPT_HASH_STYLE, OPT_BUILD_ID, OPT_COMPRESS, OPT_PACK_RELOCS, OPT_IMAGE_BASE,
    OPT_HEAP_RELOCS, OPT_HEAP_BASE, OPT_JULIA_PRELINK,
    OPT_Z, OPT_MAX_PAGE, OPT_COMMON_PAGE, OPT_SEPARATE_CODE, OPT_TEXT,
    OPT_EXECSTACK, OPT_PRINT_MAP, OPT_THREADS, OPT_COLOR, OPT_STRIP_DEBUG,
    OPT_HELP, OPT_VERSION, OPT_V, OPT_BIG_V, OPT_VERBOSE, OPT_PRINT_SYSROOT, OPT_PRINT_FORMAT,
};

extern const struct opt_row link_rows[];
extern const size_t link_row_count;
/* Those that only objtool link has; under the name ld they are unknown. */
extern const struct opt_row link_own_rows[];
extern const size_t link_own_row_count;
/* Keywords of -z; "max-page-size" takes its value behind '='. */
extern const struct opt_row link_z_rows[];
extern const size_t link_z_row_count;

#endif
