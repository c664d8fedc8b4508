/* SPDX-License-Identifier: Apache-2.0 */
/* The queue as everyone sees it: leases of the dead taken back, jobs canceled and listed. */
#include "host/farm/clock.h"
#include "host/farm/queue_internal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LEASES_MAX 4096 /* running jobs of a farm */

/* --- leases ------------------------------------------------------------------------------------------------------ */

struct held {
    int64_t seq;
    char worker[QUEUE_WORKER_SIZE];
    bool late; /* not beaten for, or of another boot */
};

static int list_held(struct database *database, struct held *ret_held, size_t *ret_count, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT seq, worker, beat, boot FROM jobs WHERE state = 1 LIMIT 4096",
                               &statement, err);
    size_t count = 0;

    while (r == 0 && count < LEASES_MAX) {
        const char *worker, *boot;

        r = database_step(database, statement, err);
        if (r <= 0)
            break;
        worker = (const char *)sqlite3_column_text(statement, 1);
        boot = (const char *)sqlite3_column_text(statement, 3);
        ret_held[count].seq = sqlite3_column_int64(statement, 0);
        (void)snprintf(ret_held[count].worker, QUEUE_WORKER_SIZE, "%s", worker != NULL ? worker : "");
        ret_held[count].late = boot == NULL || strcmp(boot, clock_boot_id()) != 0 ||
                               clock_boot_ms() - sqlite3_column_int64(statement, 2) > QUEUE_LEASE_MS;
        count++;
        r = 0;
    }
    if (r == 0)
        database_reset(statement);
    *ret_count = count;
    return r;
}

/* Those of `held` that are lost; how many. */
static int take_back(struct database *database, const struct held *held, size_t count,
                     bool (*is_alive)(void *context, const char *worker), void *context, struct error *err)
{
    int lost = 0;

    for (size_t i = 0; i < count; i++) {
        bool gone = !is_alive(context, held[i].worker);
        int r;

        if (!gone && !held[i].late)
            continue;
        r = queue_return(database, held[i].seq, QUEUE_LOST_WORKER,
                         gone ? "its worker died" : "its worker was not heard of for a minute", err);
        if (r < 0)
            return r;
        lost++;
    }
    return lost;
}

int queue_reap(struct database *database, bool (*is_alive)(void *context, const char *worker), void *context,
               struct error *err)
{
    CLEANUP_FREE struct held *held = calloc(LEASES_MAX, sizeof *held);
    size_t count = 0;
    int lost = 0, r;

    if (held == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the leases");
    r = database_begin(database, err);
    if (r == 0)
        r = list_held(database, held, &count, err);
    if (r == 0)
        lost = take_back(database, held, count, is_alive, context, err);
    if (r == 0 && lost >= 0)
        r = database_commit(database, err);
    if (r < 0 || lost < 0) {
        database_rollback(database);
        return r < 0 ? r : lost;
    }
    return lost;
}

/* --- canceling ---------------------------------------------------------------------------------------------------- */

static int cancel(struct database *database, const char *id, struct error *err)
{
    const struct queue_end end = {.state = QUEUE_ABORTED, .reason = "canceled"};
    sqlite3_stmt *statement;
    int64_t seq;
    int state;
    int r = database_statement(database, "SELECT seq, state FROM jobs WHERE id = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC);
    r = database_step(database, statement, err);
    if (r <= 0)
        return r < 0 ? r : error_set(err, ERROR_NO_INPUT, -ENOENT, "there is no job \"%.64s\" in this farm", id);
    seq = sqlite3_column_int64(statement, 0);
    state = sqlite3_column_int(statement, 1);
    database_reset(statement);
    if (state != QUEUE_QUEUED && state != QUEUE_RUNNING)
        return 0;
    r = database_statement(database, "UPDATE jobs SET cancel = 1 WHERE seq = ?1", &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    r = database_step(database, statement, err);
    if (r == 0 && state == QUEUE_QUEUED) /* of one that runs, its worker hears at its next beat */
        r = queue_write_end(database, seq, &end, err);
    return r < 0 ? r : 1;
}

int queue_cancel(struct database *database, const char *id, struct error *err)
{
    int found = 0, r = database_begin(database, err);

    if (r == 0)
        found = cancel(database, id, err);
    if (r == 0 && found >= 0)
        r = database_commit(database, err);
    if (r < 0 || found < 0) {
        database_rollback(database);
        return r < 0 ? r : found;
    }
    return found;
}

/* --- listing ------------------------------------------------------------------------------------------------------ */

static void read_row(sqlite3_stmt *statement, struct queue_row *row)
{
    int state = sqlite3_column_int(statement, 4), outcome = sqlite3_column_int(statement, 5);

    *row = (struct queue_row){
        .id = (const char *)sqlite3_column_text(statement, 0),
        .description = (const char *)sqlite3_column_text(statement, 1),
        .reason = (const char *)sqlite3_column_text(statement, 2),
        .reused = (const char *)sqlite3_column_text(statement, 3),
        .state = state >= 0 && state < QUEUE_STATE_COUNT ? (enum queue_state)state : QUEUE_ABORTED,
        .has_outcome = sqlite3_column_type(statement, 5) != SQLITE_NULL && outcome >= 0 && outcome < OUTCOME_COUNT,
        .attempts = sqlite3_column_int(statement, 6),
        .priority = sqlite3_column_int(statement, 7),
        .needs = {.memory_mib = (uint64_t)sqlite3_column_int64(statement, 8),
                  .cores = (uint64_t)sqlite3_column_int64(statement, 9),
                  .gpus = (uint64_t)sqlite3_column_int64(statement, 14)},
        .device = (const char *)sqlite3_column_text(statement, 15),
        .started = sqlite3_column_int64(statement, 10),
        .finished = sqlite3_column_int64(statement, 11),
        .wall_ms = (uint64_t)sqlite3_column_int64(statement, 12),
        .worker = (const char *)sqlite3_column_text(statement, 13),
    };
    if (row->has_outcome)
        row->outcome = (enum outcome)outcome;
}

#define ROW_COLUMNS                                                                                                    \
    "SELECT id, description, reason, reused, state, outcome, attempts, priority, memory, cores, started, finished,"    \
    " wall_ms, worker, gpus, device FROM jobs"

int queue_each(struct database *database, bool only_running,
               int (*visit)(void *context, const struct queue_row *row, struct error *err), void *context,
               struct error *err)
{
    sqlite3_stmt *statement;
    struct queue_row row;
    int r = only_running ? database_statement(database, ROW_COLUMNS " WHERE state = 1 ORDER BY seq", &statement, err)
                         : database_statement(database, ROW_COLUMNS " ORDER BY seq", &statement, err);

    while (r == 0) {
        r = database_step(database, statement, err);
        if (r <= 0)
            return r;
        read_row(statement, &row);
        r = visit(context, &row, err);
    }
    database_reset(statement);
    return r;
}
