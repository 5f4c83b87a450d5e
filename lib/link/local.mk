lib_libsysobj_la_SOURCES += \
	lib/link/complaints.c lib/link/complaints.h \
	lib/link/demangle.c \
	lib/link/dynamic.c \
	lib/link/dynrel.c \
	lib/link/dynsym.c \
	lib/link/early.c \
	lib/link/eh_frame.c \
	lib/link/gc.c \
	lib/link/headers.c \
	lib/link/heap.c lib/link/heap_relocs.c lib/link/heap_table.c \
	lib/link/expand.c lib/link/inputs.c lib/link/inputs.h lib/link/island.c lib/link/members.c \
	lib/link/julia.c \
	lib/link/layout.c \
	lib/link/lexer.c lib/link/lexer.h \
	lib/link/link.c lib/link/link.h \
	lib/link/merge.c \
	lib/link/names.c \
	lib/link/options.h \
	lib/link/pack.c \
	lib/link/property.c \
	lib/link/provide.c \
	lib/link/relocate.c \
	lib/link/report.c \
	lib/link/resolve.c \
	lib/link/scan.c \
	lib/link/script.c lib/link/script.h \
	lib/link/sections.c \
	lib/link/slots.c \
	lib/link/symtab.c \
	lib/link/version.c \
	lib/link/window.c lib/link/window.h \
	lib/link/write.c
