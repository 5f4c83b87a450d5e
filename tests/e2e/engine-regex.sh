#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/regex: PCRE2's patterns and their machine code in an image. Expected values are pcre2test's and pcre2grep's.
. "$(dirname "$0")/common.sh"
need gcc pkg-config python3 pcre2test pcre2grep readelf
use_arch x86_64
pkg-config --exists libpcre2-8 || skip "libpcre2-dev is not installed"
need_file /usr/share/nmap/nmap-service-probes
example=${top_srcdir:?}/examples/regex
[ -e "${top_builddir:?}/runtime/.libs/libsysimage.so" ] || skip "libsysimage is not built as a shared library"
probes=$here/../support/pcre2probes.txt

program() { # OUT KIND FLAG...
    local out=$1 kind=$2
    shift 2
    KIND=$kind bash "$example/build.sh" "$top_builddir" "$out" "$@"
}
kinds="static rebased shared"
for kind in $kinds; do
    mkdir "$work/$kind"
    flags=(-pie -fPIE)
    [ $kind != static ] || flags=(-no-pie)
    SOURCES=$here/../support/pcre2probe.c program "$work/$kind/probe" $kind "${flags[@]}"
    program "$work/$kind/regex" $kind "${flags[@]}"
done
regex=$work/static/regex

# 12,000 rules, and lines that some of them match
python3 "$example/rules.py" nmap /usr/share/nmap/nmap-service-probes >"$work/rules"
[ ! -d /usr/share/modsecurity-crs/rules ] ||
    python3 "$example/rules.py" modsecurity /usr/share/modsecurity-crs/rules/*.conf >>"$work/rules"
python3 "$example/rules.py" banners "$work/rules" 7 | grep -v '\\' | head -n 120 >"$work/lines"
head -n 3 "$work/lines" >"$work/few"
total=$(wc -l <"$work/rules")
[ "$total" -gt 10000 ] && [ "$(wc -l <"$work/lines")" -gt 50 ] || die "too few rules or lines"

# number FILE WORDS: the number in FILE's line of counts before (or behind "of") these words
number() { sed -n "s/.*\(^\|[^0-9]\)\([0-9][0-9]*\) $2.*/\2/p" "$1" | head -n1; }
functions() { readelf -sW "$1" | awk '$4 == "FUNC" && $3 > 0' | wc -l; }

probe() {
    local probe=$work/$1/probe
    pcre2test -q "$probes" >expected
    [ "$(grep -c '^/' expected)" -ge 40 ]
    grep -q '^\*\*\|^Failed' expected && die "pcre2test does not understand the probes"
    "$probe" --interpret "$probes" >out 2>err
    same "interpreted patterns" expected out
    "$probe" --engine.CacheStore=p.so "$probes" >out 2>err
    same "compiled patterns" expected out
    expect_text err ' 46 compiled' 'store ok'
    callouts=$(sed -n 's/.*callouts //p' err)
    "$probe" --engine.CacheLoad=p.so "$probes" >out 2>err
    same "patterns of the image" expected out
    expect_text err ' 0 compiled' 'load ok' "callouts $callouts"
    # the same once more, with code that is made beside that of the image; then all of it goes
    "$probe" --engine.CacheLoad=p.so --again --free "$probes" >out 2>err
    same "new patterns beside the image's" expected out
    expect_text err '92 patterns, 46 compiled' 'load ok' ' 5 blocks left'
    clean p.so
}
for kind in $kinds; do check "probes $kind" probe $kind; done

# A hundred processes, each with its own addresses.
starts() {
    local kind=$1 count=$2 i
    pcre2test -q "$probes" >expected
    "$work/$kind/probe" --engine.CacheStore=p.so "$probes" >out 2>err
    for ((i = 0; i < count; i++)); do
        "$work/$kind/probe" --engine.CacheLoad=p.so "$probes" >out 2>err
        cmp -s out expected && grep -q '^load ok' err || { cat err; die "start $i"; }
    done
}
check "starts static" starts static 100
check "starts rebased" starts rebased 100
check "starts shared" starts shared 20

# What rules match is what pcre2grep finds, rule by rule, and the same from an image.
rules() {
    local kind=$1 name flags pattern count=0
    regex=$work/$kind/regex
    "$regex" --stats --engine.CacheStore=r.so "$work/rules" "$work/lines" >expected 2>err
    expect_text err 'store ok'
    "$regex" --stats --engine.CacheLoad=r.so "$work/rules" "$work/lines" >out 2>err
    same "matches" expected out
    expect_text err "$total rules" ' 0 refused' 'load ok'
    clean r.so
    [ "$kind" = static ] || return 0
    while IFS=$'\t' read -r name flags pattern; do
        [ "$flags" = - ] && flags=
        LC_ALL=C pcre2grep -n -e "(?$flags)$pattern" "$work/lines" | cut -d: -f1 >lines.expected || true
        grep -aF ":$name" out | grep -a ":${name}\$" | sed 's/.*lines:\([0-9]*\):.*/\1/' >lines.out || true
        same "lines that $name matches" lines.expected lines.out
        count=$((count + $(wc -l <lines.expected)))
    done < <(awk 'NR % 150 == 1' "$work/rules" && cut -d: -f4- expected | sort | uniq -c | sort -rn | head -n 20 |
        while read -r _ name; do grep -aF "$name	" "$work/rules" | head -n1; done)
    [ "$count" -gt 50 ] || die "only $count matches were compared"
}
check "rules static" rules static
check "rules rebased" rules rebased

# Each policy keeps what it says: the functions of the image are counted by readelf.
policies() {
    local policy want have machine queued executed
    for policy in none compiled hot aot executed all; do
        aot=0
        [ $policy != all ] || aot=1000000
        "$regex" --stats --aot=$aot --engine.CacheCompile=${policy/all/aot} --engine.CacheStore=r.so "$work/rules" "$work/few" >out 2>err
        machine=$(number err 'with machine code') queued=$(number err 'queued') executed=$(number err 'executed')
        [ "$machine" -gt 0 ] && [ "$queued" -gt 0 ] && [ "$executed" -gt $((machine + queued)) ] || { cat err; die "nothing to tell apart"; }
        case $policy in
            none) want=0 ;;
            compiled) want=$machine ;;
            hot | aot) want=$((machine + queued)) ;;
            executed) want=$executed ;;
            all) want=$total ;;
        esac
        have=$(functions r.so)
        echo "$policy: $machine compiled, $queued queued, $executed executed: $have in the image"
        [ "$have" = "$want" ] || die "$policy: $have functions, not $want"
        "$regex" --stats --hot=0 --per-line=0 --engine.CacheLoad=r.so "$work/rules" "$work/few" >out2 2>err
        same "matches" out out2
        [ "$(number err 'with machine code')" = "$want" ] && [ "$(number err 'compiled')" = 0 ] || { cat err; die "$policy: not in the process"; }
    done
}
check policies policies

# Code of an image that a process drops leaves the next one; new code joins old code.
dropped() {
    "$regex" --stats --engine.Cache=r.so "$work/rules" "$work/few" >expected 2>err
    before=$(functions r.so)
    "$regex" --stats --engine.Cache=r.so "$work/rules" "$work/lines" >out 2>err
    [ "$(functions r.so)" -gt "$before" ] || die "no more functions than before"
    clean r.so
    "$regex" --stats --engine.Cache=r.so --engine.CacheCompile=none "$work/rules" >out 2>err || true
    expect_text err 'load ok' 'store ok'
    [ "$(functions r.so)" = 0 ] || die "functions are left"
    [ "$((0x$(section r.so .heap.code | awk '{ print $5 }')))" = 65536 ] || die "their pages are left"
    "$regex" --stats --engine.CacheLoad=r.so "$work/rules" "$work/few" >out 2>err
    same "matches" expected out
    expect_text err 'load ok'
}
check dropped dropped

# Other rules, another build, a CPU that can do less, one that was moved: refused with a reason, and done without.
refused() {
    cp "$work/rules" rules
    "$regex" --stats --engine.Cache=r.so rules "$work/few" >expected 2>err
    sed '5d' rules >fewer && mv fewer rules
    "$regex" --stats --engine.Cache=r.so rules "$work/few" >out 2>err
    expect_text err 'load stale' 'store ok' "$((total - 1)) rules"
    program "$PWD/other" static -DOTHER -O1
    ./other --stats --engine.Cache=r.so rules "$work/few" >out 2>err
    expect_text err 'load foreign' 'store foreign'
    have qemu-x86_64 || return 0
    qemu-x86_64 -cpu Westmere "$regex" --stats --engine.CacheLoad=r.so rules "$work/few" >out2 2>err
    same "matches" out out2
    expect_text err 'load cpu'
}
check refused refused

# No memory of the process is writable and executable at once, while rules are compiled and matched in turns.
rights() {
    mkfifo lines
    "$regex" --engine.Cache=r.so "$work/rules" - <lines >out 2>err &
    local pid=$! i
    exec 9>lines
    for ((i = 0; i < 40; i++)); do
        sed -n "$((i + 1))p" "$work/lines" >&9
        if [ $((i % 8)) = 0 ] && grep ' rwx' "/proc/$pid/maps"; then die "writable and executable"; fi
    done
    exec 9>&-
    wait $pid
    [ "$(functions r.so)" -gt 100 ] || die "nothing was compiled"
}
check rights rights
finish
