#include <string.h>
#include <zlib.h>

__declspec(dllexport) long long test(long long n)
{
    unsigned char a[1000], b[2000], c[1000];
    uLongf bl = sizeof b, cl = sizeof c;

    for (int i = 0; i < 1000; i++)
        a[i] = (unsigned char)(i * n);
    compress(b, &bl, a, 1000);
    uncompress(c, &cl, b, bl);
    return cl == 1000 && !memcmp(a, c, 1000) ? (long long)bl : -1;
}
