lib_libsysobj_la_SOURCES += \
	lib/coff/coff.h \
	lib/coff/file.c lib/coff/file.h \
	lib/coff/heaps.c lib/coff/heaps.h \
	lib/coff/import.c \
	lib/coff/machine.c lib/coff/machine.h \
	lib/coff/read.c lib/coff/reader.h \
	lib/coff/read_relocs.c \
	lib/coff/rel_amd64.c \
	lib/coff/rel_arm64.c \
	lib/coff/resources.c lib/coff/resources.h \
	lib/coff/tables.c \
	lib/coff/verify.c lib/coff/verify.h lib/coff/verify_rules.h \
	lib/coff/verify_headers.c \
	lib/coff/verify_tables.c
