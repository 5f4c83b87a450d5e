# SYSOBJ_STARTUP(NAME, TRIPLE, FLAGS)
#
# Find a compiler that makes freestanding code for TRIPLE: the host's own if that is
# the host, clang, or a cross gcc.  Sets STARTUP_CC_NAME to it with its
# flags, or to nothing, and adds a line to the summary.
AC_DEFUN([SYSOBJ_STARTUP], [
  AC_MSG_CHECKING([for a compiler of start-up code for $1])
  STARTUP_CC_$1=
  sysobj_candidates="clang --target=$2:$2-gcc"
  AS_IF([test "x$host_cpu-linux-gnu" = "x$2"], [sysobj_candidates="$CC:$sysobj_candidates"])
  AS_ECHO(['static int x; int *f(void); int *f(void) { return &x; }']) >conftest.c
  sysobj_save_IFS=$IFS
  IFS=:
  for sysobj_cc in $sysobj_candidates; do
    IFS=$sysobj_save_IFS
    AS_IF([test -z "$STARTUP_CC_$1" &&
           $sysobj_cc -std=gnu11 -O2 -ffreestanding -fPIC $3 -c conftest.c -o conftest.o >/dev/null 2>&1],
      [STARTUP_CC_$1="$sysobj_cc $3"])
  done
  IFS=$sysobj_save_IFS
  rm -f conftest.c conftest.o
  AC_MSG_RESULT([${STARTUP_CC_$1:-none}])
  AC_SUBST([STARTUP_CC_$1])
  AS_IF([test -n "$STARTUP_CC_$1"], [sysobj_found=$STARTUP_CC_$1],
    [sysobj_found="none: only --heap-relocs=native works for images on it"])
  sysobj_startup="${sysobj_startup}
    m4_format([%-14s], [$1]) $sysobj_found"
])
