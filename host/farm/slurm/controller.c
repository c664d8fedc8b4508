/* SPDX-License-Identifier: Apache-2.0 */
/* The controller of a farm on Slurm: its beginning, its rounds, its end. */
#include "host/farm/slurm/internal.h"

#include "base/io.h"
#include "base/lock.h"
#include "host/attest/text.h"
#include "host/farm/folder.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define ROUND_MS      200u
#define POLL_MS       2000u
#define REFRESH_MS    60000u
#define REAP_MS       10000u
#define UNDECIDED_MAX 64u
#define TELL_MAX      4096u
#define LOCK_NAME     "slurm.lock"

static volatile sig_atomic_t stop_number;

static void on_stop(int number)
{
    stop_number = number;
}

/* --- telling ----------------------------------------------------------------------------------------------------- */

void controller_tell(struct controller *c, const char *event, const char *job, const char *node, const char *text)
{
    CLEANUP_BUFFER struct buffer line = buffer_with_limit(TELL_MAX), harmless = buffer_with_limit(QUEUE_REASON_SIZE);
    CLEANUP_JSON json_t *object = NULL;

    if (c->events == NULL || text_escape(text, QUEUE_REASON_SIZE - 1, &harmless) < 0 ||
        buffer_append_u8(&harmless, 0) < 0)
        return;
    object = json_pack("{s:s, s:s, s:s, s:s, s:I}", "event", event, "job", job, "node", node, "text",
                       (const char *)harmless.data, "time", (json_int_t)time(NULL));
    if (object == NULL || json_canonical_encode(object, &line) < 0 || buffer_append_u8(&line, '\n') < 0)
        return;
    (void)fwrite(line.data, 1, line.size, c->events);
    (void)fflush(c->events);
}

int controller_beat(void *context, struct error *err)
{
    struct controller *c = context;

    if (io_now_ns() - c->last_beat_ns < QUEUE_BEAT_MS / 2 * IO_NS_PER_MS)
        return 0;
    c->last_beat_ns = io_now_ns();
    return journal_beat(c->database, c->worker, err);
}

/* --- its beginning ----------------------------------------------------------------------------------------------- */

/* A controller that was killed lives on for moments in what it forked for Slurm's programs. */
static int lock_farm(struct controller *c, struct error *err)
{
    char path[PATH_MAX];
    int r = folder_path(c->folder, LOCK_NAME, path, err);

    if (r < 0)
        return r;
    c->farm_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (c->farm_lock < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    r = lock_take(c->farm_lock, LOCK_WAIT_MOMENTS_MS);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: another `lazaret batch --slurm` has this farm", path);
    return 0;
}

static int open_events(struct controller *c, struct error *err)
{
    char path[PATH_MAX];
    int fd, r = folder_path(c->folder, EVENTS_NAME, path, err);

    if (r < 0)
        return r;
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    c->events = fd < 0 ? NULL : fdopen(fd, "a");
    return c->events != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
}

static bool is_alive(void *context, const char *name)
{
    const struct controller *c = context;

    return strcmp(name, c->worker) == 0 || folder_worker_lives(c->folder, name);
}

/* What a controller that died has left to decide. */
static int decide_what_was_left(struct controller *c, struct error *err)
{
    CLEANUP_FREE struct order_row *rows = calloc(UNDECIDED_MAX, sizeof *rows);
    size_t count = 0;
    int r = rows == NULL ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for orders")
                         : journal_list_undecided(c->database, rows, UNDECIDED_MAX, &count, err);

    for (size_t i = 0; r == 0 && i < count; i++)
        r = controller_decide(c, &rows[i], err);
    return r;
}

static int resume(struct controller *c, struct error *err)
{
    int r = journal_adopt_leases(c->database, c->worker, err);

    if (r == 0)
        r = nodes_refresh(c->nodes, c->database, err);
    if (r == 0)
        r = controller_drop_stale(c, err);
    if (r == 0)
        r = decide_what_was_left(c, err);
    return r;
}

/* The share of results that is evaluated again needs somebody else to do so. */
static int begin(struct controller *c, struct error *err)
{
    int r = lock_farm(c, err);

    if (r == 0)
        r = database_open(c->folder, false, &c->database, err);
    if (r == 0)
        r = journal_open(c->database, c->batch, err);
    if (r == 0)
        r = share_open(c->options->shared, c->batch, &c->share, err);
    if (r == 0)
        r = open_events(c, err);
    if (r == 0)
        r = folder_claim_worker(c->folder, c->worker, &c->lock, err);
    if (r == 0)
        r = content_new(&c->content, err);
    if (r == 0)
        r = nodes_new(c->options, c->folder, &c->nodes, err);
    if (r == 0)
        r = controller_log_open(c, err);
    return r < 0 ? r : resume(c, err);
}

static void end(struct controller *c)
{
    uint64_t open = 1;

    if (c->database != NULL && c->share.orders >= 0 && journal_count_open(c->database, &open, NULL) == 0 && open == 0)
        share_remove_all(&c->share);
    share_close(&c->share);
    controller_log_close(c);
    nodes_free(c->nodes);
    content_free(c->content);
    database_close(c->database);
    if (c->events != NULL)
        (void)fclose(c->events);
    if (c->lock >= 0) {
        (void)close(c->lock);
        (void)folder_worker_lives(c->folder, c->worker); /* removes the file */
    }
    if (c->farm_lock >= 0)
        (void)close(c->farm_lock);
}

/* --- its rounds -------------------------------------------------------------------------------------------------- */

struct times {
    uint64_t look, poll, refresh, reap;
};

static bool is_due(uint64_t *when, uint64_t every_ms)
{
    if (io_now_ns() < *when)
        return false;
    *when = io_deadline_ms(every_ms);
    return true;
}

/* slurmctld that does not answer for a while costs nothing. */
static void refresh(struct controller *c)
{
    struct error trouble = {0};

    if (nodes_refresh(c->nodes, c->database, &trouble) < 0)
        controller_tell(c, "slurm-silent", "", "", trouble.text);
}

static int round_once(struct controller *c, struct times *times, struct error *err)
{
    int r = controller_beat(c, err);

    if (r == 0 && is_due(&times->reap, REAP_MS))
        r = queue_reap(c->database, is_alive, c, err);
    if (r >= 0 && is_due(&times->refresh, REFRESH_MS))
        refresh(c);
    if (r >= 0)
        r = controller_drop_stale(c, err);
    if (r == 0)
        r = controller_collect(c, err);
    if (r == 0 && is_due(&times->poll, POLL_MS))
        r = controller_poll(c, err);
    if (r == 0)
        r = controller_fill(c, err);
    if (r == 0 && is_due(&times->look, POOL_LOOK_MS))
        r = c->pool->look(c->pool->context, false, err);
    return r;
}

static int is_finished(struct controller *c, bool *ret_finished, struct error *err)
{
    struct queue_counts counts;
    uint64_t open = 0;
    int r = queue_count(c->database, &counts, err);

    if (r == 0)
        r = journal_count_open(c->database, &open, err);
    *ret_finished = r == 0 && counts.states[QUEUE_QUEUED] == 0 && counts.states[QUEUE_RUNNING] == 0 && open == 0;
    return r;
}

static int work(struct controller *c, struct error *err)
{
    const struct timespec pause = {.tv_nsec = ROUND_MS * (long)IO_NS_PER_MS};
    struct times times = {.refresh = io_deadline_ms(REFRESH_MS)};
    bool finished = false;
    int r = 0;

    while (r == 0 && *c->stop == 0 && !finished) {
        r = round_once(c, &times, err);
        if (r == 0 && c->pool->until_empty)
            r = is_finished(c, &finished, err);
        if (r == 0 && !finished)
            (void)nanosleep(&pause, NULL);
    }
    if (r == 0 && finished)
        r = controller_poll(c, err); /* ends the last arrays */
    return r < 0 ? r : c->pool->look(c->pool->context, true, err);
}

int slurm_run(const struct slurm_options *options, const struct pool_options *pool, bool *ret_stopped,
              struct error *err)
{
    CLEANUP_FREE struct controller *c = calloc(1, sizeof *c);
    const struct sigaction stop = {.sa_handler = on_stop};
    struct sigaction before[2];
    int r;

    if (c == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the controller");
    *c = (struct controller){
        .options = options,
        .pool = pool,
        .folder = pool->folder,
        .share = {.orders = -1, .results = -1, .records = -1, .logs = -1},
        .lock = -1,
        .farm_lock = -1,
        .stop = &stop_number,
    };
    stop_number = 0;
    (void)sigaction(SIGTERM, &stop, &before[0]);
    (void)sigaction(SIGINT, &stop, &before[1]);
    r = begin(c, err);
    if (r == 0)
        r = work(c, err);
    end(c);
    (void)sigaction(SIGTERM, &before[0], NULL);
    (void)sigaction(SIGINT, &before[1], NULL);
    *ret_stopped = stop_number != 0;
    return r;
}
