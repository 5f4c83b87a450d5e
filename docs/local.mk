dist_doc_DATA += docs/inspect-schema.json
EXTRA_DIST += docs/bugs.md docs/design.md docs/heap-format.md docs/image-format.md
