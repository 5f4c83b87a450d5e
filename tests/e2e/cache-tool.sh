#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool cache and inspect on images of the engine cache: what they say of files is what stat, readelf, xxhsum and the engine
# itself say; damage is found; what would be refused is; gc takes what it should, under the writers' lock, and nothing else.
. "$(dirname "$0")/common.sh"
need gcc jq readelf
support=$here/../support

# beside the program: another user is to reach it, too
cp -L "$top_builddir"/runtime/.libs/libsysimage.so.0 "$work"
ln -s libsysimage.so.0 "$work/libsysimage.so"
program() { # OUT SOURCE FLAG...
    local out=$1 source=$2
    shift 2
    gcc -O1 -g -Wall "$@" -I"$top_srcdir/include" "$support/$source.c" -o "$out" -L"$work" -lsysimage -Wl,-rpath,"$work"
}
program "$work/fault" cachefault
program "$work/show" cacheshow
fault=$work/fault show=$work/show
tool() { "$OBJTOOL" cache "$@"; }
build_of() { readelf -nW "$1" | sed -n 's/.*Build ID: //p'; }
libc_of() { ldd "$1" | sed -n 's/.*libc\.so\.6 => \([^ ]*\).*/\1/p'; }
# of FILTER FILE: one value
of() { jq -r "$1" "$2"; }
is() { [ "$2" = "$3" ] || die "$1: $2 instead of $3"; }
# named N: a name as the cache gives it
named() { printf 'fault-%016x.so' "$1"; }
sources() {
    printf 'one\ntwo\nthree\n' >first.txt
    printf 'HOME=/home/ann\nkey API_TOKEN=0123456789\nsee /usr/share/doc/x\nhttps://u:pw@host/\n' >second.txt
}

# ls says what others say of the file
listed() {
    local file
    mkdir d
    "$fault" store 500 --engine.Cache=d >out
    sources
    "$show" first.txt second.txt --engine.Cache=d/by-name.so --engine.CacheCompile=compiled
    echo 'no image' >d/text
    cp -L "$work/libsysimage.so" d/lib.so
    tool ls --json d >ls.json
    is images "$(of '.places[0].images | length' ls.json)" 2
    file=$(cd d && echo fault-*.so)
    [[ "$file" =~ ^fault-[0-9a-f]{16}\.so$ ]] || die "the name $file"
    jq --arg n "$file" '.places[0].images[] | select(.name == $n)' ls.json >fault.json
    jq '.places[0].images[] | select(.name == "by-name.so")' ls.json >show.json
    for n in fault:$file show:by-name.so; do
        is size "$(of .size ${n%%:*}.json)" "$(stat -c %s "d/${n#*:}")"
        is disk "$(of .disk_bytes ${n%%:*}.json)" $(($(stat -c %b "d/${n#*:}") * 512))
        is used "$(of .used ${n%%:*}.json)" "$(date -u -d "@$(stat -c %Y "d/${n#*:}")" +%Y-%m-%dT%H:%M:%SZ)"
        is state "$(of .state ${n%%:*}.json)" ok
        is build "$(of .build ${n%%:*}.json)" "$(build_of "$work/${n%%:*}")"
        is addr "$(of .addr ${n%%:*}.json)" "0x$(readelf -SW "d/${n#*:}" | sed -n 's/.* \.heap  *PROGBITS  *0*\([0-9a-f]*\) .*/\1/p')"
    done
    is engine "$(of '.engine + " " + .version + " " + .settings + ", " + .inputs' show.json)" 'show 2.5 -O2 plain, some inputs'
    is counts "$(of '"\(.sources) \(.functions) \(.flags) \(.compile)"' show.json)" '2 7 C compiled'
    is code "$(of .code_bytes show.json)" $((0x$(readelf -SW d/by-name.so | sed -n 's/.* \.heap\.code  *PROGBITS  *[0-9a-f]* [0-9a-f]* \([0-9a-f]*\) .*/\1/p')))
    tool ls d >out
    expect_text out "^  fault  *1  *$(build_of "$fault" | cut -c1-12)  *[a-z0-9-]*  .* ok  *$file\$" '^  show  *2.5 .* C .* 2  *7 .* by-name.so$'
    reject_text out ' text$' 'lib.so'
    tool status --json d >status.json
    is status "$(of '.places[0].images | "\(.count) \(.bytes) \(.disk_bytes)"' status.json)" \
        "2 $(($(stat -c %s d/"$file") + $(stat -c %s d/by-name.so))) $((($(stat -c %b d/"$file") + $(stat -c %b d/by-name.so)) * 512))"
    expect_fail 3 tool ls none
    expect_fail 2 tool ls
    expect_fail 2 tool ls --max-size=1 d
    expect_fail 2 tool gc --max-size=1x d
    expect_fail 2 tool look d
}
check listed listed

# what inspect shows is what the engine was told, what readelf and xxhsum find, and what the engine itself prints
inspected() {
    local own
    sources
    "$show" first.txt second.txt --engine.CacheStore=a.so --engine.CacheCompile=compiled --engine.CacheHistogram \
        --engine.CacheReferenceTree 2>trace
    "$OBJTOOL" inspect --json --all a.so | jq '.files[0].engine_cache' >in.json
    is sources "$(of '.sources[] | "\(.size) \(.name)"' in.json)" "$(stat -c '%s %n' first.txt second.txt)"
    if have xxhsum && xxhsum -H3 first.txt >/dev/null 2>&1; then
        is hashes "$(of '.sources[] | .hash' in.json)" \
            "$(xxhsum -H3 first.txt second.txt | sed 's/.*\([0-9a-f]\{16\}\).*/\1/; s/^0*/0x/')"
    fi
    is functions "$(of '.functions[] | "\(.source) \(.name) \(.line) \(.flags) \(.calls) \(.code_size)"' in.json)" \
        "$(for n in '0 2' '1 3'; do
            for ((i = 0; i <= ${n#* }; i++)); do
                echo "${n% *} line$i $i $([ $((i % 2)) = 0 ] && echo "EC $((i + 1)) $((16 * (i + 1)))" || echo "E $((i + 1)) 0")"
            done
        done)"
    # functions with code are the symbols of .symtab, which has addresses of memory
    own=$((0x$(readelf -SW a.so | sed -n 's/.* \.heap  *PROGBITS  *\([0-9a-f]*\) .*/\1/p')))
    is symbols "$(of '.functions[] | select(.code) | "\(.name) \(.code) \(.code_size)"' in.json |
        while read -r name code size; do printf '%s %x %d\n' "$name" $((own + code)) "$size"; done | sort)" \
        "$(readelf -sW a.so | awk '$4 == "FUNC" { sub(/^0*/, "", $2); print $8, $2, $3 }' | sort)"
    is modules "$(of '.modules[] | "\(.build) \(.name)"' in.json | head -n 1)" "$(build_of "$show") [program]"
    # the histogram that the engine printed when it stored, sorted the other way
    is histogram "$(of '.histogram[] | "\(.type) \(.bytes) \(.count)"' in.json | sort)" \
        "$(sed -n '/^Type/,/^Reference tree/p' trace | grep -v '^Type\|^Reference' | tr -d , | awk '{ print $1, $2, $3 }' | sort)"
    is reached "$(of '"\(.reference_tree.reached_count) of \(.reference_tree.object_count)"' in.json)" \
        "$(sed -n 's/^\([0-9]* of [0-9]*\) blocks are reached.*/\1/p' trace)"
    is tree "$(of '.reference_tree.nodes[] | "\(.depth) \(.type) \(.count) \(.all_bytes)"' in.json)" \
        "$(sed -n '/^Reference tree/,$p' trace | tr -d , | sed -n 's/^\(  *\)\?\(file\|line\)  *\([0-9]*\) .* \([0-9]*\)$/\1|\2 \4 \3/p' |
            awk -F'|' '{ print length($1) / 2, $2 }' | sed 's/^\([0-9]\) /\1 /')"
    is audit "$(of '.strings_audit[] | "\(.kind) \(.text)"' in.json)" "$(printf '%s\n' 'environment HOME=/home/ann' \
        'secret API_TOKEN=(10 bytes)' 'path /usr/share/doc/x' 'secret ://u:(2 bytes)')"
    reject_text in.json 0123456789
    "$OBJTOOL" inspect a.so >out
    expect_text out 'engine cache  *2 sources, 7 functions, 4 of them with code of' 'compile policy compiled' 'inputs  *some inputs' \
        'has machine code' '\[program\]$'
    "$OBJTOOL" inspect --functions --sources a.so >out
    expect_text out ' EC  *3 .* line2$' 'first.txt$'
    "$OBJTOOL" verify a.so
}
check inspected inspected

schemas() {
    need python3
    python3 -c 'import jsonschema' 2>/dev/null || skip "python3 has no jsonschema"
    sources
    mkdir d
    "$show" first.txt second.txt --engine.Cache=d
    "$fault" store 5 --engine.Cache=d >out
    "$fault" store 5 --engine.Cache=a.so >out
    head -c 70000 a.so >"d/$(named 1)"
    for command in 'status --max-size=1K' ls verify explain 'gc -n --max-size=0 --older-than=0'; do
        # shellcheck disable=SC2086 # options
        tool ${command} --json d a.so none >"${command%% *}.json" 2>err || true
    done
    "$OBJTOOL" inspect --json --all a.so d/show-*.so >inspect.json
    python3 - "$top_srcdir/docs" ./*.json <<'P'
import json, sys, jsonschema
for name in sys.argv[2:]:
    which = "inspect" if "inspect" in name else "cache"
    schema = json.load(open("%s/%s-schema.json" % (sys.argv[1], which)))
    document = json.load(open(name))
    jsonschema.validate(document, schema, cls=jsonschema.Draft202012Validator)
    if which == "cache":
        assert [("error" in p) for p in document["places"]] == [False, False, True], name
P
}
check "JSON keeps to its schemas" schemas

# verdict FILE OPTION...: that of explain
verdict() { tool explain --json "$@" | jq -r '.places[0].images[0].verdict' || true; }
# agree FILE [OPTION...]: the engine says the same
agree() {
    local file=$1 said
    shift
    "$fault" check --engine.CacheLoad="$file" --engine.CacheVerify=full --engine.CacheMode=readonly >agree.out 2>&1 || true
    said=$(sed -n 's/.*, load \(.*\), store .*/\1/p' agree.out)
    is "$file" "$(verdict "$@" "$file")" "$said"
}

# Whatever is wrong, explain says it as the engine does.
explained() {
    need flock
    "$fault" store 300 --engine.Cache=a.so >out
    agree a.so --program="$fault"
    tool explain --program="$fault" a.so >out
    expect_text out "owner and mode ok  *user $(id -u), mode 0$(stat -c %a a.so)" 'checksums  *ok' \
        "engine build  *ok  *$fault, build $(build_of "$fault")" "library build  *ok  .*libc.so.6, build $(build_of "$(libc_of "$fault")")" \
        "address  *unknown  .* at 0x" "settings  *unknown  'plain'" 'nothing speaks against it'
    # another build
    program other cachefault -DVERSION='"2"'
    is other "$(verdict --program=./other a.so)" foreign
    expect_fail 1 tool explain --program=./other a.so
    expect_text out "engine build  *refused  *./other is build $(build_of other); needed: build $(build_of "$fault") of \[program\]"
    ./other check --engine.CacheLoad=a.so >out
    expect_text out 'load foreign'
    # a library of the same name that is another
    mkdir lib
    cp "$(libc_of "$fault")" lib/libc.so.6
    LD_LIBRARY_PATH=$PWD/lib tool explain a.so >out
    expect_text out "library build  *ok  *$PWD/lib/libc.so.6"
    # others may write, others own it
    chmod g+w a.so
    agree a.so
    chmod 644 a.so
    if [ "$(id -u)" = 0 ]; then
        chown 65534 a.so
        agree a.so
        is 'not ours' "$(tool ls --json a.so | jq -r '.places[0].images[0].state')" 'not ours'
        chown 0 a.so
    fi
    head -c 100000 a.so >cut.so
    agree cut.so
    : >empty.so
    agree empty.so
    cp -L "$work/libsysimage.so" "lib/fault.so"
    is library "$(verdict lib/fault.so)" foreign
    agree lib/fault.so
    head -c 60000 lib/fault.so >lib/cut.so # nor is half a library a damaged image
    agree lib/cut.so
    is "half a library" "$(verdict lib/cut.so)" foreign
    # storing failed, and a process is storing
    echo "3 $(($(date +%s) - 7))" >a.so.failed
    tool explain a.so >out
    expect_text out 'storing .* it failed 3 times, for the last time [0-9]* s ago'
    flock a.so.lock "$OBJTOOL" cache explain a.so >out
    expect_text out 'storing .* a process is storing there now'
}
check explained explained

# Bytes of the heap, its register and its table: each change is found, and explain and the engine say the same. Of all others:
# no crash.
damaged() {
    need python3
    "$fault" store 300 --engine.Cache=a.so >out
    tool verify a.so
    readelf -SW a.so | sed 's/^ *\[ *[0-9]*\] *//' | awk '$1 ~ /^\.(heap|sysimage)/ { print $4, $5 }' >parts
    cat >change.py <<'P'
import random, subprocess, sys
tool, engine, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
random.seed(seed)
whole = open("a.so", "rb").read()
parts = [tuple(int(n, 16) for n in line.split()) for line in open("parts")]
def run(*command):
    return subprocess.run(command, capture_output=True, text=True)
for i in range(160):
    kept = i % 2
    at = random.randrange(*(lambda p: (p[0], p[0] + p[1]))(parts[i // 2 % len(parts)])) if kept else random.randrange(len(whole))
    data = bytearray(whole)
    data[at] ^= 1 << random.randrange(8)
    open("b.so", "wb").write(data)
    verify, inspect = run(tool, "cache", "verify", "b.so"), run(tool, "inspect", "--all", "b.so")
    assert verify.returncode in (0, 1) and inspect.returncode in (0, 5, 6, 7), (at, verify, inspect.returncode)
    if kept:
        assert verify.returncode == 1, (at, verify.stdout)
        if i % 8 == 1:
            load = run(engine, "check", "--engine.CacheLoad=b.so", "--engine.CacheVerify=full", "--engine.CacheMode=readonly")
            verdict = load.stdout.split("load ")[1].split(",")[0]
            says = run(tool, "cache", "explain", "b.so").stdout.splitlines()[-1]
            assert (verdict == "ok") == ("nothing" in says) and (verdict == "ok" or verdict in says), (at, verdict, says)
for n in list(range(0, 1200, 61)) + list(range(1200, len(whole), len(whole) // 40)) + [len(whole) - 1]:
    open("b.so", "wb").write(whole[:n])
    got = run(tool, "cache", "verify", "b.so")
    assert got.returncode == 1, (n, got)
P
    python3 change.py "$OBJTOOL" "$fault" 11
    # what was set aside is looked at by its name
    mv b.so b.so.bad
    expect_fail 1 tool explain b.so.bad
    ln -s a.so link.so
    tool verify link.so
    # several: one is bad
    head -c 50000 a.so >cut.so
    expect_fail 1 tool verify a.so cut.so
    expect_text out '^a.so: 1 of 1 images are sound' '^cut.so: .* \[.*\]$' '^cut.so: 0 of 1'
}
check damaged damaged

# images N...: each named for its number and last used so many days ago
images() {
    local n
    mkdir -p d
    for n; do
        "$fault" store "$((n * 400))" --engine.CacheStore="$PWD/d/$(named "$n")" >/dev/null
        touch -d "$n days ago" "d/$(named "$n")"
    done
}
left() { (cd "${1:-d}" && ls); }
size() { stat -c %s "d/$(named "$1")"; }

collected() {
    images 1 2 3 4
    tool gc d >out
    expect_text out 'd: removed 0 files of 0 bytes'
    # nothing without the word
    tool gc -n --older-than=36h --max-size=0 d >out
    expect_text out "would remove d/$(named 4), $(size 4 | sed ':a; s/\B[0-9]\{3\}\>/,&/; ta') bytes: not used for 4 days" 'least recently used'
    is files "$(left | wc -l)" 4
    # by age, then by size: the newest stay
    tool gc --older-than=84h d >out
    is older "$(left)" "$(for n in 1 2 3; do named $n; echo; done)"
    tool gc --max-size=$(($(size 1) + $(size 2))) --json d >gc.json
    is removed "$(of '.places[0].removed[] | "\(.name) \(.why) \(.removed)"' gc.json)" "$(named 3) least recently used true"
    is kept "$(of '.places[0].kept_bytes' gc.json)" $(($(size 1) + $(size 2)))
    tool status --max-size="$(size 1)" d >out
    expect_text out "too much  *$(size 2 | sed ':a; s/\B[0-9]\{3\}\>/,&/; ta')\$"
    tool gc --max-size=$(($(size 1) + $(size 2) - 1)) d >out
    is 'one is left' "$(left)" "$(named 1)"
    "$fault" check --engine.CacheLoad="d/$(named 1)" >out
    expect_text out '^400 nodes, load ok'
}
check collected collected

# What is left of others' work goes; what is not the cache's stays.
leftovers() {
    local kept
    images 1 2 5
    for end in bad tmp lock failed; do echo x >"d/$(named 1).$end"; done
    echo x >"d/$(named 7).bad"
    head -c 40000 "d/$(named 2)" >"d/$(named 3)"
    touch -d '2 days ago' "d/$(named 7).bad"
    cp "d/$(named 1)" d/my.so
    echo x >d/my.so.bad
    echo x >d/other.bad
    echo x >"d/$(named 8)"
    cp -L "$work/libsysimage.so" "d/$(named 9)"
    ln -s "$(named 1)" "d/$(named 10)"
    mkdir "d/$(named 11)"
    "$fault" store 10 --engine.CacheStore="$PWD/d/$(named 12)" >out
    [ "$(id -u)" != 0 ] || chown 65534 "d/$(named 12)"
    tool status d >out
    expect_text out 'set aside  *2,' 'temporaries  *1,' 'locks  *1,' 'failures  *1,' '1 damaged'
    tool gc --older-than=4d d >out
    kept=$(named 1; echo; named 2; echo; echo "$(named 1).failed"
        for n in 8 9 10 11 12; do named $n; echo; done; echo my.so; echo my.so.bad; echo other.bad)
    is left "$(left)" "$(sort <<<"$kept")"
    touch -d '25 hours ago' "d/$(named 1).failed"
    tool gc --max-size=0 d >out
    kept=$(for n in 8 9 10 11; do named $n; echo; done; [ "$(id -u)" != 0 ] || { named 12; echo; }; echo my.so; echo my.so.bad; echo other.bad)
    is 'left of all' "$(left)" "$(sort <<<"$kept")"
    # by its name, if it is an image
    for f in text lib.so cut.so none.so; do echo x >d/$f.bad; done
    echo x >d/text
    cp -L "$work/libsysimage.so" d/lib.so
    head -c 40000 d/my.so >d/cut.so
    : >d/none.so
    left >before
    tool gc --max-size=0 --older-than=0 d/text d/lib.so d/cut.so d/none.so >out
    left >after
    same files before after
    tool gc d/my.so >out
    [ -e d/my.so ] && [ ! -e d/my.so.bad ] || die "what stood beside my.so"
    tool gc --max-size=0 d/my.so >out
    [ ! -e d/my.so ] || die "my.so is left"
}
check leftovers leftovers

# A writer at work is left alone; a reader keeps what it has.
busy() {
    local writer
    need flock
    images 1 2
    echo x >"d/$(named 1).tmp"
    flock --no-fork "d/$(named 1).lock" sleep 30 &
    writer=$!
    while ! [ -e "d/$(named 1).lock" ] || flock -n "d/$(named 1).lock" true; do sleep 0.02; done
    tool status d >out
    expect_text out 'held  *1'
    expect_fail 1 tool gc --max-size=0 d
    expect_text out "left d/$(named 1), .* a process is storing there" "removed d/$(named 2)"
    is left "$(left)" "$(for e in '' .lock .tmp; do echo "$(named 1)$e"; done)"
    kill -9 $writer
    wait $writer 2>/dev/null || true
    tool gc --max-size=0 d >out
    is none "$(left)" ''
    # while engines store there again and again
    mkdir e
    "$fault" write 3 --engine.Cache="$PWD/e/$(named 1)" --engine.CacheLockTimeout=2000 >w1 2>&1 &
    writer=$!
    for _ in {1..60}; do tool gc --max-size=0 e >out || true; done
    wait $writer || { cat w1; die "the writer failed"; }
    grep -v '^ok ' w1 && die "the writer was kept from storing"
    tool gc e >out
    left e | grep -v '^fault-[0-9a-f]*\.so$' && die "files are left"
    return 0
}
check busy busy

finish
