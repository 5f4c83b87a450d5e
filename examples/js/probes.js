// What must work in an engine that came from an image. Each probe prints a line; the same lines come from source.
var probes = 0;
function probe(name, f) {
    var got;
    try { got = f(); } catch (e) { got = 'threw ' + e.name; }
    probes++;
    print(name + ': ' + got);
}
function thrown(f) { try { f(); } catch (e) { return e instanceof Error ? e.name : 'value ' + e; } return 'nothing'; }
probe('closure', function () { return [counter.next(), counter.next(), counter.peek()]; });
probe('method', function () { return warm.point.sum() + ' ' + warm.point; });
probe('inheritance', function () { return [warm.point3.sum(), warm.point3 instanceof Point, warm.point3 instanceof Point3, String(warm.point3)]; });
probe('new method on an old prototype', function () { Point.prototype.scale = function (k) { return new Point(this.x * k, this.y * k); }; return warm.point3.scale(2).sum(); });
probe('regexp goes on', function () { return [warm.words.lastIndex, warm.words.exec('one=1 two=2')[1], warm.words.exec('one=1 two=2')]; });
probe('regexp groups', function () { return [warm.email.exec('Some.One@Example.org')[1], warm.email.test('nobody'), 'a1b22'.replace(/\d+/g, function (d) { return '<' + d + '>'; })]; });
probe('new regexp', function () { return new RegExp('^(a|b)*?c$').exec('ababc').join('|'); });
probe('split', function () { return 'a, b;c'.split(/[,;]\s*/); });
probe('date', function () { return [warm.date.toISOString(), warm.date.getTime(), new Date(0).toISOString()]; });
probe('now', function () { return Date.now() > Date.UTC(2024, 0, 1) && new Date() - warm.date !== 0; });
probe('sort', function () { return warm.list.slice().sort(function (a, b) { return a - b; }); });
probe('array methods', function () { return [warm.list.map(function (x) { return x * 2; }), warm.list.reduce(function (a, b) { return a + b; }), warm.list.indexOf(9), warm.list.filter(function (x) { return x > 3; })]; });
probe('array grows', function () { var a = warm.list.slice(); for (var i = 0; i < 3000; i++) a.push(i); return [a.length, a[3003]]; });
probe('sparse array', function () { return [warm.sparse.length, 5 in warm.sparse, warm.sparse[1000]]; });
probe('json', function () { return JSON.stringify(warm.deep); });
probe('json back', function () { return JSON.parse(JSON.stringify({ x: [1, 'two', { three: 3 }] })).x[2].three; });
probe('frozen', function () { warm.frozen.fixed = 2; warm.frozen.other = 1; return [warm.frozen.fixed, warm.frozen.other, Object.isFrozen(warm.frozen), Object.isSealed(warm.sealed)]; });
probe('accessor', function () { warm.half = 21; return [warm.half, warm.list[0], warm.constant, 'half' in warm]; });
probe('bound', function () { return warm.bound(); });
probe('kept error', function () { return [warm.error.name, warm.error instanceof TypeError]; });
probe('new errors', function () { return [thrown(function () { missing; }), thrown(function () { (void 0).x; }), thrown(function () { throw 5; }), thrown(function () { new Array(-1); }), thrown(function () { eval('1 +'); }), thrown(function () { decodeURIComponent('%'); })]; });
probe('finally', function () { var log = []; (function () { try { log.push(1); throw 2; } catch (e) { log.push(e); return; } finally { log.push(3); } })(); return log; });
probe('nested try', function () { var n = 0; for (var i = 0; i < 200; i++) try { try { throw i; } finally { n++; } } catch (e) { n += e; } return n; });
probe('recursion ends', function () { function f(n) { return 1 + f(n + 1); } return thrown(function () { f(0); }) !== 'nothing'; });
probe('deep recursion', function () { function f(n) { return n ? 1 + f(n - 1) : 0; } return f(20); });
probe('text', function () { return [warm.text.length, warm.text.slice(-3), warm.text.toUpperCase().indexOf('XYZ')]; });
probe('table', function () { var n = 0; for (var k in warm.table) n += warm.table[k].square; return [n, warm.table.key499.number, delete warm.table.key7, 'key7' in warm.table]; });
probe('table grows', function () { for (var i = 500; i < 1500; i++) warm.table['key' + i] = { number: i }; return [Object.keys(warm.table).length, warm.table.key1499.number]; });
probe('function from text', function () { return [warm.made(6, 7), new Function('x', 'return x + 1')(1)]; });
probe('eval', function () { return [eval('(function (x) { return x * x; })')(12), eval('counter.peek()')]; });
probe('boxed', function () { return [warm.boxed[0] + 1, warm.boxed[1] + '', warm.boxed[2] ? 'true' : 'false', typeof warm.boxed[0]]; });
probe('cycle', function () { return warm.cycle.self.self === warm.cycle; });
probe('arguments', function () { return [warm.args.length, warm.args[1], (function () { return arguments.length; })(1, 2)]; });
probe('memo', function () { return [slow(60), slow(62)]; });
probe('numbers', function () { return [0.1 + 0.2, 1 / 3, (255).toString(16), parseInt('ff', 16), (1.005).toFixed(2), 1e21, -0 === 0, NaN, 5 % -3, 1 << 31 >>> 1]; });
probe('math', function () { var r = Math.random(); return [r >= 0 && r < 1, Math.max(1, 5, 3), Math.round(2.5), Math.floor(Math.pow(2, 0.5) * 1000)]; });
probe('names and types', function () { return [typeof undefinedName, typeof null, typeof print, Object.prototype.toString.call([]), Point.name === undefined || Point.name]; });
probe('unicode', function () { return ['é€'.length, encodeURIComponent('é'), '\u00e9' === warm.deep.a[1].b[2]]; });
probe('with and labels', function () { var out = []; outer: for (var i = 0; i < 3; i++) for (var j = 0; j < 3; j++) { if (j === 2) continue outer; if (i === 2) break outer; out.push(i * 10 + j); } return out; });
probe('switch', function () { return [1, 'a', 9].map(function (x) { switch (x) { case 1: return 'one'; case 'a': return 'letter'; default: return 'other'; } }); });
probe('getter in a literal', function () { return ({ n: 2, get twice() { return this.n * 2; } }).twice; });
probe('global functions', function () { return [isNaN('x'), isFinite(1), decodeURI(encodeURI('a b')), parseFloat('3.5kg')]; });
probe('garbage', function () { var kept = []; for (var i = 0; i < 30000; i++) { var o = { i: i, s: 'n' + i, f: function () { return i; } }; if (i % 3000 === 0) kept.push(o); } return [kept.length, kept[9].s, kept[0].f()]; });
probe('collect', function () { if (typeof gc === 'function') { gc(); gc(); } return [counter.peek(), warm.point.sum(), warm.table.key499.square]; });
probe('collect after all is dropped', function () { warm = null; memo = null; if (typeof gc === 'function') gc(); return typeof counter.next; });
print(probes + ' probes');
