dist_doc_DATA += docs/inspect-schema.json
