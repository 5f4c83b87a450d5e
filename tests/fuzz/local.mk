# A fuzz target X is tests/fuzz/fuzz_X.c, which defines LLVMFuzzerTestOneInput. It has two programs:
# replay_X, a test in every build, and fuzz_X, libFuzzer's, with --enable-fuzzers.
# An input that once broke it stays in corpus/X as text, named by what was wrong:
#   xxd -p crash-123 >tests/fuzz/corpus/X/count-past-the-end.hex

replay_tests += tests/fuzz/replay_julia
tests_fuzz_replay_julia_SOURCES = tests/fuzz/fuzz_julia.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_julia
tests_fuzz_fuzz_julia_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/julia/edits-of-a-later-heap.hex \
	tests/fuzz/corpus/julia/edits-of-a-sound-image.hex \
	tests/fuzz/corpus/julia/later-version-compressed.hex

replay_tests += tests/fuzz/replay_heap
tests_fuzz_replay_heap_SOURCES = tests/fuzz/fuzz_heap.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_heap
tests_fuzz_fuzz_heap_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/heap/edits-of-a-sound-container.hex \
	tests/fuzz/corpus/heap/edits-of-a-compressed-one.hex \
	tests/fuzz/corpus/heap/header-only.hex

replay_tests += tests/fuzz/replay_image
tests_fuzz_replay_image_SOURCES = tests/fuzz/fuzz_image.c tests/fuzz/replay.c
tests_fuzz_replay_image_LDADD = runtime/libsysimage.la $(LDADD)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_image
tests_fuzz_fuzz_image_LDADD = runtime/libsysimage.la $(LDADD)
tests_fuzz_fuzz_image_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/image/edits-of-a-sound-image.hex

replay_tests += tests/fuzz/replay_heap_image
tests_fuzz_replay_heap_image_SOURCES = tests/fuzz/fuzz_heap_image.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_heap_image
tests_fuzz_fuzz_heap_image_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/heap_image/a-note-alone.hex \
	tests/fuzz/corpus/heap_image/edits-of-a-sound-image.hex

replay_tests += tests/fuzz/replay_cache
tests_fuzz_replay_cache_SOURCES = tests/fuzz/fuzz_cache.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_cache
tests_fuzz_fuzz_cache_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/cache/edits-of-a-sound-arena.hex \
	tests/fuzz/corpus/cache/edits-of-a-sound-register.hex \
	tests/fuzz/corpus/cache/magic-alone.hex \
	tests/fuzz/corpus/cache/texts.hex

replay_tests += tests/fuzz/replay_ar
tests_fuzz_replay_ar_SOURCES = tests/fuzz/fuzz_ar.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_ar
tests_fuzz_fuzz_ar_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/ar/bsd-big-endian.hex \
	tests/fuzz/corpus/ar/bsd.hex \
	tests/fuzz/corpus/ar/gnu-64.hex \
	tests/fuzz/corpus/ar/gnu.hex \
	tests/fuzz/corpus/ar/plain.txt \
	tests/fuzz/corpus/ar/thin.txt

replay_tests += tests/fuzz/replay_script
tests_fuzz_replay_script_SOURCES = tests/fuzz/fuzz_script.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_script
tests_fuzz_fuzz_script_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/script/anonymous.txt \
	tests/fuzz/corpus/script/dynamic-list.txt \
	tests/fuzz/corpus/script/libc.txt \
	tests/fuzz/corpus/script/many-stars.txt \
	tests/fuzz/corpus/script/no-wildcards.hex \
	tests/fuzz/corpus/script/nul-in-a-name.hex \
	tests/fuzz/corpus/script/versions.txt

# The whole of a command, so with its sources, which objtool/local.mk lists.
replay_tests += tests/fuzz/replay_inspect
tests_fuzz_replay_inspect_SOURCES = tests/fuzz/fuzz_inspect.c tests/fuzz/replay.c \
	$(inspect_sources) $(audit_sources)
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_inspect
tests_fuzz_fuzz_inspect_SOURCES = tests/fuzz/fuzz_inspect.c $(inspect_sources) $(audit_sources)
tests_fuzz_fuzz_inspect_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/inspect/archive-of-an-object.hex \
	tests/fuzz/corpus/inspect/big-endian-object.hex \
	tests/fuzz/corpus/inspect/sound-container.hex \
	tests/fuzz/corpus/inspect/sound-engine.hex \
	tests/fuzz/corpus/inspect/sound-image.hex \
	tests/fuzz/corpus/inspect/sound-sysimage.hex

replay_tests += tests/fuzz/replay_reloc
tests_fuzz_replay_reloc_SOURCES = tests/fuzz/fuzz_reloc.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_reloc
tests_fuzz_fuzz_reloc_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += tests/fuzz/corpus/reloc/some-of-each.hex

# Their inputs to start from: make-seeds.sh DIR.
replay_tests += tests/fuzz/replay_elf tests/fuzz/replay_link
tests_fuzz_replay_elf_SOURCES = tests/fuzz/fuzz_elf.c tests/fuzz/replay.c
tests_fuzz_replay_link_SOURCES = tests/fuzz/fuzz_link.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_elf tests/fuzz/fuzz_link
tests_fuzz_fuzz_elf_SOURCES = tests/fuzz/fuzz_elf.c tests/fuzz/elf_mutator.c
tests_fuzz_fuzz_link_SOURCES = tests/fuzz/fuzz_link.c tests/fuzz/elf_mutator.c
tests_fuzz_fuzz_elf_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
tests_fuzz_fuzz_link_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
script_tests += tests/fuzz/seeds.sh
EXTRA_DIST += \
	tests/fuzz/corpus/elf/sound-library-32-bit-big-endian.hex \
	tests/fuzz/corpus/elf/sound-library.hex \
	tests/fuzz/corpus/elf/sound-object-32-bit-big-endian.hex \
	tests/fuzz/corpus/elf/sound-object.hex \
	tests/fuzz/corpus/link/does-not-unpack.hex \
	tests/fuzz/corpus/link/section-without-a-name.hex \
	tests/fuzz/elf_mutator.c \
	tests/fuzz/make-seeds.sh \
	tests/fuzz/seeds/aarch64.s \
	tests/fuzz/seeds/shared.c \
	tests/fuzz/seeds/users.s \
	tests/fuzz/seeds/versions.s \
	tests/fuzz/seeds/x86_64.s

replay_tests += tests/fuzz/replay_macho
tests_fuzz_replay_macho_SOURCES = tests/fuzz/fuzz_macho.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_macho
tests_fuzz_fuzz_macho_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/macho/a-small-object.hex \
	tests/fuzz/corpus/macho/empty-slices.hex \
	tests/fuzz/corpus/macho/header-only.hex \
	tests/fuzz/corpus/macho/stub.txt

replay_tests += tests/fuzz/replay_coff
tests_fuzz_replay_coff_SOURCES = tests/fuzz/fuzz_coff.c tests/fuzz/replay.c
if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_coff
tests_fuzz_fuzz_coff_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
endif
EXTRA_DIST += \
	tests/fuzz/corpus/coff/a-small-image.hex \
	tests/fuzz/corpus/coff/a-small-object.hex \
	tests/fuzz/corpus/coff/module.txt \
	tests/fuzz/corpus/coff/name-not-among-the-strings.hex
