EXTRA_DIST += \
	examples/regex/README.md \
	examples/regex/build.sh \
	examples/regex/patterns.c \
	examples/regex/patterns.h \
	examples/regex/regex.c \
	examples/regex/rules.py
