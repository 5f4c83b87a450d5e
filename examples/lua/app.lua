-- What is warm when lua-image freezes it: all of Penlight, and some state of our own.
require 'pl.import_into'
local modules = { 'app', 'array2d', 'class', 'comprehension', 'config', 'data', 'Date', 'dir', 'file', 'func', 'input',
    'lapp', 'lexer', 'List', 'luabalanced', 'Map', 'MultiMap', 'operator', 'OrderedMap', 'path', 'permute', 'pretty', 'seq',
    'Set', 'sip', 'strict', 'stringio', 'stringx', 'tablex', 'template', 'test', 'text', 'types', 'url', 'utils', 'xml' }
pl = {}
for _, name in ipairs(modules) do
    local ok, module = pcall(require, 'pl.' .. name)
    if ok then pl[name] = module end
end
setmetatable(_G, nil) -- pl.strict's

counter = (function() local n = 41; return function() n = n + 1; return n end end)()
generator = coroutine.create(function(a) for i = a, a + 9 do coroutine.yield(i * i) end end)
assert(select(2, coroutine.resume(generator, 3)) == 9)
words = pl.List { 'frozen', 'thawed', 'warm' }
by_function = { [print] = 'print', [string.format] = 'format' }
