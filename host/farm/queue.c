/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: adding jobs, and what a worker does with its lease. */
#include "host/farm/queue.h"

#include "host/farm/clock.h"
#include "host/farm/queue_internal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CANDIDATES_MAX 256 /* queued jobs that are looked at for one that fits */

const char *const queue_state_names[QUEUE_STATE_COUNT + 1] = {
    "queued", "running", "done", "rejected", "could-not-evaluate", "aborted", NULL};

/* --- adding ------------------------------------------------------------------------------------------------------- */

int queue_begin_batch(struct database *database, int64_t *ret_batch, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT coalesce(max(batch), 0) + 1 FROM jobs", &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r < 0)
        return r;
    *ret_batch = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 0;
}

int queue_settings(struct database *database, const char *text, int64_t *ret_settings, struct error *err)
{
    sqlite3_stmt *statement;
    int r =
        database_statement(database, "INSERT INTO settings(text) VALUES(?1) ON CONFLICT DO NOTHING", &statement, err);

    if (r == 0) {
        (void)sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
        r = database_step(database, statement, err);
    }
    if (r == 0)
        r = database_statement(database, "SELECT id FROM settings WHERE text = ?1", &statement, err);
    if (r == 0) {
        (void)sqlite3_bind_text(statement, 1, text, -1, SQLITE_TRANSIENT);
        r = database_step(database, statement, err);
    }
    if (r < 0)
        return r;
    *ret_settings = sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 0;
}

/* Why a job of this id can't be added: it is the same one, or it is not. */
static int look_up(struct database *database, const struct queue_entry *entry, enum queue_added *ret_added,
                   struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT batch, description = ?2 AND settings = ?3 FROM jobs WHERE id = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, entry->id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, entry->description, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 3, entry->settings);
    r = database_step(database, statement, err);
    if (r < 0)
        return r;
    *ret_added = r == 1 && sqlite3_column_int64(statement, 0) != entry->batch && sqlite3_column_int(statement, 1) != 0
                     ? QUEUE_KNOWN
                     : QUEUE_DUPLICATE;
    database_reset(statement);
    return 0;
}

/* A job that was aborted (a file that was not there, a full disk) is tried once more when it is given again. */
static int revive(struct database *database, const struct queue_entry *entry, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET state = 0, attempts = 0, lost = 0, memory = ?2, cores = ?3"
                               " WHERE id = ?1 AND state = 5 AND cancel = 0",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, entry->id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)entry->needs.memory_mib);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)entry->needs.cores);
    return database_step(database, statement, err);
}

int queue_add(struct database *database, const struct queue_entry *entry, enum queue_added *ret_added,
              struct error *err)
{
    sqlite3_stmt *statement;
    int r =
        database_statement(database,
                           "INSERT INTO jobs(id, description, settings, batch, priority, state, memory, cores, added)"
                           " VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8) ON CONFLICT(id) DO NOTHING",
                           &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, entry->id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, entry->description, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 3, entry->settings);
    (void)sqlite3_bind_int64(statement, 4, entry->batch);
    (void)sqlite3_bind_int(statement, 5, entry->priority);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)entry->needs.memory_mib);
    (void)sqlite3_bind_int64(statement, 7, (int64_t)entry->needs.cores);
    (void)sqlite3_bind_int64(statement, 8, (int64_t)time(NULL));
    r = database_step(database, statement, err);
    if (r < 0)
        return r;
    *ret_added = QUEUE_ADDED;
    if (database_changes(database) > 0)
        return 0;
    r = look_up(database, entry, ret_added, err);
    return r == 0 && *ret_added == QUEUE_KNOWN ? revive(database, entry, err) : r;
}

/* --- taking ------------------------------------------------------------------------------------------------------ */

void queue_lease_clear(struct queue_lease *lease)
{
    free(lease->description);
    free(lease->settings);
    *lease = (struct queue_lease){0};
}

static bool fits(const struct queue_resources *needs, const struct queue_resources *room)
{
    return needs->memory_mib <= room->memory_mib && needs->cores <= room->cores;
}

static uint64_t less(uint64_t all, uint64_t used)
{
    return used < all ? all - used : 0;
}

/* What the running jobs leave. */
static int measure_room(struct database *database, const struct queue_resources *machine,
                        struct queue_resources *ret_room, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "SELECT coalesce(sum(memory), 0), coalesce(sum(cores), 0) FROM jobs WHERE state = 1",
                               &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r < 0)
        return r;
    ret_room->memory_mib = less(machine->memory_mib, (uint64_t)sqlite3_column_int64(statement, 0));
    ret_room->cores = less(machine->cores, (uint64_t)sqlite3_column_int64(statement, 1));
    database_reset(statement);
    return 0;
}

static int copy_column(sqlite3_stmt *statement, int column, char **ret_text)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    *ret_text = text != NULL ? strdup(text) : NULL;
    return *ret_text != NULL ? 0 : -ENOMEM;
}

static int read_candidate(sqlite3_stmt *statement, struct queue_lease *ret_lease, struct error *err)
{
    ret_lease->seq = sqlite3_column_int64(statement, 0);
    (void)snprintf(ret_lease->id, sizeof ret_lease->id, "%s", (const char *)sqlite3_column_text(statement, 1));
    ret_lease->attempt = sqlite3_column_int(statement, 4) + 1;
    ret_lease->last_attempt = ret_lease->attempt - sqlite3_column_int(statement, 8) >= QUEUE_ATTEMPTS_MAX;
    if (copy_column(statement, 5, &ret_lease->description) < 0 || copy_column(statement, 6, &ret_lease->settings) < 0) {
        queue_lease_clear(ret_lease);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a job");
    }
    return 0;
}

/*
 * The first job that fits beside the others, or that never will; *ret_before is how many were passed over for it. A job
 * that has been passed over too often lets nobody by.
 */
static int choose(struct database *database, const struct queue_resources *machine, const struct queue_resources *room,
                  struct queue_lease *ret_lease, int *ret_before, struct error *err)
{
    sqlite3_stmt *statement;
    int seen = 0;
    int r =
        database_statement(database,
                           "SELECT seq, jobs.id, memory, cores, attempts, description, settings.text, passed_over, lost"
                           " FROM jobs JOIN settings ON settings.id = jobs.settings WHERE state = 0 AND NOT EXISTS"
                           " (SELECT 1 FROM jobs AS twin WHERE twin.seq = jobs.waits_for AND twin.state = 1)"
                           " ORDER BY priority DESC, seq",
                           &statement, err);

    while (r == 0 && seen < CANDIDATES_MAX) {
        r = database_step(database, statement, err);
        if (r <= 0)
            return r;
        ret_lease->needs.memory_mib = (uint64_t)sqlite3_column_int64(statement, 2);
        ret_lease->needs.cores = (uint64_t)sqlite3_column_int64(statement, 3);
        ret_lease->never_fits = !fits(&ret_lease->needs, machine);
        if (ret_lease->never_fits || fits(&ret_lease->needs, room)) {
            r = read_candidate(statement, ret_lease, err);
            *ret_before = seen;
            database_reset(statement);
            return r < 0 ? r : 1;
        }
        r = 0;
        if (sqlite3_column_int(statement, 7) >= QUEUE_PASSED_OVER_MAX)
            break;
        seen++;
    }
    if (r == 0)
        database_reset(statement);
    return r;
}

/* The jobs that stood before the one that was taken. */
static int note_passed_over(struct database *database, int count, struct error *err)
{
    sqlite3_stmt *statement;
    int r;

    if (count == 0)
        return 0;
    r = database_statement(database,
                           "UPDATE jobs SET passed_over = passed_over + 1 WHERE seq IN (SELECT seq FROM jobs WHERE"
                           " state = 0 AND NOT EXISTS (SELECT 1 FROM jobs AS twin WHERE twin.seq = jobs.waits_for AND"
                           " twin.state = 1) ORDER BY priority DESC, seq LIMIT ?1)",
                           &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int(statement, 1, count);
    return database_step(database, statement, err);
}

static int64_t new_token(void)
{
    int64_t token = 0;

    while (getrandom(&token, sizeof token, 0) != (ssize_t)sizeof token)
        ;
    return token & INT64_MAX;
}

static int mark_running(struct database *database, const char *worker, const struct queue_lease *lease,
                        struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET state = 1, worker = ?2, token = ?3, beat = ?4, boot = ?5,"
                               " started = coalesce(started, ?6), waits_for = NULL WHERE seq = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, lease->seq);
    (void)sqlite3_bind_text(statement, 2, worker, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 3, lease->token);
    (void)sqlite3_bind_int64(statement, 4, clock_boot_ms());
    (void)sqlite3_bind_text(statement, 5, clock_boot_id(), -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)time(NULL));
    return database_step(database, statement, err);
}

static int take(struct database *database, const char *worker, const struct queue_resources *machine,
                struct queue_lease *lease, struct error *err)
{
    struct queue_resources room = {0};
    int before = 0;
    int r = measure_room(database, machine, &room, err);

    if (r == 0)
        r = choose(database, machine, &room, lease, &before, err);
    if (r <= 0)
        return r;
    lease->token = new_token();
    /* First, as afterwards it is no longer among the queued. */
    r = note_passed_over(database, before, err);
    if (r == 0)
        r = mark_running(database, worker, lease, err);
    return r < 0 ? r : 1;
}

int queue_take(struct database *database, const char *worker, const struct queue_resources *machine,
               struct queue_lease *ret_lease, struct error *err)
{
    struct queue_lease lease = {0};
    int taken = 0, r = database_begin(database, err);

    if (r == 0)
        taken = take(database, worker, machine, &lease, err);
    if (r == 0 && taken >= 0)
        r = database_commit(database, err);
    if (r < 0 || taken < 0) {
        database_rollback(database);
        queue_lease_clear(&lease);
        return r < 0 ? r : taken;
    }
    if (taken == 1)
        *ret_lease = lease;
    return taken;
}

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
                               " ORDER BY seq LIMIT 1",
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
    int r = database_statement(database,
                               "UPDATE jobs SET state = 0, waits_for = ?2, worker = NULL, token = NULL WHERE seq = ?1",
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

int queue_write_end(struct database *database, int64_t seq, const struct queue_end *end, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET state = ?2, outcome = ?3, reason = ?4, reused = ?5, wall_ms = ?6,"
                               " finished = ?7, attempts = attempts + (state = 1), worker = NULL, token = NULL,"
                               " beat = NULL WHERE seq = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    (void)sqlite3_bind_int(statement, 2, (int)end->state);
    if (end->has_outcome)
        (void)sqlite3_bind_int(statement, 3, (int)end->outcome);
    (void)sqlite3_bind_text(statement, 4, end->reason, -1, SQLITE_STATIC);
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

static int requeue(struct database *database, int64_t seq, enum queue_loss loss, const char *reason, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET state = 0, reason = ?2, attempts = attempts + 1, lost = lost + ?3,"
                               " worker = NULL, token = NULL, beat = NULL WHERE seq = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    (void)sqlite3_bind_text(statement, 2, reason, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 3, loss == QUEUE_LOST_WORKER ? 1 : 0);
    return database_step(database, statement, err);
}

int queue_return(struct database *database, int64_t seq, enum queue_loss loss, const char *reason, struct error *err)
{
    char text[QUEUE_REASON_SIZE];
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
    (void)snprintf(text, sizeof text, "given up after %d attempts; the last one: %.400s", attempts, reason);
    return queue_write_end(database, seq, &end, err);
}

int queue_give_back(struct database *database, const struct queue_lease *lease, const char *reason, struct error *err)
{
    int r = database_begin(database, err);

    if (r == 0)
        r = check_lease(database, lease, err);
    if (r == 0)
        r = queue_return(database, lease->seq, QUEUE_FAILED_ATTEMPT, reason, err);
    if (r == 0)
        return database_commit(database, err);
    database_rollback(database);
    return r;
}
