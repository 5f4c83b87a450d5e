EXTRA_DIST += examples/sqlite/query.c examples/sqlite/run.sh

include examples/duktape/local.mk
include examples/js/local.mk
include examples/julia/local.mk
include examples/lua/local.mk
include examples/lua-cache/local.mk
include examples/mruby/local.mk
include examples/runner/local.mk
include examples/jit/local.mk
include examples/luajit/local.mk
include examples/regex/local.mk
