#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The engine cache while things go wrong: writers that are killed, many at once, a full disk, a directory without
# the right to write, damage, another build, and addresses that change with each start.
. "$(dirname "$0")/common.sh"
need gcc
support=$here/../support

# beside the program: another user is to reach it, too
cp -L "$top_builddir"/runtime/.libs/libsysimage.so.0 "$work"
ln -s libsysimage.so.0 "$work/libsysimage.so"
program() { # OUT FLAG...: cachefault
    local out=$1
    shift
    gcc -O1 -g -Wall "$@" -I"$top_srcdir/include" "$support/cachefault.c" -o "$out" -L"$work" -lsysimage -Wl,-rpath,"$work"
}
program "$work/fault"
fault=$work/fault

count() { sed -n 's/^\([0-9]*\) nodes.*/\1/p' "$1"; }

# The old image or the new one, whenever the writer dies. How long a writer takes is the machine's: the time it is
# given shrinks when it was done and grows when it was not, so that about half of them are killed.
killed() {
    local i pid before after other=0 given=20000 # microseconds
    "$fault" store 20000 --engine.Cache=a.so >out
    expect_text out '20000 nodes, load absent, store ok'
    for ((i = 0; i < 200; i++)); do
        before=$("$fault" check --engine.CacheLoad=a.so | sed -n 's/^\([0-9]*\) nodes, load ok.*/\1/p')
        [ -n "$before" ] || die "no image before writer $i"
        "$fault" store 1 --engine.Cache=a.so >/dev/null &
        pid=$!
        sleep "$(printf '%d.%06d' $((given / 1000000)) $((given % 1000000)))"
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
        "$fault" check --engine.CacheLoad=a.so --engine.CacheVerify=full >out
        after=$(count out)
        grep -q 'load ok' out || { cat out; die "writer $i left a broken image"; }
        [ "$after" = "$before" ] || [ "$after" = $((before + 1)) ] || die "$before nodes became $after"
        if [ "$after" = "$before" ]; then
            given=$((given * (100 + RANDOM % 60) / 100 + 100))
        else
            other=$((other + 1))
            given=$((given * (60 + RANDOM % 40) / 100))
        fi
    done
    echo "$other of 200 images are new"
    [ $other -gt 0 ] && [ $other -lt 200 ] || die "the writer was always too quick or too slow to be killed"
    # whoever stores next takes away what is left
    "$fault" store 0 --engine.Cache=a.so >out
    expect_text out 'store ok'
    ls >files
    expect_text files '^a.so$'
    grep -v '^a.so$\|^out$\|^files$' files && die "files are left"
    return 0
}
check killed killed

many() {
    local i pids=()
    "$fault" store 10 --engine.Cache=a.so >out
    for ((i = 0; i < 8; i++)); do
        "$fault" write 8 --engine.Cache=a.so --engine.CacheLockTimeout=30 --engine.CacheVerify=full >w$i 2>&1 &
        pids+=($!)
        "$fault" read 8 --engine.CacheLoad=a.so --engine.CacheVerify=full >r$i 2>&1 &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i" || { cat w? r?; die "one of them failed"; }
    done
    cat w? | sort | uniq -c | sort -rn | head -20
    # readers found a whole image each time
    cat r? >readers
    grep -v '^ok ' readers && die "a reader found no image"
    # writers stored, or said that somebody else did
    cat w? >writers
    grep -v '^ok \|^busy ' writers && die "a writer failed"
    "$fault" check --engine.CacheLoad=a.so --engine.CacheVerify=full >out
    expect_text out 'load ok'
    ls >files
    grep 'tmp$\|lock$\|bad$\|failed$' files && die "files are left"
    return 0
}
check many many

# A limit of the size of files does what a full disk does, and its signal does not end the program.
full() {
    local signal
    "$fault" store 20000 --engine.Cache=a.so >out
    cp a.so before.so
    for signal in - ''; do
        rm -f a.so.failed
        (
            trap "$signal" XFSZ
            ulimit -f 1000
            "$fault" store 20000 --engine.Cache=a.so >out2
        )
        expect_text out2 'load ok, store system' 'File too large'
        same "the image" a.so before.so
        [ ! -e a.so.tmp ] || die "a part of an image is left"
        (
            trap "$signal" XFSZ
            ulimit -f 1000
            "$fault" store 20000 --engine.DebugCacheStore >out2
        )
        expect_text out2 'store system' # memory has the limit, too
    done
    "$fault" store 1 --engine.Cache=a.so >out
    expect_text out 'store back-off' 'tried again in [0-9]* s'
    rm a.so.failed
    if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
        unshare -m bash -c "mkdir disk && mount -t tmpfs -o size=2m none disk && cp a.so fits.so && cd disk &&
            '$fault' store 2000 --engine.Cache=b.so >../out3 && '$fault' store 20000 --engine.Cache=b.so >../out4 &&
            rm -f b.so.failed && '$fault' check --engine.Cache=b.so >../out5 && ls >../left"
        expect_text out3 'store ok'
        expect_text out4 'load ok, store system' 'No space left'
        expect_text out5 '2000 nodes, load ok'
        grep -v '^b.so$' left && die "files are left"
    fi
    return 0
}
check full full

# Without the right to write there, it goes on without.
read_only() {
    local as=()
    mkdir -p d
    "$fault" store 50 --engine.Cache=d/a.so >out
    chmod 644 d/a.so # it was its owner's alone
    chmod 555 d
    chmod 755 "$work" . d
    if [ "$(id -u)" = 0 ]; then
        have setpriv || skip "no setpriv"
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
        "${as[@]}" test -x "$fault" || skip "another user cannot reach the work directory"
    fi
    "${as[@]}" "$fault" store 50 --engine.Cache=d/a.so >out
    expect_text out '100 nodes, load ok, store system' 'Permission denied'
    "${as[@]}" "$fault" store 50 --engine.Cache=d/none/a.so >out
    expect_text out '50 nodes, load absent, store system'
    "${as[@]}" "$fault" store 50 --engine.Cache=d/a.so --engine.CacheMode=readonly >out
    expect_text out '100 nodes, load ok, store read-only'
    chmod 755 d
    [ "$(ls d)" = a.so ] || die "something was written"
}
check read-only read_only

damaged() {
    "$fault" store 300 --engine.Cache=a.so >out
    "$fault" damage 10000 7 --engine.CacheLoad=a.so --engine.CacheVerify=full --engine.CacheMode=readonly >out
    cat out
    expect_text out '^damaged [0-9]'
    grep -v '^damaged \|^foreign \|^ok ' out && die "another verdict"
    return 0
}
check damaged damaged

# Another build of the same program: its image is left alone.
foreign() {
    program other -DVERSION='"2"'
    "$fault" store 70 --engine.Cache=a.so >out
    cp a.so before.so
    ./other store 5 --engine.Cache=a.so --engine.TraceCache >out 2>err
    expect_text out '5 nodes, load foreign, store foreign'
    expect_text err 'made by build [0-9a-f]* of fault, not [0-9a-f]*'
    same "the image" a.so before.so
    # in a directory each has its own
    mkdir dir
    "$fault" store 7 --engine.Cache=dir >out
    ./other store 8 --engine.Cache=dir >out
    "$fault" store 1 --engine.Cache=dir >out
    expect_text out '8 nodes, load ok, store ok'
    [ "$(ls dir | grep -c '^fault-[0-9a-f]\{16\}\.so$')" = 2 ] || die "not two images"
}
check foreign foreign

# Program and libraries are elsewhere each time: words that point into them follow.
moving() {
    local kind i
    for kind in -pie -no-pie; do
        program it $kind
        ./it store 1000 --engine.CacheStore=$kind.so >out
        for ((i = 0; i < 200; i++)); do
            ./it check --engine.CacheLoad=$kind.so >out
            grep -q '^1000 nodes, load ok' out || { cat out; die "start $i of $kind"; }
        done
    done
}
check moving moving

# What others say of the file.
tools() {
    need readelf
    "$fault" store 500 --engine.Cache=a.so >out
    "$OBJTOOL" verify a.so
    readelf -aW a.so >out 2>err
    [ ! -s err ] || { cat err; die "readelf warns"; }
    expect_text out 'SYSIMAGE' '\.heap' 'OBJECT *GLOBAL *DEFAULT .* list'
    if have llvm-readelf; then
        llvm-readelf -a a.so >out 2>err
        [ ! -s err ] || { cat err; die "llvm-readelf warns"; }
    fi
    "$OBJTOOL" inspect a.so >out
    expect_text out 'fault 1' 'slots *499' 'imports *2, with 500 slots'
    if have strip; then # it stays an image
        strip -o stripped.so a.so
        "$fault" check --engine.CacheLoad=stripped.so >out
        expect_text out '500 nodes, load ok'
    fi
}
check tools tools

finish
