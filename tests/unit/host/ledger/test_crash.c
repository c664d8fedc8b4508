/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending processes killed 200 times at random points, several at once: the ledger verifies while the others go on
 * (after every tenth) and at the end, nothing that an append reported is lost, and the next append goes on. Then
 * appends whose writer died just before the checkpoint.
 */
#include "unit/host/ledger/tests.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS        200u
#define WRITERS      3u
#define SEED         20240601u
#define PROGRESS_MIN 10u /* leaves, on the slowest disk: kills must meet work, not only starts */

/* How many appends were reported as done, by all writers together. */
static uint64_t *reported;

static _Noreturn void write_for_ever(const struct test_ledger *test, unsigned writer)
{
    const char *key_path = test->key_path;
    struct ledger *ledger = NULL;
    char leaf[64];

    if (ledger_open(test->path, &key_path, 1, &ledger, NULL) < 0)
        _exit(1);
    for (unsigned i = 0;; i++) {
        int size = snprintf(leaf, sizeof leaf, "writer %u of process %d, leaf %u", writer, (int)getpid(), i);

        if (ledger_append(ledger, leaf, (size_t)size, NULL, NULL) < 0)
            _exit(1);
        (void)__atomic_add_fetch(reported, 1, __ATOMIC_SEQ_CST);
    }
}

static pid_t start_writer(const struct test_ledger *test, unsigned writer)
{
    pid_t pid = fork();

    if (pid == 0)
        write_for_ever(test, writer);
    return pid;
}

static void wait_microseconds(unsigned microseconds)
{
    const struct timespec time = {.tv_nsec = (long)microseconds * 1000};

    (void)nanosleep(&time, NULL);
}

/* One writer dies; another takes its place. None may have ended by itself. */
static void kill_one(const struct test_ledger *test, pid_t pids[WRITERS], unsigned writer)
{
    int status = 0;

    CU_ASSERT_EQUAL(kill(pids[writer], SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(pids[writer], &status, 0), pids[writer]);
    CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    pids[writer] = start_writer(test, writer);
}

static void test_kill(void)
{
    struct ledger_verified verified = {0};
    struct test_ledger test;
    struct error err = {0};
    pid_t pids[WRITERS];
    unsigned random = SEED;

    test_make_ledger(&test, "crash");
    for (unsigned i = 0; i < WRITERS; i++)
        pids[i] = start_writer(&test, i);
    for (unsigned i = 0; i < KILLS; i++) {
        uint64_t done;

        wait_microseconds(2000 + (unsigned)rand_r(&random) % 40000);
        done = __atomic_load_n(reported, __ATOMIC_SEQ_CST);
        kill_one(&test, pids, (unsigned)rand_r(&random) % WRITERS);
        if (i % 10 != 0)
            continue;
        /* While the others go on writing. */
        CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
        CU_ASSERT_TRUE(verified.checkpoint.size >= done);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
    }
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_TRUE(verified.checkpoint.size >= *reported);
    CU_ASSERT_TRUE(verified.checkpoint.size <= *reported + KILLS + WRITERS);
    CU_ASSERT_TRUE(verified.checkpoint.size > PROGRESS_MIN);
    CU_ASSERT_EQUAL(ledger_append(test.ledger, "the next", 8, NULL, &err), 0);
    CU_ASSERT_EQUAL(test_verify(&test, NULL, &err), 0);
    (void)printf("%llu leaves, %llu of them reported; ", (unsigned long long)verified.checkpoint.size,
                 (unsigned long long)*reported);
    test_end_ledger(&test);
}

/*
 * The same at every step: an append is done, and then all but its last step is undone by putting the old checkpoint
 * back, as if the writer had died before that. What it wrote lies beyond the checkpoint and does not count.
 */
static void test_before_the_checkpoint(void)
{
    static uint8_t old_checkpoint[4096];
    char path[PATH_MAX + 16];
    struct ledger_verified verified = {0};
    struct test_ledger test;
    struct error err = {0};
    size_t size;

    test_make_ledger(&test, "steps");
    (void)snprintf(path, sizeof path, "%s/checkpoint", test.path);
    for (unsigned i = 0; i < 260; i++) {
        size = test_read_file(path, old_checkpoint, sizeof old_checkpoint);
        CU_ASSERT_EQUAL(ledger_append(test.ledger, "lost", 4, NULL, &err), 0);
        test_write_file(path, old_checkpoint, size);
        CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
        CU_ASSERT_EQUAL(verified.checkpoint.size, i);
        CU_ASSERT_EQUAL(ledger_append(test.ledger, "kept", 4, NULL, &err), 0);
    }
    CU_ASSERT_EQUAL(test_verify(&test, &verified, &err), 0);
    CU_ASSERT_EQUAL(verified.checkpoint.size, 260);
    test_end_ledger(&test);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"writers killed at random", test_kill},
        {"writers dead before the checkpoint", test_before_the_checkpoint},
    };
    int status;

    reported = mmap(NULL, sizeof *reported, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reported == MAP_FAILED)
        return 1;
    test_start_folder();
    status = harness_run("host/ledger after a crash", tests, HARNESS_COUNT(tests));
    test_end_folder();
    return status;
}
