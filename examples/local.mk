EXTRA_DIST += examples/sqlite/query.c examples/sqlite/run.sh

include examples/julia/local.mk
include examples/lua/local.mk
