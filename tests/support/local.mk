# What unit tests and fuzz targets make their inputs with. All of them are linked with it.
check_LTLIBRARIES += tests/support/libsupport.la
tests_support_libsupport_la_SOURCES = \
	tests/support/elf_image.c tests/support/elf_image.h \
	tests/support/julia_image.c tests/support/julia_image.h
