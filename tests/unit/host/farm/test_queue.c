/* SPDX-License-Identifier: Apache-2.0 */
/* The queue: order, room, leases lost and kept, what is done once only; and databases that are none of ours. */
#include "unit/harness.h"

#include "host/farm/queue.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct farm {
    char folder[32];
    struct database *database;
    int64_t batch, settings;
};

static const struct queue_machine machine = {
    .now = {.memory_mib = 1000, .cores = 4, .gpus = 2},
    .whole = {.memory_mib = 2000, .cores = 4, .gpus = 2},
    .devices = {"0000:01:00.0", "0000:02:00.0"},
};

static void begin(struct farm *farm)
{
    struct error error = {0};

    memcpy(farm->folder, "/tmp/lazaret-queue-XXXXXX", sizeof "/tmp/lazaret-queue-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(farm->folder));
    CU_ASSERT_EQUAL_FATAL(database_open(farm->folder, true, &farm->database, &error), 0);
    CU_ASSERT_EQUAL_FATAL(queue_begin_batch(&farm->batch, &error), 0);
    CU_ASSERT_EQUAL_FATAL(queue_settings(farm->database, "[]", &farm->settings, &error), 0);
}

/* One number of the database, read beside the queue's own code. */
static int ask(const struct farm *farm, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *handle = NULL;
    char path[64];
    int value;

    (void)snprintf(path, sizeof path, "%s/farm.sqlite", farm->folder);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &handle), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_step(statement), SQLITE_ROW);
    value = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(handle);
    return value;
}

/* The tallies say what counting says. */
static void check_tallies(const struct farm *farm)
{
    CU_ASSERT_EQUAL(ask(farm, "SELECT count(*) FROM (SELECT state, coalesce(outcome, -1), count(*), count(reused)"
                              " FROM jobs GROUP BY 1, 2 EXCEPT SELECT * FROM tallies)"),
                    0);
    CU_ASSERT_EQUAL(ask(farm, "SELECT (SELECT coalesce(sum(jobs), 0) FROM tallies) - (SELECT count(*) FROM jobs)"), 0);
}

static void end(struct farm *farm)
{
    static const char *const names[] = {"farm.sqlite", "farm.sqlite-wal", "farm.sqlite-shm"};
    char path[64];

    if (farm->database != NULL)
        check_tallies(farm);
    database_close(farm->database);
    for (unsigned i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", farm->folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(farm->folder);
}

static enum queue_added add(struct farm *farm, const char *id, int priority, uint64_t memory_mib)
{
    const struct queue_entry entry = {.id = id,
                                      .description = "{}",
                                      .settings = farm->settings,
                                      .batch = farm->batch,
                                      .priority = priority,
                                      .needs = {.memory_mib = memory_mib, .cores = 1}};
    enum queue_added added = QUEUE_DUPLICATE;
    struct error error = {0};

    CU_ASSERT_EQUAL(queue_add(farm->database, &entry, 1, &added, &error), 0);
    return added;
}

/* Takes the next job; its id, or "" where there is none. */
static const char *take(struct farm *farm, struct queue_lease *ret_lease)
{
    static char id[QUEUE_ID_MAX + 1];
    struct error error = {0};
    int r = queue_take(farm->database, "worker", &machine, ret_lease, &error);

    CU_ASSERT(r >= 0);
    (void)snprintf(id, sizeof id, "%s", r == 1 ? ret_lease->id : "");
    return id;
}

static int finish(struct farm *farm, const struct queue_lease *lease, enum queue_state state)
{
    const struct queue_end done = {.state = state, .has_outcome = true, .outcome = OUTCOME_PASSED, .reason = ""};
    struct error error = {0};

    return queue_finish(farm->database, lease, &done, NULL, NULL, &error);
}

static bool is_dead(void *context, const char *worker)
{
    (void)context;
    (void)worker;
    return false;
}

static bool is_alive(void *context, const char *worker)
{
    (void)context;
    (void)worker;
    return true;
}

static void test_order(void)
{
    struct queue_lease leases[4] = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "late", 0, 10);
    (void)add(&farm, "later", 0, 10);
    (void)add(&farm, "urgent", 5, 10);
    CU_ASSERT_STRING_EQUAL(take(&farm, &leases[0]), "urgent");
    CU_ASSERT_STRING_EQUAL(take(&farm, &leases[1]), "late");
    CU_ASSERT_STRING_EQUAL(take(&farm, &leases[2]), "later");
    CU_ASSERT_STRING_EQUAL(take(&farm, &leases[3]), "");
    for (unsigned i = 0; i < 3; i++)
        queue_lease_clear(&leases[i]);
    end(&farm);
}

static void test_known_and_duplicate(void)
{
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    CU_ASSERT_EQUAL(add(&farm, "a", 0, 10), QUEUE_ADDED);
    CU_ASSERT_EQUAL(add(&farm, "a", 0, 10), QUEUE_DUPLICATE); /* of the same batch */
    CU_ASSERT_EQUAL(queue_begin_batch(&farm.batch, &error), 0);
    CU_ASSERT_EQUAL(add(&farm, "a", 0, 10), QUEUE_KNOWN);
    CU_ASSERT_EQUAL(queue_settings(farm.database, "[\"--other\"]", &farm.settings, &error), 0);
    CU_ASSERT_EQUAL(add(&farm, "a", 0, 10), QUEUE_DUPLICATE); /* another job of that name */
    end(&farm);
}

/* Small jobs fill the gap before a large one, but not for ever. */
static void test_room_and_fairness(void)
{
    struct queue_lease running = {0}, lease = {0}, none = {0};
    struct farm farm;
    char id[16];

    begin(&farm);
    (void)add(&farm, "first", 0, 600);
    CU_ASSERT_STRING_EQUAL(take(&farm, &running), "first");
    (void)add(&farm, "large", 0, 600);
    for (int i = 0; i < QUEUE_PASSED_OVER_MAX + 2; i++) {
        (void)snprintf(id, sizeof id, "small-%d", i);
        (void)add(&farm, id, 0, 100);
    }
    for (int i = 0; i < QUEUE_PASSED_OVER_MAX; i++) {
        CU_ASSERT_EQUAL_FATAL(strncmp(take(&farm, &lease), "small", 5), 0);
        CU_ASSERT_EQUAL(finish(&farm, &lease, QUEUE_DONE), 0);
        queue_lease_clear(&lease);
    }
    CU_ASSERT_STRING_EQUAL(take(&farm, &none), ""); /* the large one lets nobody by any more */
    CU_ASSERT_EQUAL(finish(&farm, &running, QUEUE_DONE), 0);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "large");
    queue_lease_clear(&lease);
    queue_lease_clear(&running);
    end(&farm);
}

static void test_never_fits(void)
{
    struct queue_lease lease = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "huge", 0, 5000);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "huge");
    CU_ASSERT(lease.never_fits);
    CU_ASSERT_EQUAL(lease.needs.memory_mib, 5000);
    queue_lease_clear(&lease);
    end(&farm);
}

/* More than is free now waits; it has not more than the machine has. */
static void test_waits_for_memory(void)
{
    struct queue_lease lease = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "large", 0, 1500);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "");
    end(&farm);
}

static void add_gpu_job(struct farm *farm, const char *id, uint64_t gpus)
{
    const struct queue_entry entry = {.id = id,
                                      .description = "{}",
                                      .settings = farm->settings,
                                      .batch = farm->batch,
                                      .needs = {.memory_mib = 1, .cores = 1, .gpus = gpus}};
    enum queue_added added;
    struct error error = {0};

    CU_ASSERT_EQUAL(queue_add(farm->database, &entry, 1, &added, &error), 0);
}

/* Each running job has a GPU of its own; one that has ended gives it back. */
static void test_gpus(void)
{
    struct queue_lease a = {0}, b = {0}, other = {0}, c = {0};
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    add_gpu_job(&farm, "a", 1);
    add_gpu_job(&farm, "b", 1);
    add_gpu_job(&farm, "c", 1);
    add_gpu_job(&farm, "none", 0);
    CU_ASSERT_STRING_EQUAL(take(&farm, &a), "a");
    CU_ASSERT_STRING_EQUAL(take(&farm, &b), "b");
    CU_ASSERT_STRING_EQUAL(a.device, "0000:01:00.0");
    CU_ASSERT_STRING_EQUAL(b.device, "0000:02:00.0");
    CU_ASSERT_STRING_EQUAL(take(&farm, &other), "none"); /* in the gap before c */
    CU_ASSERT_STRING_EQUAL(other.device, "");
    CU_ASSERT_STRING_EQUAL(take(&farm, &c), "");
    CU_ASSERT_EQUAL(queue_give_back(farm.database, &a, "it broke", &error), 0);
    queue_lease_clear(&a);
    CU_ASSERT_STRING_EQUAL(take(&farm, &a), "a");
    CU_ASSERT_STRING_EQUAL(a.device, "0000:01:00.0");
    CU_ASSERT_EQUAL(finish(&farm, &b, QUEUE_DONE), 0);
    CU_ASSERT_STRING_EQUAL(take(&farm, &c), "c");
    CU_ASSERT_STRING_EQUAL(c.device, "0000:02:00.0");
    add_gpu_job(&farm, "greedy", 3);
    queue_lease_clear(&b);
    CU_ASSERT_STRING_EQUAL(take(&farm, &b), "greedy");
    CU_ASSERT(b.never_fits);
    queue_lease_clear(&a);
    queue_lease_clear(&b);
    queue_lease_clear(&c);
    queue_lease_clear(&other);
    end(&farm);
}

/* An aborted job that is given again is queued again; a canceled one is not. */
static void test_again(void)
{
    struct queue_lease lease = {0};
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "a", 0, 10);
    (void)add(&farm, "b", 0, 10);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "a");
    CU_ASSERT_EQUAL(finish(&farm, &lease, QUEUE_DONE), 0);
    queue_lease_clear(&lease);
    CU_ASSERT_EQUAL(queue_cancel(farm.database, "b", &error), 1);
    (void)add(&farm, "c", 0, 10);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "c");
    CU_ASSERT_EQUAL(queue_finish(farm.database, &lease,
                                 &(struct queue_end){.state = QUEUE_ABORTED, .reason = "\x1b[31mred"}, NULL, NULL,
                                 &error),
                    0);
    CU_ASSERT_EQUAL(ask(&farm, "SELECT instr(reason, char(27)) FROM jobs WHERE id = 'c'"), 0);
    queue_lease_clear(&lease);
    check_tallies(&farm);
    CU_ASSERT_EQUAL(queue_begin_batch(&farm.batch, &error), 0);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(add(&farm, (const char *[]){"a", "b", "c"}[i], 0, 10), QUEUE_KNOWN);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "c");
    queue_lease_clear(&lease);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "");
    end(&farm);
}

/* What a worker that has lost its lease writes is refused; the job ends by its next holder, once. */
static void test_lost_lease(void)
{
    struct queue_lease old = {0}, new = {0};
    struct queue_counts counts;
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "a", 0, 10);
    CU_ASSERT_STRING_EQUAL(take(&farm, &old), "a");
    CU_ASSERT_EQUAL(queue_reap(farm.database, is_alive, NULL, &error), 0);
    CU_ASSERT_EQUAL(queue_reap(farm.database, is_dead, NULL, &error), 1);
    CU_ASSERT_STRING_EQUAL(take(&farm, &new), "a");
    CU_ASSERT_EQUAL(new.attempt, 2);
    CU_ASSERT_EQUAL(queue_beat(farm.database, &old, &error), -ESTALE);
    CU_ASSERT_EQUAL(finish(&farm, &old, QUEUE_REJECTED), -ESTALE);
    CU_ASSERT_EQUAL(queue_give_back(farm.database, &old, "", &error), -ESTALE);
    CU_ASSERT_EQUAL(finish(&farm, &new, QUEUE_DONE), 0);
    CU_ASSERT_EQUAL(finish(&farm, &new, QUEUE_DONE), -ESTALE);
    CU_ASSERT_EQUAL(queue_count(farm.database, &counts, &error), 0);
    CU_ASSERT_EQUAL(counts.states[QUEUE_DONE], 1);
    CU_ASSERT_EQUAL(counts.total, 1);
    queue_lease_clear(&old);
    queue_lease_clear(&new);
    end(&farm);
}

static void test_attempts_end(void)
{
    struct queue_counts counts;
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "a", 0, 10);
    for (int i = 1; i <= QUEUE_ATTEMPTS_MAX; i++) {
        struct queue_lease lease = {0};

        CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "a");
        CU_ASSERT_EQUAL(lease.attempt, i);
        CU_ASSERT_EQUAL(lease.last_attempt, i == QUEUE_ATTEMPTS_MAX);
        CU_ASSERT_EQUAL(queue_give_back(farm.database, &lease, "it broke", &error), 0);
        queue_lease_clear(&lease);
    }
    CU_ASSERT_EQUAL(queue_count(farm.database, &counts, &error), 0);
    CU_ASSERT_EQUAL(counts.states[QUEUE_ABORTED], 1);
    end(&farm);
}

/* Workers that die are no fault of the job: it has more of these than of its own failures, but not without end. */
static void test_lost_workers_end(void)
{
    struct queue_counts counts;
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "a", 0, 10);
    for (int i = 1; i <= QUEUE_LOSSES_MAX; i++) {
        struct queue_lease lease = {0};

        CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "a");
        CU_ASSERT(!lease.last_attempt);
        CU_ASSERT_EQUAL(queue_reap(farm.database, is_dead, NULL, &error), 1);
        queue_lease_clear(&lease);
    }
    CU_ASSERT_EQUAL(queue_count(farm.database, &counts, &error), 0);
    CU_ASSERT_EQUAL(counts.states[QUEUE_ABORTED], 1);
    end(&farm);
}

/* A commit that fails ends nothing: the job is still its holder's. */
static int fail_commit(void *context, struct error *err)
{
    (void)context;
    return error_set(err, ERROR_UNAVAILABLE, -ENOSPC, "disk full");
}

static void test_failed_commit(void)
{
    const struct queue_end done = {.state = QUEUE_DONE, .has_outcome = true, .reason = ""};
    struct queue_lease lease = {0};
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "a", 0, 10);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "a");
    CU_ASSERT_EQUAL(queue_finish(farm.database, &lease, &done, fail_commit, NULL, &error), -ENOSPC);
    CU_ASSERT_EQUAL(queue_beat(farm.database, &lease, &error), 0);
    CU_ASSERT_EQUAL(finish(&farm, &lease, QUEUE_DONE), 0);
    queue_lease_clear(&lease);
    end(&farm);
}

/* Of two jobs of one content the second stands behind the first, then has its result. */
static void test_twins(void)
{
    static const uint8_t content[SHA256_SIZE] = {7};
    struct queue_lease first = {0}, second = {0}, none = {0};
    enum queue_content found;
    char twin[QUEUE_ID_MAX + 1] = "";
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "a", 0, 10);
    (void)add(&farm, "b", 0, 10);
    CU_ASSERT_STRING_EQUAL(take(&farm, &first), "a");
    CU_ASSERT_STRING_EQUAL(take(&farm, &second), "b");
    CU_ASSERT_EQUAL(queue_claim(farm.database, &first, content, &found, twin, &error), 0);
    CU_ASSERT_EQUAL(found, QUEUE_FRESH);
    CU_ASSERT_EQUAL(queue_claim(farm.database, &second, content, &found, twin, &error), 0);
    CU_ASSERT_EQUAL(found, QUEUE_UNDER_WAY);
    CU_ASSERT_EQUAL(queue_beat(farm.database, &second, &error), -ESTALE);
    CU_ASSERT_STRING_EQUAL(take(&farm, &none), "");
    CU_ASSERT_EQUAL(finish(&farm, &first, QUEUE_DONE), 0);
    queue_lease_clear(&second);
    CU_ASSERT_STRING_EQUAL(take(&farm, &second), "b");
    CU_ASSERT_EQUAL(queue_claim(farm.database, &second, content, &found, twin, &error), 0);
    CU_ASSERT_EQUAL(found, QUEUE_FINISHED);
    CU_ASSERT_STRING_EQUAL(twin, "a");
    queue_lease_clear(&first);
    queue_lease_clear(&second);
    end(&farm);
}

static void test_cancel(void)
{
    struct queue_lease lease = {0};
    struct error error = {0};
    struct farm farm;

    begin(&farm);
    (void)add(&farm, "runs", 0, 10);
    (void)add(&farm, "waits", 0, 10);
    CU_ASSERT_STRING_EQUAL(take(&farm, &lease), "runs");
    CU_ASSERT_EQUAL(queue_cancel(farm.database, "waits", &error), 1);
    CU_ASSERT_EQUAL(queue_cancel(farm.database, "waits", &error), 0);
    CU_ASSERT_EQUAL(queue_cancel(farm.database, "runs", &error), 1);
    CU_ASSERT_EQUAL(queue_beat(farm.database, &lease, &error), 1);
    CU_ASSERT_EQUAL(queue_cancel(farm.database, "absent", &error), -ENOENT);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    queue_lease_clear(&lease);
    end(&farm);
}

static void rewrite(const struct farm *farm, const char *sql)
{
    sqlite3 *handle = NULL;
    char path[64];

    (void)snprintf(path, sizeof path, "%s/farm.sqlite", farm->folder);
    CU_ASSERT_EQUAL(sqlite3_open(path, &handle), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(handle);
}

static void expect_refused(struct farm *farm, enum error_kind kind, const char *says)
{
    struct error error = {0};

    CU_ASSERT(database_open(farm->folder, true, &farm->database, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(error.text, says));
}

static void test_foreign_databases(void)
{
    struct error error = {0};
    struct farm farm;
    char path[64];
    FILE *file;

    begin(&farm);
    database_close(TAKE_POINTER(farm.database));
    rewrite(&farm, "PRAGMA user_version=99");
    expect_refused(&farm, ERROR_BAD_INPUT, "newer");
    rewrite(&farm, "PRAGMA user_version=1");
    expect_refused(&farm, ERROR_BAD_INPUT, "older");
    rewrite(&farm, "PRAGMA user_version=2; PRAGMA application_id=5");
    expect_refused(&farm, ERROR_BAD_INPUT, "none of a farm");
    (void)snprintf(path, sizeof path, "%s/farm.sqlite", farm.folder);
    file = fopen(path, "w");
    for (unsigned i = 0; i < 1000; i++)
        (void)fputs("this is no database", file);
    (void)fclose(file);
    expect_refused(&farm, ERROR_BAD_INPUT, "no database");
    (void)unlink(path);
    CU_ASSERT(database_open(farm.folder, false, &farm.database, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    end(&farm);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"order", test_order},
        {"known and duplicate jobs", test_known_and_duplicate},
        {"room and fairness", test_room_and_fairness},
        {"a job that never fits", test_never_fits},
        {"a job that waits for memory", test_waits_for_memory},
        {"GPUs", test_gpus},
        {"jobs that are given again", test_again},
        {"a lost lease", test_lost_lease},
        {"attempts end", test_attempts_end},
        {"lost workers end", test_lost_workers_end},
        {"a commit that fails", test_failed_commit},
        {"jobs of one content", test_twins},
        {"cancel", test_cancel},
        {"databases of others", test_foreign_databases},
    };

    return harness_run("host-farm-queue", tests, HARNESS_COUNT(tests));
}
