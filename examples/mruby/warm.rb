# State for an image's context: what probes.rb finds there, however it got there.
def make_counter
  n = 41
  [-> { n += 1 }, -> { n }]
end
COUNT, PEEK = make_counter

class Point
  include Comparable
  attr_accessor :x, :y
  def initialize(x, y) = (@x, @y = x, y)
  def sum() = @x + @y
  def <=>(other) = sum <=> other.sum
  def to_s() = "(#{@x},#{@y})"
end
class Point3 < Point
  def initialize(x, y, z)
    super(x, y)
    @z = z
  end
  def sum() = super + @z
end
module Loud
  def shout() = to_s.upcase + '!'
end
class Stack
  include Enumerable
  @@made = 0
  def self.made() = @@made
  def initialize(*all)
    @@made += 1
    @all = all
  end
  def each(&block)
    @all.each(&block)
    self
  end
end
class Recorder
  def initialize() = @calls = []
  def method_missing(name, *args) = (@calls << [name, args.size]; self)
  def respond_to_missing?(*) = true
  def calls() = @calls
end
Pair = Struct.new(:left, :right) do
  def swap() = Pair.new(right, left)
end

$point = Point.new(3, 4)
$point3 = Point3.new(1, 2, 3)
$squares = Fiber.new { |first| n = first; loop { n = Fiber.yield(n * n) || n + 1 } }
$started = $squares.resume(3)
$each = [10, 20, 30].each
$each.next
$table = {}
500.times { |i| $table["key#{i}"] = { number: i, square: i * i } }
$by_object = { $point => 'point', [1, 2] => 'array', 1.5 => 'float', :sym => 'symbol', nil => 'nil', Point => 'class' }
$defaults = Hash.new { |hash, key| hash[key] = key * 2 }
$defaults[4]
$text = (0...300).map { |i| (97 + i % 26).chr }.join
$shared = $text[10, 200]
$frozen = 'frozen'.freeze
$pair = Pair.new(1, [2, 3])
$stack = Stack.new(5, 3, 9, 1)
$recorder = Recorder.new
$recorder.first(1).second
$method = $point.method(:sum)
$unbound = Point.instance_method(:to_s)
$error = begin
  nil.missing
rescue NoMethodError => e
  e
end
$range = (3..12)
$floats = ('a'..'e')
$big = 2 ** 40
$ratio = Rational(3, 4)
$complex = Complex(1, 2)
$time = Time.utc(2026, 11, 27, 12, 30, 15)
$lazy = (1..).lazy.map { |x| x * 3 }.select { |x| x % 2 == 0 }
$cycle = []
$cycle << $cycle
$single = Object.new
def $single.only() = :me
$stop = ->(x) { return x * 2 if x > 10; :small }
$symbols = %i[alpha beta a_rather_long_symbol_that_is_no_literal_of_mruby].map { |s| [s, s.to_s.size] }
$memo = {}
def slow(n) = $memo[n] ||= n < 2 ? n : slow(n - 1) + slow(n - 2)
slow(60)
