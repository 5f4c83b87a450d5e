/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sign.c - a new signature for a file that other tools have changed.
 *
 * It stands at the end of __LINKEDIT, which is the end of the file; a file
 * that never had one needs room for one more load command. */

#include "macho/sign.h"

#include "macho/file.h"
#include "macho/signature.h"

#include <inttypes.h>

enum { FAT_ARCH_SIZE = 20, FAT_ARCH_64_SIZE = 32, LINKEDIT_PAGE = 0x4000 };

/* One thin file. */
struct signer {
    struct diag *d;
    struct arena *a;
    struct span in;
    struct macho_file f;
    const struct macho_segment *linkedit, *text;
    uint64_t command;    /* offset of LC_CODE_SIGNATURE */
    bool is_new;         /* that command is not there yet */
    uint64_t code_limit; /* bytes before the signature */
    struct code_directory old;
    bool has_old;
};

static bool fits_in_header(struct signer *s)
{
    uint64_t end = (s->f.wide ? 32u : 28u) + s->f.commands_size, first = UINT64_MAX;

    for (uint32_t i = 0; i < s->f.section_count; i++)
        if (s->f.sections[i].data.at && s->f.sections[i].offset < first)
            first = s->f.sections[i].offset;
    if (first == UINT64_MAX)
        first = s->text->fileoff + s->text->filesize;
    return end + LINKEDIT_DATA_COMMAND_SIZE <= first ||
           diag_fail(s->d, E_UNSUPPORTED,
                     "has no room for a signature's load command: %" PRIu64
                     " bytes are left behind the others, %d are needed (link it with -headerpad)",
                     first > end ? first - end : 0, LINKEDIT_DATA_COMMAND_SIZE);
}

/* What the file must be for a signature to hold. */
static bool find_places(struct signer *s)
{
    uint64_t end = 0;

    s->text = macho_find_segment(&s->f, "__TEXT");
    s->linkedit = macho_find_segment(&s->f, "__LINKEDIT");
    if (s->f.filetype != MH_EXECUTE && s->f.filetype != MH_DYLIB && s->f.filetype != MH_BUNDLE)
        return diag_fail(s->d, E_UNSUPPORTED, "is %s; programs, libraries and bundles are signed",
                         macho_filetype_name(s->f.filetype) ? macho_filetype_name(s->f.filetype)
                                                            : "of an unknown kind");
    if (!s->text || !s->linkedit || s->f.big)
        return diag_fail(s->d, E_FORMAT, "has no segments __TEXT and __LINKEDIT");
    end = s->linkedit->fileoff + s->linkedit->filesize;
    if (end != s->in.size)
        return diag_fail(s->d, E_FORMAT,
                         "ends at 0x%" PRIx64 ", but its __LINKEDIT at 0x%" PRIx64
                         ": a signature must be the end of both",
                         s->in.size, end);
    for (uint32_t i = 0; i < s->f.command_count; i++)
        if (s->f.commands[i].cmd == LC_CODE_SIGNATURE)
            s->command = s->f.commands[i].offset;
    s->is_new = s->command == 0;
    if (s->is_new) {
        s->command = (s->f.wide ? 32u : 28u) + s->f.commands_size;
        s->code_limit = align_up(s->in.size, SIGNATURE_ALIGN);
        return fits_in_header(s);
    }
    s->code_limit = s->f.signature.offset;
    if (s->code_limit + s->f.signature.data.size != s->in.size || s->code_limit % SIGNATURE_ALIGN ||
        s->code_limit < s->linkedit->fileoff)
        return diag_fail(s->d, E_FORMAT,
                         "has a signature of 0x%" PRIx64 " bytes at 0x%" PRIx64
                         ", which is not the end of __LINKEDIT at a multiple of 16",
                         s->f.signature.data.size, s->code_limit);
    return true;
}

/* What the old signature says, if it can be read. */
static void read_old(struct signer *s)
{
    struct signature_blobs blobs;
    struct diag quiet = {0};

    if (!s->is_new && signature_read(&quiet, s->f.signature.data, &blobs)) {
        s->old = blobs.directories[0];
        s->has_old = true;
    }
}

static void patch_segment(const struct signer *s, uint8_t *at, uint64_t filesize)
{
    uint64_t page = LINKEDIT_PAGE, vmsize = align_up(filesize, page);
    uint64_t command = s->f.commands[s->linkedit->command].offset;

    /* As large as it was is enough if it holds all. */
    if (vmsize < s->linkedit->vmsize && align_up(filesize, 0x1000) <= s->linkedit->vmsize)
        vmsize = align_up(filesize, s->linkedit->vmsize % page ? 0x1000 : page);
    if (s->f.wide) {
        store_uint(at + command + 32, 8, false, vmsize);
        store_uint(at + command + 48, 8, false, filesize);
    } else {
        store_uint(at + command + 28, 4, false, vmsize);
        store_uint(at + command + 36, 4, false, filesize);
    }
}

static bool put_file(struct signer *s, struct buf *out, const char *ident)
{
    uint64_t start = out->size, size = signature_size(s->code_limit, ident);
    uint64_t pages = signature_pages(s->code_limit);
    uint8_t *hashes = arena_alloc(s->a, pages, SIGNATURE_HASH), *at = NULL;

    if (!hashes)
        return diag_nomem(s->d);
    if (s->code_limit + size > UINT32_MAX)
        return diag_fail(s->d, E_UNSUPPORTED, "would have more than 4 GiB");
    buf_bytes(out, s->in.at, s->code_limit < s->in.size ? s->code_limit : s->in.size);
    if (!out->bad)
        buf_reserve(out, start + s->code_limit - out->size);
    if (out->bad)
        return diag_nomem(s->d);
    at = out->at + start;
    patch_segment(s, at, s->code_limit + size - s->linkedit->fileoff);
    store_uint(at + s->command, 4, false, LC_CODE_SIGNATURE);
    store_uint(at + s->command + 4, 4, false, LINKEDIT_DATA_COMMAND_SIZE);
    store_uint(at + s->command + 8, 4, false, s->code_limit);
    store_uint(at + s->command + 12, 4, false, size);
    if (s->is_new) {
        store_uint(at + 16, 4, false, s->f.command_count + 1);
        store_uint(at + 20, 4, false, s->f.commands_size + LINKEDIT_DATA_COMMAND_SIZE);
    }
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t left = s->code_limit - i * SIGNATURE_PAGE;

        signature_hash(at + i * SIGNATURE_PAGE, left < SIGNATURE_PAGE ? left : SIGNATURE_PAGE,
                       hashes + i * SIGNATURE_HASH);
    }
    signature_put(out, &(struct signature){.code_limit = s->code_limit,
                                           .ident = ident,
                                           .text_offset = s->text->fileoff,
                                           .text_size = s->text->filesize,
                                           .main_binary = s->f.filetype == MH_EXECUTE,
                                           .flags = CS_ADHOC,
                                           .hashes = hashes});
    return !out->bad || diag_nomem(s->d);
}

static bool sign_thin(struct diag *d, struct arena *a, struct span in, const struct sign_options *o,
                      struct buf *out)
{
    struct signer s = {.d = d, .a = a, .in = in};
    const char *ident = o->ident;

    if (!macho_open(d, a, in, &s.f) || !find_places(&s))
        return false;
    read_old(&s);
    if (s.has_old && s.old.special_slots && !o->entitled_ok)
        return diag_fail(d, E_UNSUPPORTED,
                         "its signature has %" PRIu32
                         " hashes of other things than code (entitlements, Info.plist), which an "
                         "ad-hoc signature would lose; --force does it all the same",
                         s.old.special_slots);
    if (!ident)
        ident = s.has_old ? s.old.ident : signature_ident(o->name);
    return put_file(&s, out, ident);
}

static bool sign_fat(struct diag *d, struct arena *a, struct span in, const struct sign_options *o,
                     struct buf *out)
{
    struct macho_slice *slices = NULL;
    uint32_t count = 0;
    bool wide = load_uint(in.at, 4, true) == FAT_MAGIC_64, ok = true;
    uint64_t entry = wide ? FAT_ARCH_64_SIZE : FAT_ARCH_SIZE;

    if (!macho_read_fat(d, a, in, &slices, &count))
        return false;
    buf_bytes(out, in.at, 8 + entry * count);
    for (uint32_t i = 0; ok && i < count; i++) {
        struct where here = {d->where, "slice", i};
        uint64_t start = 0, at = 8 + entry * i, bytes = wide ? 8 : 4;

        d->where = &here;
        if (slices[i].align_log2 > 20)
            ok = diag_fail(d, E_FORMAT, "alignment 2^%" PRIu32, slices[i].align_log2);
        if (ok && !out->bad)
            buf_align(out, UINT64_C(1) << slices[i].align_log2);
        start = out->size;
        ok = ok && sign_thin(d, a, slices[i].data, o, out);
        d->where = here.up;
        if (ok && !wide && out->size > UINT32_MAX)
            ok = diag_fail(d, E_UNSUPPORTED, "would have more than 4 GiB");
        if (ok && !out->bad) {
            store_uint(out->at + at + 8, (unsigned)bytes, true, start);
            store_uint(out->at + at + 8 + bytes, (unsigned)bytes, true, out->size - start);
        }
    }
    return ok && (!out->bad || diag_nomem(d));
}

bool macho_sign(struct diag *d, struct arena *a, struct span in, const struct sign_options *o,
                struct buf *out)
{
    return macho_is_fat(in) ? sign_fat(d, a, in, o, out) : sign_thin(d, a, in, o, out);
}
