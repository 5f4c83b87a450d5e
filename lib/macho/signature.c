/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signature.c - make and check code signatures. */

#include "macho/signature.h"

#include <inttypes.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

enum {
    SUPER_BLOB = 24,     /* with one index entry, and up to the next 8 */
    CODE_DIRECTORY = 88, /* of version 0x20400 */
    VERSION_EXECSEG = 0x20400,
    MAX_BLOBS = 64,
};

void signature_hash(const uint8_t *bytes, uint64_t size, uint8_t out[SIGNATURE_HASH])
{
    struct sha256_ctx c;

    sha256_init(&c);
    sha256_update(&c, size, bytes);
    sha256_digest(&c, SIGNATURE_HASH, out);
}

const char *signature_ident(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static uint64_t hashes_offset(const char *ident)
{
    return align_up(SUPER_BLOB + CODE_DIRECTORY + strlen(ident) + 1, SIGNATURE_ALIGN);
}

uint64_t signature_size(uint64_t code_limit, const char *ident)
{
    return align_up(hashes_offset(ident) + SIGNATURE_HASH * signature_pages(code_limit),
                    SIGNATURE_ALIGN);
}

void signature_put(struct buf *out, const struct signature *s)
{
    uint64_t pages = signature_pages(s->code_limit), hashes = hashes_offset(s->ident);
    uint64_t end = hashes + SIGNATURE_HASH * pages, start = out->size;
    bool big = out->big;

    out->big = true;
    buf_uint(out, CSMAGIC_EMBEDDED_SIGNATURE, 4);
    buf_uint(out, end, 4);
    buf_uint(out, 1, 4);
    buf_uint(out, CSSLOT_CODEDIRECTORY, 4);
    buf_uint(out, SUPER_BLOB, 4);
    buf_reserve(out, 4);
    buf_uint(out, CSMAGIC_CODEDIRECTORY, 4);
    buf_uint(out, end - SUPER_BLOB, 4);
    buf_uint(out, VERSION_EXECSEG, 4);
    buf_uint(out, s->flags, 4);
    buf_uint(out, hashes - SUPER_BLOB, 4);
    buf_uint(out, CODE_DIRECTORY, 4); /* identOffset */
    buf_uint(out, 0, 4);              /* nSpecialSlots */
    buf_uint(out, pages, 4);
    buf_uint(out, s->code_limit, 4);
    buf_uint(out, SIGNATURE_HASH, 1);
    buf_uint(out, CS_HASHTYPE_SHA256, 1);
    buf_uint(out, 0, 1); /* platform */
    buf_uint(out, SIGNATURE_PAGE_LOG2, 1);
    buf_uint(out, 0, 4); /* spare2 */
    buf_uint(out, 0, 4); /* scatterOffset */
    buf_uint(out, 0, 4); /* teamOffset */
    buf_uint(out, 0, 4); /* spare3 */
    buf_uint(out, 0, 8); /* codeLimit64 */
    buf_uint(out, s->text_offset, 8);
    buf_uint(out, s->text_size, 8);
    buf_uint(out, s->main_binary ? CS_EXECSEG_MAIN_BINARY : 0, 8);
    buf_str(out, s->ident);
    if (!out->bad)
        buf_reserve(out, start + hashes - out->size);
    buf_bytes(out, s->hashes, SIGNATURE_HASH * pages);
    if (!out->bad)
        buf_reserve(out, start + signature_size(s->code_limit, s->ident) - out->size);
    out->big = big;
}

/* ---- reading ---- */

static bool read_directory(struct diag *d, struct span blob, struct code_directory *out)
{
    struct cursor c = {.in = blob, .big = true, .pos = 8};
    uint32_t hash_offset = 0, ident = 0, scatter = 0, team = 0;

    *out = (struct code_directory){.blob = blob};
    out->version = cur_u32(&c);
    out->flags = cur_u32(&c);
    hash_offset = cur_u32(&c);
    ident = cur_u32(&c);
    out->special_slots = cur_u32(&c);
    out->code_slots = cur_u32(&c);
    out->code_limit = cur_u32(&c);
    out->hash_size = cur_u8(&c);
    out->hash_type = cur_u8(&c);
    cur_u8(&c);
    out->page_log2 = cur_u8(&c);
    cur_u32(&c);
    if (out->version >= 0x20100)
        scatter = cur_u32(&c);
    if (out->version >= 0x20200)
        team = cur_u32(&c);
    if (out->version >= 0x20300) {
        uint64_t limit = 0;

        cur_u32(&c);
        limit = cur_u64(&c);
        out->code_limit = limit ? limit : out->code_limit;
    }
    if (out->version >= VERSION_EXECSEG) {
        out->exec_base = cur_u64(&c);
        out->exec_limit = cur_u64(&c);
        out->exec_flags = cur_u64(&c);
    }
    if (c.bad)
        return diag_fail(d, E_FORMAT, "signature: the code directory ends inside its header");
    out->ident = span_str(blob, ident);
    if (!out->ident)
        return diag_fail(d, E_FORMAT, "signature: the identifier does not end inside it");
    out->team = team ? span_str(blob, team) : NULL;
    if (scatter)
        return diag_fail(d, E_UNSUPPORTED, "signature: hashes of scattered pages");
    if (!span_sub(blob, hash_offset, (uint64_t)out->code_slots * out->hash_size, &out->hashes) ||
        (uint64_t)out->special_slots * out->hash_size > hash_offset)
        return diag_fail(d, E_FORMAT,
                         "signature: %" PRIu32 " hashes of %u bytes at 0x%" PRIx32
                         " are not inside the code directory (0x%" PRIx64 " bytes)",
                         out->code_slots, out->hash_size, hash_offset, blob.size);
    return true;
}

static bool read_blob(struct diag *d, struct span in, uint32_t type, uint32_t offset,
                      struct signature_blobs *out)
{
    struct cursor c = {.in = in, .big = true, .pos = offset};
    uint32_t magic = 0, length = 0;
    struct span blob;

    if (offset > in.size || in.size - offset < 8)
        return diag_fail(d, E_FORMAT, "signature: a blob at 0x%" PRIx32 " of 0x%" PRIx64 " bytes",
                         offset, in.size);
    magic = cur_u32(&c);
    length = cur_u32(&c);
    if (length < 8 || !span_sub(in, offset, length, &blob))
        return diag_fail(d, E_FORMAT,
                         "signature: a blob of 0x%" PRIx32 " bytes at 0x%" PRIx32
                         " does not end inside it (0x%" PRIx64 " bytes)",
                         length, offset, in.size);
    if (type == CSSLOT_CODEDIRECTORY ||
        (type >= CSSLOT_ALTERNATE_CODEDIRECTORIES && type < CSSLOT_ALTERNATE_CODEDIRECTORIES + 5)) {
        if (magic != CSMAGIC_CODEDIRECTORY)
            return diag_fail(d, E_FORMAT, "signature: 0x%" PRIx32 " is no code directory", magic);
        if (out->directory_count == 8)
            return diag_fail(d, E_FORMAT, "signature: more than 8 code directories");
        return read_directory(d, blob, &out->directories[out->directory_count++]);
    }
    out->has_requirements = out->has_requirements || magic == CSMAGIC_REQUIREMENTS;
    if (type == CSSLOT_SIGNATURESLOT) {
        out->has_cms = true;
        span_sub(blob, 8, blob.size - 8, &out->cms);
    }
    return true;
}

bool signature_read(struct diag *d, struct span in, struct signature_blobs *out)
{
    struct cursor c = {.in = in, .big = true};
    uint32_t magic = cur_u32(&c);

    *out = (struct signature_blobs){.length = cur_u32(&c)};
    out->count = cur_u32(&c);
    if (c.bad || magic != CSMAGIC_EMBEDDED_SIGNATURE || out->length > in.size ||
        out->length < c.pos)
        return diag_fail(d, E_FORMAT, "signature: no super blob inside its 0x%" PRIx64 " bytes",
                         in.size);
    if (out->count > MAX_BLOBS || !cur_count(&c, out->count, 8))
        return diag_fail(d, E_FORMAT, "signature: %" PRIu32 " blobs; %d are allowed", out->count,
                         MAX_BLOBS);
    c.in.size = out->length;
    for (uint32_t i = 0; i < out->count; i++) {
        uint32_t type = cur_u32(&c), offset = cur_u32(&c);

        if (c.bad || !read_blob(d, c.in, type, offset, out))
            return c.bad ? diag_fail(d, E_FORMAT, "signature: its list of blobs does not end")
                         : false;
    }
    return out->directory_count ||
           diag_fail(d, E_FORMAT, "signature: there is no code directory in it");
}

static bool hash_page(const struct code_directory *cd, const uint8_t *bytes, uint64_t size,
                      uint8_t out[SHA384_DIGEST_SIZE])
{
    struct sha1_ctx sha1;
    struct sha384_ctx sha384;

    switch (cd->hash_type) {
    case CS_HASHTYPE_SHA1:
        sha1_init(&sha1);
        sha1_update(&sha1, size, bytes);
        sha1_digest(&sha1, SHA1_DIGEST_SIZE, out);
        return cd->hash_size == SHA1_DIGEST_SIZE;
    case CS_HASHTYPE_SHA256:
    case CS_HASHTYPE_SHA256_TRUNCATED:
        signature_hash(bytes, size, out);
        return cd->hash_size == (cd->hash_type == CS_HASHTYPE_SHA256 ? 32 : 20);
    case CS_HASHTYPE_SHA384:
        sha384_init(&sha384);
        sha384_update(&sha384, size, bytes);
        sha384_digest(&sha384, SHA384_DIGEST_SIZE, out);
        return cd->hash_size == SHA384_DIGEST_SIZE;
    default:
        return false;
    }
}

bool signature_check(const struct code_directory *cd, struct span file, uint64_t *bad)
{
    uint64_t limit = cd->code_limit < file.size ? cd->code_limit : file.size;
    uint64_t page = cd->page_log2 ? UINT64_C(1) << (cd->page_log2 & 31) : limit;
    uint8_t hash[SHA384_DIGEST_SIZE];

    *bad = UINT64_MAX;
    for (uint64_t i = 0; i < cd->code_slots && i * page < limit; i++) {
        uint64_t size = limit - i * page < page ? limit - i * page : page;

        if (!hash_page(cd, file.at + i * page, size, hash))
            return false;
        if (memcmp(hash, cd->hashes.at + i * cd->hash_size, cd->hash_size) != 0) {
            *bad = i;
            return true;
        }
    }
    return true;
}
