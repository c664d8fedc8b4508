/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: the life of one job after another. */
#include "host/farm/worker.h"

#include "base/io.h"
#include "host/farm/attempt.h"
#include "host/farm/content.h"
#include "host/farm/database.h"
#include "host/farm/folder.h"
#include "host/farm/job_line.h"
#include "host/farm/judge.h"
#include "host/json/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define IDLE_MS      100 /* between looks at an empty queue */
#define TOKEN_DIGITS 16u
#define PATIENCE_MS  45000u /* without a beat: less than a lease is good for */
#define PAUSE_MS     250u   /* after a failed attempt; twice as long after each further one */
#define PAUSE_MAX_MS 30000u

struct worker {
    const struct worker_options *options;
    struct database *database;
    struct content *content;
    char name[QUEUE_WORKER_SIZE];
    int lock;
    char key_path[PATH_MAX];
};

/* The job at hand. */
struct task {
    struct worker *worker;
    struct queue_lease lease;
    json_t *description, *settings;
    struct content_facts facts;
    uint64_t last_beat_ns;
    char output[PATH_MAX]; /* attempts/ID.TOKEN */
    char result[PATH_MAX]; /* results/ID */
    char log[PATH_MAX];
};

/* --- ends ------------------------------------------------------------------------------------------------------- */

static int abort_job(struct task *task, const char *reason, uint64_t wall_ms, struct error *err)
{
    const struct queue_end end = {.state = QUEUE_ABORTED, .reason = reason, .wall_ms = wall_ms};

    return queue_finish(task->worker->database, &task->lease, &end, NULL, NULL, err);
}

/* Another attempt, after a pause that grows: what the machine lacks now it may have later. */
static int retry(struct task *task, const char *reason, struct error *err)
{
    unsigned shift = task->lease.attempt < 8 ? (unsigned)task->lease.attempt : 8;
    uint64_t pause = (uint64_t)PAUSE_MS << shift;
    int r = queue_give_back(task->worker->database, &task->lease, reason, err);

    for (pause = pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS; pause >= IDLE_MS && *task->worker->options->stop == 0;
         pause -= IDLE_MS)
        (void)nanosleep(&(struct timespec){.tv_nsec = IDLE_MS * (long)IO_NS_PER_MS}, NULL);
    return r;
}

/* By an error about the job itself: what is wrong with it stays wrong, what is wrong with the machine may pass. */
static int end_by_error(struct task *task, const struct error *trouble, struct error *err)
{
    char reason[QUEUE_REASON_SIZE];

    (void)snprintf(reason, sizeof reason, "%s", trouble->text);
    if (trouble->kind == ERROR_UNAVAILABLE || trouble->kind == ERROR_INTERNAL)
        return retry(task, reason, err);
    return abort_job(task, reason, 0, err);
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

/* Makes the attempt's result the job's. The place may be taken by nobody: two leases never hold at once. */
static int publish(void *context, struct error *err)
{
    const struct task *task = context;
    int r;

    if (renameat2(AT_FDCWD, task->output, AT_FDCWD, task->result, RENAME_NOREPLACE) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", task->result, strerror(errno));
    r = sync_folder(task->worker, FOLDER_RESULTS, err);
    return r < 0 ? r : sync_folder(task->worker, FOLDER_ATTEMPTS, err);
}

static int end_with(struct task *task, const struct judgement *judgement, const char *reused, bool in_place,
                    uint64_t wall_ms, struct error *err)
{
    const struct queue_end end = {
        .state = judge_state(judgement->outcome),
        .has_outcome = true,
        .outcome = judgement->outcome,
        .reason = judgement->reason,
        .reused = reused,
        .content = task->facts.content,
        .wall_ms = wall_ms,
    };

    return queue_finish(task->worker->database, &task->lease, &end, in_place ? NULL : publish, task, err);
}

/* --- results that are there already ------------------------------------------------------------------------------- */

/* An earlier attempt's whole result, whose worker died before it said so. 1 with its path, or 0. */
static int find_attempt(const struct task *task, char ret_path[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    size_t length = strlen(task->lease.id);
    const struct dirent *entry;
    int found = 0, r = folder_path(task->worker->options->folder, FOLDER_ATTEMPTS, folder, err);
    DIR *directory = r < 0 ? NULL : opendir(folder);

    if (directory == NULL)
        return r < 0 ? r : error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", folder, strerror(errno));
    while (found == 0 && (entry = readdir(directory)) != NULL)
        if (strncmp(entry->d_name, task->lease.id, length) == 0 && entry->d_name[length] == '.' &&
            strspn(entry->d_name + length + 1, "0123456789abcdef") == TOKEN_DIGITS &&
            entry->d_name[length + 1 + TOKEN_DIGITS] == '\0')
            found =
                folder_job_path(task->worker->options->folder, FOLDER_ATTEMPTS, entry->d_name, "", ret_path, err) == 0;
    (void)closedir(directory);
    return found;
}

/* Kept as evidence, under a name that nobody adopts. */
static void set_aside(const char *path)
{
    char kept[PATH_MAX];

    if ((size_t)snprintf(kept, sizeof kept, "%s.kept", path) < sizeof kept)
        (void)rename(path, kept);
}

/* The result that is in the job's place already. A folder there that is no result of this job is the user's, and stays.
 */
static int adopt_in_place(struct task *task, struct error *err)
{
    struct judgement judgement;
    struct error trouble = {0};
    char reason[QUEUE_REASON_SIZE];

    if (judge_result(task->result, task->worker->key_path, &task->facts, &judgement, &trouble) == 0)
        return end_with(task, &judgement, NULL, true, 0, err);
    (void)snprintf(reason, sizeof reason, "%.200s: there already, and no result of this job (%.200s); move it away",
                   task->result, trouble.text);
    return abort_job(task, reason, 0, err);
}

/*
 * Takes what a dead worker left: its result, in place or not yet. 1: the job has ended by it; 0: there is nothing that
 * serves. A result that is not of these inputs, or tells only that the machine failed, is set aside.
 */
static int adopt(struct task *task, struct error *err)
{
    struct judgement judgement;
    char path[PATH_MAX], fresh[PATH_MAX];
    int r;

    if (access(task->result, F_OK) == 0) {
        r = adopt_in_place(task, err);
        return r < 0 ? r : 1;
    }
    r = task->lease.attempt == 1 ? 0 : find_attempt(task, path, err);
    if (r <= 0)
        return r;
    if (judge_result(path, task->worker->key_path, &task->facts, &judgement, NULL) < 0 ||
        (judgement.machine_failed && !task->lease.last_attempt)) {
        set_aside(path);
        return 0;
    }
    memcpy(fresh, task->output, sizeof fresh);
    memcpy(task->output, path, sizeof path);
    r = end_with(task, &judgement, NULL, false, 0, err);
    memcpy(task->output, fresh, sizeof fresh);
    return r < 0 ? r : 1;
}

/* The same content has a verdict: verified again, it is this job's too. 1 or 0. */
static int reuse(struct task *task, const char *twin, struct error *err)
{
    struct judgement judgement;
    char path[PATH_MAX];
    int r = folder_job_path(task->worker->options->folder, FOLDER_RESULTS, twin, "", path, err);

    if (r < 0)
        return r;
    if (judge_result(path, task->worker->key_path, &task->facts, &judgement, NULL) < 0)
        return 0;
    r = end_with(task, &judgement, twin, true, 0, err);
    return r < 0 ? r : 1;
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
        set_aside(task->output);
        return retry(task, trouble.text, err);
    }
    if (judgement.machine_failed && !task->lease.last_attempt) {
        set_aside(task->output);
        return retry(task, judgement.reason, err);
    }
    return end_with(task, &judgement, NULL, false, end->wall_ms, err);
}

static int end_attempt(struct task *task, const struct attempt_end *end, struct error *err)
{
    char reason[QUEUE_REASON_SIZE];

    if (end->canceled)
        return abort_job(task, "canceled", end->wall_ms, err);
    if (end->signal == 0 && end->status <= 3)
        return end_by_result(task, end, err);
    if (end->signal != 0)
        (void)snprintf(reason, sizeof reason, "its process was killed by signal %d", end->signal);
    else
        (void)snprintf(reason, sizeof reason, "%s", end->said);
    if (end->signal != 0 || end->status > error_exit_status(ERROR_NO_INPUT))
        return retry(task, reason, err);
    return abort_job(task, reason, end->wall_ms, err);
}

static int make_attempt(struct task *task, struct error *err)
{
    const struct attempt_order order = {
        .description = task->description, .settings = task->settings, .output = task->output, .log = task->log};
    struct attempt_end end;
    int r = attempt_run(&order, watch, task, &end, err);

    return r < 0 ? r : end_attempt(task, &end, err);
}

/* --- a job ---------------------------------------------------------------------------------------------------------
 */

static int place(struct task *task, struct error *err)
{
    const char *folder = task->worker->options->folder, *id = task->lease.id;
    char token[TOKEN_DIGITS + 2];
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
    return found == QUEUE_UNDER_WAY ? 1 : reuse(task, twin, err);
}

static int refuse(struct task *task, struct error *err)
{
    const struct queue_resources *needs = &task->lease.needs, *machine = &task->worker->options->machine;
    char reason[QUEUE_REASON_SIZE];

    (void)snprintf(reason, sizeof reason,
                   "never fits here: it needs %" PRIu64 " MiB and %" PRIu64 " cores, of %" PRIu64 " MiB and %" PRIu64,
                   needs->memory_mib, needs->cores, machine->memory_mib, machine->cores);
    return abort_job(task, reason, 0, err);
}

static int do_job(struct task *task, struct error *err)
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
        return abort_job(task, "canceled", 0, err);
    if (r < 0)
        return end_by_error(task, &trouble, err);
    r = adopt(task, err);
    if (r == 0)
        r = look_for_twin(task, err);
    if (r != 0)
        return r < 0 ? r : 0;
    return make_attempt(task, err);
}

static bool is_alive(void *context, const char *name)
{
    const struct worker *worker = context;

    return strcmp(name, worker->name) == 0 || folder_worker_lives(worker->options->folder, name);
}

/* One job from the queue: 1, or 0 where there is none. A lost lease is not ours to mourn. */
static int work_once(struct worker *worker, struct error *err)
{
    struct task task = {.worker = worker};
    int r = queue_reap(worker->database, is_alive, worker, err);

    if (r >= 0)
        r = queue_take(worker->database, worker->name, &worker->options->machine, &task.lease, err);
    if (r <= 0)
        return r;
    r = do_job(&task, err);
    json_decref(task.description);
    json_decref(task.settings);
    queue_lease_clear(&task.lease);
    return r < 0 && r != -ESTALE ? r : 1;
}

static int work(struct worker *worker, struct error *err)
{
    const struct timespec pause = {.tv_nsec = IDLE_MS * (long)IO_NS_PER_MS};
    bool empty = false;

    while (*worker->options->stop == 0 && !empty) {
        int r = work_once(worker, err);

        if (r == 0 && worker->options->until_empty)
            r = queue_is_empty(worker->database, &empty, err);
        if (r < 0)
            return r;
        if (r == 0 && !empty)
            (void)nanosleep(&pause, NULL);
    }
    return 0;
}

int worker_run(const struct worker_options *options, struct error *err)
{
    struct worker worker = {.options = options, .lock = -1};
    int r = folder_path(options->folder, FOLDER_KEY, worker.key_path, err);

    if (r == 0)
        r = folder_claim_worker(options->folder, worker.name, &worker.lock, err);
    if (r == 0)
        r = database_open(options->folder, false, &worker.database, err);
    if (r == 0)
        r = content_new(&worker.content, err);
    if (r == 0)
        r = work(&worker, err);
    content_free(worker.content);
    database_close(worker.database);
    if (worker.lock >= 0) {
        (void)close(worker.lock);
        (void)folder_worker_lives(options->folder, worker.name); /* removes the file */
    }
    return r;
}
