EXTRA_DIST += \
	examples/lua/README.md \
	examples/lua/app.lua \
	examples/lua/arena.h \
	examples/lua/build.sh \
	examples/lua/lua-image.c \
	examples/lua/probes.lua \
	examples/lua/run.sh
