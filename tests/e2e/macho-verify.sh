#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# objtool verify for Mach-O: each of the mutations in tests/support/dylibbreak.py is found, by the rule that
# it breaks; and what ld64.lld links is clean.
. "$(dirname "$0")/common.sh"
. "$here/macho-common.sh"

make_images() {
    use_darwin "$1"
    compile plain.o "$macho/plain.c" -O1
    dylink ours.dylib plain.o "${libs[@]}"
    lldlink lld.dylib plain.o "${libs[@]}" -adhoc_codesign
    "$OBJTOOL" verify ours.dylib lld.dylib
}

# broken CPU: every mutation of both images; what one has nothing for the other has
broken() {
    local name rule image ignore status count=0 missing=()
    make_images "$1"
    for image in ours lld; do
        mkdir $image
        python3 "$support/dylibbreak.py" $image.dylib $image
    done
    while read -r name rule; do
        found=no
        for image in ours lld; do
            [ -e "$image/$name" ] || continue
            ! cmp -s $image.dylib "$image/$name" || die "$name changes nothing"
            ignore=--ignore=macho-signature # or each change would be found by a hash
            [ "$rule" != macho-signature ] || ignore=
            status=0
            # shellcheck disable=SC2086 # one option or none
            "$OBJTOOL" verify $ignore "$image/$name" >out 2>err || status=$?
            [ $status = 1 ] || die "$name of $image: status $status: $(cat out err)"
            grep -q "\[$rule\]$" out || die "$name of $image is not found by $rule: $(cat out)"
            [ ! -s err ] || die "$name: $(cat err)"
            found=yes
            count=$((count + 1))
            # nothing that is broken makes the other commands fail in another way than by words
            [ $image = ours ] || continue
            for command in "inspect --all --json" "sign -o signed.dylib"; do
                status=0
                # shellcheck disable=SC2086
                timeout 60 "$OBJTOOL" $command "$image/$name" >out 2>err || status=$?
                [ $status -lt 8 ] || die "$name: objtool $command gives $status"
            done
        done
        [ $found = yes ] || missing+=("$name")
    done < <(python3 "$support/dylibbreak.py" list)
    [ ${#missing[@]} = 0 ] || die "nothing to change for ${missing[*]}"
    [ $count -ge 120 ] || die "only $count images were broken"
    [ "$(python3 "$support/dylibbreak.py" list | wc -l)" -ge 60 ] || die "fewer than 60 mutations"
}
check broken-x86_64 broken x86_64
check broken-arm64 broken arm64

# cut CPU: an image that ends early is never clean, and never more than words
cut() {
    local size n status
    make_images "$1"
    size=$(stat -c %s ours.dylib)
    for n in $(seq 0 97 2500) $(seq 2500 2011 "$size"); do
        head -c "$n" ours.dylib >cut.dylib
        status=0
        "$OBJTOOL" verify cut.dylib >/dev/null 2>&1 || status=$?
        [ $status != 0 ] && [ $status -lt 8 ] || die "$n bytes: status $status"
        for command in inspect "sign -o signed"; do
            status=0
            # shellcheck disable=SC2086
            "$OBJTOOL" $command cut.dylib >/dev/null 2>&1 || status=$?
            [ $status -lt 8 ] || die "$n bytes: $command gives $status"
        done
    done
}
check cut-x86_64 cut x86_64
check cut-arm64 cut arm64

rules() {
    "$OBJTOOL" verify --rules >r
    expect_text r '^macho-commands' '^macho-heap'
    use_darwin x86_64
    compile o.o "$macho/ext.c"
    expect_fail 6 "$OBJTOOL" verify o.o
    expect_fail 2 "$OBJTOOL" verify --ignore=macho-no-such o.o
}
check rules rules

finish
