/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs into orders, and orders that ask the same of a node into arrays. */
#include "host/farm/slurm/internal.h"

#include "base/io.h"
#include "host/farm/job_line.h"
#include "host/farm/settle.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TAKE_MS         2000u /* for taking jobs before those that are there are submitted: models are hashed */
#define MEMORY_STEP_MIB 64u   /* so that jobs of almost one size share an array */
#define GRACE_SECONDS   120u  /* of a task beside its job's own deadline */
#define WAITING_MAX     SLURM_TASKS_MAX

/* Slurm packs, not the queue: everything fits, and which GPU it is Slurm says. */
#define EVERYTHING                                                                                                     \
    {                                                                                                                  \
        .memory_mib = UINT64_C(1) << 60, .cores = UINT64_C(1) << 60, .gpus = UINT64_C(1) << 60                         \
    }
static const struct queue_machine everything = {.now = EVERYTHING, .whole = EVERYTHING};

/* --- a job at hand ----------------------------------------------------------------------------------------------- */

int work_understand(struct controller *c, struct work *work, struct error *err)
{
    const struct queue_lease *lease = &work->lease;
    const char *folder;
    int r = json_read(lease->description, strlen(lease->description), QUEUE_DESCRIPTION_MAX, lease->id,
                      &work->description, err);

    if (r < 0)
        return r;
    folder = json_string_value(json_object_get(work->description, JOB_FOLDER));
    if (folder == NULL || chdir(folder) < 0)
        return error_set(err, ERROR_NO_INPUT, -ENOENT, "%s: %s", folder != NULL ? folder : "?", strerror(errno));
    r = nodes_find_policy(c->nodes, work->description, &work->policy, err);
    if (r == 0)
        r = content_of(c->content, work->description, lease->settings, controller_beat, c, &work->facts, err);
    return r;
}

int work_open(struct controller *c, const struct order_row *row, struct work *ret_work, struct error *err)
{
    int r = journal_read_lease(c->database, row, &ret_work->lease, err);

    return r < 0 ? r : work_understand(c, ret_work, err);
}

void work_close(struct work *work)
{
    json_decref(work->description);
    queue_lease_clear(&work->lease);
    *work = (struct work){0};
}

/* --- results that are there already ------------------------------------------------------------------------------ */

/* A job in the controller's hands; settle.h's context. */
struct placing {
    struct controller *c;
    const struct work *work;
};

/* By any node that the policy names: who it was is known only by the key that fits. */
static int judge_by_any(struct controller *c, const struct work *work, const char *path, struct judgement *ret,
                        struct error *err)
{
    int r = error_set(err, ERROR_MISMATCH, -ENOKEY, "%s: signed by no node that is named", path);

    for (unsigned i = 0; r < 0 && i < work->policy.ring->count; i++) {
        const struct keyring_key *key = &work->policy.ring->keys[i];
        char file[PATH_MAX];

        if ((key->use & KEYRING_NODE) == 0 || nodes_standing(c->nodes, key->name) == NODE_DISTRUSTED ||
            nodes_key_file(c->nodes, &work->policy, key->name, file, NULL) < 0)
            continue;
        r = judge_result(path, file, &work->facts, ret, err);
    }
    return r;
}

static int judge_found(void *context, const char *path, struct judgement *ret, struct error *err)
{
    const struct placing *placing = context;

    return judge_by_any(placing->c, placing->work, path, ret, err);
}

static void tell_aborted(void *context, const char *id, const char *reason)
{
    const struct placing *placing = context;

    controller_tell(placing->c, "aborted", id, "", reason);
}

/* --- jobs into orders -------------------------------------------------------------------------------------------- */

/* A node can announce nothing: it has no ledger's key. */
static int check_policy(const struct work *work, struct error *err)
{
    return !work->policy.ledger_required
               ? 0
               : error_set(err, ERROR_BAD_INPUT, -EINVAL,
                           "the policy requires that each job is announced in a ledger before it runs, which nodes "
                           "can't do: not with --slurm (docs/slurm.md)");
}

/* Which GPU Slurm gives must be known by its address. */
static int check_gpu(struct controller *c, const struct work *work, struct error *err)
{
    const struct nodes_avoid without = {.suspects_too = true, .with_gpu = true};
    struct nodes_left left;

    if (work->lease.needs.gpus == 0)
        return 0;
    if (nodes_gpu_map(c->nodes) == NULL)
        return error_set(err, ERROR_BAD_INPUT, -ENODEV,
                         "asks for a GPU: name the nodes' GPUs by their PCI addresses with --node-gpus "
                         "(docs/slurm.md)");
    nodes_count_left(c->nodes, &work->policy, &without, &left);
    if (left.count == 0)
        return error_set(err, ERROR_BAD_INPUT, -ENODEV,
                         "asks for a GPU: no trusted node has any, and as many in %s as in Slurm (sinfo -N -o '%%N "
                         "%%G')",
                         c->options->node_gpus);
    return 0;
}

/* A job that no node that may take it could ever carry. */
static int check_fit(struct controller *c, const struct work *work, struct error *err)
{
    const struct queue_resources *needs = &work->lease.needs;
    const struct nodes_avoid nobody = {.suspects_too = true};
    struct nodes_left left;

    nodes_count_left(c->nodes, &work->policy, &nobody, &left);
    if (left.count == 0)
        return error_set(
            err, ERROR_BAD_INPUT, -ENODEV,
            "no trusted node is left: of those in Slurm none is named with a key that is valid now, or all "
            "are distrusted (lazaret status)");
    if (needs->memory_mib <= left.memory_mib && needs->cores <= left.cores && needs->gpus <= left.gpus)
        return 0;
    return error_set(err, ERROR_BAD_INPUT, -E2BIG,
                     "never fits a node: it needs %" PRIu64 " MiB, %" PRIu64 " cores and %" PRIu64
                     " GPUs; the most of a node is %" PRIu64 " MiB, %" PRIu64 " and %" PRIu64,
                     needs->memory_mib, needs->cores, needs->gpus, left.memory_mib, left.cores, left.gpus);
}

static int add_order(struct controller *c, const struct queue_lease *lease, enum order_kind kind, struct error *err)
{
    struct order_row row = {.seq = lease->seq, .token = lease->token, .kind = kind};
    int r = order_draw_nonce(row.nonce, err);

    (void)snprintf(row.id, sizeof row.id, "%s", lease->id);
    return r < 0 ? r : journal_add_order(c->database, &row, err);
}

int controller_order_again(struct controller *c, const struct order_row *row, enum order_kind kind, struct error *err)
{
    struct queue_lease lease = {.seq = row->seq, .token = row->token};

    (void)snprintf(lease.id, sizeof lease.id, "%s", row->id);
    return add_order(c, &lease, kind, err);
}

/* What keeps it from being ordered, before anybody is asked. */
static int check_work(struct controller *c, struct work *work, struct error *err)
{
    int r = work_understand(c, work, err);

    if (r == 0)
        r = check_policy(work, err);
    if (r == 0)
        r = check_gpu(c, work, err);
    return r < 0 ? r : check_fit(c, work, err);
}

static int place(struct controller *c, struct work *work, struct error *err)
{
    struct placing placing = {.c = c, .work = work};
    const struct settlement settlement = {
        .database = c->database,
        .folder = c->folder,
        .lease = &work->lease,
        .facts = &work->facts,
        .force = c->pool->force,
        .judge = judge_found,
        .aborted = tell_aborted,
        .context = &placing,
    };
    struct error trouble = {0};
    int r;

    if (check_work(c, work, &trouble) < 0)
        return settle_by_error(&settlement, &trouble, err);
    r = settle_in_place(&settlement, err);
    if (r == 0)
        r = settle_by_twin(&settlement, err);
    return r != 0 ? r : add_order(c, &work->lease, ORDER_FIRST, err);
}

/* 1, or 0 where nothing is queued. */
static int take_one(struct controller *c, struct error *err)
{
    CLEANUP_WORK struct work work = {0};
    int r = queue_take(c->database, c->worker, &everything, &work.lease, err);

    if (r <= 0)
        return r;
    r = place(c, &work, err);
    return r < 0 && r != -ESTALE ? r : 1;
}

static int take_jobs(struct controller *c, struct error *err)
{
    uint64_t until = io_deadline_ms(TAKE_MS), open = 0;
    int r = journal_count_open(c->database, &open, err);

    for (; r == 0 && *c->stop == 0 && open < c->options->in_flight_max && io_now_ns() < until; open++) {
        r = take_one(c, err);
        if (r <= 0)
            break;
        r = 0;
    }
    return r < 0 ? r : 0;
}

/* --- orders into arrays ------------------------------------------------------------------------------------------ */

/* Of several, the first that leaves somebody; the last where none does. */
static void choose_avoid(struct controller *c, const struct nodes_policy *policy, struct nodes_avoid *choices,
                         size_t count, struct nodes_avoid *ret_avoid)
{
    for (size_t i = 0; i < count; i++) {
        struct nodes_left left;

        *ret_avoid = choices[i];
        nodes_count_left(c->nodes, policy, &choices[i], &left);
        if (left.count > 0)
            return;
    }
}

/* Those that have spoken about this job; and where there are others, those that failed it, and those that are suspect.
 */
static int avoid(struct controller *c, const struct order_row *row, const struct work *work,
                 struct nodes_avoid *ret_avoid, struct error *err)
{
    struct order_row opinions[JOURNAL_OPINIONS_MAX];
    char failed[NODES_AVOID_MAX][SLURM_NODE_SIZE];
    struct nodes_avoid must = {.with_gpu = work->lease.needs.gpus > 0}, all, choices[3];
    size_t count = 0;
    int r = journal_list_opinions(c->database, row->seq, row->token, opinions, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++)
        if (opinions[i].state == ORDER_ANSWERED)
            nodes_avoid_add(&must, opinions[i].node);
    all = must;
    if (r == 0)
        r = journal_list_failed_nodes(c->database, row->seq, failed, NODES_AVOID_MAX / 2, &count, err);
    for (size_t i = 0; r == 0 && i < count; i++)
        nodes_avoid_add(&all, failed[i]);
    choices[0] = all;
    choices[1] = choices[2] = must;
    choices[2].suspects_too = true;
    choose_avoid(c, &work->policy, choices, 3, ret_avoid);
    return r;
}

static int describe_shape(struct controller *c, const struct order_row *row, const struct work *work,
                          struct shape *ret_shape, struct error *err)
{
    CLEANUP_BUFFER struct buffer excluded = buffer_with_limit((size_t)JOURNAL_NODES_MAX * SLURM_NODE_SIZE);
    const struct queue_resources *needs = &work->lease.needs;
    struct nodes_avoid avoided = {0};
    struct nodes_left left;
    int r = avoid(c, row, work, &avoided, err);

    if (r < 0)
        return r;
    nodes_count_left(c->nodes, &work->policy, &avoided, &left);
    if (left.count == 0)
        return error_set(err, ERROR_BAD_INPUT, -ENODEV, "no trusted node is left%s",
                         row->kind == ORDER_FIRST ? "" : " that could evaluate it a second time");
    if (nodes_list_excluded(c->nodes, &work->policy, &avoided, &excluded) < 0 || buffer_append_u8(&excluded, 0) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an array");
    *ret_shape = (struct shape){
        .memory_mib = (needs->memory_mib + MEMORY_STEP_MIB - 1) / MEMORY_STEP_MIB * MEMORY_STEP_MIB,
        .cores = needs->cores > 0 ? needs->cores : 1,
        .minutes = (work->policy.deadline_seconds + GRACE_SECONDS + 59) / 60,
        .gpus = needs->gpus,
        .excluded = strdup((const char *)excluded.data),
    };
    return ret_shape->excluded != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an array");
}

/* The job as the queue has it; its files need not be read again. */
static int shape_of(struct controller *c, const struct order_row *row, struct shape *ret_shape, struct error *err)
{
    CLEANUP_WORK struct work work = {0};
    int r = journal_read_lease(c->database, row, &work.lease, err);

    if (r == 0)
        r = json_read(work.lease.description, strlen(work.lease.description), QUEUE_DESCRIPTION_MAX, row->id,
                      &work.description, err);
    if (r == 0)
        r = nodes_find_policy(c->nodes, work.description, &work.policy, err);
    return r < 0 ? r : describe_shape(c, row, &work, ret_shape, err);
}

static bool same_shape(const struct shape *a, const struct shape *b)
{
    return a->memory_mib == b->memory_mib && a->cores == b->cores && a->minutes == b->minutes && a->gpus == b->gpus &&
           strcmp(a->excluded, b->excluded) == 0;
}

struct waiting {
    size_t count;
    struct order_row rows[WAITING_MAX];
    struct shape shapes[WAITING_MAX]; /* .excluded NULL: taken, or can't be placed */
    struct order_row chosen[SLURM_TASKS_MAX];
};

static void free_waiting(struct waiting *waiting)
{
    for (size_t i = 0; waiting != NULL && i < waiting->count; i++)
        free(waiting->shapes[i].excluded);
    free(waiting);
}

static void drop_waiting(struct waiting **waiting)
{
    free_waiting(*waiting);
}

/* An order that can't be placed ends its job: aborted, or, where its job is another's by now, just closed. */
static int unplaceable(struct controller *c, const struct order_row *row, const struct error *trouble,
                       struct error *err)
{
    if (trouble->code == -ESTALE)
        return journal_set_state(c->database, row->nonce, ORDER_CLOSED, err);
    if (trouble->kind == ERROR_UNAVAILABLE)
        return 0; /* later */
    return controller_abort(c, row, trouble->text, err);
}

/* Submits the array that row `first` begins, with all of its shape. */
static int submit_group(struct controller *c, struct waiting *waiting, size_t first, struct error *err)
{
    struct shape shape = waiting->shapes[first];
    struct array_row array;
    struct error trouble = {0};
    size_t count = 0;
    int r;

    waiting->shapes[first].excluded = NULL;
    waiting->chosen[count++] = waiting->rows[first];
    for (size_t i = first + 1; i < waiting->count && count < c->options->array_max; i++)
        if (waiting->shapes[i].excluded != NULL && same_shape(&shape, &waiting->shapes[i])) {
            waiting->chosen[count++] = waiting->rows[i];
            free(waiting->shapes[i].excluded);
            waiting->shapes[i].excluded = NULL;
        }
    r = journal_prepare_array(c->database, c->batch, waiting->chosen, count, &array, err);
    /* Where that fails it is prepared still, and watch.c goes on with it. */
    if (r == 0 && array_submit(c, &array, &shape, &trouble) < 0) {
        (void)snprintf(c->trouble, sizeof c->trouble, "%.500s", trouble.text);
        controller_tell(c, "not-submitted", "", "", trouble.text);
    }
    free(shape.excluded);
    return r;
}

static int submit_waiting(struct controller *c, struct error *err)
{
    CLEANUP(drop_waiting) struct waiting *waiting = calloc(1, sizeof *waiting);
    struct array_row arrays[JOURNAL_ARRAYS_MAX];
    size_t open = 0;
    int r = waiting == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders") : 0;

    if (r == 0)
        r = journal_list_arrays(c->database, arrays, &open, err);
    if (r == 0)
        r = journal_list_waiting(c->database, waiting->rows, WAITING_MAX, &waiting->count, err);
    for (size_t i = 0; r == 0 && i < waiting->count; i++) {
        struct error trouble = {0};

        if (shape_of(c, &waiting->rows[i], &waiting->shapes[i], &trouble) < 0)
            r = unplaceable(c, &waiting->rows[i], &trouble, err);
    }
    for (size_t i = 0; r == 0 && i < waiting->count && open < JOURNAL_ARRAYS_MAX; i++)
        if (waiting->shapes[i].excluded != NULL) {
            r = submit_group(c, waiting, i, err);
            open++;
        }
    return r;
}

int controller_fill(struct controller *c, struct error *err)
{
    int r = take_jobs(c, err);

    return r < 0 ? r : submit_waiting(c, err);
}
