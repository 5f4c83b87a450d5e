dist_doc_DATA += docs/inspect-schema.json
EXTRA_DIST += docs/bugs.md docs/design.md
