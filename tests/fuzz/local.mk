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
	tests/fuzz/corpus/julia/edits-of-a-sound-image.hex \
	tests/fuzz/corpus/julia/later-version-compressed.hex
