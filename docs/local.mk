dist_doc_DATA += docs/cache-format.md docs/heap-format.md docs/image-format.md docs/inspect-schema.json docs/cache-schema.json
EXTRA_DIST += docs/bugs.md docs/design.md
