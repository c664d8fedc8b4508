/* SPDX-License-Identifier: Apache-2.0 */
/* The farm's database: opening, schema, transactions, statements. */
#include "host/farm/database.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#define STATEMENTS_MAX 128u

struct database {
    sqlite3 *handle;
    char path[PATH_MAX];
    unsigned statement_count;
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } statements[STATEMENTS_MAX];
};

/*
 * jobs: one row a job. `settings` is what the batch said for all of its jobs, `batch` which one that was. `token` names
 * the lease: whoever has lost it may write nothing. `waits_for` is a running job of the same content; who ends that one
 * clears it. `device` is the GPU that a running job has. Times in seconds since 1970 are for people; leases go by
 * `beat`, milliseconds of the boot `boot`.
 *
 * tallies: how many jobs there are of each state and outcome (-1: none), and how many of them have another one's
 * result; kept by the transactions that change jobs, as counting ten million rows takes seconds.
 *
 * The indexes are partial: a job that has ended is in none that a worker looks into.
 */
static const char schema[] =
    "CREATE TABLE settings(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);"
    "CREATE TABLE jobs("
    "  seq INTEGER PRIMARY KEY,"
    "  id TEXT NOT NULL UNIQUE,"
    "  description TEXT NOT NULL,"
    "  settings INTEGER NOT NULL REFERENCES settings(id),"
    "  priority INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  outcome INTEGER,"
    "  reason TEXT NOT NULL DEFAULT '',"
    "  attempts INTEGER NOT NULL DEFAULT 0,"
    "  lost INTEGER NOT NULL DEFAULT 0,"
    "  batch INTEGER NOT NULL,"
    "  cancel INTEGER NOT NULL DEFAULT 0,"
    "  waits_for INTEGER,"
    "  content BLOB,"
    "  reused TEXT,"
    "  memory INTEGER NOT NULL DEFAULT 0,"
    "  cores INTEGER NOT NULL DEFAULT 0,"
    "  gpus INTEGER NOT NULL DEFAULT 0,"
    "  passed_over INTEGER NOT NULL DEFAULT 0,"
    "  worker TEXT, token INTEGER, beat INTEGER, boot TEXT, device TEXT,"
    "  added INTEGER NOT NULL, started INTEGER, finished INTEGER, wall_ms INTEGER);"
    "CREATE INDEX jobs_next ON jobs(priority DESC, seq) WHERE state = 0 AND waits_for IS NULL;"
    "CREATE INDEX jobs_running ON jobs(seq) WHERE state = 1;"
    "CREATE INDEX jobs_waiting ON jobs(waits_for) WHERE waits_for IS NOT NULL;"
    "CREATE INDEX jobs_started ON jobs(started) WHERE started IS NOT NULL;"
    "CREATE INDEX jobs_finished ON jobs(finished) WHERE finished IS NOT NULL;"
    "CREATE INDEX jobs_content ON jobs(content) WHERE content IS NOT NULL;"
    "CREATE TABLE tallies(state INTEGER NOT NULL, outcome INTEGER NOT NULL, jobs INTEGER NOT NULL,"
    "  reused INTEGER NOT NULL, PRIMARY KEY(state, outcome)) WITHOUT ROWID;";

/* What SQLite's code means here. */
static int fail(const struct database *database, const char *what, struct error *err)
{
    int code = sqlite3_errcode(database->handle);
    const char *text = sqlite3_errmsg(database->handle);

    switch (code & 0xff) {
    case SQLITE_FULL:
        return error_set(err, ERROR_UNAVAILABLE, -ENOSPC,
                         "%s: %s: the disk is full; nothing that was acknowledged is "
                         "lost: make room and start again",
                         database->path, what);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: %s: damaged, or no database: %s; the results in the "
                         "folder are whole without it: begin another farm and give it the same jobs",
                         database->path, what, text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, ERROR_UNAVAILABLE, -EBUSY, "%s: %s: another process has held it for %d seconds",
                         database->path, what, DATABASE_BUSY_MS / 1000);
    case SQLITE_NOMEM:
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: %s: no memory", database->path, what);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_IOERR:
        return error_set(err, ERROR_UNAVAILABLE, -EIO, "%s: %s: %s", database->path, what, text);
    default:
        return error_set(err, ERROR_INTERNAL, -EIO, "%s: %s: %s", database->path, what, text);
    }
}

static int execute(struct database *database, const char *sql, struct error *err)
{
    return sqlite3_exec(database->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                              : fail(database, "can't be used", err);
}

static int read_pragma(struct database *database, const char *sql, int *ret_value, struct error *err)
{
    sqlite3_stmt *statement;
    int r = 0;

    if (sqlite3_prepare_v2(database->handle, sql, -1, &statement, NULL) != SQLITE_OK)
        return fail(database, "can't be read", err);
    if (sqlite3_step(statement) == SQLITE_ROW)
        *ret_value = sqlite3_column_int(statement, 0);
    else
        r = fail(database, "can't be read", err);
    (void)sqlite3_finalize(statement);
    return r;
}

/* A new file gets the schema; of two processes that make one at once, the second finds it made. */
static int make_schema(struct database *database, struct error *err)
{
    char pragmas[96];
    int version = 0, r = database_begin(database, err);

    (void)snprintf(pragmas, sizeof pragmas, "PRAGMA application_id=%d; PRAGMA user_version=%d;", DATABASE_APPLICATION,
                   DATABASE_VERSION);
    if (r == 0)
        r = read_pragma(database, "PRAGMA user_version", &version, err);
    if (r == 0 && version == 0)
        r = execute(database, schema, err);
    if (r == 0 && version == 0)
        r = execute(database, pragmas, err);
    if (r == 0)
        return database_commit(database, err);
    database_rollback(database);
    return r;
}

static int check_version(struct database *database, bool create, struct error *err)
{
    int version = 0, application = 0;
    int r = read_pragma(database, "PRAGMA user_version", &version, err);

    if (r == 0)
        r = read_pragma(database, "PRAGMA application_id", &application, err);
    if (r < 0)
        return r;
    if (version == 0 && application == 0 && create)
        return make_schema(database, err);
    if (application != DATABASE_APPLICATION)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: a database, but none of a farm", database->path);
    if (version != DATABASE_VERSION)
        return error_set(err, ERROR_BAD_INPUT, -EPROTONOSUPPORT,
                         "%s: made by %s Lazaret (schema %d, this one knows %d); use that one, or begin another farm",
                         database->path, version > DATABASE_VERSION ? "a newer" : "an older", version,
                         DATABASE_VERSION);
    return 0;
}

int database_open(const char *folder, bool create, struct database **ret_database, struct error *err)
{
    CLEANUP_DATABASE struct database *database = calloc(1, sizeof *database);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    int r;

    if (database == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the database");
    if ((size_t)snprintf(database->path, sizeof database->path, "%s/" DATABASE_NAME, folder) >= sizeof database->path)
        return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", folder);
    if (!create && access(database->path, F_OK) < 0)
        return error_set(err, ERROR_NO_INPUT, -errno, "%s: %s; a farm is begun by `lazaret batch JOBS.jsonl -o %s`",
                         database->path, strerror(errno), folder);
    if (sqlite3_open_v2(database->path, &database->handle, flags, NULL) != SQLITE_OK)
        return database->handle != NULL ? fail(database, "can't be opened", err)
                                        : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the database");
    (void)sqlite3_busy_timeout(database->handle, DATABASE_BUSY_MS);
    /* A hostile file's own triggers and views run nothing; there are none in ours. */
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(database->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    r = execute(database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cell_size_check=1;", err);
    if (r == 0)
        r = check_version(database, create, err);
    if (r == 0)
        *ret_database = TAKE_POINTER(database);
    return r;
}

void database_close(struct database *database)
{
    if (database == NULL)
        return;
    for (unsigned i = 0; i < database->statement_count; i++)
        (void)sqlite3_finalize(database->statements[i].statement);
    (void)sqlite3_close(database->handle);
    free(database);
}

int database_begin(struct database *database, struct error *err)
{
    return execute(database, "BEGIN IMMEDIATE", err);
}

int database_commit(struct database *database, struct error *err)
{
    int r = execute(database, "COMMIT", err);

    if (r < 0)
        database_rollback(database);
    return r;
}

void database_rollback(struct database *database)
{
    if (sqlite3_get_autocommit(database->handle) == 0)
        (void)sqlite3_exec(database->handle, "ROLLBACK", NULL, NULL, NULL);
}

int database_hurry(struct database *database, struct error *err)
{
    return execute(database, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-16384;", err);
}

/* In a write-ahead log one synced commit syncs all that stand before it; this one changes nothing but is written. */
int database_settle(struct database *database, struct error *err)
{
    return execute(database,
                   "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000; PRAGMA cache_size=-2000; UPDATE settings "
                   "SET text = text WHERE id = 1;",
                   err);
}

int database_statement(struct database *database, const char *sql, sqlite3_stmt **ret_statement, struct error *err)
{
    unsigned i;

    for (i = 0; i < database->statement_count; i++)
        if (database->statements[i].sql == sql) {
            *ret_statement = database->statements[i].statement;
            return 0;
        }
    if (i == STATEMENTS_MAX)
        return error_set(err, ERROR_INTERNAL, -E2BIG, "more than %u statements", STATEMENTS_MAX);
    if (sqlite3_prepare_v3(database->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &database->statements[i].statement,
                           NULL) != SQLITE_OK)
        return fail(database, "can't be used", err);
    database->statements[i].sql = sql;
    database->statement_count++;
    *ret_statement = database->statements[i].statement;
    return 0;
}

int database_step(struct database *database, sqlite3_stmt *statement, struct error *err)
{
    int r = sqlite3_step(statement);

    if (r == SQLITE_ROW)
        return 1;
    if (r != SQLITE_DONE)
        r = fail(database, "can't be read or written", err);
    else
        r = 0;
    database_reset(statement);
    return r;
}

void database_reset(sqlite3_stmt *statement)
{
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
}

unsigned database_changes(const struct database *database)
{
    return (unsigned)sqlite3_changes(database->handle);
}
