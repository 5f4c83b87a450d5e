#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/js: MuJS as Debian has it, from images: the walk-through of the document that the options come from, and
# what it says cannot be done.
. "$(dirname "$0")/common.sh"
. "$here/engine-common.sh"
pkg-config --exists mujs || skip "libmujs-dev is not installed"
use_engine js js
js=$examples/js

# Line by line; times and sizes are the machine's.
walk() {
    cp "$js/fib.js" .
    shape() { sed -E 's/[0-9]+ ms/N ms/; s/[0-9,]+ bytes/N bytes/; /pointers inside/d' "$1"; }
    "$engine" --experimental-options --engine.TraceCache=true --engine.CacheStore=fib.image fib.js >out 2>err
    echo 6765 >want
    same "what fib.js prints" want out
    shape err >trace
    cat >want <<'EOF'
[engine] [cache] No load engine cache configured.
[engine] [cache] Preparing engine for store (compile policy hot)...
[engine] [cache] Force compile targets mode: hot
[engine] [cache] Prepared engine in N ms.
[engine] [cache] Persisting engine for store ...
[engine] [cache] Persisted engine in N ms.
[engine] [cache] Detecting changes (update policy always)...
[engine] [cache]     New image contains         1 sources and   2 function roots.
[engine] [cache]     Always persist policy.
[engine] [cache] Writing image to fib.image...
[engine] [cache] Finished writing N bytes in N ms.
EOF
    same "the trace of a store" want trace
    "$engine" --experimental-options --engine.TraceCache --engine.CacheLoad=fib.image fib.js >out 2>err
    echo 6765 >want
    same "what fib.js prints" want out
    shape err >trace
    cat >want <<'EOF'
[engine] [cache] Try loading image './fib.image'...
[engine] [cache] Loaded image in N ms. N bytes   1 sources   2 roots
[engine] [cache] Engine from image successfully patched with new options.
[engine] [cache] No store engine cache configured.
EOF
    same "the trace of a load" want trace
    # the file is what it says
    [ "$(stat -c %s fib.image)" = "$("$engine" --engine.TraceCache --engine.CacheStore=again.image fib.js 2>&1 |
        sed -n 's/.*Finished writing \([0-9,]*\) bytes.*/\1/p' | tr -d ,)" ] || die "not as many bytes as it says"
    "$OBJTOOL" verify fib.image
    "$OBJTOOL" inspect fib.image >out
    expect_text out 'js MuJS 1\.'
    # and the rest of the document's options
    "$engine" --engine.TraceCompilation --engine.DebugCacheTrace --engine.DebugCacheStore --engine.DebugCacheCompile=executed fib.js >out 2>err
    expect_text err 'Preparing debug engine for storage' 'Force compile targets mode: executed' 'Stored debug engine in memory'
    "$engine" -XX:+TraceAuxiliaryImageClassHistogram -XX:+TraceAuxiliaryImageReferenceTree --engine.CacheStore=h.so fib.js >out 2>err
    expect_text err 'source text' 'Reference tree' 'blocks are reached from roots'
}
check walk-through walk

# What MuJS itself prints; with PIE and without.
probes() {
    if have mujs; then
        cat "$js/warm.js" "$js/probes.js" >all.js
        mujs all.js >expected
    else
        "$engine" -r "$js/warm.js" "$js/probes.js" >expected
    fi
    expect_text expected '^45 probes$' '^closure: 42,43,43$' '^collect: 43,7,249001$'
    probed "$1" "$js/warm.js" "$js/probes.js"
}
check "probes, PIE" probes "$engine"
check "probes, fixed" probes "$fixed"

code='print(counter.next(), warm.words.lastIndex, warm.point3.sum(), typeof Math.random())'
check "starts, PIE" starts "$engine" 100 "$js/warm.js" "$code"
check "starts, fixed" starts "$fixed" 100 "$js/warm.js" "$code"

# Real libraries of Debian's, two loaded before the program, and one by it.
real() {
    local dir=/usr/share/javascript
    need_file $dir/underscore/underscore.js $dir/handlebars/handlebars.js $dir/mustache/mustache.js
    {
        echo "load('$dir/handlebars/handlebars.js');"
        echo 'print(_.chain([3, 1, 2]).sortBy().map(function (n) { return n * n; }).value(), _.isEqual(_.groupBy(["one", "two", "three"], "length"), { 3: ["one", "two"], 5: ["three"] }));
        print(Mustache.render("{{#list}}<{{.}}>{{/list}} {{{raw}}} {{raw}}", { list: [1, 2], raw: "a&b" }));
        print(Handlebars.compile("{{#each list}}{{@index}}={{this}};{{/each}}")({ list: ["x", "y"] }));'
    } >main.js
    cat $dir/underscore/underscore.js $dir/mustache/mustache.js >lib.js
    "$engine" -r lib.js main.js >expected
    printf '%s\n' '1,4,9 true' '<1><2> a&b a&amp;b' '0=x;1=y;' >want
    same "from source" want expected
    probed "$fixed" lib.js main.js
}
check real real

# Nothing is to be written after a load where nothing can have moved.
words() {
    "$engine" --engine.TraceCache --engine.CacheStore=w.so "$js/fib.js" 2>&1 | grep -q ' [1-9],[0-9]* into libraries' || die "PIE: no word to write"
    "$fixed" --engine.TraceCache --engine.CacheStore=w.so "$js/fib.js" 2>&1 | grep -q ' 0 into libraries' || die "words to write"
}
check words words

# What one process does is not in the image, and each draws its own numbers.
again() {
    "$engine" -r "$js/warm.js" --engine.CacheStore=a.so -e 'counter.next(); warm.leak = 1' >out
    for _ in 1 2 3; do
        "$engine" -r "$js/warm.js" --engine.CacheLoad=a.so --engine.CacheMode=on -e 'print(counter.next(), typeof warm.leak, Math.random())'
    done >out
    [ "$(cut -d' ' -f1,2 out | sort -u)" = "42 undefined" ] || { cat out; die "state is left"; }
    [ "$(sort -u out | wc -l)" = 3 ] || { cat out; die "the same random numbers"; }
}
check again again
check updates updates "$engine" js 'function f() { return 1; } f();'
check stale stale "$engine" "$js/warm.js" 'print(counter.next())' 'counter.next();'
check code-only code_only "$engine" js 'var kept = ["%s", "made"].join("-");'

# With any policy of compilation: MuJS has no machine code, so nothing is compiled and nothing dropped.
policies() {
    local policy
    for policy in none compiled hot aot executed; do
        "$engine" --engine.TraceCache --engine.TraceCompilation --engine.CacheCompile=$policy --engine.CacheStore=$policy.so "$js/fib.js" >out 2>err
        expect_text err "mode: $policy" ' 2 function roots'
        reject_text err 'Force compiling' 'opt done'
        "$engine" --engine.CacheLoad=$policy.so --engine.CacheMode=on "$js/fib.js" | grep -qx 6765
    done
}
check policies policies

# Code that came later, and an end in the middle.
later() {
    echo 'function plus(a) { return a + 1; }' >plus.js
    echo 'load("plus.js"); print(plus(1)); if (scriptArgs[0] === "end") quit(7); print("not ended")' >main.js
    "$engine" --engine.Cache=l.so --engine.TraceCache main.js >out 2>err
    expect_text err '2 sources and   3 function roots'
    expect_fail 7 "$engine" --engine.Cache=l.so --engine.TraceCache main.js end
    expect_text err 'Loaded image' 'Finished writing'
    echo 'function plus(a) { return a + 2; } function more() {}' >plus.js
    "$engine" --engine.Cache=l.so --engine.TraceCache main.js >out 2>err
    expect_text out '^3$'
    expect_text err 'Loaded image contained *2 sources and *3 function roots' 'New image contains *2 sources and *4 function roots'
    # options from the environment
    JS_OPTIONS='--engine.Cache=l.so --engine.CacheMode=readonly --engine.TraceCache' "$engine" main.js >out 2>err
    expect_text err 'Loaded image' 'Not stored (read-only)'
    # a program that is not one is not kept
    echo 'var 1' >bad.js
    expect_fail 1 "$engine" --engine.Cache=l.so --engine.TraceCache bad.js
    expect_text err SyntaxError 'New image contains *2 sources'
}
check later later

# Two and ten images in one process, unloaded in any order.
many() {
    local count=$1 seed i args=()
    [ -e "$work/many" ] || MAIN=$here/../support/enginemany.c bash "$examples/js/build.sh" "$work/many" -Werror
    for ((i = 0; i < count; i++)); do
        echo "var n = $((i * 1000)); function next() { return ++n; }" >lib$i.js
        args+=("i$i.so=lib$i.js")
    done
    "$work/many" store 'next()' "${args[@]}"
    for seed in 1 2 3; do
        "$work/many" $seed 'print(next())' "${args[@]}" >out
        # of image k: k*1000 + 1, 2, ... for as long as it was there, then 1 again
        [ "$(wc -l <out)" = $((2 * count + count * (count - 1) / 2)) ] || { cat out; die "not all ran"; }
        for ((i = 0; i < count; i++)); do
            awk -v from=$((i * 1000)) '$1 > from && $1 < from + 1000' out >mine
            awk -v from=$((i * 1000)) 'NR > 1 && $1 != last + 1 { again++; if ($1 != from + 1) exit 1 } { last = $1 }
                END { exit again != 1 }' mine || { cat mine; die "image $i of $count"; }
        done
    done
}
check "two images" many 2
check "ten images" many 10

# A program with more rights than who started it is not told by the environment what to load.
rights() {
    local as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    [ "$(id -u)" = 0 ] || skip "only root can make such a program for another user"
    need setpriv
    chmod 755 "$work" .
    cp "$js/fib.js" .
    install -m 4755 "$(command -v id)" id
    # with a library that another user reaches, wherever this project lies
    mkdir -p own/runtime/.libs
    cp -L "$top_builddir/runtime/.libs/libsysimage.so.0" own/runtime/.libs
    ln -s libsysimage.so.0 own/runtime/.libs/libsysimage.so
    BUILD=$PWD/own bash "$js/build.sh" js
    chmod 4755 js
    [ "$("${as[@]}" ./id -u)" = 0 ] || skip "programs get no rights here"
    "${as[@]}" ./js fib.js >out || skip "another user cannot reach the library"
    JS_OPTIONS=--engine.TraceCache "${as[@]}" ./js fib.js >out 2>err
    reject_text err cache
    JS_OPTIONS=--engine.TraceCache ./js fib.js >out 2>err
    expect_text err 'No load engine cache configured'
}
check rights rights

# Loads while others store there.
meanwhile() {
    local i
    "$engine" -r "$js/warm.js" --engine.CacheStore=m.so -e '' >out
    (while [ ! -e stop ]; do "$engine" -r "$js/warm.js" --engine.Cache=m.so -e 'counter.next()'; done) &
    for ((i = 0; i < 50; i++)); do
        "$engine" -r "$js/warm.js" --engine.CacheLoad=m.so --engine.CacheMode=on --engine.CacheVerify=full --engine.TraceCache \
            -e 'print(counter.next())' >out 2>err || { touch stop; cat err; die "load $i"; }
        grep -qx 42 out && grep -q 'Loaded image' err || { touch stop; cat out err; die "load $i"; }
    done
    touch stop
    wait $!
}
check meanwhile meanwhile

finish
