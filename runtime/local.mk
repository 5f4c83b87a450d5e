# libsysimage: what a runtime links or embeds. MIT, C11, libc only (and zstd, if it is there).
# The writer is a library of its own for objtool, which writes with it and needs no libsysimage.so.
noinst_LTLIBRARIES += runtime/libwriter.la
runtime_libwriter_la_SOURCES = \
	runtime/cache.c runtime/cache.h \
	runtime/cache_arena.c \
	runtime/cache_compile.c \
	runtime/cache_cpu.c runtime/cache_cpu.h \
	runtime/cache_image.c \
	runtime/cache_load.c \
	runtime/cache_options.c \
	runtime/cache_register.c \
	runtime/cache_scan.c \
	runtime/cache_store.c \
	runtime/cache_tell.c \
	runtime/cache_trace.c \
	runtime/error.c runtime/error.h \
	runtime/image.h \
	runtime/image_elf.c \
	runtime/image_file.c runtime/image_file.h \
	runtime/image_loaded.c \
	runtime/image_look.c \
	runtime/image_macho.c \
	runtime/image_map.c \
	runtime/image_note.c \
	runtime/image_open.c \
	runtime/image_pe.c \
	runtime/image_table.c \
	runtime/image_verify.c \
	runtime/loaded.h \
	runtime/loaded_elf.c \
	runtime/loaded_macho.c \
	runtime/loaded_win.c \
	runtime/map.h \
	runtime/map_posix.c \
	runtime/map_win.c \
	runtime/move.h \
	runtime/heap_file.c \
	runtime/heap_slots.c \
	runtime/heap_tables.c \
	runtime/heap_write.c runtime/heap_writer.h
runtime_libwriter_la_LIBADD = $(SYSIMAGE_PRIVATE_LIBS)

lib_LTLIBRARIES += runtime/libsysimage.la
runtime_libsysimage_la_SOURCES =
runtime_libsysimage_la_LIBADD = runtime/libwriter.la $(SYSIMAGE_PRIVATE_LIBS)
runtime_libsysimage_la_LDFLAGS = $(AM_LDFLAGS) $(sysimage_exports)
if WINDOWS
# A DLL has no versions; it is libsysimage.dll for good.
sysimage_exports = -avoid-version -no-undefined -export-symbols-regex '^simg_'
else
sysimage_exports = -version-info 0:0:0 -Wl,--version-script=$(top_srcdir)/runtime/libsysimage.map
endif
EXTRA_runtime_libsysimage_la_DEPENDENCIES = runtime/libsysimage.map
EXTRA_DIST += runtime/libsysimage.map

sysimageincludedir = $(includedir)/sysimage
sysimageinclude_HEADERS = \
	include/sysimage/cache.h \
	include/sysimage/format.h \
	include/sysimage/image.h \
	include/sysimage/heap.h \
	include/sysimage/status.h
EXTRA_DIST += include/sysimage/secret_words.h

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = runtime/sysimage.pc
