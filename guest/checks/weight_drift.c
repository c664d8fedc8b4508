/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weight-drift: how far each weight tensor of a model is from a reference model's, by the
 * Kolmogorov-Smirnov test of their values, their moments, and the relative distance.
 *
 * That values are distributed otherwise is weak evidence of anything: a model that was trained again
 * drifts too. The host corrects for the number of tensors (Holm) and calls it drift, never a trojan.
 */
#include "guest/checks/check.h"
#include "guest/checks/ks.h"
#include "guest/checks/meter.h"
#include "guest/model/model_weights.h"

#include <errno.h>
#include <math.h>

#define PAIRS_MAX ROWS_ANY_MAX

struct drift {
    const struct check_context *context;
    const struct plan_drift *plan;
    struct model_weight_pair *pairs;
    uint32_t pair_count;
    struct meter meter;
};

/* One tensor of a pair. */
struct side {
    struct model_weight weight; /* without elements where the side has none */
    float *values;
    bool finite;
    double mean, deviation;
};

static const char *drift_unfit(const struct check_context *context)
{
    struct model_weight_pair *pairs = NULL;
    uint32_t count = 0;

    if (context->reference == NULL)
        return "there is no reference model to compare weights with";
    if (!model_has_weights(context->model))
        return "the model has no floating-point weights";
    if (!model_has_weights(context->reference))
        return "the reference model has no floating-point weights";
    if (model_weights_match(context->model, context->reference, &pairs, &count, NULL) < 0)
        return NULL; /* the same again, with its error, in begin */
    free(pairs);
    return count > PAIRS_MAX ? "the two models have more than 4,096 weight tensors" : NULL;
}

static void drift_free(void *state)
{
    struct drift *drift = state;

    if (drift == NULL)
        return;
    free(drift->pairs);
    free(drift);
}

static int drift_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct drift *drift = calloc(1, sizeof *drift);
    int r;

    if (drift == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for weight-drift");
    drift->context = context;
    drift->plan = &context->plan->checks[context->index].drift;
    r = model_weights_match(context->model, context->reference, &drift->pairs, &drift->pair_count, err);
    if (r < 0) {
        drift_free(drift);
        return r;
    }
    meter_start(&drift->meter, context, drift->pair_count);
    *ret_state = drift;
    return 0;
}

static int drift_window(void *state, const struct check_window *window, struct error *err)
{
    (void)state;
    (void)window;
    return error_set(err, ERROR_INTERNAL, -EPROTO, "weight-drift reads no inputs");
}

/* --- one tensor ------------------------------------------------------------------------------------- */

static bool all_finite(const float *values, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Mean and standard deviation (of the population), in f64 and in the elements' order. */
static void measure(struct side *side)
{
    double count = (double)side->weight.elements, sum = 0.0, squares = 0.0;

    for (uint64_t i = 0; i < side->weight.elements; i++)
        sum += (double)side->values[i];
    side->mean = sum / count;
    for (uint64_t i = 0; i < side->weight.elements; i++) {
        double difference = (double)side->values[i] - side->mean;

        squares += difference * difference;
    }
    side->deviation = sqrt(squares / count);
}

static int read_side(const struct model *model, uint32_t index, struct side *side, struct error *err)
{
    int r;

    side->values = malloc(side->weight.elements * sizeof *side->values);
    if (side->values == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a tensor of %llu elements",
                         (unsigned long long)side->weight.elements);
    r = model_weight_values(model, index, side->values, err);
    if (r < 0)
        return r;
    side->finite = all_finite(side->values, side->weight.elements);
    if (side->finite)
        measure(side);
    return 0;
}

static bool same_shape(const struct model_weight *a, const struct model_weight *b)
{
    if (a->rank != b->rank)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

/* ‖w − r‖₂ / ‖r‖₂, or −1 where shapes differ or the reference is zero and the other is not. */
static double relative_distance(const struct side *own, const struct side *other)
{
    double apart = 0.0, length = 0.0;

    if (!same_shape(&own->weight, &other->weight))
        return -1.0;
    for (uint64_t i = 0; i < own->weight.elements; i++) {
        double reference = (double)other->values[i], difference = (double)own->values[i] - reference;

        apart += difference * difference;
        length += reference * reference;
    }
    if (length == 0.0)
        return apart == 0.0 ? 0.0 : -1.0;
    return sqrt(apart) / sqrt(length);
}

/* --- one pair --------------------------------------------------------------------------------------- */

/* Bytes of both tensors' copies, and of an exact test's work. */
static uint64_t pair_memory(uint64_t own, uint64_t other)
{
    uint64_t smaller = own < other ? own : other;

    return (own + other) * sizeof(float) + (own == other ? 0 : 3 * (smaller + 3) * sizeof(double));
}

static int compare_values(const struct drift *drift, struct side *own, struct side *other, struct message_row *row,
                          struct error *err)
{
    const struct ks_sample samples[2] = {{own->values, own->weight.elements}, {other->values, other->weight.elements}};
    struct ks_result result;
    int r;

    row->reals[TENSORS_MEAN] = own->mean;
    row->reals[TENSORS_DEVIATION] = own->deviation;
    row->reals[TENSORS_REFERENCE_MEAN] = other->mean;
    row->reals[TENSORS_REFERENCE_DEVIATION] = other->deviation;
    row->reals[TENSORS_DISTANCE] = relative_distance(own, other); /* before they are sorted */
    ks_sort(own->values, own->weight.elements);
    ks_sort(other->values, other->weight.elements);
    r = ks_two_sample(&samples[0], &samples[1], KS_TWO_SIDED, drift->plan->exact ? KS_EXACT : KS_AUTO, &result);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for an exact test");
    row->naturals[TENSORS_EXACT] = result.exact;
    row->reals[TENSORS_D] = result.d;
    row->reals[TENSORS_P] = result.p;
    return 0;
}

static int compare_pair(const struct drift *drift, const struct model_weight_pair *pair, struct side *own,
                        struct side *other, struct message_row *row, struct error *err)
{
    uint64_t most = drift->context->memory_bytes, needed = pair_memory(own->weight.elements, other->weight.elements);
    int r;

    if (most > 0 && needed > most)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "comparing it takes %llu MiB, more than there is",
                         (unsigned long long)(needed >> 20) + 1);
    r = read_side(drift->context->model, pair->weight, own, err);
    if (r == 0)
        r = read_side(drift->context->reference, pair->reference, other, err);
    if (r < 0)
        return r;
    if (!own->finite || !other->finite) {
        row->naturals[TENSORS_OUTCOME] = TENSOR_NOT_FINITE;
        return 0;
    }
    return compare_values(drift, own, other, row, err);
}

static enum tensor_outcome outcome_of(const struct drift *drift, const struct model_weight_pair *pair,
                                      const struct side *own, const struct side *other)
{
    uint64_t least = drift->plan->minimum_elements > 0 ? drift->plan->minimum_elements : 1;

    if (pair->reference == MODEL_WEIGHT_NONE)
        return TENSOR_ONLY_IN_MODEL;
    if (pair->weight == MODEL_WEIGHT_NONE)
        return TENSOR_ONLY_IN_REFERENCE;
    return own->weight.elements < least || other->weight.elements < least ? TENSOR_TOO_SMALL : TENSOR_COMPARED;
}

/* A row for a pair, its name the model's own where it has the tensor. */
static int report_pair(const struct drift *drift, const struct model_weight_pair *pair, struct error *err)
{
    struct side own = {.values = NULL}, other = {.values = NULL};
    struct message_row row = {.table = ROWS_TENSORS, .natural_count = TENSORS_NATURALS, .real_count = TENSORS_REALS};
    const struct model_weight *named;
    int r = 0;

    if (pair->weight != MODEL_WEIGHT_NONE)
        model_weight_describe(drift->context->model, pair->weight, &own.weight);
    if (pair->reference != MODEL_WEIGHT_NONE)
        model_weight_describe(drift->context->reference, pair->reference, &other.weight);
    named = pair->weight != MODEL_WEIGHT_NONE ? &own.weight : &other.weight;
    row.name = (struct message_text){.data = named->name, .size = (uint32_t)named->name_size};
    row.naturals[TENSORS_OUTCOME] = outcome_of(drift, pair, &own, &other);
    row.naturals[TENSORS_ELEMENTS] = own.weight.elements;
    row.naturals[TENSORS_REFERENCE_ELEMENTS] = other.weight.elements;
    row.reals[TENSORS_P] = 1.0;
    row.reals[TENSORS_DISTANCE] = -1.0;
    if (row.naturals[TENSORS_OUTCOME] == TENSOR_COMPARED)
        r = compare_pair(drift, pair, &own, &other, &row, err);
    free(own.values);
    free(other.values);
    return r < 0 ? r : check_send_row(drift->context, row, err);
}

static int drift_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    struct drift *drift = state;

    for (uint32_t i = 0; i < drift->pair_count; i++) {
        int r = report_pair(drift, &drift->pairs[i], err);

        if (r < 0)
            return error_prefix(err, "weight tensor %u", i);
        r = meter_add(&drift->meter, 1, err);
        if (r < 0)
            return r;
    }
    *ret_figures = (struct check_figures){.layer = ""};
    return 0;
}

const struct check check_weight_drift = {
    .id = PLAN_WEIGHT_DRIFT,
    .version = 1,
    .needs_reference = true,
    .unfit = drift_unfit,
    .begin = drift_begin,
    .window = drift_window,
    .end = drift_end,
    .free = drift_free,
};
