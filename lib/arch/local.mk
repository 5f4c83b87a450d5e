lib_libsysobj_la_SOURCES += \
	lib/arch/arch.h
