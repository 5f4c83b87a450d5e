#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ld.sysimage: heaps for linkers that load no plugin, started by hand and by compilers.
. "$(dirname "$0")/common.sh"
need gcc clang readelf ld.bfd ld.gold mold ld.lld
host=${top_builddir:?}/plugin/ld.sysimage
[ -e "$host" ] || skip "ld.sysimage is not built"
support=$here/../support
gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c"
gcc -O1 -Wall -D_GNU_SOURCE -o "$work/heapwalk" "$support/heapwalk.c" -ldl
use_arch x86_64
use_libdirs
libc=("${libdirs[@]}" -lc)

inputs() {
    "$work/heapgen" heap.heap heap.list --own --odd --tags
    cc -c "$support/heapown.c" -o own.o
    printf '%s\n' 'extern char gen_rw[]; char *where(void) { return gen_rw; }' >where.c
    printf '%s\n' 'static int lonely __attribute__((used, section(".data.lonely"))) = 42;' >lonely.c
    cc -c where.c lonely.c
    rm -f libmore.a && ar rc libmore.a lonely.o
}
sound() {
    "$work/heapwalk" heap.list dlopen ./x.so || die "$*"
    "$OBJTOOL" verify x.so >out || [ "${1:-}" = mold ] || { cat out; die "$* is not sound"; }
    rm -f x.so
}

linkers() {
    local ld
    inputs
    cp heap.heap libfrozen.heap
    ar rc libheap.a where.o heap.heap 2>/dev/null
    mkdir spaced "spaced/a b" && cp heap.heap "spaced/a b/h.heap"
    for ld in ld.lld mold ld.bfd ld.gold; do
        common=(--real-ld=$ld -m elf_x86_64 -shared -o x.so --gc-sections own.o where.o)
        for how in heap.heap "-L. -l:libfrozen.heap" "-L. -l :libfrozen.heap" -plugin-opt=heap=heap.heap \
            "-plugin /nowhere/sysimage-plugin.so -plugin-opt=heap=heap.heap -plugin-opt=verbose" libheap.a "-L. -lheap"; do
            # shellcheck disable=SC2086
            "$host" "${common[@]}" $how "${libc[@]}" || die "$ld $how"
            sound "$ld" "$how"
        done
        "$host" "${common[@]}" "spaced/a b/h.heap" -plugin-opt=retain=libmore.a "${libc[@]}"
        nm x.so >names
        expect_text names ' lonely$'
        sound "$ld" "a space"
        # the whole line from a file
        printf '"%s"\n' "${common[@]:1}" "spaced/a b/h.heap" "${libc[@]}" >line
        SYSIMAGE_REAL_LD=$ld "$host" @line
        sound "$ld" @line
    done
}
check linkers linkers

# An image with an address of its own is finished after the link.
prelinked() {
    local ld base
    inputs
    # one is chosen: that of objtool link
    olink -soname x.so -o own.so own.o heap.heap "${libc[@]}"
    base=$(readelf -lW own.so | awk '$1 == "LOAD" { print $3; exit }')
    for ld in ld.lld ld.bfd ld.gold; do
        "$host" --real-ld=$ld -soname x.so -shared -o x.so own.o heap.heap "${libc[@]}"
        "$OBJTOOL" inspect x.so | grep 'prelinked for 0x7[abc]' || die "$ld: not prelinked"
        same "$ld: the address" <(readelf -lW x.so | awk '$1 == "LOAD" { print $3; exit }') <(echo "$base")
        "$work/heapwalk" heap.list dlopen ./x.so --dirty=64 || die "$ld: written"
        "$work/heapwalk" heap.list dlopen ./x.so --take="$base" --relocated || die "$ld: taken"
        sound $ld
        # unless the command line says otherwise
        case $ld in ld.lld) zero=--image-base=0 ;; *) zero=-Ttext-segment=0 ;; esac
        "$host" --real-ld=$ld $zero -shared -o x.so own.o heap.heap "${libc[@]}"
        [ "$(readelf -lW x.so | awk '$1 == "LOAD" { print $3; exit }')" = 0x0000000000000000 ] || die "$ld: $zero"
        sound "$ld $zero"
        # a program's place is its own
        "$host" --real-ld=$ld -pie -e own_root -o program own.o heap.heap "${libc[@]}"
        [ "$(readelf -lW program | awk '$1 == "LOAD" { print $3; exit }')" = 0x0000000000000000 ] || die "$ld: program"
    done
    "$host" --real-ld=ld.lld --image-base=0x7a1200000000 -shared -o x.so own.o heap.heap "${libc[@]}"
    "$OBJTOOL" inspect x.so | grep 'prelinked for 0x7a12' || die "not prelinked"
    "$work/heapwalk" heap.list dlopen ./x.so --take=0x7a1200000000 --relocated || die "taken"
    "$work/heapwalk" heap.list dlopen ./x.so --dirty=64 || die "written"
    sound lld
}
check prelinked prelinked

# Members of archives are part of a link only if something needs them.
archives() {
    local ld how
    inputs
    "$work/heapgen" two.heap two.list --prefix=two_ --seed=3
    printf '%s\n' 'extern char two_rw[]; char *far(void); char *far(void) { return two_rw; }' | cc -x c -c - -o far.o
    printf '%s\n' 'char *far(void); char *near(void); char *near(void) { return far(); }' | cc -x c -c - -o near.o
    printf '%s\n' 'char *near(void); char *start(void); char *start(void) { return near(); }' | cc -x c -c - -o start.o
    ar rcS libtwo.a two.heap && ar rcs libtwo.a far.o
    ar rcs libnear.a near.o
    ar rcsT libthin.a two.heap far.o 2>/dev/null || ar rcST libthin.a two.heap
    for ld in ld.lld mold ld.bfd ld.gold; do
        common=(--real-ld=$ld -m elf_x86_64 -shared -o x.so own.o heap.heap)
        # nobody asks for what is in it
        "$host" "${common[@]}" libtwo.a libnear.a "${libc[@]}"
        "$OBJTOOL" inspect x.so >told
        reject_text told two_rw
        sound $ld
        # somebody does, in an archive, which an object wants; the command line; all is wanted
        for how in "start.o libnear.a libtwo.a" "libtwo.a -u two_ro" "--whole-archive libtwo.a --no-whole-archive" \
            "--whole-archive -L. -l two --no-whole-archive" "-L. --whole-archive -ltwo --no-whole-archive" \
            "-plugin-opt=export=two_ro libtwo.a" "start.o --start-group libtwo.a libnear.a --end-group" "libthin.a -u two_zero"; do
            # shellcheck disable=SC2086
            "$host" "${common[@]}" $how "${libc[@]}" || die "$ld $how"
            "$work/heapwalk" two.list dlopen ./x.so || die "$ld $how"
            sound $ld "$how"
        done
    done
}
check archives archives

compilers() {
    inputs
    mkdir bin && ln -s "$host" bin/ld && ln -s "$host" bin/ld.lld && ln -s "$host" bin/ld.sysimage
    gcc -B bin -shared -o x.so where.o own.o heap.heap
    sound 'gcc -B'
    gcc -B bin -fuse-ld=lld -shared -o x.so where.o own.o heap.heap
    readelf -p .comment x.so >comment
    expect_text comment LLD
    sound 'gcc -fuse-ld=lld'
    gcc -B bin -Wl,--real-ld=mold -shared -o x.so where.o own.o heap.heap
    readelf -p .comment x.so >comment
    expect_text comment mold
    sound mold
    clang --ld-path="$host" -shared -o x.so where.o own.o heap.heap
    sound 'clang --ld-path'
    clang -B bin -fuse-ld=sysimage -shared -o x.so where.o own.o heap.heap
    sound 'clang -fuse-ld'
    # a link without a heap is the linker's own
    gcc -B bin -o plain -x c - <<<'int main(void) { return 7; }'
    ./plain || [ $? = 7 ]
}
check compilers compilers

bad_input() {
    inputs
    head -c 3000 heap.heap >cut.heap
    fails() {
        rm -f x.so
        ! "$host" -m elf_x86_64 -shared -o x.so own.o "$@" "${libc[@]}" >err 2>&1 || die "$* is content"
        [ ! -e x.so ] || die "$*: an output"
    }
    fails cut.heap
    expect_text err 'ld.sysimage: sysimage-plugin: cut.heap: the file has 3000 bytes'
    fails -plugin-opt=heap=none.heap
    expect_text err 'none.heap: cannot open'
    fails heap.heap --real-ld=nobody
    expect_text err 'nobody: no such linker'
    fails heap.heap --real-ld="$host"
    expect_text err 'is ld.sysimage itself'
    fails heap.heap --no-such-option
    echo '{ local: *; };' >map
    for ld in ld.lld mold ld.bfd ld.gold; do
        fails heap.heap --real-ld=$ld --version-script=map
        expect_text err 'root .gen_ro. is not exported by x.so'
    done
    fails none.o
    expect_text err 'none.o'
    fails @none
    expect_text err 'none: cannot open'
    "$host" --version | grep -q '^ld.sysimage (sysimage-tools)'
    "$host" --help | grep -q -- --real-ld
}
check bad_input bad_input

# More inputs than a process may have open.
many() {
    inputs
    cc -c -x c - -o empty.o </dev/null
    seq -f 'e%g.o' 1500 | xargs -n1 cp empty.o
    (ulimit -n 100; "$host" --real-ld=ld.lld -shared -o x.so own.o where.o heap.heap e*.o "${libc[@]}" 2>err) || cat err
    [ -e x.so ] || grep -q 'Too many open files' err # that is lld's own
    "$host" --real-ld=ld.lld -shared -o x.so own.o where.o heap.heap e*.o "${libc[@]}"
    sound many
}
check many many

finish
