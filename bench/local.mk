EXTRA_DIST += bench/README.md bench/link.py
