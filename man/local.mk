if TOOLS
dist_man_MANS += man/sysimage-plugin.1 man/ld.sysimage.1 man/objtool.1 man/objtool-cache.1 man/objtool-heap.1 man/objtool-inspect.1 man/objtool-julia.1 man/objtool-link.1 man/objtool-pack.1 man/objtool-sign.1 man/objtool-verify.1
endif
dist_man_MANS += man/sysimage-heap.5 man/sysimage-cache.5
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
# simg_cache.3 describes them all.
dist_man_MANS += man/sysimage-cache.7 man/simg_cache.3 \
	man/simg_arena_alloc.3 \
	man/simg_arena_code.3 \
	man/simg_arena_free.3 \
	man/simg_arena_free_code.3 \
	man/simg_arena_protect.3 \
	man/simg_arena_realloc.3 \
	man/simg_arena_size.3 \
	man/simg_cache_abandon.3 \
	man/simg_cache_arena.3 \
	man/simg_cache_close.3 \
	man/simg_cache_drop_function.3 \
	man/simg_cache_drop_source.3 \
	man/simg_cache_function.3 \
	man/simg_cache_get_function.3 \
	man/simg_cache_get_source.3 \
	man/simg_cache_get_status.3 \
	man/simg_cache_loaded.3 \
	man/simg_cache_open.3 \
	man/simg_cache_option.3 \
	man/simg_cache_option_env.3 \
	man/simg_cache_options_free.3 \
	man/simg_cache_options_init.3 \
	man/simg_cache_root.3 \
	man/simg_cache_set_root.3 \
	man/simg_cache_slot.3 \
	man/simg_cache_source.3 \
	man/simg_cache_store.3 \
	man/simg_cache_type.3 \
	man/simg_cache_unwind.3 \
	man/simg_cache_wants.3 \
	man/simg_verdict_text.3
