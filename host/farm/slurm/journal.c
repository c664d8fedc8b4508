/* SPDX-License-Identifier: Apache-2.0 */
/* What the controller knows of Slurm: its tables and its number. */
#include "host/farm/slurm/journal.h"

#include "host/farm/queue_internal.h"
#include "host/farm/slurm/journal_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * slurm_orders: `token` is the lease that the order belongs to, `confirmed` the node whose own evaluation was the same.
 * Times (`missed`) in milliseconds of the boot.
 */
static const char *const tables[] = {
    "CREATE TABLE IF NOT EXISTS slurm_batch(one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS slurm_arrays(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL DEFAULT '',"
    " state INTEGER NOT NULL, slurm_id INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS slurm_orders(number INTEGER PRIMARY KEY, nonce TEXT NOT NULL UNIQUE,"
    " array INTEGER NOT NULL DEFAULT 0, task INTEGER NOT NULL DEFAULT 0, seq INTEGER NOT NULL, token INTEGER NOT NULL,"
    " id TEXT NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL, node TEXT NOT NULL DEFAULT '',"
    " confirmed TEXT NOT NULL DEFAULT '', evaluation BLOB, outcome INTEGER NOT NULL DEFAULT 0,"
    " wall_ms INTEGER NOT NULL DEFAULT 0, missed INTEGER NOT NULL DEFAULT 0)",
    "CREATE INDEX IF NOT EXISTS slurm_orders_state ON slurm_orders(state, number)",
    "CREATE INDEX IF NOT EXISTS slurm_orders_seq ON slurm_orders(seq, token)",
    "CREATE INDEX IF NOT EXISTS slurm_orders_array ON slurm_orders(array, state)",
    "CREATE INDEX IF NOT EXISTS slurm_orders_node ON slurm_orders(node, state)",
    "CREATE TABLE IF NOT EXISTS slurm_nodes(name TEXT PRIMARY KEY, standing INTEGER NOT NULL DEFAULT 0,"
    " reason TEXT NOT NULL DEFAULT '', accepted INTEGER NOT NULL DEFAULT 0, confirmed INTEGER NOT NULL DEFAULT 0,"
    " refused INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0, taken_back INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE IF NOT EXISTS slurm_ledger(one INTEGER PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS slurm_logged(nonce TEXT PRIMARY KEY, since INTEGER NOT NULL) WITHOUT ROWID",
};

int journal_run(struct database *database, sqlite3_stmt *statement, struct error *err)
{
    int r = database_step(database, statement, err);

    if (r == 1)
        database_reset(statement);
    return r < 0 ? r : 0;
}

static int run_text(struct database *database, const char *sql, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, sql, &statement, err);

    return r < 0 ? r : journal_run(database, statement, err);
}

static int read_batch(struct database *database, char ret_batch[JOURNAL_BATCH_SIZE], struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT name FROM slurm_batch", &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r <= 0)
        return r;
    (void)snprintf(ret_batch, JOURNAL_BATCH_SIZE, "%s", (const char *)sqlite3_column_text(statement, 0));
    database_reset(statement);
    if (strlen(ret_batch) != JOURNAL_BATCH_SIZE - 1 || strspn(ret_batch, "0123456789abcdef") != JOURNAL_BATCH_SIZE - 1)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, DATABASE_NAME ": a damaged batch number");
    return 1;
}

static int draw_batch(struct database *database, char ret_batch[JOURNAL_BATCH_SIZE], struct error *err)
{
    char nonce[ORDER_NONCE_SIZE];
    sqlite3_stmt *statement;
    int r = read_batch(database, ret_batch, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = order_draw_nonce(nonce, err);
    if (r == 0)
        r = database_statement(database, "INSERT INTO slurm_batch(one, name) VALUES (1, ?1)", &statement, err);
    if (r < 0)
        return r;
    (void)snprintf(ret_batch, JOURNAL_BATCH_SIZE, "%.16s", nonce);
    (void)sqlite3_bind_text(statement, 1, ret_batch, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

int journal_open(struct database *database, char ret_batch[JOURNAL_BATCH_SIZE], struct error *err)
{
    int r = database_begin(database, err);

    for (size_t i = 0; r == 0 && i < sizeof tables / sizeof tables[0]; i++)
        r = run_text(database, tables[i], err);
    if (r == 0)
        r = draw_batch(database, ret_batch, err);
    if (r == 0)
        return database_commit(database, err);
    database_rollback(database);
    return r;
}

int journal_exists(struct database *database, bool *ret_exists, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'slurm_nodes'",
                               &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r < 0)
        return r;
    if (r == 1)
        database_reset(statement);
    *ret_exists = r == 1;
    return 0;
}
