long long test(long long n);
__declspec(dllimport) const char *zlibVersion(void);

__declspec(dllexport) long long user(long long n) { return test(n) + zlibVersion()[0]; }
