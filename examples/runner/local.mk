EXTRA_DIST += \
	examples/runner/README.md \
	examples/runner/build.sh \
	examples/runner/functions.c \
	examples/runner/main.c \
	examples/runner/measure.c \
	examples/runner/runner.h \
	examples/runner/session.c
