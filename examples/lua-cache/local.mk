EXTRA_DIST += \
	examples/lua-cache/README.md \
	examples/lua-cache/build.sh \
	examples/lua-cache/lua-cache.c
