/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix product against the plain loops, and a system of equations through LAPACK. */
#include "work.h"
#include <cblas.h>
#include <math.h>

void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *pivot, double *b,
            const int *ldb, int *info);

enum { N = 173 };
static double a[N * N], b[N * N], c[N * N], x[N];

int work(void)
{
    int n = N, one = 1, info = -1, pivot[N];

    OURS(cblas_dgemm);
    for (int i = 0; i < N * N; i++) {
        a[i] = i * 31 % 17 - 8;
        b[i] = i * 13 % 23 - 11;
    }
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c, N);
    for (int i = 0; i < N; i += 7) {
        for (int j = 0; j < N; j += 5) {
            double sum = 0;

            for (int k = 0; k < N; k++)
                sum += a[i * N + k] * b[k * N + j];
            CHECK(fabs(sum - c[i * N + j]) < 1e-6);
        }
    }
    for (int i = 0; i < N; i++) {
        x[i] = 0;
        for (int j = 0; j < N; j++) {
            a[j * N + i] = i == j ? 400 : (i * 7 + j * 3) % 5; /* by columns */
            x[i] += a[j * N + i] * (j + 1);
        }
    }
    dgesv_(&n, &one, a, &n, pivot, x, &n, &info);
    CHECK(info == 0);
    for (int i = 0; i < N; i++)
        CHECK(fabs(x[i] - (i + 1)) < 1e-9);
    return 0;
}
