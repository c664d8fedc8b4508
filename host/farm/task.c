/* SPDX-License-Identifier: Apache-2.0 */
/* One job: taken up, evaluated, ended. */
#include "host/farm/task.h"

#include "base/io.h"
#include "host/farm/attempt.h"
#include "host/farm/cost.h"
#include "host/farm/folder.h"
#include "host/farm/job_line.h"
#include "host/json/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS   45000u /* without a beat: less than a lease is good for */
#define PAUSE_MS      250u   /* after a failed attempt; twice as long after each further one */
#define PAUSE_MAX_MS  30000u
#define PAUSE_STEP_MS 100u

/* --- ends ------------------------------------------------------------------------------------------------------- */

static int judge_own(void *context, const char *path, struct judgement *ret_judgement, struct error *err)
{
    const struct task *task = context;

    return judge_result(path, task->worker->key_path, &task->facts, ret_judgement, err);
}

struct settlement task_settlement(struct task *task)
{
    return (struct settlement){
        .database = task->worker->database,
        .folder = task->worker->options->folder,
        .lease = &task->lease,
        .facts = &task->facts,
        .force = task->worker->options->force,
        .judge = judge_own,
        .context = task,
    };
}

static int abort_task(struct task *task, const char *reason, uint64_t wall_ms, struct error *err)
{
    const struct settlement settlement = task_settlement(task);

    return settle_abort(&settlement, reason, wall_ms, err);
}

/* What the machine lacks now it may have later: a pause that grows. */
static void pause_after(const struct task *task)
{
    unsigned shift = task->lease.attempt < 8 ? (unsigned)task->lease.attempt : 8;
    uint64_t pause = (uint64_t)PAUSE_MS << shift;

    for (pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
         pause >= PAUSE_STEP_MS && *task->worker->options->stop == 0; pause -= PAUSE_STEP_MS)
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_STEP_MS * (long)IO_NS_PER_MS}, NULL);
}

static int retry(struct task *task, const char *reason, struct error *err)
{
    int r = queue_give_back(task->worker->database, &task->lease, reason, err);

    pause_after(task);
    return r;
}

static int end_by_error(struct task *task, const struct error *trouble, struct error *err)
{
    const struct settlement settlement = task_settlement(task);
    int r = settle_by_error(&settlement, trouble, err);

    if (r == 1)
        pause_after(task);
    return r < 0 ? r : 0;
}

/* A result on its way to the job's place. */
struct publication {
    const struct task *task;
    const char *path;
};

static int publish(void *context, struct error *err)
{
    const struct publication *publication = context;

    return settle_publish(publication->task->worker->options->folder, publication->path, publication->task->lease.id,
                          err);
}

int task_end_by(struct task *task, const struct judgement *judgement, const char *path, uint64_t wall_ms,
                struct error *err)
{
    const struct settlement settlement = task_settlement(task);
    struct publication publication = {.task = task, .path = path};

    return settle_by_result(&settlement, judgement, NULL, wall_ms, publish, &publication, err);
}

/* --- an attempt -------------------------------------------------------------------------------------------------- */

/* A queue that can't be reached for a moment (a full disk, another's long transaction) costs no attempt. */
static int watch(void *context, struct error *err)
{
    struct task *task = context;
    int r = queue_beat(task->worker->database, &task->lease, err);

    if (r >= 0) {
        task->last_beat_ns = io_now_ns();
        return r;
    }
    return r != -ESTALE && io_now_ns() - task->last_beat_ns < PATIENCE_MS * IO_NS_PER_MS ? 0 : r;
}

/* Its guest's memory was too small: once more with twice as much, where that is to be had. 1, or 0. */
static int try_larger(struct task *task, const struct judgement *judgement, struct error *err)
{
    uint64_t memory_mib = 0;
    char reason[QUEUE_REASON_SIZE];
    int r;

    if (!cost_raise(&task->lease, task->description, task->settings, task->worker->machine.whole.memory_mib,
                    &memory_mib))
        return 0;
    task_set_aside(task->output);
    (void)snprintf(reason, sizeof reason, "once more, with %" PRIu64 " MiB: %.400s", memory_mib, judgement->reason);
    r = queue_give_back_larger(task->worker->database, &task->lease, memory_mib, reason, err);
    return r < 0 ? r : 1;
}

static int end_by_result(struct task *task, const struct attempt_end *end, struct error *err)
{
    struct judgement judgement;
    struct error trouble = {0};

    if (judge_result(task->output, task->worker->key_path, &task->facts, &judgement, &trouble) < 0) {
        task_set_aside(task->output);
        return retry(task, trouble.text, err);
    }
    if (judgement.machine_failed && !task->lease.last_attempt) {
        task_set_aside(task->output);
        return retry(task, judgement.reason, err);
    }
    if (judgement.out_of_memory) {
        int r = try_larger(task, &judgement, err);

        if (r != 0)
            return r < 0 ? r : 0;
    }
    return task_end_by(task, &judgement, task->output, end->wall_ms, err);
}

static int end_attempt(struct task *task, const struct attempt_end *end, struct error *err)
{
    char reason[QUEUE_REASON_SIZE];

    if (end->canceled)
        return abort_task(task, "canceled", end->wall_ms, err);
    if (end->signal == 0 && end->status <= 3)
        return end_by_result(task, end, err);
    if (end->signal != 0)
        (void)snprintf(reason, sizeof reason, "its process was killed by signal %d", end->signal);
    else
        (void)snprintf(reason, sizeof reason, "%s", end->said);
    if (end->signal != 0 || end->status > error_exit_status(ERROR_NO_INPUT))
        return retry(task, reason, err);
    return abort_task(task, reason, end->wall_ms, err);
}

static int make_attempt(struct task *task, struct error *err)
{
    const struct attempt_order order = {
        .description = task->description,
        .settings = task->settings,
        .device = task->lease.device,
        .memory_mib = cost_guest_mib(&task->lease.needs, task->description, task->settings),
        .loan = kept_lend(task->worker->kept, task->description),
        .output = task->output,
        .log = task->log,
    };
    struct attempt_end end;
    int r = attempt_run(&order, watch, task, &end, err);

    return r < 0 ? r : end_attempt(task, &end, err);
}

/* --- a job ---------------------------------------------------------------------------------------------------------
 */

static int place(struct task *task, struct error *err)
{
    const char *folder = task->worker->options->folder, *id = task->lease.id;
    char token[TASK_TOKEN_DIGITS + 2];
    int r;

    (void)snprintf(token, sizeof token, ".%016" PRIx64, (uint64_t)task->lease.token);
    r = folder_job_path(folder, FOLDER_ATTEMPTS, id, token, task->output, err);
    if (r == 0)
        r = folder_job_path(folder, FOLDER_LOGS, id, ".log", task->log, err);
    return r;
}

/* What the queue says of it, and what its files are. */
static int understand(struct task *task, struct error *err)
{
    const struct queue_lease *lease = &task->lease;
    const char *folder;
    int r = json_read(lease->description, strlen(lease->description), QUEUE_DESCRIPTION_MAX, lease->id,
                      &task->description, err);

    if (r == 0)
        r = json_read(lease->settings, strlen(lease->settings), QUEUE_SETTINGS_MAX, lease->id, &task->settings, err);
    if (r < 0)
        return r;
    folder = json_string_value(json_object_get(task->description, JOB_FOLDER));
    if (folder == NULL || chdir(folder) < 0)
        return error_set(err, ERROR_NO_INPUT, -ENOENT, "%s: %s", folder != NULL ? folder : "?", strerror(errno));
    return content_of(task->worker->content, task->description, lease->settings, watch, task, &task->facts, err);
}

static int refuse(struct task *task, struct error *err)
{
    const struct queue_resources *needs = &task->lease.needs, *whole = &task->worker->machine.whole;
    char reason[QUEUE_REASON_SIZE];

    (void)snprintf(reason, sizeof reason,
                   "never fits here: it needs %" PRIu64 " MiB, %" PRIu64 " cores and %" PRIu64 " GPUs, of %" PRIu64
                   " MiB, %" PRIu64 " and %" PRIu64,
                   needs->memory_mib, needs->cores, needs->gpus, whole->memory_mib, whole->cores, whole->gpus);
    return abort_task(task, reason, 0, err);
}

int task_run(struct task *task, struct error *err)
{
    const struct settlement settlement = task_settlement(task);
    struct error trouble = {0};
    int r;

    task->last_beat_ns = io_now_ns();
    if (task->lease.never_fits)
        return refuse(task, err);
    r = place(task, &trouble);
    if (r == 0)
        r = understand(task, &trouble);
    if (r == 1)
        return abort_task(task, "canceled", 0, err);
    if (r < 0)
        return end_by_error(task, &trouble, err);
    r = settle_in_place(&settlement, err);
    if (r == 0)
        r = task_adopt(task, err);
    if (r == 0)
        r = settle_by_twin(&settlement, err);
    if (r != 0)
        return r < 0 ? r : 0;
    return make_attempt(task, err);
}
