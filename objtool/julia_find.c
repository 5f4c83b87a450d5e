/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_find.c - which Julia it is, and where it keeps its parts: asked of
 * itself, since distributions put them where they like. */

#include "julia.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* Names and values, each ended by NUL, so that any path may be told.  Libdl is
   in every image, and by its number is found with any load path. */
static const char question[] =
    "tell(name, value) = print(name, '\\0', value, '\\0')\n"
    "tell(\"version\", VERSION)\n"
    "tell(\"image\", abspath(unsafe_string(Base.JLOptions().image_file)))\n"
    "base = joinpath(Sys.BINDIR, Base.DATAROOTDIR, \"julia\", \"base\")\n"
    "isfile(joinpath(base, \"sysimg.jl\")) && tell(\"base\", realpath(base))\n"
    "id = Base.PkgId(Base.UUID(\"8f399da3-3557-5675-b5ff-fb832c97cbdb\"), \"Libdl\")\n"
    "for file in Base.require(id).dllist()\n"
    "    occursin(r\"^libjulia(-internal)?(-debug)?\\.\", basename(file)) &&\n"
    "        tell(\"library\", realpath(file))\n"
    "end\n";

static bool keep(struct julia_run *r, const char *name, const char *value)
{
    struct julia_program *j = &r->julia;
    struct julia_list *l = &j->libraries;

    if (strcmp(name, "version") == 0)
        j->version = value;
    else if (strcmp(name, "image") == 0)
        j->image = value;
    else if (strcmp(name, "base") == 0)
        j->base = value;
    else if (strcmp(name, "library") == 0) {
        if (!arena_grow(r->a, (void **)(uintptr_t)&l->at, l->count, &l->cap, sizeof *l->at))
            return diag_nomem(r->d);
        l->at[l->count++] = value;
    }
    return true;
}

static bool read_answer(struct julia_run *r, const char *path)
{
    struct file file;
    struct span rest = {0};
    char *text = NULL;
    bool ok = true;

    if (!file_open(r->d, path, &file))
        return false;
    text = arena_strndup(r->a, file.data.size ? (const char *)file.data.at : "", file.data.size);
    rest = (struct span){(const uint8_t *)text, file.data.size};
    file_close(&file);
    if (!text)
        return diag_nomem(r->d);
    while (ok && rest.size > 0) {
        const char *name = span_str(rest, 0);
        const char *value = name ? span_str(rest, strlen(name) + 1) : NULL;
        uint64_t used = value ? strlen(name) + strlen(value) + 2 : 0;

        if (!value)
            break;
        ok = keep(r, name, value);
        span_sub(rest, used, rest.size - used, &rest);
    }
    return ok;
}

bool julia_find(struct julia_run *r)
{
    const char *const args[] = {"-e", question, NULL};
    struct julia_call call = {.what = "Julia, asked where it is", .args = args};
    struct julia_program *j = &r->julia;
    char *rest = NULL;

    j->path = r->c->julia ? r->c->julia : "julia";
    j->base = "";
    call.output = julia_temp(r, "answer");
    if (!call.output || !julia_call(r, &call) || !read_answer(r, call.output))
        return false;
    if (!j->version || !j->image || j->libraries.count == 0)
        return diag_fail(r->d, E_UNSUPPORTED, "'%s' does not answer as Julia does: no %s", j->path,
                         !j->version ? "version"
                         : !j->image ? "image"
                                     : "libjulia");
    j->major = (unsigned)strtoul(j->version, &rest, 10);
    j->minor = *rest == '.' ? (unsigned)strtoul(rest + 1, NULL, 10) : 0;
    if (j->major != 1 || j->minor < 5)
        return diag_fail(r->d, E_UNSUPPORTED, "Julia %s: only Julia 1, from 1.5 on, is supported",
                         j->version);
    return true;
}
