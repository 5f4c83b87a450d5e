# SYSOBJ_CFLAGS(VARIABLE, FLAGS)
# Append to VARIABLE each of FLAGS that the C compiler takes.
AC_DEFUN([SYSOBJ_CFLAGS], [
  AC_LANG_ASSERT([C])
  for sysobj_flag in $2; do
    AS_VAR_PUSHDEF([sysobj_var], [sysobj_cv_cflag_$sysobj_flag])
    AC_CACHE_CHECK([whether $CC takes $sysobj_flag], [sysobj_var], [
      sysobj_save_CFLAGS=$CFLAGS
      # Clang only warns about a flag it does not know.
      CFLAGS="$CFLAGS -Werror $sysobj_flag"
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [])],
        [AS_VAR_SET([sysobj_var], [yes])], [AS_VAR_SET([sysobj_var], [no])])
      CFLAGS=$sysobj_save_CFLAGS
    ])
    AS_VAR_IF([sysobj_var], [yes], [$1="$$1 $sysobj_flag"])
    AS_VAR_POPDEF([sysobj_var])
  done
])

# SYSOBJ_NEED_LINK(FLAGS, WHAT)
# Stop unless a program links with FLAGS; WHAT names the switch that asked.
AC_DEFUN([SYSOBJ_NEED_LINK], [
  AC_MSG_CHECKING([whether $CC links with $1])
  sysobj_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes])], [
    AC_MSG_RESULT([no])
    AC_MSG_ERROR([$2 needs a compiler that takes $1])])
  CFLAGS=$sysobj_save_CFLAGS
])
