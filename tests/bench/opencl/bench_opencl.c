/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FGSM's step with the input's gradient on a residual network, on the device that --device opencl would take.
 *
 * bench-opencl 18|50 BATCH [SIZE [ROUNDS [compare]]] prints one line of JSON: device, median wall seconds of a batch,
 * products of an input. With `compare` every logit and gradient is compared with the processor's, and status 1 says
 * that a bit differs.
 */
#include "guest/engine/executor.h"
#include "guest/engine/loss.h"
#include "guest/engine/opencl/opencl.h"
#include "residual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX 1000u

struct side {
    struct kernels *kernels;
    struct executor *executor;
};

static void require(int r, const struct error *err)
{
    if (r == 0)
        return;
    (void)fprintf(stderr, "bench-opencl: %s\n", err->text);
    exit(error_exit_status(err->kind));
}

static double now(void)
{
    struct timespec time;

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static struct side open_side(const struct builder *b, struct device *device, unsigned threads)
{
    struct executor_options options = {.graph = &b->graph, .layer = GRAPH_NONE, .gradient = true};
    struct error err = {0};
    struct side side = {NULL, NULL};

    require(kernels_create(KERNEL_FMA, KERNEL_ISA_AUTO, threads, &side.kernels, &err), &err);
    require(device == NULL ? 0 : kernels_attach(side.kernels, device, &err), &err);
    options.kernels = side.kernels;
    require(executor_create(&options, &side.executor, &err), &err);
    return side;
}

/* x + eps · sign(gradient), kept within [0, 1]; the gradient stays with the executor until its next run. */
static const float *attack(const struct side *side, const struct graph *graph, const float *x, float *ret_adversarial)
{
    size_t count = graph->values[graph->input].elements, batch = graph->batch;
    size_t classes = graph->values[graph->logits].elements / batch;
    int32_t *labels = calloc(batch, sizeof *labels);
    const float *gradient = NULL;
    struct error err = {0};

    memcpy(executor_input(side->executor, EXECUTOR_GRADIENT), x, count * sizeof *x);
    require(executor_start(side->executor, EXECUTOR_GRADIENT, batch, &err), &err);
    if (executor_stages(side->executor))
        require(executor_loss(side->executor, labels, &err), &err);
    else
        (void)!loss_gradient(side->kernels, executor_logits(side->executor, EXECUTOR_GRADIENT), labels, batch, classes,
                             executor_logits_gradient(side->executor));
    require(executor_backward_start(side->executor, &err), &err);
    require(executor_backward_finish(side->executor, &gradient, &err), &err);
    for (size_t i = 0; i < count; i++) {
        float sign = (float)(gradient[i] > 0) - (float)(gradient[i] < 0), value = x[i] + 0.03f * sign;

        ret_adversarial[i] = value < 0 ? 0 : value > 1 ? 1 : value;
    }
    free(labels);
    return gradient;
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static unsigned argument(int count, char **values, int index, unsigned standard, unsigned most)
{
    unsigned long value = count > index ? strtoul(values[index], NULL, 10) : standard;

    if (value == 0 || value > most) {
        (void)fputs("usage: bench-opencl 18|50 BATCH [SIZE [ROUNDS [compare]]]\n", stderr);
        exit(64);
    }
    return (unsigned)value;
}

int main(int count, char **values)
{
    static struct builder b;
    static double seconds[ROUNDS_MAX];
    unsigned depth = argument(count, values, 1, 0, 50), batch = argument(count, values, 2, 0, 1024);
    unsigned size = argument(count, values, 3, 224, 1024), rounds = argument(count, values, 4, 5, ROUNDS_MAX);
    const struct opencl_options options = {.programs_fd = -1};
    struct device *device = NULL;
    struct error err = {0};
    struct side ours;
    const float *gradient = NULL;
    double products;
    float *x, *adversarial;
    bool same = true;
    size_t elements;

    require(opencl_open(&options, &device, &err), &err);
    if (depth == 50)
        residual_50(&b, batch, size, &products);
    else
        residual_18(&b, batch, &products);
    elements = b.graph.values[b.graph.input].elements;
    x = malloc(elements * sizeof *x);
    adversarial = malloc(elements * sizeof *adversarial);
    if (x == NULL || adversarial == NULL)
        return 70;
    builder_fill(&b.random, 0, 1, elements, x);
    ours = open_side(&b, device, 1);
    for (unsigned i = 0; i <= rounds; i++) { /* the first one apart */
        double start = now();

        gradient = attack(&ours, &b.graph, x, adversarial);
        if (i > 0)
            seconds[i - 1] = now() - start;
    }
    if (count > 5 && strcmp(values[5], "compare") == 0) {
        struct side processor = open_side(&b, NULL, 2);

        same = memcmp(attack(&processor, &b.graph, x, adversarial), gradient, elements * sizeof(float)) == 0;
    }
    qsort(seconds, rounds, sizeof seconds[0], compare_numbers);
    (void)printf("{\"device\": \"%s\", \"seconds\": %.6f, \"products\": %.0f, \"compared\": %s, \"same\": %s}\n",
                 device->description, seconds[rounds / 2], products, count > 5 ? "true" : "false",
                 same ? "true" : "false");
    return same ? 0 : 1;
}
