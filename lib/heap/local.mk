lib_libsysobj_la_SOURCES += \
	lib/heap/object.c lib/heap/object.h \
	lib/heap/audit.c lib/heap/audit.h \
	lib/heap/cache.c lib/heap/cache.h \
	lib/heap/cache_arena.c \
	lib/heap/container.c lib/heap/container.h \
	lib/heap/container_parts.c lib/heap/container_parts.h \
	lib/heap/container_slots.c \
	lib/heap/container_stored.c \
	lib/heap/graph.c lib/heap/graph.h \
	lib/heap/julia.c lib/heap/julia.h \
	lib/heap/julia_features.c \
	lib/heap/julia_crc.c \
	lib/heap/julia_heap.c \
	lib/heap/julia_lists.c \
	lib/heap/julia_parts.h \
	lib/heap/julia_prelink.c lib/heap/julia_prelink.h \
	lib/heap/julia_tail.c \
	lib/heap/pages.c lib/heap/pages.h \
	lib/heap/place.c lib/heap/place.h \
	lib/heap/startup.c lib/heap/startup.h \
	lib/heap/table.c lib/heap/table.h \
	lib/heap/verify.c lib/heap/verify.h \
	lib/heap/image.c lib/heap/image.h \
	lib/heap/image_parts.h \
	lib/heap/image_rows.c

# The start-up code of images (runtime/startup.c), compiled for each CPU and system, as arrays.
EXTRA_DIST += runtime/startup.c runtime/startup_linux.h runtime/startup_darwin.h \
	runtime/startup_dll.c runtime/move.h runtime/crc.h
BUILT_SOURCES += lib/heap/startup_bytes.h
nodist_lib_libsysobj_la_SOURCES = lib/heap/startup_bytes.h
STARTUP_INPUTS = $(top_srcdir)/runtime/startup.c $(top_srcdir)/runtime/move.h \
	$(top_srcdir)/runtime/crc.h \
	$(top_srcdir)/runtime/startup_linux.h $(top_srcdir)/runtime/startup_darwin.h \
	$(top_srcdir)/include/sysimage/format.h
STARTUP_FLAGS = -std=gnu11 -O2 -ffreestanding -fno-builtin -fPIC -fvisibility=hidden \
	-fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Wconversion -Wshadow
STARTUP_OBJECTS = lib/heap/startup-x86_64.o lib/heap/startup-aarch64.o \
	lib/heap/startup-x86_64_macos.o lib/heap/startup-arm64_macos.o \
	lib/heap/startup-x86_64_windows.o lib/heap/startup-aarch64_windows.o
CLEANFILES += lib/heap/startup_bytes.h $(STARTUP_OBJECTS)
startup_verbose = $(startup_verbose_@AM_V@)
startup_verbose_ = $(startup_verbose_@AM_DEFAULT_V@)
startup_verbose_0 = @echo "  STARTUP " $@;

# No path of the build gets into the object; no compiler gives an empty one.
STARTUP_COMPILE = $(startup_verbose)$(MKDIR_P) lib/heap; \
	compile_startup () { \
	  source=$$1; shift; \
	  if test $$\# = 0; then : >$@; \
	  else "$$@" $(STARTUP_FLAGS) -c $$source -I$(top_srcdir)/include -o $@; fi; \
	}; compile_startup

lib/heap/startup-x86_64.o: $(STARTUP_INPUTS)
	$(STARTUP_COMPILE) $(top_srcdir)/runtime/startup.c $(STARTUP_CC_x86_64)
lib/heap/startup-aarch64.o: $(STARTUP_INPUTS)
	$(STARTUP_COMPILE) $(top_srcdir)/runtime/startup.c $(STARTUP_CC_aarch64)
lib/heap/startup-x86_64_macos.o: $(STARTUP_INPUTS)
	$(STARTUP_COMPILE) $(top_srcdir)/runtime/startup.c $(STARTUP_CC_x86_64_macos)
lib/heap/startup-arm64_macos.o: $(STARTUP_INPUTS)
	$(STARTUP_COMPILE) $(top_srcdir)/runtime/startup.c $(STARTUP_CC_arm64_macos)
lib/heap/startup-x86_64_windows.o: $(top_srcdir)/runtime/startup_dll.c
	$(STARTUP_COMPILE) $(top_srcdir)/runtime/startup_dll.c $(STARTUP_CC_x86_64_windows)
lib/heap/startup-aarch64_windows.o: $(top_srcdir)/runtime/startup_dll.c
	$(STARTUP_COMPILE) $(top_srcdir)/runtime/startup_dll.c $(STARTUP_CC_aarch64_windows)

lib/heap/startup_bytes.h: $(STARTUP_OBJECTS)
	$(startup_verbose)for object in $(STARTUP_OBJECTS); do \
	  name=`basename $$object .o | tr - _`; \
	  echo "static const uint8_t $$name[] = {"; \
	  od -An -v -tx1 $$object | sed 's/ \(..\)/0x\1,/g'; \
	  test -s $$object || echo 0; \
	  echo "};"; \
	done >$@.tmp && mv $@.tmp $@
