/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the controller knows of Slurm, in the farm's own database on its own disk: which arrays it has submitted, which
 * order each job has, who answered it and with what, and what every node's word has been worth.
 *
 * An array is written here before it is submitted and again when Slurm has given it a number, so that a controller that
 * is killed in between looks for its name in Slurm instead of submitting it twice. An order belongs to a job's lease
 * (its token): where that is lost, so is the order.
 *
 *   order:  waiting → ordered → answered → accepted       a first one, that needs no second opinion or has it
 *                        ↓         ↓
 *                   lost, refused, closed                  its job goes back into the queue, or ends
 */
#ifndef LAZARET_HOST_FARM_SLURM_JOURNAL_H
#define LAZARET_HOST_FARM_SLURM_JOURNAL_H

#include "digest/sha256.h"
#include "host/attest/outcome.h"
#include "host/farm/queue.h"
#include "host/farm/slurm/order.h"

#define JOURNAL_BATCH_SIZE   17u /* hexadecimal, with its NUL */
#define JOURNAL_ARRAYS_MAX   256u
#define JOURNAL_OPINIONS_MAX 8u /* orders of one lease */
#define JOURNAL_NODES_MAX    1024u

/* Makes the tables where they are not there, and draws the batch's number; reads it back. */
MUST_USE int journal_open(struct database *database, char ret_batch[JOURNAL_BATCH_SIZE], struct error *err);

/* Whether this farm has ever been given to Slurm. */
MUST_USE int journal_exists(struct database *database, bool *ret_exists, struct error *err);

/* --- orders ------------------------------------------------------------------------------------------------------ */

enum order_state {
    ORDER_WAITING,  /* for an array */
    ORDER_ORDERED,  /* in an array */
    ORDER_ANSWERED, /* its result is here and holds; another opinion is awaited */
    ORDER_ACCEPTED, /* its job has ended by it */
    ORDER_LOST,     /* no answer came */
    ORDER_REFUSED,  /* the answer does not count */
    ORDER_CLOSED,   /* canceled, or its answer has served to confirm another */
    ORDER_STATE_COUNT
};

enum order_kind {
    ORDER_FIRST,
    ORDER_SECOND,  /* the same again, on another node */
    ORDER_ARBITER, /* two nodes disagree */
};

struct order_row {
    char nonce[ORDER_NONCE_SIZE];
    int64_t array; /* 0: none yet */
    unsigned task;
    int64_t seq, token;
    char id[QUEUE_ID_MAX + 1];
    enum order_kind kind;
    enum order_state state;
    char node[SLURM_NODE_SIZE]; /* that answered; "" */
    bool has_evaluation;
    uint8_t evaluation[SHA256_SIZE];
    enum outcome outcome;
    uint64_t wall_ms;
    int64_t missed_ms; /* since when Slurm knows of an end and there is no record, by the boot's clock; 0 */
};

/* A new order, waiting. In a transaction or not. */
MUST_USE int journal_add_order(struct database *database, const struct order_row *row, struct error *err);

/* 1, or 0 where there is none of that nonce. */
MUST_USE int journal_find_order(struct database *database, const char *nonce, struct order_row *ret_row,
                                struct error *err);

/* Orders of one lease, in their order; JOURNAL_OPINIONS_MAX at most. */
MUST_USE int journal_list_opinions(struct database *database, int64_t seq, int64_t token,
                                   struct order_row ret_rows[JOURNAL_OPINIONS_MAX], size_t *ret_count,
                                   struct error *err);

/* Up to `max` waiting ones, the oldest first. */
MUST_USE int journal_list_waiting(struct database *database, struct order_row *ret_rows, size_t max, size_t *ret_count,
                                  struct error *err);

/* The one of an array's task that is not answered yet: 1 or 0. And all of them. */
MUST_USE int journal_find_ordered(struct database *database, int64_t array, unsigned task, struct order_row *ret_row,
                                  struct error *err);
MUST_USE int journal_list_ordered(struct database *database, int64_t array, struct order_row *ret_rows, size_t max,
                                  size_t *ret_count, struct error *err);

/* Up to `max` open orders whose lease is lost, or whose job is canceled. */
MUST_USE int journal_list_stale(struct database *database, struct order_row *ret_rows, size_t max, size_t *ret_count,
                                struct error *err);

MUST_USE int journal_set_state(struct database *database, const char *nonce, enum order_state state, struct error *err);
MUST_USE int journal_set_missed(struct database *database, const char *nonce, int64_t missed_ms, struct error *err);

/* Notes an answer that holds: node, evaluation, outcome, wall_ms; the row's state becomes answered. */
MUST_USE int journal_note_answer(struct database *database, const struct order_row *row, struct error *err);

/* Whose answer was refused or is missing, as far as anybody says; and who confirmed one. */
MUST_USE int journal_note_node_of(struct database *database, const char *nonce, const char *node, struct error *err);
MUST_USE int journal_confirm(struct database *database, const char *nonce, const char *node, struct error *err);

/* Open orders: waiting, ordered, answered. */
MUST_USE int journal_count_open(struct database *database, uint64_t *ret_count, struct error *err);

/* Nodes that failed an order of this job or whose answer was refused; up to `max`. */
MUST_USE int journal_list_failed_nodes(struct database *database, int64_t seq, char (*ret_nodes)[SLURM_NODE_SIZE],
                                       size_t max, size_t *ret_count, struct error *err);

/* --- arrays ------------------------------------------------------------------------------------------------------ */

enum array_state { ARRAY_PREPARED, ARRAY_SUBMITTED, ARRAY_ENDED };

struct array_row {
    int64_t id;
    char name[SLURM_NAME_SIZE]; /* "lazaret-BATCH-ID": the job's name in Slurm */
    enum array_state state;
    int64_t slurm_id; /* 0: not known */
};

/* An array of these orders, prepared; in one transaction. Fills name and id. */
MUST_USE int journal_prepare_array(struct database *database, const char *batch, struct order_row *rows, size_t count,
                                   struct array_row *ret_array, struct error *err);
MUST_USE int journal_list_arrays(struct database *database, struct array_row ret_rows[JOURNAL_ARRAYS_MAX],
                                 size_t *ret_count, struct error *err); /* that have not ended */
MUST_USE int journal_set_submitted(struct database *database, int64_t array, int64_t slurm_id, struct error *err);
/* An array without an open order ends: 1, its name and how many tasks it had; 0: there is none. */
MUST_USE int journal_end_array(struct database *database, char ret_name[SLURM_NAME_SIZE], unsigned *ret_tasks,
                               struct error *err);
MUST_USE int journal_find_array(struct database *database, int64_t array, struct array_row *ret_row, struct error *err);

/* --- leases ------------------------------------------------------------------------------------------------------ */

/* Takes over the leases of open orders from a controller that is gone. */
MUST_USE int journal_adopt_leases(struct database *database, const char *worker, struct error *err);

/* All leases of this worker at once. */
MUST_USE int journal_beat(struct database *database, const char *worker, struct error *err);

/* The lease of an order: seq, token and id; no description. Its attempt is of the queue. */
MUST_USE int journal_read_lease(struct database *database, const struct order_row *row, struct queue_lease *ret_lease,
                                struct error *err);

/*
 * Another attempt at a job, or after the last one its end, as aborted; a node that was lost says little of its job and
 * has a limit of its own. In a transaction. -ESTALE.
 */
MUST_USE int journal_lose_lease(struct database *database, const struct order_row *row, bool node_lost,
                                const char *reason, struct error *err);

/* Leases with an answer and no order under way: something was to be decided when the controller died. An answer each.
 */
MUST_USE int journal_list_undecided(struct database *database, struct order_row *ret_rows, size_t max,
                                    size_t *ret_count, struct error *err);

/* --- nodes ------------------------------------------------------------------------------------------------------- */

enum node_standing {
    NODE_TRUSTED,
    NODE_SUSPECT,    /* another node disagrees, and a third has not spoken yet */
    NODE_DISTRUSTED, /* nothing it says counts */
};

extern const char *const node_standing_names[]; /* "trusted", … */

enum node_event { NODE_ACCEPTED, NODE_CONFIRMED, NODE_REFUSED, NODE_LOST, NODE_TAKEN_BACK, NODE_EVENT_COUNT };

extern const char *const node_event_names[NODE_EVENT_COUNT + 1]; /* "accepted", … */

struct node_row {
    char name[SLURM_NODE_SIZE];
    enum node_standing standing;
    char reason[QUEUE_REASON_SIZE];
    uint64_t events[NODE_EVENT_COUNT];
};

MUST_USE int journal_note_node(struct database *database, const char *node, enum node_event event, struct error *err);
MUST_USE int journal_set_standing(struct database *database, const char *node, enum node_standing standing,
                                  const char *reason, struct error *err);
MUST_USE int journal_list_nodes(struct database *database, struct node_row *ret_rows, size_t max, size_t *ret_count,
                                struct error *err);

/*
 * The next job that ended by this node's word alone: 1 with its id, and the job and those that reused its result are
 * queued again; `move` takes its result out of the way within the transaction. 0: there is none.
 */
MUST_USE int journal_take_back(struct database *database, const char *node, const char *reason,
                               int (*move)(void *context, const char *id, struct error *err), void *context,
                               struct error *err);

/* --- the ledger -------------------------------------------------------------------------------------------------- */

/* The origin of the ledger that this farm's results are in: 1, or 0 where there is none. And sets it, once. */
#define JOURNAL_ORIGIN_SIZE 129u /* a ledger's name, with its NUL */
MUST_USE int journal_read_origin(struct database *database, char ret_origin[JOURNAL_ORIGIN_SIZE], struct error *err);
MUST_USE int journal_set_origin(struct database *database, const char *origin, struct error *err);

/*
 * An order's result is about to be logged: the ledger had `size` leaves before. *ret_since is what was noted first.
 * And whether it was: 1 or 0.
 */
MUST_USE int journal_note_logging(struct database *database, const char *nonce, uint64_t size, uint64_t *ret_since,
                                  struct error *err);
MUST_USE int journal_is_logging(struct database *database, const char *nonce, struct error *err);

/* Counts for status. */
struct journal_counts {
    uint64_t orders[ORDER_STATE_COUNT];
    uint64_t arrays; /* that have not ended */
};
extern const char *const order_state_names[ORDER_STATE_COUNT + 1];
MUST_USE int journal_count(struct database *database, struct journal_counts *ret_counts, struct error *err);

#endif
