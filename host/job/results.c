/* SPDX-License-Identifier: Apache-2.0 */
/* What the guest answered, gathered by check. */
#include "host/job/results.h"

#include "base/cursor.h"
#include "host/attest/text.h"
#include "wire/points.h"

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
    if (samples_asked(check) == 0 || results->keep != NULL)
        return 0;
    point->samples = calloc(results->sample_count * results->elements, sizeof *point->samples);
    point->received = calloc(results->sample_count, sizeof *point->received);
    return point->samples != NULL && point->received != NULL ? 0 : -ENOMEM;
}

int results_create(const struct plan *plan, const struct results_keeper *keep, struct results **ret_results,
                   struct error *err)
{
    CLEANUP_RESULTS struct results *results = calloc(1, sizeof *results);
    uint32_t samples = 0;

    if (results == NULL)
        return out_of_memory(err);
    for (uint32_t i = 0; i < plan->check_count; i++)
        if (samples_asked(&plan->checks[i]) > samples)
            samples = samples_asked(&plan->checks[i]);
    if (file_report_start(&results->scan, err) < 0)
        return out_of_memory(err);
    results->plan = plan;
    results->keep = keep;
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

static void free_table(struct results_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free((void *)(uintptr_t)table->rows[i].naturals);
    free(table->rows);
}

void results_free(struct results *results)
{
    if (results == NULL)
        return;
    file_report_free(&results->scan);
    for (uint32_t i = 0; i < PLAN_CHECKS_MAX; i++) {
        for (uint32_t curve = 0; curve < PLAN_CURVES_MAX; curve++)
            for (uint32_t point = 0; point < PLAN_POINTS_MAX; point++) {
                free(results->checks[i].points[curve][point].predictions);
                free(results->checks[i].points[curve][point].samples);
                free(results->checks[i].points[curve][point].received);
            }
        free(results->checks[i].clusters);
        for (uint32_t label = 0; results->checks[i].drawn != NULL && label < results->classes; label++) {
            free(results->checks[i].drawn[label].bytes[0]);
            free(results->checks[i].drawn[label].bytes[1]);
        }
        free(results->checks[i].drawn);
        for (uint32_t table = 0; table < SCORE_TABLES_MAX; table++)
            free_table(&results->checks[i].tables[table]);
    }
    free(results);
}

/* What the guest makes larger or smaller is no fault of this machine's: such a job ends with a signed result. */
static int no_room(struct error *err)
{
    return error_set(err, ERROR_GUEST, -ENOMEM, "no memory for what the guest answered");
}

static int impossible(struct error *err)
{
    return error_set(err, ERROR_GUEST, -EBADMSG, "the collector passed on a message that contradicts the plan");
}

static void copy_text(char *ret_text, size_t size, struct message_text text)
{
    (void)snprintf(ret_text, size, "%.*s", (int)text.size, text.data);
}

/* The guest's text made printable, cut to `size` with its NUL. */
static int escape_text(char *ret_text, size_t size, struct message_text text)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(size);
    char raw[MESSAGE_TEXT_MAX + 1];
    int r;

    copy_text(raw, sizeof raw, text);
    r = text_escape(raw, size - 1, &shown);
    if (r == 0)
        r = buffer_append_u8(&shown, 0);
    if (r == 0)
        memcpy(ret_text, shown.data, shown.size);
    return r;
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

    if (point == NULL || sample->sample >= results->sample_count || sample->offset > results->elements ||
        count > results->elements - sample->offset)
        return impossible(err);
    if (results->keep != NULL)
        return results->keep->take(results->keep->context, sample, err);
    if (point->samples == NULL)
        return impossible(err);
    if (point->received[sample->sample] != sample->offset)
        return error_set(err, ERROR_GUEST, -EPROTO,
                         "the guest broke the protocol: SAMPLE pieces are not in ascending order");
    memcpy(point->samples + sample->sample * results->elements + sample->offset, sample->elements.data,
           sample->elements.size);
    point->received[sample->sample] += count;
    return 0;
}

/* Room for one more cluster: as they come, for it is the guest that says how many classes there are. */
static int make_cluster_room(struct results *results, struct results_check *check, struct error *err)
{
    uint32_t room = check->cluster_room > 0 ? 2 * check->cluster_room : 16;
    struct message_cluster *clusters;

    if (check->cluster_count < check->cluster_room)
        return 0;
    if ((room - check->cluster_room) * sizeof *clusters > RESULTS_CLUSTERS_BYTES_MAX - results->cluster_bytes)
        return error_set(err, ERROR_GUEST, -EMSGSIZE, "the guest's clusters take more than %zu MiB",
                         RESULTS_CLUSTERS_BYTES_MAX >> 20);
    clusters = reallocarray(check->clusters, room, sizeof *clusters);
    if (clusters == NULL)
        return no_room(err);
    results->cluster_bytes += (room - check->cluster_room) * sizeof *clusters;
    check->clusters = clusters;
    check->cluster_room = room;
    return 0;
}

static int take_cluster(struct results *results, const struct message_cluster *cluster, struct error *err)
{
    struct results_check *check;
    int r;

    if (cluster->check >= results->plan->check_count)
        return impossible(err);
    check = &results->checks[cluster->check];
    r = make_cluster_room(results, check, err);
    if (r < 0)
        return r;
    if (cluster->label != check->cluster_count || cluster->label >= results->classes)
        return impossible(err);
    check->clusters[check->cluster_count++] = *cluster;
    return 0;
}

/* Points are drawn and decide nothing. No class has more than its share, so that a set's are POINTS_TOTAL_MAX. */
static int take_points(struct results *results, const struct message_points *points, struct error *err)
{
    unsigned which = points->set == PLAN_SET_TRAIN ? 0 : 1;
    struct results_check *check;

    if (points->check >= results->plan->check_count ||
        results->plan->checks[points->check].id != PLAN_ACTIVATION_CLUSTERING || points->label >= results->classes ||
        points->points.size > (size_t)points_limit(results->classes) * POINTS_SIZE)
        return impossible(err);
    check = &results->checks[points->check];
    if (check->drawn == NULL)
        check->drawn = calloc(results->classes, sizeof *check->drawn);
    if (check->drawn == NULL)
        return no_room(err);
    if (check->drawn[points->label].bytes[which] != NULL || points->points.size == 0)
        return points->points.size == 0 ? 0 : impossible(err);
    check->drawn[points->label].bytes[which] = malloc(points->points.size);
    if (check->drawn[points->label].bytes[which] == NULL)
        return no_room(err);
    memcpy(check->drawn[points->label].bytes[which], points->points.data, points->points.size);
    check->drawn[points->label].sizes[which] = points->points.size;
    return 0;
}

/* --- tables ------------------------------------------------------------------------------------ */

/* The table that a row belongs to, or NULL: the collector has judged its columns, yet has read hostile bytes. */
static struct results_table *find_table(struct results *results, const struct message_row *row)
{
    const struct rows_table *tables;
    struct results_table *table;
    const struct rows_table *form;
    uint32_t most;

    if (row->check >= results->plan->check_count ||
        row->table >= rows_tables(results->plan->checks[row->check].id, &tables) || row->table >= SCORE_TABLES_MAX)
        return NULL;
    form = &tables[row->table];
    most = form->naturals_max > form->naturals ? form->naturals_max : form->naturals;
    table = &results->checks[row->check].tables[row->table];
    if (row->natural_count < form->naturals || row->natural_count > most || row->real_count != form->reals ||
        (row->name.size > 0) != form->named || row->name.size > PLAN_NAME_MAX)
        return NULL;
    if (table->count >= rows_expected(form, results->plan, results->classes) ||
        (form->rows == ROWS_ANY && table->count >= ROWS_ANY_MAX))
        return NULL;
    return table;
}

static int make_room(struct results *results, struct results_table *table, size_t bytes, struct error *err)
{
    size_t room = table->room > 0 ? 2 * table->room : 16;
    struct score_row *rows;

    if (bytes > RESULTS_ROWS_BYTES_MAX - results->row_bytes)
        return error_set(err, ERROR_GUEST, -EMSGSIZE, "the guest's tables take more than %zu MiB",
                         RESULTS_ROWS_BYTES_MAX >> 20);
    results->row_bytes += bytes;
    if (table->count < table->room)
        return 0;
    rows = reallocarray(table->rows, room, sizeof *rows);
    if (rows == NULL)
        return no_room(err);
    table->rows = rows;
    table->room = room;
    return 0;
}

static int take_row(struct results *results, const struct message_row *row, struct error *err)
{
    struct results_table *table = find_table(results, row);
    size_t naturals = row->natural_count * sizeof(uint64_t), reals = row->real_count * sizeof(double);
    char name[4 * PLAN_NAME_MAX + 1] = "";
    char *block;
    int r;

    if (table == NULL)
        return impossible(err);
    r = escape_text(name, sizeof name, row->name);
    if (r < 0)
        return no_room(err);
    r = make_room(results, table, naturals + reals + strlen(name) + 1 + sizeof *table->rows, err);
    if (r < 0)
        return r;
    block = malloc(naturals + reals + strlen(name) + 1);
    if (block == NULL)
        return no_room(err);
    memcpy(block, row->naturals, naturals);
    memcpy(block + naturals, row->reals, reals);
    memcpy(block + naturals + reals, name, strlen(name) + 1);
    table->rows[table->count++] = (struct score_row){.name = block + naturals + reals,
                                                     .natural_count = row->natural_count,
                                                     .real_count = row->real_count,
                                                     .naturals = (const uint64_t *)(void *)block,
                                                     .reals = (const double *)(void *)(block + naturals)};
    return 0;
}

/* --- any message -------------------------------------------------------------------------------- */

static int take_ready(struct results *results, const struct message_ready *ready, struct error *err)
{
    if (results->classes != 0) /* what is here already was measured by the first */
        return impossible(err);
    results->classes = ready->classes;
    results->engine_memory_bytes = ready->memory_bytes;
    copy_text(results->isa, sizeof results->isa, ready->isa);
    return 0;
}

static int take_check_done(struct results *results, const struct message_check_done *done, struct error *err)
{
    struct results_check *check;

    if (done->check >= results->plan->check_count)
        return impossible(err);
    check = &results->checks[done->check];
    check->cost = *done;
    check->cost.layer = check->cost.skipped = (struct message_text){0};
    if (escape_text(check->layer, sizeof check->layer, done->layer) < 0 ||
        escape_text(check->skipped, sizeof check->skipped, done->skipped) < 0)
        return no_room(err);
    check->done = true;
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
        return take_ready(results, &message->ready, err);
    case MESSAGE_PREDICTIONS:
        return take_predictions(results, &message->predictions, err);
    case MESSAGE_SAMPLE:
        return take_sample(results, &message->sample, err);
    case MESSAGE_CLUSTER:
        return take_cluster(results, &message->cluster, err);
    case MESSAGE_POINTS:
        return take_points(results, &message->points, err);
    case MESSAGE_ROW:
        return take_row(results, &message->row, err);
    case MESSAGE_CHECK_DONE:
        return take_check_done(results, &message->check_done, err);
    default:
        return file_report_take(&results->scan, message, err);
    }
}

bool results_are_dangerous(const struct results *results)
{
    return results->scan.done && file_report_verdict(&results->scan) == SCAN_DANGEROUS;
}

int results_check_samples(const struct results *results, uint32_t check, struct error *err)
{
    const struct plan_check *planned = &results->plan->checks[check];
    char norm[PLAN_NORM_TEXT_SIZE];

    if (samples_asked(planned) == 0 || results->keep != NULL || results->checks[check].skipped[0] != '\0')
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
