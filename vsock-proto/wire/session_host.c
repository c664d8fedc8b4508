/* SPDX-License-Identifier: Apache-2.0 */
/* The host's state machine: which message from the guest may come when. PROTOCOL.md, section 6. */
#include "wire/session.h"

#include "base/cursor.h"
#include "wire/session_scan.h"

#include <errno.h>
#include <string.h>

static int violation(struct error *err, const struct message *message, const char *what)
{
    return error_set(err, ERROR_GUEST, -EPROTO, "the guest broke the protocol: %s %s", message_type_name(message->type),
                     what);
}

void session_host_start(struct session_host *session, const struct plan *plan, const uint8_t nonce[SHA256_SIZE])
{
    *session = (struct session_host){.plan = plan, .state = SESSION_HOST_GREETING};
    memcpy(session->nonce, nonce, SHA256_SIZE);
}

static const struct plan_check *current_check(const struct session_host *session)
{
    return &session->plan->checks[session->check];
}

static bool predicts(const struct plan_check *check)
{
    return check->id == PLAN_CLEAN_ACCURACY || plan_check_is_attack(check->id);
}

static bool clusters(const struct plan_check *check)
{
    return check->id == PLAN_ACTIVATION_CLUSTERING;
}

/* Adversarial inputs that are to come back of each point. */
static uint32_t samples_asked(const struct plan_check *check)
{
    return plan_check_is_attack(check->id) ? check->attack.samples : 0;
}

static uint32_t point_total(const struct plan_check *check)
{
    uint32_t total = 0;

    if (plan_check_is_attack(check->id))
        for (uint32_t i = 0; i < check->attack.curve_count; i++)
            total += check->attack.curves[i].point_count;
    return total;
}

int session_host_begin_check(struct session_host *session, uint32_t check)
{
    const struct plan *plan = session->plan;

    if (plan == NULL || check >= plan->check_count)
        return -EPROTO;
    if (plan->checks[check].id == PLAN_SCAN ? session->state != SESSION_HOST_LOADING || session->scanned
                                            : session->state != SESSION_HOST_IDLE)
        return -EPROTO;
    session_scan_start(&session->scan, 0, 0);
    session->check = check;
    session->next_first = 0;
    session->next_curve = session->next_point = session->next_label = 0;
    session->next_points = SESSION_POINTS_NONE;
    session->table = 0;
    session->table_rows = 0;
    session->progress_done = 0;
    session->progress_left = SESSION_PROGRESS_MAX;
    session->sample_elements = (uint64_t)samples_asked(&plan->checks[check]) * point_total(&plan->checks[check]) *
                               plan_sample_elements(&plan->contract);
    session->state = SESSION_HOST_CHECKING;
    return 0;
}

int session_host_begin_scan(struct session_host *session, uint32_t index, uint64_t size)
{
    if (session->state != SESSION_HOST_LOADING && session->state != SESSION_HOST_SERVED)
        return -EPROTO;
    if (index != session->next_file)
        return -EPROTO;
    session->next_file++;
    session_scan_start(&session->scan, size, session_scan_served_max(size));
    session->state = SESSION_HOST_SERVING;
    return 0;
}

int session_host_import(struct session_host *session)
{
    const struct plan *plan = session->plan;

    if (session->state != SESSION_HOST_LOADING || plan == NULL ||
        (plan->checks[0].id == PLAN_SCAN && !session->scanned))
        return -EPROTO;
    session->state = SESSION_HOST_IMPORTING;
    return 0;
}

int session_host_part(struct session_host *session)
{
    if (session->state != SESSION_HOST_IDLE && session->state != SESSION_HOST_SERVED &&
        (session->state != SESSION_HOST_LOADING || !session->scanned))
        return -EPROTO;
    session->state = SESSION_HOST_PARTING;
    return 0;
}

static int receive_guest_hello(struct session_host *session, const struct message *message, struct error *err)
{
    if (session->state != SESSION_HOST_GREETING)
        return violation(err, message, "came out of order");
    if (message->guest_hello.version != MESSAGE_VERSION)
        return violation(err, message, "names another version");
    if (memcmp(message->guest_hello.nonce, session->nonce, SHA256_SIZE) != 0)
        return violation(err, message, "answers another greeting");
    session->state = SESSION_HOST_LOADING;
    return 0;
}

static int receive_ready(struct session_host *session, const struct message *message, struct error *err)
{
    uint32_t wanted;

    if (session->state != SESSION_HOST_IMPORTING) /* in which there is a plan */
        return violation(err, message, "came out of order");
    wanted = session->plan->contract.classes;
    if (wanted != 0 && message->ready.classes != wanted)
        return error_set(err, ERROR_GUEST, -EPROTO, "the guest says that the model has %u classes, its spec says %u",
                         message->ready.classes, wanted);
    session->classes = message->ready.classes;
    session->state = SESSION_HOST_IDLE;
    return 0;
}

/* Every predicted class is a class. */
static bool classes_exist(const struct message_predictions *predictions, uint32_t classes)
{
    struct cursor cursor = cursor_over(predictions->classes.data, predictions->classes.size);

    for (uint32_t i = 0; i < predictions->count; i++) {
        uint32_t value;

        if (cursor_read_u32le(&cursor, &value) < 0 || value >= classes)
            return false;
    }
    return true;
}

/* To the next point, curve or window. */
static void advance_predictions(struct session_host *session, uint32_t count)
{
    const struct plan_check *check = current_check(session);

    if (check->id != PLAN_CLEAN_ACCURACY) {
        if (++session->next_point < check->attack.curves[session->next_curve].point_count)
            return;
        session->next_point = 0;
        if (++session->next_curve < check->attack.curve_count)
            return;
        session->next_curve = 0;
    }
    session->next_first += count;
}

static int receive_predictions(struct session_host *session, const struct message *message, struct error *err)
{
    const struct message_predictions *predictions = &message->predictions;
    const struct plan_set *set = &session->plan->sets[PLAN_SET_TEST];

    if (!predicts(current_check(session)))
        return violation(err, message, "from a check that predicts nothing");
    if (session->next_first >= set->count || predictions->first != session->next_first ||
        predictions->count != plan_window_count(set, session->next_first) ||
        predictions->curve != session->next_curve || predictions->point != session->next_point)
        return violation(err, message, "for another window or point than the next");
    if (!classes_exist(predictions, session->classes))
        return violation(err, message, "with a class that the model does not have");
    advance_predictions(session, predictions->count);
    return 0;
}

static int receive_sample(struct session_host *session, const struct message *message, struct error *err)
{
    const struct message_sample *sample = &message->sample;
    const struct plan_check *check = current_check(session);
    uint64_t elements = plan_sample_elements(&session->plan->contract), count = sample->elements.size / sizeof(float);

    if (!plan_check_is_attack(check->id) || sample->curve >= check->attack.curve_count ||
        sample->point >= check->attack.curves[sample->curve].point_count || sample->sample >= check->attack.samples ||
        sample->sample >= session->plan->sets[PLAN_SET_TEST].count)
        return violation(err, message, "that was not asked for");
    if (sample->offset > elements || count > elements - sample->offset || count > session->sample_elements)
        return violation(err, message, "with more elements than an input has");
    session->sample_elements -= count;
    return 0;
}

static int receive_cluster(struct session_host *session, const struct message *message, struct error *err)
{
    const struct message_cluster *cluster = &message->cluster;
    const struct plan_set *sets = session->plan->sets;

    if (!clusters(current_check(session)))
        return violation(err, message, "from a check that clusters nothing");
    if (cluster->label != session->next_label || cluster->label >= session->classes)
        return violation(err, message, "for another class than the next");
    if (cluster->sizes[0] < cluster->sizes[1] || cluster->sizes[0] + cluster->sizes[1] > sets[PLAN_SET_TRAIN].count ||
        cluster->test_sizes[0] + cluster->test_sizes[1] > sets[PLAN_SET_TEST].count)
        return violation(err, message, "with sizes that can't be");
    for (unsigned c = 0; c < 2; c++) {
        if (cluster->index_count[c] > cluster->sizes[c])
            return violation(err, message, "with more indices than members");
        for (uint32_t i = 0; i < cluster->index_count[c]; i++)
            if (cluster->indices[c][i] >= sets[PLAN_SET_TRAIN].count)
                return violation(err, message, "with an index beyond the set");
    }
    session->next_label++;
    session->next_points = cluster->outcome == MESSAGE_CLUSTER_DONE ? SESSION_POINTS_TRAIN : SESSION_POINTS_NONE;
    memcpy(session->cluster_sizes[0], cluster->sizes, sizeof cluster->sizes);
    memcpy(session->cluster_sizes[1], cluster->test_sizes, sizeof cluster->test_sizes);
    return 0;
}

/* Points in each cluster, no more than it has members; codec and record have checked each. */
static bool points_fit(const struct message_blob *points, const uint64_t sizes[2])
{
    uint64_t counts[2] = {0};
    struct point point;

    for (size_t i = 0; points_read(points->data, points->size, i, &point) == 0; i++)
        counts[point.cluster]++;
    return counts[0] <= sizes[0] && counts[1] <= sizes[1];
}

static int receive_points(struct session_host *session, const struct message *message, struct error *err)
{
    const struct message_points *points = &message->points;
    bool train = session->next_points == SESSION_POINTS_TRAIN;
    const uint64_t *sizes = session->cluster_sizes[train ? 0 : 1];

    if (session->next_points == SESSION_POINTS_NONE || points->label != session->next_label - 1 ||
        points->set != (train ? PLAN_SET_TRAIN : PLAN_SET_TEST))
        return violation(err, message, "for another class or set than the next");
    if (points->points.size / POINTS_SIZE != points_sent(sizes[0] + sizes[1], points_limit(session->classes)) ||
        !points_fit(&points->points, sizes))
        return violation(err, message, "that are not as many as the clusters' sizes ask for");
    session->next_points = train ? SESSION_POINTS_TEST : SESSION_POINTS_NONE;
    return 0;
}

/* Goes on to the next table where the one under way has all its rows. */
static const struct rows_table *table_under_way(struct session_host *session)
{
    const struct rows_table *tables;
    uint32_t count = rows_tables(current_check(session)->id, &tables);

    while (session->table < count &&
           session->table_rows >= rows_expected(&tables[session->table], session->plan, session->classes)) {
        session->table++;
        session->table_rows = 0;
    }
    return session->table < count ? &tables[session->table] : NULL;
}

static int receive_row(struct session_host *session, const struct message *message, struct error *err)
{
    const struct message_row *row = &message->row;
    const struct rows_table *table = table_under_way(session);
    uint32_t most;

    if (table == NULL || row->table != session->table)
        return violation(err, message, "of another table than the next, or beyond a table's end");
    most = table->naturals_max > table->naturals ? table->naturals_max : table->naturals;
    if (row->natural_count < table->naturals || row->natural_count > most || row->real_count != table->reals ||
        (row->name.size > 0) != table->named)
        return violation(err, message, "with other columns than its table's");
    if (session->table_rows >= ROWS_ANY_MAX && table->rows == ROWS_ANY)
        return violation(err, message, "too often");
    session->table_rows++;
    return 0;
}

static int receive_progress(struct session_host *session, const struct message *message, struct error *err)
{
    if (session->progress_left == 0)
        return violation(err, message, "too often");
    if (message->progress.done > message->progress.total || message->progress.done < session->progress_done)
        return violation(err, message, "that goes backwards or beyond its end");
    session->progress_left--;
    session->progress_done = message->progress.done;
    return 0;
}

/* --- scans ----------------------------------------------------------------------------------------- */

/* READ, FINDING, COVERAGE or SCAN_DONE, of the check or of a served file. */
static int receive_of_scan(struct session_host *session, const struct message *message, struct error *err)
{
    bool checking = session->state == SESSION_HOST_CHECKING && current_check(session)->id == PLAN_SCAN;
    const char *wrong;

    if (!checking && session->state != SESSION_HOST_SERVING)
        return violation(err, message, "came out of order");
    wrong = session_scan_receive(&session->scan, message);
    if (wrong != NULL)
        return violation(err, message, wrong);
    if (session->state == SESSION_HOST_SERVING && session->scan.done)
        session->state = SESSION_HOST_SERVED;
    return 0;
}

static int finish_scan_check(struct session_host *session, const struct message *message, struct error *err)
{
    if (message->check_done.skipped.size > 0)
        return violation(err, message, "calls the scan skipped, which fits every file");
    if (!session->scan.done)
        return violation(err, message, "before the scan's end had come");
    session->scanned = true;
    session->state = SESSION_HOST_LOADING;
    return 0;
}

/* --- the end of a check ------------------------------------------------------------------------------ */

/* Nothing but progress has come of the check under way. */
static bool is_untouched(const struct session_host *session)
{
    return session->next_first == 0 && session->next_curve == 0 && session->next_point == 0 &&
           session->next_label == 0 && session->table == 0 && session->table_rows == 0;
}

static int receive_check_done(struct session_host *session, const struct message *message, struct error *err)
{
    const struct plan_check *check = current_check(session);
    const struct rows_table *table;

    if (check->id == PLAN_SCAN)
        return finish_scan_check(session, message, err);
    if (message->check_done.skipped.size > 0) {
        if (!is_untouched(session))
            return violation(err, message, "calls a check skipped that has sent results");
        session->state = SESSION_HOST_IDLE;
        return 0;
    }
    if (predicts(check) && session->next_first < session->plan->sets[PLAN_SET_TEST].count)
        return violation(err, message, "before all predictions had come");
    if (clusters(check) && session->next_label < session->classes)
        return violation(err, message, "before all classes had come");
    table = table_under_way(session);
    if (table != NULL && table->rows != ROWS_ANY)
        return violation(err, message, "before all rows had come");
    session->state = SESSION_HOST_IDLE;
    return 0;
}

/* What a check sends names that check. */
static int receive_of_check(struct session_host *session, const struct message *message, uint32_t check,
                            struct error *err)
{
    if (session->state != SESSION_HOST_CHECKING)
        return violation(err, message, "came out of order");
    if (check != session->check)
        return violation(err, message, "for another check than the one under way");
    switch (message->type) {
    case MESSAGE_PREDICTIONS:
        return receive_predictions(session, message, err);
    case MESSAGE_SAMPLE:
        return receive_sample(session, message, err);
    case MESSAGE_CLUSTER:
        return receive_cluster(session, message, err);
    case MESSAGE_POINTS:
        return receive_points(session, message, err);
    case MESSAGE_ROW:
        return receive_row(session, message, err);
    case MESSAGE_PROGRESS:
        return receive_progress(session, message, err);
    default:
        return receive_check_done(session, message, err);
    }
}

int session_host_receive(struct session_host *session, const struct message *message, struct error *err)
{
    switch (message->type) {
    case MESSAGE_GUEST_HELLO:
        return receive_guest_hello(session, message, err);
    case MESSAGE_READY:
        return receive_ready(session, message, err);
    case MESSAGE_PREDICTIONS:
        return receive_of_check(session, message, message->predictions.check, err);
    case MESSAGE_SAMPLE:
        return receive_of_check(session, message, message->sample.check, err);
    case MESSAGE_CLUSTER:
        return receive_of_check(session, message, message->cluster.check, err);
    case MESSAGE_POINTS:
        return receive_of_check(session, message, message->points.check, err);
    case MESSAGE_ROW:
        return receive_of_check(session, message, message->row.check, err);
    case MESSAGE_PROGRESS:
        return receive_of_check(session, message, message->progress.check, err);
    case MESSAGE_CHECK_DONE:
        return receive_of_check(session, message, message->check_done.check, err);
    case MESSAGE_READ:
    case MESSAGE_FINDING:
    case MESSAGE_COVERAGE:
    case MESSAGE_SCAN_DONE:
        return receive_of_scan(session, message, err);
    case MESSAGE_FAILURE:
        if (session->state == SESSION_HOST_ENDED)
            return violation(err, message, "came after the end");
        session->state = SESSION_HOST_ENDED;
        return 0;
    case MESSAGE_GOODBYE:
        if (session->state != SESSION_HOST_PARTING)
            return violation(err, message, "came out of order");
        session->state = SESSION_HOST_ENDED;
        return 0;
    default:
        return violation(err, message, "is not for the host");
    }
}
