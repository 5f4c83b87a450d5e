EXTRA_DIST += \
	examples/duktape/build.sh \
	examples/duktape/duktape.c
