/* C++ without any runtime: constructors, thread-local variables. */
static int order, a, b;
struct S {
    S(int *p) { *p = ++order; }
};
static S one(&a), two(&b);
thread_local int counter = 40;
#ifdef WITH_MAIN
static int attached;
extern "C" int __stdcall DllMain(void *, unsigned reason, void *)
{
    attached += reason == 1;
    return 1;
}
#else
static const int attached = 0;
#endif
extern "C" __declspec(dllexport) long long test(long long n)
{
    counter += (int)n;
    return attached * 10000 + a * 1000 + b * 100 + counter;
}
