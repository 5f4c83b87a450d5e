# EXTRA_DIST += docs/FILE.md
