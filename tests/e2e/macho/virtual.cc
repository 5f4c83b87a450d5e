typedef unsigned long size_t;
inline void* operator new(size_t, void* p) noexcept { return p; }
extern "C" int puts(const char*); extern "C" size_t strlen(const char*);
struct Base { virtual ~Base(); virtual int f(int) = 0; int n = 3; };
Base::~Base() {}
struct D1 : Base { int f(int x) override { return x + n; } };
struct D2 : virtual Base { int f(int x) override { return x * n; } ~D2(); };
D2::~D2() { n = 0; }
template<class T> inline T& cell() { static T t{}; return t; }
template<class T> struct Reg { static int count; static T last; Reg(T t) { count++; last = t; } };
template<class T> int Reg<T>::count; template<class T> T Reg<T>::last;
static Reg<int> r1(4), r2(9); static Reg<long> r3(77);
inline int shared_inline(int x) { static int calls; return ++calls + x; }
thread_local int tl = 11; struct TD { int v; TD() : v(5) {} ~TD() { v = 0; } }; thread_local TD td;
int (*table[])(int) = { shared_inline };
const char *const names[] = { "a", "bb", "ccc", "dddd" };
static const double consts[] = { 1.5, 2.5, 3.5 };
extern "C" __attribute__((weak_import)) int not_there(int);
extern "C" int sw(int x) { switch (x) { case 0: return 10; case 1: return 21; case 2: return 32; case 3: return 43; case 4: return 54; case 5: return 65; case 7: return 1; default: return -1; } }
extern "C" long other(long);
extern "C" long test(long) {
  alignas(16) static char mem[256];
  Base *b = new (mem) D1; if (b->f(4) != 7) return 1;
  Base *d = new (mem + 64) D2; if (d->f(4) != 12) return 2;
  if (Reg<int>::count != 2 || Reg<int>::last != 9 || Reg<long>::last != 77) return 3;
  if (shared_inline(1) != 2 || table[0](1) != 3) return 4;
  if (tl != 11) return 5; tl = 12; if (tl != 12) return 6;
  if (td.v != 5) return 7;
  size_t n = 0; for (auto s : names) n += strlen(s); if (n != 10) return 8;
  if (consts[1] + (double)n != 12.5) return 9;
  if (&not_there) return 10;
  int s = 0; for (int i = -1; i < 9; i++) s += sw(i); if (s != 10+21+32+43+54+65+1-3) return 11;
  cell<int>() = 5; if (other(1) != 5 + 2 + 1) return 12;
  if (shared_inline(0) != 3) return 13;
  if (dynamic_cast<D1*>(d)) return 14; if (!dynamic_cast<D2*>(d)) return 15;
  return 0;
}
