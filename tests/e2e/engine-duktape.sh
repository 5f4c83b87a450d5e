#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/duktape: Duktape as Debian has it, from images; its library is shared, and somewhere else each time.
. "$(dirname "$0")/common.sh"
. "$here/engine-common.sh"
pkg-config --exists duktape || skip "duktape-dev is not installed"
use_engine duktape duktape
js=$examples/js

probes() {
    if have duk; then
        cat "$js/warm.js" "$js/probes.js" >all.js
        duk all.js >expected
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
check updates updates "$engine" js 'function f() { return 1; } f();'
check stale stale "$engine" "$js/warm.js" 'print(counter.next())' 'counter.next();'
check code-only code_only "$engine" js 'var kept = ["%s", "made"].join("-");'

# What MuJS does not have: coroutines, finalizers, typed arrays, proxies, symbols.
more() {
    cat >lib.js <<'EOF'
var thread = new Duktape.Thread(function (first) { var got = first; for (;;) got = Duktape.Thread.yield(got * 2); });
var started = Duktape.Thread.resume(thread, 4);
var bytes = new Uint8Array([1, 2, 3, 250]);
var view = new DataView(bytes.buffer);
var proxy = new Proxy({ a: 1 }, { get: function (t, k) { return k in t ? t[k] : 'no ' + k; } });
var finalized = 0;
var dying = {};
Duktape.fin(dying, function () { finalized++; });
EOF
    cat >main.js <<'EOF'
print(started, Duktape.Thread.resume(thread, 21), Duktape.Thread.resume(thread, 5));
bytes[3]++;
print(bytes[3], view.getUint16(2), new Float64Array([0.5])[0], bytes.buffer.byteLength);
print(proxy.a, proxy.b);
dying = null; Duktape.gc(); print(finalized);
try { Duktape.Thread.resume(new Duktape.Thread(function () { throw new RangeError('in a thread'); })); } catch (e) { print(e.name, e.message); }
print(/(?=a)(a+)b/.exec('aaab')[1], [1, 2, 3].map(String).join(';'), typeof Symbol('x'), new TextDecoder().decode(new TextEncoder().encode('é')));
EOF
    "$engine" -r lib.js main.js >expected
    printf '%s\n' '8 42 10' '251 1019 0.5 4' '1 no b' 1 'RangeError in a thread' 'aaa 1;2;3 symbol é' >want
    same "from source" want expected
    probed "$engine" lib.js main.js
    expect_fail 5 "$engine" -r lib.js --engine.CacheStore=q.so -e 'Duktape.fin({}, function () {}); try { quit(5); } finally { print(1); }'
    "$engine" -r lib.js --engine.CacheLoad=q.so --engine.CacheMode=on main.js >out
    same "after quit()" want out
}
check more more

# Real libraries of Debian's.
real() {
    local lodash=/usr/share/javascript/lodash/lodash.js
    need_file $lodash
    echo 'print(_.VERSION, _.chain([3, 1, 2]).sortBy().map(function (n) { return n * n; }).value(), _.template("<%= a %>!")({ a: 1 }),
        _.isEqual(_.groupBy(["one", "two", "three"], "length"), { 3: ["one", "two"], 5: ["three"] }), _.debounce.length, _.camelCase("a warm engine"))' >main.js
    "$engine" -r $lodash main.js >expected
    expect_text expected ' 1,4,9 1! true 3 aWarmEngine$'
    probed "$engine" $lodash main.js
}
check real real
finish
