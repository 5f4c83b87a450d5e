/* SPDX-License-Identifier: GPL-3.0-or-later */
/* script.h - the texts that ld reads: linker scripts as far as they stand in
 * for libraries (INPUT, GROUP, AS_NEEDED...), version scripts, dynamic lists,
 * and name patterns. */

#ifndef LINK_SCRIPT_H
#define LINK_SCRIPT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"

/* ---- linker scripts ---- */

struct script_input {
    const char *name; /* "libm.so.6", "-lm" as "m" with library set, "/lib/x.so" */
    bool library;
    bool as_needed;
    uint32_t group; /* 1, 2, ... for the GROUP( ) it stood in; 0 for INPUT( ) */
};

struct linker_script {
    struct script_input *inputs;
    uint64_t input_count;
    const char **search; /* SEARCH_DIR */
    uint64_t search_count;
    const char *output_format; /* OUTPUT_FORMAT's first name, NULL if none */
};

/* True if IN could be a linker script: text without NUL, not empty. */
bool script_is(struct span in);

/* Read IN.  Commands that lay out an image (SECTIONS, PHDRS, ...) are
   E_UNSUPPORTED; "line 3: ..." is the place. */
bool script_read(struct diag *d, struct arena *a, struct span in, struct linker_script *out);

/* ---- version scripts, dynamic lists, --export patterns ---- */

enum { VERSION_LOCAL = 0, VERSION_GLOBAL = 1 }; /* ELF's VER_NDX_* */

struct version_pattern {
    const char *text;
    bool exact;  /* quoted, or no wildcard in it */
    bool cxx;    /* matched against the demangled name */
    bool all;    /* a lone "*" */
    bool local;  /* under local: */
    uint32_t line;
};

struct version_node {
    const char *name;   /* "" for the anonymous node */
    uint16_t index;     /* VERSION_GLOBAL for the anonymous node, else 2, 3, ... in file order */
    uint16_t *parents;  /* indices of the nodes it depends on */
    uint32_t parent_count;
    struct version_pattern *patterns;
    uint64_t pattern_count;
};

struct version_script {
    struct version_node *nodes;
    uint32_t node_count;
    bool has_cxx;
    void *lookup; /* exact names, hashed; made by the readers */
};

/* Read a version script or (DYNAMIC_LIST) a dynamic list: "{ a; b*; };". */
bool version_read(struct diag *d, struct arena *a, struct span in, bool dynamic_list,
                  struct version_script *out);

/* A script of one anonymous node with one more global PATTERN (a glob, or
   an exact name); *SCRIPT may be NULL at first. */
bool version_add_pattern(struct diag *d, struct arena *a, const char *pattern,
                         struct version_script **script);

/* What SCRIPT says of symbol NAME: the node's index and whether the pattern
   stands under local:.  ld's order of preference: an exact name before a
   wildcard, a wildcard before a lone "*", global before local among equals
   of the same node, the last node that matches wins among wildcards.  False
   if nothing matches. */
bool version_match(const struct version_script *script, const char *name, uint16_t *index,
                   bool *local);

/* The demangled form of C++ symbol NAME (malloc'ed), or NULL. */
char *demangle_cxx(const char *name);

#endif
