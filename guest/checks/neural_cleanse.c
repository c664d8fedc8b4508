/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neural-cleanse: for every class, the smallest trigger that turns inputs of the others into it (Wang et al. 2019).
 *
 * Theory of operation. A mask and a pattern (neural_cleanse_mask.h) are fitted by Adam to lower the mean cross-entropy
 * towards the target plus cost times the mask's L1 norm. The samples are the kept ones that the model predicts as
 * another class, in an order that takes the classes in turn; each iteration takes the next batch of them, all of them
 * where the batch is as large. As in the paper the cost follows the success: 5 iterations in a row that turn enough of
 * their batch raise it by 1.5, 5 that don't lower it by 1.5^1.5, as often as that happens. The smallest mask that
 * turns enough samples, counted on all of them, is kept. A target's search ends with the plan's iterations, or when
 * the cost has both risen and fallen and for 40 iterations the best mask has not become a hundredth smaller.
 * Which masks are anomalously small is for the host to decide.
 */
#include "guest/checks/meter.h"
#include "guest/checks/neural_cleanse_mask.h"
#include "guest/checks/predict.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define CLASSES_MIN   6u /* below, a median of the classes says little about one of them */
#define COST_UP       1.5
#define COST_DOWN     1.8371173070873836 /* 1.5^1.5 */
#define COST_PATIENCE 5u
#define STOP_PATIENCE 40u
#define STOP_GAIN     0.99
#define RETRY_GAIN    0.95 /* a mask worth counting on all samples is this much smaller than the best */

struct cleanse {
    const struct check_context *context;
    const struct plan_neural_cleanse *plan;
    struct kept kept;
    struct predictor predictor;
    struct meter meter;
    struct cleanse_mask mask;
    uint32_t targets;
    int32_t *clean;     /* predicted classes of the kept samples */
    uint32_t *order;    /* of the kept samples */
    uint32_t *eligible; /* samples of other predicted classes than the target, in that order */
    uint32_t eligible_count;
    double *best;              /* mask and pattern */
    float *images, *gradient;  /* slice × size */
    int32_t *labels, *classes; /* slice */
    struct check_figures figures;
};

/* How one target's search stands. */
struct progress {
    int32_t target;
    double cost, best_norm; /* best_norm: INFINITY while there is none */
    double gain_norm;       /* best_norm when it last became a hundredth smaller */
    uint32_t ups, downs;    /* iterations in a row */
    bool risen, fallen;
    uint32_t iterations, since_gain;
    uint32_t best_flipped;
};

static const char *cleanse_unfit(const struct check_context *context)
{
    struct kept_shape shape;

    if (check_classes(context->network) < CLASSES_MIN)
        return "the model has fewer than 6 classes: too few to tell which mask is anomalously small";
    if (!network_has_gradient(context->network))
        return "the model has no gradient with respect to its input";
    return kept_unfit(context, &shape);
}

static void cleanse_free(void *state)
{
    struct cleanse *cleanse = state;

    if (cleanse == NULL)
        return;
    kept_close(&cleanse->kept);
    predictor_close(&cleanse->predictor);
    cleanse_mask_close(&cleanse->mask);
    free(cleanse->clean);
    free(cleanse->order);
    free(cleanse->eligible);
    free(cleanse->best);
    free(cleanse->images);
    free(cleanse->gradient);
    free(cleanse->labels);
    free(cleanse->classes);
    free(cleanse);
}

static int allocate(struct cleanse *cleanse, struct error *err)
{
    const struct plan_contract *contract = &cleanse->context->plan->contract;
    uint32_t count = cleanse->kept.count, slice = cleanse->predictor.slice;
    size_t size = cleanse->kept.size;
    struct kept_shape shape;

    if (kept_unfit(cleanse->context, &shape) != NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "neural-cleanse of a model that it doesn't fit");
    cleanse->clean = calloc(count, sizeof *cleanse->clean);
    cleanse->order = calloc(count, sizeof *cleanse->order);
    cleanse->eligible = calloc(count, sizeof *cleanse->eligible);
    cleanse->best = calloc(2 * size, sizeof *cleanse->best); /* a mask is at most as large as a pattern */
    cleanse->images = malloc(slice * size * sizeof *cleanse->images);
    cleanse->gradient = malloc(slice * size * sizeof *cleanse->gradient);
    cleanse->labels = calloc(slice, sizeof *cleanse->labels);
    cleanse->classes = calloc(slice, sizeof *cleanse->classes);
    if (cleanse->clean == NULL || cleanse->order == NULL || cleanse->eligible == NULL || cleanse->best == NULL ||
        cleanse->images == NULL || cleanse->gradient == NULL || cleanse->labels == NULL || cleanse->classes == NULL ||
        cleanse_mask_open(&cleanse->mask, &shape, contract->range_low, contract->range_high, cleanse->plan->rate) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for neural-cleanse's masks and one batch");
    return 0;
}

static int cleanse_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct cleanse *cleanse = calloc(1, sizeof *cleanse);
    uint64_t batch;
    int r;

    if (cleanse == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for neural-cleanse");
    cleanse->context = context;
    cleanse->plan = &context->plan->checks[context->index].neural_cleanse;
    cleanse->targets = check_classes(context->network);
    cleanse->figures.layer = "";
    r = kept_open(&cleanse->kept, context, cleanse->plan->kept, err);
    if (r == 0)
        r = predictor_open(&cleanse->predictor, context, err);
    if (r == 0)
        r = allocate(cleanse, err);
    if (r < 0) {
        cleanse_free(cleanse);
        return r;
    }
    batch = cleanse->plan->batch < cleanse->kept.count ? cleanse->plan->batch : cleanse->kept.count;
    meter_start(&cleanse->meter, context, cleanse->targets * cleanse->plan->iterations * batch);
    *ret_state = cleanse;
    return 0;
}

static int cleanse_window(void *state, const struct check_window *window, struct error *err)
{
    struct cleanse *cleanse = state;

    (void)err;
    kept_take(&cleanse->kept, window);
    return 0;
}

/* --- samples ------------------------------------------------------------------------------------------- */

static uint32_t slice_of(const struct cleanse *cleanse, uint32_t left)
{
    return left < cleanse->predictor.slice ? left : cleanse->predictor.slice;
}

static int predict_clean(struct cleanse *cleanse, struct error *err)
{
    int r = 0;

    for (uint32_t first = 0; r == 0 && first < cleanse->kept.count; first += cleanse->predictor.slice)
        r = predictor_run(&cleanse->predictor, cleanse->kept.x + first * cleanse->kept.size,
                          slice_of(cleanse, cleanse->kept.count - first), cleanse->clean + first, err);
    cleanse->figures.images += cleanse->kept.count;
    if (r == 0 && kept_order(cleanse->clean, cleanse->kept.count, cleanse->targets, cleanse->order) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the order of %u samples", cleanse->kept.count);
    return r;
}

static void list_eligible(struct cleanse *cleanse, int32_t target)
{
    cleanse->eligible_count = 0;
    for (uint32_t i = 0; i < cleanse->kept.count; i++)
        if (cleanse->clean[cleanse->order[i]] != target)
            cleanse->eligible[cleanse->eligible_count++] = cleanse->order[i];
}

static const float *eligible_sample(const struct cleanse *cleanse, uint64_t position)
{
    return cleanse->kept.x + cleanse->eligible[position % cleanse->eligible_count] * cleanse->kept.size;
}

/* Triggered inputs of `count` eligible samples from `position` on. */
static void fill_slice(struct cleanse *cleanse, const double *values, uint64_t position, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        cleanse_mask_apply(&cleanse->mask, values, eligible_sample(cleanse, position + i),
                           cleanse->images + i * cleanse->kept.size);
}

static uint32_t count_target(const struct cleanse *cleanse, int32_t target, uint32_t count)
{
    uint32_t flipped = 0;

    for (uint32_t i = 0; i < count; i++)
        flipped += cleanse->classes[i] == target;
    return flipped;
}

/* How many eligible samples a mask and pattern turn into the target. */
static int count_flipped(struct cleanse *cleanse, int32_t target, const double *values, uint32_t *ret_flipped,
                         struct error *err)
{
    uint32_t flipped = 0;

    for (uint32_t first = 0; first < cleanse->eligible_count; first += cleanse->predictor.slice) {
        uint32_t count = slice_of(cleanse, cleanse->eligible_count - first);
        int r;

        fill_slice(cleanse, values, first, count);
        r = predictor_run(&cleanse->predictor, cleanse->images, count, cleanse->classes, err);
        if (r == 0)
            r = meter_add(&cleanse->meter, 0, err);
        if (r < 0)
            return r;
        cleanse->figures.images += count;
        flipped += count_target(cleanse, target, count);
    }
    *ret_flipped = flipped;
    return 0;
}

/* --- one target -------------------------------------------------------------------------------------------- */

/* Gradients of one batch, added to the mask's; how many of it are turned into the target as it is. */
static int take_gradients(struct cleanse *cleanse, int32_t target, uint64_t position, uint32_t batch,
                          uint32_t *ret_flipped, struct error *err)
{
    uint64_t before = meter_cpu_ns();
    uint32_t flipped = 0;

    for (uint32_t first = 0; first < batch; first += cleanse->predictor.slice) {
        uint32_t count = slice_of(cleanse, batch - first);
        int r;

        fill_slice(cleanse, cleanse->mask.values, position + first, count);
        for (uint32_t i = 0; i < count; i++)
            cleanse->labels[i] = target;
        r = network_gradient(cleanse->context->network, cleanse->images, count, cleanse->labels, cleanse->gradient,
                             cleanse->classes, err);
        if (r == 0)
            r = meter_add(&cleanse->meter, count, err);
        if (r < 0)
            return r;
        for (uint32_t i = 0; i < count; i++)
            cleanse_mask_add(&cleanse->mask, eligible_sample(cleanse, position + first + i),
                             cleanse->gradient + i * cleanse->kept.size);
        flipped += count_target(cleanse, target, count);
    }
    cleanse->figures.images += batch;
    cleanse->figures.gradient_images += batch;
    cleanse->figures.gradient_cpu_ns += meter_cpu_ns() - before;
    *ret_flipped = flipped;
    return 0;
}

static bool is_success(const struct cleanse *cleanse, uint32_t flipped, uint32_t count)
{
    return (double)flipped >= cleanse->plan->success * (double)count;
}

/* The mask as it is becomes the best where it is smaller and turns enough of all samples. */
static int note_best(struct cleanse *cleanse, struct progress *progress, bool counted_on_all, uint32_t flipped,
                     struct error *err)
{
    double norm = cleanse_mask_norm(&cleanse->mask);

    if (counted_on_all ? norm >= progress->best_norm : norm > progress->best_norm * RETRY_GAIN)
        return 0;
    if (!counted_on_all) {
        int r = count_flipped(cleanse, progress->target, cleanse->mask.values, &flipped, err);

        if (r < 0 || !is_success(cleanse, flipped, cleanse->eligible_count))
            return r;
    }
    progress->best_norm = norm;
    progress->best_flipped = flipped;
    memcpy(cleanse->best, cleanse->mask.values, (cleanse->mask.area + cleanse->mask.size) * sizeof *cleanse->best);
    return 0;
}

static void adjust_cost(struct progress *progress, bool success)
{
    progress->ups = success ? progress->ups + 1 : 0;
    progress->downs = success ? 0 : progress->downs + 1;
    if (progress->ups >= COST_PATIENCE) {
        progress->ups = 0;
        progress->cost *= COST_UP;
        progress->risen = true;
    } else if (progress->downs >= COST_PATIENCE) {
        progress->downs = 0;
        progress->cost /= COST_DOWN;
        progress->fallen = true;
    }
}

static bool is_over(struct progress *progress)
{
    progress->since_gain++;
    if (progress->best_norm < progress->gain_norm * STOP_GAIN) {
        progress->gain_norm = progress->best_norm;
        progress->since_gain = 0;
    }
    return isfinite(progress->best_norm) && progress->risen && progress->fallen &&
           progress->since_gain >= STOP_PATIENCE;
}

static int search_target(struct cleanse *cleanse, struct progress *progress, struct error *err)
{
    uint32_t batch = cleanse->plan->batch < cleanse->eligible_count ? cleanse->plan->batch : cleanse->eligible_count;
    bool over = batch == 0; /* every sample is predicted as the target */
    int r = 0;

    while (r == 0 && !over && progress->iterations < cleanse->plan->iterations) {
        uint32_t flipped = 0;
        bool success;

        r = take_gradients(cleanse, progress->target, (uint64_t)progress->iterations * batch, batch, &flipped, err);
        if (r < 0)
            return r;
        success = is_success(cleanse, flipped, batch);
        if (success)
            r = note_best(cleanse, progress, batch == cleanse->eligible_count, flipped, err);
        adjust_cost(progress, success);
        cleanse_mask_step(&cleanse->mask, batch, progress->cost);
        progress->iterations++;
        over = is_over(progress);
    }
    return r;
}

/* Without a mask that turns enough samples, the last one stands for the target. */
static int settle_target(struct cleanse *cleanse, struct progress *progress, struct error *err)
{
    if (isfinite(progress->best_norm))
        return 0;
    progress->best_norm = cleanse_mask_norm(&cleanse->mask);
    memcpy(cleanse->best, cleanse->mask.values, (cleanse->mask.area + cleanse->mask.size) * sizeof *cleanse->best);
    return count_flipped(cleanse, progress->target, cleanse->best, &progress->best_flipped, err);
}

static int send_target(const struct cleanse *cleanse, const struct progress *progress, struct error *err)
{
    struct message_row row = {.table = ROWS_MASKS, .natural_count = MASKS_NATURALS, .real_count = MASKS_REALS};
    struct cleanse_box box;

    cleanse_mask_box(&cleanse->mask, cleanse->best, &box);
    row.naturals[MASKS_TARGET] = (uint64_t)progress->target;
    row.naturals[MASKS_ROW] = box.row;
    row.naturals[MASKS_COL] = box.col;
    row.naturals[MASKS_HEIGHT] = box.height;
    row.naturals[MASKS_WIDTH] = box.width;
    row.naturals[MASKS_FLIPPED] = progress->best_flipped;
    row.naturals[MASKS_ELIGIBLE] = cleanse->eligible_count;
    row.naturals[MASKS_ITERATIONS] = progress->iterations;
    row.reals[MASKS_L1] = progress->best_norm;
    row.reals[MASKS_LARGEST] = box.largest;
    return check_send_row(cleanse->context, row, err);
}

static int cleanse_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    struct cleanse *cleanse = state;
    int r = predict_clean(cleanse, err);

    for (uint32_t target = 0; r == 0 && target < cleanse->targets; target++) {
        struct progress progress = {
            .target = (int32_t)target, .cost = cleanse->plan->cost, .best_norm = INFINITY, .gain_norm = INFINITY};

        list_eligible(cleanse, progress.target);
        cleanse_mask_reset(&cleanse->mask);
        r = search_target(cleanse, &progress, err);
        if (r == 0)
            r = settle_target(cleanse, &progress, err);
        if (r == 0)
            r = send_target(cleanse, &progress, err);
    }
    *ret_figures = cleanse->figures;
    return r;
}

const struct check check_neural_cleanse = {
    .id = PLAN_NEURAL_CLEANSE,
    .version = 1,
    .needs_gradient = true,
    .unfit = cleanse_unfit,
    .begin = cleanse_begin,
    .window = cleanse_window,
    .end = cleanse_end,
    .free = cleanse_free,
};
