EXTRA_DIST += \
	examples/jit/README.md \
	examples/jit/code.c \
	examples/jit/code.h \
	examples/jit/rebase.py
