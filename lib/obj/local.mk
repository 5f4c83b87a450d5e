lib_libsysobj_la_SOURCES += \
	lib/obj/archive.c lib/obj/archive.h \
	lib/obj/format.c \
	lib/obj/object.h \
	lib/obj/reloc.c lib/obj/reloc.h \
	lib/obj/slots.c lib/obj/slots.h
