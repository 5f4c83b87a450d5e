EXTRA_DIST += bench/README.md bench/engine-cache.py bench/engine-jit.py bench/link.py bench/heap-build.py bench/heap_build.c \
	bench/heap-load.py bench/heap_load.c bench/julia-start.py bench/julia_phases.c bench/lua-start.py bench/macho.py bench/pe.py bench/plugin.py
