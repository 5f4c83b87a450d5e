lib_libsysobj_la_SOURCES += \
	lib/dll/basereloc.c \
	lib/dll/def.c \
	lib/dll/directives.c \
	lib/dll/dll.c lib/dll/dll.h \
	lib/dll/exported.c \
	lib/dll/exports.c \
	lib/dll/headers.c \
	lib/dll/implib.c \
	lib/dll/imports.c \
	lib/dll/layout.c \
	lib/dll/libraries.c \
	lib/dll/pdata.c \
	lib/dll/places.c lib/dll/places.h \
	lib/dll/relocate.c \
	lib/dll/resolve.c \
	lib/dll/resources.c \
	lib/dll/scan.c \
	lib/dll/sections.c \
	lib/dll/start.c \
	lib/dll/symtab.c \
	lib/dll/tls.c \
	lib/dll/write.c
