-- What must work in a LuaJIT that was loaded with its traces; it fails with the probe's name. Written once for both: with an
-- image and without one.
local util, ffi, bit = require('jit.util'), require('ffi'), require('bit')
local count = 0
local function probe(name, f)
    local ok, err = pcall(f)
    if not ok then error(name .. ': ' .. tostring(err), 0) end
    count = count + 1
end
local function traces() local n = 0 for i = 1, 4000 do if util.traceinfo(i) then n = n + 1 end end return n end
-- how many traces are started and how many made while F runs
local function watched(f)
    local started, made = 0, 0
    local function see(what) if what == 'start' then started = started + 1 elseif what == 'stop' then made = made + 1 end end
    jit.attach(see, 'trace')
    local ok, err = pcall(f)
    jit.attach(see)
    assert(ok, err)
    return started, made
end

probe('closure', function() assert(counter() == 42 and counter() == 43) end)
probe('coroutine', function()
    local ok, v = coroutine.resume(generator)
    assert(ok and v == 16)
    for i = 5, 12 do assert(select(2, coroutine.resume(generator)) == i * i) end
    assert(coroutine.resume(generator) and not coroutine.resume(generator))
end)
probe('new coroutine', function() assert(coroutine.wrap(function(x) return coroutine.yield(x) end)(7) == 7) end)
probe('coroutines in a compiled loop', function()
    local s = 0
    local g = coroutine.wrap(function() for i = 1, 300 do coroutine.yield(i) end return 0 end)
    for _ = 1, 300 do s = s + g() end
    assert(s == 45150)
end)
probe('there are traces', function() assert(traces() > 20, traces()) end)
local expected = assert(os.getenv('EXPECTED'), 'EXPECTED is what work_all(1000) gives elsewhere')
probe('compiled code computes', function() local got = work_all(1000) assert(got == expected, got) end)
probe('and starts none anew', function()
    local started = watched(function() for _ = 1, 5 do work_all(1000) end end)
    assert(started <= 8, started .. ' traces were started')
end)
probe('machine code', function()
    local found = 0
    for i = 1, 4000 do
        local code, address = util.tracemc(i)
        if code then found = found + 1 assert(#code > 10 and address) end
    end
    assert(found > 20)
end)
probe('new traces', function()
    local _, made = watched(function() local s = 0 for i = 1, 5000 do s = s + i % 3 end assert(s == 5001, s) end)
    assert(made >= 1, made)
end)
probe('side traces', function()
    local function f(n, k) local s = 0 for i = 1, n do if i % k == 0 then s = s + 2 else s = s + 1 end end return s end
    local _, made = watched(function() for k = 2, 5 do f(3000, k) end end)
    assert(made >= 2 and f(1000, 10) == 1100, made)
end)
probe('C functions as keys', function()
    assert(by_function[print] == 'print' and by_function[math.sin] == 'sin')
    by_function[table.concat] = 'concat'
    assert(by_function[table.concat] == 'concat')
end)
probe('tables as keys', function() local t = {} by_function[t] = 1 assert(by_function[t] == 1) end)
probe('List', function() assert(words:map(string.upper):concat(' ') == 'FROZEN THAWED WARM') end)
probe('class', function()
    local A = pl.class()
    function A:_init(x) self.x = x end
    assert(A(5).x == 5 and A:class_of(A(1)))
end)
probe('pretty', function() assert(pl.pretty.write({ 1, 2 }, '') == '{1,2}' and pl.pretty.read('{a = {1, 2}}').a[2] == 2) end)
probe('template', function() assert(pl.template.substitute('$(x)!', { x = 'hi' }) == 'hi!') end)
probe('lexer', function() assert(select(2, pl.lexer.lua('local x')()) == 'local') end)
probe('xml', function() assert(pl.xml.parse('<a><b c="1"/></a>')[1].attr.c == '1') end)
probe('Set', function() assert(pl.Set { 1, 2 } + pl.Set { 2, 3 } == pl.Set { 1, 2, 3 }) end)
probe('patterns', function() assert(('key=value'):match('(%w+)=(%w+)') == 'key' and ('a,b,c'):gsub(',', ';') == 'a;b;c') end)
probe('string methods', function() assert(('x'):rep(3) == 'xxx' and ('%05.1f'):format(3.14159) == '003.1') end)
probe('new strings', function() for i = 1, 1000 do local s = 'k' .. i by_function[s] = i assert(by_function[s] == i) end end)
probe('error objects', function() local ok, e = pcall(error, { code = 3 }) assert(not ok and e.code == 3) end)
probe('error in C', function() assert(not pcall(string.rep)) end)
probe('errors in traces', function()
    local function thrower(i) if i > 250 then error('at ' .. i, 0) end return i end
    local ok, e = pcall(function() local s = 0 for i = 1, 1000 do s = s + thrower(i) end return s end)
    assert(not ok and e == 'at 251', e)
end)
probe('errors in traces of the image', function()
    local ok, e = pcall(work.floats, 'x')
    assert(not ok and e:match("'for' limit must be a number"), e)
    local mt = debug.getmetatable('').__index
    local upper = mt.upper
    mt.upper = function() error('no upper', 0) end
    ok, e = pcall(work.strings, 500)
    mt.upper = upper
    assert(not ok and e == 'no upper', e)
    assert(expected:match('strings=(%d+)') == tostring(work.strings(1000)))
end)
probe('xpcall', function()
    local ok, text = xpcall(function() error('deep') end, debug.traceback)
    assert(not ok and text:match('deep') and text:match('stack traceback'))
end)
probe('stack overflow', function() local function f() return 1 + f() end assert(not pcall(f)) end)
probe('stack overflow in a trace', function() local function f(n) return n == 0 and 0 or 1 + f(n - 1) end f(100) assert(not pcall(f, 1e9)) end)
probe('load', function() assert(loadstring('return ... * 2')(21) == 42) end)
probe('dump', function() assert(loadstring(string.dump(function(a) return a + 1 end))(1) == 2) end)
probe('goto', function() local n = 0 ::again:: n = n + 1 if n < 300 then goto again end assert(n == 300) end)
probe('ffi: structs of the image', function() local p = new_point(3, 4) assert(p:length() == 5 and (p + p).x == 6) end)
probe('ffi: C functions', function() assert(ffi.C.strlen('warm') == 4 and ffi.C.abs(-3) == 3) end)
probe('ffi: new types', function()
    ffi.cdef 'typedef struct { uint8_t a; uint64_t b; } later; double fabs(double);'
    assert(ffi.sizeof('later') == 16 and ffi.C.fabs(-1.5) == 1.5 and ffi.new('later', 1, 2).b == 2)
end)
probe('ffi: callbacks', function()
    ffi.cdef 'void qsort(void *, size_t, size_t, int (*)(const int *, const int *));'
    local a = ffi.new('int[5]', { 3, 1, 5, 2, 4 })
    ffi.C.qsort(a, 5, 4, function(x, y) return x[0] - y[0] end)
    for i = 0, 4 do assert(a[i] == i + 1) end
end)
probe('ffi: 64 bits', function() assert(tostring(2ULL ^ 40) == '1099511627776ULL' and 1LL + 1 == 2) end)
probe('ffi: finalizers', function()
    local done = 0
    for _ = 1, 10 do ffi.gc(ffi.new('point'), function() done = done + 1 end) end
    collectgarbage() collectgarbage()
    assert(done == 10)
end)
probe('bit', function() assert(bit.tohex(bit.bnot(0x0f0f0f0f)) == 'f0f0f0f0') end)
probe('sort', function() local t = {} for i = 1, 500 do t[i] = i * 7919 % 503 end table.sort(t) for i = 2, 500 do assert(t[i - 1] <= t[i]) end end)
probe('weak tables', function()
    local w = setmetatable({}, { __mode = 'k' })
    w[{}] = 1
    collectgarbage()
    assert(next(w) == nil)
end)
probe('finalizers', function()
    local done = 0
    for _ = 1, 10 do getmetatable(newproxy(true)).__gc = function() done = done + 1 end end
    collectgarbage() collectgarbage()
    assert(done == 10)
end)
probe('io', function() assert(io.write('') and io.type(io.stderr) == 'file') end)
probe('files', function()
    local name = os.tmpname()
    local f = assert(io.open(name, 'w'))
    for i = 1, 200 do f:write(i, '\n') end
    f:close()
    local n = 0
    for line in io.lines(name) do n = n + tonumber(line) end
    os.remove(name)
    assert(n == 20100)
end)
probe('os and time', function() assert(os.time() > 1e9 and os.clock() >= 0 and os.getenv('PATH')) end)
probe('many allocations', function() local t = {} for i = 1, 50000 do t[i] = { i, tostring(i) } end assert(t[50000][2] == '50000') end)
probe('collector in steps', function()
    collectgarbage('setpause', 100)
    for i = 1, 200 do local t = {} for j = 1, 50 do t[j] = { j } end collectgarbage('step', 10) end
    assert(work_all(1000) == expected)
end)
probe('interpreted alone', function()
    jit.off()
    assert(work_all(1000) == expected)
    jit.on()
end)
probe('old traces flushed', function()
    jit.flush()
    assert(traces() == 0, traces())
    assert(work_all(1000) == expected)
end)
probe('and made again', function()
    for _ = 1, 30 do work_all(1000) end
    assert(traces() > 20, traces())
    local started = watched(function() for _ = 1, 5 do assert(work_all(1000) == expected) end end)
    assert(started <= 8, started)
end)
probe('flushed again, often', function()
    for _ = 1, 20 do jit.flush() for _ = 1, 5 do work_all(500) end end
end)
probe('all goes', function()
    collectgarbage()
    local full = collectgarbage('count')
    pl, words, counter, generator = nil
    for name in pairs(package.loaded) do if name:match('^pl') then package.loaded[name] = nil end end
    collectgarbage() collectgarbage()
    assert(collectgarbage('count') < full)
end)
print(count .. ' probes passed')
