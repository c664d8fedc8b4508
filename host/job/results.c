/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest answered, gathered by check. */
#include "host/job/results.h"

#include "base/cursor.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the results");
}

/* Clean accuracy is one curve of one point; other checks than attacks predict nothing. */
static uint32_t curve_count(const struct plan_check *check)
{
    if (plan_check_is_attack(check->id))
        return check->attack.curve_count;
    return check->id == PLAN_CLEAN_ACCURACY ? 1 : 0;
}

static uint32_t point_count(const struct plan_check *check, uint32_t curve)
{
    return check->id == PLAN_CLEAN_ACCURACY ? 1 : check->attack.curves[curve].point_count;
}

/* Adversarial inputs asked of each point. */
static uint32_t samples_asked(const struct plan_check *check)
{
    return plan_check_is_attack(check->id) ? check->attack.samples : 0;
}

static int create_point(const struct results *results, const struct plan_check *check, struct results_point *point)
{
    uint64_t count = results->plan->sets[PLAN_SET_TEST].count;

    point->predictions = calloc(count, sizeof *point->predictions);
    if (point->predictions == NULL)
        return -ENOMEM;
    if (samples_asked(check) == 0)
        return 0;
    point->samples = calloc(results->sample_count * results->elements, sizeof *point->samples);
    point->received = calloc(results->sample_count, sizeof *point->received);
    return point->samples != NULL && point->received != NULL ? 0 : -ENOMEM;
}

int results_create(const struct plan *plan, struct results **ret_results, struct error *err)
{
    CLEANUP_RESULTS struct results *results = calloc(1, sizeof *results);
    uint32_t samples = 0;

    if (results == NULL)
        return out_of_memory(err);
    for (uint32_t i = 0; i < plan->check_count; i++)
        if (samples_asked(&plan->checks[i]) > samples)
            samples = samples_asked(&plan->checks[i]);
    results->plan = plan;
    results->elements = plan_sample_elements(&plan->contract);
    results->sample_count =
        samples < plan->sets[PLAN_SET_TEST].count ? samples : (uint32_t)plan->sets[PLAN_SET_TEST].count;
    for (uint32_t i = 0; i < plan->check_count; i++)
        for (uint32_t curve = 0; curve < curve_count(&plan->checks[i]); curve++)
            for (uint32_t point = 0; point < point_count(&plan->checks[i], curve); point++)
                if (create_point(results, &plan->checks[i], &results->checks[i].points[curve][point]) < 0)
                    return out_of_memory(err);
    *ret_results = TAKE_POINTER(results);
    return 0;
}

void results_free(struct results *results)
{
    if (results == NULL)
        return;
    for (uint32_t i = 0; i < PLAN_CHECKS_MAX; i++) {
        for (uint32_t curve = 0; curve < PLAN_CURVES_MAX; curve++)
            for (uint32_t point = 0; point < PLAN_POINTS_MAX; point++) {
                free(results->checks[i].points[curve][point].predictions);
                free(results->checks[i].points[curve][point].samples);
                free(results->checks[i].points[curve][point].received);
            }
        free(results->checks[i].clusters);
    }
    free(results);
}

static int impossible(struct error *err)
{
    return error_set(err, ERROR_INTERNAL, -EBADMSG, "the collector passed on a message that contradicts the plan");
}

static void copy_text(char *ret_text, size_t size, struct message_text text)
{
    (void)snprintf(ret_text, size, "%.*s", (int)text.size, text.data);
}

/* The point that a message names, or NULL. */
static struct results_point *find_point(struct results *results, uint32_t check, uint32_t curve, uint32_t point)
{
    if (check >= results->plan->check_count || curve >= curve_count(&results->plan->checks[check]) ||
        point >= point_count(&results->plan->checks[check], curve))
        return NULL;
    return &results->checks[check].points[curve][point];
}

static int take_predictions(struct results *results, const struct message_predictions *predictions, struct error *err)
{
    struct results_point *point = find_point(results, predictions->check, predictions->curve, predictions->point);
    struct cursor cursor = cursor_over(predictions->classes.data, predictions->classes.size);
    uint64_t count = results->plan->sets[PLAN_SET_TEST].count;

    if (point == NULL || predictions->first > count || predictions->count > count - predictions->first)
        return impossible(err);
    for (uint32_t i = 0; i < predictions->count; i++) {
        uint32_t value;

        if (cursor_read_u32le(&cursor, &value) < 0 || value >= results->classes)
            return impossible(err);
        point->predictions[predictions->first + i] = (int32_t)value;
    }
    return 0;
}

static int take_sample(struct results *results, const struct message_sample *sample, struct error *err)
{
    struct results_point *point = find_point(results, sample->check, sample->curve, sample->point);
    uint64_t count = sample->elements.size / sizeof(float);

    if (point == NULL || point->samples == NULL || sample->sample >= results->sample_count ||
        sample->offset > results->elements || count > results->elements - sample->offset)
        return impossible(err);
    if (point->received[sample->sample] != sample->offset)
        return error_set(err, ERROR_GUEST, -EPROTO,
                         "the guest broke the protocol: SAMPLE pieces are not in ascending order");
    memcpy(point->samples + sample->sample * results->elements + sample->offset, sample->elements.data,
           sample->elements.size);
    point->received[sample->sample] += count;
    return 0;
}

static int take_cluster(struct results *results, const struct message_cluster *cluster, struct error *err)
{
    struct results_check *check;

    if (cluster->check >= results->plan->check_count)
        return impossible(err);
    check = &results->checks[cluster->check];
    if (check->clusters == NULL)
        check->clusters = calloc(results->classes, sizeof *check->clusters);
    if (check->clusters == NULL)
        return out_of_memory(err);
    if (cluster->label != check->cluster_count || cluster->label >= results->classes)
        return impossible(err);
    check->clusters[check->cluster_count++] = *cluster;
    return 0;
}

int results_take(struct results *results, const struct message *message, struct error *err)
{
    switch (message->type) {
    case MESSAGE_GUEST_HELLO:
        copy_text(results->agent, sizeof results->agent, message->guest_hello.agent);
        copy_text(results->cpu, sizeof results->cpu, message->guest_hello.cpu);
        results->processors = message->guest_hello.processors;
        results->guest_memory_bytes = message->guest_hello.memory_bytes;
        return 0;
    case MESSAGE_READY:
        results->classes = message->ready.classes;
        results->engine_memory_bytes = message->ready.memory_bytes;
        copy_text(results->isa, sizeof results->isa, message->ready.isa);
        return 0;
    case MESSAGE_PREDICTIONS:
        return take_predictions(results, &message->predictions, err);
    case MESSAGE_SAMPLE:
        return take_sample(results, &message->sample, err);
    case MESSAGE_CLUSTER:
        return take_cluster(results, &message->cluster, err);
    case MESSAGE_CHECK_DONE: {
        struct results_check *check;

        if (message->check_done.check >= results->plan->check_count)
            return impossible(err);
        check = &results->checks[message->check_done.check];
        check->cost = message->check_done;
        copy_text(check->layer, sizeof check->layer, message->check_done.layer);
        check->cost.layer = (struct message_text){0};
        check->done = true;
        return 0;
    }
    default:
        return 0;
    }
}

int results_check_samples(const struct results *results, uint32_t check, struct error *err)
{
    const struct plan_check *planned = &results->plan->checks[check];

    char norm[PLAN_NORM_TEXT_SIZE];

    if (samples_asked(planned) == 0)
        return 0;
    for (uint32_t curve = 0; curve < planned->attack.curve_count; curve++)
        for (uint32_t point = 0; point < planned->attack.curves[curve].point_count; point++)
            for (uint32_t i = 0; i < results->sample_count; i++)
                if (results->checks[check].points[curve][point].received[i] != results->elements)
                    return error_set(err, ERROR_GUEST, -EPROTO,
                                     "the guest did not return adversarial sample %u of %s, norm %s, point %u", i,
                                     plan_check_name(planned->id),
                                     plan_norm_text(planned->attack.curves[curve].norm, norm), point);
    return 0;
}
