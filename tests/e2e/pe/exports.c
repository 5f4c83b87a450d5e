int value = 5;
long long one(long long n) { return n + 1; }
long long two(long long n) { return n + 2; }
__attribute__((visibility("hidden"))) long long hidden(long long n) { return n; }
