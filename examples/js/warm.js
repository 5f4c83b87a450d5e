// State for an image's context: what probes.js finds there, however it got there. ES5.
var counter = (function () { var n = 41; return { next: function () { return ++n; }, peek: function () { return n; } }; })();
function Point(x, y) { this.x = x; this.y = y; }
Point.prototype = { constructor: Point, sum: function () { return this.x + this.y; }, toString: function () { return '(' + this.x + ',' + this.y + ')'; } };
function Point3(x, y, z) { Point.call(this, x, y); this.z = z; }
Point3.prototype = Object.create(Point.prototype);
Point3.prototype.sum = function () { return Point.prototype.sum.call(this) + this.z; };
var warm = {
    point: new Point(3, 4),
    point3: new Point3(1, 2, 3),
    words: /(\w+)=(\d+)/g,
    email: /^[a-z.]+@([a-z]+)\.(org|com)$/i,
    date: new Date(Date.UTC(2026, 10, 27, 12, 0, 0)),
    list: [5, 3, 9, 1],
    sparse: (function () { var a = []; a[1000] = 'far'; return a; })(),
    deep: JSON.parse('{"a": [1, {"b": [true, null, "\\u00e9"]}], "c": -1.5e3}'),
    frozen: Object.freeze({ fixed: 1 }),
    sealed: Object.seal({ kept: 1 }),
    bound: Point.prototype.sum.bind({ x: 20, y: 22 }),
    error: (function () { try { null.field; } catch (e) { return e; } })(),
    text: (function () { var s = ''; for (var i = 0; i < 300; i++) s += String.fromCharCode(97 + i % 26); return s; })(),
    table: {},
    made: new Function('a', 'b', 'return a * b'),
    boxed: [new Number(7), new String('box'), new Boolean(false)],
    cycle: {},
    args: (function () { return arguments; })(1, 'two', 3)
};
warm.cycle.self = warm.cycle;
warm.words.exec('one=1 two=2'); // lastIndex goes on from here
for (var i = 0; i < 500; i++) warm.table['key' + i] = { number: i, square: i * i };
Object.defineProperty(warm, 'half', { get: function () { return this.list[0] / 2; }, set: function (v) { this.list[0] = v * 2; }, enumerable: false, configurable: true });
Object.defineProperty(warm, 'constant', { value: 17, writable: false });
var memo = {};
function slow(n) { return memo[n] || (memo[n] = n < 2 ? n : slow(n - 1) + slow(n - 2)); }
for (i = 0; i <= 60; i++) slow(i);
