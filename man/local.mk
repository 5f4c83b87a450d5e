dist_man_MANS += man/sysimage-plugin.1 man/ld.sysimage.1 man/objtool.1 man/objtool-heap.1 man/objtool-inspect.1 man/objtool-link.1 man/objtool-pack.1 man/objtool-sign.1 man/objtool-verify.1
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
dist_man_MANS += man/sysimage-image.5
# simg_image.3 describes them all.
dist_man_MANS += man/simg_image.3 \
	man/simg_close.3 \
	man/simg_find_root.3 \
	man/simg_get_heap.3 \
	man/simg_get_import.3 \
	man/simg_get_root.3 \
	man/simg_get_segment.3 \
	man/simg_heap_count.3 \
	man/simg_meta.3 \
	man/simg_open.3 \
	man/simg_open_fd.3 \
	man/simg_open_loaded.3 \
	man/simg_root_addr.3
