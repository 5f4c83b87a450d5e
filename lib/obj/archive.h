/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive.h - members of an ar archive: GNU (with SysV names), BSD and thin,
 * 32- and 64-bit index, with or without one. */

#ifndef OBJ_ARCHIVE_H
#define OBJ_ARCHIVE_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/diag.h"

struct ar_member {
    const char *name;  /* NUL-terminated, as the archive spells it, without padding or '/' */
    uint64_t offset;   /* of the member's header in the archive; tells equal names apart */
    struct span data;  /* the contents; empty for a member of a thin archive */
    uint64_t size;     /* of the contents, in a thin archive too */
    uint64_t nested;   /* thin: NAME is an archive, and this its member's offset; 0 if it is not */
};

/* One entry of the symbol index. */
struct ar_symbol {
    const char *name;
    uint32_t member; /* index into members */
};

struct archive {
    bool thin; /* members are files beside the archive, found by name */
    struct ar_member *members;
    uint32_t member_count;
    bool has_index;
    struct ar_symbol *symbols;
    uint64_t symbol_count;
};

/* True if IN starts as an archive of any kind does. */
bool archive_is(struct span in);

/* Read the archive IN.  Arrays and member names live in A, member data and
   the symbols' names in IN.
   Special members (the index, the name table) are not among the members.
   On failure OUT is zero and D says where: "header at 0x...: ...". */
bool archive_read(struct diag *d, struct arena *a, struct span in, struct archive *out);

/* The file that member M of the thin archive at PATH is, in A; NULL without
   memory.  Names are relative to the archive. */
char *archive_member_path(struct arena *a, const char *path, const struct ar_member *m);

/* The contents of the member whose header is at OFFSET in the archive IN:
   what a thin archive's member with a NESTED offset stands for. */
bool archive_member_at(struct diag *d, struct span in, uint64_t offset, struct span *data);

#endif
