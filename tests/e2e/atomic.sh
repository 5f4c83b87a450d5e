#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The output appears whole or not at all: killed on the way, disk full, file too large, directory read-only.
. "$(dirname "$0")/common.sh"

big_objects() { # 60 MB of output
    printf '.data\n.globl big\nbig: .rept 60\n.fill 1000000,1,0x5a\n.endr\n.size big, .-big\n.type big,%%object\n.section .note.GNU-stack,"",%%progbits\n' >big.s
    "$AS" -o big.o big.s
    awk 'BEGIN { print ".data"; for (i = 0; i < 100000; i++) printf ".globl v%d\nv%d: .quad v%d\n", i, i, (i * 7) % 100000 }' >many.s
    "$AS" -o many.o many.s
}

leftovers() { ls -A "$1" | grep -v -x -e out.so -e '.*\.o' -e '.*\.s' -e out -e err -e left || true; }

killed() {
    big_objects
    echo 'the old file' >out.so
    local hit=0 delay
    # at many moments; the old file or the whole new one is there, nothing else ever
    for delay in 0.001 0.005 0.01 0.02 0.03 0.04 0.05 0.06 0.08 0.1 0.12 0.15 0.2 0.25 0.3 0.4; do
        echo 'the old file' >out.so
        # its own session, so that the shell does not report the death
        (exec "$OBJTOOL" link -o out.so big.o many.o) & pid=$!
        sleep $delay
        kill -9 $pid 2>/dev/null || true
        if wait $pid 2>/dev/null; then
            clean out.so
            break
        fi
        hit=$((hit + 1))
        [ "$(cat out.so | head -c 100 | tr -d '\0')" = 'the old file' ] || { clean out.so; echo "renamed before the kill at $delay"; }
    done
    echo "$hit links were killed"
    [ $hit -gt 0 ] || die "none was killed"
    # what a killed link left behind may be there, but must not grow over time under ever new names without end
    NO_LLVM=1 olink -o out.so big.o many.o
    clean out.so
}
check killed on_cpu x86_64 killed

interrupted() {
    big_objects
    echo 'the old file' >out.so
    "$OBJTOOL" link -o out.so big.o many.o & pid=$!
    sleep 0.03
    kill -TERM $pid 2>/dev/null || true
    if wait $pid 2>/dev/null; then
        echo "it was faster than the signal"
        return 0
    fi
    [ "$(head -c 12 out.so)" = 'the old file' ] || die "the old file has gone"
    left=$(leftovers .)
    [ -z "$left" ] || die "after SIGTERM there is $left"
}
check interrupted on_cpu x86_64 interrupted

full_disk() {
    [ "$(id -u)" = 0 ] || skip "only root can mount a small file system"
    mkdir -p small
    mount -t tmpfs -o size=8m none small 2>/dev/null || skip "cannot mount a small file system"
    (
        trap 'umount small' EXIT
        big_objects
        expect_fail 3 olink -o small/out.so big.o
        expect_text err 'small/out\.so' 'No space left'
        [ -z "$(ls -A small)" ] || die "left on the full disk: $(ls -lA small)"
        echo 'the old file' >small/out.so
        expect_fail 3 olink -o small/out.so big.o
        [ "$(cat small/out.so)" = 'the old file' ] || die "the old file has gone"
        [ "$(ls -A small)" = out.so ] || die "left on the full disk: $(ls -lA small)"
        # the map is an output too
        echo 'int f(void) { return 1; }' >f.c
        cc -c f.c
        head -c 9000000 /dev/zero >small/filler 2>/dev/null || true
        expect_fail 3 olink -o out2.so f.o -Map=small/map
    )
}
check full_disk on_cpu x86_64 full_disk

# the same through the limit on a file's size: SIGXFSZ or EFBIG, and no half file
file_limit() {
    big_objects
    status=0
    (
        ulimit -f 2000
        trap '' XFSZ
        exec "$OBJTOOL" link -o out.so big.o
    ) 2>err || status=$?
    cat err
    [ "$status" = 3 ] || die "status $status"
    expect_text err 'out\.so' 'File too large'
    [ ! -e out.so ] || die "there is half a file"
    left=$(leftovers .)
    [ -z "$left" ] || die "there is $left"
}
check file_limit on_cpu x86_64 file_limit

places() {
    echo 'int work(void) { return 0; }' >w.c
    cc -c w.c
    expect_fail 3 olink -o no/such/directory/out.so w.o
    expect_text err 'no/such/directory'
    mkdir -p directory.so
    expect_fail 3 olink -o directory.so w.o
    expect_text err 'directory\.so'
    [ -d directory.so ] || die "the directory has gone"
    # a new inode: what has the old file mapped keeps it
    olink -o out.so w.o
    ln out.so other-name.so
    before=$(stat -c %i out.so)
    cp out.so old-copy.so
    olink -o out.so w.o -z now
    [ "$(stat -c %i out.so)" != "$before" ] || die "the old file was written over"
    cmp other-name.so old-copy.so
    # through a symbolic link, and executable for whom the umask lets
    mkdir -p target
    ln -sfn target/real.so link.so
    olink -o link.so w.o
    run "$PWD/link.so" -
    (umask 022 && olink -o mode.so w.o)
    [ "$(stat -c %a mode.so)" = 755 ] || die "mode $(stat -c %a mode.so)"
    (umask 077 && rm -f mode.so && olink -o mode.so w.o)
    [ "$(stat -c %a mode.so)" = 700 ] || die "mode $(stat -c %a mode.so) with umask 077"
    # an input as the output
    expect_fail '[123]' olink -o w.o w.o
    readelf -hW w.o | grep -q 'REL (' || die "the input was overwritten"
}
check places on_cpu x86_64 places
finish
