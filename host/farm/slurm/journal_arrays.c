/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's arrays. */
#include "host/farm/queue_internal.h"
#include "host/farm/slurm/journal_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int insert_array(struct database *database, const char *batch, struct array_row *array, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "INSERT INTO slurm_arrays(state) VALUES (0) RETURNING id", &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r < 0)
        return r;
    array->id = sqlite3_column_int64(statement, 0);
    r = journal_run(database, statement, err); /* a RETURNING statement takes effect when it has ended */
    if (r < 0)
        return r;
    (void)snprintf(array->name, sizeof array->name, "lazaret-%s-%" PRIi64, batch, array->id);
    r = database_statement(database, "UPDATE slurm_arrays SET name = ?2 WHERE id = ?1", &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, array->id);
    (void)sqlite3_bind_text(statement, 2, array->name, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

static int place_order(struct database *database, struct order_row *row, int64_t array, unsigned task,
                       struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "UPDATE slurm_orders SET state = 1, array = ?2, task = ?3 WHERE nonce = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, row->nonce, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, array);
    (void)sqlite3_bind_int64(statement, 3, task);
    row->array = array;
    row->task = task;
    return journal_run(database, statement, err);
}

int journal_prepare_array(struct database *database, const char *batch, struct order_row *rows, size_t count,
                          struct array_row *ret_array, struct error *err)
{
    struct array_row array = {.state = ARRAY_PREPARED};
    int r = database_begin(database, err);

    if (r == 0)
        r = insert_array(database, batch, &array, err);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = place_order(database, &rows[i], array.id, (unsigned)i, err);
    if (r == 0)
        r = database_commit(database, err);
    if (r < 0)
        database_rollback(database);
    else
        *ret_array = array;
    return r;
}

static void read_array(sqlite3_stmt *statement, struct array_row *row)
{
    *row = (struct array_row){
        .id = sqlite3_column_int64(statement, 0),
        .state = (enum array_state)sqlite3_column_int(statement, 2),
        .slurm_id = sqlite3_column_int64(statement, 3),
    };
    (void)snprintf(row->name, sizeof row->name, "%s", (const char *)sqlite3_column_text(statement, 1));
}

int journal_list_arrays(struct database *database, struct array_row ret_rows[JOURNAL_ARRAYS_MAX], size_t *ret_count,
                        struct error *err)
{
    sqlite3_stmt *statement;
    size_t count = 0;
    int r = database_statement(
        database, "SELECT id, name, state, slurm_id FROM slurm_arrays WHERE state <> 2 ORDER BY id LIMIT 256",
        &statement, err);

    while (r == 0 && count < JOURNAL_ARRAYS_MAX) {
        r = database_step(database, statement, err);
        if (r <= 0)
            break;
        read_array(statement, &ret_rows[count++]);
        r = 0;
    }
    if (count == JOURNAL_ARRAYS_MAX)
        database_reset(statement);
    *ret_count = count;
    return r;
}

int journal_find_array(struct database *database, int64_t array, struct array_row *ret_row, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT id, name, state, slurm_id FROM slurm_arrays WHERE id = ?1", &statement,
                               err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, array);
    r = database_step(database, statement, err);
    if (r == 1) {
        read_array(statement, ret_row);
        database_reset(statement);
    }
    return r;
}

int journal_set_submitted(struct database *database, int64_t array, int64_t slurm_id, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "UPDATE slurm_arrays SET state = 1, slurm_id = ?2 WHERE id = ?1 AND state = 0",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, array);
    (void)sqlite3_bind_int64(statement, 2, slurm_id);
    return journal_run(database, statement, err);
}

int journal_end_array(struct database *database, char ret_name[SLURM_NAME_SIZE], unsigned *ret_tasks, struct error *err)
{
    sqlite3_stmt *statement;
    int64_t id;
    int r = database_statement(database,
                               "SELECT id, name, (SELECT max(task) + 1 FROM slurm_orders WHERE array = a.id)"
                               " FROM slurm_arrays AS a WHERE state <> 2 AND NOT EXISTS (SELECT 1 FROM"
                               " slurm_orders WHERE array = a.id AND state = 1) LIMIT 1",
                               &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r <= 0)
        return r;
    id = sqlite3_column_int64(statement, 0);
    (void)snprintf(ret_name, SLURM_NAME_SIZE, "%s", (const char *)sqlite3_column_text(statement, 1));
    *ret_tasks = (unsigned)sqlite3_column_int(statement, 2);
    database_reset(statement);
    r = database_statement(database, "UPDATE slurm_arrays SET state = 2 WHERE id = ?1", &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, id);
    r = journal_run(database, statement, err);
    return r < 0 ? r : 1;
}
