/* A shared library with versions, for --as-needed, DT_NEEDED and versioned references; also
 * compiled as an object. */
int v = 1, und;
__thread int t = 2;
int puts(const char *s);
int puts(const char *s) { return s[0]; }
int __gxx_personality_v0(void);
int __gxx_personality_v0(void) { return v + t; }
#ifdef VERSIONS
int old(void);
int old(void) { return 1; }
__asm__(".symver old, und2@V0");
#endif
