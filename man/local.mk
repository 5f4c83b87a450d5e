dist_man_MANS += man/objtool.1 man/objtool-inspect.1 man/objtool-link.1 man/objtool-verify.1
dist_man_MANS += man/sysimage-heap.5
# simg_heap.3 describes them all.
dist_man_MANS += man/simg_heap.3 man/simg_status_text.3 \
	man/simg_heap_abandon.3 \
	man/simg_heap_address.3 \
	man/simg_heap_append.3 \
	man/simg_heap_create.3 \
	man/simg_heap_finish.3 \
	man/simg_heap_identity.3 \
	man/simg_heap_import.3 \
	man/simg_heap_import_slots.3 \
	man/simg_heap_meta.3 \
	man/simg_heap_objects.3 \
	man/simg_heap_root.3 \
	man/simg_heap_segment.3 \
	man/simg_heap_slot_bitmap.3 \
	man/simg_heap_slots.3 \
	man/simg_heap_type.3
