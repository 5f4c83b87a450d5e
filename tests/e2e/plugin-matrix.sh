#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The plugin in every linker: one check for each case and linker, each image loaded and walked.
#
# Linkers: those of Debian 12; newer ones of newer Debian suites (SUITES, "trixie" if unset; "trixie sid"), unpacked in
# the cache and run by their own C library's loader; and, through ld.sysimage, those that load no plugin.
. "$(dirname "$0")/common.sh"
need gcc clang ld.bfd ld.gold mold ld.lld nm
use_arch x86_64
use_libdirs
libc=("${libdirs[@]}" -lc)
plugin=${top_builddir:?}/plugin/.libs/sysimage-plugin.so
host=$top_builddir/plugin/ld.sysimage
[ -e "$plugin" ] || skip "the plugin is not built"
support=$here/../support

# ---- linkers: a directory bin.NAME for each, where "ld" is the linker for this test, "plain" the linker itself ----

linkers=()

# linker NAME WAY COMMAND...: WAY is plugin, marker (a plugin that needs one) or host
linker() {
    local name=$1 way=$2
    shift 2
    mkdir "$work/bin.$name"
    printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$work/bin.$name/plain"
    case $way in
        host) printf '#!/bin/sh\nexec %s --real-ld=%s "$@"\n' "$host" "$work/bin.$name/plain" >"$work/bin.$name/ld" ;;
        *) cp "$work/bin.$name/plain" "$work/bin.$name/ld" ;;
    esac
    chmod +x "$work/bin.$name"/*
    echo "$way" >"$work/bin.$name/way"
    linkers+=("$name")
}

# newer SUITE: Debian's linkers of that suite
newer() {
    local dir=$cache/debian-$1-linkers start
    if ! SUITE=$1 "$here/fetch-debs.sh" amd64 "$dir" binutils-x86-64-linux-gnu binutils-gold-x86-64-linux-gnu mold; then
        check "linkers of $1" skip "packages of $1 could not be fetched"
        return
    fi
    start="$(find "$dir/usr" -name ld-linux-x86-64.so.2 | head -n 1) --library-path $dir/usr/lib/x86_64-linux-gnu"
    linker "bfd.$1" plugin "$start" "$dir/usr/bin/x86_64-linux-gnu-ld.bfd"
    linker "gold.$1" plugin "$start" "$dir/usr/bin/x86_64-linux-gnu-ld.gold"
    linker "mold.$1" marker "$start" "$dir/usr/bin/mold"
    linker "mold.$1.host" host "$start" "$dir/usr/bin/mold"
}

linker bfd plugin ld.bfd
linker gold plugin ld.gold
linker mold marker mold
linker mold.host host mold
linker lld host ld.lld
! have ld.lld-19 || linker lld-19 host ld.lld-19
linker bfd.host host ld.bfd
for suite in ${SUITES-trixie}; do
    newer "$suite"
done

# ---- inputs ----

gcc -O2 -Wall -o heapgen "$support/heapgen.c"
gcc -O1 -Wall -D_GNU_SOURCE -o heapwalk "$support/heapwalk.c" -ldl
gcc -O1 -Wall -D_GNU_SOURCE -DIN_PROGRAM -c -fPIE -o walker.o "$support/heapwalk.c"
./heapgen heap.heap heap.list --own --odd --tags
./heapgen two.heap two.list --prefix=two_ --seed=7 --size=100K
cp heap.heap libfrozen.heap
rm -f libheap.a && ar --plugin "$plugin" rcs libheap.a heap.heap
cc -c "$support/heapown.c" -o own.o
as "$support/marker.s" -o marker.o
# source FILE TEXT: compiled into FILE
source_of() { printf '%s\n' "$2" | cc -ffunction-sections -fcommon -x c -c - -o "$1"; }
source_of where.o 'extern char gen_rw[]; char *where(void); char *where(void) { return gen_rw; }'
source_of uses.o 'int a_global(void); int uses(void); int uses(void) { return a_global(); }'
# a global that is used; the same file name again; no global at all; a constructor; two weak ones; common; hidden
mkdir more more/second
source_of more/a.o 'int helper(void); int a_global(void); int a_global(void) { return helper(); }'
source_of more/second/a.o 'int b_global(void); int b_global(void) { return 2; }'
source_of more/k.o 'static int lonely __attribute__((used, section(".data.lonely"))) = 42;'
source_of more/n.o 'static int hits; static void __attribute__((constructor)) start(void) { hits++; }'
source_of more/e.o 'int __attribute__((weak)) twice(void); int __attribute__((weak)) twice(void) { return 1; } int e_too = 1;'
source_of more/f.o 'int __attribute__((weak)) twice(void); int __attribute__((weak)) twice(void) { return 2; } int f_too = 1;'
source_of more/g.o 'int common_thing[4];'
source_of more/d.o 'int __attribute__((visibility("hidden"))) helper(void); int helper(void) { return 1; }
static int unused(void) __attribute__((used)); static int unused(void) { return 3; }'
objects=(more/a.o more/second/a.o more/k.o more/n.o more/e.o more/f.o more/g.o more/d.o)
ar qcs libmore.a "${objects[@]}"
ar qcsT libthin.a "${objects[@]}"
retained_names=('T a_global' 'T b_global' 'd lonely' 't start' 'W twice' 'D e_too' 'D f_too' 'B common_thing' 't helper' 't unused')

# ---- links ----

# use NAME: the linker; heaps are named by "heap FILE" (in words), options by "opts ARG..."
use() {
    ld=$work/bin.$1/ld plain=$work/bin.$1/plain way=$(cat "$work/bin.$1/way") linker_name=$1
    load=(-plugin "$plugin")
    cd "$work/${PWD##*/}"
    ln -sf ../{heap.heap,two.heap,libfrozen.heap,libheap.a,libmore.a,libthin.a,more,{own,marker,where,uses,walker}.o} .
}
heap() {
    case $way in
        marker) words=(marker.o "-plugin-opt=heap=$1") ;;
        *) words=("$1") ;;
    esac
}
# shared ARG...: x.so
shared() { rm -f x.so && "$ld" -m elf_x86_64 -shared -o x.so "${load[@]}" "$@" "${libc[@]}"; }
sound() {
    "$work/heapwalk" "$work/${2:-heap}.list" dlopen "./$1" || die "$1"
    # (verify has words about what some linkers do, heap or not)
    "$OBJTOOL" verify "$1" >verified || ! grep -qi 'heap\|sysimage' verified || die "$1: $(cat verified)"
}
# kept: what libmore.a has is all in x.so
kept() {
    local name
    nm x.so | cut -c18- | sed 's/@.*//' >names
    for name in "${retained_names[@]}"; do
        grep -q "^[A-Za-z] ${name#* }$" names || die "no ${name#* } in $(cat names)"
    done
    # a symbol that is not hidden is one for others
    nm -D --defined-only x.so | grep -q ' a_global$' || die "a_global is not exported"
}

order() { # where the heap stands, and what it needs stands elsewhere
    use "$1"
    heap heap.heap
    shared "${words[@]}" own.o where.o && sound x.so
    shared own.o where.o "${words[@]}" && sound x.so
    shared own.o "${words[@]}" where.o libmore.a && sound x.so
    shared --start-group libmore.a "${words[@]}" --end-group own.o where.o && sound x.so
    [ "$way" = marker ] || { shared own.o -L. -l:libfrozen.heap && sound x.so; }
    shared own.o -plugin-opt=heap=heap.heap ${way_marker[$way]:-} && sound x.so
}
declare -A way_marker=([marker]=marker.o)

retained() {
    local where options
    use "$1"
    heap heap.heap
    for options in '' '--gc-sections' '--gc-sections --as-needed -Bsymbolic'; do
        # shellcheck disable=SC2086
        for where in "${words[*]} own.o" "libmore.a ${words[*]} own.o" "own.o ${words[*]} uses.o libmore.a" \
            "own.o libmore.a uses.o ${words[*]}" "--start-group libmore.a uses.o own.o --end-group ${words[*]}" \
            "own.o --whole-archive libmore.a --no-whole-archive ${words[*]}"; do
            # mold offers no members: what is retained must not be an input, but to ld.sysimage
            case $way$where in marker*libmore.a*) continue ;; esac
            shared $options $where -plugin-opt=retain=libmore.a || die "$options $where"
            sound x.so && kept
        done
        if [ "$way" != marker ]; then
            shared $options own.o uses.o libmore.a "${words[@]}" -plugin-opt=retain=all && sound x.so && kept
            echo "own.o libmore.a ${words[*]} -plugin-opt=retain=all" >rest
            shared $options uses.o @rest && sound x.so && kept
        fi
        shared $options own.o "${words[@]}" -plugin-opt=retain=libthin.a && sound x.so && kept
        # an object is kept likewise
        shared $options own.o "${words[@]}" -plugin-opt=retain=more/k.o && nm x.so | grep -q ' lonely$' || die "no lonely"
    done
    [ "$way" = marker ] || { shared own.o uses.o libthin.a "${words[@]}" -plugin-opt=retain=all && sound x.so && kept; }
    # a heap in an archive that is retained
    ar qcS libboth.a more/k.o heap.heap 2>/dev/null
    shared own.o ${way_marker[$way]:-} -plugin-opt=retain=libboth.a && sound x.so && nm x.so | grep -q ' lonely$'
}

hidden() {
    use "$1"
    heap heap.heap
    # the roots are not exported: an error, unless that is wanted
    echo '{ global: own_*; local: *; };' >map
    ! shared own.o "${words[@]}" --gc-sections --version-script=map 2>err || die "content"
    grep -q 'root .gen_ro. is not exported by x.so' err || die "$(cat err)"
    [ ! -e x.so ] || die "an output"
    shared own.o "${words[@]}" --gc-sections --version-script=map -plugin-opt=hidden-ok
    "$work/heapwalk" "$work/heap.list" dlopen ./x.so --own || die "hidden"
    # what is retained stays, hidden or not
    shared own.o "${words[@]}" --gc-sections --version-script=map -plugin-opt=hidden-ok -plugin-opt=retain=libmore.a
    nm x.so | grep -q ' lonely$' || die "no lonely"
    nm x.so | grep -q ' a_global$' || die "no a_global"
    shared own.o "${words[@]}" --exclude-libs ALL && sound x.so
    # names that are to be exported, and are not
    echo '{ local: a_*; };' >map
    ! shared own.o "${words[@]}" --version-script=map -plugin-opt=retain=libmore.a -plugin-opt=export=a_global 2>err ||
        die "content"
    grep -q 'export=a_global: is not exported by x.so' err || die "$(cat err)"
    [ ! -e x.so ] || die "an output"
    # and one that an archive has: it is taken for that alone
    shared own.o "${words[@]}" libmore.a --gc-sections -plugin-opt=export=b_global && sound x.so
    nm -D x.so | grep -q ' T b_global$' || die "no b_global"
    ! nm x.so | grep -q ' lonely$' || die "all of it"
}

icf() {
    use "$1"
    heap heap.heap
    shared own.o "${words[@]}" --icf=safe --gc-sections -plugin-opt=retain=libmore.a && sound x.so && kept
}

imports() {
    use "$1"
    heap heap.heap
    # nobody has it
    ! shared "${words[@]}" -z defs 2>err || die "undefined: content"
    grep -q 'own_function\|own_data\|own_array\|own_hidden' err || die "$(cat err)"
    [ ! -e x.so ] || die "undefined: an output"
    # data where a function should be, thread-local where data should
    printf '%s\n' 'int own_function = 1; int own_hidden(int c) { return c; } int own_data, own_array;' | cc -x c -c - -o bad.o -w
    ! shared bad.o "${words[@]}" 2>err || die "kind: content"
    grep -q "heap.heap: import .own_function': is a function, but x.so has it as data" err || die "$(cat err)"
    [ ! -e x.so ] || die "kind: an output"
}

drivers() {
    local driver=(gcc "-B$work/bin.$1")
    use "$1"
    heap heap.heap
    # (a compiler has no -plugin-opt of its own)
    words=("${words[@]/#-plugin-opt/-Wl,-plugin-opt}") load=(-Wl,-plugin,"$plugin")
    echo 'extern char gen_rw[]; char *where(void) { return gen_rw; }' >where.c
    for driver in "gcc -B$work/bin.$1" "clang --ld-path=$ld"; do
        # shellcheck disable=SC2086
        $driver -shared -fPIC -o x.so where.c own.o "${load[@]}" "${words[@]}" && sound x.so || die "$driver"
        $driver -shared -fPIC -Wl,--gc-sections -o x.so where.c own.o uses.o "${load[@]}" "${words[@]}" \
            -Wl,-plugin-opt=retain=libmore.a && sound x.so && kept || die "$driver"
        echo "where.c own.o ${load[*]} ${words[*]}" >rest
        $driver -shared -fPIC -o x.so @rest && sound x.so || die "$driver @rest"
    done
}

lto() {
    use "$1"
    heap heap.heap
    words=("${words[@]/#-plugin-opt/-Wl,-plugin-opt}") load=(-Wl,-plugin,"$plugin")
    printf '%s\n' 'extern char gen_rw[]; char *where(void) { return gen_rw; }' \
        'int inlined(int c) { return c + 1; } int called(int c) { return inlined(c); }' >where.c
    own=own.c && cp "$support/heapown.c" .
    mv heapown.c own.c
    # gold does not say that a heap refers to what a compiler may drop then
    case $1 in gold*) own=own.o ;; esac
    case $1 in
        lld*) ;;         # reads no code of gcc's
        mold.*.host) ;;  # starts itself again, and is not what was started here
        *)
            gcc "-B$work/bin.$1" -flto -O2 -shared -fPIC -o x.so where.c "$own" "${load[@]}" "${words[@]}" && sound x.so || die gcc
            nm x.so | grep -q ' called' || die "no called" ;;
    esac
    [ "$1" = lld ] || [ "$1" = lld-19 ] || need_file /usr/lib/llvm-14/lib/LLVMgold.so
    clang --ld-path="$ld" -flto -O2 -shared -fPIC -o x.so where.c "$own" "${load[@]}" "${words[@]}" && sound x.so || die clang
}

programs() {
    use "$1"
    heap heap.heap
    words=("${words[@]/#-plugin-opt/-Wl,-plugin-opt}") load=(-Wl,-plugin,"$plugin")
    for kind in -static -pie "-no-pie -rdynamic" -static-pie; do
        case $1$kind in gold*-static-pie) continue ;; esac # lacks --no-dynamic-linker
        # shellcheck disable=SC2086
        gcc "-B$work/bin.$1" $kind -o program walker.o own.o "${load[@]}" "${words[@]}" || die "$kind"
        ./program "$work/heap.list" program --apart || die "$kind"
    done
    # exported by a program only if that is asked for
    gcc "-B$work/bin.$1" -o program walker.o own.o "${load[@]}" "${words[@]}" -Wl,-plugin-opt=export=own_data -rdynamic
    ! gcc "-B$work/bin.$1" -o no walker.o own.o "${load[@]}" "${words[@]}" -Wl,-plugin-opt=export=own_hidden -rdynamic 2>err ||
        die "content"
    grep -q 'export=own_hidden: is not exported' err || die "$(cat err)"
    [ ! -e no ] || die "an output"
}

relocatable() {
    use "$1"
    heap heap.heap
    case $1 in mold*) "$plain" -r -o y.o own.o >/dev/null 2>&1 || skip "$1 has no -r" ;; esac
    "$ld" -m elf_x86_64 -r -o x.o "${load[@]}" own.o "${words[@]}"
    ld.bfd -shared -o x.so x.o "${libc[@]}"
    sound x.so
}

several() {
    use "$1"
    heap heap.heap
    one=("${words[@]}")
    heap two.heap
    shared own.o "${one[@]}" where.o "${words[@]}"
    sound x.so && sound x.so two
    shared own.o "${one[@]}" -plugin-opt=heap=two.heap --gc-sections
    sound x.so && sound x.so two
}

archived() {
    use "$1"
    shared own.o where.o libheap.a && sound x.so
    shared own.o --whole-archive libheap.a --no-whole-archive && sound x.so
    shared where.o own.o -L. -lheap && sound x.so
    shared own.o libheap.a -plugin-opt=retain=all && sound x.so
}

# Without a heap the plugin changes nothing.
without() {
    use "$1"
    source_of lone.o 'int lone(void); int lone(void) { return 1; }'
    shared lone.o uses.o libmore.a && mv x.so with.so
    "$plain" -m elf_x86_64 -shared -o x.so lone.o uses.o libmore.a "${libc[@]}"
    # mold writes down its command line
    case $1 in mold*) objcopy -R .comment x.so && objcopy -R .comment with.so ;; esac
    cmp x.so with.so
}

for one in "${linkers[@]}"; do
    for case in order retained hidden icf imports drivers lto programs relocatable several archived without; do
        case $case.$one in
            icf.bfd*) continue ;;         # folds nothing
            archived.mold*.host) ;;
            archived.mold*) continue ;;   # offers no members
        esac
        check "$case.$one" $case "$one"
    done
done
finish
