# SYSOBJ_NEED(PREFIX, MODULE, PACKAGE)
# A library that the tools cannot do without, and Debian's package of it.
AC_DEFUN([SYSOBJ_NEED], [PKG_CHECK_MODULES([$1], [$2], [],
  [sysobj_missing="$sysobj_missing $3"])])

# SYSOBJ_TOOLS
# What the tools need: libraries, and compilers of the code that starts images.
AC_DEFUN([SYSOBJ_TOOLS], [
  sysobj_missing=
  SYSOBJ_NEED([JANSSON], [jansson >= 2.13], [libjansson-dev])
  SYSOBJ_NEED([XXHASH], [libxxhash >= 0.8], [libxxhash-dev])
  SYSOBJ_NEED([ZLIB], [zlib], [zlib1g-dev])
  SYSOBJ_NEED([ZSTD], [libzstd >= 1.4], [libzstd-dev])
  # SHA-256 of Apple's code signatures; the text stubs of Apple's SDKs.
  SYSOBJ_NEED([NETTLE], [nettle >= 3.4], [nettle-dev])
  SYSOBJ_NEED([YAML], [yaml-0.1 >= 0.2], [libyaml-dev])
  # The C++ demangler, as ld spells names.
  AC_CHECK_HEADERS([libiberty/demangle.h demangle.h], [break])
  AC_CHECK_LIB([iberty], [cplus_demangle_v3], [IBERTY_LIBS=-liberty])
  AS_IF([test -z "$IBERTY_LIBS" || test "x$ac_cv_header_libiberty_demangle_h$ac_cv_header_demangle_h" = xnono],
    [sysobj_missing="$sysobj_missing libiberty-dev"])
  AS_IF([test -n "$sysobj_missing"],
    [AC_MSG_ERROR([libraries are missing; on Debian and Ubuntu: apt-get install$sysobj_missing])])
  sysobj_save_LIBS=$LIBS
  LIBS=
  AC_SEARCH_LIBS([pthread_create], [pthread], [],
    [AC_MSG_ERROR([POSIX threads are needed])])
  AC_SEARCH_LIBS([log2], [m])
  SYS_LIBS=$LIBS
  LIBS=$sysobj_save_LIBS

  # The code that starts images, for each CPU.
  SYSOBJ_STARTUP([x86_64], [x86_64-linux-gnu], [-fcf-protection=full])
  SYSOBJ_STARTUP([aarch64], [aarch64-linux-gnu], [-mbranch-protection=standard])
  SYSOBJ_STARTUP([x86_64_macos], [x86_64-apple-macos10.13], [])
  SYSOBJ_STARTUP([arm64_macos], [arm64-apple-macos11], [])
  SYSOBJ_STARTUP([x86_64_windows], [x86_64-w64-mingw32], [])
  SYSOBJ_STARTUP([aarch64_windows], [aarch64-w64-mingw32], [])
])

# SYSOBJ_XXHASH_HEADER
# All that libsysimage needs of xxHash is its header, which is the same for any system: a
# cross compiler that has none gets a copy of the building machine's.
AC_DEFUN([SYSOBJ_XXHASH_HEADER], [
  AC_ARG_VAR([XXHASH_CFLAGS], [where xxhash.h is, if the compiler does not find it: -I...])
  sysobj_save_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS $XXHASH_CFLAGS"
  AC_CHECK_HEADER([xxhash.h], [], [
    AS_IF([test -z "$XXHASH_CFLAGS" && test "x$cross_compiling" = xyes && test -r /usr/include/xxhash.h], [
      AC_MSG_NOTICE([taking /usr/include/xxhash.h])
      AS_MKDIR_P([xxhash])
      cp /usr/include/xxhash.h xxhash/ && XXHASH_CFLAGS=-I$(pwd)/xxhash
    ], [AC_MSG_ERROR([xxhash.h is missing; on Debian and Ubuntu: apt-get install libxxhash-dev])])
  ])
  CPPFLAGS=$sysobj_save_CPPFLAGS
])
