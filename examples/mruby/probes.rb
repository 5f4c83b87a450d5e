# What must work in an mruby that came from an image. Each probe prints a line; the same lines come from source.
$probes = 0
def probe(name)
  got = begin
    yield
  rescue Exception => e
    "threw #{e.class}: #{e.message}"
  end
  $probes += 1
  puts "#{name}: #{got.is_a?(String) ? got : got.inspect}"
end
def thrown
  yield
  :nothing
rescue Exception => e
  e.class
end

probe('closure') { [COUNT.call, COUNT.(), PEEK[]] }
probe('method') { "#{$point.sum} #{$point}" }
probe('inheritance') { [$point3.sum, $point3.is_a?(Point), Point3.ancestors.include?(Comparable), Point3.superclass] }
probe('comparable') { [$point > $point3, $point.clamp($point3, $point).sum, [$point, $point3].min.sum] }
probe('new method on a class of the image') do
  class Point
    def scale(k) = Point.new(@x * k, @y * k)
  end
  $point3.scale(2).to_s
end
probe('method redefined') do
  before = $point.to_s
  class Point
    alias old_to_s to_s
    def to_s() = "<#{old_to_s}>"
  end
  after = $point.to_s
  class Point
    alias to_s old_to_s
  end
  [before, after, $point.to_s]
end
probe('new subclass') { Class.new(Point3) { def sum() = super * 100 }.new(1, 2, 3).sum }
probe('extend and include') { $point.extend(Loud); [$point.shout, $point.is_a?(Loud), $point3.is_a?(Loud)] }
probe('singleton') { def $single.other() = only; [$single.only, $single.other, $single.singleton_methods.sort] }
probe('method_missing') { $recorder.third(1, 2, 3).calls }
probe('class variables') { Stack.new; Stack.made }
probe('enumerable') { [$stack.sort, $stack.map { |x| x * 2 }, $stack.inject(:+), $stack.include?(9), $stack.each_slice(3).to_a, $stack.sort_by { |x| -x }] }
probe('fiber goes on') { [$started, $squares.resume(5), $squares.resume(nil), $squares.alive?] }
probe('new fiber') { f = Fiber.new { |a| b = Fiber.yield(a + 1); :"done#{b}" }; [f.resume(1), f.resume(7), f.alive?, thrown { f.resume }] }
probe('fibers in fibers') { outer = Fiber.new { inner = Fiber.new { Fiber.yield 1; 2 }; Fiber.yield inner.resume; inner.resume + 10 }; [outer.resume, outer.resume] }
probe('many fibers') { 200.times.map { |i| f = Fiber.new { Fiber.yield i; i * 2 }; f.resume; f }.map(&:resume).inject(:+) }
probe('enumerator goes on') { [$each.next, $each.next, thrown { $each.next }] }
probe('new enumerator') { e = Enumerator.new { |y| 3.times { |i| y << i * i } }; [e.next, e.to_a, e.next, e.with_index.map { |a, i| a * i }] }
probe('lazy') { $lazy.first(4) }
probe('hash') { [$table.size, $table['key499'][:square], $table.delete('key7'), $table.key?('key7'), $table.first] }
probe('hash grows') { 1000.times { |i| $table["new#{i}"] = i }; [$table.size, $table['new999'], $table.keys.last] }
probe('objects as keys') { [$by_object[$point], $by_object[[1, 2]], $by_object[1.5], $by_object[:sym], $by_object[nil], $by_object[Point], $by_object[$point3]] }
probe('hash defaults') { [$defaults[4], $defaults[21], $defaults.keys, $defaults.to_a.flatten] }
probe('strings') { [$text.size, $text[-3..-1], $text.upcase.index('XYZ'), $text.sub('abc', 'ABC')[0, 5], $text.reverse[0, 3], "a-b_c".tr('-_', '  ').split(' ')] }
probe('shared strings') { s = $shared.dup; s << '!' * 10; $shared[0] = 'K'; [$shared[0, 3], $shared.size, s[-2..-1], $text[10, 3]] }
probe('frozen strings') { [$frozen.frozen?, thrown { $frozen << 'x' }, ($frozen + 'x')] }
probe('format') { [format('%05d|%-6s|%+.3f|%x|%e|%%', 42, 'ab', 3.14159, 255, 12345.678), '%s is %p' % ['nil', nil], "#{1.0}#{:a}#{[1, 'b']}"] }
probe('unicode') { ['é€'.size, 'é€'.bytes.size, "\u00e9" == 'é', 'é€'.reverse.size] }
probe('symbols') { [$symbols.last, :"made #{$probes > 0}", 'to_sym'.to_sym.to_proc.call('x'), %w[b a].sort.map(&:to_sym), :alpha.object_id == 'alpha'.to_sym.object_id] }
probe('new symbols') { 2000.times { |i| "symbol_number_#{i}".to_sym }; ['symbol_number_1999'.to_sym.to_s, :symbol_number_3 == 'symbol_number_3'.to_sym] }
probe('struct') { [$pair.swap.to_a, $pair == Pair.new(1, [2, 3]), $pair.left += 1, $pair.members, Pair.new(5).to_h] }
probe('new struct') { S = Struct.new(:a, :b); [S.new(1, 2).to_s, S.new(1, 2) == S.new(1, 2), thrown { S.new(1, 2, 3) }] }
probe('ranges') { [$range.to_a.size, $range.include?(7), 3.step(12, 4).to_a, $floats.to_a.join, (1...10).each_cons(4).to_a.size, $range === 12] }
probe('numbers') { [$big, 2 ** 62, 7 / -2, 7 % -3, 0.1 + 0.2, 1 / 3r, 10.divmod(3), 255.to_s(16), 'ff'.to_i(16), 3.7.floor, 1e20, -0.0] }
probe('rational and complex') { [$ratio * 4, $ratio + 1, $complex * $complex, $complex.abs2] }
probe('time') { [$time.year, $time.to_i, ($time + 86400).day, ($time - Time.utc(2026, 11, 27)).to_i, $time.wday, Time.now > Time.utc(2024), $time.to_s, $time.inspect] }
probe('kept error') { [$error.class, $error.message, $error.is_a?(NameError)] }
probe('new errors') { [thrown { missing }, thrown { raise 'x' }, thrown { Integer('x') }, thrown { [].fetch(5) }, thrown { {}.fetch(:a) }, thrown { 1 / 0 }, thrown { eval('1 +') }, thrown { raise Class.new(StandardError), 'mine' }.superclass] }
probe('ensure') { log = []; begin; begin; log << 1; raise 'a'; rescue => e; log << e.message; raise IndexError; ensure; log << 2; end; rescue IndexError; log << 3; end; log }
probe('retry and next') { n = 0; begin; n += 1; raise 'again' if n < 4; rescue; retry; end; [n, [1, 2, 3].map { |x| next 0 if x == 2; x }, [1, 2, 3].each { |x| break x * 10 if x == 2 }] }
probe('exceptions in blocks') { 300.times.inject(0) { |sum, i| begin; raise IndexError, i.to_s; rescue IndexError => e; sum + e.message.to_i; end } }
probe('return from a lambda') { [$stop.call(30), $stop.call(2), $stop.arity, $stop.lambda?, [4, 5].map(&$stop)] }
probe('method objects') { [$method.call, $unbound.bind($point3).call, $method.owner, [1, 2].map(&method(:slow))] }
probe('memo') { [slow(60), slow(70)] }
probe('keyword arguments') { def kw(a, b = a + 1, *rest, c:, d: 4, **more, &block) = [a, b, rest, c, d, more, block&.call]; [kw(1, c: 3), kw(1, 2, 3, c: 4, e: 5) { :block }, thrown { kw(1) }] }
probe('patterns of assignment') { a, (b, *c), d = 1, [2, 3, 4], 5; first, *, last = *1..5; [a, b, c, d, first, last] }
probe('eval') { x = 5; [eval('x * x'), eval('->(y) { y + 1 }').call(1), instance_eval { self.to_s }, Point.class_eval { self }, Object.const_get(:Point)] }
probe('define_method and send') { Point.define_method(:power) { |n| sum ** n }; [$point.power(2), $point.send(:sum), $point.respond_to?(:power), $point.public_methods.include?(:power)] }
probe('instance variables') { $point.instance_variable_set(:@w, 9); [$point.instance_variables.sort, $point.instance_variable_get(:@w), $point.remove_instance_variable(:@w)] }
probe('constants') { Point.const_set(:ORIGIN, Point.new(0, 0)); [Point::ORIGIN.sum, Point.constants, Object.const_defined?(:Nope), Object.const_defined?(:Pair)] }
probe('freeze and dup') { a = [1, [2]].freeze; b = a.dup; b << 3; [a.frozen?, b, thrown { a << 1 }, $point.clone.sum] }
probe('cycle') { [$cycle[0].equal?($cycle), $cycle.inspect] }
probe('arrays') { [[3, 1, 2].sort.reverse, [1, nil, 2].compact, [[1, 2], [3]].flatten, (1..6).each_slice(2).map { |a, b| a + b }, [1, 2, 3, 4].partition { |x| x > 2 }, [1, 2].product([3, 4]).size, [1, 2, 2].uniq, [5, 6].zip([7, 8]), %w[a b].cycle.first(3), [1, 2, 3].rotate] }
probe('pack') { [[1, 2, 258].pack('CnN').bytes, "\x01\x02".unpack('C*'), ['mruby'].pack('m').chomp, 'bXJ1Ynk='.unpack('m')] }
probe('random numbers') { r = Random.new(42); a = [r.rand(1000), r.rand(1000)]; s = Random.new(42); [a == [s.rand(1000), s.rand(1000)], rand >= 0, [1, 2, 3].shuffle.sort, rand(10) < 10] }
probe('comparison and case') { [1, 'a', :b, 2.0, nil, [1], Point3].map { |x| case x when Integer then :int when 'a', :b then :ab when Float then :float when nil then :nil when Class then x.name else :other end } }
probe('object space') { GC.start; [ObjectSpace.each_object(Class) { }.positive?, ObjectSpace.count_objects[:TOTAL] > 1000] }
probe('deep recursion') { f = ->(n) { n == 0 ? 0 : 1 + f.(n - 1) }; f.(500) }
probe('garbage') { kept = []; 30000.times { |i| o = { i: i, s: "n#{i}", f: -> { i } }; kept << o if i % 3000 == 0 }; [kept.size, kept[9][:s], kept[3][:f].call] }
probe('collect') { 5.times { GC.start }; [PEEK.call, $point.sum, $table['key499'][:square], $squares.resume(6), $shared.size] }
probe('generational') { GC.generational_mode = false; 3000.times { |i| [i, i.to_s] }; GC.start; GC.generational_mode = true; GC.start; $point3.sum }
probe('collect after all is dropped') do
  $table = $by_object = $point = $point3 = $memo = $lazy = $squares = $each = $text = $pair = $stack = nil
  3.times { GC.start }
  [PEEK.call, $shared.size]
end
puts "#{$probes} probes"
