extern int puts(const char*);
extern int ext_data; extern int ext_fn(int);
static volatile int counter; /* or a compiler sets it */ int exported = 42; const char *strs[] = {"one","two"};
int (*fp)(int) = ext_fn; int *dp = &ext_data; 
__thread int tv = 7; __thread int tz;
__attribute__((constructor)) static void init(void){ counter = 5; }
static int helper(int x){ return x*3+counter; }
int (*hp)(int) = helper;
int common_var[4];
int get_tv(int d){ tv += d; tz++; return tv + tz; }
int leaf(int a){ return helper(a)+exported+tv; }
int call(int a){ puts(strs[a&1]); return ext_fn(a)+ext_data+common_var[1]; }
double fl(double x){ return x*2.5; }
