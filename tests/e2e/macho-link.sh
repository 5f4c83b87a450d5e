#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool link for Mach-O: what it makes of clang's objects runs in a loader, for both CPUs, and is what
# ld64.lld makes of them; other tools read it without a complaint.
. "$(dirname "$0")/common.sh"
. "$here/macho-common.sh"

# ---- every compiler, optimisation and form of fixups ----

# matrix CPU CLANG: virtual functions, templates that both objects have, thread-local variables, initialisers
matrix() {
    local level fixups
    use_darwin "$1"
    DCC=$2
    need "$DCC"
    for level in -O0 -O1 -O2 -O3 -Os; do
        compile one.o "$macho/virtual.cc" -std=c++17 -fno-exceptions $level
        compile two.o "$macho/virtual2.cc" -std=c++17 -fno-exceptions $level
        compile plain.o "$macho/plain.c" $level
        compile ext.o "$macho/ext.c" $level
        dylink libext.dylib ext.o
        for fixups in -fixup_chains -no_fixup_chains; do
            dylink cxx.dylib one.o two.o "${libs[0]}" -undefined dynamic_lookup $fixups
            sound cxx.dylib
            [ "$(load cxx.dylib -- test)" = 0 ] || die "the C++ library is wrong: $level $fixups"
            dylink plain.dylib plain.o "${libs[@]}" $fixups
            sound plain.dylib
            [ "$(load libext.dylib plain.dylib -- leaf 5)" = 69 ] || die "leaf: $level $fixups"
            [ "$(load libext.dylib plain.dylib -- call 5 | tail -n 1)" = 1105 ] || die "call: $level $fixups"
            [ "$(load libext.dylib plain.dylib -- get_tv 5)" = 13 ] || die "get_tv: $level $fixups"
        done
    done
}
for cpu in x86_64 arm64; do
    for compiler in clang-14 clang-19; do
        check "$compiler-$cpu" matrix $cpu $compiler
    done
done

# ---- every relocation ----

relocs() {
    local fixups
    use_darwin "$1"
    compile r.o "$macho/relocs-$1.s"
    compile ext.o "$macho/ext.c"
    dylink libext.dylib ext.o
    for fixups in -fixup_chains -no_fixup_chains; do
        dylink r.dylib r.o "${libs[@]}" $fixups
        sound r.dylib
        [ "$(load libext.dylib r.dylib -- test)" = 0 ] || die "a relocation is wrong: $fixups"
    done
}
check relocs-x86_64 relocs x86_64
check relocs-arm64 relocs arm64

# calls over more than 128 MiB, there and back
far() {
    use_darwin arm64
    cat >work.s <<'S'
        .globl _work, _back
        .p2align 2
_work:  stp x29, x30, [sp, -16]!
        bl _far_call
        bl _far_call
        add w0, w0, w0
        ldp x29, x30, [sp], 16
_back:  ret
S
    printf '.zero 0x9000000\n' >gap.s
    printf '.globl _far_call\n.p2align 2\n_far_call: mov w0, 42\nb _back\n' >far.s
    for f in work gap far; do compile $f.o $f.s; done
    dylink far.dylib work.o gap.o far.o
    "$OBJTOOL" verify far.dylib
    [ "$(load far.dylib -- work)" = 84 ] || die "a far call is wrong"
    rm -f gap.* far.dylib
}
check far-arm64 far

# llvm-jitlink links the object by itself and runs it
jitlink() {
    use_darwin x86_64
    need llvm-jitlink-19
    cat >j.c <<'E'
static int twice(int x) { return 2 * x; }
int (*table[])(int) = {twice, twice};
int numbers[] = {3, 4, 5};
int *third = &numbers[2];
__attribute__((noinline)) int sum(int n) { int s = 0; for (int i = 0; i < n; i++) s += table[i & 1](numbers[i]); return s; }
int main(void) { return sum(3) + *third - 5; }
long test(long x) { return main() + x; }
E
    compile j.o j.c -O1
    local status=0
    llvm-jitlink-19 j.o || status=$?
    dylink j.dylib j.o "${libs[0]}"
    [ "$(load j.dylib -- test)" = "$status" ] && [ "$status" = 24 ] || die "jitlink gives $status"
}
check jitlink jitlink

# ---- ld64.lld beside us ----

compare() {
    local fixups level source
    use_darwin "$1"
    # lld knows no 8-byte pointer to a slot of the GOT, which the file for arm64 has
    for source in plain.c ext.c $([ "$1" = arm64 ] || echo "relocs-$1.s"); do
        for level in -O0 -O2; do
            compile o.o "$macho/$source" $level
            for fixups in -fixup_chains -no_fixup_chains; do
                lldlink theirs.dylib o.o "${libs[@]}" $fixups -install_name @rpath/x.dylib
                dylink ours.dylib o.o "${libs[@]}" $fixups -install_name @rpath/x.dylib
                sound ours.dylib
                for of in exports_of rebases_of; do
                    $of theirs.dylib >theirs.$of
                    $of ours.dylib >ours.$of
                done
                # lld binds stubs lazily where there are no chains, and has the pointers elsewhere
                if [ $fixups = -fixup_chains ]; then
                    binds_of theirs.dylib >theirs.binds
                    binds_of ours.dylib >ours.binds
                    [ -s ours.binds ] || [ $source = ext.c ] || die "nothing is bound"
                    same binds theirs.binds ours.binds
                    same rebases theirs.rebases_of ours.rebases_of
                fi
                same exports theirs.exports_of ours.exports_of
            done
        done
    done
}
check compare-x86_64 compare x86_64
check compare-arm64 compare arm64

# ---- archives, libraries, options ----

archives() {
    use_darwin "$1"
    need llvm-ar-19 llvm-lipo-19
    for i in 1 2 3; do
        echo "int member$i(int x) { return x + $i; }" >m$i.c
        compile m$i.o m$i.c
    done
    echo 'int member2(int); long test(long x) { return member2((int)x); }' >t.c
    compile t.o t.c
    llvm-ar-19 --format=darwin rcs libm.a m1.o m2.o m3.o
    "$OBJTOOL" inspect --members --symbols libm.a >i
    expect_text i 'Mach-O members 3' 'mach-o        m2.o' '_member3'
    # members are found wherever the archive stands
    dylink a.dylib libm.a t.o "${libs[0]}"
    exports_of a.dylib >e
    expect_text e _member2
    reject_text e _member1 _member3
    [ "$(load a.dylib -- test 5)" = 7 ] || die "test"
    dylink a.dylib t.o -L. -lm "${libs[0]}"
    exports_of a.dylib >e
    reject_text e _member1
    for how in "-all_load libm.a" "-force_load libm.a" "-all_load -L. -lm"; do
        # shellcheck disable=SC2086 # options
        dylink a.dylib t.o $how "${libs[0]}"
        exports_of a.dylib >e
        expect_text e _member1 _member2 _member3
        # shellcheck disable=SC2086
        lldlink l.dylib t.o $how "${libs[0]}"
        exports_of l.dylib >l
        same exports l e
    done
    # objtool's own way: an archive that is named by its path is taken whole
    olink --target="$TARGET" -o b.dylib libm.a
    exports_of b.dylib >e
    expect_text e _member1 _member2 _member3
    olink --target="$TARGET" -o b.dylib --export=member2 libm.a
    exports_of b.dylib >e
    expect_text e _member2
    reject_text e _member1
    # universal ones: the slice is picked
    other=x86_64
    [ "$darwin" != x86_64 ] || other=arm64
    clang-19 -target $other-apple-macos13 -c m1.c -o other.o
    llvm-lipo-19 -create -output fat.o m1.o other.o
    dylink f.dylib fat.o "${libs[0]}"
    [ "$(load f.dylib -- member1 5)" = 6 ] || die "the wrong slice"
    llvm-lipo-19 -create -output fat.o other.o
    expect_fail 1 olink -dylib -arch "$darwin" -o f.dylib fat.o
    expect_text err 'has nothing for'
}
check archives-x86_64 archives x86_64
check archives-arm64 archives arm64

options() {
    use_darwin "$1"
    echo '{ global: a; local: *; };' >list2
    echo 'int a(void) { return 1; } int b(void) { return 2; } __attribute__((visibility("hidden"))) int h(void) { return 3; }' >o.c
    compile o.o o.c
    echo 'int absent(void); int test(void) { return absent(); }' >u.c
    compile u.o u.c

    printf '# what others see\n_a\n' >list
    dylink x.dylib o.o "${libs[0]}" -exported_symbols_list list
    [ "$(exports_of x.dylib)" = " _a" ] || die "-exported_symbols_list"
    dylink x.dylib o.o "${libs[0]}" -unexported_symbol _a
    [ "$(exports_of x.dylib)" = " _b" ] || die "-unexported_symbol"
    dylink x.dylib o.o "${libs[0]}" -exported_symbol '_[b]' -alias _a _alias
    [ "$(exports_of x.dylib)" = " _b" ] || die "-exported_symbol"
    dylink x.dylib o.o "${libs[0]}" -alias _a _alias
    [ "$(load x.dylib -- alias)" = 1 ] || die "-alias"

    expect_fail 1 dylink x.dylib u.o "${libs[0]}"
    expect_text err 'undefined symbol `_absent'\'', referred to by u.o'
    expect_fail 1 dylink x.dylib u.o "${libs[0]}" -undefined error
    dylink x.dylib u.o "${libs[0]}" -undefined dynamic_lookup
    binds_of x.dylib >e
    expect_text e 'flat-namespace.*_absent'
    dylink x.dylib u.o "${libs[0]}" -U _absent
    olink --target="$TARGET" -o x.dylib u.o
    expect_fail 1 olink --target="$TARGET" -o x.dylib u.o -z defs

    dylink x.dylib o.o "${libs[0]}" -current_version 3.2.1 -compatibility_version 2 -rpath @loader_path/lib -rpath /opt/x \
        -headerpad 2000 -no_adhoc_codesign
    llvm-objdump-19 --macho --private-headers x.dylib >h
    expect_text h 'current version 3.2.1' 'compatibility version 2.0.0' 'path @loader_path/lib' 'path /opt/x'
    reject_text h LC_CODE_SIGNATURE
    dylink x.dylib o.o "${libs[0]}" -reexport_library "${libs[1]}"
    llvm-objdump-19 --macho --private-headers x.dylib >h
    expect_text h LC_REEXPORT_DYLIB
    reject_text h NO_REEXPORTED_DYLIBS
    dylink x.dylib o.o "${libs[0]}" -weak_library "${libs[1]}"
    llvm-objdump-19 --macho --private-headers x.dylib >h
    expect_text h LC_LOAD_WEAK_DYLIB
    dylink x.dylib o.o "${libs[@]}" -dead_strip_dylibs
    llvm-objdump-19 --macho --private-headers x.dylib >h
    reject_text h libext
    echo hello >text
    dylink x.dylib o.o "${libs[0]}" -sectcreate __DATA __text_file text
    "$OBJTOOL" inspect --sections x.dylib >h
    expect_text h '__DATA,__text_file'

    dylink x.dylib o.o "${libs[0]}" -map map
    expect_text map '^__TEXT,__text  *0x00000000000' '_a'
    llvm-ar-19 --format=darwin rcs libo.a o.o
    dylink x.dylib -all_load -load_hidden libo.a "${libs[0]}"
    [ -z "$(exports_of x.dylib)" ] || die "-load_hidden"
    # a library that is only referred to weakly may be missing; ld64.lld says so too
    echo 'extern int ext_fn(int) __attribute__((weak_import)); int test(int x) { return &ext_fn ? ext_fn(x) : -1; }' >weak.c
    compile weak.o weak.c
    for linker in dylink lldlink; do
        $linker x.dylib weak.o "${libs[@]}"
        llvm-objdump-19 --macho --private-headers x.dylib >h
        expect_text h LC_LOAD_WEAK_DYLIB
    done
    [ "$(load x.dylib -- test 5)" = 4294967295 ] || die "a weak import"
    # what ld64 provides, wherever the image is based
    cat >p.c <<'E'
extern char start __asm("section$start$__DATA$__mine"), end __asm("section$end$__DATA$__mine");
extern char header __asm("__mh_dylib_header"), handle __asm("___dso_handle"), text __asm("segment$start$__TEXT");
__attribute__((section("__DATA,__mine"))) int mine[5] = {1};
static char *at(char *p) { __asm__("" : "+r"(p)); return p; } /* compilers know that no two objects are in one place */
long test(long x) { return x + (at(&end) - at(&start)) + (at(&header) == at(&text)) + (at(&handle) == at(&header)) + (at((char *)mine) == at(&start)); }
E
    compile p.o p.c -O1
    for base in 0 10000000; do
        dylink x.dylib p.o "${libs[0]}" -image_base $base
        sound x.dylib
        [ $base != 0 ] || [ "$(load x.dylib -- test 100)" = 123 ] || die "sections' boundaries"
        [ $base = 0 ] || llvm-nm-19 x.dylib | grep -q '^0000000010.* T _test' || die "-image_base"
    done
    # a constant has a slot without a fixup
    printf '\t.globl _value\n\t.set _value, 0x1234\n\t.data\n\t.globl _where\n_where: .quad _value\n' >abs.s
    compile abs.o abs.s
    dylink x.dylib abs.o "${libs[0]}"
    sound x.dylib
    [ -z "$(rebases_of x.dylib)" ] || die "a constant is moved"
    expect_fail 6 olink --target="$TARGET" -o x.dylib o.o --version-script=list2
    olink --target="$TARGET" -o x.dylib o.o --gc-sections 2>err
    expect_text err 'kept whole'

    # what cannot be made is refused in words
    expect_fail 6 olink -arch "$darwin" -execute o.o -o x
    expect_fail '2|6' olink -arch "$darwin" -dylib -arch ppc o.o -o x
    expect_fail 1 dylink x.dylib o.o o.o
    expect_text err 'duplicate symbol `_a'\'
    expect_fail 6 olink --target=$darwin-apple-ios14 o.o -o x
    expect_fail 2 olink -arch "$darwin" -dylib -platform_version macos
}
check options-x86_64 options x86_64
check options-arm64 options arm64

# weak definitions of two images are one, whichever way pointers are fixed
weak() {
    use_darwin "$1"
    cat >w.cc <<'E'
inline int *shared() { static int n = 5; return &n; }
extern "C" int *where(long) { return shared(); }
extern "C" int bump(long) { return ++*shared(); }
E
    compile w.o w.cc -O1 -fno-exceptions
    for fixups in -fixup_chains -no_fixup_chains; do
        dylink one.dylib w.o "${libs[0]}" $fixups
        dylink two.dylib w.o "${libs[0]}" $fixups
        lldlink lld.dylib w.o "${libs[0]}" $fixups
        sound one.dylib
        exports_of one.dylib | sed 's/one.dylib/X/' >ours
        exports_of lld.dylib | sed 's/lld.dylib/X/' >theirs
        same exports theirs ours
        a=$(load one.dylib two.dylib -- bump)
        [ "$a" = 6 ] || die "bump: $a"
        llvm-objdump-19 --macho --private-headers one.dylib >h
        expect_text h WEAK_DEFINES BINDS_TO_WEAK
    done
}
check weak-x86_64 weak x86_64
check weak-arm64 weak arm64

# what compact entries cannot describe keeps its DWARF record, with the distances of the image
unwind() {
    use_darwin "$1"
    need llvm-dwarfdump-19
    cat >u.s <<'E'
	.text
	.globl _odd, _plain
	.p2align 2
_plain:	.cfi_startproc
	nop
	ret
	.cfi_endproc
	.space 64
_odd:	.cfi_startproc
	.cfi_escape 0x0f, 0x03, 0x77, 0x08, 0x06
	nop
	ret
	.cfi_endproc
E
    compile one.o u.s
    sed 's/_odd/_odd2/; s/_odd:/_odd2:/; s/_plain/_plain2/; s/_plain:/_plain2:/' u.s >u2.s
    compile two.o u2.s
    compile plain.o "$macho/plain.c" -O1
    dylink ours.dylib plain.o one.o two.o "${libs[@]}"
    lldlink theirs.dylib plain.o one.o two.o "${libs[@]}"
    sound ours.dylib
    for f in ours theirs; do
        llvm-nm-19 $f.dylib | awk '{ sub(/^0*/, "", $1); print $1, $3 }' | sort >$f.names
        llvm-dwarfdump-19 --eh-frame $f.dylib | sed -n 's/.*FDE.*pc=0*\([0-9a-f]*\)\.\.\..*/\1/p' | sort | join - $f.names |
            awk '{ print $2 }' | sort >$f.recorded
    done
    expect_text ours.recorded '^_odd$' '^_odd2$'
    same "functions with a record" theirs.recorded ours.recorded
    # exceptions: as many functions, with as many tables of handlers, as ld64.lld finds
    cat >e.cc <<'E'
struct E { int v; };
struct G { int *p; ~G() { ++*p; } };
int thrower(int x) { if (x > 3) throw E{x}; return x; }
int catcher(int x) { int n = 0; try { G g{&n}; n += thrower(x); } catch (E &e) { return e.v; } catch (...) { return -1; } return n; }
int nothrow(int x) noexcept { return thrower(x); }
E
    for level in -O0 -O2; do
        compile e.o e.cc $level
        dylink ours.dylib e.o "${libs[0]}" -undefined dynamic_lookup
        lldlink theirs.dylib e.o "${libs[0]}" -undefined dynamic_lookup
        sound ours.dylib
        for f in ours theirs; do
            llvm-objdump-19 --macho --unwind-info $f.dylib >$f.u
            { grep -c 'LSDA offset=0x.*' $f.u; grep 'function offset=0x.*encoding' $f.u | awk '{ print $NF }' | sed 's/.*=//'; } >$f.s
        done
        same "unwind entries" theirs.s ours.s
    done
}
check unwind-x86_64 unwind x86_64
check unwind-arm64 unwind arm64

# text stubs of all versions say the same
stubs() {
    use_darwin "$1"
    compile o.o "$macho/plain.c" -O1
    cat >v3.tbd <<'E'
--- !tapi-tbd-v3
archs:           [ x86_64, arm64 ]
platform:        macosx
install-name:    '@rpath/libext.dylib'
current-version: 7.8.9
exports:
  - archs:           [ x86_64, arm64 ]
    symbols:         [ _ext_data, _ext_fn, '$ld$hide$os10.5$_ext_fn' ]
...
E
    cat >v5.tbd <<'E'
{"tapi_tbd_version": 5, "main_library": {
  "target_info": [{"target": "x86_64-macos", "min_deployment": "10.15"}, {"target": "arm64-macos", "min_deployment": "11"}],
  "install_names": [{"name": "@rpath/libext.dylib"}],
  "current_versions": [{"version": "7.8.9"}],
  "exported_symbols": [{"data": {"global": ["_ext_data"]}, "text": {"global": ["_ext_fn"]}}]}}
E
    cat >v4.tbd <<'E'
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos, arm64-ios ]
install-name: '@rpath/libext.dylib'
current-version: 7.8.9
reexported-libraries:
  - targets: [ x86_64-macos, arm64-macos ]
    libraries: [ /inner.dylib ]
exports:
  - targets: [ arm64-ios ]
    symbols: [ _ext_fn ]
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ _ext_fn ]
--- !tapi-tbd
tbd-version: 4
targets: [ x86_64-macos, arm64-macos ]
install-name: /inner.dylib
exports:
  - targets: [ x86_64-macos, arm64-macos ]
    symbols: [ _ext_data ]
...
E
    for v in v3 v4 v5; do
        dylink $v.dylib o.o "${libs[0]}" $v.tbd -install_name x
        llvm-objdump-19 --macho --private-headers $v.dylib >h
        expect_text h 'current version 7.8.9'
        binds_of $v.dylib >$v.binds
        same binds v3.binds $v.binds
    done
    cmp v3.dylib v5.dylib
    printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ arm64-ios ]\ninstall-name: x\n...\n' >other.tbd
    expect_fail 1 dylink x.dylib o.o "${libs[0]}" other.tbd
    expect_text err 'has nothing for'
    printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ \n' >bad.tbd
    expect_fail 5 dylink x.dylib o.o "${libs[0]}" bad.tbd
    printf -- '--- !tapi-tbd\ntbd-version: 9\ninstall-name: x\n...\n' >new.tbd
    expect_fail 6 dylink x.dylib o.o "${libs[0]}" new.tbd
}
check stubs-x86_64 stubs x86_64
check stubs-arm64 stubs arm64

# in the place of ld64 under clang, and Julia's own line
drivers() {
    use_darwin "$1"
    need llvm-ar-19 llvm-install-name-tool-19
    compile o.o "$macho/ext.c"
    mkdir -p bin lib
    ln -sf "$OBJTOOL" bin/ld64.objtool
    cp "${libs[0]}" lib/
    clang-19 -target "$TARGET" -dynamiclib --ld-path="$PWD/bin/ld64.objtool" -nostdlib -Llib -lSystem -o d.dylib o.o \
        -install_name @rpath/d.dylib
    sound d.dylib
    [ "$(load d.dylib -- ext_fn 5)" = 1005 ] || die "what clang links is wrong"
    # Julia: the image is one byte array, its size, and tables of pointers to code; it refers to the runtime
    cat >image.c <<'E'
typedef unsigned long uint64_t;
extern void jl_throw(void *);
extern int jl_world_counter;
static int f0(int x) { return x + 1; }
static int f1(int x) { if (x < 0) jl_throw(0); return x * jl_world_counter; }
__attribute__((aligned(64))) char jl_system_image_data[100000] = {1, 2, 3};
const uint64_t jl_system_image_size = sizeof jl_system_image_data;
void *const jl_fvar_ptrs[] = {(void *)f0, (void *)f1};
const int jl_fvar_idxs[] = {0, 1};
int jl_check(int x) { return ((int (*)(int))jl_fvar_ptrs[0])(x) + (int)(jl_system_image_size / 100000) + jl_system_image_data[2]; }
E
    compile image.o image.c -O2
    llvm-ar-19 --format=darwin rcs sys-o.a image.o
    printf -- '--- !tapi-tbd\ntbd-version: 4\ntargets: [ x86_64-macos, arm64-macos ]\ninstall-name: "@rpath/libjulia.1.10.dylib"\n...\n' >lib/libjulia.tbd
    sed s/libjulia/libjulia-internal/ lib/libjulia.tbd >lib/libjulia-internal.tbd
    olink -flavor darwin -arch "$darwin" -undefined dynamic_lookup -platform_version macos 11.0.0 13.0 -dylib -o sys.dylib \
        -all_load sys-o.a -Llib -Llib -ljulia -ljulia-internal
    sound sys.dylib
    exports_of sys.dylib >e
    expect_text e _jl_system_image_data _jl_system_image_size
    "$OBJTOOL" inspect sys.dylib >i
    expect_text i 'Julia sysimage'
    echo 'int jl_world_counter = 7; void jl_throw(void *p) { (void)p; }' >rt.c
    compile rt.o rt.c
    dylink rt.dylib rt.o "${libs[0]}"
    [ "$(load rt.dylib sys.dylib -- jl_check 5)" = 10 ] || die "the Julia-shaped image is wrong"
    # what PackageCompiler does to it afterwards
    llvm-install-name-tool-19 -id @rpath/a-longer-name-than-before.dylib sys.dylib
    "$OBJTOOL" sign sys.dylib
    sound sys.dylib
    [ "$(load rt.dylib sys.dylib -- jl_check 5)" = 10 ] || die "after install_name_tool"
}
check drivers-x86_64 drivers x86_64
check drivers-arm64 drivers arm64

# the same input gives the same bytes, wherever it is written and with however many threads
reproducible() {
    use_darwin arm64
    compile o.o "$macho/virtual.cc" -std=c++17 -fno-exceptions -O1
    compile t.o "$macho/virtual2.cc" -std=c++17 -fno-exceptions -O1
    mkdir -p a/b
    for out in one.dylib a/b/two.dylib; do
        olink --target="$TARGET" -install_name x -o $out o.o t.o --threads=$((1 + (${#out} > 10)))
    done
    cmp one.dylib a/b/two.dylib
    # another byte, another UUID
    sed -i 's/one/xne/' one.dylib
    compile o.o "$macho/virtual.cc" -std=c++17 -fno-exceptions -O2
    olink --target="$TARGET" -install_name x -o three.dylib o.o t.o
    u() { llvm-objdump-19 --macho --private-headers "$1" | awk '/uuid/ { print $2 }'; }
    [ "$(u a/b/two.dylib)" != "$(u three.dylib)" ] || die "the UUID does not depend on the contents"
}
check reproducible reproducible

# a signature for what other tools have changed, in a new inode
sign() {
    use_darwin "$1"
    need llvm-lipo-19
    compile o.o "$macho/ext.c"
    lldlink l.dylib o.o "${libs[0]}" -no_adhoc_codesign
    if [ "$1" = arm64 ]; then
        expect_fail 1 "$OBJTOOL" verify l.dylib
        expect_text out 'no signature'
    fi
    ln l.dylib old.dylib
    "$OBJTOOL" sign l.dylib
    sound l.dylib
    [ "$(stat -c %i l.dylib)" != "$(stat -c %i old.dylib)" ] || die "the inode is the old one"
    [ "$(load l.dylib -- ext_fn 5)" = 1005 ] || die "what was signed is wrong"
    # a changed byte is found, and signed anew
    printf '\377' | dd of=l.dylib bs=1 seek=$(($(stat -c %s old.dylib) / 2)) conv=notrunc status=none
    expect_fail 1 "$OBJTOOL" verify l.dylib
    expect_text out 'the hash of page'
    "$OBJTOOL" sign -i some.name -o new.dylib l.dylib
    "$OBJTOOL" inspect new.dylib >i
    expect_text i 'ad hoc, some.name: good'
    # universal, both slices
    clang-19 -target x86_64-apple-macos13 -c "$macho/ext.c" -o x.o
    clang-19 -target arm64-apple-macos13 -c "$macho/ext.c" -o a.o
    olink --target=x86_64-apple-macos13 -o x.dylib x.o -install_name e -no_adhoc_codesign
    olink --target=arm64-apple-macos13 -o a.dylib a.o -install_name e
    llvm-lipo-19 -create -output fat.dylib x.dylib a.dylib
    "$OBJTOOL" sign fat.dylib
    "$OBJTOOL" verify fat.dylib
    llvm-lipo-19 -thin arm64 -output thin.dylib fat.dylib
    "$OBJTOOL" verify thin.dylib
    expect_fail 6 "$OBJTOOL" sign o.o
    expect_fail 4 "$OBJTOOL" sign "$macho/ext.c"
    expect_fail 2 "$OBJTOOL" sign
}
check sign-x86_64 sign x86_64
check sign-arm64 sign arm64

finish
