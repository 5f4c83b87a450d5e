/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transforms of several lengths (small codelets, Rader, Bluestein) against the plain sum. */
#include "work.h"
#include <complex.h>
#include <fftw3.h>
#include <math.h>

static int one(int n)
{
    fftw_complex *in = fftw_alloc_complex((size_t)n), *out = fftw_alloc_complex((size_t)n);
    fftw_plan plan = fftw_plan_dft_1d(n, in, out, FFTW_FORWARD, FFTW_ESTIMATE);

    CHECK(in && out && plan);
    for (int i = 0; i < n; i++)
        in[i] = (i * 7 % 11) + (i * 3 % 5) * I;
    fftw_execute(plan);
    for (int k = 0; k < n; k++) {
        double complex sum = 0;

        for (int i = 0; i < n; i++)
            sum += in[i] * cexp(-2 * M_PI * I * i * k / n);
        CHECK(cabs(sum - out[k]) < 1e-8 * n);
    }
    fftw_destroy_plan(plan);
    fftw_free(in);
    fftw_free(out);
    return 0;
}

int work(void)
{
    static const int lengths[] = {1, 8, 13, 60, 64, 101, 128, 242, 360};

    OURS(fftw_execute);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (one(lengths[i]) != 0)
            return 1;
    CHECK(strncmp(fftw_version, "fftw-3", 6) == 0);
    return 0;
}
