lib_libsysobj_la_SOURCES += \
	lib/heap/object.c lib/heap/object.h \
	lib/heap/container.c lib/heap/container.h \
	lib/heap/container_parts.c lib/heap/container_parts.h \
	lib/heap/container_slots.c \
	lib/heap/container_stored.c \
	lib/heap/graph.c lib/heap/graph.h \
	lib/heap/julia.c lib/heap/julia.h \
	lib/heap/julia_features.c \
	lib/heap/julia_heap.c \
	lib/heap/julia_parts.h \
	lib/heap/pages.c lib/heap/pages.h \
	lib/heap/verify.c lib/heap/verify.h \
	lib/heap/image.c lib/heap/image.h \
	lib/heap/image_parts.h \
	lib/heap/image_rows.c
