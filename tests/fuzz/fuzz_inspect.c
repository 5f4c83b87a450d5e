/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_inspect.c - "objtool inspect" with all lists, as text and as JSON, and
 * "objtool verify" and "objtool julia audit", on anything.  JSON must be what a JSON reader takes, and
 * text must hold nothing that a terminal obeys.
 *
 * Bit 0 of the first byte set: the rest is the file.  Clear: the rest edits a
 * sound image (with bit 1 a sysimage, with bit 2 a heap container, with bit 3
 * an image of the engine cache), each edit an offset (2 bytes) and a value (4
 * bytes). */

#include <jansson.h>
#include <stdlib.h>

#include "elf/verify.h"
#include "heap/container.h"
#include "heap/verify.h"
#include "objtool/inspect.h"
#include "objtool/julia.h"
#include "tests/support/cache_image.h"
#include "tests/support/elf_image.h"
#include "tests/support/heap_file.h"
#include "tests/support/heap_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const struct buf *text)
{
    for (uint64_t i = 0; i < text->size; i++)
        if (text->at[i] == 0x7f || (text->at[i] < 0x20 && text->at[i] != '\n'))
            abort();
}

static void check_json(const struct buf *text)
{
    json_t *doc = json_loadb((const char *)text->at, text->size, JSON_REJECT_DUPLICATES, NULL);

    if (!doc)
        abort();
    json_decref(doc);
}

static void inspect(struct span in, bool as_json)
{
    struct report r = {.as_json = as_json};
    struct diag d = {0};
    bool ok = false;

    rep_open(&r, NULL, '{');
    ok = inspect_span(&d, &r, PART_ALL, NULL, "input", in);
    if (ok != (d.status == OK))
        abort();
    if (!ok) {
        rep_free(&r);
        return;
    }
    rep_close(&r);
    if (as_json)
        check_json(&r.json.out);
    else
        check_text(&r.text);
    rep_free(&r);
    /* The summary is another path. */
    if (!as_json)
        inspect_span(&d, &r, 0, NULL, "input", in);
    rep_free(&r);
}

static void count_finding(void *arg, const char *rule, const char *text)
{
    *(uint64_t *)arg += strlen(rule) + strlen(text);
}

static void verify(struct span in)
{
    uint64_t told = 0, findings = 0;
    struct verify_options o = {.found = count_finding, .arg = &told};
    struct arena a = {0};
    struct diag d = {0};

    bool ok = heap_is(in) ? heap_verify(&d, &a, in, &o, &findings)
                          : elf_verify(&d, &a, in, &o, &findings);

    if (ok != (d.status == OK) || (told == 0) != (findings == 0))
        abort();
    arena_free(&a);
}

static void audit(struct span in, bool as_json)
{
    struct arena a = {0};
    struct diag d = {0};
    struct julia_command c = {.d = &d,
                              .a = &a,
                              .step = JULIA_AUDIT,
                              .input = "input",
                              .json = as_json,
                              .system = true,
                              .verbose = true,
                              .redact = in.size & 1};
    struct report r = {.as_json = as_json};
    uint64_t found = 0;

    if (!julia_audit_span(&c, &r, in, NULL, &found) || d.status != OK)
        abort();
    if (as_json)
        check_json(&r.json.out);
    else
        check_text(&r.text);
    rep_free(&r);
    arena_free(&a);
}

static void edit(uint8_t *image, uint64_t size, struct cursor *c)
{
    while (cur_count(c, 1, 6)) {
        uint32_t off = cur_u16(c);
        uint32_t value = cur_u32(c);

        store_uint(image + off % (size - 3), 4, false, value);
    }
}

static void look(struct span in)
{
    inspect(in, false);
    inspect(in, true);
    verify(in);
    audit(in, false);
    audit(in, true);
}

static void look_at_container(struct cursor *c)
{
    struct heap_file f;

    heap_file_make(&f, false, false);
    edit(f.out.at, f.out.size, c);
    heap_file_seal(&f);
    look(buf_span(&f.out));
    heap_file_free(&f);
}

static void look_at_cache(struct cursor *c)
{
    uint8_t *image = malloc(CIMG_SIZE);

    if (!image)
        abort();
    make_cache_image(image);
    edit(image, CIMG_SIZE, c);
    look((struct span){image, CIMG_SIZE});
    free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = {.in = {data, size}};
    uint8_t how = cur_u8(&c);
    uint8_t *image = NULL;

    if (how & 1) {
        look((struct span){data + c.pos, size - c.pos});
        return 0;
    }
    if (how & 4) {
        look_at_container(&c);
        return 0;
    }
    if (how & 8) {
        look_at_cache(&c);
        return 0;
    }
    if (!(image = malloc(how & 2 ? HIMG_SIZE : IMG_SIZE)))
        abort();
    if (how & 2)
        make_heap_image(image);
    else
        make_elf_image(image);
    edit(image, how & 2 ? HIMG_RW : IMG_SIZE, &c);
    look((struct span){image, how & 2 ? HIMG_SIZE : IMG_SIZE});
    free(image);
    return 0;
}
