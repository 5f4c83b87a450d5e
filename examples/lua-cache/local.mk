EXTRA_DIST += \
	examples/lua-cache/build.sh \
	examples/lua-cache/lua-cache.c
