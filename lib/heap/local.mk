lib_libsysobj_la_SOURCES += \
	lib/heap/julia.h
