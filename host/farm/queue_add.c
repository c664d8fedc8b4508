/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: adding jobs. */
#include "host/farm/queue_internal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static const struct queue_tally queued = {.state = QUEUE_QUEUED, .outcome = -1},
                                aborted = {.state = QUEUE_ABORTED, .outcome = -1};

int queue_begin_batch(int64_t *ret_batch, struct error *err)
{
    int64_t number = 0;

    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    *ret_batch = number & INT64_MAX;
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
                               "UPDATE jobs SET state = 0, attempts = 0, lost = 0, memory = ?2, cores = ?3, gpus = ?4,"
                               " finished = NULL, reason = '' WHERE id = ?1 AND state = 5 AND cancel = 0",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, entry->id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)entry->needs.memory_mib);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)entry->needs.cores);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)entry->needs.gpus);
    r = database_step(database, statement, err);
    return r < 0 || database_changes(database) == 0 ? r : queue_tally_move(database, &aborted, &queued, err);
}

static int add_one(struct database *database, const struct queue_entry *entry, enum queue_added *ret_added,
                   struct error *err)
{
    sqlite3_stmt *statement;
    int r =
        database_statement(database,
                           "INSERT INTO jobs(id, description, settings, batch, priority, state, memory, cores, gpus,"
                           " added) VALUES(?1, ?2, ?3, ?4, ?5, 0, ?6, ?7, ?8, ?9) ON CONFLICT(id) DO NOTHING",
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
    (void)sqlite3_bind_int64(statement, 8, (int64_t)entry->needs.gpus);
    (void)sqlite3_bind_int64(statement, 9, (int64_t)time(NULL));
    r = database_step(database, statement, err);
    if (r < 0)
        return r;
    *ret_added = QUEUE_ADDED;
    if (database_changes(database) > 0)
        return 0;
    r = look_up(database, entry, ret_added, err);
    return r == 0 && *ret_added == QUEUE_KNOWN ? revive(database, entry, err) : r;
}

static int add_all(struct database *database, const struct queue_entry *entries, size_t count,
                   enum queue_added *ret_added, struct error *err)
{
    int64_t added = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = add_one(database, &entries[i], &ret_added[i], err);
        added += r == 0 && ret_added[i] == QUEUE_ADDED;
    }
    return r < 0 ? r : queue_tally_add(database, &queued, added, err);
}

int queue_add(struct database *database, const struct queue_entry *entries, size_t count, enum queue_added *ret_added,
              struct error *err)
{
    int r = database_begin(database, err);

    if (r == 0)
        r = add_all(database, entries, count, ret_added, err);
    if (r == 0)
        return database_commit(database, err);
    database_rollback(database);
    return r;
}
