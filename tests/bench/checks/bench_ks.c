/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CPU time of one exact two-sample test, sorting included; bench_ks.py runs it beside SciPy.
 *
 * Usage: bench-ks FIRST SECOND   (files of f32). Prints milliseconds, D and p.
 */
#include "guest/checks/ks.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define VALUES_MAX 1000000u

static double cpu_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int read_values(const char *path, float *values, size_t *ret_count)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return -1;
    *ret_count = fread(values, sizeof *values, VALUES_MAX, file);
    return fclose(file);
}

int main(int count, char **arguments)
{
    static float values[2][VALUES_MAX];
    struct ks_sample samples[2] = {{values[0], 0}, {values[1], 0}};
    struct ks_result result;
    double start;

    if (count != 3 || read_values(arguments[1], values[0], &samples[0].count) != 0 ||
        read_values(arguments[2], values[1], &samples[1].count) != 0) {
        fputs("usage: bench-ks FIRST SECOND\n", stderr);
        return 64;
    }
    start = cpu_ms();
    for (unsigned i = 0; i < 2; i++)
        ks_sort(values[i], samples[i].count);
    if (ks_two_sample(&samples[0], &samples[1], KS_TWO_SIDED, KS_EXACT, &result) < 0 || !result.exact)
        return 1;
    printf("%.4f %.17g %.17g\n", cpu_ms() - start, result.d, result.p);
    return 0;
}
