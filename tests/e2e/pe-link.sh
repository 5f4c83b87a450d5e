#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# DLLs from objects of gcc and clang: run in Wine at their address and away from it, beside other linkers'.
. "$(dirname "$0")/common.sh"
. "$here/pe-common.sh"

# C++ with MinGW's runtime, static and as DLLs, through the compiler's driver
cxx() {
    local level want
    cp /usr/lib/gcc/x86_64-w64-mingw32/12-win32/*.dll . || die "no runtime DLLs"
    for level in -O0 -O2 -Os; do
        x86_64-w64-mingw32-g++ $level -g -c "$pe/plain.cc" -o p.o
        x86_64-w64-mingw32-g++ -shared -static -o theirs.dll p.o
        x86_64-w64-mingw32-g++ -shared -static -B "$drivers" -o ours.dll p.o
        sound ours.dll
        want=$(run "$host" theirs.dll -- test 5)
        gives "$want" ours.dll -- test 5
        gives "$(run "$host" theirs.dll -- test 1)" ours.dll -- test 1
        exports_of theirs.dll >theirs.exports
        exports_of ours.dll >ours.exports
        same exports theirs.exports ours.exports
        # its library as DLLs: with pointers into another image's data
        x86_64-w64-mingw32-g++ -shared -B "$drivers" -o dynamic.dll p.o
        sound dynamic.dll
        gives "$want" dynamic.dll -- test 5
        x86_64-w64-mingw32-g++ -shared -o theirs.dll p.o
        imports_of theirs.dll >theirs.imports
        imports_of dynamic.dll >ours.imports
        same imports theirs.imports ours.imports
    done
    x86_64-w64-mingw32-objdump -h ours.dll >h
    expect_text h '.debug_info'
    x86_64-w64-mingw32-g++ -shared -static -s -B "$drivers" -o stripped.dll p.o
    x86_64-w64-mingw32-objdump -h stripped.dll >h
    reject_text h '.debug'
    gives "$want" stripped.dll -- test 5
    # the same bytes again
    cp ours.dll again.dll
    x86_64-w64-mingw32-g++ -shared -static -B "$drivers" -o ours.dll p.o
    cmp ours.dll again.dll
}
check c++ cxx

# no runtime at all: constructors and thread-local variables by what the linker adds
bare() {
    local compiler
    for compiler in "clang++-19 --target=x86_64-w64-mingw32 -fno-emulated-tls" "clang++-19 --target=x86_64-pc-windows-msvc -fno-threadsafe-statics"; do
        $compiler -O1 -c "$pe/bare.cc" -o b.o
        pelink -o bare.dll b.o
        sound bare.dll
        gives 1242 bare.dll -- test 2
        $compiler -O1 -DWITH_MAIN -c "$pe/bare.cc" -o b.o
        pelink -o bare.dll b.o
        gives 11242 bare.dll -- test 2
    done
    # what needs no start has no entry point and imports nothing
    echo '__declspec(dllexport) long long test(long long n) { return n + 1; }' >f.c
    x86_64-w64-mingw32-gcc -O1 -c f.c -o f.o
    pelink -o f.dll f.o
    [ "$(run "$host" f.dll -- test 7)" = 8 ] || die "f.dll"
    llvm-readobj-19 --file-headers f.dll >h
    expect_text h 'AddressOfEntryPoint: 0x0'
    [ -z "$(imports_of f.dll)" ] || die "it imports something"
}
check bare bare

unwinding() {
    local compiler
    for compiler in x86_64-w64-mingw32-gcc "clang-19 --target=x86_64-w64-mingw32"; do
        $compiler -O1 -c "$pe/seh.c" -o s.o -isystem /usr/x86_64-w64-mingw32/include
        pelink -o s.dll s.o -lkernel32 -lntdll
        sound s.dll
        gives 9 s.dll -- test 9
    done
}
check unwinding unwinding

# each relocation of both CPUs, from the specification's formulas
relocs() {
    local dll=relocs-${1/aarch64/arm64}.dll
    python3 "$here/pe_relocs.py" make "$1" o.o
    olink --target="$1-w64-mingw32" -shared -o "$dll" o.o
    python3 "$here/pe_relocs.py" check "$1" "$dll"
    sound "$dll"
    [ "$(relocs_of "$dll")" = 1 ] || die "base relocations"
}
check relocs-x86_64 relocs x86_64
check relocs-aarch64 relocs aarch64

# static libraries of a distribution, whole; import libraries of each kind, DLLs and .def files
libraries() {
    local lib want z=/usr/x86_64-w64-mingw32/lib/libz.a
    need_file $z
    x86_64-w64-mingw32-gcc -O2 -c "$pe/z.c" -o z.o
    x86_64-w64-mingw32-gcc -shared -o theirs.dll z.o -Wl,--whole-archive $z -Wl,--no-whole-archive,--export-all-symbols
    x86_64-w64-mingw32-gcc -shared -B "$drivers" -o z.dll z.o -Wl,--whole-archive $z \
        -Wl,--no-whole-archive,--export-all-symbols,--out-implib,libzz.dll.a,--output-def,zz.def
    sound z.dll
    gives "$(run "$host" theirs.dll -- test 3)" z.dll -- test 3
    for f in theirs z; do
        exports_of $f.dll >$f.exports
        imports_of $f.dll >$f.imports
    done
    same exports theirs.exports z.exports
    same imports theirs.imports z.imports

    # whoever links with it: by our import library, by others', by the DLL
    x86_64-w64-mingw32-gcc -O2 -c "$pe/user.c" -o u.o
    x86_64-w64-mingw32-dlltool -d zz.def -l libgnu.a -D z.dll
    llvm-dlltool-19 -m i386:x86-64 -d zz.def -l libllvm.a -D z.dll
    x86_64-w64-mingw32-gcc -shared -o u-bfd.dll u.o libzz.dll.a
    want=$(run "$host" u-bfd.dll -- user 3)
    [ "$want" -gt 0 ] || die "GNU ld's user gives '$want'"
    lld-link-19 /DLL /NOENTRY /OUT:u-lld.dll u.o libzz.dll.a
    [ "$(run "$host" u-lld.dll -- user 3)" = "$want" ] || die "lld-link's user"
    for lib in libzz.dll.a libgnu.a libllvm.a z.dll "-L. -lzz"; do
        # shellcheck disable=SC2086 # -L and -l are two
        pelink -o u.dll u.o $lib
        sound u.dll
        gives "$want" u.dll -- user 3
        # shellcheck disable=SC2086
        x86_64-w64-mingw32-gcc -shared -B "$drivers" -o u.dll u.o $lib
        gives "$want" u.dll -- user 3
    done
}
check libraries libraries

exports() {
    local way
    clang-19 --target=$TARGET -O1 -c "$pe/exports.c" -o e.o
    # nobody names anything: all of it, but what is hidden
    pelink -o all.dll e.o
    are all.dll one two value
    sound all.dll
    pelink -o some.dll e.o --export='t*'
    are some.dll two
    pelink -o none.dll e.o --exclude-all-symbols
    [ -z "$(exports_of none.dll)" ] || die "none"
    pelink -o less.dll e.o --exclude-symbols one,value
    are less.dll two
    # a .def file: other names, numbers, no names, forwarders
    printf '%s\n' '; a comment' 'LIBRARY "named.dll"' EXPORTS '    uno = one @7' '    two @9 NONAME' '    value DATA' \
        '    sleep = KERNEL32.Sleep' >e.def
    pelink -o def.dll e.o e.def
    sound def.dll
    llvm-readobj-19 --coff-exports def.dll >x
    expect_text x 'Name: uno' 'Ordinal: 7' 'Ordinal: 9' 'Name: value' 'ForwardedTo: KERNEL32.Sleep'
    gives 8 def.dll -- uno 7
    gives 9 def.dll -- '#9' 7
    [ "$(run "$host" def.dll -- '#7' 1)" = 2 ] || die "by number"
    x86_64-w64-mingw32-objdump -p def.dll >x
    grep -q 'Name.*[0-9a-f] named.dll' x || die "its own name"
    printf 'EXPORTS\n  one @1\n  two @1\n' >bad.def
    expect_fail 1 pelink -o x.dll e.o bad.def
    expect_text err 'number 1 is taken'
    printf 'EXPORTS\n  one @70000\n' >bad.def
    expect_fail 5 pelink -o x.dll e.o bad.def
    expect_text err 'bad.def: line 2'
    # a directive for each compiler's taste
    for way in "clang-19 --target=$TARGET" "clang-19 --target=x86_64-pc-windows-msvc" x86_64-w64-mingw32-gcc; do
        $way -O1 -c "$pe/directive.c" -o d.o
        pelink -o d.dll d.o
        are d.dll data shown
        gives 10 d.dll -- shown 7
        pelink -o d.dll d.o --export-all-symbols
        are d.dll data other shown
    done
    # too many are told at once, with a way out
    python3 -c "
for i in range(65536): print(f'.globl f{i}\nf{i}:')
print('ret')" >many.s
    clang-19 --target=$TARGET -c many.s -o many.o
    expect_fail 1 pelink -o many.dll many.o
    expect_text err '65536 exports' '65535'
    pelink -o many.dll many.o --exclude-symbols f7
    [ "$(exports_of many.dll | wc -l)" = 65535 ] || die "65535 exports"
}
are() {
    local dll=$1
    shift
    exports_of "$dll" >are
    printf '%s\n' "$@" >should
    same "exports of $dll" should are
}
check exports exports

# COMDATs, weak symbols, commons
symbols() {
    local way
    for way in "clang-19 --target=$TARGET" x86_64-w64-mingw32-gcc; do
        $way -O1 -fcommon -c "$pe/weak1.c" -o w1.o
        $way -O1 -fcommon -c "$pe/weak2.c" -o w2.o
        pelink -o w.dll w1.o
        gives 101 w.dll -- test 1
        pelink -o w.dll w1.o w2.o
        gives 206 w.dll -- test 1
        pelink -o w.dll w2.o w1.o
        gives 206 w.dll -- test 1
    done
    clang-19 --target=$TARGET -c "$pe/comdat.s" -o c1.o
    clang-19 --target=$TARGET -c "$pe/comdat2.s" -o c2.o
    pelink -o c.dll c1.o c2.o --export=test
    gives 12 c.dll -- test
    pelink -o c.dll c2.o c1.o --export=test
    gives 22 c.dll -- test
}
check symbols symbols

# what cannot be is told, with its place; nothing is left to fail at run time
errors() {
    echo 'extern int far_data; int *p = &far_data + 1; int f(void) { return far_data; }' >f.c
    echo 'int far_data = 4;' >g.c
    clang-19 --target=$TARGET -O1 -c g.c -o g.o
    pelink -o g.dll g.o --out-implib g.lib
    clang-19 --target=$TARGET -O1 -c f.c -o f.o
    expect_fail 1 pelink -o f.dll f.o g.lib
    expect_text err 'far_data' '_pei386_runtime_relocator'
    [ ! -e f.dll ] || die "there is an output"
    # without a distance the loader fills the pointer, and code loads it from the table
    echo 'extern int far_data; int *p = &far_data; long long test(long long n) { return *p + far_data + n; }' >f.c
    clang-19 --target=$TARGET -O1 -c f.c -o f.o
    pelink -o f.dll f.o g.lib
    sound f.dll
    gives 9 f.dll -- test 1
    expect_fail 1 pelink -o h.dll f.o g.lib --disable-auto-import
    expect_text err 'disable-auto-import'
    expect_fail 1 pelink -o h.dll f.o
    expect_text err 'undefined symbol `far_data'
    printf '.section .both,"wx"\nret\n' >b.s
    clang-19 --target=$TARGET -c b.s -o b.o
    expect_fail 1 pelink -o h.dll b.o
    expect_text err 'written to and executed'
    clang-19 --target=aarch64-w64-mingw32 -c g.c -o a.o
    expect_fail 1 pelink -o h.dll g.o a.o
    expect_text err 'is for aarch64'
    gcc -c g.c -o elf.o
    expect_fail 1 pelink -o h.dll elf.o
    expect_text err 'is ELF'
}
check errors errors

# an object of more than 65,279 sections
bigobj() {
    python3 -c "
for i in range(70000): print(f'.section .text\$f{i},\"xr\",one_only,f{i}\n.globl f{i}\nf{i}: movl \${i}, %eax\nret')
print('.section .text\$test,\"xr\"\n.globl test\ntest: jmp f69999')" >b.s
    clang-19 --target=$TARGET -c b.s -o b.o
    pelink -o b.dll b.o --export=test
    sound b.dll
    gives 69999 b.dll -- test
}
check bigobj bigobj

# resources of several objects, by windres (one section) and cvtres (two): as other linkers merge them, and found
resources() {
    local kind rc
    x86_64-w64-mingw32-gcc -O1 -Wall -o resources.exe "$pe/resources.c"
    echo 'int f(void) { return 1; }' >f.c
    x86_64-w64-mingw32-gcc -c f.c -o f.o
    for rc in "$pe"/*.rc; do
        x86_64-w64-mingw32-windres "$rc" "$(basename "$rc" .rc).windres.o"
        llvm-windres-19 --target=$TARGET -O coff "$rc" "$(basename "$rc" .rc).cvtres.o"
    done
    for kind in windres cvtres; do
        pelink -o r.dll f.o one.$kind.o two.$kind.o default.$kind.o manifest.$kind.o
        sound r.dll
        tree r.dll >ours
        ld.lld-19 -m i386pep -shared -e f -o lld.dll f.o one.$kind.o two.$kind.o default.$kind.o manifest.$kind.o
        tree lld.dll >theirs
        same "resources of $kind" theirs ours
        [ "$(run resources.exe r.dll)" = "hello|two in English|zwei|none|typed|text" ] || die "found: $(run resources.exe r.dll)"
        # twice the same is told, with both places, and nothing is written
        rm -f x.dll
        expect_fail 1 pelink -o x.dll f.o one.$kind.o two.$kind.o one.windres.o
        expect_text err 'type 10, name HELLO, language 1033' 'one.windres.o'
        expect_fail 1 pelink -o x.dll f.o manifest.$kind.o other.$kind.o
        expect_text err 'a manifest of language 1031 in other' 'language 1033 in manifest'
        [ ! -e x.dll ] || die "there is an output"
    done
    # GNU ld of Debian 12 crashes with two manifests
    x86_64-w64-mingw32-gcc -shared -o bfd.dll f.o one.windres.o two.windres.o
    pelink -o r.dll f.o one.windres.o two.windres.o
    tree bfd.dll >theirs
    tree r.dll >ours
    same "GNU ld's resources" theirs ours
}
tree() { llvm-readobj-19 --coff-resources "$1" | grep -v -E '^File|Address|RVA|Offset|Time|Number of|Total|Table|Entry|Characteristics'; }
check resources resources

# debuggers' names: functions and data of the objects are called and typed as in GNU ld's image; --strip-all leaves none
symtab() {
    local dll nm=x86_64-w64-mingw32-nm
    x86_64-w64-mingw32-g++ -O1 -c "$pe/plain.cc" -o p.o
    x86_64-w64-mingw32-g++ -shared -o theirs.dll p.o
    x86_64-w64-mingw32-g++ -shared -B "$drivers" -o ours.dll p.o
    $nm --defined-only p.o | awk '$2 ~ /[TtDdBbRr]/ && $3 !~ /^[.]/ { print $3 }' | sort -u >names
    [ "$(wc -l <names)" -gt 10 ] || die "few names"
    for dll in theirs ours; do
        # pointers of the compiler's become the import table's, in our image
        $nm $dll.dll | awk 'NR == FNR { of[$1]; next } $2 ~ /[TtDdBbRr]/ && $3 in of && $3 !~ /refptr/ { print $3, $2 }' names - |
            sort -u >$dll.names
    done
    same names theirs.names ours.names
    # an address: where the export table has the same function
    python3 - <<'P'
import re, subprocess
text = subprocess.run(["llvm-readobj-19", "--file-headers", "--coff-exports", "ours.dll"], capture_output=True, text=True).stdout
base = int(re.search(r"ImageBase: (0x\w+)", text).group(1), 16)
exports = {n: int(r, 16) for n, r in re.findall(r"Name: (\S+)\n +RVA: (0x\w+)", text)}
named = {n: int(a, 16) for a, k, n in re.findall(r"^(\w+) (\w) (\S+)$", subprocess.run(
    ["x86_64-w64-mingw32-nm", "ours.dll"], capture_output=True, text=True).stdout, re.M)}
assert "test" in exports, text
assert all(named[n] == base + a for n, a in exports.items()), (exports, named)
P
    x86_64-w64-mingw32-objdump -d ours.dll >code
    expect_text code '<test>:'
    x86_64-w64-mingw32-g++ -shared -s -B "$drivers" -o stripped.dll p.o
    [ -z "$($nm stripped.dll 2>/dev/null)" ] || die "names in a stripped image"
    sound ours.dll
    sound stripped.dll
}
check symtab symtab

# the other CPU: linked and read; not run
arm64() {
    clang++-19 --target=aarch64-w64-mingw32 -O1 -fno-emulated-tls -c "$pe/bare.cc" -o b.o
    olink --target=aarch64-w64-mingw32 -shared -o arm64.dll b.o
    sound arm64.dll
    llvm-readobj-19 --file-headers arm64.dll >h
    expect_text h 'IMAGE_FILE_MACHINE_ARM64' 'IMAGE_DLL_CHARACTERISTICS_DYNAMIC_BASE'
    are arm64.dll test
}
check arm64 arm64

# calls over more than 128 MiB, there and back, go by way of jumps between the code
far() {
    cat >work.s <<'S'
        .globl work, back
        .p2align 2
work:   bl far_call
        bl far_call
        brk 1
back:   ret
S
    printf '.section .text$gap,"xr"\n.zero 0x9000000\n' >gap.s
    printf '.section .text$z,"xr"\n.globl far_call\n.p2align 2\nfar_call: mov w0, 42\nb back\n' >far.s
    for f in work gap far; do clang-19 --target=aarch64-w64-mingw32 -c $f.s -o $f.o; done
    olink --target=aarch64-w64-mingw32 -shared -o far.arm64.dll work.o gap.o far.o --export=work
    "$OBJTOOL" verify far.arm64.dll
    llvm-objdump-19 -d --no-show-raw-insn far.arm64.dll | grep -v 'udf' >code
    # where the calls lead: a jump, whose ADRP and ADD are the address of far_call; and that one's, of back
    python3 - <<'P'
import re
code = [(int(a, 16), i) for a, i in re.findall(r"^ *([0-9a-f]+):\s+(.*)", open("code").read(), re.M)]
at = dict(code)
def lands(where):
    page = int(re.match(r"adrp\tx16, 0x([0-9a-f]+)", at[where]).group(1), 16)
    low = int(re.match(r"add\tx16, x16, #0x([0-9a-f]+)", at[where + 4]).group(1), 16)
    assert at[where + 8] == "br\tx16", at[where + 8]
    return page + low
def goes(instruction): return int(re.match(r"bl?\t0x([0-9a-f]+)", instruction).group(1), 16)
call = next(a for a, i in code if i.startswith("mov\tw0, #0x2a"))
back = next(a for a, i in code if i == "ret")
calls = [goes(i) for a, i in code if i.startswith("bl\t")]
assert len(calls) == 2 and calls[0] == calls[1] and lands(calls[0]) == call, calls
assert lands(goes(at[call + 4])) == back and call - calls[0] > 128 << 20
P
    rm -f gap.* far.arm64.dll
}
check far-arm64 far

# a reader that shares nothing with those of linkers
pefile() {
    local f
    /usr/bin/python3 -c 'import pefile' || skip "python3-pefile is missing"
    for f in c++/ours libraries/z exports/def unwinding/s resources/r; do
        /usr/bin/python3 - "$work/$f.dll" <<'P' || die "pefile reads $f.dll otherwise"
import subprocess, sys, pefile
pe = pefile.PE(sys.argv[1])
text = subprocess.run(["llvm-readobj-19", "--coff-exports", "--coff-imports", "--coff-basereloc", sys.argv[1]],
                      capture_output=True, text=True, check=True).stdout
of = lambda name: getattr(pe, "DIRECTORY_ENTRY_" + name, [])
ours = [len(of("EXPORT").symbols) if of("EXPORT") else 0, sum(len(d.imports) for d in of("IMPORT")),
        sum(e.type == 10 for b in of("BASERELOC") for e in b.entries)]
# numbers that nothing has are rows, too
theirs = [text.count("\n  Ordinal: ") - text.count("\n  RVA: 0x0\n"), text.count("\n  Symbol: "), text.count("Type: DIR64")]
# of an image that nothing is called in when it is loaded, pefile takes offset 0 for its entry point; zeros fill pages
warnings = [w for w in pe.get_warnings() if "AddressOfEntryPoint" not in w and "makes up" not in w]
print(sys.argv[1], ours, theirs, warnings)
sys.exit(ours != theirs or bool(warnings) or not pe.verify_checksum())
P
    done
}
check pefile pefile

finish
