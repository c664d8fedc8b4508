/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: how many jobs there are of each state and outcome, kept as they change. */
#include "host/farm/queue_internal.h"

#include <errno.h>
#include <sqlite3.h>
#include <time.h>

int queue_tally_of(struct database *database, int64_t seq, struct queue_tally *ret_tally, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(
        database, "SELECT state, coalesce(outcome, -1), reused IS NOT NULL FROM jobs WHERE seq = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    r = database_step(database, statement, err);
    if (r <= 0)
        return r < 0 ? r
                     : error_set(err, ERROR_INTERNAL, -ENOENT, "the farm's database has no job %lld", (long long)seq);
    ret_tally->state = (enum queue_state)sqlite3_column_int(statement, 0);
    ret_tally->outcome = sqlite3_column_int(statement, 1);
    ret_tally->reused = sqlite3_column_int(statement, 2) != 0;
    database_reset(statement);
    return 0;
}

int queue_tally_add(struct database *database, const struct queue_tally *tally, int64_t delta, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "INSERT INTO tallies VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE"
                               " SET jobs = jobs + excluded.jobs, reused = reused + excluded.reused",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int(statement, 1, (int)tally->state);
    (void)sqlite3_bind_int(statement, 2, tally->outcome);
    (void)sqlite3_bind_int64(statement, 3, delta);
    (void)sqlite3_bind_int64(statement, 4, tally->reused ? delta : 0);
    return database_step(database, statement, err);
}

int queue_tally_move(struct database *database, const struct queue_tally *from, const struct queue_tally *to,
                     struct error *err)
{
    int r = queue_tally_add(database, from, -1, err);

    return r < 0 ? r : queue_tally_add(database, to, 1, err);
}

/* --- counting ---------------------------------------------------------------------------------------------------- */

static void count_tally(sqlite3_stmt *statement, struct queue_counts *counts)
{
    int state = sqlite3_column_int(statement, 0), outcome = sqlite3_column_int(statement, 1);
    uint64_t jobs = (uint64_t)sqlite3_column_int64(statement, 2);

    if (state >= 0 && state < QUEUE_STATE_COUNT)
        counts->states[state] += jobs;
    if (outcome >= 0 && outcome < OUTCOME_COUNT)
        counts->outcomes[outcome] += jobs;
    counts->total += jobs;
    counts->reused += (uint64_t)sqlite3_column_int64(statement, 3);
}

static int count_tallies(struct database *database, struct queue_counts *counts, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT state, outcome, jobs, reused FROM tallies", &statement, err);

    while (r == 0) {
        r = database_step(database, statement, err);
        if (r <= 0)
            break;
        count_tally(statement, counts);
        r = 0;
    }
    return r;
}

/* When the first job began, and how many have ended lately: both by indexes. */
static int count_times(struct database *database, struct queue_counts *counts, struct error *err)
{
    int64_t now = (int64_t)time(NULL);
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "SELECT (SELECT min(started) FROM jobs WHERE started IS NOT NULL),"
                               " (SELECT count(*) FROM jobs WHERE finished BETWEEN ?1 AND ?2)",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, now - QUEUE_RATE_SECONDS);
    (void)sqlite3_bind_int64(statement, 2, now); /* what ended before the clock went back tells nothing */
    r = database_step(database, statement, err);
    if (r < 0)
        return r;
    counts->first_start = sqlite3_column_int64(statement, 0); /* NULL reads as 0 */
    counts->lately = (uint64_t)sqlite3_column_int64(statement, 1);
    database_reset(statement);
    return 0;
}

int queue_count(struct database *database, struct queue_counts *ret_counts, struct error *err)
{
    struct queue_counts counts = {0};
    int r = count_tallies(database, &counts, err);

    if (r == 0)
        r = count_times(database, &counts, err);
    if (r == 0)
        *ret_counts = counts;
    return r;
}
