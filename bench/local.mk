# EXTRA_DIST += bench/FILE
