/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's nodes, and what is taken back of them. */
#include "host/farm/queue_internal.h"
#include "host/farm/slurm/journal_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const node_standing_names[] = {"trusted", "suspect", "distrusted", NULL};
const char *const node_event_names[NODE_EVENT_COUNT + 1] = {"accepted", "confirmed", "refused",
                                                            "lost",     "takenBack", NULL};

static int make_node(struct database *database, const char *node, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "INSERT OR IGNORE INTO slurm_nodes(name) VALUES (?1)", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, node, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

int journal_note_node(struct database *database, const char *node, enum node_event event, struct error *err)
{
    static const char *const updates[NODE_EVENT_COUNT] = {
        "UPDATE slurm_nodes SET accepted = accepted + 1 WHERE name = ?1",
        "UPDATE slurm_nodes SET confirmed = confirmed + 1 WHERE name = ?1",
        "UPDATE slurm_nodes SET refused = refused + 1 WHERE name = ?1",
        "UPDATE slurm_nodes SET lost = lost + 1 WHERE name = ?1",
        "UPDATE slurm_nodes SET taken_back = taken_back + 1 WHERE name = ?1",
    };
    sqlite3_stmt *statement;
    int r = make_node(database, node, err);

    if (r == 0)
        r = database_statement(database, updates[event], &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, node, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

int journal_set_standing(struct database *database, const char *node, enum node_standing standing, const char *reason,
                         struct error *err)
{
    sqlite3_stmt *statement;
    int r = make_node(database, node, err);

    if (r == 0)
        r = database_statement(database, "UPDATE slurm_nodes SET standing = ?2, reason = ?3 WHERE name = ?1",
                               &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, node, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 2, (int)standing);
    (void)sqlite3_bind_text(statement, 3, reason, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

int journal_list_nodes(struct database *database, struct node_row *ret_rows, size_t max, size_t *ret_count,
                       struct error *err)
{
    sqlite3_stmt *statement;
    size_t count = 0;
    int r = database_statement(database,
                               "SELECT name, standing, reason, accepted, confirmed, refused, lost, taken_back"
                               " FROM slurm_nodes ORDER BY name",
                               &statement, err);

    while (r == 0 && count < max) {
        struct node_row *row = &ret_rows[count];

        r = database_step(database, statement, err);
        if (r <= 0)
            break;
        *row = (struct node_row){.standing = (enum node_standing)sqlite3_column_int(statement, 1)};
        (void)snprintf(row->name, sizeof row->name, "%s", (const char *)sqlite3_column_text(statement, 0));
        (void)snprintf(row->reason, sizeof row->reason, "%s", (const char *)sqlite3_column_text(statement, 2));
        for (int i = 0; i < NODE_EVENT_COUNT; i++)
            row->events[i] = (uint64_t)sqlite3_column_int64(statement, 3 + i);
        count++;
        r = 0;
    }
    if (count == max)
        database_reset(statement);
    *ret_count = count;
    return r;
}

/* --- results that no longer count -------------------------------------------------------------------------------- */

/* A job that ended by this node's word, which no trusted node has confirmed. */
static int find_unconfirmed(struct database *database, const char *node, struct order_row *row, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "SELECT o.nonce, o.seq, o.id FROM slurm_orders AS o WHERE o.state = 3 AND"
                               " (o.node = ?1 OR o.confirmed = ?1) AND (o.confirmed = '' OR EXISTS (SELECT 1 FROM"
                               " slurm_nodes AS n WHERE n.name = o.node AND n.standing = 2) AND EXISTS (SELECT 1 FROM"
                               " slurm_nodes AS n WHERE n.name = o.confirmed AND n.standing = 2)) LIMIT 1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, node, -1, SQLITE_STATIC);
    r = database_step(database, statement, err);
    if (r <= 0)
        return r;
    (void)snprintf(row->nonce, sizeof row->nonce, "%s", (const char *)sqlite3_column_text(statement, 0));
    row->seq = sqlite3_column_int64(statement, 1);
    (void)snprintf(row->id, sizeof row->id, "%s", (const char *)sqlite3_column_text(statement, 2));
    database_reset(statement);
    return 1;
}

/* That job, or one that reused its result: 1 and its number, or 0. */
static int find_ended(struct database *database, const struct order_row *row, int64_t *ret_seq, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "SELECT seq FROM jobs WHERE (seq = ?1 OR reused = ?2) AND state IN (2, 3, 4) LIMIT 1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, row->seq);
    (void)sqlite3_bind_text(statement, 2, row->id, -1, SQLITE_STATIC);
    r = database_step(database, statement, err);
    if (r == 1) {
        *ret_seq = sqlite3_column_int64(statement, 0);
        database_reset(statement);
    }
    return r;
}

static int requeue_one(struct database *database, int64_t seq, const char *reason, struct error *err)
{
    static const struct queue_tally queued = {.state = QUEUE_QUEUED, .outcome = -1};
    struct queue_tally was;
    sqlite3_stmt *statement;
    int r = queue_tally_of(database, seq, &was, err);

    if (r == 0)
        r = queue_tally_move(database, &was, &queued, err);
    if (r == 0)
        r = database_statement(database,
                               "UPDATE jobs SET state = 0, outcome = NULL, reused = NULL, finished = NULL,"
                               " content = NULL, wall_ms = NULL, reason = ?2 WHERE seq = ?1",
                               &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, seq);
    (void)sqlite3_bind_text(statement, 2, reason, -1, SQLITE_STATIC);
    return journal_run(database, statement, err);
}

static int requeue(struct database *database, const struct order_row *row, const char *reason, struct error *err)
{
    int64_t seq = 0;
    int r;

    while ((r = find_ended(database, row, &seq, err)) == 1) {
        r = requeue_one(database, seq, reason, err);
        if (r < 0)
            break;
    }
    return r;
}

int journal_take_back(struct database *database, const char *node, const char *reason,
                      int (*move)(void *context, const char *id, struct error *err), void *context, struct error *err)
{
    struct order_row row = {0};
    int found = 0, r = database_begin(database, err);

    if (r == 0)
        r = found = find_unconfirmed(database, node, &row, err);
    if (r == 1)
        r = journal_set_state(database, row.nonce, ORDER_REFUSED, err);
    if (r == 0 && found == 1)
        r = journal_note_node(database, node, NODE_TAKEN_BACK, err);
    if (r == 0 && found == 1)
        r = requeue(database, &row, reason, err);
    if (r == 0 && found == 1)
        r = move(context, row.id, err);
    if (r == 0)
        r = database_commit(database, err);
    if (r < 0)
        database_rollback(database);
    return r < 0 ? r : found;
}
