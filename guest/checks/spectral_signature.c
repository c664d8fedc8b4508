/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spectral-signature: which training samples of a class stand out along its activations' main direction?
 * (Tran, Li and Madry 2018; as the Adversarial Robustness Toolbox computes it.)
 *
 * Theory of operation. The training set's activations of one layer are kept, f32. Of each given label's samples v is
 * the first right singular vector of the centred activations, the first principal component (pca.h), in f64. A sample's
 * score is |v·x|, x not centred. Suspects score above the quantile at 1 − 1.5·pp of the class's scores, pp being the
 * share of poisoned samples that is expected at most; so a share of every class is suspected, poisoned or not, and the
 * check is for a report.
 */
#include "guest/checks/check.h"
#include "guest/checks/meter.h"
#include "guest/checks/pca.h"
#include "guest/checks/quantile.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SMALLEST_CLASS 2u  /* that has a direction */
#define SUSPECTED      1.5 /* times the expected share of poison */

struct spectral {
    const struct check_context *context;
    const struct plan_spectral *plan;
    struct meter meter;
    uint32_t slice, class_count;
    size_t features;
    uint64_t train_count;
    float *activations; /* training set × features */
    uint32_t *labels;   /* training set */
    uint64_t *rows;     /* training set: samples of the class under way, ascending */
    double *scores;     /* training set: of those samples, in their order */
    double *sorted;     /* a copy of them */
};

static const char *spectral_unfit(const struct check_context *context)
{
    const struct plan_set *set = &context->plan->sets[PLAN_SET_TRAIN];

    if (!set->present || set->count == 0)
        return "there is no training set: give one with --train";
    return NULL;
}

static void spectral_free(void *state)
{
    struct spectral *spectral = state;

    if (spectral == NULL)
        return;
    free(spectral->activations);
    free(spectral->labels);
    free(spectral->rows);
    free(spectral->scores);
    free(spectral->sorted);
    free(spectral);
}

static int no_memory(struct error *err, uint64_t bytes, const char *what)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "spectral-signature needs %llu MiB for %s, more than there is",
                     (unsigned long long)((bytes >> 20) + 1), what);
}

static int allocate(struct spectral *spectral, struct error *err)
{
    uint64_t count = spectral->train_count, budget = spectral->context->memory_bytes, bytes;
    uint64_t each = sizeof *spectral->labels + sizeof *spectral->rows + 2 * sizeof *spectral->scores;

    if (__builtin_mul_overflow(count, spectral->features * sizeof(float) + each, &bytes) || bytes > SIZE_MAX / 2)
        bytes = UINT64_MAX;
    if (bytes == UINT64_MAX || (budget != 0 && bytes > budget))
        return no_memory(err, bytes, "the training set's activations");
    spectral->activations = malloc(count * spectral->features * sizeof *spectral->activations);
    spectral->labels = malloc(count * sizeof *spectral->labels);
    spectral->rows = malloc(count * sizeof *spectral->rows);
    spectral->scores = malloc(count * sizeof *spectral->scores);
    spectral->sorted = malloc(count * sizeof *spectral->sorted);
    if (spectral->activations == NULL || spectral->labels == NULL || spectral->rows == NULL ||
        spectral->scores == NULL || spectral->sorted == NULL)
        return no_memory(err, bytes, "the training set's activations");
    return 0;
}

static int spectral_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct spectral *spectral = calloc(1, sizeof *spectral);
    int r;

    if (spectral == NULL)
        return no_memory(err, sizeof *spectral, "its state");
    spectral->context = context;
    spectral->plan = &context->plan->checks[context->index].spectral;
    spectral->slice = network_batch(context->network);
    spectral->class_count = check_classes(context->network);
    spectral->features = network_layer_size(context->network);
    spectral->train_count = context->plan->sets[PLAN_SET_TRAIN].count;
    r = allocate(spectral, err);
    if (r < 0) {
        spectral_free(spectral);
        return r;
    }
    meter_start(&spectral->meter, context, spectral->train_count);
    *ret_state = spectral;
    return 0;
}

/* --- training windows -------------------------------------------------------------------------------- */

static int take_labels(struct spectral *spectral, const struct check_window *window, struct error *err)
{
    for (uint32_t i = 0; i < window->count; i++) {
        if (window->labels[i] >= spectral->class_count)
            return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                             "training sample %llu has the label %u, the model %u classes",
                             (unsigned long long)(window->first + i), window->labels[i], spectral->class_count);
        spectral->labels[window->first + i] = window->labels[i];
    }
    return 0;
}

static int check_finite(const struct spectral *spectral, uint64_t sample, struct error *err)
{
    const float *activations = spectral->activations + sample * spectral->features;

    for (size_t j = 0; j < spectral->features; j++)
        if (!isfinite(activations[j]))
            return error_set(err, ERROR_BAD_INPUT, -EDOM,
                             "layer %s: activation %zu of training sample %llu is not a finite number",
                             network_layer_name(spectral->context->network), j, (unsigned long long)sample);
    return 0;
}

static int spectral_window(void *state, const struct check_window *window, struct error *err)
{
    struct spectral *spectral = state;
    size_t input = network_input_size(spectral->context->network);
    int r = take_labels(spectral, window, err);

    for (uint32_t first = 0; r == 0 && first < window->count; first += spectral->slice) {
        uint32_t left = window->count - first, count = left < spectral->slice ? left : spectral->slice;

        r = network_activations(spectral->context->network, window->x + first * input, count,
                                spectral->activations + (window->first + first) * spectral->features, NULL, err);
        for (uint32_t i = 0; r == 0 && i < count; i++)
            r = check_finite(spectral, window->first + first + i, err);
        if (r == 0)
            r = meter_add(&spectral->meter, count, err);
    }
    return r;
}

/* --- one class -------------------------------------------------------------------------------------------- */

static size_t list_class(struct spectral *spectral, uint32_t label)
{
    size_t count = 0;

    for (uint64_t i = 0; i < spectral->train_count; i++)
        if (spectral->labels[i] == label)
            spectral->rows[count++] = i;
    return count;
}

static const float *sample_of(const struct spectral *spectral, size_t i)
{
    return spectral->activations + spectral->rows[i] * spectral->features;
}

/* Σ‖x − mean‖² over the class. */
static double total_variance(const struct spectral *spectral, size_t count)
{
    double total = 0.0;

    for (size_t j = 0; j < spectral->features; j++) {
        double mean = 0.0, sum = 0.0;

        for (size_t i = 0; i < count; i++)
            mean += (double)sample_of(spectral, i)[j];
        mean /= (double)count;
        for (size_t i = 0; i < count; i++) {
            double off = (double)sample_of(spectral, i)[j] - mean;

            sum += off * off;
        }
        total += sum;
    }
    return total;
}

/* Scores of the class's samples; the share of the variance along v. A projection is v·(x − mean), that of 0 −v·mean. */
static int score_class(struct spectral *spectral, size_t count, double *ret_share, struct error *err)
{
    const struct pca_rows data = {
        .samples = spectral->activations, .rows = spectral->rows, .count = count, .features = spectral->features};
    CLEANUP_FREE float *zero = calloc(spectral->features, sizeof *zero);
    double origin, along = 0.0, total;
    struct pca *pca = NULL;
    int r;

    if (zero == NULL)
        return no_memory(err, spectral->features * sizeof *zero, "one sample");
    r = pca_fit(&data, 1, &pca, err);
    if (r < 0)
        return r;
    pca_project(pca, zero, &origin);
    for (size_t i = 0; i < count; i++) {
        double projection;

        pca_project(pca, sample_of(spectral, i), &projection);
        spectral->scores[i] = fabs(projection - origin);
        along += projection * projection;
    }
    pca_free(pca);
    total = total_variance(spectral, count);
    *ret_share = total > 0.0 ? along / total : 0.0;
    return 0;
}

static void describe_suspects(const struct spectral *spectral, size_t count, struct message_row *row)
{
    for (size_t i = 0; i < count; i++) {
        if (!(spectral->scores[i] > row->reals[SPECTRUM_CUTOFF]))
            continue;
        if (row->natural_count < SPECTRUM_INDICES + ROW_INDICES_MAX)
            row->naturals[row->natural_count++] = spectral->rows[i];
        row->naturals[SPECTRUM_SUSPECTS]++;
    }
}

static int describe_class(struct spectral *spectral, size_t count, struct message_row *row, struct error *err)
{
    double share = 1.0 - SUSPECTED * spectral->plan->poisoned_share;
    int r = score_class(spectral, count, &row->reals[SPECTRUM_SHARE], err);

    if (r < 0)
        return r;
    memcpy(spectral->sorted, spectral->scores, count * sizeof *spectral->sorted);
    row->reals[SPECTRUM_CUTOFF] = quantile_of(spectral->sorted, count, share > 0.0 ? share : 0.0);
    row->reals[SPECTRUM_TOP] = spectral->sorted[count - 1];
    describe_suspects(spectral, count, row);
    return 0;
}

static int send_class(struct spectral *spectral, uint32_t label, struct error *err)
{
    struct message_row row = {.table = ROWS_SPECTRUM, .natural_count = SPECTRUM_INDICES, .real_count = SPECTRUM_REALS};
    size_t count = list_class(spectral, label);
    bool fits = count >= SMALLEST_CLASS && count >= spectral->plan->minimum_class_size;
    int r = fits ? describe_class(spectral, count, &row, err) : 0;

    if (r < 0)
        return error_prefix(err, "class %u", label);
    row.naturals[SPECTRUM_LABEL] = label;
    row.naturals[SPECTRUM_OUTCOME] = fits ? SPECTRUM_DONE : SPECTRUM_TOO_SMALL;
    row.naturals[SPECTRUM_SIZE] = count;
    r = check_send_row(spectral->context, row, err);
    return r < 0 ? r : meter_add(&spectral->meter, 0, err);
}

static int spectral_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    struct spectral *spectral = state;
    int r = 0;

    for (uint32_t label = 0; r == 0 && label < spectral->class_count; label++)
        r = send_class(spectral, label, err);
    *ret_figures = (struct check_figures){.images = spectral->train_count,
                                          .layer = network_layer_name(spectral->context->network)};
    return r;
}

const struct check check_spectral_signature = {
    .id = PLAN_SPECTRAL_SIGNATURE,
    .version = 1,
    .unfit = spectral_unfit,
    .begin = spectral_begin,
    .window = spectral_window,
    .end = spectral_end,
    .free = spectral_free,
};
