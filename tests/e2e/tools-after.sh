#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Other people's tools on our files: strip, patchelf, objcopy, gdb, eu-elflint, abidiff; the file still works.
. "$(dirname "$0")/common.sh"
. "$here/libs.sh"

prepare() {
    lib_table "$1"
    need_file "$archive"
    use_libdirs
    case $source in
        stdcxx.cc) cxx -shared -nodefaultlibs -o work.so "$here/work/$source" -I "$here/work" -lgcc_s -lm -lc -lgcc ;;
        *.cc) cxx -shared -o work.so "$here/work/$source" "${work_flags[@]}" -I "$here/work" ;;
        *) cc -shared -o work.so "$here/work/$source" "${work_flags[@]}" -I "$here/work" -lm ;;
    esac
    olink -o ours.so "$archive" "${libdirs[@]}" "${link_args[@]}" --build-id "${extra[@]}"
}
extra=()

# quiet COMMAND...: it works and says nothing
quiet() {
    "$@" >said 2>&1 || { cat said; die "$*"; }
    [ ! -s said ] || { cat said; die "$* has something to say"; }
}

works() { run "$PWD/$1" "$PWD/work.so"; }

tools() {
    prepare "$1"
    need strip objcopy
    for option in --strip-all --strip-debug --strip-unneeded; do
        quiet strip $option -o stripped.so ours.so
        clean stripped.so
        works stripped.so
        same "exports after strip $option" <(exports ours.so) <(exports stripped.so)
    done
    quiet objcopy ours.so copied.so
    clean copied.so
    works copied.so
    quiet objcopy --only-keep-debug ours.so ours.debug
    readelf -SW ours.debug 2>err >/dev/null
    [ ! -s err ] || { cat err; die "readelf does not like the debug file"; }
    cp ours.so linked.so
    quiet strip --strip-all linked.so
    quiet objcopy --add-gnu-debuglink=ours.debug linked.so
    works linked.so
    quiet objcopy --add-section .extra="$here/common.sh" ours.so added.so
    works added.so
}
check "binutils z" on_cpu x86_64 tools z
check "binutils crypto" on_cpu x86_64 tools crypto
check "binutils stdcxx" on_cpu x86_64 tools stdcxx

llvm_tools() {
    prepare "$1"
    need llvm-strip llvm-objcopy
    quiet llvm-strip -o stripped.so ours.so
    clean stripped.so
    works stripped.so
    quiet llvm-objcopy --only-keep-debug ours.so ours.debug
    quiet llvm-objcopy --strip-sections ours.so bare.so
    works bare.so
}
check "llvm z" on_cpu x86_64 llvm_tools z
check "llvm stdcxx" on_cpu x86_64 llvm_tools stdcxx

patched() {
    prepare "$1"
    need patchelf
    cp ours.so patched.so
    quiet patchelf --set-rpath /a/run/path/that/is/longer/than/anything/that/was/there/before:/and/another/one patched.so
    expect_text <(dynamic patched.so) 'RUNPATH.*/and/another/one'
    NO_VERIFY=1 clean patched.so
    works patched.so
    same "exports after patchelf" <(exports ours.so) <(exports patched.so)
    quiet patchelf --set-soname libother.so.3 patched.so
    quiet patchelf --add-needed libm.so.6 patched.so
    works patched.so
    quiet strip -o both.so ours.so
    quiet patchelf --set-rpath '$ORIGIN/somewhere/else' both.so
    works both.so
}
check "patchelf z" on_cpu x86_64 patched z
check "patchelf crypto" on_cpu x86_64 patched crypto
check "patchelf stdcxx" on_cpu x86_64 patched stdcxx

in_gdb() {
    prepare "$1"
    need gdb
    gdb -nx -batch -ex 'info functions' ours.so >functions 2>err
    cat err
    reject_text err 'warning' 'rror' 'corrupt'
    ours=$(grep -c '^0x' functions)
    bfd -o bfd.so "$archive" "${libdirs[@]}" "${link_args[@]}"
    theirs=$(gdb -nx -batch -ex 'info functions' bfd.so 2>/dev/null | grep -c '^0x')
    echo "$ours functions, ld.bfd's $theirs"
    [ "$ours" -ge $((theirs - 5)) ] || die "gdb sees fewer functions"
    # at run time: a break in the image, the way back from there
    use_runner
    gdb -nx -batch -ex 'set breakpoint pending on' -ex "break $2" -ex run -ex backtrace -ex 'info symbol $pc' -ex kill \
        --args "$runner" "$PWD/ours.so" "$PWD/work.so" >trace 2>&1 || true
    grep -q 'ptrace: Operation not permitted\|Could not trace' trace && skip "no ptrace here"
    expect_text trace "#0 .* $2" "in work ()" "in main ()" "$2 in section \.text of .*ours\.so\|$2 + [0-9]* in section .text of .*ours\.so"
}
check "gdb z" on_cpu x86_64 in_gdb z compress2
check "gdb crypto" on_cpu x86_64 in_gdb crypto EVP_Digest

others() {
    prepare z
    local any=
    if have eu-elflint; then
        any=1
        eu-elflint --gnu-ld ours.so >said 2>&1 || { cat said; die "eu-elflint"; }
    fi
    if have llvm-dwarfdump; then any=1; quiet llvm-dwarfdump --verify --quiet ours.so; fi
    if have objdump; then
        any=1
        objdump -d -r -x -s ours.so >said 2>err
        [ ! -s err ] || { cat err; die "objdump complains"; }
        reject_text <(objdump -d ours.so) '(bad)'
    fi
    if have nm; then nm -D ours.so >said 2>err; nm ours.so >said 2>>err; [ ! -s err ] || die "nm: $(cat err)"; fi
    if have llvm-nm; then llvm-nm -D ours.so >said 2>err; [ ! -s err ] || die "llvm-nm: $(cat err)"; fi
    if have llvm-objdump; then llvm-objdump -d -p --dynamic-reloc ours.so >said 2>err; [ ! -s err ] || die "llvm-objdump: $(cat err)"; fi
    if have ldconfig; then
        mkdir -p lc
        cp ours.so lc/libz-image.so
        ldconfig -n -N lc 2>/dev/null || /sbin/ldconfig -n lc
    fi
    # other linkers take it as a library
    echo 'extern const char *zlibVersion(void); int work(void) { return zlibVersion()[0] != 49; }' >u.c
    cp ours.so libzi.so
    for linker in bfd gold lld; do
        have "ld.$linker" || continue
        gcc -fPIC -shared -fuse-ld=$linker -o user.so u.c -L. -lzi -Wl,-rpath,"$PWD" -Wl,--no-undefined
        run "$PWD/user.so" -
    done
    # and into a program that takes data from it by copy relocation
    echo 'extern const char *const z_errmsg[]; extern const char *zlibVersion(void);
        int main(void) { return z_errmsg[2] == 0 || zlibVersion()[0] != 49; }' >p.c
    gcc -fno-pic -no-pie -o program p.c -L. -lzi -Wl,-rpath,"$PWD" 2>/dev/null && ./program
    [ -n "$any" ] || skip "none of these tools is here"
}
check others on_cpu x86_64 others
finish
