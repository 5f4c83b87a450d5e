/* SPDX-License-Identifier: GPL-3.0-or-later */
/* api.h - the linker plugin interface of GNU ld and gold, as far as we use it
 * (binutils' documentation of the interface; the numbers are its ABI). */

#ifndef PLUGIN_API_H
#define PLUGIN_API_H

#include <stdint.h>
#include <sys/types.h>

enum plugin_status { LDPS_OK = 0, LDPS_NO_SYMS, LDPS_BAD_HANDLE, LDPS_ERR };
enum plugin_level { LDPL_INFO, LDPL_WARNING, LDPL_ERROR, LDPL_FATAL };
enum plugin_output { LDPO_REL, LDPO_EXEC, LDPO_DYN, LDPO_PIE };

/* A file that the linker offers: SIZE bytes at OFFSET of FD. */
struct plugin_input {
    const char *name;
    int fd;
    off_t offset, size;
    void *handle;
};

enum plugin_symbol_kind { LDPK_DEF, LDPK_WEAKDEF, LDPK_UNDEF, LDPK_WEAKUNDEF, LDPK_COMMON };
enum plugin_resolution { LDPR_PREVAILING_DEF = 2, LDPR_PREVAILING_DEF_IRONLY = 3 };
enum plugin_visibility { LDPV_DEFAULT, LDPV_PROTECTED, LDPV_INTERNAL, LDPV_HIDDEN };

struct plugin_symbol {
    char *name, *version;
    /* One int in older versions of the interface, so its bytes follow the host's order. */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    char unused, section_kind, symbol_type, def;
#else
    char def, symbol_type, section_kind, unused;
#endif
    int visibility;
    uint64_t size;
    char *comdat_key;
    int resolution;
};

typedef enum plugin_status plugin_claim(const struct plugin_input *file, int *claimed);
typedef enum plugin_status plugin_event(void);
typedef enum plugin_status plugin_get_symbols(const void *handle, int count,
                                              struct plugin_symbol *all);

enum plugin_tag {
    LDPT_NULL = 0,
    LDPT_GOLD_VERSION = 2,
    LDPT_LINKER_OUTPUT = 3,
    LDPT_OPTION = 4,
    LDPT_REGISTER_CLAIM_FILE_HOOK = 5,
    LDPT_REGISTER_ALL_SYMBOLS_READ_HOOK = 6,
    LDPT_REGISTER_CLEANUP_HOOK = 7,
    LDPT_ADD_SYMBOLS = 8,
    LDPT_GET_SYMBOLS = 9,
    LDPT_ADD_INPUT_FILE = 10,
    LDPT_MESSAGE = 11,
    LDPT_OUTPUT_NAME = 15,
    LDPT_GNU_LD_VERSION = 17,
    LDPT_GET_VIEW = 18,
    LDPT_GET_SYMBOLS_V2 = 25,
    LDPT_GET_SYMBOLS_V3 = 28,
    LDPT_GET_API_VERSION = 34,
};

/* What the linker tells onload(): a list that ends with LDPT_NULL. */
struct plugin_tv {
    int tag;
    union {
        int number;
        const char *string;
        enum plugin_status (*register_claim)(plugin_claim *hook);
        enum plugin_status (*register_event)(plugin_event *hook);
        enum plugin_status (*add_symbols)(void *handle, int count, const struct plugin_symbol *all);
        plugin_get_symbols *get_symbols;
        enum plugin_status (*add_input_file)(const char *path);
        enum plugin_status (*message)(int level, const char *format, ...);
        enum plugin_status (*get_view)(const void *handle, const void **view);
        int (*get_api_version)(const char *name, const char *version, int least, int most,
                               const char **linker_name, const char **linker_version);
    } u;
};

#endif
