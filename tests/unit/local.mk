unit_tests += tests/unit/test_julia
unit_tests += tests/unit/test_verify
unit_tests += tests/unit/test_arena
unit_tests += tests/unit/test_bytes
unit_tests += tests/unit/test_report
unit_tests += tests/unit/test_strtab

tests_unit_test_report_SOURCES = tests/unit/test_report.c \
	objtool/json.c objtool/report.c objtool/term.c
unit_tests += tests/unit/test_archive tests/unit/test_arena tests/unit/test_bytes \
	tests/unit/test_script tests/unit/test_strtab
