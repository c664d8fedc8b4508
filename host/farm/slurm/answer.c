/* SPDX-License-Identifier: Apache-2.0 */
/* What nodes hand in: copied, verified, and noted; what does not hold is refused with its reason. */
#include "host/farm/slurm/internal.h"

#include "host/farm/cost.h"
#include "host/farm/folder.h"
#include "host/farm/queue_internal.h"
#include "host/json/reader.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- attempts at their place ------------------------------------------------------------------------------------- */

int controller_attempt_path(const struct controller *c, const struct order_row *row, char ret_path[PATH_MAX],
                            struct error *err)
{
    char ending[ORDER_NONCE_SIZE + 1];

    (void)snprintf(ending, sizeof ending, ".%s", row->nonce);
    return folder_job_path(c->folder, FOLDER_ATTEMPTS, row->id, ending, ret_path, err);
}

int controller_result_path(const struct controller *c, const char *id, char ret_path[PATH_MAX], struct error *err)
{
    return folder_job_path(c->folder, FOLDER_RESULTS, id, "", ret_path, err);
}

void controller_set_aside(const struct controller *c, const struct order_row *row)
{
    char path[PATH_MAX], kept[PATH_MAX];

    if (controller_attempt_path(c, row, path, NULL) == 0 &&
        (size_t)snprintf(kept, sizeof kept, "%s.kept", path) < sizeof kept)
        (void)rename(path, kept);
    share_remove(&c->share, row->nonce);
}

/* A folder of files that this program has made. */
static void remove_files(const char *path)
{
    const struct dirent *entry;
    DIR *directory = opendir(path);
    char file[PATH_MAX];

    while (directory != NULL && (entry = readdir(directory)) != NULL)
        if ((size_t)snprintf(file, sizeof file, "%s/%s", path, entry->d_name) < sizeof file)
            (void)unlink(file);
    if (directory != NULL)
        (void)closedir(directory);
    (void)rmdir(path);
}

void controller_forget(const struct controller *c, const struct order_row *row)
{
    char path[PATH_MAX];

    if (controller_attempt_path(c, row, path, NULL) == 0)
        remove_files(path);
    share_remove(&c->share, row->nonce);
}

/* --- orders that came to nothing --------------------------------------------------------------------------------- */

/* The job's next attempt, or its last one's end; or the same opinion once more, where one is here already. */
static int go_on_without(struct controller *c, const struct order_row *row, bool node_lost, const char *reason,
                         bool *ret_given_back, struct error *err)
{
    struct order_row opinions[JOURNAL_OPINIONS_MAX];
    size_t count = 0;
    int r = journal_list_opinions(c->database, row->seq, row->token, opinions, &count, err);

    *ret_given_back = row->kind == ORDER_FIRST || count >= JOURNAL_OPINIONS_MAX;
    if (r < 0)
        return r;
    if (!*ret_given_back)
        return controller_order_again(c, row, row->kind, err);
    return journal_lose_lease(c->database, row, node_lost, reason, err);
}

/* `memory_mib`: that its job is admitted with from now on; 0: as before. */
static int lose(struct controller *c, const struct order_row *row, enum order_state state, const char *node,
                bool node_lost, uint64_t memory_mib, const char *reason, struct error *err)
{
    bool given_back = false;
    int r = database_begin(c->database, err);

    if (r == 0)
        r = journal_set_state(c->database, row->nonce, state, err);
    if (r == 0 && node[0] != '\0')
        r = journal_note_node_of(c->database, row->nonce, node, err);
    if (r == 0 && node[0] != '\0')
        r = journal_note_node(c->database, node, state == ORDER_REFUSED ? NODE_REFUSED : NODE_LOST, err);
    if (r == 0 && memory_mib > 0)
        r = queue_set_memory(c->database, row->seq, memory_mib, err);
    if (r == 0)
        r = go_on_without(c, row, node_lost, reason, &given_back, err);
    if (r == -ESTALE) /* the job is another's by now: the order is closed all the same */
        r = 0;
    if (r == 0)
        r = database_commit(c->database, err);
    if (r < 0) {
        database_rollback(c->database);
        return r;
    }
    controller_tell(c, order_state_names[state], row->id, node, reason);
    controller_set_aside(c, row);
    return 0;
}

int controller_lose(struct controller *c, const struct order_row *row, enum order_state state, const char *node,
                    bool node_lost, const char *reason, struct error *err)
{
    return lose(c, row, state, node, node_lost, 0, reason, err);
}

static int refuse(struct controller *c, const struct order_row *row, const char *node, const struct error *trouble,
                  struct error *err)
{
    char reason[QUEUE_REASON_SIZE];

    (void)snprintf(reason, sizeof reason, "an answer%s%.63s was refused: %.400s", node[0] != '\0' ? " of node " : "",
                   node, trouble->text);
    return controller_lose(c, row, ORDER_REFUSED, node, false, reason, err);
}

/* --- an answer --------------------------------------------------------------------------------------------------- */

/* A node says that it has no result. Nobody signs that: it is tried again elsewhere, as often as a job is. */
static int take_excuse(struct controller *c, const struct order_row *row, const struct order_record *record,
                       struct error *err)
{
    char reason[QUEUE_REASON_SIZE];

    if (record->signal != 0)
        (void)snprintf(reason, sizeof reason, "node %s says, unsigned: killed by signal %d", record->node,
                       record->signal);
    else
        (void)snprintf(reason, sizeof reason, "node %s says, unsigned: exit status %d: %.300s", record->node,
                       record->status, record->said);
    return controller_lose(c, row, ORDER_LOST, record->node, false, reason, err);
}

/* The result as it was signed, from a copy of our own. */
static int judge(struct controller *c, const struct order_row *row, const struct work *work, const char *node,
                 struct judgement *ret_judgement, struct error *err)
{
    char path[PATH_MAX], key[PATH_MAX];
    int r = controller_attempt_path(c, row, path, err);

    if (r == 0 && nodes_standing(c->nodes, node) == NODE_DISTRUSTED)
        return error_set(err, ERROR_MISMATCH, -EPERM, "the node is distrusted");
    if (r == 0)
        r = nodes_key_file(c->nodes, &work->policy, node, key, err);
    if (r == 0)
        r = share_fetch_result(&c->share, row->nonce, path, err);
    if (r < 0)
        return r;
    r = judge_answer(path, key, &work->facts, row->nonce, ret_judgement, err);
    /* The folder's name says nothing to whoever reads the reason. */
    if (r < 0 && err->text[0] == '/' && strncmp(err->text, path, strlen(path)) == 0) {
        size_t skip = strlen(path) + strspn(err->text + strlen(path), "/: ");

        memmove(err->text, err->text + skip, strlen(err->text + skip) + 1);
    }
    return r;
}

static int note(struct controller *c, struct order_row *row, const struct order_record *record,
                const struct judgement *judgement, struct error *err)
{
    char log[PATH_MAX];

    (void)snprintf(row->node, sizeof row->node, "%s", record->node);
    row->state = ORDER_ANSWERED;
    row->outcome = judgement->outcome;
    row->wall_ms = record->wall_ms;
    row->has_evaluation = judgement->has_evaluation;
    memcpy(row->evaluation, judgement->evaluation, SHA256_SIZE);
    if (folder_job_path(c->folder, FOLDER_LOGS, row->id, ".log", log, NULL) == 0)
        share_fetch_log(&c->share, row->nonce, log);
    return journal_note_answer(c->database, row, err);
}

/* The guest's memory was too small: once more with twice as much, where a node has it. 1, or 0. */
static int try_larger(struct controller *c, const struct order_row *row, const struct work *work,
                      const struct judgement *judgement, struct error *err)
{
    CLEANUP_JSON json_t *settings = NULL;
    const struct nodes_avoid nobody = {.suspects_too = true, .with_gpu = work->lease.needs.gpus > 0};
    char reason[QUEUE_REASON_SIZE];
    struct nodes_left left;
    uint64_t memory_mib = 0;
    int r = json_read(work->lease.settings, strlen(work->lease.settings), QUEUE_SETTINGS_MAX, row->id, &settings, err);

    if (r < 0)
        return r;
    nodes_count_left(c->nodes, &work->policy, &nobody, &left);
    if (!cost_raise(&work->lease, work->description, settings, left.memory_mib, &memory_mib))
        return 0;
    (void)snprintf(reason, sizeof reason, "once more, with %" PRIu64 " MiB: %.400s", memory_mib, judgement->reason);
    r = lose(c, row, ORDER_LOST, "", false, memory_mib, reason, err);
    return r < 0 ? r : 1;
}

static int take_result(struct controller *c, struct order_row *row, const struct order_record *record,
                       struct error *err)
{
    CLEANUP_WORK struct work work = {0};
    struct judgement judgement;
    struct error trouble = {0};
    int r = work_open(c, row, &work, &trouble);

    if (r < 0 && trouble.code == -ESTALE)
        return 0; /* watch.c closes it */
    if (r < 0)    /* its files have gone meanwhile */
        return controller_lose(c, row, ORDER_LOST, "", false, trouble.text, err);
    if (judge(c, row, &work, record->node, &judgement, &trouble) < 0)
        return trouble.kind == ERROR_UNAVAILABLE && trouble.code != -ENOENT
                   ? error_set(err, trouble.kind, trouble.code, "%s", trouble.text)
                   : refuse(c, row, record->node, &trouble, err);
    if (judgement.machine_failed && !work.lease.last_attempt)
        return controller_lose(c, row, ORDER_LOST, record->node, false, judgement.reason, err);
    if (judgement.out_of_memory && row->kind == ORDER_FIRST) {
        r = try_larger(c, row, &work, &judgement, err);
        if (r != 0)
            return r < 0 ? r : 0;
    }
    /*
     * The node has committed itself: its answer is here and noted. Only now is it drawn whether somebody else is to
     * say the same.
     */
    r = note(c, row, record, &judgement, err);
    return r < 0 ? r : controller_decide(c, row, err);
}

static int take_answer(struct controller *c, const char *nonce, struct error *err)
{
    struct order_record record;
    struct order_row row;
    struct error trouble = {0};
    int r = journal_find_order(c->database, nonce, &row, err);

    if (r < 0)
        return r;
    if (r == 0 || row.state != ORDER_ORDERED) { /* of nobody's order, or too late */
        share_remove(&c->share, nonce);
        return 0;
    }
    if (share_read_record(&c->share, nonce, &record, &trouble) < 0)
        return refuse(c, &row, "", &trouble, err);
    if (record.signal != 0 || record.status > 3)
        return take_excuse(c, &row, &record, err);
    return take_result(c, &row, &record, err);
}

int controller_collect(struct controller *c, struct error *err)
{
    CLEANUP_FREE char(*nonces)[ORDER_NONCE_SIZE] = calloc(SHARE_RECORDS_MAX, sizeof *nonces);
    size_t count = 0;
    int r = nonces == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for records")
                           : share_list_records(&c->share, nonces, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        r = take_answer(c, nonces[i], err);
        if (r == 0)
            r = controller_beat(c, err);
    }
    return r;
}
