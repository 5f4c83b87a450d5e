#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# make-reloc-vectors.sh x86_64|aarch64 > tests/unit/reloc-CPU.txt
#
# What real assemblers and linkers make of every relocation, at the edges of its range.  Each line
# of tests/support/reloc-CPU.rows is assembled with GNU as, and linked with ld.bfd and ld.lld at
# addresses that give the value wanted; the operands and the bytes are read back from their output.
#
# The modes, and what is varied to get a value:
#   abs, pc, page     S+A, S+A-P, page(S+A)-page(P): S
#   symgot            S+A-GOT: S
#   size              Z+A: A
#   tprel, dtprel     a thread-local symbol's offset from the thread pointer, or in its block: A
#   gotbase.pc        GOT+A-P: P
#   SLOT.pc, .page    X+A-P, page(X)-page(P), where X is the symbol's slot or slots: P
#   SLOT.zero         X: the address of .got or .got.plt
#   SLOT.off, .offa   X-GOT: the address of .got.plt; or X+A-GOT: A
#   SLOT.slots        X-GOT or X-page(GOT): which of 4200 slots
#   SLOT.mark         nothing is written
# SLOT is got, tlsgd, tlsld, tlsie or tlsdesc.
set -eu -o pipefail
export LC_ALL=C

cpu=${1:?CPU}
rows_dir=$(cd "$(dirname "$0")" && pwd)
rows=$rows_dir/reloc-$cpu.rows
prefix=$cpu-linux-gnu-
case $cpu in
    x86_64) emulation=elf_x86_64 dynamic='got=6 tlsgd=16 tlsld=16 tlsie=18 tlsdesc=36' ;;
    aarch64)
        emulation=aarch64linux dynamic='got=1025 tlsgd=1028 tlsld=1028 tlsie=1030 tlsdesc=1031' ;;
    *) echo "make-reloc-vectors.sh: no rows for $cpu" >&2; exit 2 ;;
esac
if ! command -v "${prefix}as" >/dev/null && [ "$cpu" = "$(uname -m)" ]; then prefix=; fi
for tool in "${prefix}as" "${prefix}ld.bfd" "${prefix}objcopy" "${prefix}readelf" ld.lld clang; do
    command -v "$tool" >/dev/null || { echo "skip: $tool is not installed"; exit 77; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/vectors.XXXXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# There are thousands of cases: what is done for each of them starts no process.

# addend VALUE: as assembly text, in $addend
addend() {
    addend=
    if (($1 > 0)); then printf -v addend '+0x%x' "$1"
    elif (($1 < 0)); then printf -v addend -- '-0x%x' $((-$1)); fi
}

# values RANGE: those to try.  The edges, one step beyond them, and a step that is too small.
values() {
    local range=$1 bits align=0 unit low high any=0x123456789abcdef0
    case $range in *a*) align=${range#*a} range=${range%a*} ;; esac
    bits=${range:1} unit=$((1 << align))
    low=$((-(1 << (bits - 1)))) high=$(((1 << (bits - 1)) - unit))
    case $range in
        n64) echo 0 $((-unit)) $any ;;
        s64) echo 0 $((-unit)) $any -$any ;;
        s*) echo 0 $low $high $((low - unit)) $((high + unit)) $((any >> (62 - bits) & -unit)) \
            $((-any >> (62 - bits) & -unit)) ;;
        u*) echo 0 $(((1 << bits) - unit)) $((1 << bits)) $((-unit)) \
            $((any >> (61 - bits) & -unit)) ;;
        e*) echo 0 $low $(((1 << bits) - unit)) $((low - unit)) $((1 << bits)) ;;
        n*) echo 0 $((-unit)) $(((1 << bits) - unit)) $((1 << bits)) $((any & -unit)) ;;
    esac
    # Whether lower bits must be clear.  Those of pages are, and those of slots and instructions.
    case $mode in *.*) return ;; esac
    if ((align > 0 && align < 12)); then echo $((unit / 2)) $((3 * unit + 1)); fi
}

# fits RANGE VALUE: by the ABI's words
fits() {
    local range=${1%a*} align=0 v=$2 bits
    case $1 in *a*) align=${1#*a} ;; esac
    bits=${range:1}
    ((v & ((1 << align) - 1))) && return 1
    ((bits >= 62)) && return 0
    case $range in
        s*) ((v >= -(1 << (bits - 1)) && v < 1 << (bits - 1))) ;;
        u*) ((v >= 0 && v < 1 << bits)) ;;
        e*) ((v >= -(1 << (bits - 1)) && v < 1 << bits)) ;;
    esac
}

# assemble TEXT SYMBOL ADDEND...: t.o with TEXT in section .fI for each addend, and what it names
assemble() {
    local text=$1 symbol=$2 i=0 a line
    shift 2
    {
        for a; do
            line=${text//'{S}'/${symbol//%/$i}}
            echo ".section .f$i, \"aw\""
            addend "$a"
            echo "${line//'{A}'/$addend}"
            # Or clang would forget a symbol that only .reloc names.
            case $symbol in s% | foo) echo ".globl ${symbol//%/$i}" ;; esac
            i=$((i + 1))
        done
        case $mode in
            tprel | dtprel)
                echo '.section .tbss, "awT", %nobits; .balign 32; .skip 0x40'
                echo '.type tls, %object; tls: .skip 0x18' ;;
            size)
                echo '.data; .globl sized; .type sized, %object'
                echo 'sized: .skip 0x1234; .size sized, 0x1234' ;;
            got.slots)
                echo '.section .fill, "ax"'
                for ((i = 0; i < 4200; i++)); do echo "ldr x0, [x0, :got_lo12:g$i]"; done ;;
        esac
        echo '.section .ref, "aw"; .globl _GLOBAL_OFFSET_TABLE_'
        case $cpu in
            x86_64) echo '.long _GLOBAL_OFFSET_TABLE_ - .' ;;
            *) echo '.word _GLOBAL_OFFSET_TABLE_ - .' ;;
        esac
        echo '.section .note.GNU-stack, "", %progbits'
    } | sed 's/; *clang://; s/^clang://' >t.s
    case $text in
        clang:*) clang --target=$cpu-linux-gnu -c t.s -o t.o ;;
        *) "${prefix}as" t.s -o t.o ;;
    esac
    # number, offset and addend of each section's relocation
    "${prefix}readelf" -rW t.o | awk '/^Relocation section/ { s = $3; gsub(/'\''|\.rela/, "", s) }
        $1 ~ /^[0-9a-f]+$/ && s ~ /^\.f[0-9]/ {
            minus = $(NF - 1) == "-" ? "-" : ""
            print substr(s, 3), "0x" substr($2, length($2) - 7), $3, "0x" $1, minus "0x" $NF
        }' >t.rel
    at=() add=()
    while read -r i type called offset a; do
        case $a in 0x*_* | *[!-0-9a-fx]*) a=0 ;; esac # a symbol and no addend
        ((type == number)) || { echo "row $number assembles to $((type)): $text" >&2; exit 1; }
        at[i]=$((offset)) add[i]=$((a))
        case $called in R_*) name=$called ;; *) name=- ;; esac
    done <t.rel
}

# link TOOL OUT: with the addresses in place[], symbols in define[], $got and $gotplt
link() {
    local i tool=$1 flags=-static
    case $mode in
        got.* | tlsgd.* | tlsld.* | tlsie.* | tlsdesc.* | dtprel) flags='-shared -z now' ;;
    esac
    {
        echo 'PHDRS {'
        for i in "${!place[@]}"; do [ -n "${dropped[i]:-}" ] || echo "f$i PT_LOAD;"; done
        echo 'r PT_LOAD; g PT_LOAD; p PT_LOAD; t PT_TLS; d PT_DYNAMIC; } SECTIONS {'
        for i in "${!place[@]}"; do
            if [ -n "${dropped[i]:-}" ]; then echo "/DISCARD/ : { *(.f$i) }"
            else printf '.f%d 0x%x : { *(.f%d) } :f%d\n' "$i" "${place[i]}" "$i" "$i"; fi
        done
        echo ".rest 0x700000000000 : { *(.ref) *(.fill) *(.data) *(.text) } :r"
        for i in plt dynsym dynstr hash gnu.hash rela.dyn rela.plt; do echo ".$i : { *(.$i) }"; done
        echo '.dynamic : { *(.dynamic) } :r :d .tbss : { *(.tbss) } :r :t'
        printf '.got 0x%x : { *(.got) } :g .got.plt 0x%x : { *(.got.plt) } :p\n' "$got" "$gotplt"
        echo '/DISCARD/ : { *(.note*) *(.comment) *(.eh_frame) *(.rela.iplt) *(.iplt) *(.igot*) } }'
        for i in "${!define[@]}"; do printf 's%d = 0x%x;\n' "$i" "${define[i]}"; done
    } >t.ld
    rm -f "$2"
    "$tool" -m $emulation $flags -N $relax --noinhibit-exec --build-id=none --verbose \
        --hash-style=sysv -e 0 -z norelro -T t.ld t.o -o "$2" >"$2.log" 2>&1 || true
    [ -s "$2" ]
}

link_with() { case $1 in bfd) link "${prefix}ld.bfd" t.out ;; lld) link ld.lld t.out ;; esac; }
link_either() { link_with bfd || link_with lld; }

# slots OUT: GOT in $base; each slot or symbol in the lines "NAME ADDRESS" of t.slots
slots() {
    local kind=${mode%%.*} type=
    "${prefix}readelf" -rsW "$1" >t.dump 2>/dev/null
    base=$((0x$(awk '$NF == "_GLOBAL_OFFSET_TABLE_" && $7 != "UND" { v = $2 }
        END { print v ? v : 0 }' t.dump)))
    for type in $dynamic ''; do [ "${type%%=*}" != "$kind" ] || break; done
    awk -v type="$(printf '%08x' "${type#*=}")" '
        /^Relocation section/ { r = 1 } /^Symbol table/ { r = 0 }
        r && $1 ~ /^[0-9a-f]+$/ && substr($2, length($2) - 7) == type {
            print (NF > 4 ? $5 : "-"), "0x" $1
        }' t.dump >t.slots
}

# thread_pointer OUT: the X of a symbol at 0x40 of the block
thread_pointer() {
    local address size align
    read -r address size align < <("${prefix}readelf" -lW "$1" 2>/dev/null |
        awk '$1 == "TLS" { print $3, $6, $NF }')
    if [ "$mode" = dtprel ]; then x=$((0x40))
    elif [ $cpu = x86_64 ]; then x=$((0x40 - ((size + align - 1) & -align)))
    else x=$((0x40 + ((16 + align - 1) & -align))); fi
}

# contents FILE: bytes[I] of the unit in section .fI, as hexadecimal digits in the order of memory
contents() {
    local i all args=()
    for i in "${!at[@]}"; do args+=(-x ".f$i"); done
    bytes=()
    while read -r i all; do
        bytes[i]=${all:2 * at[i]:2 * unit}
    done < <("${prefix}readelf" "${args[@]}" "$1" 2>/dev/null | awk '
        /^Hex dump of section/ { s = $5; gsub(/[^0-9]/, "", s); order[n++] = s }
        $1 ~ /^0x/ {
            t = $0; sub(/^ *0x[0-9a-f]* /, "", t); t = substr(t, 1, 36); sub(/  .*/, "", t)
            gsub(/ /, "", t); dump[s] = dump[s] t
        }
        END { for (i = 0; i < n; i++) print order[i], dump[order[i]] }')
}

# read_log LOG: what the linker said.  Then refused I, unsupported I: about the field in .fI
unfit='relocation truncated|out of range|improper alignment|dangerous relocation|not aligned'
unknown='(unsupported|[Uu]nknown|unrecogni[sz]ed) relocation|internal error|BFD .* assertion'
field='\(\.f([0-9]+)\+0x'
read_log() {
    local said
    is_refused=() is_other=() is_unknown=
    while read -r said; do
        [[ ! $said =~ $unknown ]] || is_unknown=1
        [[ $said =~ $field ]] || continue
        set -- "${BASH_REMATCH[1]}"
        if [[ $said =~ $unfit ]]; then is_refused[$1]=1; else is_other[$1]=1; fi
    done <"$1"
}
refused() { [ -n "${is_refused[$1]:-}" ]; }
unsupported() { [ -n "${is_other[$1]:-}$is_unknown" ]; }

# try VALUE...: link the cases in t.o with both linkers; what they did is in result[TOOL I], and the
# operands in operands[TOOL I]
try() {
    local tool i here first x=$x
    contents t.o
    before=("${bytes[@]}")
    for tool in bfd lld; do
        for i in "${!at[@]}"; do result[$tool$i]=none operands[$tool$i]=; done
        dropped=()
        if ! link_with $tool; then
            # lld writes nothing if a value is misaligned: once more, without those.
            read_log t.out.log
            for i in "${!at[@]}"; do
                if refused "$i"; then dropped[i]=1 result[$tool$i]=refused; fi
            done
            [ ${#dropped[@]} != 0 ] && link_with $tool || continue
        fi
        slots t.out
        case $tool$mode in
            lldgotbase.*) ;;
            lld*.pc | lld*.page)
                # Move its slot to where the other one's is.
                here=$got
                [ ! -s t.slots ] || got=$((got + ${x:-0} - $(awk '{ print $2; exit }' t.slots)))
                link_with lld || { got=$here; continue; }
                got=$here
                slots t.out ;;
        esac
        contents t.out
        read_log t.out.log
        first=
        [ ! -s t.slots ] || read -r _ first <t.slots
        case $mode in tprel | dtprel) thread_pointer t.out ;; esac
        for i in "${!at[@]}"; do
            case $mode in
                abs | pc | page | symgot) x=${define[i]} ;;
                size) x=$((0x1234)) ;;
                gotbase.pc) x=$base ;;
                *.mark) x=0 ;;
                tprel | dtprel) ;;
                got.slots) x=$(awk -v n="${names[i]}" '$1 == n { print $2 }' t.slots) ;;
                *) x=$first ;;
            esac
            [ -n "$x" ] || continue
            if [ -n "${dropped[i]:-}" ]; then :
            elif unsupported "$i"; then continue
            elif refused "$i"; then result[$tool$i]=refused
            else result[$tool$i]=${bytes[i]}; fi
            printf -v "operands[$tool$i]" 'x=0x%x a=0x%x p=0x%x got=0x%x' "$x" "${add[i]}" \
                $((place[i] + at[i])) "$base"
        done
    done
    [ -z "${DEBUG:-}" ] || cat t.out.log >&2
}

# report: a line for each case, or for each linker where they put things elsewhere.  Where they
# differ over the same operands, $follow is believed and the other one's result is a comment.
report() {
    local i tool other
    for i in "${!at[@]}"; do
        for tool in bfd lld; do
            case $tool in bfd) other=lld ;; lld) other=bfd ;; esac
            if [ "${result[$tool$i]}" = none ]; then continue
            elif [ "${operands[$tool$i]}" != "${operands[$other$i]}" ]; then line $tool $tool
            elif [ "${result[$tool$i]}" = "${result[$other$i]}" ]; then
                [ $tool = lld ] || line bfd bfd+lld
            elif [ $tool = "$follow" ] || [ "$follow$tool" = abibfd ]; then
                line $tool $tool "# $other: ${result[$other$i]}"
            fi
        done
    done
}
line() {
    local doubt=
    if [ "$follow" = abi ]; then
        case ${result[$1$i]} in
            refused) ! fits "$range" "${value:-${want[i]}}" || doubt='# not believed: ' ;;
            *) fits "$range" "${value:-${want[i]}}" || doubt='# not believed: ' ;;
        esac
    fi
    echo "$doubt$number $name ${operands[$1$i]} ${before[i]} ${result[$1$i]} $2${3:+ $3}"
}

declare -A result operands
relax=--no-relax
cat <<END
# Made by tests/support/make-reloc-vectors.sh $cpu from reloc-$cpu.rows and stubs-$cpu.s: a line is
#   NUMBER NAME x=X a=A p=P got=GOT BEFORE AFTER WHO
# what readelf calls it ("-": it does not know), the operands, the unit's bytes in the object file,
# and those that the linker WHO has put there
# ("refused": it does not fit).  The comment above the lines is the text that was assembled.
END
while IFS='|' read -r number mode range unit text; do
    case $number in '' | '#'*) continue ;; esac
    follow=bfd
    case $range in *=*) follow=${range#*=} range=${range%=*} ;; esac
    names=() dropped=() place=() define=() x= value=
    got=$((0x80000000000)) gotplt=$((0x80000010000))
    mapfile -t want < <(values "$range" | tr ' ' '\n')
    symbol=foo addends=()
    case $mode in
        abs | pc | page | symgot) symbol=s% ;;
        gotbase.pc) symbol=_GLOBAL_OFFSET_TABLE_ ;;
        size) symbol=sized ;;
        tprel | dtprel) symbol=tls ;;
        *.mark) want=(0) ;;
    esac
    echo "# $number $mode $range: $text"
    # A first link shows where slots are and what X is.
    if [ "$mode" = got.slots ]; then
        names=(g0)
        assemble "$text" 'g0' 0
        place=(0x10000)
        link_either
        slots t.out
        names=()
        for v in 0x8 0x1000 0x7ff8 0x8000; do
            v=$(printf '0x%016x' $((base + v)))
            names+=("$(awk -v v="$v" '$2 == v { print $1 }' t.slots)")
        done
        # Each case has its own symbol.
        want=(0 0 0 0) addends=(0 0 0 0)
        assemble "$text" 'n%' "${addends[@]}"
        for i in "${!names[@]}"; do
            sed -i "s/\<n$i\>/${names[i]}/" t.s
            place[i]=$((0x10000 * (i + 1)))
        done
        "${prefix}as" t.s -o t.o
        try
        report
        continue
    fi
    for i in "${!want[@]}"; do
        case $mode in
            # Addends of both signs, where they can be had.
            abs | pc | page | symgot) addends[i]=$((i % 3 == 1 ? 32 : i % 3 == 2 ? -64 : 0)) ;;
            *) addends[i]=0 ;;
        esac
        place[i]=$((0x10000 * (i + 1) + (i % 2) * 0xff0)) define[i]=0
    done
    [[ $symbol = s% ]] || define=()
    assemble "$text" "$symbol" "${addends[@]}"
    case $mode in
        size | tprel | dtprel | *.offa | *.pc | *.page | *.zero | *.off)
            if link_either; then
                slots t.out
                case $mode in
                    size) x=$((0x1234)) ;;
                    tprel | dtprel) thread_pointer t.out ;;
                    gotbase.pc) x=$base ;;
                    *) x=$(($(awk '{ print $2; exit }' t.slots))) ;;
                esac
            fi ;;
    esac
    case $mode in
        size | tprel | dtprel)
            for i in "${!want[@]}"; do addends[i]=$((want[i] - x)); done
            assemble "$text" "$symbol" "${addends[@]}" ;;
        *.offa)
            for i in "${!want[@]}"; do addends[i]=$((want[i] - x + base)); done
            assemble "$text" "$symbol" "${addends[@]}" ;;
        *.pc) for i in "${!want[@]}"; do place[i]=$((x + add[i] - want[i] - at[i])); done ;;
        *.page) for i in "${!want[@]}"; do place[i]=$(((x & ~0xfff) - want[i] + i * 0x124)); done ;;
        abs) for i in "${!want[@]}"; do define[i]=$((want[i] - add[i])); done ;;
        symgot) for i in "${!want[@]}"; do define[i]=$((want[i] - add[i] + gotplt)); done ;;
        pc) for i in "${!want[@]}"; do define[i]=$((want[i] - add[i] + place[i] + at[i])); done ;;
        page)
            for i in "${!want[@]}"; do
                define[i]=$((want[i] - add[i] + ((place[i] + at[i]) & ~0xfff) + i * 0x123))
            done ;;
    esac
    case $mode in
        *.zero | *.off)
            # One link each: the tables move.
            assemble "$text" "$symbol" 0
            place=(0x10000)
            slot=$((x >= gotplt ? x - gotplt : x - got)) in=$((x >= gotplt))
            for v in "${want[@]}"; do
                value=$v
                got=$((0x80000000000)) gotplt=$((0x80000010000))
                case $mode in
                    *.zero) ((v & 7)) && continue
                        shift=$(((v & 0xff8) - slot + 0x1000))
                        if ((in)); then gotplt=$((gotplt + shift)); else got=$((got + shift)); fi ;;
                    *.off) ((in)) || [ "$v" = 0 ] || continue
                        if ((in && v)); then gotplt=$((got + v - slot)); fi ;;
                esac
                try
                report
            done ;;
        *) try; report ;;
    esac
done <"$rows"

# bytes_of FILE SECTION: hexadecimal digits
bytes_of() {
    "${prefix}objcopy" -O binary -j "$2" "$1" t.bin
    od -An -v -tx1 t.bin | tr -d ' \n'
}

# Stubs, at two places: "stub NAME addr=A header=H gotplt=G slot=S index=I BYTES".
for at in '0x10000 0xff00 0x20ff0 0x21008 0x1' '0x40000ff0 0x40000120 0x1000 0x1ff8 0x89abcde'; do
    read -r address header gotplt slot index <<<"$at"
    for stub in plain_header plain_entry protected_header protected_entry slot_jump; do
        grep -q "section .$stub," "$rows_dir/stubs-$cpu.s" || continue
        "${prefix}as" --defsym INDEX="$index" "$rows_dir/stubs-$cpu.s" -o t.o
        echo "SECTIONS { .$stub $address : { *(.$stub) } /DISCARD/ : { *(.finalize) } }" >t.ld
        "${prefix}ld.bfd" -m $emulation -N -e 0 -T t.ld --defsym GOTPLT="$gotplt" \
            --defsym SLOT="$slot" --defsym HEADER="$header" t.o -o t.out 2>/dev/null
        echo "stub $stub addr=$address header=$header gotplt=$gotplt slot=$slot index=$index" \
            "$(bytes_of t.out .$stub)"
    done
done

# The code that runs a function if it is there: its bytes, and its relocations as
# "finalize OFFSET NUMBER ADDEND SYMBOL".
echo "stub finalize $(bytes_of t.o .finalize)"
"${prefix}readelf" -rW t.o | awk '/^Relocation section/ { f = /finalize/ }
    f && $1 ~ /^[0-9a-f]+$/ {
        addend = $NF
        if ($(NF - 1) == "-") addend = "-" addend
        print "finalize 0x" $1, "0x" substr($2, length($2) - 7), addend, $5 }'

# Loads from the GOT that need no slot, as the linkers rewrite them:
# "relax NUMBER NAME x=X a=A p=P at=OFFSET BEFORE AFTER WHO" with the whole instruction.
[ $cpu = x86_64 ] || exit 0
relax=--relax mode=got.pc follow=bfd got=$((0x700000200000)) gotplt=$((0x700000300000))
while read -r number text; do
    place=($((0x700000100000))) dropped=() define=()
    echo "# $text"
    assemble "$text" foo 0
    printf '%s\n' ".section .f0, \"aw\"; $text" \
        '.text; .globl foo; .hidden foo; .skip 24; foo: ret' |
        sed 's/{S}/foo/g' | "${prefix}as" -o t.o -
    before=$(bytes_of t.o .f0)
    for tool in bfd lld; do
        link_with $tool
        after=$(bytes_of t.out .f0)
        x=0x$("${prefix}readelf" -sW t.out | awk '$NF == "foo" { print $2; exit }')
        # The bytes before the field say whether it was rewritten.
        [ "${after:0:2 * at[0]}" != "${before:0:2 * at[0]}" ] || after=kept
        result[${tool}0]=$after
        printf -v "operands[${tool}0]" 'x=0x%x a=0x%x p=0x%x at=%s' $((x)) "${add[0]}" \
            $((place[0] + at[0])) "${at[0]}"
    done
    number="relax $number" before=("$before") want=(0) value=0
    report
done <<'END'
41 mov {S}@GOTPCREL(%rip), %eax
41 mov {S}@GOTPCREL(%rip), %edi
41 call *{S}@GOTPCREL(%rip)
41 jmp *{S}@GOTPCREL(%rip)
41 cmp {S}@GOTPCREL(%rip), %eax
41 test %eax, {S}@GOTPCREL(%rip)
42 mov {S}@GOTPCREL(%rip), %rax
42 mov {S}@GOTPCREL(%rip), %r15
42 mov {S}@GOTPCREL(%rip), %r8d
42 add {S}@GOTPCREL(%rip), %rax
42 cmp {S}@GOTPCREL(%rip), %r9
42 test %rdi, {S}@GOTPCREL(%rip)
END
