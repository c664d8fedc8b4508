/* SPDX-License-Identifier: Apache-2.0 */
/* A graph against its definition in double. */
#include "op_check.h"

#include "guest/engine/executor.h"
#include "reference.h"
#include "unit/harness.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define STEP 1e-6

struct outcome {
    float *logits, *gradient;
};

static void outcome_free(struct outcome *outcome)
{
    free(outcome->logits);
    free(outcome->gradient);
}

/* Runs the graph for `samples`; results filled up with zeros for the rest of the batch. */
static struct outcome run(struct executor *executor, const struct graph *graph, const float *x, const float *weights,
                          size_t samples)
{
    size_t in = graph->values[graph->input].elements, out = graph->values[graph->logits].elements;
    struct outcome outcome = {.logits = calloc(out, sizeof(float)), .gradient = calloc(in, sizeof(float))};
    const float *gradient = NULL;
    struct error err;

    memcpy(executor_input(executor, EXECUTOR_GRADIENT), x, in / graph->batch * samples * sizeof(float));
    CU_ASSERT_EQUAL_FATAL(executor_forward(executor, EXECUTOR_GRADIENT, samples, &err), 0);
    memcpy(outcome.logits, executor_logits(executor, EXECUTOR_GRADIENT), out / graph->batch * samples * sizeof(float));
    memcpy(executor_logits_gradient(executor), weights, out / graph->batch * samples * sizeof(float));
    CU_ASSERT_EQUAL_FATAL(executor_backward(executor, &gradient, &err), 0);
    memcpy(outcome.gradient, gradient, in / graph->batch * samples * sizeof(float));
    return outcome;
}

static double worst(const float *got, const double *wanted, size_t count)
{
    double most = 0;

    for (size_t i = 0; i < count; i++) {
        double difference = fabs((double)got[i] - wanted[i]) / (1 + fabs(wanted[i]));

        if (!(difference <= most))
            most = difference;
    }
    return most;
}

static void check_fewer(struct executor *executor, const struct graph *graph, const float *x, const float *weights,
                        const struct outcome *whole)
{
    size_t in = graph->values[graph->input].elements, out = graph->values[graph->logits].elements;

    for (size_t samples = 1; samples < graph->batch; samples++) {
        struct outcome some = run(executor, graph, x, weights, samples);

        CU_ASSERT(memcmp(some.logits, whole->logits, out / graph->batch * samples * sizeof(float)) == 0);
        CU_ASSERT(memcmp(some.gradient, whole->gradient, in / graph->batch * samples * sizeof(float)) == 0);
        outcome_free(&some);
    }
}

static void check_class(struct builder *b, enum kernel_arithmetic arithmetic, float low, float high, double tolerance,
                        bool independent)
{
    const struct graph *graph = &b->graph;
    size_t in = graph->values[graph->input].elements, out = graph->values[graph->logits].elements;
    CLEANUP_FREE float *x = malloc(in * sizeof(float)), *weights = malloc(out * sizeof(float));
    CLEANUP_FREE double *x64 = malloc(in * sizeof(double)), *w64 = malloc(out * sizeof(double));
    CLEANUP_FREE double *gradient = malloc(in * sizeof(double)), *logits = NULL;
    struct kernels *kernels = NULL;
    struct executor *executor = NULL;
    struct executor_options options = {.graph = graph, .layer = GRAPH_NONE, .gradient = true};
    struct outcome outcome;
    struct error err = {0};
    double forward, backward;

    CU_ASSERT_EQUAL_FATAL(kernels_create(arithmetic, KERNEL_ISA_AUTO, 2, &kernels, &err), 0);
    options.kernels = kernels;
    builder_fill(&b->random, low, high, in, x);
    builder_fill(&b->random, -1, 1, out, weights);
    for (size_t i = 0; i < in; i++)
        x64[i] = (double)x[i];
    for (size_t i = 0; i < out; i++)
        w64[i] = (double)weights[i];
    if (executor_create(&options, &executor, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("executor_create");
    }
    CU_ASSERT_EQUAL(executor_takes_fewer(executor), independent);
    outcome = run(executor, graph, x, weights, graph->batch);
    logits = reference_logits(graph, x64);
    reference_gradient(graph, x64, w64, STEP, gradient);
    forward = worst(outcome.logits, logits, out);
    backward = worst(outcome.gradient, gradient, in);
    if (!(forward <= tolerance) || !(backward <= tolerance))
        (void)fprintf(stderr, "forward %g backward %g\n", forward, backward);
    CU_ASSERT(forward <= tolerance);
    CU_ASSERT(backward <= tolerance);
    if (independent)
        check_fewer(executor, graph, x, weights, &outcome);
    outcome_free(&outcome);
    executor_free(executor);
    kernels_free(kernels);
}

void check_range(struct builder *b, float low, float high, bool independent)
{
    check_class(b, KERNEL_MUL_ADD, low, high, 5e-6, independent);
    check_class(b, KERNEL_FMA, low, high, 5e-6, independent);
    builder_free(b);
}

void check(struct builder *b)
{
    check_range(b, -2, 2, true);
}
