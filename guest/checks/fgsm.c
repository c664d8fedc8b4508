/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fgsm: the Fast Gradient Method against the model's own predictions, for curves over eps.
 *
 * One gradient serves every point of every curve of a window; each point then costs one forward
 * pass. Where the reference takes a new gradient for each eps it takes the same one.
 */
#include "guest/checks/check.h"
#include "guest/checks/fgsm_step.h"
#include "guest/checks/meter.h"
#include "guest/checks/predict.h"

#include <errno.h>

struct fgsm {
    const struct check_context *context;
    const struct plan_check *plan;
    struct predictor predictor;
    struct meter meter;
    size_t size;             /* elements of an input */
    float *gradient;         /* window × size */
    float *direction;        /* size */
    float *adversarial;      /* slice × size */
    int32_t *classes;        /* window */
    uint64_t zero_gradients; /* inputs whose gradient is zero everywhere: nothing to step along */
    struct check_figures figures;
};

/* One point of one curve on one window. */
struct fgsm_point {
    uint32_t curve, point;
    struct fgsm_step step;
};

static void fgsm_free(void *state)
{
    struct fgsm *fgsm = state;

    if (fgsm == NULL)
        return;
    predictor_close(&fgsm->predictor);
    free(fgsm->gradient);
    free(fgsm->direction);
    free(fgsm->adversarial);
    free(fgsm->classes);
    free(fgsm);
}

static int allocate(struct fgsm *fgsm, struct error *err)
{
    const struct plan_set *set = &fgsm->context->plan->sets[PLAN_SET_TEST];
    uint64_t window = set->count < set->window ? set->count : set->window;
    int r = predictor_open(&fgsm->predictor, fgsm->context, err);

    if (r < 0)
        return r;
    fgsm->gradient = calloc(window * fgsm->size, sizeof *fgsm->gradient);
    fgsm->direction = calloc(fgsm->size, sizeof *fgsm->direction);
    fgsm->adversarial = calloc(fgsm->predictor.slice * fgsm->size, sizeof *fgsm->adversarial);
    fgsm->classes = calloc(window, sizeof *fgsm->classes);
    if (fgsm->gradient == NULL || fgsm->direction == NULL || fgsm->adversarial == NULL || fgsm->classes == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "no memory for the gradients of a window: %llu MiB for %llu inputs of %zu elements",
                         (unsigned long long)(window * fgsm->size * sizeof(float) >> 20), (unsigned long long)window,
                         fgsm->size);
    return 0;
}

static int fgsm_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    const struct plan *plan = context->plan;
    const struct plan_check *check = &plan->checks[context->index];
    struct fgsm *fgsm = calloc(1, sizeof *fgsm);
    uint64_t passes = 1; /* the gradient's */
    int r;

    if (fgsm == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for fgsm");
    fgsm->context = context;
    fgsm->plan = check;
    fgsm->size = network_input_size(context->network);
    fgsm->figures.layer = "";
    for (uint32_t i = 0; i < check->attack.curve_count; i++)
        passes += check->attack.curves[i].point_count;
    r = allocate(fgsm, err);
    if (r < 0) {
        fgsm_free(fgsm);
        return r;
    }
    meter_start(&fgsm->meter, context, plan->sets[PLAN_SET_TEST].count * passes);
    *ret_state = fgsm;
    return 0;
}

static uint32_t slice_count(const struct fgsm *fgsm, const struct check_window *window, uint32_t first)
{
    uint32_t left = window->count - first;

    return left < fgsm->predictor.slice ? left : fgsm->predictor.slice;
}

static bool is_zero(const float *gradient, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (gradient[i] != 0.0f)
            return false;
    return true;
}

static int compute_gradients(struct fgsm *fgsm, const struct check_window *window, struct error *err)
{
    uint64_t before = meter_cpu_ns();

    for (uint32_t first = 0; first < window->count; first += fgsm->predictor.slice) {
        uint32_t count = slice_count(fgsm, window, first);
        size_t offset = first * fgsm->size;
        int r = network_gradient(fgsm->context->network, window->x + offset, count, NULL, fgsm->gradient + offset, NULL,
                                 err);

        if (r == 0)
            r = meter_add(&fgsm->meter, count, err);
        if (r < 0)
            return r;
    }
    for (uint32_t i = 0; i < window->count; i++)
        fgsm->zero_gradients += is_zero(fgsm->gradient + i * fgsm->size, fgsm->size);
    fgsm->figures.gradient_cpu_ns += meter_cpu_ns() - before;
    fgsm->figures.gradient_images += window->count;
    fgsm->figures.images += window->count;
    return 0;
}

/* One adversarial input, in as many messages as its size takes. */
static int send_sample(const struct fgsm *fgsm, const struct fgsm_point *point, uint64_t sample, const float *x,
                       struct error *err)
{
    size_t most = MESSAGE_BLOB_MAX / sizeof *x;

    for (size_t offset = 0; offset < fgsm->size; offset += most) {
        size_t count = fgsm->size - offset < most ? fgsm->size - offset : most;
        const struct message message = {
            .type = MESSAGE_SAMPLE,
            .sample = {.check = fgsm->context->index,
                       .curve = point->curve,
                       .point = point->point,
                       .sample = (uint32_t)sample,
                       .offset = offset,
                       .elements = {.data = (const uint8_t *)(x + offset), .size = (uint32_t)(count * sizeof *x)}},
        };
        int r = fgsm->context->sink.send(fgsm->context->sink.argument, &message, err);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The adversarial inputs of one slice, and what the model makes of them. */
static int attack_slice(struct fgsm *fgsm, const struct fgsm_point *point, const struct check_window *window,
                        uint32_t first, struct error *err)
{
    uint32_t count = slice_count(fgsm, window, first);

    for (uint32_t i = 0; i < count; i++) {
        size_t offset = (first + i) * fgsm->size;
        uint64_t sample = window->first + first + i;
        float *adversarial = fgsm->adversarial + i * fgsm->size;

        fgsm_direction(point->step.norm, fgsm->gradient + offset, fgsm->size, fgsm->direction);
        fgsm_perturb(&point->step, window->x + offset, fgsm->direction, fgsm->size, adversarial);
        if (sample < fgsm->plan->attack.samples) {
            int r = send_sample(fgsm, point, sample, adversarial, err);

            if (r < 0)
                return r;
        }
    }
    return predictor_run(&fgsm->predictor, fgsm->adversarial, count, fgsm->classes + first, err);
}

static int attack_window(struct fgsm *fgsm, const struct fgsm_point *point, const struct check_window *window,
                         struct error *err)
{
    for (uint32_t first = 0; first < window->count; first += fgsm->predictor.slice) {
        int r = attack_slice(fgsm, point, window, first, err);

        if (r == 0)
            r = meter_add(&fgsm->meter, slice_count(fgsm, window, first), err);
        if (r < 0)
            return r;
    }
    fgsm->figures.images += window->count;
    return predictions_send(fgsm->context, point->curve, point->point, window, fgsm->classes, err);
}

static int fgsm_window(void *state, const struct check_window *window, struct error *err)
{
    struct fgsm *fgsm = state;
    const struct plan_contract *contract = &fgsm->context->plan->contract;
    int r = compute_gradients(fgsm, window, err);

    for (uint32_t c = 0; c < fgsm->plan->attack.curve_count; c++) {
        const struct plan_curve *curve = &fgsm->plan->attack.curves[c];

        for (uint32_t p = 0; r == 0 && p < curve->point_count; p++) {
            const struct fgsm_point point = {.curve = c,
                                             .point = p,
                                             .step = {.norm = curve->norm,
                                                      .eps = curve->eps[p],
                                                      .range_low = (float)contract->range_low,
                                                      .range_high = (float)contract->range_high}};

            r = attack_window(fgsm, &point, window, err);
        }
    }
    return r;
}

static int fgsm_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    const struct fgsm *fgsm = state;
    const struct message_row row = {
        .table = ROWS_GRADIENTS,
        .natural_count = GRADIENTS_NATURALS,
        .naturals = {[GRADIENTS_ZERO] = fgsm->zero_gradients, [GRADIENTS_SAMPLES] = fgsm->figures.gradient_images},
    };

    *ret_figures = fgsm->figures;
    return check_send_row(fgsm->context, row, err);
}

const struct check check_fgsm = {
    .id = PLAN_FGSM,
    .version = 1,
    .needs_range = true,
    .needs_gradient = true,
    .begin = fgsm_begin,
    .window = fgsm_window,
    .end = fgsm_end,
    .free = fgsm_free,
};
