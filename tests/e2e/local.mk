# script_tests += tests/e2e/NAME.sh
