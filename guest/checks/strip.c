/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strip: do the user's triggers keep the model sure of its answer, whatever is laid over the input? (Gao et al. 2019)
 *
 * Each kept sample is blended with others, x·(1 − blend) + other·blend in f32, and the entropy of the model's answer,
 * −Σ p·ln p over its classes, is averaged over the blends. The clean samples' mean entropies give a threshold, their
 * quantile at the accepted share of false alarms; a sample with a trigger is flagged where its own lies below it. What
 * a sample is blended with depends on the seed and its number among the kept ones, and is the same with any trigger.
 */
#include "guest/checks/kept.h"
#include "guest/checks/meter.h"
#include "guest/checks/quantile.h"
#include "guest/checks/random.h"
#include "guest/checks/real.h"

#include <errno.h>
#include <math.h>
#include <string.h>

struct strip {
    const struct check_context *context;
    const struct plan_check *plan;
    struct kept kept;
    struct kept_triggers triggers;
    struct meter meter;
    uint32_t slice;
    size_t logit_count;
    float *triggered;  /* one sample */
    float *images;     /* slice × size */
    float *logits;     /* slice × logit_count */
    double *entropies; /* kept samples: sums, then means over the blends */
    uint64_t images_done;
};

static const char *strip_unfit(const struct check_context *context)
{
    const struct plan_set *triggers = &context->plan->sets[PLAN_SET_TRIGGERS];

    if (!triggers->present || triggers->count < 2)
        return "there is no trigger to put on the samples: give some with --triggers";
    return context->plan->sets[PLAN_SET_TEST].count == 0 ? "there are no test samples" : NULL;
}

static void strip_free(void *state)
{
    struct strip *strip = state;

    if (strip == NULL)
        return;
    kept_close(&strip->kept);
    kept_triggers_close(&strip->triggers);
    free(strip->triggered);
    free(strip->images);
    free(strip->logits);
    free(strip->entropies);
    free(strip);
}

static int allocate(struct strip *strip, struct error *err)
{
    int r = kept_open(&strip->kept, strip->context, strip->plan->strip.kept, err);

    if (r == 0)
        r = kept_triggers_open(&strip->triggers, strip->context, err);
    if (r < 0)
        return r;
    strip->triggered = malloc(strip->kept.size * sizeof *strip->triggered);
    strip->images = malloc(strip->slice * strip->kept.size * sizeof *strip->images);
    strip->logits = malloc(strip->slice * strip->logit_count * sizeof *strip->logits);
    strip->entropies = calloc(strip->kept.count, sizeof *strip->entropies);
    if (strip->triggered == NULL || strip->images == NULL || strip->logits == NULL || strip->entropies == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for one batch of strip");
    return 0;
}

static int strip_begin(const struct check_context *context, void **ret_state, struct error *err)
{
    struct strip *strip = calloc(1, sizeof *strip);
    int r;

    if (strip == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for strip");
    strip->context = context;
    strip->plan = &context->plan->checks[context->index];
    strip->slice = network_batch(context->network);
    strip->logit_count = network_classes(context->network);
    r = allocate(strip, err);
    if (r < 0) {
        strip_free(strip);
        return r;
    }
    meter_start(&strip->meter, context,
                (uint64_t)strip->kept.count * strip->plan->strip.overlays * (strip->triggers.count + (uint64_t)1));
    *ret_state = strip;
    return 0;
}

static int strip_window(void *state, const struct check_window *window, struct error *err)
{
    struct strip *strip = state;

    (void)err;
    if (window->set == PLAN_SET_TRIGGERS)
        kept_triggers_take(&strip->triggers, window);
    else
        kept_take(&strip->kept, window);
    return 0;
}

/* --- entropy --------------------------------------------------------------------------------------- */

/* Of softmax(logits); a single logit is that of class 1 of 2, class 0's being 0. NaN where a logit is not finite. */
static double entropy_of(const float *logits, size_t count)
{
    double largest = count == 1 ? 0.0 : (double)logits[0], sum = 0.0, weighted = 0.0;

    for (size_t i = 0; i < count; i++) {
        if (!isfinite(logits[i]))
            return NAN;
        largest = (double)logits[i] > largest ? (double)logits[i] : largest;
    }
    if (count == 1) {
        sum = real_exp(-largest);
        weighted = sum * -largest;
    }
    for (size_t i = 0; i < count; i++) {
        double z = (double)logits[i] - largest, e = real_exp(z);

        sum += e;
        weighted += e * z;
    }
    return real_log(sum) - weighted / sum;
}

/* The entropies of a slice of blends go to their samples; `first` is the number of the first blend. */
static int take_slice(struct strip *strip, uint64_t first, uint32_t count, struct error *err)
{
    int r = network_logits(strip->context->network, strip->images, count, strip->logits, err);

    for (uint32_t i = 0; r == 0 && i < count; i++) {
        uint64_t sample = (first + i) / strip->plan->strip.overlays;
        double entropy = entropy_of(strip->logits + i * strip->logit_count, strip->logit_count);

        if (isnan(entropy))
            return error_set(err, ERROR_BAD_INPUT, -EDOM, "a logit of a blend of kept sample %llu is not finite",
                             (unsigned long long)sample);
        strip->entropies[sample] += entropy;
    }
    strip->images_done += count;
    return r < 0 ? r : meter_add(&strip->meter, count, err);
}

static void blend(const struct strip *strip, const float *x, const float *other, float *ret_x)
{
    float share = (float)strip->plan->strip.blend, rest = (float)(1.0 - strip->plan->strip.blend);

    for (size_t i = 0; i < strip->kept.size; i++) {
        float own = x[i] * rest, added = other[i] * share;

        ret_x[i] = own + added;
    }
}

/* Another kept sample; the same one where there is no other. */
static uint32_t draw_other(const struct strip *strip, struct random_stream *stream, uint32_t sample)
{
    uint32_t other;

    if (strip->kept.count == 1)
        return sample;
    other = (uint32_t)random_below(stream, strip->kept.count - 1);
    return other < sample ? other : other + 1;
}

/* The mean entropy of every kept sample, with a trigger on unless NULL. */
static int measure(struct strip *strip, const uint32_t *trigger, struct error *err)
{
    uint32_t overlays = strip->plan->strip.overlays, filled = 0;
    uint64_t first = 0;
    int r = 0;

    memset(strip->entropies, 0, strip->kept.count * sizeof *strip->entropies);
    for (uint32_t sample = 0; r == 0 && sample < strip->kept.count; sample++) {
        const float *x = strip->kept.x + sample * strip->kept.size;
        struct random_stream stream;

        random_start(&stream, strip->plan->seed, sample, 0);
        if (trigger != NULL)
            kept_triggers_apply(&strip->triggers, *trigger, x, strip->triggered);
        for (uint32_t k = 0; r == 0 && k < overlays; k++) {
            uint32_t other = draw_other(strip, &stream, sample);

            blend(strip, trigger != NULL ? strip->triggered : x, strip->kept.x + other * strip->kept.size,
                  strip->images + filled++ * strip->kept.size);
            if (filled < strip->slice && (sample + 1 < strip->kept.count || k + 1 < overlays))
                continue;
            r = take_slice(strip, first, filled, err);
            first += filled;
            filled = 0;
        }
    }
    for (uint32_t i = 0; i < strip->kept.count; i++)
        strip->entropies[i] /= (double)overlays;
    return r;
}

/* --- results ------------------------------------------------------------------------------------------- */

static double mean_of(const struct strip *strip)
{
    double sum = 0.0;

    for (uint32_t i = 0; i < strip->kept.count; i++)
        sum += strip->entropies[i];
    return sum / (double)strip->kept.count;
}

static int send_trigger(const struct strip *strip, uint32_t trigger, double threshold, double clean_mean,
                        struct error *err)
{
    struct message_row row = {.table = ROWS_ENTROPY, .natural_count = ENTROPY_NATURALS, .real_count = ENTROPY_REALS};

    for (uint32_t i = 0; i < strip->kept.count; i++)
        row.naturals[ENTROPY_FLAGGED] += strip->entropies[i] < threshold;
    row.naturals[ENTROPY_INDEX] = trigger;
    row.naturals[ENTROPY_SAMPLES] = strip->kept.count;
    row.reals[ENTROPY_THRESHOLD] = threshold;
    row.reals[ENTROPY_CLEAN_MEAN] = clean_mean;
    row.reals[ENTROPY_TRIGGERED_MEAN] = mean_of(strip);
    return check_send_row(strip->context, row, err);
}

static int strip_end(void *state, struct check_figures *ret_figures, struct error *err)
{
    struct strip *strip = state;
    double threshold = 0.0, clean_mean = 0.0;
    int r = measure(strip, NULL, err);

    if (r == 0) {
        clean_mean = mean_of(strip);
        threshold = quantile_of(strip->entropies, strip->kept.count, strip->plan->strip.false_alarms);
    }
    for (uint32_t trigger = 0; r == 0 && trigger < strip->triggers.count; trigger++) {
        r = measure(strip, &trigger, err);
        if (r == 0)
            r = send_trigger(strip, trigger, threshold, clean_mean, err);
    }
    *ret_figures = (struct check_figures){.images = strip->images_done, .layer = ""};
    return r;
}

const struct check check_strip = {
    .id = PLAN_STRIP,
    .version = 1,
    .unfit = strip_unfit,
    .begin = strip_begin,
    .window = strip_window,
    .end = strip_end,
    .free = strip_free,
};
