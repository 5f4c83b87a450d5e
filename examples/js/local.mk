EXTRA_DIST += \
	examples/js/build.sh \
	examples/js/fib.js \
	examples/js/js.c
