/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: which job is next, and for whom. */
#include "host/farm/clock.h"
#include "host/farm/queue_internal.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CANDIDATES_MAX 256 /* queued jobs that are looked at for one that fits */

void queue_lease_clear(struct queue_lease *lease)
{
    free(lease->description);
    free(lease->settings);
    *lease = (struct queue_lease){0};
}

static bool fits(const struct queue_resources *needs, const struct queue_resources *room)
{
    return needs->memory_mib <= room->memory_mib && needs->cores <= room->cores && needs->gpus <= room->gpus;
}

static uint64_t less(uint64_t all, uint64_t used)
{
    return used < all ? all - used : 0;
}

/* What the running jobs leave. */
static int measure_room(struct database *database, const struct queue_resources *machine,
                        struct queue_resources *ret_room, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(
        database,
        "SELECT coalesce(sum(memory), 0), coalesce(sum(cores), 0), coalesce(sum(gpus), 0) FROM jobs WHERE state = 1",
        &statement, err);

    if (r == 0)
        r = database_step(database, statement, err);
    if (r < 0)
        return r;
    ret_room->memory_mib = less(machine->memory_mib, (uint64_t)sqlite3_column_int64(statement, 0));
    ret_room->cores = less(machine->cores, (uint64_t)sqlite3_column_int64(statement, 1));
    ret_room->gpus = less(machine->gpus, (uint64_t)sqlite3_column_int64(statement, 2));
    database_reset(statement);
    return 0;
}

static int copy_column(sqlite3_stmt *statement, int column, char **ret_text)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);

    *ret_text = text != NULL ? strdup(text) : NULL;
    return *ret_text != NULL ? 0 : -ENOMEM;
}

static int read_candidate(sqlite3_stmt *statement, struct queue_lease *ret_lease, struct error *err)
{
    ret_lease->seq = sqlite3_column_int64(statement, 0);
    (void)snprintf(ret_lease->id, sizeof ret_lease->id, "%s", (const char *)sqlite3_column_text(statement, 1));
    ret_lease->attempt = sqlite3_column_int(statement, 4) + 1;
    ret_lease->last_attempt = ret_lease->attempt - sqlite3_column_int(statement, 8) >= QUEUE_ATTEMPTS_MAX;
    if (copy_column(statement, 5, &ret_lease->description) < 0 || copy_column(statement, 6, &ret_lease->settings) < 0) {
        queue_lease_clear(ret_lease);
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a job");
    }
    return 0;
}

/*
 * The first job that fits beside the others, or that never will; *ret_before is how many were passed over for it. A job
 * that has been passed over too often lets nobody by.
 */
static int choose(struct database *database, const struct queue_resources *whole, const struct queue_resources *room,
                  struct queue_lease *ret_lease, int *ret_before, struct error *err)
{
    sqlite3_stmt *statement;
    int seen = 0;
    int r = database_statement(
        database,
        "SELECT seq, jobs.id, memory, cores, attempts, description, settings.text, passed_over, lost,"
        " gpus FROM jobs JOIN settings ON settings.id = jobs.settings"
        " WHERE state = 0 AND waits_for IS NULL ORDER BY priority DESC, seq",
        &statement, err);

    while (r == 0 && seen < CANDIDATES_MAX) {
        r = database_step(database, statement, err);
        if (r <= 0)
            return r;
        ret_lease->needs.memory_mib = (uint64_t)sqlite3_column_int64(statement, 2);
        ret_lease->needs.cores = (uint64_t)sqlite3_column_int64(statement, 3);
        ret_lease->needs.gpus = (uint64_t)sqlite3_column_int64(statement, 9);
        ret_lease->never_fits = !fits(&ret_lease->needs, whole);
        if (ret_lease->never_fits || fits(&ret_lease->needs, room)) {
            r = read_candidate(statement, ret_lease, err);
            *ret_before = seen;
            database_reset(statement);
            return r < 0 ? r : 1;
        }
        r = 0;
        if (sqlite3_column_int(statement, 7) >= QUEUE_PASSED_OVER_MAX)
            break;
        seen++;
    }
    if (r == 0)
        database_reset(statement);
    return r;
}

/* The jobs that stood before the one that was taken. */
static int note_passed_over(struct database *database, int count, struct error *err)
{
    sqlite3_stmt *statement;
    int r;

    if (count == 0)
        return 0;
    r = database_statement(database,
                           "UPDATE jobs SET passed_over = passed_over + 1 WHERE seq IN (SELECT seq FROM jobs"
                           " WHERE state = 0 AND waits_for IS NULL ORDER BY priority DESC, seq LIMIT ?1)",
                           &statement, err);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int(statement, 1, count);
    return database_step(database, statement, err);
}

static int64_t new_token(void)
{
    int64_t token = 0;

    while (getrandom(&token, sizeof token, 0) != (ssize_t)sizeof token)
        ;
    return token & INT64_MAX;
}

static int mark_running(struct database *database, const char *worker, const struct queue_lease *lease,
                        struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database,
                               "UPDATE jobs SET state = 1, worker = ?2, token = ?3, beat = ?4, boot = ?5,"
                               " device = ?7, started = coalesce(started, ?6) WHERE seq = ?1",
                               &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(statement, 1, lease->seq);
    (void)sqlite3_bind_text(statement, 2, worker, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 3, lease->token);
    (void)sqlite3_bind_int64(statement, 4, clock_boot_ms());
    (void)sqlite3_bind_text(statement, 5, clock_boot_id(), -1, SQLITE_STATIC);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)time(NULL));
    if (lease->device[0] != '\0')
        (void)sqlite3_bind_text(statement, 7, lease->device, -1, SQLITE_STATIC);
    return database_step(database, statement, err);
}

static int is_lent(struct database *database, const char *device, struct error *err)
{
    sqlite3_stmt *statement;
    int r = database_statement(database, "SELECT 1 FROM jobs WHERE state = 1 AND device = ?1", &statement, err);

    if (r < 0)
        return r;
    (void)sqlite3_bind_text(statement, 1, device, -1, SQLITE_STATIC);
    r = database_step(database, statement, err);
    if (r == 1)
        database_reset(statement);
    return r;
}

/* One of the machine's GPUs that no running job has; room was counted, so there is one. */
static int choose_device(struct database *database, const struct queue_machine *machine, struct queue_lease *lease,
                         struct error *err)
{
    if (lease->needs.gpus == 0 || lease->never_fits)
        return 0;
    for (uint64_t i = 0; i < machine->now.gpus && i < QUEUE_DEVICES_MAX; i++) {
        int r = is_lent(database, machine->devices[i], err);

        if (r < 0)
            return r;
        if (r == 0) {
            memcpy(lease->device, machine->devices[i], sizeof lease->device);
            return 0;
        }
    }
    return error_set(err, ERROR_INTERNAL, -ENODEV, "no GPU is left for job %s", lease->id);
}

static int take(struct database *database, const char *worker, const struct queue_machine *machine,
                struct queue_lease *lease, struct error *err)
{
    static const struct queue_tally queued = {.state = QUEUE_QUEUED, .outcome = -1},
                                    running = {.state = QUEUE_RUNNING, .outcome = -1};
    struct queue_resources room = {0};
    int before = 0;
    int r = measure_room(database, &machine->now, &room, err);

    if (r == 0)
        r = choose(database, &machine->whole, &room, lease, &before, err);
    if (r <= 0)
        return r;
    r = choose_device(database, machine, lease, err);
    if (r == 0)
        r = queue_tally_move(database, &queued, &running, err);
    if (r < 0)
        return r;
    lease->token = new_token();
    /* First, as afterwards it is no longer among the queued. */
    r = note_passed_over(database, before, err);
    if (r == 0)
        r = mark_running(database, worker, lease, err);
    return r < 0 ? r : 1;
}

int queue_take(struct database *database, const char *worker, const struct queue_machine *machine,
               struct queue_lease *ret_lease, struct error *err)
{
    struct queue_lease lease = {0};
    int taken = 0, r = database_begin(database, err);

    if (r == 0)
        taken = take(database, worker, machine, &lease, err);
    if (r == 0 && taken >= 0)
        r = database_commit(database, err);
    if (r < 0 || taken < 0) {
        database_rollback(database);
        queue_lease_clear(&lease);
        return r < 0 ? r : taken;
    }
    if (taken == 1)
        *ret_lease = lease;
    return taken;
}
