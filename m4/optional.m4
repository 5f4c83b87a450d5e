# SYSOBJ_OPTIONAL(NAME, PURPOSE, TEST)
#
# An optional library, chosen with --with-NAME=auto|yes|no (default auto).
# TEST is shell code that sets have_NAME to yes or no and NAME_CFLAGS and
# NAME_LIBS (in capitals) when it is yes.  "yes" makes a missing library an
# error, "no" does not look.  Defines HAVE_NAME and the Automake conditional
# HAVE_NAME, and adds a line to the summary.
#
# PURPOSE says what uses it, and that nothing does as long as nothing does.
AC_DEFUN([SYSOBJ_OPTIONAL], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no], [$2])], [], [with_$1=auto])
  AS_CASE([$with_$1],
    [auto|yes], [],
    [no], [],
    [AC_MSG_ERROR([--with-$1 takes auto, yes or no, not "$with_$1"])])
  have_$1=no
  AS_IF([test "x$with_$1" != xno], [
    $3
    AC_MSG_CHECKING([for $1 (optional)])
    AC_MSG_RESULT([$have_$1])
    AS_IF([test "x$with_$1" = xyes && test "x$have_$1" = xno],
      [AC_MSG_ERROR([--with-$1 was given, but $1 was not found])])
  ])
  AS_IF([test "x$have_$1" = xyes],
    [AC_DEFINE(AS_TR_CPP([HAVE_$1]), [1], [Define to 1 if $1 is there and wanted.])])
  AM_CONDITIONAL(AS_TR_CPP([HAVE_$1]), [test "x$have_$1" = xyes])
  AC_SUBST(AS_TR_CPP([$1_CFLAGS]))
  AC_SUBST(AS_TR_CPP([$1_LIBS]))
  AS_IF([test "x$with_$1" = xno], [sysobj_state="no (--without-$1)"], [sysobj_state=$have_$1])
  sysobj_optional="${sysobj_optional}
    m4_format([%-12s], [$1]) $sysobj_state; $2"
])

# SYSOBJ_TOOL(PROGRAM, WHAT-TESTS)
# Look for a program that only tests use, and add a line to the summary.
# What a test needs and does not find makes it skip; nothing else depends on it.
AC_DEFUN([SYSOBJ_TOOL], [
  AC_PATH_PROG([tool_]m4_translit([[$1]], [-.+], [__x]), [$1], [no])
  AS_VAR_COPY([sysobj_found], [tool_]m4_translit([[$1]], [-.+], [__x]))
  sysobj_tools="${sysobj_tools}
    m4_format([%-22s], [$1]) $sysobj_found; for $2"
])
