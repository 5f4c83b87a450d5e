#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The linker plugin in the linkers that load one: heaps as inputs, by -l, in archives and by option; archives
# retained whole; whoever did not run it is found out; whatever is wrong is one line and no output.
. "$(dirname "$0")/common.sh"
need gcc readelf ld.bfd ld.gold mold ld.lld
plugin=${top_builddir:?}/plugin/.libs/sysimage-plugin.so
[ -e "$plugin" ] || skip "the plugin is not built"
support=$here/../support
gcc -O2 -Wall -o "$work/heapgen" "$support/heapgen.c"

# a.o has a global, n.o none, k.o only what nobody refers to
cat >"$work/a.c" <<'E'
int a_global(void) { return 1; }
E
cat >"$work/n.c" <<'E'
static int hits;
static void __attribute__((constructor)) start(void) { hits++; }
E
cat >"$work/k.c" <<'E'
static int lonely __attribute__((used, section(".data.lonely"))) = 42;
E

# A heap and objects of the CPU in use, in the present directory.
inputs() {
    walker=$work/heapwalk.$arch
    [ -x "$walker" ] || "$CC" -O1 -Wall -D_GNU_SOURCE -o "$walker" "$support/heapwalk.c" -ldl
    "$work/heapgen" heap.heap heap.list --cpu="$arch" --own --odd --tags "$@"
    cc -c "$support/heapown.c" -o own.o
    cc -c "$support/marker.s" -o marker.o
    for f in a n k; do cc -c "$work/$f.c" -o $f.o; done
    rm -f libmore.a && ar rc libmore.a a.o n.o k.o
    case $arch in x86_64) prefix= emulation=elf_x86_64 ;; *) prefix=aarch64-linux-gnu- emulation=aarch64linux ;; esac
}
walk() { timeout 120 "${RUN[@]}" "$walker" heap.list dlopen "./$1" || die "heapwalk $*"; }
# sound FILE: every slot, and verify has nothing to say
sound() { walk "$1" && { "$OBJTOOL" verify "$1" || die "$1 is not sound"; }; }
with() { "$1" -shared -o x.so -plugin "$plugin" "${@:2}" "${libc[@]}"; }

# with_words 'LD [OPTION...]' ARG...: must fail, with its words in err and no output
with_words() {
    rm -f x.so
    # shellcheck disable=SC2086
    ! $1 -shared -o x.so -plugin "$plugin" "${@:2}" "${libc[@]}" >err 2>&1 || die "$* is content"
    [ ! -e x.so ] || die "$*: an output"
}

claimed() {
    local ld
    inputs
    cp heap.heap libfrozen.heap
    for ld in "$BFD" "${prefix}ld.gold"; do
        need "$ld"
        for how in heap.heap "-plugin-opt=heap=heap.heap" "-L. -l:libfrozen.heap"; do
            for more in '' '--gc-sections -z relro -z now' '-Bsymbolic'; do
                # shellcheck disable=SC2086
                with "$ld" own.o $how $more || die "$ld $how $more"
                sound x.so
            done
        done
        # no name of it is exported: that is no use, but it stays if it may
        echo '{ local: *; };' >map
        echo '{ local: gen_*; };' >hide
        for how in heap.heap -plugin-opt=heap=heap.heap; do
            with_words "$ld" own.o $how --gc-sections --version-script=map
            expect_text err 'heap.heap: root .gen_ro. is not exported by x.so: a version script'
        done
        with "$ld" own.o heap.heap --gc-sections --version-script=map -plugin-opt=hidden-ok
        section x.so .heap | grep -q . || die "$ld: no heap"
        readelf -nW x.so | grep -q SYSIMAGE || die "$ld: no note"
        # a script that names them keeps them
        echo '{ global: gen_*; own_*; local: *; };' >map
        with "$ld" own.o heap.heap --gc-sections --version-script=map
        sound x.so
        # out of an archive that is excluded
        rm -f libheap.a && ar --plugin "$plugin" rcs libheap.a heap.heap
        with_words "$ld" own.o --whole-archive libheap.a --no-whole-archive --exclude-libs ALL --version-script=hide
        expect_text err 'is not exported by x.so'
    done
}
check_cpus claimed claimed

retained() {
    local ld
    inputs
    for ld in "$BFD" "${prefix}ld.gold"; do
        with "$ld" own.o heap.heap --gc-sections -plugin-opt=retain=libmore.a
        sound x.so
        nm x.so >names
        expect_text names ' a_global$' ' start$' ' lonely$'
        # a member whose section headers are not there
        cp k.o bad.o && truncate -s -1000 bad.o && rm -f libbad.a && ar rcS libbad.a a.o bad.o 2>/dev/null
        with_words "$ld" own.o -plugin-opt=retain=libbad.a
        expect_text err 'sysimage-plugin: libbad.a(bad.o): '
        # what is taken whole is taken once, and the rest of the line stays so
        "$ld" -shared -o x.so -plugin "$plugin" own.o heap.heap -plugin-opt=retain=k.o "${libc[@]}" --whole-archive libmore.a
        sound x.so
        # as ld does it, the archive in the middle: nothing wants it
        with "$ld" own.o libmore.a heap.heap --gc-sections
        nm x.so >names
        reject_text names a_global lonely
    done
}
check_cpus retained retained

# An image with an address of its own is finished: nothing is relocated when it is loaded there, and all of it
# when that is taken.
prelinked() {
    local ld base=0x7a1200000000
    for shape in '--gaps --size=300K' '--size=5M --seed=4'; do
        # shellcheck disable=SC2086
        inputs $shape
        for ld in "$BFD" "${prefix}ld.gold"; do
            with "$ld" own.o heap.heap -Ttext-segment=$base -z relro -z now
            "$OBJTOOL" verify x.so || die "$ld: not sound"
            "$OBJTOOL" inspect x.so | grep 'prelinked for 0x7a12' || die "$ld: not prelinked"
            walk x.so
            timeout 120 "${RUN[@]}" "$walker" heap.list dlopen ./x.so --take=$base --relocated || die "$ld: taken"
            # nothing of it is written by the loader but what imports fill
            [ "$arch" != x86_64 ] || "$walker" heap.list dlopen ./x.so --at="0x$(section x.so .heap | awk '{ print $3 }')" --dirty=64 ||
                die "$ld: not where it wants to be, or written"
            strip -o stripped.so x.so 2>/dev/null || "${prefix}strip" -o stripped.so x.so
            walk stripped.so
        done
    done
}
check_cpus prelinked prelinked

# mold loads plugins only for what looks like intermediate code: the marker does.
in_mold() {
    inputs
    echo '{ local: *; };' >map
    with_words "mold -m $emulation" own.o marker.o -plugin-opt=heap=heap.heap --version-script=map
    expect_text err 'heap.heap: root .gen_ro. is not exported by x.so'
    mold -m $emulation -shared -o x.so own.o marker.o -plugin "$plugin" -plugin-opt=heap=heap.heap \
        -plugin-opt=retain=libmore.a "${libc[@]}"
    sound x.so
    nm x.so >names
    expect_text names ' a_global$' ' start$' ' lonely$'
}
check_cpus mold in_mold

# Where no plugin ran, verify says so; with the plugin and without a heap, the link fails.
marker() {
    local ld
    use_arch x86_64
    use_libdirs
    libc=("${libdirs[@]}" -lc)
    inputs
    for ld in ld.lld ld.bfd; do
        "$ld" -shared -o x.so own.o marker.o "${libc[@]}" 2>/dev/null
        "$OBJTOOL" verify x.so >out && die "$ld: verify is content"
        expect_text out 'a heap was asked for and is not there'
    done
    for ld in ld.bfd ld.gold 'mold -m elf_x86_64'; do
        with_words "$ld" own.o marker.o
        expect_text err 'marker.o: asks for a heap, and the link has none'
    done
}
check marker marker

drivers() {
    use_arch x86_64
    inputs
    echo 'extern char gen_rw[]; char *where(void) { return gen_rw; }' >where.c
    for how in '' -flto '-fuse-ld=gold' '-fuse-ld=gold -flto'; do
        # shellcheck disable=SC2086
        gcc -shared -fPIC $how -o x.so where.c own.o heap.heap -Wl,-plugin,"$plugin" || die "gcc $how"
        sound x.so
    done
    clang -shared -fPIC -o x.so where.c own.o heap.heap -Wl,-plugin,"$plugin"
    sound x.so
}
need clang
check drivers drivers

# ar and nm read the symbols of a heap through it, and a linker finds it by them.
binutils() {
    use_arch x86_64
    inputs
    nm --plugin "$plugin" heap.heap >names
    expect_text names ' T gen_rw$' ' U environ$'
    rm -f libheap.a && ar --plugin "$plugin" rcs libheap.a heap.heap
    echo 'extern char gen_rw[]; char *where(void) { return gen_rw; }' >where.c
    gcc -fPIC -c where.c
    for ld in ld.bfd ld.gold; do
        gcc -shared -fuse-ld=${ld#ld.} -o x.so where.o own.o libheap.a -Wl,-plugin,"$plugin"
        sound x.so
    done
}
check binutils binutils

# nm and ar find it by themselves in the directory that they have for that.
bfd_plugins() {
    use_arch x86_64
    inputs
    mkdir -p root/bin root/lib/bfd-plugins
    cp "$(readlink -f "$(command -v nm)")" root/bin/nm
    cp "$(readlink -f "$(command -v ar)")" root/bin/ar
    cp "$plugin" root/lib/bfd-plugins
    root/bin/nm heap.heap >names 2>err
    expect_text names ' T gen_rw$' ' U environ$'
    root/bin/ar rcs libheap.a heap.heap own.o
    root/bin/nm -s libheap.a >names 2>err
    expect_text names '^gen_rw in heap.heap$' '^own_data in own.o$'
    # what is no heap is as it was
    root/bin/nm own.o >ours
    nm own.o | cmp - ours
    root/bin/nm /dev/null 2>/dev/null || true
}
check bfd_plugins bfd_plugins

bad_input() {
    local ld option
    use_arch x86_64
    use_libdirs
    libc=("${libdirs[@]}" -lc)
    inputs
    head -c 3000 heap.heap >cut.heap
    "$work/heapgen" big.heap big.list --big
    for ld in ld.bfd ld.gold; do
        for option in heap=none.heap:'none.heap: cannot open' heap=own.o:'own.o: is not a heap container' \
            nonsense:'-plugin-opt=nonsense: ' heap-relocs=native:'heap-relocs=native: ' retain=:'retain=: needs a value' \
            retain=heap.list:'heap.list: is not a 64-bit' retain=none.a:'none.a: cannot open' \
            heap=cut.heap:'cut.heap: the file has 3000 bytes' heap=big.heap:'big.heap: is big-endian'; do
            with_words $ld own.o "-plugin-opt=${option%%:*}"
            expect_text err "sysimage-plugin: .*${option#*:}"
        done
        with_words $ld own.o cut.heap
        expect_text err 'sysimage-plugin: cut.heap: the file has 3000 bytes'
    done
}
check bad_input bad_input

# A compressed container is read with zstd's library, which is loaded for it alone.
compressed() {
    local ld
    use_arch x86_64
    use_libdirs
    libc=("${libdirs[@]}" -lc)
    inputs
    seq 1 40000 >blob
    "$OBJTOOL" heap --raw blob --root frozen=0 --compress -o packed.heap
    [ "$(stat -c %s packed.heap)" -lt "$(stat -c %s blob)" ] || die "not compressed"
    printf '%s\n' '#include <stdio.h>' 'extern char frozen[];' \
        'int main(void) { fwrite(frozen, 1, SIZE, stdout); return 0; }' >show.c
    for ld in bfd gold; do
        gcc -fuse-ld=$ld -DSIZE="$(stat -c %s blob)" -o show show.c packed.heap -Wl,-plugin,"$plugin"
        ./show | cmp - blob
        # and without the library it is said why not
        sed 's/libzstd\.so\.1/libzstd.so.X/' "$plugin" >nozstd.so
        ! gcc -fuse-ld=$ld -o no show.c -DSIZE=1 packed.heap -Wl,-plugin,./nozstd.so 2>err || die "$ld: without zstd"
        expect_text err 'a heap container is compressed, and libzstd.so.1 cannot be loaded'
        [ ! -e no ] || die "an output"
    done
}
check compressed compressed

# Memory that runs out at the plugin's first allocation, the second, and so on: one line, no output, nothing left.
starved() {
    local n ld words
    use_arch x86_64
    use_libdirs
    libc=("${libdirs[@]}" -lc)
    inputs --size=64K
    gcc -O1 -Wall -shared -fPIC -o failalloc.so "$support/failalloc.c"
    ar rc libx.a a.o k.o
    for ld in ld.bfd ld.gold ld.sysimage; do
        words=(-plugin "$plugin")
        [ $ld != ld.sysimage ] || words=(--real-ld=ld.lld) ld=$top_builddir/plugin/ld.sysimage
        words+=(-m elf_x86_64 -shared -o x.so own.o heap.heap -plugin-opt=retain=libx.a
            -plugin-opt=export=a_global "${libc[@]}")
        for ((n = 1; ; n++)); do
            rm -f x.so told
            touch err && ls >../before
            if FAIL_IN=sysimage FAIL_AT=$n FAIL_TOLD=told LD_PRELOAD=$PWD/failalloc.so "$ld" "${words[@]}" 2>err; then
                [ ! -e told ] || die "$ld: content although allocation $n failed"
                break
            fi
            [ -e told ] || die "$ld: $(cat err)"
            [ "$(wc -l <err)" = 1 ] && grep -q 'sysimage.*: out of memory$' err || die "$ld: allocation $n: $(cat err)"
            rm told && ls >../after && cmp ../before ../after
        done
        [ "$n" -gt 20 ] || die "$ld: only $n allocations"
        walk x.so
    done
}
check starved starved

# Where no output can be made, there is none, and nothing beside it.
no_output() {
    local ld
    use_arch x86_64
    use_libdirs
    libc=("${libdirs[@]}" -lc)
    inputs
    ls >../before
    for ld in ld.bfd ld.gold; do
        ! "$ld" -shared -o none/x.so -plugin "$plugin" own.o heap.heap "${libc[@]}" 2>/dev/null || die "$ld: content"
        ! "$top_builddir/plugin/ld.sysimage" --real-ld=$ld -shared -o none/x.so own.o heap.heap "${libc[@]}" 2>/dev/null ||
            die "ld.sysimage $ld: content"
    done
    ls | cmp - ../before
}
check no_output no_output

# Windows' linker loads plugins, too; what this one makes would be no use to it.
mingw() {
    need x86_64-w64-mingw32-ld x86_64-w64-mingw32-as
    use_arch x86_64
    inputs
    printf '%s\n' '.globl DllMainCRTStartup' 'DllMainCRTStartup: ret' | x86_64-w64-mingw32-as -o start.o -
    ! x86_64-w64-mingw32-ld -shared -o x.dll start.o heap.heap -plugin "$plugin" 2>err || die "content"
    expect_text err 'sysimage-plugin: the plugin makes ELF objects .*: its objects are COFF'
    [ ! -e x.dll ] || die "an output"
}
check mingw mingw

# It lives in another's process: one symbol, one library.
alone() {
    [ "$(nm -D --defined-only "$plugin" | awk '{ print $3 }')" = onload ] || die "$(nm -D --defined-only "$plugin")"
    [ "$(readelf -dW "$plugin" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')" = libc.so.6 ] || die "$(readelf -dW "$plugin")"
}
check alone alone

finish
