/* Frames of clang's and gcc's code are found and unwound by the system (RtlVirtualUnwind). */
#include <windows.h>
static __attribute__((noinline)) int depth(int n)
{
    void *frames[64];
    volatile char room[100];
    room[0] = (char)n;
    if (n == 0)
        return (int)RtlCaptureStackBackTrace(0, 64, frames, NULL);
    return depth(n - 1) + (room[0] & 0);
}
/* Each deeper call is one frame more. */
__declspec(dllexport) long long test(long long n) { return depth((int)n) - depth(0); }
