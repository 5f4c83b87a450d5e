bin_PROGRAMS += objtool/objtool
# All of "inspect" and "julia audit", which tests link, too.
inspect_sources = \
	objtool/cmd_inspect.c \
	objtool/inspect_macho.c objtool/inspect_macho.h objtool/inspect_macho_lists.c \
	objtool/inspect_coff.c objtool/inspect_coff.h objtool/inspect_coff_lists.c \
	objtool/inspect.h \
	objtool/inspect_archive.c \
	objtool/inspect_cache.c \
	objtool/inspect_elf.c \
	objtool/inspect_graph.c \
	objtool/inspect_heap.c objtool/inspect_heap.h \
	objtool/inspect_image.c \
	objtool/inspect_julia.c \
	objtool/inspect_lists.c \
	objtool/inspect_note.c \
	objtool/inspect_totals.c \
	objtool/json.c objtool/json.h \
	objtool/report.c objtool/report.h \
	objtool/tell.c objtool/tell.h \
	objtool/term.c objtool/term.h

audit_sources = \
	objtool/julia_audit.c objtool/julia.h \
	objtool/julia_leaks.c objtool/julia_leaks.h \
	objtool/julia_places.c objtool/julia_places.h

objtool_objtool_SOURCES = $(inspect_sources) $(audit_sources) \
	objtool/cache.h \
	objtool/cache_explain.c \
	objtool/cache_files.c \
	objtool/cache_gc.c \
	objtool/cache_ls.c \
	objtool/cache_modules.c objtool/cache_modules.h \
	objtool/cmd_cache.c \
	objtool/cmd_heap.c \
	objtool/cmd_link.c \
	objtool/cmd_pack.c objtool/cmd_sign.c \
	objtool/cmd_verify.c \
	objtool/command.h \
	objtool/heap.h \
	objtool/heap_input.c \
	objtool/heap_opts.c \
	objtool/heap_scan.c \
	objtool/darwin.h objtool/darwin_opts.c objtool/darwin_table.c \
	objtool/mingw.h objtool/mingw_opts.c objtool/mingw_table.c \
	objtool/link_command.c objtool/link_files.c \
	objtool/link_opts.c objtool/link_opts.h \
	objtool/link_table.c objtool/link_table.h \
	objtool/link_target.c \
	objtool/cmd_julia.c \
	objtool/julia_check.c \
	objtool/julia_child.c objtool/julia_child.h \
	objtool/julia_find.c \
	objtool/julia_opts.c \
	objtool/julia_progress.c objtool/julia_progress.h \
	objtool/julia_run.c \
	objtool/julia_scratch.c objtool/julia_scratch.h \
	objtool/julia_script.c objtool/julia_script.h \
	objtool/julia_statements.c objtool/julia_statements.h \
	objtool/julia_steps.c \
	objtool/main.c \
	objtool/opts.c objtool/opts.h
objtool_objtool_LDADD = lib/libsysobj.la runtime/libwriter.la
