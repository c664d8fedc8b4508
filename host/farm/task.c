/* SPDX-License-Identifier: Apache-2.0 */
/* One job: taken up, evaluated, ended. */
#include "host/farm/task.h"

#include "base/io.h"
#include "host/farm/attempt.h"
#include "host/farm/folder.h"
#include "host/farm/job_line.h"
#include "host/json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATIENCE_MS   45000u /* without a beat: less than a lease is good for */
#define PAUSE_MS      250u   /* after a failed attempt; twice as long after each further one */
#define PAUSE_MAX_MS  30000u
#define PAUSE_STEP_MS 100u

/* --- ends ------------------------------------------------------------------------------------------------------- */

int task_abort(struct task *task, const char *reason, uint64_t wall_ms, struct error *err)
{
    const struct queue_end end = {.state = QUEUE_ABORTED, .reason = reason, .wall_ms = wall_ms};

    return queue_finish(task->worker->database, &task->lease, &end, NULL, NULL, err);
}

int task_retry(struct task *task, const char *reason, struct error *err)
{
    unsigned shift = task->lease.attempt < 8 ? (unsigned)task->lease.attempt : 8;
    uint64_t pause = (uint64_t)PAUSE_MS << shift;
    int r = queue_give_back(task->worker->database, &task->lease, reason, err);

    for (pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
         pause >= PAUSE_STEP_MS && *task->worker->options->stop == 0; pause -= PAUSE_STEP_MS)
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_STEP_MS * (long)IO_NS_PER_MS}, NULL);
    return r;
}

/* By an error about the job itself: what is wrong with it stays wrong, what is wrong with the machine may pass. */
static int end_by_error(struct task *task, const struct error *trouble, struct error *err)
{
    if (trouble->kind == ERROR_UNAVAILABLE || trouble->kind == ERROR_INTERNAL)
        return task_retry(task, trouble->text, err);
    return task_abort(task, trouble->text, 0, err);
}

static int sync_folder(const struct worker *worker, const char *part, struct error *err)
{
    char path[PATH_MAX];
    CLEANUP_FD int fd = -1;
    int r = folder_path(worker->options->folder, part, path, err);

    if (r < 0)
        return r;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    return 0;
}

/* A result on its way to the job's place. */
struct publication {
    const struct task *task;
    const char *path;
};

/* Makes it the job's. The place may be taken by nobody: two leases never hold at once. */
static int publish(void *context, struct error *err)
{
    const struct publication *publication = context;
    const struct task *task = publication->task;
    int r;

    if (renameat2(AT_FDCWD, publication->path, AT_FDCWD, task->result, RENAME_NOREPLACE) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", task->result, strerror(errno));
    r = sync_folder(task->worker, FOLDER_RESULTS, err);
    return r < 0 ? r : sync_folder(task->worker, FOLDER_ATTEMPTS, err);
}

int task_end(struct task *task, const struct judgement *judgement, const char *reused, const char *path,
             uint64_t wall_ms, struct error *err)
{
    struct publication publication = {.task = task, .path = path};
    const struct queue_end end = {
        .state = judge_state(judgement->outcome),
        .has_outcome = true,
        .outcome = judgement->outcome,
        .reason = judgement->reason,
        .reused = reused,
        .content = task->facts.content,
        .wall_ms = wall_ms,
    };

    return queue_finish(task->worker->database, &task->lease, &end, path != NULL ? publish : NULL, &publication, err);
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

static int end_by_result(struct task *task, const struct attempt_end *end, struct error *err)
{
    struct judgement judgement;
    struct error trouble = {0};

    if (judge_result(task->output, task->worker->key_path, &task->facts, &judgement, &trouble) < 0) {
        task_set_aside(task->output);
        return task_retry(task, trouble.text, err);
    }
    if (judgement.machine_failed && !task->lease.last_attempt) {
        task_set_aside(task->output);
        return task_retry(task, judgement.reason, err);
    }
    return task_end(task, &judgement, NULL, task->output, end->wall_ms, err);
}

static int end_attempt(struct task *task, const struct attempt_end *end, struct error *err)
{
    char reason[QUEUE_REASON_SIZE];

    if (end->canceled)
        return task_abort(task, "canceled", end->wall_ms, err);
    if (end->signal == 0 && end->status <= 3)
        return end_by_result(task, end, err);
    if (end->signal != 0)
        (void)snprintf(reason, sizeof reason, "its process was killed by signal %d", end->signal);
    else
        (void)snprintf(reason, sizeof reason, "%s", end->said);
    if (end->signal != 0 || end->status > error_exit_status(ERROR_NO_INPUT))
        return task_retry(task, reason, err);
    return task_abort(task, reason, end->wall_ms, err);
}

static int make_attempt(struct task *task, struct error *err)
{
    const struct attempt_order order = {
        .description = task->description,
        .settings = task->settings,
        .device = task->lease.device,
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
        r = folder_job_path(folder, FOLDER_RESULTS, id, "", task->result, err);
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

/* The job goes back behind one of the same content that runs, or ends by its result: 1; 0: it is to be evaluated. */
static int look_for_twin(struct task *task, struct error *err)
{
    char twin[QUEUE_ID_MAX + 1];
    enum queue_content found;
    int r;

    if (task->worker->options->force)
        return 0;
    r = queue_claim(task->worker->database, &task->lease, task->facts.content, &found, twin, err);
    if (r < 0 || found == QUEUE_FRESH)
        return r;
    return found == QUEUE_UNDER_WAY ? 1 : task_reuse(task, twin, err);
}

static int refuse(struct task *task, struct error *err)
{
    const struct queue_resources *needs = &task->lease.needs, *whole = &task->worker->machine.whole;
    char reason[QUEUE_REASON_SIZE];

    (void)snprintf(reason, sizeof reason,
                   "never fits here: it needs %" PRIu64 " MiB, %" PRIu64 " cores and %" PRIu64 " GPUs, of %" PRIu64
                   " MiB, %" PRIu64 " and %" PRIu64,
                   needs->memory_mib, needs->cores, needs->gpus, whole->memory_mib, whole->cores, whole->gpus);
    return task_abort(task, reason, 0, err);
}

int task_run(struct task *task, struct error *err)
{
    struct error trouble = {0};
    int r;

    task->last_beat_ns = io_now_ns();
    if (task->lease.never_fits)
        return refuse(task, err);
    r = place(task, &trouble);
    if (r == 0)
        r = understand(task, &trouble);
    if (r == 1)
        return task_abort(task, "canceled", 0, err);
    if (r < 0)
        return end_by_error(task, &trouble, err);
    r = task_adopt(task, err);
    if (r == 0)
        r = look_for_twin(task, err);
    if (r != 0)
        return r < 0 ? r : 0;
    return make_attempt(task, err);
}
