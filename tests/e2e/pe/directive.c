__declspec(dllexport) int data = 3;
__declspec(dllexport) long long shown(long long n) { return n + data; }
long long other(long long n) { return n; }
