/* SPDX-License-Identifier: Apache-2.0 */
/* The Adam optimiser. */
#include "guest/checks/adam.h"

#include <errno.h>
#include <math.h>
#include <string.h>

int adam_open(struct adam *adam, size_t count, double rate, double beta1, double beta2)
{
    double *moments = calloc(2 * count, sizeof *moments);

    if (moments == NULL)
        return -ENOMEM;
    *adam = (struct adam){.count = count, .rate = rate, .beta1 = beta1, .beta2 = beta2, .moments = moments};
    adam_reset(adam);
    return 0;
}

void adam_close(struct adam *adam)
{
    free(TAKE_POINTER(adam->moments));
}

void adam_reset(struct adam *adam)
{
    memset(adam->moments, 0, 2 * adam->count * sizeof *adam->moments);
    adam->power1 = 1.0;
    adam->power2 = 1.0;
}

void adam_step(struct adam *adam, const double *gradient, double *weights)
{
    double *first = adam->moments, *second = adam->moments + adam->count;

    adam->power1 *= adam->beta1;
    adam->power2 *= adam->beta2;
    for (size_t i = 0; i < adam->count; i++) {
        double mean, square;

        first[i] = adam->beta1 * first[i] + (1.0 - adam->beta1) * gradient[i];
        second[i] = adam->beta2 * second[i] + (1.0 - adam->beta2) * (gradient[i] * gradient[i]);
        mean = first[i] / (1.0 - adam->power1);
        square = second[i] / (1.0 - adam->power2);
        weights[i] -= adam->rate * mean / (sqrt(square) + ADAM_EPSILON);
    }
}
