# SPDX-License-Identifier: GPL-3.0-or-later
# Archives by the dozen, each whole into a library: what ld.bfd makes loadable must load when objtool made
# it and look the same; what ld.bfd refuses must be refused with a line that names member, place,
# symbol and reason.  Read after common.sh; then `sweep ARCHIVE...`.

# loads FILE MODE: says "yes" or why not, with what differs between two files left out
loads() {
    if env ${2:+"$2"} timeout 60 "${RUN[@]}" "$runner" "$1" 2>loads.err; then
        echo yes
    else
        sed "s|$1|FILE|; s|$PWD|DIR|" loads.err | head -n 1
    fi
}

# The line for a refusal: archive and member, section or function, and the symbol as ld.bfd names it.
refusal_is_clear() {
    local symbol
    symbol=$(sed -n "s/.*against \(.* \)\?symbol \`\([^']*\)'.*/\2/p" bfd.err | head -n 1 | sed 's/@.*//')
    grep -E '\([^ ()]+\.[a-z]*o[a-z]*\)' ours.err >lines || die "no line names a member"
    if [ -n "$symbol" ]; then
        # one line for the whole of it; it need not be the first that ld.bfd found
        grep -E 'R_(X86_64|AARCH64)_[A-Z0-9_]+' lines | grep -qE '(in|function|section|\.text|\.data)' ||
            die "no line names relocation and place"
    fi
    [ "$(wc -l <ours.err)" -le 40 ] || die "$(wc -l <ours.err) lines of messages"
}

one() {
    local archive=$1 extra=$2 ours=0 theirs=0 mode a b
    set -- "$archive" $extra "${libdirs[@]}" -lgcc --as-needed -lgcc_s --no-as-needed -lc
    bfd -o bfd.so "$@" 2>bfd.err || theirs=$?
    timeout 120 "$OBJTOOL" link -o ours.so "$@" >ours.out 2>ours.err || ours=$?
    case $theirs,$ours in
        0,0)
            for mode in '' LAZY=1; do
                a=$(loads "$PWD/bfd.so" $mode) b=$(loads "$PWD/ours.so" $mode)
                [ "$a" != yes ] || [ "$b" = yes ] || die "ld.bfd's loads ($mode), ours: $b"
                [ "$a" = yes ] || [ "$b" != yes ] || die "ours loads ($mode), ld.bfd's: $a"
            done
            clean ours.so
            same_shape ours.so bfd.so
            echo "$a" >verdict ;;
        0,1)
            # ld.bfd of aarch64 takes local-exec TLS for a library and makes a file that reads elsewhere's variables
            [ "$arch" = aarch64 ] && grep 'R_AARCH64_TLSLE' ours.err || { head -n 5 ours.err; die "ld.bfd links it, ours ended with 1"; }
            refusal_is_clear
            echo refused >verdict ;;
        0,*) head -n 5 ours.err; die "ld.bfd links it, ours ended with $ours" ;;
        *,0) head -n 5 bfd.err; die "ld.bfd refuses it, ours does not" ;;
        *)
            [ "$ours" = 1 ] || [ "$ours" = 6 ] || { head -n 5 ours.err; die "exit code $ours"; }
            head -n 3 ours.err
            [ ! -e ours.so ] || die "refused, but there is an output"
            refusal_is_clear
            echo refused >verdict ;;
    esac
}


sweep() {
    local archive extra name dir loaded=0 refused=0 other=0
    use_libdirs
    [ -z "${root:-}" ] || libdirs+=("-L$root/usr/lib/$TRIPLE")
    use_runner
    for archive; do
        # linker scripts and thin archives may have the name of an archive too
        [ "$(head -c 8 "$archive")" = '!<arch>' ] || continue
        for extra in '' -Bsymbolic; do
            name=${archive##*/}${extra:+ $extra}
            check "$name" one "$archive" "$extra" >report
            grep -v '^ok: ' report || true
            dir=$work/${name//[^A-Za-z0-9._+-]/_}
            case $(cat "$dir/verdict" 2>/dev/null) in
                yes) loaded=$((loaded + 1)) ;;
                refused) refused=$((refused + 1)) ;;
                *) other=$((other + 1)) ;;
            esac
            rm -rf "$dir"
        done
    done
    echo "$loaded load, $refused refused by both, $other do not load in either or failed"
}
