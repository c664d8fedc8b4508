/* SPDX-License-Identifier: Apache-2.0 */
/* The gradient of a vector's graph against central differences. */
#include "vector_gradient.h"

#include "../engine/reference.h"
#include "guest/engine/executor.h"

#include <math.h>
#include <string.h>

#define ELEMENTS_MAX 20000u /* of all values: more takes the evaluator too long */
#define TRIED_MAX    24u    /* elements of the input */
#define STEP         1e-5

static bool is_small(const struct graph *graph)
{
    uint64_t elements = 0;

    for (uint32_t v = 0; v < graph->value_count; v++)
        elements += graph->values[v].elements;
    return elements <= ELEMENTS_MAX;
}

/* dL/dx by the engine, L the weighted sum of logits. */
static bool run_gradient(struct kernels *kernels, const struct graph *graph, const float *x, const double *weights,
                         float *ret_gradient)
{
    const struct executor_options options = {
        .kernels = kernels, .graph = graph, .layer = GRAPH_NONE, .gradient = true};
    struct executor *executor = NULL;
    const float *gradient = NULL;
    size_t in = graph->values[graph->input].elements, out = graph->values[graph->logits].elements;
    struct error err = {0};
    bool ran = false;

    if (executor_create(&options, &executor, &err) < 0)
        return false;
    memcpy(executor_input(executor, EXECUTOR_GRADIENT), x, in * sizeof *x);
    if (executor_forward(executor, EXECUTOR_GRADIENT, 1, &err) == 0) {
        for (size_t i = 0; i < out; i++)
            executor_logits_gradient(executor)[i] = (float)weights[i];
        ran = executor_backward(executor, &gradient, &err) == 0;
    }
    if (ran)
        memcpy(ret_gradient, gradient, in * sizeof *gradient);
    executor_free(executor);
    return ran;
}

double vector_gradient_error(struct kernels *kernels, const struct graph *graph, const float *x)
{
    size_t in = graph->values[graph->input].elements, out = graph->values[graph->logits].elements;
    size_t stride = in / TRIED_MAX + 1;
    CLEANUP_FREE double *weights = calloc(out, sizeof *weights), *wide = calloc(in, sizeof *wide);
    CLEANUP_FREE double *coarse = calloc(in, sizeof *coarse), *fine = calloc(in, sizeof *fine);
    CLEANUP_FREE float *got = calloc(in, sizeof *got), *moved = calloc(in, sizeof *moved);
    double largest = 1, worst = 0;

    if (!is_small(graph) || weights == NULL || wide == NULL || coarse == NULL || fine == NULL || got == NULL ||
        moved == NULL)
        return -1;
    for (size_t i = 0; i < out; i++) /* any numbers, exact in f32, that no symmetry cancels */
        weights[i] = (double)((i * 37 + 11) % 64) / 32 - 0.984375;
    /* Vectors like to stand on kinks and ties (0, equal elements): a little off them. */
    for (size_t i = 0; i < in; i++) {
        moved[i] = x[i] - 0.001f - (float)(i * 29 % 31) * 1e-4f;
        wide[i] = (double)moved[i];
    }
    if (!run_gradient(kernels, graph, moved, weights, got))
        return -1;
    reference_gradient_some(graph, wide, weights, STEP, stride, coarse);
    reference_gradient_some(graph, wide, weights, STEP / 3, stride, fine);
    for (size_t i = 0; i < in; i += stride)
        if (isfinite(fine[i]) && fabs(fine[i]) > largest)
            largest = fabs(fine[i]);
    for (size_t i = 0; i < in; i += stride) {
        double off = fabs((double)got[i] - fine[i]) / largest;

        if (!isfinite(fine[i]) || fabs(coarse[i] - fine[i]) > 1e-4 * largest)
            continue;
        if (!(off <= worst))
            worst = off;
    }
    return worst;
}
