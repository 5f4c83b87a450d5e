/* SPDX-License-Identifier: GPL-3.0-or-later */
/* julia_script.c - the text of the script. */

#include "julia_script.h"

/* With --output-o no module's __init__ has run.  What matters is done by hand:
   without the first line any message ends in a segmentation fault, without the
   others no package is found, not even those of the standard library. */
static const char head[] =
    "# What goes into the image: run by julia --output-o, which saves all that is loaded\n"
    "# and compiled when this file ends.  Written by objtool julia.\n"
    "\n"
    "# No module's __init__ has run yet.\n"
    "Base.reinit_stdio()\n"
    "@eval Sys BINDIR = ccall(:jl_get_julia_bindir, Any, ())::String\n"
    "@eval Sys STDLIB = abspath(BINDIR, \"..\", \"share\", \"julia\", \"stdlib\",\n"
    "                           \"v$(VERSION.major).$(VERSION.minor)\")\n"
    "Base.init_depot_path()\n"
    "Base.init_load_path()\n"
    "isdefined(Base, :init_active_project) && Base.init_active_project()\n"
    "\n";

/* The statements name modules that Main has not loaded, so they run in a module
   where each has its name; and each may fail alone. */
static const char compile_head[] =
    "# Compile what was recorded.\n"
    "let names = Module()\n"
    "    for (id, loaded) in Base.loaded_modules\n"
    "        name = Symbol(id.name)\n"
    "        isdefined(names, name) || Core.eval(names, :(const $name = $loaded))\n"
    "    end\n"
    "    statements = collect(eachline(";
static const char compile_tail[] =
    "))\n"
    "    path = get(ENV, \"" JULIA_REPORT_VARIABLE "\", \"\")\n"
    "    report = isempty(path) ? nothing : open(path, \"w\")\n"
    "    report === nothing || (println(report, \"of \", length(statements)); flush(report))\n"
    "    for (number, statement) in enumerate(statements)\n"
    "        said = try\n"
    "            Base.include_string(names, statement) === false ? \"unknown\" : \"compiled\"\n"
    "        catch err\n"
    "            text = sprint(showerror, err isa LoadError ? err.error : err)\n"
    "            string(\"failed \", first(replace(text, r\"\\s+\" => \" \"), 200))\n"
    "        end\n"
    "        if report !== nothing\n"
    "            println(report, number, ' ', said, '\\t', statement)\n"
    "            flush(report)\n"
    "        elseif said != \"compiled\"\n"
    "            println(stderr, \"statement \", number, ' ', said, \": \", first(statement, 100))\n"
    "        end\n"
    "    end\n"
    "    report === nothing || close(report)\n"
    "end\n"
    "\n";

static const char tail[] =
    "# These are of this machine and this run; who starts the image has their own.\n"
    "empty!(Core.ARGS)\n"
    "empty!(Base.ARGS)\n"
    "empty!(LOAD_PATH)\n"
    "empty!(DEPOT_PATH)\n"
    "isdefined(Base, :PROGRAM_FILE) && @eval Base PROGRAM_FILE = \"\"\n"
    "isdefined(Base, :ACTIVE_PROJECT) && (Base.ACTIVE_PROJECT[] = nothing)\n"
    "isdefined(Base, :HOME_PROJECT) && (Base.HOME_PROJECT[] = nothing)\n"
    "if isdefined(Base, :TOML_CACHE)\n"
    "    empty!(Base.TOML_CACHE.d)\n"
    "    Base.TOML.reinit!(Base.TOML_CACHE.p, \"\")\n"
    "end\n"
    "@eval Sys begin\n"
    "    BINDIR = \"\"\n"
    "    STDLIB = \"\"\n"
    "end\n";

void julia_quote(struct buf *out, const char *s)
{
    buf_bytes(out, "\"", 1);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\' || *s == '$')
            buf_printf(out, "\\%c", *s);
        else if ((uint8_t)*s < 0x20 || *s == 0x7f)
            buf_printf(out, "\\x%02x", (uint8_t)*s);
        else
            buf_bytes(out, s, 1);
    }
    buf_bytes(out, "\"", 1);
}

bool julia_is_name(const char *s)
{
    /* Letters of other scripts are taken on trust: Julia says if one is none. */
    for (const char *p = s; *p; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_' ||
                      (uint8_t)*p >= 0x80;

        if (!letter && (p == s || !((*p >= '0' && *p <= '9') || *p == '!')))
            return false;
    }
    return *s != 0;
}

void julia_script_write(struct buf *out, const struct julia_script *s)
{
    buf_printf(out, "%s", head);
    if (s->package_count > 0 && !s->import)
        buf_printf(out, "# In a module without a name, so that Main stays as it is.\n"
                        "@eval Module() begin\n");
    for (uint64_t i = 0; i < s->package_count; i++)
        buf_printf(out, "%simport %s\n", s->import ? "" : "    ", s->packages[i]);
    if (s->package_count > 0)
        buf_printf(out, s->import ? "\n" : "end\n\n");
    if (s->statements) {
        buf_printf(out, "%s", compile_head);
        julia_quote(out, s->statements);
        buf_printf(out, "%s", compile_tail);
    }
    buf_printf(out, "%s", tail);
}
