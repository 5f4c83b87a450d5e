# The long ones first; inspect.sh after julia.sh, whose object it looks into.
script_tests += \
	tests/e2e/julia.sh \
	tests/e2e/sweep-x86_64.sh \
	tests/e2e/sweep-aarch64.sh \
	tests/e2e/archives.sh \
	tests/e2e/atomic.sh \
	tests/e2e/bad-input.sh \
	tests/e2e/code-models.sh \
	tests/e2e/compare-lld.sh \
	tests/e2e/debug.sh \
	tests/e2e/drivers.sh \
	tests/e2e/dynamic.sh \
	tests/e2e/eh.sh \
	tests/e2e/export.sh \
	tests/e2e/gc.sh \
	tests/e2e/heap-link.sh \
	tests/e2e/heap-inspect.sh \
	tests/e2e/heap-verify.sh \
	tests/e2e/heap-pack.sh \
	tests/e2e/ifunc.sh \
	tests/e2e/image-loader.sh \
	tests/e2e/init.sh \
	tests/e2e/lib-aarch64.sh \
	tests/e2e/lib-big.sh \
	tests/e2e/lib-plain.sh \
	tests/e2e/lib-symbolic.sh \
	tests/e2e/lua.sh \
	tests/e2e/many-sections.sh \
	tests/e2e/merge.sh \
	tests/e2e/move.sh \
	tests/e2e/output.sh \
	tests/e2e/plugin.sh \
	tests/e2e/plugin-libs.sh \
	tests/e2e/plugin-matrix.sh \
	tests/e2e/host.sh \
	tests/e2e/properties.sh \
	tests/e2e/reproducible.sh \
	tests/e2e/symbols.sh \
	tests/e2e/tls.sh \
	tests/e2e/tools-after.sh \
	tests/e2e/verify.sh \
	tests/e2e/versions.sh \
	tests/e2e/heap-raw.sh \
	tests/e2e/inspect.sh

slow_tests += \
	tests/e2e/plugin-libs.sh \
	tests/e2e/image-loader.sh \
	tests/e2e/code-models.sh \
	tests/e2e/inspect.sh \
	tests/e2e/julia.sh \
	tests/e2e/lib-aarch64.sh \
	tests/e2e/lib-big.sh \
	tests/e2e/many-sections.sh \
	tests/e2e/sweep-aarch64.sh \
	tests/e2e/sweep-x86_64.sh \
	tests/e2e/tools-after.sh

EXTRA_DIST += \
	tests/e2e/common.sh \
	tests/e2e/fetch-debs.sh \
	tests/e2e/heap_make.py \
	tests/e2e/heap_read.py \
	tests/e2e/inspect_compare.py \
	tests/e2e/julia_heap.py \
	tests/e2e/libs.sh \
	tests/e2e/packages \
	tests/e2e/sweep-common.sh \
	tests/e2e/work/boost_context.cc \
	tests/e2e/work/crypto.c \
	tests/e2e/work/ffi.c \
	tests/e2e/work/fftw3.c \
	tests/e2e/work/heapdirty.c \
	tests/e2e/work/mruby.c \
	tests/e2e/work/openblas.c \
	tests/e2e/work/pcre2.c \
	tests/e2e/work/run.c \
	tests/e2e/work/snappy.cc \
	tests/e2e/work/sodium.c \
	tests/e2e/work/sqlite3.c \
	tests/e2e/work/stdcxx.cc \
	tests/e2e/work/work.h \
	tests/e2e/work/z.c
