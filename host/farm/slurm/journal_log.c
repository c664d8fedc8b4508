/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's notes of the ledger. */
#include "host/farm/queue_internal.h"
#include "host/farm/slurm/journal_internal.h"

#include <errno.h>
#include <stdio.h>

int journal_read_origin(struct database *database, char ret_origin[JOURNAL_ORIGIN_SIZE], struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT origin FROM slurm_ledger", &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r <= 0)
        return r;
    (void)snprintf(ret_origin, JOURNAL_ORIGIN_SIZE, "%s", (const char *)sqlite3_column_text(statement, 0));
    database_reset(statement);
    return 1;
}

int journal_set_origin(struct database *database, const char *origin, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "INSERT INTO slurm_ledger(one, origin) VALUES (1, ?1)", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, origin, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

static int read_since(struct database *database, const char *nonce, uint64_t *ret_since, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT since FROM slurm_logged WHERE nonce = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, nonce, -1, SQLITE_STATIC);
    r = database_step(database, statement, err);
    if (r <= 0)
        return r;
    *ret_since = (uint64_t)sqlite3_column_int64(statement, 0);
    database_reset(statement);
    return 1;
}

int journal_note_logging(struct database *database, const char *nonce, uint64_t size, uint64_t *ret_since,
                         struct error *err)
{
    sqlite3_stmt *statement;
    int r = read_since(database, nonce, ret_since, err);

    if (r != 0)
        return r < 0 ? r : 0;
    r = database_statement(database, "INSERT INTO slurm_logged(nonce, since) VALUES (?1, ?2)", &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, nonce, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)size);
    r = journal_run(database, statement, err);
    if (r == 0)
        *ret_since = size;
    return r;
}

int journal_is_logging(struct database *database, const char *nonce, struct error *err)
{
    uint64_t since;

    return read_since(database, nonce, &since, err);
}
