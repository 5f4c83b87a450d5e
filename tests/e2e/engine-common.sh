# SPDX-License-Identifier: GPL-3.0-or-later
# What the engine-*.sh scripts share: the runner of examples/runner with a language. Read after common.sh.

need gcc pkg-config
[ "$(uname -m)" = x86_64 ] || skip "not an x86-64 machine"
[ -e "${top_builddir:?}/runtime/.libs/libsysimage.so" ] || skip "libsysimage is not built as a shared library"
BUILD=$(cd "$top_builddir" && pwd)
export BUILD
examples=$(cd "${top_srcdir:?}/examples" && pwd)

# use_engine DIRECTORY NAME FLAG...: $engine is the program as PIE, $fixed at a fixed address
use_engine() {
    local dir=$1 name=$2
    shift 2
    bash "$examples/$dir/build.sh" "$work/$name" -pie -fPIE -Werror
    mkdir "$work/fixed"
    bash "$examples/$dir/build.sh" "$work/fixed/$name" -no-pie -fno-pie -Werror
    engine=$work/$name fixed=$work/fixed/$name
}

# probed PROGRAM LIBRARY PROBES...: the same from source, while storing, and from the image: with and without a
# context. What is expected is in the file expected.
probed() {
    local program=$1 library=$2 mode
    shift 2
    "$program" -r "$library" "$@" >out
    same "without a cache" expected out
    for mode in true false; do
        "$program" -r "$library" --engine.CachePreinitializeContext=$mode --engine.CacheStore=$mode.so --engine.CacheMode=on "$@" >out
        same "while storing, context $mode" expected out
        "$OBJTOOL" verify $mode.so
        for _ in 1 2; do
            "$program" -r "$library" --engine.CachePreinitializeContext=$mode --engine.CacheLoad=$mode.so --engine.CacheMode=on \
                --engine.CacheVerify=full --engine.TraceCache --blocks "$@" >out 2>err
            expect_text err 'Loaded image'
            grep -q ' 0 blocks are left$' out || { cat out err; die "context $mode: not everything was freed"; }
            sed -i '$d' out
            same "from the image, context $mode" expected out
        done
    done
}

# starts PROGRAM COUNT LIBRARY CODE: loads under ASLR, of an image that another process made
starts() {
    local program=$1 count=$2 library=$3 code=$4 expected out i
    expected=$("$program" -r "$library" --engine.CacheStore=starts.so --engine.CacheMode=on -e "$code")
    [ -n "$expected" ] || die "the code prints nothing"
    for ((i = 0; i < count; i++)); do
        out=$("$program" -r "$library" --engine.CacheLoad=starts.so --engine.CacheMode=on --engine.TraceCache -e "$code" 2>&1) ||
            die "start $i: $out"
        [[ $out == *'Loaded image'*$'\n'"$expected"$'\n'* ]] || die "start $i: $out"
    done
}

# updates PROGRAM SUFFIX NEW: the update policies, counted: what is stored when nothing is new, and when a
# program was loaded that the image does not have.  NEW is a program's text.
updates() {
    local program=$1 suffix=$2 new=$3 policy stored
    echo "$new" >first.$suffix
    echo "$new" >second.$suffix
    for policy in always newsource newroot newcode never; do
        rm -f p.so
        "$program" --engine.CacheStore=p.so first.$suffix >/dev/null
        stored=
        for file in first second second first; do
            "$program" --engine.Cache=p.so --engine.UpdatePolicy=$policy --engine.TraceCache $file.$suffix >out 2>err
            grep -q 'Loaded image' err || { cat err; die "$policy: not loaded"; }
            if grep -q 'Finished writing' err; then stored+=1; else stored+=0; fi
        done
        echo "$policy $stored"
    done >stored
    cat >want <<'EOF'
always 1111
newsource 0100
newroot 0100
newcode 0100
never 0000
EOF
    same "what was stored" want stored
}

# code_only PROGRAM SUFFIX MAKES: MAKES is code that makes a string of %s and "-made". What a library makes is in the
# context, and not in an image of code; what the program makes is in neither.
code_only() {
    local program=$1 suffix=$2 makes=$3
    printf "$makes" library >lib.$suffix
    printf "$makes" program >main.$suffix
    "$program" -r lib.$suffix --engine.CacheStore=context.so --engine.CacheMode=on main.$suffix
    "$program" -r lib.$suffix --engine.CachePreinitializeContext=false --engine.CacheStore=code.so --engine.CacheMode=on main.$suffix
    grep -q library-made context.so || die "what the library made is not in the context"
    ! grep -q program-made context.so || die "what the program made is in the image"
    ! grep -q 'library-made\|program-made' code.so || die "what was made is in the image of code"
    # one is not taken for the other
    "$program" -r lib.$suffix --engine.CacheLoad=code.so --engine.TraceCache main.$suffix 2>err
    expect_text err 'Not loaded (flags)'
}

# stale PROGRAM LIBRARY CODE NEW: a library that has changed is loaded anew, and the image made again
stale() {
    local program=$1 library=$2 code=$3 new=$4
    cp "$library" library
    "$program" -r library --engine.Cache=s.so -e "$code" >out
    "$program" -r library --engine.Cache=s.so --engine.TraceCache -e "$code" >out 2>err
    expect_text err 'Loaded image'
    echo "$new" >>library
    "$program" -r library --engine.Cache=s.so --engine.TraceCache -e "$code" >out2 2>err
    expect_text err 'Not loaded (stale)' 'Finished writing'
    "$program" -r library --engine.Cache=s.so --engine.TraceCache -e "$code" >out3 2>err
    expect_text err 'Loaded image'
    same "the output" out2 out3
}
