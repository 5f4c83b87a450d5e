/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect_note.c - notes: the build-id, what system the file is for, what its
 * code promises (properties). */

#include "elf/machine.h"
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>

static void hex_of(struct buf *out, struct span bytes)
{
    for (uint64_t i = 0; i < bytes.size; i++)
        buf_printf(out, "%02x", bytes.at[i]);
}

/* As rep_str(), for text made in T, which is freed. */
static void put_text(struct report *r, const char *key, const char *label, struct buf *t)
{
    buf_bytes(t, "", 1);
    r->text.bad = r->text.bad || t->bad;
    if (!t->bad)
        rep_str(r, key, label, (const char *)t->at);
    buf_free(t);
}

static void put_build_id(struct inspect *i, struct span desc)
{
    struct buf t = {0};

    hex_of(&t, desc);
    put_text(i->r, "build_id", "build id", &t);
}

static void put_abi(struct inspect *i, struct span desc)
{
    static const char *const systems[] = {"Linux", "Hurd", "Solaris", "FreeBSD", "NetBSD"};
    struct cursor c = elf_cursor(&i->f, desc);
    uint32_t system = cur_u32(&c), major = cur_u32(&c), minor = cur_u32(&c), patch = cur_u32(&c);
    struct buf t = {0};

    if (c.bad)
        return;
    buf_printf(&t, "%s %" PRIu32 ".%" PRIu32 ".%" PRIu32,
               system < sizeof systems / sizeof systems[0] ? systems[system] : "system unknown",
               major, minor, patch);
    put_text(i->r, "abi", "for", &t);
}

/* The words of FEATURES, by the machine's names. */
static void put_features(struct buf *t, const struct elf_machine *m, uint32_t features)
{
    bool first = true;

    for (unsigned bit = 0, named = 1; bit < 32; bit++) {
        const char *name = NULL;

        named = named && m && m->feature_names && m->feature_names[bit];
        name = named ? m->feature_names[bit] : NULL;
        if (!(features >> bit & 1))
            continue;
        buf_printf(t, "%s", first ? "" : " ");
        if (name)
            buf_printf(t, "%s", name);
        else
            buf_printf(t, "bit-%u", bit);
        first = false;
    }
}

static void put_properties(struct inspect *i, struct span desc)
{
    const struct elf_machine *m = elf_machine_find(i->f.machine);
    struct cursor c = elf_cursor(&i->f, desc);

    rep_open(i->r, "properties", '[');
    while (c.pos < c.in.size) {
        uint32_t type = cur_u32(&c), size = cur_u32(&c);
        const uint8_t *data = cur_take(&c, align_up(size, i->f.wide ? 8 : 4));
        struct buf t = {0};

        if (c.bad)
            break;
        rep_open(i->r, NULL, '{');
        rep_hex(i->r, "type", NULL, type);
        if (m && type == m->feature_and && size == 4)
            put_features(&t, m, (uint32_t)load_uint(data, 4, i->f.big));
        else if (size == 4 || size == 8)
            buf_printf(&t, "0x%" PRIx32 ": 0x%" PRIx64, type, load_uint(data, size, i->f.big));
        else
            buf_printf(&t, "0x%" PRIx32, type);
        put_text(i->r, "value", "property", &t);
        rep_close(i->r);
    }
    rep_close(i->r);
}

struct seen {
    bool build_id, abi, properties;
    uint64_t others, bytes;
};

static void put_note(struct inspect *i, const struct elf_note *n, struct seen *seen)
{
    bool gnu = n->owner.size == 3 && !memcmp(n->owner.at, "GNU", 3);

    if (gnu && n->type == NT_GNU_BUILD_ID && !seen->build_id) {
        seen->build_id = true;
        put_build_id(i, n->desc);
    } else if (gnu && n->type == NT_GNU_ABI_TAG && !seen->abi) {
        seen->abi = true;
        put_abi(i, n->desc);
    } else if (gnu && n->type == NT_GNU_PROPERTY_TYPE_0 && !seen->properties) {
        seen->properties = true;
        put_properties(i, n->desc);
    } else if (!gnu || n->type > NT_GNU_PROPERTY_TYPE_0) {
        seen->others++;
        seen->bytes += n->desc.size;
    }
}

static void put_notes(struct inspect *i, struct span bytes, uint64_t align, uint64_t *left,
                      struct seen *seen)
{
    struct cursor c = elf_cursor(&i->f, bytes);
    struct elf_note n;

    /* Notes that lie on top of each other are shown once. */
    if (bytes.size > *left)
        return;
    *left -= bytes.size;
    while (elf_next_note(&c, align == 8 ? 8 : 4, &n))
        put_note(i, &n, seen);
}

void inspect_notes(struct inspect *i)
{
    struct seen seen = {0};
    uint64_t left = i->f.in.size;
    bool segments = false;

    for (uint32_t n = 0; n < i->f.segment_count; n++) {
        const struct elf_phdr *p = &i->f.segments[n];

        if (p->type != PT_NOTE)
            continue;
        segments = true;
        put_notes(i, p->data, p->align, &left, &seen);
    }
    for (uint32_t n = 1; n < i->f.section_count && !segments; n++) {
        const struct elf_shdr *s = &i->f.sections[n];

        if (s->type == SHT_NOTE)
            put_notes(i, s->data, s->align, &left, &seen);
    }
    rep_num(i->r, "other_notes", seen.others ? "other notes" : NULL, seen.others);
}
