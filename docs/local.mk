dist_doc_DATA += docs/heap-format.md docs/inspect-schema.json docs/cache-schema.json
EXTRA_DIST += docs/bugs.md docs/cache-format.md docs/design.md docs/image-format.md
