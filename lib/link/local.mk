lib_libsysobj_la_SOURCES += \
	lib/link/options.h \
	lib/link/script.h
