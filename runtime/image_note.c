/* SPDX-License-Identifier: MIT */
/* image_note.c - the note that leads to the table, in a file and in memory. */

#include "runtime/image.h"

#include <string.h>

enum { HEAD = 12 }; /* gABI: sizes of name and descriptor, type; 4 bytes each */

static uint64_t padded(uint32_t size) { return ((uint64_t)size + 3) & ~UINT64_C(3); }

static enum simg_status check(const struct simg_note *note, struct simg_error *e)
{
    if (note->version != SIMG_TABLE_VERSION)
        return error_set(e, SIMG_ERR_UNSUPPORTED, 0, "note: version %u; this library knows %u",
                         (unsigned)note->version, (unsigned)SIMG_TABLE_VERSION);
    if (note->flags != 0)
        return error_set(e, SIMG_ERR_UNSUPPORTED, 0, "note: flags 0x%x; this library knows none",
                         (unsigned)note->flags);
    return SIMG_OK;
}

enum simg_status note_find(const uint8_t *at, uint64_t size, uint64_t *desc, struct simg_note *out,
                           struct simg_error *e)
{
    uint64_t pos = 0;

    while (pos <= size && size - pos >= HEAD) {
        uint64_t body = pos + HEAD;
        uint32_t head[3];

        memcpy(head, at + pos, HEAD);
        *desc = body + padded(head[0]);
        if (*desc > size || head[1] > size - *desc)
            break;
        if (head[2] == SIMG_NOTE_TABLE && head[0] == sizeof SIMG_NOTE_NAME &&
            memcmp(at + body, SIMG_NOTE_NAME, sizeof SIMG_NOTE_NAME) == 0 &&
            head[1] >= sizeof *out) {
            memcpy(out, at + *desc, sizeof *out);
            return check(out, e);
        }
        pos = *desc + padded(head[1]);
    }
    return error_set(e, SIMG_ERR_NOT_IMAGE, 0, "not a sysimage: it has no note that says so");
}
