bin_PROGRAMS += objtool/objtool
objtool_objtool_SOURCES = objtool/main.c
objtool_objtool_LDADD = lib/libsysobj.la
