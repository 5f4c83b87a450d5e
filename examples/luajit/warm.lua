-- What is in the image: all of Penlight, closures, a coroutine, ffi types, and functions that ran until they were compiled.
pl = require('pl.import_into')()
for _, name in ipairs { 'List', 'class', 'stringx', 'pretty', 'tablex', 'seq', 'Set', 'OrderedMap', 'template', 'lexer',
                        'data', 'xml', 'url', 'comprehension', 'permute', 'sip', 'stringio', 'Date', 'strict' } do
    local _ = pl[name]
end
local ffi, bit = require('ffi'), require('bit')

local count = 41
function counter() count = count + 1 return count end

generator = coroutine.create(function() for i = 1, 12 do coroutine.yield(i * i) end end)
for _ = 1, 3 do coroutine.resume(generator) end

by_function = { [print] = 'print', [string.format] = 'format', [math.sin] = 'sin' }
words = pl.List { 'frozen', 'thawed', 'warm' }
pattern_cache = {}

ffi.cdef [[
    typedef struct { double x, y; } point;
    size_t strlen(const char *s);
    int abs(int);
]]
local Point
Point = ffi.metatype('point', {
    __add = function(a, b) return Point(a.x + b.x, a.y + b.y) end,
    __index = { length = function(p) return math.sqrt(p.x * p.x + p.y * p.y) end },
})
new_point = Point

-- The work: each of these is compiled while it runs.
work = {}
function work.floats(n) local s = 0 for i = 1, n do s = s + math.sin(i) * (i % 7) end return ('%.6f'):format(s) end
function work.sieve(n)
    local is, found = {}, 0
    for i = 2, n do is[i] = true end
    for i = 2, n do if is[i] then found = found + 1 for j = i * i, n, i do is[j] = false end end end
    return found
end
function work.strings(n) local t = {} for i = 1, n do t[i] = words[i % 3 + 1]:upper() .. i end return #table.concat(t, ' ') end
function work.bits(n) local h = 0 for i = 1, n do h = bit.bxor(bit.rol(h, 5), i * 2654435761 % 4294967296) end return bit.tohex(h) end
function work.points(n) local p = Point(0, 0) for i = 1, n do p = p + Point(i, -i) end return ('%.3f'):format(p:length()) end
function work.array(n)
    local a = ffi.new('int32_t[?]', n)
    for i = 0, n - 1 do a[i] = (i * 7919) % n end
    local s = 0
    for i = 0, n - 1 do s = s + a[a[i]] end
    return s
end
function work.calls(n) local s = 0 for i = 1, n do s = s + ffi.C.abs(-i) + tonumber(ffi.C.strlen('four')) end return s end
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
function work.recursion(n) return fib(math.floor(math.log(n) * 2)) end
function work.sort(n) local t = {} for i = 1, n do t[i] = i * 7919 % 10007 end table.sort(t, function(a, b) return a > b end) return t[1] .. ':' .. t[n] end
function work.closures(n) local fs = {} for i = 1, n do fs[i] = function(x) return x + i end end local s = 0 for i = 1, n do s = fs[i](s) % 65536 end return s end

-- one line of results for N; the same whoever computes it
function work_all(n)
    local names, out = {}, {}
    for name, f in pairs(work) do names[#names + 1] = name end
    table.sort(names)
    for i, name in ipairs(names) do out[i] = name .. '=' .. tostring(work[name](n)) end
    return table.concat(out, ' ')
end
for _ = 1, 20 do work_all(1000) end
