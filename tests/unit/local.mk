unit_tests += tests/unit/test_heap tests/unit/test_slots
unit_tests += tests/unit/test_heap_graph tests/unit/test_heap_image
unit_tests += tests/unit/test_heap_writer
unit_tests += tests/unit/test_heap_opts
tests_unit_test_heap_opts_SOURCES = tests/unit/test_heap_opts.c \
	objtool/heap_input.c objtool/heap_opts.c objtool/heap_scan.c objtool/opts.c
unit_tests += tests/unit/test_image
unit_tests += tests/unit/test_cache tests/unit/test_cache_arena tests/unit/test_cache_refuse tests/unit/test_cache_read
toy_engine = tests/support/toy_engine.c tests/support/toy_engine.h
tests_unit_test_cache_SOURCES = tests/unit/test_cache.c $(toy_engine)
tests_unit_test_cache_LDADD = runtime/libsysimage.la $(LDADD)
tests_unit_test_cache_arena_SOURCES = tests/unit/test_cache_arena.c $(toy_engine)
tests_unit_test_cache_arena_LDADD = runtime/libsysimage.la $(LDADD)
tests_unit_test_cache_refuse_SOURCES = tests/unit/test_cache_refuse.c $(toy_engine)
tests_unit_test_cache_refuse_LDADD = runtime/libsysimage.la $(LDADD)
tests_unit_test_image_LDADD = runtime/libsysimage.la $(LDADD) -ldl
tests_unit_test_heap_writer_LDADD = runtime/libsysimage.la $(LDADD)
unit_tests += tests/unit/test_julia tests/unit/test_julia_prelink
unit_tests += tests/unit/test_julia_layouts
unit_tests += tests/unit/test_julia_cmd
tests_unit_test_julia_cmd_SOURCES = tests/unit/test_julia_cmd.c \
	objtool/julia_leaks.c objtool/julia_opts.c objtool/julia_script.c \
	objtool/julia_statements.c objtool/opts.c
unit_tests += tests/unit/test_verify tests/unit/test_verify_heap
unit_tests += tests/unit/test_archive
unit_tests += tests/unit/test_arena
unit_tests += tests/unit/test_bytes
unit_tests += tests/unit/test_elf
unit_tests += tests/unit/test_link_cut
unit_tests += tests/unit/test_macho
unit_tests += tests/unit/test_coff
unit_tests += tests/unit/test_opts
unit_tests += tests/unit/test_report
unit_tests += tests/unit/test_script
unit_tests += tests/unit/test_strtab

tests_unit_test_report_SOURCES = tests/unit/test_report.c \
	objtool/json.c objtool/report.c objtool/term.c
tests_unit_test_opts_SOURCES = tests/unit/test_opts.c \
	objtool/darwin_opts.c objtool/darwin_table.c objtool/link_command.c \
	objtool/mingw_opts.c objtool/mingw_table.c objtool/link_files.c objtool/link_opts.c \
	objtool/link_table.c objtool/link_target.c \
	objtool/opts.c

unit_tests += tests/unit/test_reloc tests/unit/test_stubs
script_tests += tests/unit/reloc-vectors.sh
slow_tests += \
	tests/unit/reloc-vectors.sh tests/unit/test_cache_refuse tests/unit/test_image tests/unit/test_link_cut \
	tests/unit/test_macho
EXTRA_DIST += \
	tests/unit/reloc-aarch64.txt \
	tests/unit/reloc-x86_64.txt

unit_tests += tests/unit/test_plugin
tests_unit_test_plugin_SOURCES = tests/unit/test_plugin.c $(plugin_own_sources)
