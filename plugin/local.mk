# sysimage-plugin.so, for linkers: of lib/ what reads heaps and writes objects,
# compiled once more, so that it needs no library but libc. Sanitizers cannot
# be loaded into somebody else's process.
plugin_lib_sources = \
	lib/arch/aarch64.c lib/arch/data.c lib/arch/x86_64.c \
	lib/base/arena.c lib/base/buf.c lib/base/diag.c lib/base/file.c lib/base/pages.c lib/base/par.c \
	lib/base/response.c lib/base/strtab.c \
	lib/elf/dynamic.c lib/elf/dynamic_symbols.c lib/elf/file.c lib/elf/heaps.c lib/elf/machine.c \
	lib/elf/read.c lib/elf/read_relocs.c lib/elf/read_shared.c \
	lib/elf/rel_aarch64.c lib/elf/rel_x86_64.c lib/elf/relocatable.c \
	lib/heap/container.c lib/heap/container_parts.c lib/heap/container_slots.c \
	lib/heap/container_stored.c lib/heap/image.c lib/heap/image_rows.c lib/heap/object.c \
	lib/heap/pages.c lib/heap/startup.c lib/heap/table.c \
	lib/obj/archive.c lib/obj/reloc.c lib/obj/slots.c \
	lib/pack/prelinked.c
plugin_own_sources = \
	plugin/api.h plugin/line.h plugin/plugin.h \
	plugin/chain.c \
	plugin/claim.c \
	plugin/emit.c \
	plugin/finish.c \
	plugin/line.c \
	plugin/options.c \
	plugin/plugin.c \
	plugin/prelink.c \
	plugin/retain.c
plugin_host_sources = \
	plugin/host/host.h \
	plugin/host/base.c \
	plugin/host/blank.c \
	plugin/host/host.c \
	plugin/host/offer.c \
	plugin/host/resolve.c \
	plugin/host/run.c
EXTRA_DIST += plugin/zstd.c $(plugin_own_sources) $(plugin_host_sources)

.PHONY: install-bfd-plugin uninstall-bfd-plugin

if PLUGIN
plugindir = $(pkglibdir)
plugin_LTLIBRARIES = plugin/sysimage-plugin.la
plugin_sysimage_plugin_la_SOURCES = plugin/zstd.c $(plugin_own_sources) $(plugin_lib_sources)
plugin_sysimage_plugin_la_CPPFLAGS = $(AM_CPPFLAGS) -DXXH_INLINE_ALL
plugin_sysimage_plugin_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared \
	-export-symbols-regex '^onload$$' -Wl,--gc-sections -Wl,-z,defs
plugin_sysimage_plugin_la_LIBADD = $(IBERTY_LIBS)
plugin_sysimage_plugin_la_CFLAGS = $(AM_CFLAGS) -ffunction-sections -fdata-sections

# nm and ar load what is in this directory by themselves. Not part of "make
# install": it changes what other packages' programs do.
install-bfd-plugin: install-pluginLTLIBRARIES
	$(MKDIR_P) "$(DESTDIR)$(libdir)/bfd-plugins"
	rm -f "$(DESTDIR)$(libdir)/bfd-plugins/sysimage-plugin.so"
	$(LN_S) "$(plugindir)/sysimage-plugin.so" "$(DESTDIR)$(libdir)/bfd-plugins/sysimage-plugin.so"
uninstall-bfd-plugin:
	rm -f "$(DESTDIR)$(libdir)/bfd-plugins/sysimage-plugin.so"

# The same plugin, in a program that hosts it.
bin_PROGRAMS += plugin/ld.sysimage
plugin_ld_sysimage_SOURCES = $(plugin_host_sources) \
	$(plugin_own_sources)
plugin_ld_sysimage_CPPFLAGS = $(AM_CPPFLAGS)
plugin_ld_sysimage_LDADD = lib/libsysobj.la
endif
