lib_libsysobj_la_SOURCES += \
	lib/dylib/chains.c \
	lib/dylib/commands.c \
	lib/dylib/dylib.c lib/dylib/dylib.h \
	lib/dylib/eh_frame.c \
	lib/dylib/exports.c \
	lib/dylib/imports.c \
	lib/dylib/layout.c \
	lib/dylib/libraries.c \
	lib/dylib/opcodes.c \
	lib/dylib/provide.c \
	lib/dylib/relocate.c \
	lib/dylib/scan.c \
	lib/dylib/sections.c \
	lib/dylib/symtab.c \
	lib/dylib/unwind.c \
	lib/dylib/write.c
