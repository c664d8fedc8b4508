/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The farm's database: one SQLite file (WAL), opened by every process that has a part in the farm.
 *
 * A change is one transaction that has either happened or not, whoever is killed when; what was committed is on the
 * disk (synchronous=FULL). Only queue*.c and database.c know SQLite.
 */
#ifndef LAZARET_HOST_FARM_DATABASE_H
#define LAZARET_HOST_FARM_DATABASE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define DATABASE_NAME        "farm.sqlite"
#define DATABASE_VERSION     2          /* of the schema; a file of another one is refused */
#define DATABASE_APPLICATION 0x4c5a5246 /* "LZRF", SQLite's application_id */
#define DATABASE_BUSY_MS     30000      /* how long one process waits for another's transaction */

struct database;
struct sqlite3_stmt;

/*
 * Opens FOLDER/farm.sqlite, making it where `create`. A connection must not be used across a fork.
 * ERROR_NO_INPUT: there is none; ERROR_BAD_INPUT: no database of a farm, a damaged one, or one of another version;
 * ERROR_UNAVAILABLE: can't be written, disk full.
 */
MUST_USE int database_open(const char *folder, bool create, struct database **ret_database, struct error *err);
void database_close(struct database *database);

static inline void database_close_pointer(struct database **database)
{
    database_close(*database);
}
#define CLEANUP_DATABASE CLEANUP(database_close_pointer)

/* A transaction that writes, held from its beginning on, so that what it reads stays true until it ends. */
MUST_USE int database_begin(struct database *database, struct error *err);
MUST_USE int database_commit(struct database *database, struct error *err);
void database_rollback(struct database *database); /* also where none is open */

/*
 * For many transactions in a row: between the two calls a commit survives any kill, but not yet a power cut; the second
 * call has all of them on the disk when it returns.
 */
MUST_USE int database_hurry(struct database *database, struct error *err);
MUST_USE int database_settle(struct database *database, struct error *err);

/* --- for queue*.c ------------------------------------------------------------------------------------------- */

/*
 * A statement ready to be bound, from a cache by its text, which must be a literal. Errors as above. It is reset by
 * statement_done() before its next use.
 */
MUST_USE int database_statement(struct database *database, const char *sql, struct sqlite3_stmt **ret_statement,
                                struct error *err);

/* One step: 1 a row is there, 0 no more, or an error. Resets the statement unless a row is there. */
MUST_USE int database_step(struct database *database, struct sqlite3_stmt *statement, struct error *err);

/* Ends a statement before its last row. */
void database_reset(struct sqlite3_stmt *statement);

/* Rows that the last step changed. */
unsigned database_changes(const struct database *database);

#endif
