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
	lib/link/startup.c lib/link/startup.h \
	lib/link/heap.c lib/link/heap_relocs.c lib/link/heap_table.c \
	lib/link/expand.c lib/link/inputs.c lib/link/inputs.h lib/link/island.c lib/link/members.c \
	lib/link/layout.c \
	lib/link/lexer.c lib/link/lexer.h \
	lib/link/link.c lib/link/link.h \
	lib/link/merge.c \
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
	lib/link/write.c

# The start-up code of images (runtime/startup.c), compiled for each CPU, as arrays.
EXTRA_DIST += runtime/startup.c runtime/move.h
BUILT_SOURCES += lib/link/startup_bytes.h
CLEANFILES += lib/link/startup_bytes.h lib/link/startup-x86_64.o lib/link/startup-aarch64.o
nodist_lib_libsysobj_la_SOURCES = lib/link/startup_bytes.h
STARTUP_INPUTS = $(top_srcdir)/runtime/startup.c $(top_srcdir)/runtime/move.h \
	$(top_srcdir)/include/sysimage/format.h
STARTUP_FLAGS = -std=gnu11 -O2 -ffreestanding -fno-builtin -fPIC -fvisibility=hidden \
	-fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Wconversion -Wshadow
startup_verbose = $(startup_verbose_@AM_V@)
startup_verbose_ = $(startup_verbose_@AM_DEFAULT_V@)
startup_verbose_0 = @echo "  STARTUP " $@;

# No path of the build gets into the object; no compiler gives an empty one.
lib/link/startup-x86_64.o: $(STARTUP_INPUTS)
	@$(MKDIR_P) lib/link
	$(startup_verbose)if test -n "$(STARTUP_CC_x86_64)"; then \
	  $(STARTUP_CC_x86_64) $(STARTUP_FLAGS) -I$(top_srcdir)/include -c $(top_srcdir)/runtime/startup.c -o $@; \
	else : >$@; fi
lib/link/startup-aarch64.o: $(STARTUP_INPUTS)
	@$(MKDIR_P) lib/link
	$(startup_verbose)if test -n "$(STARTUP_CC_aarch64)"; then \
	  $(STARTUP_CC_aarch64) $(STARTUP_FLAGS) -I$(top_srcdir)/include -c $(top_srcdir)/runtime/startup.c -o $@; \
	else : >$@; fi

lib/link/startup_bytes.h: lib/link/startup-x86_64.o lib/link/startup-aarch64.o
	$(startup_verbose)for cpu in x86_64 aarch64; do \
	  echo "static const uint8_t startup_$$cpu[] = {"; \
	  od -An -v -tx1 lib/link/startup-$$cpu.o | sed 's/ \(..\)/0x\1,/g'; \
	  test -s lib/link/startup-$$cpu.o || echo 0; \
	  echo "};"; \
	done >$@.tmp && mv $@.tmp $@
