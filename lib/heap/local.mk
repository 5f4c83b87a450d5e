lib_libsysobj_la_SOURCES +=
