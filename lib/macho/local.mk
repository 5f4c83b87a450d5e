lib_libsysobj_la_SOURCES += \
	lib/macho/fat.c \
	lib/macho/file.c lib/macho/file.h \
	lib/macho/machine.c lib/macho/machine.h \
	lib/macho/fixups.c lib/macho/fixups.h \
	lib/macho/heaps.c lib/macho/heaps.h \
	lib/macho/leb.c lib/macho/leb.h \
	lib/macho/macho.h \
	lib/macho/names.c \
	lib/macho/read.c lib/macho/read_relocs.c lib/macho/read_shared.c lib/macho/reader.h \
	lib/macho/rel_arm64.c \
	lib/macho/rel_x86_64.c \
	lib/macho/sign.c lib/macho/sign.h \
	lib/macho/signature.c lib/macho/signature.h \
	lib/macho/tbd.c \
	lib/macho/trie.c lib/macho/trie.h \
	lib/macho/verify.c lib/macho/verify.h \
	lib/macho/verify_contents.c \
	lib/macho/verify_layout.c \
	lib/macho/verify_linkedit.c \
	lib/macho/verify_rules.h
