lib_libsysobj_la_SOURCES += \
	lib/elf/machine.h
