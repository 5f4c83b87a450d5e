lib_libsysobj_la_SOURCES += \
	lib/base/arena.c lib/base/arena.h \
	lib/base/buf.c lib/base/buf.h \
	lib/base/bytes.h \
	lib/base/diag.c lib/base/diag.h \
	lib/base/file.c lib/base/file.h \
	lib/base/findings.c lib/base/findings.h \
	lib/base/pages.c lib/base/pages.h \
	lib/base/par.c lib/base/par.h \
	lib/base/response.c lib/base/response.h \
	lib/base/strtab.c lib/base/strtab.h
