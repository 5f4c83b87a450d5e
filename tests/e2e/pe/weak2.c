int weak(void) { return 2; }
int common[100];
__attribute__((constructor)) static void set(void) { common[3] = 5; }
