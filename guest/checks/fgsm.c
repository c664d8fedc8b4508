/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fgsm: the Fast Gradient Method for curves over eps.
 *
 * One gradient, at the clean input, serves every point of every curve of a window; each point then
 * costs one forward pass. The reference takes a new gradient for each eps, which is the same one.
 * A restart starts from a random point of the point's own ball, so it takes a gradient there, but only
 * for the inputs that no start before has broken; the worst is kept for each input, where the reference
 * keeps the best whole run.
 *
 * A curve in minimal mode goes on from point to point: an input that is broken moves no more and keeps
 * its prediction; there is no projection, and there are no restarts.
 */
#include "guest/checks/attack.h"
#include "guest/checks/noise_ball.h"

#include <errno.h>

struct fgsm {
    struct attack attack;
    float *gradient;    /* window × size, at the clean inputs */
    float *direction;   /* size */
    float *adversarial; /* slice × size */
    int32_t *clean;     /* window: clean predictions */
    int32_t *classes;   /* slice */
    uint32_t *samples;  /* slice: the window's samples that are in it */
    int32_t *labels;    /* slice: of the loss; restarts only */
    float *starts;      /* slice × size: where restarts start */
    float *gradients;   /* slice × size: there */
    uint64_t zero_gradients;
    uint64_t clean_gradients;
};

/* One point of one curve on one window. */
struct fgsm_point {
    const struct check_window *window;
    struct fgsm_step step;
    bool minimal;
    uint64_t restart; /* 0: from the clean input */
};

static void fgsm_free(void *state)
{
    struct fgsm *fgsm = state;

    if (fgsm == NULL)
        return;
    attack_close(&fgsm->attack);
    free(fgsm->gradient);
    free(fgsm->direction);
    free(fgsm->adversarial);
    free(fgsm->clean);
    free(fgsm->classes);
    free(fgsm->samples);
    free(fgsm->labels);
    free(fgsm->starts);
    free(fgsm->gradients);
    free(fgsm);
}

static int allocate_restarts(struct fgsm *fgsm, struct error *err)
{
    size_t slice = fgsm->attack.predictor.slice;

    if (fgsm->attack.plan->restarts == 0)
        return 0;
    fgsm->labels = calloc(slice, sizeof *fgsm->labels);
    fgsm->starts = calloc(slice * fgsm->attack.size, sizeof *fgsm->starts);
    fgsm->gradients = calloc(slice * fgsm->attack.size, sizeof *fgsm->gradients);
    if (fgsm->labels == NULL || fgsm->starts == NULL || fgsm->gradients == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the restarts of fgsm");
    return 0;
}

static int allocate(struct fgsm *fgsm, struct error *err)
{
    uint64_t window = fgsm->attack.window;
    size_t size = fgsm->attack.size, slice = fgsm->attack.predictor.slice;

    fgsm->gradient = calloc(window * size, sizeof *fgsm->gradient);
    fgsm->direction = calloc(size, sizeof *fgsm->direction);
    fgsm->adversarial = calloc(slice * size, sizeof *fgsm->adversarial);
    fgsm->clean = calloc(window, sizeof *fgsm->clean);
    fgsm->classes = calloc(slice, sizeof *fgsm->classes);
    fgsm->samples = calloc(slice, sizeof *fgsm->samples);
    if (fgsm->gradient == NULL || fgsm->direction == NULL || fgsm->adversarial == NULL || fgsm->clean == NULL ||
        fgsm->classes == NULL || fgsm->samples == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "no memory for the gradients of a window: %llu MiB for %llu inputs of %zu elements",
                         (unsigned long long)(window * size * sizeof(float) >> 20), (unsigned long long)window, size);
    return allocate_restarts(fgsm, err);
}

static int fgsm_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct fgsm *fgsm = calloc(1, sizeof *fgsm);
    int r;

    if (fgsm == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for fgsm");
    r = attack_open(&fgsm->attack, context, err);
    if (r == 0)
        r = allocate(fgsm, err);
    if (r < 0) {
        fgsm_free(fgsm);
        return r;
    }
    *ret_state = fgsm;
    return 0;
}

/* --- gradients ----------------------------------------------------------------------------------------- */

/* Gradients of `count` inputs for the loss of `labels`, or of the model's own predictions. */
static int take_gradients(struct fgsm *fgsm, const float *x, uint32_t count, const int32_t *labels, float *ret_gradient,
                          int32_t *ret_predictions, struct error *err)
{
    struct attack *attack = &fgsm->attack;
    uint64_t before = meter_cpu_ns();
    int r = network_gradient(attack->context->network, x, count, labels, ret_gradient, ret_predictions, err);

    attack->figures.gradient_cpu_ns += meter_cpu_ns() - before;
    attack->figures.gradient_images += count;
    attack->figures.images += count;
    for (uint32_t i = 0; r == 0 && i < count; i++)
        attack_orient_gradient(attack, ret_gradient + i * attack->size);
    return r < 0 ? r : meter_add(&attack->meter, 0, err);
}

/* Labels and targets; an untargeted attack without labels learns them from the gradients' own passes. */
static int aim(struct fgsm *fgsm, const struct check_window *window, struct error *err)
{
    if (attack_is_targeted(&fgsm->attack))
        return attack_aim(&fgsm->attack, window, fgsm->clean, err);
    return attack_has_labels(&fgsm->attack) ? attack_take_labels(&fgsm->attack, window, err) : 0;
}

static int clean_gradients(struct fgsm *fgsm, const struct check_window *window, struct error *err)
{
    struct attack *attack = &fgsm->attack;
    bool own = !attack_is_targeted(attack) && !attack_has_labels(attack);
    const int32_t *labels = attack_is_targeted(attack) ? attack->targets : attack->labels;
    int r = aim(fgsm, window, err);

    for (uint32_t first = 0; r == 0 && first < window->count; first += attack->predictor.slice) {
        uint32_t left = window->count - first, slice = attack->predictor.slice, count = left < slice ? left : slice;
        size_t offset = first * attack->size;

        r = take_gradients(fgsm, window->x + offset, count, own ? NULL : labels + first, fgsm->gradient + offset,
                           own ? attack->labels + first : NULL, err);
    }
    for (uint32_t i = 0; r == 0 && i < window->count; i++)
        fgsm->zero_gradients += attack_is_zero(fgsm->gradient + i * attack->size, attack->size);
    fgsm->clean_gradients += window->count;
    return r;
}

/* --- points ---------------------------------------------------------------------------------------------- */

/* The adversarial input of the slice's k-th sample. */
static void perturb(struct fgsm *fgsm, const struct fgsm_point *point, uint32_t k)
{
    struct attack *attack = &fgsm->attack;
    size_t size = attack->size;
    const float *x = point->window->x + fgsm->samples[k] * size;
    const float *from = point->restart > 0 ? fgsm->starts + k * size : x;
    const float *gradient = point->restart > 0 ? fgsm->gradients + k * size : fgsm->gradient + fgsm->samples[k] * size;
    float *adversarial = fgsm->adversarial + k * size;

    fgsm_direction(point->step.norm, gradient, size, fgsm->direction);
    fgsm_move(&point->step, from, fgsm->direction, size, adversarial);
    if (!point->minimal)
        fgsm_project(&point->step, x, size, adversarial);
    features_settle(&attack->features, &point->step, x, gradient, adversarial);
}

/* Random points of the ball around the slice's samples, and the gradients there. */
static int start_slice(struct fgsm *fgsm, const struct fgsm_point *point, uint32_t count, struct error *err)
{
    struct attack *attack = &fgsm->attack;

    for (uint32_t k = 0; k < count; k++) {
        uint32_t sample = fgsm->samples[k];
        struct random_stream stream = attack_stream(attack, point->window->first + sample, point->restart);

        noise_ball(&stream, point->step.norm, false, attack->size, fgsm->direction);
        features_mask(&attack->features, fgsm->direction);
        fgsm_move(&point->step, point->window->x + sample * attack->size, fgsm->direction, attack->size,
                  fgsm->starts + k * attack->size);
        fgsm->labels[k] = attack_loss_class(attack, sample);
    }
    return take_gradients(fgsm, fgsm->starts, count, fgsm->labels, fgsm->gradients, NULL, err);
}

static int attack_slice(struct fgsm *fgsm, const struct fgsm_point *point, uint32_t count, struct error *err)
{
    struct attack *attack = &fgsm->attack;
    int r = point->restart > 0 ? start_slice(fgsm, point, count, err) : 0;

    if (r < 0)
        return r;
    for (uint32_t k = 0; k < count; k++)
        perturb(fgsm, point, k);
    r = predictor_run(&attack->predictor, fgsm->adversarial, count, fgsm->classes, err);
    if (r < 0)
        return r;
    for (uint32_t k = 0; k < count; k++)
        attack_offer(attack, point->window, fgsm->samples[k], fgsm->classes[k], fgsm->adversarial + k * attack->size);
    attack->figures.images += count;
    return meter_add(&attack->meter, 0, err);
}

/* All samples of the window that are not broken yet, slice by slice. */
static int attack_window(struct fgsm *fgsm, const struct fgsm_point *point, struct error *err)
{
    struct attack *attack = &fgsm->attack;
    int r = 0;

    for (uint32_t next = 0; r == 0 && next < point->window->count;) {
        uint32_t count = 0;

        for (; count < attack->predictor.slice && next < point->window->count; next++)
            if (!attack_is_broken(attack, next))
                fgsm->samples[count++] = next;
        if (count > 0)
            r = attack_slice(fgsm, point, count, err);
    }
    return r;
}

static int attack_point(struct fgsm *fgsm, const struct plan_curve *curve, uint32_t p,
                        const struct check_window *window, struct error *err)
{
    struct attack *attack = &fgsm->attack;
    struct fgsm_point point = {.window = window, .step = attack_step(attack, curve, p), .minimal = curve->minimal};
    uint64_t restarts = curve->minimal ? 0 : attack->plan->restarts;
    int r = 0;

    attack_forget(attack, window->count, curve->minimal ? ATTACK_TURNED : ATTACK_BROKEN);
    for (; r == 0 && point.restart <= restarts; point.restart++)
        r = attack_window(fgsm, &point, err);
    return r < 0 ? r : meter_add(&attack->meter, window->count, err);
}

static int fgsm_window(void *state, const struct check_window *window, struct error *err)
{
    struct fgsm *fgsm = state;
    struct attack *attack = &fgsm->attack;
    int r;

    if (window->set == PLAN_SET_FEATURES)
        return features_take(&attack->features, window, err);
    r = clean_gradients(fgsm, window, err);
    for (uint32_t c = 0; c < attack->plan->curve_count; c++) {
        const struct plan_curve *curve = &attack->plan->curves[c];

        attack_forget(attack, window->count, ATTACK_BROKEN);
        for (uint32_t p = 0; r == 0 && p < curve->point_count; p++) {
            r = attack_point(fgsm, curve, p, window, err);
            if (r == 0)
                r = attack_publish(attack, c, p, window, err);
        }
    }
    return r;
}

static int fgsm_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    const struct fgsm *fgsm = state;

    *ret_figures = fgsm->attack.figures;
    return attack_send_gradients(&fgsm->attack, fgsm->zero_gradients, fgsm->clean_gradients, err);
}

const struct check check_fgsm = {
    .id = PLAN_FGSM,
    .version = 1,
    .needs_range = true,
    .needs_gradient = true,
    .unfit = attack_unfit,
    .begin = fgsm_begin,
    .window = fgsm_window,
    .end = fgsm_end,
    .free = fgsm_free,
};
