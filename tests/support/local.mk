# What unit tests and fuzz targets make their inputs with. All of them are linked with it.
check_LTLIBRARIES += tests/support/libsupport.la
tests_support_libsupport_la_SOURCES = \
	tests/support/cache_image.c tests/support/cache_image.h \
	tests/support/coff_object.c tests/support/coff_object.h \
	tests/support/elf_image.c tests/support/elf_image.h \
	tests/support/elf_object.c tests/support/elf_object.h \
	tests/support/heap_file.c tests/support/heap_file.h \
	tests/support/heap_image.c tests/support/heap_image.h \
	tests/support/julia_image.c tests/support/julia_image.h \
	tests/support/julia_layouts.c tests/support/julia_layouts.h \
	tests/support/macho_object.c tests/support/macho_object.h \
	tests/support/memory.c tests/support/memory.h

# The tables of tests/unit/test_reloc.c are made from these; tests/unit/reloc-vectors.sh compares.
EXTRA_DIST += \
	tests/support/cachecode.cc \
	tests/support/cachefault.c \
	tests/support/cacheshow.c \
	tests/support/pcre2probe.c \
	tests/support/pcre2probes.txt \
	tests/support/dylib_slots.py \
	tests/support/dylibbreak.py \
	tests/support/dylibfix.c \
	tests/support/dylibload.c tests/support/dylibload.h \
	tests/support/enginemany.c \
	tests/support/failalloc.c \
	tests/support/heapgen.c \
	tests/support/heapown.c \
	tests/support/heapwalk.c \
	tests/support/imagebreak.c \
	tests/support/imagetest.c \
	tests/support/julialayout.c \
	tests/support/macos.h \
	tests/support/pebreak.py \
	tests/support/pehost.c \
	tests/support/windows/check.c tests/support/windows/check.h \
	tests/support/windows/file.c tests/support/windows/zstd.h \
	tests/support/windows/posix.c tests/support/windows/posix.h \
	tests/support/winload.h \
	tests/support/make-reloc-vectors.sh \
	tests/support/marker.s \
	tests/support/movetest.c \
	tests/support/reloc-aarch64.rows \
	tests/support/reloc-x86_64.rows \
	tests/support/reloc_table.h \
	tests/support/stubs-aarch64.s \
	tests/support/stubs-x86_64.s
