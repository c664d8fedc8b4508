/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trigger-scan: is there a patch that turns nearly every input into one class?
 *
 * It needs no poisoned data: samples of the test set are kept, and patches are put on them (trigger_scan_places.h says
 * which, trigger_scan_search.h and trigger_scan_refine.h how they are tried within a budget), and faint patterns over
 * all of the image (trigger_scan_faint.h) where the plan names the side 0. Of a budget the patches then get a half. The
 * user's own triggers are put on as well. What is suspicious is for the host to decide.
 */
#include "guest/checks/trigger_scan_faint.h"
#include "guest/checks/trigger_scan_refine.h"

#include <errno.h>

struct trigger_scan {
    const struct check_context *context;
    const struct plan_trigger_scan *plan;
    struct kept kept;
    struct kept_triggers triggers;
    struct scan_places places;
    struct predictor predictor;
    struct meter meter;
    struct scan_search search;
    struct scan_faint faint;
    int32_t *clean;           /* predicted classes of the kept samples */
    uint32_t *order;          /* of the kept samples */
    uint32_t *predicted;      /* kept samples predicted as each class */
    uint32_t *flips;          /* of one of the user's triggers, a class each */
    struct scan_entry *best;  /* of each class, as the search found it */
    struct scan_found *found; /* the same, refined */
};

static bool wants_faint(const struct plan_check *planned)
{
    return planned->trigger_scan.patches[0] == 0;
}

static const char *trigger_scan_unfit(const struct check_context *context)
{
    struct kept_shape shape;

    return kept_unfit(context, &shape);
}

static void trigger_scan_free(void *state)
{
    struct trigger_scan *scan = state;

    if (scan == NULL)
        return;
    kept_close(&scan->kept);
    kept_triggers_close(&scan->triggers);
    scan_places_close(&scan->places);
    predictor_close(&scan->predictor);
    free(scan->search.images);
    free(scan->search.classes);
    free(scan->clean);
    free(scan->order);
    free(scan->predicted);
    free(scan->flips);
    free(scan->best);
    free(scan->found);
    free(scan->faint.flips);
    free(scan);
}

/* No more places are listed than the budget can pay for at the first rung. */
static int open_places(struct trigger_scan *scan, struct error *err)
{
    uint64_t most = scan->plan->image_budget == 0 ? UINT64_MAX : scan->plan->image_budget / SCAN_SCREEN_SAMPLES;
    struct kept_shape shape;

    if (kept_unfit(scan->context, &shape) != NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "trigger-scan of a model that it doesn't fit");
    return scan_places_open(&scan->places, scan->context, &shape, most, err);
}

static int allocate(struct trigger_scan *scan, struct error *err)
{
    uint32_t classes = check_classes(scan->context->network), slice = scan->predictor.slice;

    scan->search.images = malloc((size_t)slice * scan->kept.size * sizeof *scan->search.images);
    scan->search.classes = calloc(slice, sizeof *scan->search.classes);
    scan->clean = calloc(scan->kept.count, sizeof *scan->clean);
    scan->order = calloc(scan->kept.count, sizeof *scan->order);
    scan->predicted = calloc(classes, sizeof *scan->predicted);
    scan->flips = calloc(classes, sizeof *scan->flips);
    scan->best = calloc(classes, sizeof *scan->best);
    scan->found = calloc(classes, sizeof *scan->found);
    scan->faint.flips = calloc(classes, sizeof *scan->faint.flips);
    if (scan->found == NULL || scan->faint.flips == NULL || scan->search.images == NULL ||
        scan->search.classes == NULL || scan->clean == NULL || scan->order == NULL || scan->predicted == NULL ||
        scan->flips == NULL || scan->best == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for one batch of trigger-scan");
    return 0;
}

static int open_all(struct trigger_scan *scan, struct error *err)
{
    int r = kept_open(&scan->kept, scan->context, scan->plan->kept, err);

    if (r == 0)
        r = kept_triggers_open(&scan->triggers, scan->context, err);
    if (r == 0)
        r = open_places(scan, err);
    if (r == 0)
        r = predictor_open(&scan->predictor, scan->context, err);
    if (r == 0)
        r = allocate(scan, err);
    return r;
}

static int trigger_scan_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct trigger_scan *scan = calloc(1, sizeof *scan);
    uint64_t passes, search;
    int r;

    if (scan == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for trigger-scan");
    scan->context = context;
    scan->plan = &context->plan->checks[context->index].trigger_scan;
    r = open_all(scan, err);
    if (r < 0) {
        trigger_scan_free(scan);
        return r;
    }
    passes = scan->kept.count * (1 + (uint64_t)scan->triggers.count);
    search = scan_search_cost(scan->places.total, scan->kept.count, check_classes(context->network)) +
             scan_refine_cost(scan->kept.count, check_classes(context->network));
    if (wants_faint(&context->plan->checks[context->index]))
        search += scan_faint_cost(scan->kept.count, check_classes(context->network));
    if (scan->plan->image_budget != 0 && search > scan->plan->image_budget)
        search = scan->plan->image_budget;
    meter_start(&scan->meter, context, passes + search);
    *ret_state = scan;
    return 0;
}

static int trigger_scan_window(void *state, const struct check_window *window, struct error *err)
{
    struct trigger_scan *scan = state;

    (void)err;
    if (window->set == PLAN_SET_TRIGGERS)
        kept_triggers_take(&scan->triggers, window);
    else
        kept_take(&scan->kept, window);
    return 0;
}

/* --- clean predictions and the user's triggers --------------------------------------------------- */

/* Predicted classes of `count` kept samples from `first` on, into the search's slice; with a trigger unless NULL. */
static int predict_slice(struct trigger_scan *scan, const uint32_t *trigger, uint32_t first, uint32_t count,
                         struct error *err)
{
    const float *x = scan->kept.x + first * scan->kept.size;
    int r;

    for (uint32_t i = 0; trigger != NULL && i < count; i++)
        kept_triggers_apply(&scan->triggers, *trigger, x + i * scan->kept.size,
                            scan->search.images + i * scan->kept.size);
    r = predictor_run(&scan->predictor, trigger != NULL ? scan->search.images : x, count, scan->search.classes, err);
    scan->search.images_done += count;
    return r < 0 ? r : meter_add(&scan->meter, count, err);
}

static uint32_t slice_at(const struct trigger_scan *scan, uint32_t first)
{
    uint32_t left = scan->kept.count - first;

    return left < scan->predictor.slice ? left : scan->predictor.slice;
}

static int predict_clean(struct trigger_scan *scan, struct error *err)
{
    for (uint32_t first = 0; first < scan->kept.count; first += scan->predictor.slice) {
        uint32_t count = slice_at(scan, first);
        int r = predict_slice(scan, NULL, first, count, err);

        if (r < 0)
            return r;
        for (uint32_t i = 0; i < count; i++) {
            scan->clean[first + i] = scan->search.classes[i];
            scan->predicted[scan->search.classes[i]]++;
        }
    }
    return 0;
}

/* How often each class is what the trigger turns samples of other classes into. */
static int count_flips(struct trigger_scan *scan, uint32_t trigger, struct error *err)
{
    for (uint32_t i = 0; i < scan->search.targets; i++)
        scan->flips[i] = 0;
    for (uint32_t first = 0; first < scan->kept.count; first += scan->predictor.slice) {
        uint32_t count = slice_at(scan, first);
        int r = predict_slice(scan, &trigger, first, count, err);

        if (r < 0)
            return r;
        for (uint32_t i = 0; i < count; i++)
            if (scan->search.classes[i] != scan->clean[first + i])
                scan->flips[scan->search.classes[i]]++;
    }
    return 0;
}

/* --- results ------------------------------------------------------------------------------------------ */

/* Of the samples that the search's result was counted on, those of other predicted classes than the target. */
static uint32_t count_eligible(const struct trigger_scan *scan, uint32_t target)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < scan->search.samples; i++)
        count += scan->clean[scan->order[i]] != (int32_t)target;
    return count;
}

/* A faint pattern is named where it turns more than the best patch. */
static void describe_best(const struct trigger_scan *scan, uint32_t target, struct message_row *row)
{
    const struct scan_found *best = &scan->found[target];

    row->naturals[TARGETS_FLIPPED] = best->flips;
    if (scan->faint.found && scan->faint.flips[target] > best->flips) {
        row->naturals[TARGETS_HEIGHT] = scan->places.shape.height;
        row->naturals[TARGETS_WIDTH] = scan->places.shape.width;
        row->naturals[TARGETS_COLOUR] = SCAN_COLOUR_FAINT;
        row->naturals[TARGETS_FLIPPED] = scan->faint.flips[target];
        for (unsigned i = 0; i < TARGETS_REALS; i++)
            row->reals[i] = scan->faint.amplitude;
    } else if (best->flips > 0) {
        scan_places_describe(&scan->places, &best->place, row);
    }
}

static int send_targets(const struct trigger_scan *scan, struct error *err)
{
    for (uint32_t target = 0; target < scan->search.targets; target++) {
        struct message_row row = {
            .table = ROWS_TARGETS, .natural_count = TARGETS_NATURALS, .real_count = TARGETS_REALS};
        int r;

        describe_best(scan, target, &row);
        row.naturals[TARGETS_TARGET] = target;
        row.naturals[TARGETS_ELIGIBLE] = count_eligible(scan, target);
        r = check_send_row(scan->context, row, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int send_trigger(const struct trigger_scan *scan, uint32_t trigger, const uint32_t *flips, struct error *err)
{
    struct message_row row = {.table = ROWS_USER_TRIGGERS, .natural_count = USER_TRIGGERS_NATURALS};
    uint32_t target = 0;

    for (uint32_t i = 1; i < scan->search.targets; i++)
        if (flips[i] > flips[target])
            target = i;
    row.naturals[USER_TRIGGERS_INDEX] = trigger;
    row.naturals[USER_TRIGGERS_TARGET] = target;
    row.naturals[USER_TRIGGERS_FLIPPED] = flips[target];
    row.naturals[USER_TRIGGERS_ELIGIBLE] = scan->kept.count - scan->predicted[target];
    return check_send_row(scan->context, row, err);
}

static int send_coverage(const struct trigger_scan *scan, struct error *err)
{
    /* A faint pattern of each target counts as one more place. */
    uint32_t faint = wants_faint(&scan->context->plan->checks[scan->context->index]) ? scan->search.targets : 0;
    const struct message_row row = {
        .table = ROWS_COVERAGE,
        .natural_count = COVERAGE_NATURALS,
        .naturals = {[COVERAGE_TRIED] = scan->search.tried + (scan->faint.tried ? faint : 0),
                     [COVERAGE_PLACES] = scan->places.total + faint,
                     [COVERAGE_SAMPLES] = scan->search.samples,
                     [COVERAGE_IMAGES] = scan->search.images_done}};

    return check_send_row(scan->context, row, err);
}

/* Patches, with half of a budget where faint patterns come after them. */
static int search_patches(struct trigger_scan *scan, uint64_t share, struct error *err)
{
    uint64_t left = scan->search.budget;
    int r;

    if (kept_order(scan->clean, scan->kept.count, scan->search.targets, scan->order) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the order of %u samples", scan->kept.count);
    scan->search.budget = share;
    r = scan_search_run(&scan->search, scan->best, err);
    for (uint32_t i = 0; r == 0 && i < scan->search.targets; i++)
        scan->found[i] =
            (struct scan_found){.place = scan->places.items[scan->best[i].place], .flips = scan->best[i].flips};
    if (r == 0)
        r = scan_refine_run(&scan->search, scan->found, err);
    if (left != UINT64_MAX)
        scan->search.budget += left - share;
    return r;
}

static int search(struct trigger_scan *scan, struct error *err)
{
    uint64_t budget = scan->plan->image_budget, owed = scan->kept.count * (1 + (uint64_t)scan->triggers.count), share;
    bool faint = wants_faint(&scan->context->plan->checks[scan->context->index]);
    int r;

    scan->search.kept = &scan->kept;
    scan->search.places = &scan->places;
    scan->search.predictor = &scan->predictor;
    scan->search.meter = &scan->meter;
    scan->search.clean = scan->clean;
    scan->search.order = scan->order;
    scan->search.budget = budget == 0 ? UINT64_MAX : budget > owed ? budget - owed : 0;
    share = faint && budget != 0 && scan->places.total > 0 ? scan->search.budget / 2 : scan->search.budget;
    r = search_patches(scan, share, err);
    return r < 0 || !faint ? r : scan_faint_run(&scan->search, &scan->faint, err);
}

static int trigger_scan_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    struct trigger_scan *scan = state;
    int r;

    scan->search.targets = check_classes(scan->context->network);
    r = predict_clean(scan, err);
    if (r == 0)
        r = search(scan, err);
    if (r == 0)
        r = send_targets(scan, err);
    for (uint32_t i = 0; r == 0 && i < scan->triggers.count; i++) {
        r = count_flips(scan, i, err);
        if (r == 0)
            r = send_trigger(scan, i, scan->flips, err);
    }
    if (r == 0)
        r = send_coverage(scan, err);
    *ret_figures = (struct check_figures){.images = scan->search.images_done - 2 * scan->faint.gradient_images,
                                          .gradient_images = scan->faint.gradient_images,
                                          .layer = ""};
    return r;
}

const struct check check_trigger_scan = {
    .id = PLAN_TRIGGER_SCAN,
    .version = 1,
    .wants_gradient = wants_faint,
    .unfit = trigger_scan_unfit,
    .begin = trigger_scan_begin,
    .window = trigger_scan_window,
    .end = trigger_scan_end,
    .free = trigger_scan_free,
};
