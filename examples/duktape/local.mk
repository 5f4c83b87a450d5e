EXTRA_DIST += \
	examples/duktape/README.md \
	examples/duktape/build.sh \
	examples/duktape/duktape.c
