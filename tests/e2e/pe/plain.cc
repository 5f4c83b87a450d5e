/* C++ with what needs a runtime: exceptions through frames and other images, thread-local objects,
   constructors in their order, a string that somebody else frees. */
#include <cstdio>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

static int made;
struct made_in_order {
    int place;
    made_in_order() : place(++made) {}
};
static made_in_order first, second;
thread_local int counter = 5;
thread_local std::string name = "thread";

struct base {
    virtual ~base() {}
    virtual int number() const { return 1; }
};
struct derived : base {
    int number() const override { return 2; }
};

static int thrower(int x)
{
    std::string on_the_way = "destroyed by unwinding";
    if (x > 2)
        throw std::runtime_error("thrown with " + std::to_string(x));
    return x;
}

extern "C" __declspec(dllexport) long long test(long long n)
{
    long long r = first.place * 1000000 + second.place * 100000;
    try {
        thrower((int)n);
        r += 1;
    } catch (const std::exception &e) {
        r += 100 + (long long)std::string(e.what()).size();
    }
    try {
        throw 7;
    } catch (int i) {
        r += i;
    }
    counter++;
    r += counter * 10 + (long long)name.size();
    std::vector<int> v(10, 3);
    derived d;
    const base &b = d;
    return r + v.back() + b.number() + (typeid(b) == typeid(derived));
}
