/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: what a worker does with its lease, and how a job ends. */
#include "host/farm/queue.h"

#include "host/attest/text.h"
#include "host/farm/clock.h"
#include "host/farm/queue_internal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *const queue_state_names[QUEUE_STATE_COUNT + 1] = {
    "queued", "running", "done", "rejected", "could-not-evaluate", "aborted", NULL};

static const struct queue_tally queued = {.state = QUEUE_QUEUED, .outcome = -1},
                                running = {.state = QUEUE_RUNNING, .outcome = -1};

/* --- holding --------------------------------------------------------------------------------------------------- */

/* Whether the lease holds: 0, or -ESTALE. Inside a transaction. */
static int check_lease(struct database *database, const struct queue_lease *lease, struct error *err)
{
    sqlite3_stmt *statement;
    int r =
        database_statement(database, "SELECT 1 FROM jobs WHERE seq = ?1 AND token = ?2 AND state = 1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, lease->seq);
    (void)sqlite3_bind_int64(statement, 2, lease->token);
    r = database_step(database, statement, err);
    if (r == 0)
        return error_set(err, ERROR_INTERNAL, -ESTALE, "job %s: its lease was taken back", lease->id);
    if (r == 1)
        database_reset(statement);
    return r < 0 ? r : 0;
}

int queue_beat(struct database *database, const struct queue_lease *lease, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET beat = ?3 WHERE seq = ?1 AND token = ?2 AND state = 1 RETURNING cancel",
                               &statement, err);
    int canceled;

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, lease->seq);
    (void)sqlite3_bind_int64(statement, 2, lease->token);
    (void)sqlite3_bind_int64(statement, 3, clock_boot_ms());
    r = database_step(database, statement, err);
    if (r == 0)
        return error_set(err, ERROR_INTERNAL, -ESTALE, "job %s: its lease was taken back", lease->id);
    if (r < 0)
        return r;
    canceled = sqlite3_column_int(statement, 0);
    r = database_step(database, statement, err); /* a RETURNING statement takes effect when it has ended */
    return r < 0 ? r : canceled;
}

/* A job of this content that has a verdict of its own: its id. 1 or 0. */
static int find_finished(struct database *database, const uint8_t content[SHA256_SIZE], char ret_twin[QUEUE_ID_MAX + 1],
                         struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "SELECT id FROM jobs WHERE content = ?1 AND state IN (2, 3) AND reused IS NULL"
                               " ORDER BY seq DESC LIMIT 1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_blob(statement, 1, content, SHA256_SIZE, SQLITE_STATIC);
    r = database_step(database, statement, err);
    if (r == 1) {
        (void)snprintf(ret_twin, QUEUE_ID_MAX + 1, "%s", (const char *)sqlite3_column_text(statement, 0));
        database_reset(statement);
    }
    return r;
}

/* Another job of this content that runs: its number. 1 or 0. */
static int find_running(struct database *database, const struct queue_lease *lease, const uint8_t *content,
                        int64_t *ret_seq, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT seq FROM jobs WHERE content = ?1 AND state = 1 AND seq <> ?2 LIMIT 1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_blob(statement, 1, content, SHA256_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, lease->seq);
    r = database_step(database, statement, err);
    if (r == 1) {
        *ret_seq = sqlite3_column_int64(statement, 0);
        database_reset(statement);
    }
    return r;
}

static int stand_behind(struct database *database, const struct queue_lease *lease, int64_t twin, struct error *err)
{
    sqlite3_stmt *statement;
    int r = queue_tally_move(database, &running, &queued, err);

    if (r == 0)
        r = database_statement(database,
                               "UPDATE jobs SET state = 0, waits_for = ?2, worker = NULL, token = NULL, device = NULL"
                               " WHERE seq = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, lease->seq);
    (void)sqlite3_bind_int64(statement, 2, twin);
    return database_step(database, statement, err);
}

static int note_content(struct database *database, const struct queue_lease *lease, const uint8_t *content,
                        struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "UPDATE jobs SET content = ?2 WHERE seq = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, lease->seq);
    (void)sqlite3_bind_blob(statement, 2, content, SHA256_SIZE, SQLITE_STATIC);
    return database_step(database, statement, err);
}

static int claim(struct database *database, const struct queue_lease *lease, const uint8_t *content,
                 enum queue_content *ret_content, char *ret_twin, struct error *err)
{
    int64_t twin = 0;
    int r = check_lease(database, lease, err);

    if (r == 0)
        r = note_content(database, lease, content, err);
    if (r < 0)
        return r;
    *ret_content = QUEUE_FINISHED;
    r = find_finished(database, content, ret_twin, err);
    if (r != 0)
        return r < 0 ? r : 0;
    *ret_content = QUEUE_FRESH;
    r = find_running(database, lease, content, &twin, err);
    if (r != 1)
        return r;
    *ret_content = QUEUE_UNDER_WAY;
    return stand_behind(database, lease, twin, err);
}

int queue_claim(struct database *database, const struct queue_lease *lease, const uint8_t content[SHA256_SIZE],
                enum queue_content *ret_content, char ret_twin[QUEUE_ID_MAX + 1], struct error *err)
{
    int r = database_begin(database, err);

    if (r == 0)
        r = claim(database, lease, content, ret_content, ret_twin, err);
    if (r == 0)
        return database_commit(database, err);
    database_rollback(database);
    return r;
}

/* --- ending ------------------------------------------------------------------------------------------------------ */

/* Cut at a character, and harmless: it may hold a file's name. */
static void harmless(const char *reason, char ret_text[QUEUE_REASON_SIZE])
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(QUEUE_REASON_SIZE);

    ret_text[0] = '\0';
    if (text_escape(reason, QUEUE_REASON_SIZE - 1, &text) == 0)
        (void)snprintf(ret_text, QUEUE_REASON_SIZE, "%.*s", (int)text.size, (const char *)text.data);
}

int queue_release_waiting(struct database *database, int64_t seq, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "UPDATE jobs SET waits_for = NULL WHERE waits_for = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    return database_step(database, statement, err);
}

/* The tallies of a job that ends, and those that waited for it. */
static int note_end(struct database *database, int64_t seq, const struct queue_end *end, struct error *err)
{
    const struct queue_tally ended = {
        .state = end->state,
        .outcome = end->has_outcome ? (int)end->outcome : -1,
        .reused = end->reused != NULL,
    };
    struct queue_tally was;
    int r = queue_tally_of(database, seq, &was, err);

    if (r == 0)
        r = queue_tally_move(database, &was, &ended, err);
    return r < 0 ? r : queue_release_waiting(database, seq, err);
}

int queue_write_end(struct database *database, int64_t seq, const struct queue_end *end, struct error *err)
{
    sqlite3_stmt *statement;
    char reason[QUEUE_REASON_SIZE];
    int r = note_end(database, seq, end, err);

    if (r == 0)
        r = database_statement(database,
                               "UPDATE jobs SET state = ?2, outcome = ?3, reason = ?4, reused = ?5, wall_ms = ?6, "
                               "content = coalesce(?8, content),"
                               " finished = ?7, attempts = attempts + (state = 1), worker = NULL, token = NULL,"
                               " beat = NULL, device = NULL, waits_for = NULL WHERE seq = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    (void)sqlite3_bind_int(statement, 2, (int)end->state);
    if (end->has_outcome)
        (void)sqlite3_bind_int(statement, 3, (int)end->outcome);
    harmless(end->reason, reason);
    (void)sqlite3_bind_text(statement, 4, reason, -1, SQLITE_TRANSIENT);
    if (end->content != NULL)
        (void)sqlite3_bind_blob(statement, 8, end->content, SHA256_SIZE, SQLITE_STATIC);
    if (end->reused != NULL)
        (void)sqlite3_bind_text(statement, 5, end->reused, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)end->wall_ms);
    (void)sqlite3_bind_int64(statement, 7, (int64_t)time(NULL));
    return database_step(database, statement, err);
}

int queue_finish(struct database *database, const struct queue_lease *lease, const struct queue_end *end,
                 int (*commit)(void *context, struct error *err), void *context, struct error *err)
{
    int r = database_begin(database, err);

    if (r == 0)
        r = check_lease(database, lease, err);
    if (r == 0)
        r = queue_write_end(database, lease->seq, end, err);
    if (r == 0 && commit != NULL)
        r = commit(context, err);
    if (r == 0)
        return database_commit(database, err);
    database_rollback(database);
    return r;
}

int queue_set_memory(struct database *database, int64_t seq, uint64_t memory_mib, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET memory = ?2 WHERE seq = ?1 OR (state = 0 AND memory < ?2 AND"
                               " json_extract(description, '$.memory') IS NULL AND"
                               " settings = (SELECT settings FROM jobs WHERE seq = ?1) AND"
                               " (json_extract(description, '$.model'), json_extract(description, '$.folder')) ="
                               " (SELECT json_extract(description, '$.model'), json_extract(description, '$.folder')"
                               " FROM jobs WHERE seq = ?1))",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)memory_mib);
    return database_step(database, statement, err);
}

static int requeue(struct database *database, int64_t seq, enum queue_loss loss, const char *reason, struct error *err)
{
    sqlite3_stmt *statement;
    char text[QUEUE_REASON_SIZE];
    int r = queue_tally_move(database, &running, &queued, err);

    if (r == 0)
        r = queue_release_waiting(database, seq, err);
    if (r == 0)
        r = database_statement(database,
                               "UPDATE jobs SET state = 0, reason = ?2, attempts = attempts + 1, lost = lost + ?3,"
                               " worker = NULL, token = NULL, beat = NULL, device = NULL WHERE seq = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    harmless(reason, text);
    (void)sqlite3_bind_text(statement, 2, text, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_int(statement, 3, loss == QUEUE_LOST_WORKER ? 1 : 0);
    return database_step(database, statement, err);
}

int queue_return(struct database *database, int64_t seq, enum queue_loss loss, const char *reason, struct error *err)
{
    char text[QUEUE_REASON_SIZE], last[QUEUE_REASON_SIZE];
    struct queue_end end = {.state = QUEUE_ABORTED, .reason = text};
    sqlite3_stmt *statement;
    int attempts, lost;
    int r = database_statement(database, "SELECT attempts + 1, lost FROM jobs WHERE seq = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    r = database_step(database, statement, err);
    if (r < 0)
        return r;
    attempts = sqlite3_column_int(statement, 0);
    lost = sqlite3_column_int(statement, 1) + (loss == QUEUE_LOST_WORKER);
    database_reset(statement);
    if (attempts - lost < QUEUE_ATTEMPTS_MAX && lost < QUEUE_LOSSES_MAX)
        return requeue(database, seq, loss, reason, err);
    harmless(reason, last);
    (void)snprintf(text, sizeof text, "given up after %d attempts; the last one: %s", attempts, last);
    return queue_write_end(database, seq, &end, err);
}

static int give_back(struct database *database, const struct queue_lease *lease, uint64_t memory_mib,
                     const char *reason, struct error *err)
{
    int r = database_begin(database, err);

    if (r == 0)
        r = check_lease(database, lease, err);
    if (r == 0 && memory_mib > 0)
        r = queue_set_memory(database, lease->seq, memory_mib, err);
    if (r == 0)
        r = queue_return(database, lease->seq, QUEUE_FAILED_ATTEMPT, reason, err);
    if (r == 0)
        return database_commit(database, err);
    database_rollback(database);
    return r;
}

int queue_give_back(struct database *database, const struct queue_lease *lease, const char *reason, struct error *err)
{
    return give_back(database, lease, 0, reason, err);
}

int queue_give_back_larger(struct database *database, const struct queue_lease *lease, uint64_t memory_mib,
                           const char *reason, struct error *err)
{
    return give_back(database, lease, memory_mib, reason, err);
}
