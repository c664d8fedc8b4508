/* SPDX-License-Identifier: Apache-2.0 */
/* A worker: one job after another. */
#include "host/farm/worker.h"

#include "base/io.h"
#include "host/farm/cost.h"
#include "host/farm/folder.h"
#include "host/farm/task.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define IDLE_MS 100 /* between looks at a queue that has nothing to take */

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
        r = queue_take(worker->database, worker->name, &worker->machine, &task.lease, err);
    if (r <= 0)
        return r;
    r = task_run(&task, err);
    json_decref(task.description);
    json_decref(task.settings);
    queue_lease_clear(&task.lease);
    return r < 0 && r != -ESTALE ? r : 1;
}

/*
 * Nothing could be taken. Where nothing of ours runs either, what is queued waits for memory that others have: that is
 * measured again.
 */
static int look_around(struct worker *worker, bool *ret_empty, struct error *err)
{
    struct queue_machine machine;
    struct queue_counts counts;
    int r = queue_count(worker->database, &counts, err);

    if (r < 0)
        return r;
    *ret_empty = worker->options->until_empty && counts.states[QUEUE_QUEUED] == 0 && counts.states[QUEUE_RUNNING] == 0;
    if (worker->options->memory_is_given || counts.states[QUEUE_QUEUED] == 0 || counts.states[QUEUE_RUNNING] > 0)
        return 0;
    r = cost_of_machine(&machine, err);
    if (r == 0)
        worker->machine.now.memory_mib = machine.now.memory_mib;
    return r;
}

static int work(struct worker *worker, struct error *err)
{
    const struct timespec pause = {.tv_nsec = IDLE_MS * (long)IO_NS_PER_MS};
    bool empty = false;

    while (*worker->options->stop == 0 && !empty) {
        int r = work_once(worker, err);

        if (r == 0)
            r = look_around(worker, &empty, err);
        if (r < 0)
            return r;
        if (r == 0 && !empty)
            (void)nanosleep(&pause, NULL);
    }
    return 0;
}

int worker_run(const struct worker_options *options, struct error *err)
{
    struct worker worker = {.options = options, .machine = options->machine, .lock = -1};
    int r = folder_path(options->folder, FOLDER_KEY, worker.key_path, err);

    if (r == 0)
        r = folder_claim_worker(options->folder, worker.name, &worker.lock, err);
    if (r == 0)
        r = database_open(options->folder, false, &worker.database, err);
    if (r == 0)
        r = content_new(&worker.content, err);
    if (r == 0)
        r = kept_new(worker.content, &worker.kept, err);
    if (r == 0)
        r = work(&worker, err);
    kept_free(worker.kept);
    content_free(worker.content);
    database_close(worker.database);
    if (worker.lock >= 0) {
        (void)close(worker.lock);
        (void)folder_worker_lives(options->folder, worker.name); /* removes the file */
    }
    return r;
}
