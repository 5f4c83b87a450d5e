/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signature.h - ad-hoc code signatures: a hash of each page of the file, and
 * nobody who vouches for it (xnu osfmk/kern/cs_blobs.h). */

#ifndef MACHO_SIGNATURE_H
#define MACHO_SIGNATURE_H

#include "base/buf.h"
#include "base/diag.h"
#include "macho/macho.h"

enum {
    SIGNATURE_PAGE_LOG2 = 12,
    SIGNATURE_PAGE = 1 << SIGNATURE_PAGE_LOG2,
    SIGNATURE_HASH = 32,
    SIGNATURE_ALIGN = 16
};

/* What a signature covers. */
struct signature {
    uint64_t code_limit; /* bytes of the file before the signature */
    const char *ident;
    uint64_t text_offset, text_size; /* of segment __TEXT in the file */
    bool main_binary;                /* of a program */
    uint32_t flags;                  /* CS_* */
    const uint8_t *hashes;           /* SIGNATURE_HASH bytes for each page */
};

void signature_hash(const uint8_t *bytes, uint64_t size, uint8_t out[SIGNATURE_HASH]);
static inline uint64_t signature_pages(uint64_t code_limit)
{
    return (code_limit + SIGNATURE_PAGE - 1) / SIGNATURE_PAGE;
}
/* Bytes of a signature of CODE_LIMIT bytes, a multiple of 16. */
uint64_t signature_size(uint64_t code_limit, const char *ident);
/* Append it. */
void signature_put(struct buf *out, const struct signature *s);
/* The last part of a path. */
const char *signature_ident(const char *path);

/* ---- reading ---- */

/* What a code directory says. */
struct code_directory {
    struct span blob;
    uint32_t version, flags, special_slots, code_slots;
    uint64_t code_limit;
    uint8_t hash_size, hash_type, page_log2;
    const char *ident, *team; /* NULL: none */
    uint64_t exec_base, exec_limit, exec_flags;
    struct span hashes; /* of the code slots */
};
struct signature_blobs {
    uint32_t count;  /* in the super blob */
    uint64_t length; /* that it says */
    bool has_requirements, has_cms;
    struct span cms; /* the signer's certificates; empty for an ad-hoc signature */
    struct code_directory directories[8]; /* the first, and those with other hashes */
    uint32_t directory_count;
};
/* Read the signature IN.  False with a word in D if it is none. */
bool signature_read(struct diag *d, struct span in, struct signature_blobs *out);
/* Compare the hashes of CD with FILE.  The first page that differs is in *BAD
   (UINT64_MAX: none); false if the hash is one that is not known. */
bool signature_check(const struct code_directory *cd, struct span file, uint64_t *bad);

#endif
