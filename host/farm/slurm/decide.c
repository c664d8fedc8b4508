/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer is worth. Theory of operation:
 *
 *   one answer     a draw of fresh randomness, made now, decides whether another node evaluates the same again; of a
 *                  suspect node everything is
 *   two, equal     the job ends by the first; the second has confirmed it
 *   two, unequal   both have signed, so at least one node lies or is broken. Both are suspect and get no more orders. A
 *                  third node decides: whom it contradicts is distrusted. Where there is no third one, both are.
 *   distrusted     nothing that the node says counts any more, and every job that ended by its word alone is queued
 *                  again, so that another node evaluates it
 *
 * Evaluations are equal where the digest of evaluation.json is, as the same bits come out everywhere. A node that could
 * not evaluate at all has stated no figures, and is not held to have lied: the job is tried again.
 */
#include "host/farm/slurm/internal.h"

#include "base/io.h"
#include "host/farm/folder.h"
#include "host/farm/settle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define PER_CENT 100u

/* --- a job's end ------------------------------------------------------------------------------------------------- */

struct ending {
    struct controller *c;
    const struct order_row *row, *confirmer;
    const char *attempt; /* NULL: it is in its place */
};

static int close_others(const struct ending *ending, struct error *err)
{
    const struct order_row *row = ending->row;
    struct order_row opinions[JOURNAL_OPINIONS_MAX];
    size_t count = 0;
    int r = journal_list_opinions(ending->c->database, row->seq, row->token, opinions, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++)
        if (opinions[i].state == ORDER_ANSWERED && strcmp(opinions[i].nonce, row->nonce) != 0)
            r = journal_set_state(ending->c->database, opinions[i].nonce, ORDER_CLOSED, err);
    return r;
}

/* Within the transaction that ends the job. */
static int publish(void *context, struct error *err)
{
    const struct ending *ending = context;
    struct controller *c = ending->c;
    int r = close_others(ending, err);

    if (r == 0)
        r = journal_set_state(c->database, ending->row->nonce, ORDER_ACCEPTED, err);
    if (r == 0)
        r = journal_note_node(c->database, ending->row->node, NODE_ACCEPTED, err);
    if (r == 0 && ending->confirmer != NULL)
        r = journal_confirm(c->database, ending->row->nonce, ending->confirmer->node, err);
    if (r == 0 && ending->confirmer != NULL)
        r = journal_note_node(c->database, ending->confirmer->node, NODE_CONFIRMED, err);
    return r < 0 ? r : settle_publish(c->folder, ending->attempt, ending->row->id, err);
}

static void clean_up(struct controller *c, const struct order_row *row)
{
    struct order_row opinions[JOURNAL_OPINIONS_MAX];
    size_t count = 0;

    share_remove(&c->share, row->nonce);
    if (journal_list_opinions(c->database, row->seq, row->token, opinions, &count, NULL) < 0)
        return;
    for (size_t i = 0; i < count; i++)
        if (opinions[i].state == ORDER_CLOSED)
            controller_forget(c, &opinions[i]);
}

/* The job ends by this answer. Judged once more, as it lies here: nothing is taken from memory. */
static int finish(struct controller *c, const struct order_row *row, const struct order_row *confirmer,
                  struct error *err)
{
    CLEANUP_WORK struct work work = {0};
    char attempt[PATH_MAX], result[PATH_MAX], key[PATH_MAX];
    struct ending ending = {.c = c, .row = row, .confirmer = confirmer, .attempt = attempt};
    const struct settlement settlement = {.database = c->database, .lease = &work.lease, .facts = &work.facts};
    struct judgement judgement;
    struct error trouble = {0};
    int r = work_open(c, row, &work, &trouble);

    if (r < 0)
        return trouble.code == -ESTALE ? 0 : controller_give_back(c, row, trouble.text, err);
    r = controller_attempt_path(c, row, attempt, err);
    if (r == 0)
        r = controller_result_path(c, row->id, result, err);
    if (r < 0)
        return r;
    if (access(attempt, F_OK) < 0) /* a controller died between moving it and saying so */
        ending.attempt = NULL;
    r = nodes_key_file(c->nodes, &work.policy, row->node, key, &trouble);
    if (r == 0)
        r = judge_answer(ending.attempt != NULL ? attempt : result, key, &work.facts, row->nonce, &judgement, &trouble);
    if (r < 0)
        return controller_give_back(c, row, trouble.text, err);
    r = controller_log_result(c, row->nonce, row->id, ending.attempt != NULL ? attempt : result, key, err);
    if (r < 0)
        return r;
    r = settle_by_result(&settlement, &judgement, NULL, row->wall_ms, publish, &ending, err);
    if (r < 0)
        return r == -ESTALE ? 0 : r;
    controller_tell(c, confirmer != NULL ? "confirmed" : "accepted", row->id, row->node,
                    confirmer != NULL ? confirmer->node : "");
    clean_up(c, row);
    return 0;
}

/* --- or no end --------------------------------------------------------------------------------------------------- */

/* All of a lease's answers are set aside. */
static int close_all(struct controller *c, const struct order_row *row, struct error *err)
{
    struct order_row opinions[JOURNAL_OPINIONS_MAX];
    size_t count = 0;
    int r = journal_list_opinions(c->database, row->seq, row->token, opinions, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++)
        if (opinions[i].state <= ORDER_ANSWERED) {
            r = journal_set_state(c->database, opinions[i].nonce,
                                  opinions[i].state == ORDER_ANSWERED ? ORDER_REFUSED : ORDER_CLOSED, err);
            controller_set_aside(c, &opinions[i]);
        }
    return r;
}

int controller_give_back(struct controller *c, const struct order_row *row, const char *reason, struct error *err)
{
    int r = database_begin(c->database, err);

    if (r == 0)
        r = close_all(c, row, err);
    if (r == 0)
        r = journal_lose_lease(c->database, row, false, reason, err);
    if (r == -ESTALE)
        r = 0;
    if (r == 0)
        r = database_commit(c->database, err);
    if (r < 0)
        database_rollback(c->database);
    else
        controller_tell(c, "given-back", row->id, "", reason);
    return r;
}

static int close_within(void *context, struct error *err)
{
    const struct ending *ending = context;

    return close_all(ending->c, ending->row, err);
}

int controller_abort(struct controller *c, const struct order_row *row, const char *reason, struct error *err)
{
    const struct queue_end end = {.state = QUEUE_ABORTED, .reason = reason, .wall_ms = row->wall_ms};
    struct queue_lease lease = {.seq = row->seq, .token = row->token};
    struct ending ending = {.c = c, .row = row};
    int r;

    (void)snprintf(lease.id, sizeof lease.id, "%s", row->id);
    r = queue_finish(c->database, &lease, &end, close_within, &ending, err);
    if (r == -ESTALE)
        return journal_set_state(c->database, row->nonce, ORDER_CLOSED, err);
    if (r == 0)
        controller_tell(c, "aborted", row->id, "", reason);
    return r;
}

/* --- nodes ------------------------------------------------------------------------------------------------------- */

static int move_away(void *context, const char *id, struct error *err)
{
    struct controller *c = context;
    char path[PATH_MAX], kept[PATH_MAX], nonce[ORDER_NONCE_SIZE];
    int r = order_draw_nonce(nonce, err);

    if (r == 0)
        r = controller_result_path(c, id, path, err);
    if (r == 0 &&
        (size_t)snprintf(kept, sizeof kept, "%s/" FOLDER_ATTEMPTS "/%s.%s.kept", c->folder, id, nonce) >= sizeof kept)
        r = error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", c->folder);
    if (r == 0 && rename(path, kept) < 0 && errno != ENOENT)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    if (r == 0)
        controller_tell(c, "taken-back", id, "", "its node is distrusted; another evaluates it again");
    return r;
}

static int set_standing(struct controller *c, const char *node, enum node_standing standing, const char *reason,
                        struct error *err)
{
    int r = journal_set_standing(c->database, node, standing, reason, err);

    if (r == 0)
        r = nodes_read_standings(c->nodes, c->database, err);
    if (r == 0)
        controller_tell(c, node_standing_names[standing], "", node, reason);
    return r;
}

/* And what rests on its word alone is evaluated again. */
static int distrust(struct controller *c, const char *node, const char *reason, struct error *err)
{
    char text[QUEUE_REASON_SIZE];
    int r = set_standing(c, node, NODE_DISTRUSTED, reason, err);

    (void)snprintf(text, sizeof text, "taken back: node %s is distrusted: %.300s", node, reason);
    while (r == 0) {
        r = journal_take_back(c->database, node, text, move_away, c, err);
        if (r <= 0)
            break;
        r = controller_beat(c, err);
    }
    return r;
}

/* A dispute has ended in its favour. */
static int acquit(struct controller *c, const struct order_row *row, struct error *err)
{
    return nodes_standing(c->nodes, row->node) == NODE_SUSPECT ? set_standing(c, row->node, NODE_TRUSTED, "", err) : 0;
}

/* --- opinions ---------------------------------------------------------------------------------------------------- */

static bool agree(const struct order_row *a, const struct order_row *b)
{
    if (a->has_evaluation != b->has_evaluation)
        return false;
    return a->has_evaluation ? memcmp(a->evaluation, b->evaluation, SHA256_SIZE) == 0 : a->outcome == b->outcome;
}

/* How many of 100 are drawn: `share`. Without bias, as 2^64 is hardly more than a multiple of 100. */
static int draw(uint64_t share, bool *ret_drawn, struct error *err)
{
    uint64_t random;

    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    *ret_drawn = random % PER_CENT < share;
    return 0;
}

static int decide_one(struct controller *c, const struct order_row *row, bool is_second_due, struct error *err)
{
    bool again = is_second_due || nodes_standing(c->nodes, row->node) == NODE_SUSPECT;
    int r = journal_is_logging(c->database, row->nonce, err);

    if (r == 1 && !again) /* it was drawn before a controller was killed, and the ledger has it */
        return finish(c, row, NULL, err);
    if (r >= 0)
        r = again ? 0 : draw(c->options->recheck_share, &again, err);
    if (r < 0)
        return r;
    if (!again)
        return finish(c, row, NULL, err);
    controller_tell(c, "rechecked", row->id, row->node, "");
    return controller_order_again(c, row, ORDER_SECOND, err);
}

/* A third node, where there is one. */
static int count_thirds(struct controller *c, const struct order_row *a, const struct order_row *b, unsigned *ret_count,
                        struct error *err)
{
    CLEANUP_WORK struct work work = {0};
    struct nodes_avoid avoid = {.suspects_too = true}; /* of another job's dispute: it may be the one that was right */
    struct nodes_left left;
    int r = work_open(c, a, &work, err);

    if (r < 0)
        return r;
    avoid.with_gpu = work.lease.needs.gpus > 0;
    nodes_avoid_add(&avoid, a->node);
    nodes_avoid_add(&avoid, b->node);
    nodes_count_left(c->nodes, &work.policy, &avoid, &left);
    *ret_count = left.count;
    return 0;
}

static int dispute(struct controller *c, const struct order_row *a, const struct order_row *b, struct error *err)
{
    char reason[QUEUE_REASON_SIZE];
    unsigned thirds = 0;
    int r = count_thirds(c, a, b, &thirds, err);

    (void)snprintf(reason, sizeof reason, "nodes %s and %s signed different evaluations of job %s", a->node, b->node,
                   a->id);
    if (r < 0)
        return r == -ESTALE ? 0 : r;
    if (thirds > 0) {
        r = set_standing(c, a->node, NODE_SUSPECT, reason, err);
        if (r == 0)
            r = set_standing(c, b->node, NODE_SUSPECT, reason, err);
        return r < 0 ? r : controller_order_again(c, a, ORDER_ARBITER, err);
    }
    (void)snprintf(reason, sizeof reason,
                   "nodes %s and %s signed different evaluations of job %s, and there is no third one to tell which is "
                   "wrong",
                   a->node, b->node, a->id);
    r = distrust(c, a->node, reason, err);
    if (r == 0)
        r = distrust(c, b->node, reason, err);
    return r < 0 ? r : controller_give_back(c, a, reason, err);
}

static int decide_two(struct controller *c, const struct order_row *a, const struct order_row *b, bool disputed,
                      struct error *err)
{
    char reason[QUEUE_REASON_SIZE];
    int r = 0;

    if (strcmp(a->node, b->node) == 0) /* Slurm gave it to the same one */
        return controller_give_back(c, a, "its second evaluation was the same node's", err);
    if (agree(a, b) && disputed) { /* with a node that is distrusted by now */
        r = acquit(c, a, err);
        if (r == 0)
            r = acquit(c, b, err);
    }
    if (r < 0)
        return r;
    if (agree(a, b))
        return finish(c, a->outcome == OUTCOME_PASSED ? b : a, a->outcome == OUTCOME_PASSED ? a : b, err);
    if (a->has_evaluation && b->has_evaluation)
        return dispute(c, a, b, err);
    (void)snprintf(reason, sizeof reason, "node %s says %s, node %s %s", a->node, outcome_names[a->outcome], b->node,
                   outcome_names[b->outcome]);
    return controller_give_back(c, a, reason, err);
}

/* a and b disagree, and `third` has spoken. The job ends last, so that a killed controller's successor comes by here.
 */
static int arbitrate(struct controller *c, const struct order_row *a, const struct order_row *b,
                     const struct order_row *third, struct error *err)
{
    const struct order_row *right = agree(a, third) ? a : agree(b, third) ? b : NULL, *wrong = right == a ? b : a;
    char reason[QUEUE_REASON_SIZE];
    int r;

    if (right != NULL) {
        (void)snprintf(reason, sizeof reason, "its evaluation of job %s is neither that of node %s nor of node %s",
                       a->id, right->node, third->node);
        r = distrust(c, wrong->node, reason, err);
        if (r == 0)
            r = acquit(c, right, err);
        if (r == 0)
            r = acquit(c, third, err);
        return r < 0 ? r : finish(c, right, third, err);
    }
    (void)snprintf(reason, sizeof reason, "nodes %s, %s and %s signed three evaluations of job %s", a->node, b->node,
                   third->node, a->id);
    r = distrust(c, a->node, reason, err);
    if (r == 0)
        r = distrust(c, b->node, reason, err);
    if (r == 0 && third->has_evaluation)
        r = distrust(c, third->node, reason, err);
    return r < 0 ? r : controller_give_back(c, a, reason, err);
}

/* What a node has said that is distrusted by now is worth nothing. */
static int discard(struct controller *c, const struct order_row *row, struct error *err)
{
    int r = journal_set_state(c->database, row->nonce, ORDER_REFUSED, err);

    controller_set_aside(c, row);
    return r;
}

int controller_decide(struct controller *c, const struct order_row *row, struct error *err)
{
    struct order_row opinions[JOURNAL_OPINIONS_MAX];
    const struct order_row *answered[JOURNAL_OPINIONS_MAX];
    size_t count = 0, spoken = 0;
    bool is_second_due = false, disputed = false;
    int r = journal_list_opinions(c->database, row->seq, row->token, opinions, &count, err);

    for (size_t i = count; r == 0 && i-- > 0;) { /* the oldest first */
        is_second_due |= opinions[i].kind != ORDER_FIRST;
        disputed |= opinions[i].kind == ORDER_ARBITER;
        if (opinions[i].state == ORDER_WAITING || opinions[i].state == ORDER_ORDERED)
            return 0; /* one is still to come */
        if (opinions[i].state != ORDER_ANSWERED)
            continue;
        if (nodes_standing(c->nodes, opinions[i].node) == NODE_DISTRUSTED)
            r = discard(c, &opinions[i], err);
        else
            answered[spoken++] = &opinions[i];
    }
    if (r < 0)
        return r;
    if (spoken == 0)
        return controller_give_back(c, row, "whoever evaluated it is distrusted", err);
    if (spoken == 1)
        return decide_one(c, answered[0], is_second_due, err);
    return spoken == 2 ? decide_two(c, answered[0], answered[1], disputed, err)
                       : arbitrate(c, answered[0], answered[1], answered[2], err);
}
