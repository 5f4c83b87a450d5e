# check_LTLIBRARIES += tests/support/libsupport.la
