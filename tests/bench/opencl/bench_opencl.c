/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FGSM's step with the input's gradient on a residual network, on the device that --device opencl would take.
 *
 * bench-opencl 18|50 BATCH [SIZE [ROUNDS [compare]]] prints one line of JSON: device, its vendor and compute units,
 * wall seconds of a batch (median, least, most), products of an input. With `compare` every logit and gradient is
 * compared with the processor's, and status 1 says that a bit differs.
 */
#include "guest/engine/executor.h"
#include "guest/engine/loss.h"
#include "guest/engine/opencl/internal.h"
#include "residual.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS_MAX  1000u
#define WARM_ROUNDS 3u /* as many as torch has */

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

/* What stands in a JSON string as it is. */
static void plain(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            *text = ' ';
}

static void print_result(const struct device *device, const double *sorted, unsigned rounds, double products, bool same)
{
    const struct opencl_device *opencl = (const struct opencl_device *)(const void *)device;
    char description[OPENCL_DESCRIPTION_MAX], vendor[128] = "";
    cl_uint units = 0;

    (void)clGetDeviceInfo(opencl->id, CL_DEVICE_VENDOR, sizeof vendor - 1, vendor, NULL);
    (void)clGetDeviceInfo(opencl->id, CL_DEVICE_MAX_COMPUTE_UNITS, sizeof units, &units, NULL);
    (void)snprintf(description, sizeof description, "%s", device->description);
    plain(description);
    plain(vendor);
    (void)printf("{\"device\": \"%s\", \"vendor\": \"%s\", \"units\": %u, \"seconds\": %.6f, \"least\": %.6f, "
                 "\"most\": %.6f, \"products\": %.0f, \"same\": %s}\n",
                 description, vendor, (unsigned)units, sorted[rounds / 2], sorted[0], sorted[rounds - 1], products,
                 same ? "true" : "false");
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
    for (unsigned i = 0; i < WARM_ROUNDS + rounds; i++) {
        double start = now();

        gradient = attack(&ours, &b.graph, x, adversarial);
        if (i >= WARM_ROUNDS)
            seconds[i - WARM_ROUNDS] = now() - start;
    }
    if (count > 5 && strcmp(values[5], "compare") == 0) {
        struct side processor = open_side(&b, NULL, 2);

        same = memcmp(attack(&processor, &b.graph, x, adversarial), gradient, elements * sizeof(float)) == 0;
    }
    qsort(seconds, rounds, sizeof seconds[0], compare_numbers);
    print_result(device, seconds, rounds, products, same);
    return same ? 0 : 1;
}
