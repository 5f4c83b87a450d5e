EXTRA_DIST += \
	examples/luajit/README.md \
	examples/luajit/build.sh \
	examples/luajit/frames.c \
	examples/luajit/frames.h \
	examples/luajit/luajit-image.c \
	examples/luajit/probes.lua \
	examples/luajit/warm.lua
