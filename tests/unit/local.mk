unit_tests +=
unit_tests += tests/unit/test_julia
tests_unit_test_julia_SOURCES = tests/unit/test_julia.c \
	tests/support/julia_image.c tests/support/julia_image.h
