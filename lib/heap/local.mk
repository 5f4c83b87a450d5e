lib_libsysobj_la_SOURCES += \
	lib/heap/container.h \
	lib/heap/julia.c lib/heap/julia.h \
	lib/heap/julia_features.c \
	lib/heap/julia_heap.c \
	lib/heap/julia_parts.h
