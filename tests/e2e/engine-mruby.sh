#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples/mruby: mruby as Debian has it, from images.
. "$(dirname "$0")/common.sh"
. "$here/engine-common.sh"
[ -e /usr/include/mruby.h ] || skip "libmruby-dev is not installed"
use_engine mruby mruby-cache
mruby=$examples/mruby

want_probes() {
    if have mruby; then
        cat "$mruby/warm.rb" "$mruby/probes.rb" >all.rb
        mruby all.rb >expected
    else
        "$engine" -r "$mruby/warm.rb" "$mruby/probes.rb" >expected
    fi
    expect_text expected '^62 probes$' '^closure: \[42, 43, 43\]$' '^fiber goes on: \[9, 25, 36, true\]$' 'bXJ1Ynk=", \["mruby"\]' \
        '^collect: \[43, 7, 249001, 36, 200\]$'
    ! grep 'threw' expected || die "a probe failed"
}

probes() {
    want_probes
    probed "$1" "$mruby/warm.rb" "$mruby/probes.rb"
}
check "probes, PIE" probes "$engine"
check "probes, fixed" probes "$fixed"

# The same with bytecode for sources.
bytecode() {
    need mrbc
    want_probes
    mrbc -g -o warm.mrb "$mruby/warm.rb"
    mrbc -o probes.mrb "$mruby/probes.rb"
    probed "$engine" warm.mrb probes.mrb
    head -c 100 warm.mrb >cut.mrb
    expect_fail 1 "$engine" cut.mrb
    expect_text err 'irep load error (ScriptError)'
}
check bytecode bytecode

code='p COUNT.call, $squares.resume(7), $each.next, $pair, $point3.sum, $symbols.size'
check "starts, PIE" starts "$engine" 60 "$mruby/warm.rb" "$code"
check "starts, fixed" starts "$fixed" 60 "$mruby/warm.rb" "$code"
check updates updates "$engine" rb 'def f() = 1; f'
check stale stale "$engine" "$mruby/warm.rb" 'p COUNT.call' 'COUNT.call'
check code-only code_only "$engine" rb '$kept = ["%s", "made"].join("-")'

# What is of the process, and what ends a program.
process() {
    echo data >data
    cat >lib.rb <<'END'
$open = File.open('data')
$shut = File.open('data')
$shut.close
$out = $stdout
def deep(n) = 1 + deep(n + 1)
begin
  deep(0)
rescue SystemStackError => e
  $deep = e.message
end
END
    code='$out.puts [$open.closed?, $shut.closed?, $deep, gets].inspect; 3.times { GC.start }; p File.open("data").read'
    echo heard | "$engine" -r lib.rb --engine.CacheStore=f.so --engine.CacheMode=on -e "$code" >out
    printf '%s\n' '[false, true, "stack level too deep", "heard\n"]' '"data\n"' >want
    same "from source" want out
    echo heard | "$engine" -r lib.rb --engine.CacheLoad=f.so --engine.CacheMode=on --blocks -e "$code" >out
    printf '%s\n' '[true, true, "stack level too deep", "heard\n"]' '"data\n"' 'mruby-cache: 0 blocks are left' >want
    same "from the image" want out
    echo 'def leave = exit(7)' >leave.rb
    echo 'load "leave.rb"; begin; leave; ensure; puts "ensured"; end' >main.rb
    expect_fail 7 "$engine" --engine.CacheStore=q.so main.rb
    expect_text out '^ensured$'
    "$engine" --engine.CacheLoad=q.so --engine.CacheMode=on --engine.TraceCache -e 'p ARGV' 2>err | grep -qx '\[\]'
    expect_text err 'Loaded image in .* 2 sources   3 roots'
    echo 'raise IndexError, "no"' >error.rb
    expect_fail 1 "$engine" -r error.rb --engine.CacheStore=e.so -e 'p 1'
    expect_text err '^error.rb:1: no (IndexError)$'
    echo 'def (' >syntax.rb
    expect_fail 1 "$engine" syntax.rb
    expect_text err '^syntax.rb: .*syntax error.* (SyntaxError)$'
}
check process process
finish
