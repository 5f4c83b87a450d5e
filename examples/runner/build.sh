# SPDX-License-Identifier: MIT
# Read by the build.sh of each language.
# build_runner LANGUAGE.c OUT ARG...: the runner with that language. The library is the installed one, or that
# of the build directory BUILD. Its libraries are found again without LD_LIBRARY_PATH.
build_runner() {
    local runner language=$1 out=$2 library
    shift 2
    runner=$(dirname "${BASH_SOURCE[0]}")
    if [ -n "${BUILD:-}" ]; then
        library=$(cd "$BUILD/runtime/.libs" && pwd)
        set -- "$@" "-I$runner/../../include" "-L$library" -lsysimage "-Wl,-rpath,$library"
    else
        library=$(pkg-config --cflags --libs sysimage)
        # shellcheck disable=SC2086 # several words
        set -- "$@" $library
    fi
    # MAIN: another program that uses the sessions
    "${CC:-gcc}" -std=gnu11 -O2 -g -Wall -Wextra "-I$runner" "${MAIN:-$runner/main.c}" "$runner/session.c" \
        "$runner/functions.c" "$runner/measure.c" "$language" -o "$out" "$@"
}
