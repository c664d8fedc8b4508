/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's leases: taken over, kept, read, lost. */
#include "host/farm/clock.h"
#include "host/farm/queue_internal.h"
#include "host/farm/slurm/journal_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int journal_adopt_leases(struct database *database, const char *worker, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET worker = ?1, beat = ?2, boot = ?3 WHERE state = 1 AND EXISTS (SELECT 1"
                               " FROM slurm_orders AS o WHERE o.seq = jobs.seq AND o.token = jobs.token AND"
                               " o.state IN (0, 1, 2))",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, worker, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, clock_boot_ms());
    (void)sqlite3_bind_text(statement, 3, clock_boot_id(), -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

int journal_beat(struct database *database, const char *worker, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "UPDATE jobs SET beat = ?2 WHERE state = 1 AND worker = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, worker, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, clock_boot_ms());
    return journal_run(database, statement, err);
}

int journal_read_lease(struct database *database, const struct order_row *row, struct queue_lease *ret_lease,
                       struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(
        database,
        "SELECT attempts, lost, description, settings.text, memory, cores, gpus FROM jobs JOIN settings"
        " ON settings.id = jobs.settings WHERE seq = ?1 AND token = ?2 AND state = 1",
        &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, row->seq);
    (void)sqlite3_bind_int64(statement, 2, row->token);
    r = database_step(database, statement, err);
    if (r < 0)
        return r;
    if (r == 0)
        return error_set(err, ERROR_INTERNAL, -ESTALE, "job %s: its lease was taken back", row->id);
    *ret_lease = (struct queue_lease){
        .seq = row->seq,
        .token = row->token,
        .attempt = sqlite3_column_int(statement, 0) + 1,
        .last_attempt = sqlite3_column_int(statement, 0) + 1 - sqlite3_column_int(statement, 1) >= QUEUE_ATTEMPTS_MAX,
        .needs = {.memory_mib = (uint64_t)sqlite3_column_int64(statement, 4),
                  .cores = (uint64_t)sqlite3_column_int64(statement, 5),
                  .gpus = (uint64_t)sqlite3_column_int64(statement, 6)},
        .description = strdup((const char *)sqlite3_column_text(statement, 2)),
        .settings = strdup((const char *)sqlite3_column_text(statement, 3)),
    };
    (void)snprintf(ret_lease->id, sizeof ret_lease->id, "%s", row->id);
    database_reset(statement);
    if (ret_lease->description == NULL || ret_lease->settings == NULL) {
        queue_lease_clear(ret_lease);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a job");
    }
    return 0;
}

int journal_lose_lease(struct database *database, const struct order_row *row, bool node_lost, const char *reason,
                       struct error *err)
{
    struct queue_lease lease;
    int r = journal_read_lease(database, row, &lease, err);

    if (r < 0)
        return r;
    queue_lease_clear(&lease);
    return queue_return(database, row->seq, node_lost ? QUEUE_LOST_WORKER : QUEUE_FAILED_ATTEMPT, reason, err);
}
