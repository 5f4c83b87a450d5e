# A fuzz target X is tests/fuzz/fuzz_X.c, which defines LLVMFuzzerTestOneInput. It needs:
#
#   replay_tests += tests/fuzz/replay_X
#   tests_fuzz_replay_X_SOURCES = tests/fuzz/fuzz_X.c tests/fuzz/replay.c
#   if FUZZERS
#   noinst_PROGRAMS += tests/fuzz/fuzz_X
#   tests_fuzz_fuzz_X_LDFLAGS = $(AM_LDFLAGS) $(FUZZER_LDFLAGS)
#   endif
