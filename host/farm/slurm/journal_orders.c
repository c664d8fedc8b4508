/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's orders. */
#include "host/farm/queue_internal.h"
#include "host/farm/slurm/journal_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const order_state_names[ORDER_STATE_COUNT + 1] = {"waiting", "ordered", "answered", "accepted",
                                                              "lost",    "refused", "closed",   NULL};

int journal_add_order(struct database *database, const struct order_row *row, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(
        database, "INSERT INTO slurm_orders(nonce, seq, token, id, kind, state) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, row->nonce, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, row->seq);
    (void)sqlite3_bind_int64(statement, 3, row->token);
    (void)sqlite3_bind_text(statement, 4, row->id, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 5, (int)row->kind);
    return journal_run(database, statement, err);
}

#define ORDER_COLUMNS                                                                                                  \
    "SELECT nonce, array, task, o.seq, o.token, o.id, kind, o.state, node, evaluation, o.outcome, o.wall_ms, missed"   \
    " FROM slurm_orders AS o "

static void read_order(sqlite3_stmt *statement, struct order_row *row)
{
    const void *evaluation = sqlite3_column_blob(statement, 9);
    int outcome = sqlite3_column_int(statement, 10);

    *row = (struct order_row){
        .array = sqlite3_column_int64(statement, 1),
        .task = (unsigned)sqlite3_column_int(statement, 2),
        .seq = sqlite3_column_int64(statement, 3),
        .token = sqlite3_column_int64(statement, 4),
        .kind = (enum order_kind)sqlite3_column_int(statement, 6),
        .state = (enum order_state)sqlite3_column_int(statement, 7),
        .has_evaluation = evaluation != NULL && sqlite3_column_bytes(statement, 9) == SHA256_SIZE,
        .outcome = outcome >= 0 && outcome < OUTCOME_COUNT ? (enum outcome)outcome : OUTCOME_COULD_NOT_EVALUATE,
        .wall_ms = (uint64_t)sqlite3_column_int64(statement, 11),
        .missed_ms = sqlite3_column_int64(statement, 12),
    };
    (void)snprintf(row->nonce, sizeof row->nonce, "%s", (const char *)sqlite3_column_text(statement, 0));
    (void)snprintf(row->id, sizeof row->id, "%s", (const char *)sqlite3_column_text(statement, 5));
    (void)snprintf(row->node, sizeof row->node, "%s", (const char *)sqlite3_column_text(statement, 8));
    if (row->has_evaluation)
        memcpy(row->evaluation, evaluation, SHA256_SIZE);
}

static int list(struct database *database, sqlite3_stmt *statement, struct order_row *ret_rows, size_t max,
                size_t *ret_count, struct error *err)
{
    size_t count = 0;
    int r = 0;

    while (count < max) {
        r = database_step(database, statement, err);
        if (r <= 0)
            break;
        read_order(statement, &ret_rows[count++]);
        r = 0;
    }
    if (count == max)
        database_reset(statement);
    *ret_count = count;
    return r;
}

int journal_find_order(struct database *database, const char *nonce, struct order_row *ret_row, struct error *err)
{
    sqlite3_stmt *statement;
    size_t count = 0;
    int r = database_statement(database, ORDER_COLUMNS "WHERE nonce = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, nonce, -1, SQLITE_STATIC);
    r = list(database, statement, ret_row, 1, &count, err);
    return r < 0 ? r : (int)count;
}

int journal_list_opinions(struct database *database, int64_t seq, int64_t token,
                          struct order_row ret_rows[JOURNAL_OPINIONS_MAX], size_t *ret_count, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, ORDER_COLUMNS "WHERE seq = ?1 AND token = ?2 ORDER BY number DESC", &statement,
                               err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    (void)sqlite3_bind_int64(statement, 2, token);
    return list(database, statement, ret_rows, JOURNAL_OPINIONS_MAX, ret_count, err);
}

int journal_list_waiting(struct database *database, struct order_row *ret_rows, size_t max, size_t *ret_count,
                         struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, ORDER_COLUMNS "WHERE o.state = 0 ORDER BY number", &statement, err);

    return r < 0 ? r : list(database, statement, ret_rows, max, ret_count, err);
}

int journal_list_ordered(struct database *database, int64_t array, struct order_row *ret_rows, size_t max,
                         size_t *ret_count, struct error *err)
{
    sqlite3_stmt *statement;
    int r =
        database_statement(database, ORDER_COLUMNS "WHERE array = ?1 AND o.state = 1 ORDER BY task", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, array);
    return list(database, statement, ret_rows, max, ret_count, err);
}

int journal_find_ordered(struct database *database, int64_t array, unsigned task, struct order_row *ret_row,
                         struct error *err)
{
    sqlite3_stmt *statement;
    size_t count = 0;
    int r =
        database_statement(database, ORDER_COLUMNS "WHERE array = ?1 AND o.state = 1 AND task = ?2", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, array);
    (void)sqlite3_bind_int64(statement, 2, task);
    r = list(database, statement, ret_row, 1, &count, err);
    return r < 0 ? r : (int)count;
}

int journal_list_undecided(struct database *database, struct order_row *ret_rows, size_t max, size_t *ret_count,
                           struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               ORDER_COLUMNS "WHERE o.state = 2 AND NOT EXISTS (SELECT 1 FROM slurm_orders AS x WHERE"
                                             " x.seq = o.seq AND x.token = o.token AND x.state IN (0, 1))"
                                             " GROUP BY o.seq, o.token",
                               &statement, err);

    return r < 0 ? r : list(database, statement, ret_rows, max, ret_count, err);
}

int journal_list_stale(struct database *database, struct order_row *ret_rows, size_t max, size_t *ret_count,
                       struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               ORDER_COLUMNS "LEFT JOIN jobs ON jobs.seq = o.seq WHERE o.state IN (0, 1, 2) AND"
                                             " (jobs.seq IS NULL OR jobs.state <> 1 OR jobs.token IS NOT o.token OR"
                                             " jobs.cancel <> 0)",
                               &statement, err);

    return r < 0 ? r : list(database, statement, ret_rows, max, ret_count, err);
}

static int set_number(struct database *database, const char *sql, const char *nonce, int64_t number, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, sql, &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, nonce, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 2, number);
    return journal_run(database, statement, err);
}

int journal_set_state(struct database *database, const char *nonce, enum order_state state, struct error *err)
{
    return set_number(database, "UPDATE slurm_orders SET state = ?2 WHERE nonce = ?1", nonce, (int64_t)state, err);
}

int journal_set_missed(struct database *database, const char *nonce, int64_t missed_ms, struct error *err)
{
    return set_number(database, "UPDATE slurm_orders SET missed = ?2 WHERE nonce = ?1", nonce, missed_ms, err);
}

int journal_note_answer(struct database *database, const struct order_row *row, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE slurm_orders SET state = 2, node = ?2, evaluation = ?3, outcome = ?4,"
                               " wall_ms = ?5 WHERE nonce = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, row->nonce, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, row->node, -1, SQLITE_STATIC);
    if (row->has_evaluation)
        (void)sqlite3_bind_blob(statement, 3, row->evaluation, SHA256_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 4, (int)row->outcome);
    (void)sqlite3_bind_int64(statement, 5, (int64_t)row->wall_ms);
    return journal_run(database, statement, err);
}

int journal_note_node_of(struct database *database, const char *nonce, const char *node, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "UPDATE slurm_orders SET node = ?2 WHERE nonce = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, nonce, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, node, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

int journal_confirm(struct database *database, const char *nonce, const char *node, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "UPDATE slurm_orders SET confirmed = ?2 WHERE nonce = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, nonce, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(statement, 2, node, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

static int read_one_number(struct database *database, const char *sql, uint64_t *ret_number, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, sql, &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r < 0)
        return r;
    *ret_number = r == 1 ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    database_reset(statement);
    return 0;
}

int journal_count_open(struct database *database, uint64_t *ret_count, struct error *err)
{
    return read_one_number(database, "SELECT count(*) FROM slurm_orders WHERE state IN (0, 1, 2)", ret_count, err);
}

int journal_list_failed_nodes(struct database *database, int64_t seq, char (*ret_nodes)[SLURM_NODE_SIZE], size_t max,
                              size_t *ret_count, struct error *err)
{
    sqlite3_stmt *statement;
    size_t count = 0;
    int r =
        database_statement(database,
                           "SELECT DISTINCT node FROM slurm_orders WHERE seq = ?1 AND state IN (4, 5) AND node <> ''"
                           " LIMIT 64",
                           &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    while (count < max && (r = database_step(database, statement, err)) == 1)
        (void)snprintf(ret_nodes[count++], SLURM_NODE_SIZE, "%s", (const char *)sqlite3_column_text(statement, 0));
    if (r == 1)
        database_reset(statement);
    *ret_count = count;
    return r < 0 ? r : 0;
}

int journal_count(struct database *database, struct journal_counts *ret_counts, struct error *err)
{
    struct journal_counts counts = {0};
    sqlite3_stmt *statement;
    int r = read_one_number(database, "SELECT count(*) FROM slurm_arrays WHERE state <> 2", &counts.arrays, err);

    if (r == 0)
        r = database_statement(database, "SELECT state, count(*) FROM slurm_orders GROUP BY state", &statement, err);
    while (r == 0) {
        int state;

        r = database_step(database, statement, err);
        if (r <= 0)
            break;
        state = sqlite3_column_int(statement, 0);
        if (state >= 0 && state < ORDER_STATE_COUNT)
            counts.orders[state] = (uint64_t)sqlite3_column_int64(statement, 1);
        r = 0;
    }
    if (r == 0)
        *ret_counts = counts;
    return r;
}
