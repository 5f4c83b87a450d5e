# script_tests += tests/golden/NAME.sh
