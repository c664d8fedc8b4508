/* SPDX-License-Identifier: Apache-2.0 */
/* What Slurm says of what was submitted: tasks that ended without an answer, arrays of which nobody knows yet. */
#include "host/farm/slurm/internal.h"

#include "base/io.h"
#include "host/farm/clock.h"
#include "host/farm/slurm/tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GRACE_MS         5000  /* after a task's end: the shared directory may show its record late */
#define UNKNOWN_GRACE_MS 15000 /* of a task that Slurm does not know of */
#define STALE_MAX        200u
#define NAMES_SIZE       ((size_t)JOURNAL_ARRAYS_MAX * SLURM_NAME_SIZE)
#define BITS             (SLURM_TASKS_MAX / 8 + 1)

struct watched {
    struct array_row row;
    uint8_t seen[BITS]; /* its tasks that it has spoken of */
};

struct poll {
    size_t count;
    struct watched arrays[JOURNAL_ARRAYS_MAX];
};

static struct watched *find_watched(struct poll *poll, const char *name)
{
    for (size_t i = 0; i < poll->count; i++)
        if (strcmp(poll->arrays[i].row.name, name) == 0)
            return &poll->arrays[i];
    return NULL;
}

/* --- a task that ended ------------------------------------------------------------------------------------------- */

/* 1: long enough without a record. */
static int is_overdue(struct controller *c, const struct order_row *row, int64_t grace_ms, struct error *err)
{
    int64_t now = clock_boot_ms();
    int r;

    if (row->missed_ms > 0 && row->missed_ms <= now) /* a later one is of an earlier boot */
        return now - row->missed_ms > grace_ms;
    r = journal_set_missed(c->database, row->nonce, now, err);
    return r < 0 ? r : 0;
}

static int end_task(struct controller *c, const struct watched *array, const struct slurm_task *task, struct error *err)
{
    char reason[QUEUE_REASON_SIZE];
    struct order_row row;
    int r = journal_find_ordered(c->database, array->row.id, task->task, &row, err);

    if (r <= 0)
        return r;
    r = is_overdue(c, &row, GRACE_MS, err);
    if (r <= 0)
        return r;
    (void)snprintf(reason, sizeof reason, "Slurm ended its task without a result: %s (%s)%s%s", task->state,
                   task->reason, task->node[0] != '\0' ? " on node " : "", task->node);
    return controller_lose(c, &row, ORDER_LOST, task->node, task->stage == SLURM_NODE_LOST, reason, err);
}

/* Tasks of an array that Slurm no longer knows: it forgets what ended a while ago (MinJobAge). */
static int end_unknown(struct controller *c, const struct watched *array, struct error *err)
{
    CLEANUP_FREE struct order_row *rows = calloc(SLURM_TASKS_MAX, sizeof *rows);
    size_t count = 0;
    int r = rows == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders")
                         : journal_list_ordered(c->database, array->row.id, rows, SLURM_TASKS_MAX, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++) {
        if ((array->seen[rows[i].task / 8] >> rows[i].task % 8 & 1) != 0)
            continue;
        r = is_overdue(c, &rows[i], UNKNOWN_GRACE_MS, err);
        if (r == 1)
            r = controller_lose(c, &rows[i], ORDER_LOST, "", true, "Slurm knows nothing of its task any more", err);
    }
    return r;
}

/* --- an array that is prepared ----------------------------------------------------------------------------------- */

/* Whether Slurm has it, it was told here that it could not be submitted, or nothing was: by its name. */
static int settle_prepared(struct controller *c, const struct array_row *array, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(SLURM_TOOL_OUTPUT_MAX);
    CLEANUP_FREE struct order_row *rows = calloc(SLURM_TASKS_MAX, sizeof *rows);
    char name[SLURM_NAME_SIZE + 8], reason[QUEUE_REASON_SIZE];
    const char *argv[] = {"squeue", "-h", "-a", "-t", "all", name, "-o", "%F", NULL};
    struct error trouble = {0};
    int64_t job = 0;
    size_t count = 0;
    int r;

    if (rows == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders");
    (void)snprintf(name, sizeof name, "--name=%s", array->name);
    if (slurm_tool_run(argv, "", 0, &text, &trouble) < 0) {
        controller_tell(c, "slurm-silent", "", "", trouble.text);
        return 0; /* nothing is submitted while nobody can say what was */
    }
    if (slurm_read_submitted(text.data, text.size, &job) == 0) {
        controller_tell(c, "found-in-slurm", "", "", array->name);
        return journal_set_submitted(c->database, array->id, job, err);
    }
    r = journal_list_ordered(c->database, array->id, rows, SLURM_TASKS_MAX, &count, err);
    if (r < 0)
        return r;
    /* Not there: its jobs are ordered again, in an array of another name and under other nonces. */
    (void)snprintf(reason, sizeof reason, "not submitted: %.400s",
                   c->trouble[0] != '\0' ? c->trouble : "the controller died before");
    for (size_t i = 0; r == 0 && i < count; i++)
        r = controller_lose(c, &rows[i], ORDER_LOST, "", c->trouble[0] == '\0', reason, err);
    return r;
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static int list_arrays(struct controller *c, struct poll *poll, struct buffer *names, struct error *err)
{
    CLEANUP_FREE struct array_row *rows = calloc(JOURNAL_ARRAYS_MAX, sizeof *rows);
    size_t count = 0;
    int r = rows == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for arrays")
                         : journal_list_arrays(c->database, rows, &count, err);

    if (r == 0)
        r = buffer_append_format(names, "--name=");
    for (size_t i = 0; r == 0 && i < count; i++) {
        if (rows[i].state == ARRAY_PREPARED) {
            r = settle_prepared(c, &rows[i], err);
            continue;
        }
        r = buffer_append_format(names, "%s%s", poll->count == 0 ? "" : ",", rows[i].name);
        poll->arrays[poll->count++].row = rows[i];
    }
    return r < 0 ? r : buffer_append_u8(names, 0);
}

static int read_tasks(struct controller *c, struct poll *poll, const struct buffer *text, struct error *err)
{
    struct cursor cursor = cursor_over(text->data, text->size);
    struct slurm_task task;
    int r = 0;

    while (r == 0 && slurm_next_task(&cursor, &task) == 1) {
        struct watched *array = find_watched(poll, task.name);

        if (array == NULL)
            continue;
        array->seen[task.task / 8] |= (uint8_t)(1u << task.task % 8);
        if (task.stage == SLURM_ENDED || task.stage == SLURM_NODE_LOST)
            r = end_task(c, array, &task, err);
    }
    for (size_t i = 0; r == 0 && i < poll->count; i++)
        r = end_unknown(c, &poll->arrays[i], err);
    return r;
}

static int end_arrays(struct controller *c, struct error *err)
{
    char name[SLURM_NAME_SIZE];
    unsigned tasks = 0;
    int r;

    while ((r = journal_end_array(c->database, name, &tasks, err)) == 1)
        share_remove_orders(&c->share, name, tasks < SLURM_TASKS_MAX ? tasks : SLURM_TASKS_MAX);
    return r;
}

int controller_poll(struct controller *c, struct error *err)
{
    CLEANUP_BUFFER struct buffer names = buffer_with_limit(NAMES_SIZE);
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(SLURM_TOOL_OUTPUT_MAX);
    CLEANUP_FREE struct poll *poll = calloc(1, sizeof *poll);
    const char *argv[] = {"squeue", "-h", "-a", "-r", "-t", "all", NULL, "-o", SLURM_SQUEUE_FORMAT, NULL};
    struct error trouble = {0};
    int r = poll == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for arrays") : end_arrays(c, err);

    if (r == 0)
        r = list_arrays(c, poll, &names, err);
    if (r < 0 || poll->count == 0)
        return r;
    argv[6] = (const char *)names.data;
    if (slurm_tool_run(argv, "", 0, &text, &trouble) < 0) {
        controller_tell(c, "slurm-silent", "", "", trouble.text);
        return 0; /* what it does not say now it says later */
    }
    return read_tasks(c, poll, &text, err);
}

/* --- orders that nobody waits for -------------------------------------------------------------------------------- */

static int drop(struct controller *c, const struct order_row *row, struct error *err)
{
    const struct queue_end end = {.state = QUEUE_ABORTED, .reason = "canceled", .wall_ms = row->wall_ms};
    struct queue_lease lease = {.seq = row->seq, .token = row->token};
    int r = journal_set_state(c->database, row->nonce, ORDER_CLOSED, err);

    (void)snprintf(lease.id, sizeof lease.id, "%s", row->id);
    if (r == 0)
        r = queue_finish(c->database, &lease, &end, NULL, NULL, err);
    if (r == 0)
        controller_tell(c, "canceled", row->id, "", "");
    controller_forget(c, row);
    return r == -ESTALE ? 0 : r; /* its lease was lost, or another of its orders has ended it */
}

int controller_drop_stale(struct controller *c, struct error *err)
{
    CLEANUP_FREE struct order_row *rows = calloc(STALE_MAX, sizeof *rows);
    size_t count = 0;
    int r = rows == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders")
                         : journal_list_stale(c->database, rows, STALE_MAX, &count, err);

    if (r == 0 && count > 0)
        array_cancel(c, rows, count);
    for (size_t i = 0; r == 0 && i < count; i++)
        r = drop(c, &rows[i], err);
    return r;
}
