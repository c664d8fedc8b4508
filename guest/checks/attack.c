/* SPDX-License-Identifier: Apache-2.0 */
/* What all attacks share. */
#include "guest/checks/attack.h"

#include <errno.h>
#include <string.h>

/* --- its life ------------------------------------------------------------------------------------ */

static int allocate(struct attack *attack, struct error *err)
{
    attack->labels = calloc(attack->window, sizeof *attack->labels);
    attack->targets = calloc(attack->window, sizeof *attack->targets);
    attack->predictions = calloc(attack->window, sizeof *attack->predictions);
    attack->ranks = calloc(attack->window, sizeof *attack->ranks);
    attack->kept = calloc((size_t)attack->kept_count * attack->size, sizeof *attack->kept);
    if (attack->labels == NULL || attack->targets == NULL || attack->predictions == NULL || attack->ranks == NULL ||
        (attack->kept == NULL && attack->kept_count > 0))
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "no memory for an attack on %u inputs at once, of which %u are to be sent back",
                         attack->window, attack->kept_count);
    return 0;
}

const char *attack_unfit(const struct check_context *context)
{
    return network_has_gradient(context->network) ? NULL : "the model has no gradient with respect to its input";
}

int attack_open(struct attack *attack, const struct check_context *context, struct error *err)
{
    const struct plan_set *set = &context->plan->sets[PLAN_SET_TEST];
    const struct plan_check *check = &context->plan->checks[context->index];
    uint64_t points = 0;
    int r;

    *attack = (struct attack){
        .context = context,
        .check = check,
        .plan = &check->attack,
        .size = network_input_size(context->network),
        .classes = check_classes(context->network),
        .window = set->count < set->window ? (uint32_t)set->count : set->window,
        .figures = {.layer = ""},
    };
    attack->kept_count = check->attack.samples < attack->window ? check->attack.samples : attack->window;
    for (uint32_t i = 0; i < check->attack.curve_count; i++)
        points += check->attack.curves[i].point_count;
    meter_start(&attack->meter, context, set->count * points);
    r = features_open(&attack->features, context->plan, attack->size, err);
    if (r == 0)
        r = predictor_open(&attack->predictor, context, err);
    if (r == 0)
        r = allocate(attack, err);
    if (r < 0)
        attack_close(attack);
    return r;
}

void attack_close(struct attack *attack)
{
    features_close(&attack->features);
    predictor_close(&attack->predictor);
    free(TAKE_POINTER(attack->labels));
    free(TAKE_POINTER(attack->targets));
    free(TAKE_POINTER(attack->predictions));
    free(TAKE_POINTER(attack->ranks));
    free(TAKE_POINTER(attack->kept));
}

/* --- what is attacked ------------------------------------------------------------------------------ */

bool attack_is_targeted(const struct attack *attack)
{
    return attack->plan->goal != PLAN_GOAL_UNTARGETED;
}

bool attack_has_labels(const struct attack *attack)
{
    return attack->context->plan->sets[PLAN_SET_TEST].labelled;
}

int attack_take_labels(struct attack *attack, const struct check_window *window, struct error *err)
{
    for (uint32_t i = 0; i < window->count; i++) {
        if (window->labels[i] >= attack->classes)
            return error_set(err, ERROR_BAD_INPUT, -EINVAL,
                             "test sample %llu has the label %u, and the model has %u classes",
                             (unsigned long long)(window->first + i), window->labels[i], attack->classes);
        attack->labels[i] = (int32_t)window->labels[i];
    }
    return 0;
}

/* The class of the smallest logit, the label left aside; a single logit is that of class 1 of 2. */
static int32_t least_likely(const struct attack *attack, const float *logits, int32_t label)
{
    int32_t least = label == 0 ? 1 : 0;

    if (attack->predictor.classes == 1)
        return least;
    for (int32_t c = least + 1; c < (int32_t)attack->classes; c++)
        if (c != label && logits[c] < logits[least])
            least = c;
    return least;
}

static int32_t random_other(const struct attack *attack, uint64_t sample, int32_t label)
{
    struct random_stream stream;
    int32_t other;

    random_start(&stream, attack->check->seed, plan_sample_place(attack->context->plan, sample), ATTACK_STREAM_GOAL);
    other = (int32_t)random_below(&stream, attack->classes - 1);
    return other < label ? other : other + 1;
}

static int32_t target_of(const struct attack *attack, uint64_t sample, const float *logits, int32_t label)
{
    switch (attack->plan->goal) {
    case PLAN_GOAL_NEXT:
        return (label + 1) % (int32_t)attack->classes;
    case PLAN_GOAL_LEAST_LIKELY:
        return least_likely(attack, logits, label);
    case PLAN_GOAL_RANDOM:
        return random_other(attack, sample, label);
    case PLAN_GOAL_UNTARGETED:
    case PLAN_GOAL_COUNT:
        break;
    }
    return label;
}

int attack_aim(struct attack *attack, const struct check_window *window, int32_t *ret_clean, struct error *err)
{
    struct predictor *predictor = &attack->predictor;
    int r = attack_has_labels(attack) ? attack_take_labels(attack, window, err) : 0;

    for (uint32_t first = 0; r == 0 && first < window->count; first += predictor->slice) {
        uint32_t left = window->count - first, count = left < predictor->slice ? left : predictor->slice;

        r = predictor_run(predictor, window->x + first * attack->size, count, ret_clean + first, err);
        if (r == 0)
            r = meter_add(&attack->meter, 0, err);
        for (uint32_t i = first; r == 0 && i < first + count; i++) {
            if (!attack_has_labels(attack))
                attack->labels[i] = ret_clean[i];
            attack->targets[i] = target_of(attack, window->first + i,
                                           predictor->logits + (i - first) * predictor->classes, attack->labels[i]);
        }
    }
    attack->figures.images += window->count;
    return r;
}

int32_t attack_loss_class(const struct attack *attack, uint32_t sample)
{
    return attack_is_targeted(attack) ? attack->targets[sample] : attack->labels[sample];
}

void attack_orient_gradient(const struct attack *attack, float *gradient)
{
    if (attack_is_targeted(attack))
        for (size_t i = 0; i < attack->size; i++)
            gradient[i] = -gradient[i];
    features_mask(&attack->features, gradient);
}

struct fgsm_step attack_step(const struct attack *attack, const struct plan_curve *curve, uint32_t point)
{
    const struct plan_contract *contract = &attack->context->plan->contract;
    struct fgsm_step step = {
        .norm = curve->norm,
        .eps = curve->eps[point],
        .step = curve->eps[point],
        .range_low = (float)contract->range_low,
        .range_high = (float)contract->range_high,
    };

    features_fill_step(&attack->features, &step);
    return step;
}

bool attack_is_zero(const float *gradient, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (gradient[i] != 0.0f)
            return false;
    return true;
}

struct random_stream attack_stream(const struct attack *attack, uint64_t sample, uint64_t number)
{
    struct random_stream stream;

    random_start(&stream, attack->check->seed, plan_sample_place(attack->context->plan, sample),
                 ATTACK_STREAM_RESTART + number);
    return stream;
}

/* --- what was found ---------------------------------------------------------------------------------- */

void attack_forget(struct attack *attack, uint32_t count, enum attack_rank most)
{
    for (uint32_t i = 0; i < count; i++)
        if (attack->ranks[i] <= most)
            attack->ranks[i] = ATTACK_NOTHING;
}

static enum attack_rank rank_of(const struct attack *attack, uint32_t sample, int32_t prediction)
{
    if (attack_is_targeted(attack) && prediction == attack->targets[sample])
        return ATTACK_BROKEN;
    if (prediction == attack->labels[sample])
        return ATTACK_HELD;
    return attack_is_targeted(attack) ? ATTACK_TURNED : ATTACK_BROKEN;
}

void attack_offer(struct attack *attack, const struct check_window *window, uint32_t sample, int32_t prediction,
                  const float *x)
{
    enum attack_rank rank = rank_of(attack, sample, prediction);

    if (rank <= attack->ranks[sample])
        return;
    attack->ranks[sample] = rank;
    attack->predictions[sample] = prediction;
    if (window->first + sample < attack->plan->samples)
        memcpy(attack->kept + sample * attack->size, x, attack->size * sizeof *x);
}

void attack_offer_turned(struct attack *attack, const struct check_window *window, uint32_t sample, int32_t prediction,
                         const float *x)
{
    if (rank_of(attack, sample, prediction) > ATTACK_HELD)
        attack_offer(attack, window, sample, prediction, x);
}

bool attack_is_broken(const struct attack *attack, uint32_t sample)
{
    return attack->ranks[sample] == ATTACK_BROKEN;
}

/* One adversarial input, in as many messages as its size takes. */
static int send_sample(const struct attack *attack, uint32_t curve, uint32_t point, uint64_t sample, const float *x,
                       struct error *err)
{
    const struct check_sink *sink = &attack->context->sink;
    size_t most = MESSAGE_BLOB_MAX / sizeof *x;

    for (size_t offset = 0; offset < attack->size; offset += most) {
        size_t count = attack->size - offset < most ? attack->size - offset : most;
        const struct message message = {
            .type = MESSAGE_SAMPLE,
            .sample = {.check = attack->context->index,
                       .curve = curve,
                       .point = point,
                       .sample = (uint32_t)sample,
                       .offset = offset,
                       .elements = {.data = (const uint8_t *)(x + offset), .size = (uint32_t)(count * sizeof *x)}},
        };
        int r = sink->send(sink->argument, &message, err);

        if (r < 0)
            return r;
    }
    return 0;
}

int attack_publish(const struct attack *attack, uint32_t curve, uint32_t point, const struct check_window *window,
                   struct error *err)
{
    for (uint32_t i = 0; i < window->count && window->first + i < attack->plan->samples; i++) {
        int r = send_sample(attack, curve, point, window->first + i, attack->kept + i * attack->size, err);

        if (r < 0)
            return r;
    }
    return predictions_send(attack->context, curve, point, window, attack->predictions, err);
}

int attack_send_gradients(const struct attack *attack, uint64_t zero, uint64_t samples, struct error *err)
{
    const struct message_row row = {
        .table = ROWS_GRADIENTS,
        .natural_count = GRADIENTS_NATURALS,
        .naturals = {[GRADIENTS_ZERO] = zero, [GRADIENTS_SAMPLES] = samples},
    };

    return check_send_row(attack->context, row, err);
}
