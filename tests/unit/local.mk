unit_tests += tests/unit/test_julia
unit_tests += tests/unit/test_verify
