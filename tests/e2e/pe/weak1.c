__attribute__((weak)) int weak(void) { return 1; }
#ifdef __clang__ /* for gcc an undefined weak symbol is a strong one here */
__attribute__((weak)) int missing(void);
#else
static int (*const missing)(void);
#endif
int common[100];
long long test(long long n) { return weak() * 100 + (missing ? 10 : 0) + common[3] + n; }
