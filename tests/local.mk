# What "make check" runs. Exit 77 is a skip.

# Programs that say nothing else are linked with this.
LDADD = $(check_LTLIBRARIES) lib/libsysobj.la $(CHECK_LIBS)
AM_CFLAGS += $(CHECK_CFLAGS)

include tests/support/local.mk
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/golden/local.mk
include tests/e2e/local.mk

LOG_DRIVER = $(BASH) $(top_srcdir)/tests/driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = $(TEST_TIMEOUT) $(BASH)
LOG_COMPILER = $(TEST_TIMEOUT)
AM_TESTS_ENVIRONMENT = \
	OBJTOOL='$(abs_top_builddir)/objtool/objtool$(EXEEXT)'; \
	top_srcdir='$(abs_top_srcdir)'; \
	top_builddir='$(abs_top_builddir)'; \
	SLOW_TESTS='$(slow_tests)'; \
	export OBJTOOL top_srcdir top_builddir SLOW_TESTS;

TESTS = $(replay_tests) $(script_tests)
check_PROGRAMS += $(replay_tests)
EXTRA_DIST += $(script_tests) tests/driver.sh tests/allowed-skips

# Without Check the unit tests are not built; this says so as one skip,
# instead of leaving them out in silence.
EXTRA_DIST += tests/unit/no-check.sh
if HAVE_CHECK
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
else
TESTS += tests/unit/no-check.sh
endif

# The part of the tests that runs no other program: for sanitizer builds.
.PHONY: check-unit
check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS="$(unit_tests) $(replay_tests)"
