/* SPDX-License-Identifier: Apache-2.0 */
/* trigger-scan's faint patterns over the whole image. */
#include "guest/checks/trigger_scan_faint.h"

#include <errno.h>
#include <string.h>

#define AMPLITUDE     0.1 /* of the range, at first */
#define GROWTH        1.4 /* from one amplitude to the next */
#define RISES_MAX     4u
#define FALLS_MAX     6u
#define STEPS         20u
#define STEP_SHARE    0.2 /* of the amplitude */
#define MOMENTUM      0.9
#define BATCH_MAX     16u
#define BATCH_MIN     4u
#define GRADIENT_COST 3u
#define YIELD_PARTS   2u /* of YIELD_WHOLE: the part of its samples that the median class may have turned */
#define YIELD_WHOLE   5u

/* One class's pattern being fitted. */
struct fit {
    struct scan_search *search;
    struct scan_faint *result;
    int32_t target;
    uint32_t batch; /* samples a step */
    float amplitude;
    uint32_t *eligible; /* of the search's samples, those of other predicted classes, in its order */
    uint32_t eligible_count;
    float *pattern;          /* δ */
    double *momentum, *mean; /* an element each */
    float *gradient;         /* slice × an image */
    int32_t *labels;         /* slice */
    uint32_t *flips;         /* targets: at this amplitude */
    uint32_t *sorted;        /* targets: for the median */
};

static uint64_t round_cost(uint32_t samples, uint32_t targets, uint32_t batch)
{
    return ((uint64_t)STEPS * batch * GRADIENT_COST + samples) * targets;
}

uint64_t scan_faint_cost(uint32_t samples, uint32_t targets)
{
    return round_cost(samples, targets, BATCH_MAX) * (FALLS_MAX + 1);
}

static void fit_close(struct fit *fit)
{
    free(fit->eligible);
    free(fit->pattern);
    free(fit->momentum);
    free(fit->mean);
    free(fit->gradient);
    free(fit->labels);
    free(fit->flips);
    free(fit->sorted);
}

static int fit_open(struct fit *fit, struct error *err)
{
    size_t size = fit->search->kept->size, slice = fit->search->predictor->slice;

    fit->eligible = calloc(fit->search->samples + (size_t)1, sizeof *fit->eligible);
    fit->pattern = calloc(size, sizeof *fit->pattern);
    fit->momentum = calloc(size, sizeof *fit->momentum);
    fit->mean = calloc(size, sizeof *fit->mean);
    fit->gradient = malloc(slice * size * sizeof *fit->gradient);
    fit->labels = calloc(slice, sizeof *fit->labels);
    fit->flips = calloc(fit->search->targets, sizeof *fit->flips);
    fit->sorted = calloc(fit->search->targets, sizeof *fit->sorted);
    if (fit->eligible == NULL || fit->pattern == NULL || fit->momentum == NULL || fit->mean == NULL ||
        fit->gradient == NULL || fit->labels == NULL || fit->flips == NULL || fit->sorted == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for trigger-scan's faint patterns");
    return 0;
}

static void start_target(struct fit *fit, uint32_t target)
{
    const struct scan_search *search = fit->search;

    fit->target = (int32_t)target;
    fit->eligible_count = 0;
    for (uint32_t i = 0; i < search->samples; i++)
        if (search->clean[search->order[i]] != fit->target)
            fit->eligible[fit->eligible_count++] = search->order[i];
    memset(fit->pattern, 0, search->kept->size * sizeof *fit->pattern);
    memset(fit->momentum, 0, search->kept->size * sizeof *fit->momentum);
}

/* Images of `count` eligible samples from `position` on, round and round, with the pattern on. */
static void fill_slice(const struct fit *fit, uint64_t position, uint32_t count)
{
    const struct scan_search *search = fit->search;
    float low = search->places->low, high = search->places->high;

    for (uint32_t i = 0; i < count; i++) {
        size_t sample = fit->eligible[(position + i) % fit->eligible_count], size = search->kept->size;
        const float *x = search->kept->x + sample * size;
        float *to = search->images + i * size;

        for (size_t j = 0; j < size; j++) {
            float value = x[j] + fit->pattern[j];

            value = value < low ? low : value;
            to[j] = value > high ? high : value;
        }
    }
}

static int spend(struct fit *fit, uint32_t count, uint32_t cost, struct error *err)
{
    struct scan_search *search = fit->search;

    search->images_done += (uint64_t)count * cost;
    if (search->budget != UINT64_MAX)
        search->budget -= (uint64_t)count * cost;
    return meter_add(search->meter, (uint64_t)count * cost, err);
}

/* The sum of the gradients of one step's samples. */
static int take_gradient(struct fit *fit, uint32_t step, struct error *err)
{
    struct scan_search *search = fit->search;
    size_t size = search->kept->size;

    memset(fit->mean, 0, size * sizeof *fit->mean);
    for (uint32_t first = 0; first < fit->batch; first += search->predictor->slice) {
        uint32_t left = fit->batch - first;
        uint32_t count = left < search->predictor->slice ? left : search->predictor->slice;
        int r;

        fill_slice(fit, (uint64_t)step * fit->batch + first, count);
        for (uint32_t i = 0; i < count; i++)
            fit->labels[i] = fit->target;
        r = network_gradient(search->predictor->context->network, search->images, count, fit->labels, fit->gradient,
                             NULL, err);
        if (r == 0)
            r = spend(fit, count, GRADIENT_COST, err);
        if (r < 0)
            return r;
        fit->result->gradient_images += count;
        for (size_t i = 0; i < count * size; i++)
            fit->mean[i % size] += (double)fit->gradient[i];
    }
    return 0;
}

static void step_pattern(struct fit *fit)
{
    float step = (float)(STEP_SHARE * (double)fit->amplitude);

    for (size_t i = 0; i < fit->search->kept->size; i++) {
        double direction = MOMENTUM * fit->momentum[i] + fit->mean[i] / (double)fit->batch;
        float value = fit->pattern[i];

        fit->momentum[i] = direction;
        value = direction > 0.0 ? value - step : direction < 0.0 ? value + step : value;
        value = value < -fit->amplitude ? -fit->amplitude : value;
        fit->pattern[i] = value > fit->amplitude ? fit->amplitude : value;
    }
}

static int count_flips(struct fit *fit, uint32_t *ret_flips, struct error *err)
{
    struct scan_search *search = fit->search;
    uint32_t flips = 0;

    for (uint32_t first = 0; first < fit->eligible_count; first += search->predictor->slice) {
        uint32_t left = fit->eligible_count - first;
        uint32_t count = left < search->predictor->slice ? left : search->predictor->slice;
        int r;

        fill_slice(fit, first, count);
        r = predictor_run(search->predictor, search->images, count, search->classes, err);
        if (r == 0)
            r = spend(fit, count, 1, err);
        if (r < 0)
            return r;
        for (uint32_t i = 0; i < count; i++)
            flips += search->classes[i] == fit->target;
    }
    *ret_flips = flips;
    return 0;
}

static int fit_target(struct fit *fit, uint32_t target, uint32_t *ret_flips, struct error *err)
{
    int r = 0;

    start_target(fit, target);
    if (fit->eligible_count == 0) {
        *ret_flips = 0;
        return 0;
    }
    for (uint32_t step = 0; r == 0 && step < STEPS; step++) {
        r = take_gradient(fit, step, err);
        if (r == 0)
            step_pattern(fit);
    }
    return r < 0 ? r : count_flips(fit, ret_flips, err);
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Whether the median class yields too little for the others' patterns to be nothing special. */
static bool amplitude_suits(const struct fit *fit)
{
    uint32_t targets = fit->search->targets;

    memcpy(fit->sorted, fit->flips, targets * sizeof *fit->sorted);
    qsort(fit->sorted, targets, sizeof *fit->sorted, ascending);
    return (uint64_t)fit->sorted[targets / 2] * YIELD_WHOLE <= (uint64_t)fit->search->samples * YIELD_PARTS;
}

/* All targets at one amplitude; *ret_paid is false where the budget doesn't suffice for them. */
static int fit_all(struct fit *fit, double amplitude, bool *ret_paid, struct error *err)
{
    struct scan_search *search = fit->search;
    int r = 0;

    for (fit->batch = BATCH_MAX; fit->batch >= BATCH_MIN; fit->batch /= 2)
        if (round_cost(search->samples, search->targets, fit->batch) <= search->budget)
            break;
    *ret_paid = fit->batch >= BATCH_MIN;
    fit->amplitude = (float)amplitude;
    for (uint32_t target = 0; *ret_paid && r == 0 && target < search->targets; target++)
        r = fit_target(fit, target, &fit->flips[target], err);
    return r;
}

static void keep(const struct fit *fit, double amplitude)
{
    fit->result->found = true;
    fit->result->amplitude = amplitude;
    memcpy(fit->result->flips, fit->flips, fit->search->targets * sizeof *fit->flips);
}

/* The amplitude rises while it suits; where the first doesn't, it falls until it does. */
static int seek_amplitude(struct fit *fit, struct error *err)
{
    double amplitude = AMPLITUDE * ((double)fit->search->places->high - (double)fit->search->places->low);
    unsigned rises = 0, falls = 0;

    for (;;) {
        bool paid, suits;
        int r = fit_all(fit, amplitude, &paid, err);

        if (r < 0 || !paid)
            return r;
        suits = amplitude_suits(fit);
        if (suits)
            keep(fit, amplitude);
        fit->result->tried = suits ? falls > 0 || rises == RISES_MAX : rises > 0 || falls == FALLS_MAX;
        if (fit->result->tried)
            return 0;
        if (suits)
            rises++;
        else
            falls++;
        amplitude = suits ? amplitude * GROWTH : amplitude / GROWTH;
    }
}

int scan_faint_run(struct scan_search *search, struct scan_faint *ret_faint, struct error *err)
{
    struct fit fit = {.search = search, .result = ret_faint};
    int r;

    ret_faint->tried = false;
    ret_faint->found = false;
    ret_faint->gradient_images = 0;
    if (!network_has_gradient(search->predictor->context->network))
        return 0;
    r = fit_open(&fit, err);
    if (r == 0)
        r = seek_amplitude(&fit, err);
    fit_close(&fit);
    return r;
}
