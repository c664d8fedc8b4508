/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernels' tests share. */
#include "cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t cases_open(struct cases_context ret_contexts[CASES_MAX])
{
    size_t count = 0;

    for (enum kernel_isa isa = KERNEL_ISA_SSE2; isa <= KERNEL_ISA_AVX512; isa++)
        for (unsigned arithmetic = KERNEL_MUL_ADD; arithmetic <= KERNEL_FMA; arithmetic++)
            for (unsigned threads = 1; threads <= CASES_THREADS; threads++) {
                struct cases_context *context = &ret_contexts[count];

                *context = (struct cases_context){NULL, (enum kernel_arithmetic)arithmetic, isa, threads};
                if (kernels_create(context->arithmetic, isa, threads, &context->kernels, NULL) == 0)
                    count++;
                else if (threads == 1)
                    printf("not here: %s\n", kernel_isa_name(isa));
            }
    return count;
}

void cases_close(struct cases_context *contexts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kernels_free(contexts[i].kernels);
}

uint32_t cases_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
    return (uint32_t)(*state >> 32);
}

size_t cases_between(uint64_t *state, size_t low, size_t high)
{
    return low + cases_random(state) % (high - low + 1);
}

void cases_fill(uint64_t *state, enum cases_values values, float *ret_values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = cases_random(state);
        float plain = (float)((int32_t)bits >> 8) * 0x1p-23f;

        ret_values[i] = plain;
        if (values == CASES_ANY_BITS)
            memcpy(&ret_values[i], &bits, sizeof(bits));
        else if (values == CASES_MIXED && bits % 8 == 0)
            ret_values[i] = plain * 0.0f;
        else if (values == CASES_MIXED && bits % 8 == 1)
            ret_values[i] = plain * 0x1p-70f;
    }
}

bool cases_same(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(&a[i], &b[i], sizeof(*a)) != 0 && !(isnan(a[i]) && isnan(b[i]))) {
            printf("element %zu: %a and %a\n", i, (double)a[i], (double)b[i]);
            return false;
        }
    return true;
}

float *cases_floats(size_t count)
{
    float *floats = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64 + 64);

    if (floats == NULL)
        abort();
    return floats;
}
