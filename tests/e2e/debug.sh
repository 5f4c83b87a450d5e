#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Debug sections and symbol tables: stripped at no cost, compressed, read by gdb, readelf and addr2line.
. "$(dirname "$0")/common.sh"

sources() {
    cat >a.c <<'E'
struct pair { int first, second; };
static struct pair pairs[3] = {{1, 2}, {3, 4}, {5, 6}};
int a_function_with_lines(int which)
{
    struct pair *p = &pairs[which];
    return p->first +
           p->second;
}
E
    echo 'int a_function_with_lines(int); static __attribute__((noinline)) int local_helper(int x) { return a_function_with_lines(x) - 3; }
int work(void) { return local_helper(0); }' >b.c
    cc "$@" -c a.c
    cc "$@" -c b.c
}

debug_line() {
    local addr
    addr=$(readelf -sW "$1" | awk '$8 == "a_function_with_lines" { print $2; exit }')
    addr2line -e "$1" "0x$addr" >said
    cat said
    expect_text said 'a\.c:[3-8]'
    # llvm-dwarfdump does not like all that gcc writes: what it says of ld.bfd's file is no reproach
    if have llvm-dwarfdump && ! llvm-dwarfdump --verify "$1" >dwarf.out 2>&1; then
        bfd -o dwarf-bfd.so a.o b.o
        ! llvm-dwarfdump --verify dwarf-bfd.so >/dev/null 2>&1 || { tail -n 20 dwarf.out; die "llvm-dwarfdump --verify"; }
    fi
}

debug() {
    sources "$@"
    both_work a.o b.o
    debug_line ours.so
    need gdb
    gdb -nx -batch -ex 'info functions a_function' -ex 'info line a_function_with_lines' -ex 'ptype struct pair' ours.so >gdb.out 2>&1
    cat gdb.out
    expect_text gdb.out 'int a_function_with_lines(int)' 'Line [0-9]* of "a.c"' 'int first, second\|int first;'
    reject_text gdb.out '[Ww]arning' 'DW_' 'corrupt'
    # a garbage-collected function leaves no trace that confuses
    both_work a.o b.o --gc-sections
    debug_line ours.so
}
check_cpus dwarf5 debug -g -gdwarf-5
check_cpus dwarf4 debug -g3 -gdwarf-4 -ffunction-sections
check_cpus types debug -g -fdebug-types-section

strip_options() {
    sources -g
    both_work a.o b.o --strip-debug
    reject_text <(readelf -SW ours.so) '\.debug_'
    [ -n "$(symbol ours.so local_helper)$(symbol ours.so pairs)" ] || die "local symbols have gone too"
    both_work a.o b.o -S
    reject_text <(readelf -SW ours.so) '\.debug_'
    both_work a.o b.o --strip-all
    reject_text <(readelf -SW ours.so) '\.debug_' '\.symtab'
    both_work a.o b.o -s
    reject_text <(readelf -SW ours.so) '\.symtab'
    cc -c a.c
    cc -c b.c
    olink -o none.so a.o b.o --strip-all
    [ "$(stat -c %s ours.so)" -le "$(stat -c %s none.so)" ] || die "stripped debug sections cost something"
    both_work a.o b.o -x # --discard-all
    [ -z "$(symbol ours.so pairs)" ] || die "-x keeps local symbols"
    both_work a.o b.o -X # --discard-locals
}
check_cpus strip strip_options

compress() {
    sources -g
    for kind in zlib zstd none zlib-gabi; do
        [ $kind != zstd ] || "$BFD" --help | grep -q 'compress-debug-sections.*zstd' || continue
        # Debian 12's llvm-readelf does not know zstd
        NO_LLVM=$([ $kind != zstd ] || echo 1) ours_works a.o b.o --compress-debug-sections=$kind
        case $kind in
            none) reject_text <(readelf -SW ours.so | grep debug) ' C ' ;;
            *) expect_text <(readelf -SW ours.so | grep '\.debug_info\|\.debug_str') ' M\?S\?C ' ;;
        esac
        expect_text <(readelf -tW ours.so) 'debug_info'
        [ $kind != zlib ] || expect_text <(readelf -tW ours.so) 'ZLIB'
        [ $kind != zstd ] || expect_text <(readelf -tW ours.so) 'ZSTD'
        readelf --debug-dump=info ours.so >info.$kind 2>info.err
        [ ! -s info.err ] || { cat info.err; die "readelf complains about the debug sections"; }
        expect_text info.$kind 'a_function_with_lines'
        [ $kind = zstd ] || debug_line ours.so
    done
    same "debug information" <(sed 's/offset 0x[0-9a-f]*//' info.none) <(sed 's/offset 0x[0-9a-f]*//' info.zlib)
}
check_cpus compress compress

# compressed input: unpacked, or packed again
compressed_input() {
    for kind in zlib zlib-gnu; do
        sources -g -gz=$kind
        ours_works a.o b.o
        debug_line ours.so
        ours_works a.o b.o --compress-debug-sections=zlib
        debug_line ours.so
    done
    sources -g
    objcopy=objcopy
    [ "$arch" = x86_64 ] || objcopy=aarch64-linux-gnu-objcopy
    need $objcopy
    if $objcopy --compress-debug-sections=zstd a.o 2>err; then
        ours_works a.o b.o
        debug_line ours.so
    fi
}
check_cpus compressed_input compressed_input

# .symtab: files, sections, local and global names, sizes, as ld.bfd writes them
symbol_table() {
    sources -g
    both a.o b.o
    for f in ours bfd; do
        readelf -sW --sym-base=10 $f.so 2>/dev/null | sed -n '/\.symtab/,$p' |
            awk '$1 ~ /^[0-9]+:$/ && $4 ~ /FUNC|OBJECT|TLS/ { print $4, $5, $6, $3, $8 }' | grep -v '_DYNAMIC\|_GLOBAL_OFFSET\|TMC\|__dso_handle' | sort >$f.symtab
    done
    same "symbol tables" bfd.symtab ours.symtab
    # all local ones before the first global one, sh_info says where (readelf -a is content with it)
    readelf -sW ours.so | sed -n '/\.symtab/,$p' | awk '$5 == "GLOBAL" || $5 == "WEAK" { g = 1 } $5 == "LOCAL" && g { exit 1 }' || die "a local symbol after a global one"
    expect_text <(readelf -sW ours.so) 'FILE .*a\.c' 'FILE .*b\.c'
}
check_cpus symbol_table symbol_table
finish
