# lib/libsysobj.la: everything that is not a command line. Not installed.
noinst_LTLIBRARIES += lib/libsysobj.la
lib_libsysobj_la_SOURCES =
lib_libsysobj_la_LIBADD = $(JANSSON_LIBS) $(XXHASH_LIBS) $(ZLIB_LIBS) $(ZSTD_LIBS) $(IBERTY_LIBS) \
	$(NETTLE_LIBS) $(YAML_LIBS) $(SYS_LIBS)

include lib/base/local.mk
include lib/obj/local.mk
include lib/arch/local.mk
include lib/elf/local.mk
include lib/macho/local.mk
include lib/coff/local.mk
include lib/heap/local.mk
include lib/link/local.mk
include lib/dylib/local.mk
include lib/dll/local.mk
include lib/pack/local.mk
