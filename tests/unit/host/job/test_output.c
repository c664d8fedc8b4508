/* SPDX-License-Identifier: Apache-2.0 */
/* The output directory is there whole or not at all, and what a dead monitor left is removed: janitor and reaper. */
#include "host/job/journal.h"
#include "host/job/staging.h"
#include "unit/harness.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define WAIT_STEPS 200 /* of 10 ms: the two seconds that a janitor has */

static char folder[64], output[PATH_MAX];

static unsigned count_entries(const char *path)
{
    DIR *entries = opendir(path);
    struct dirent *entry;
    unsigned count = 0;

    if (entries == NULL)
        return 0;
    while ((entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            count++;
    (void)closedir(entries);
    return count;
}

static bool becomes_empty(const char *path)
{
    const struct timespec step = {.tv_nsec = 10000000};

    for (int i = 0; i < WAIT_STEPS && count_entries(path) > 0; i++)
        (void)nanosleep(&step, NULL);
    return count_entries(path) == 0;
}

static void test_commit_is_whole(void)
{
    CLEANUP_STAGING struct staging *staging = NULL;
    char file[PATH_MAX + 8];
    struct stat status;
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(staging_create(output, NULL, &staging, &error), 0);
    CU_ASSERT_EQUAL(staging_write(staging, "a.json", "{}", 2, &error), 0);
    CU_ASSERT_EQUAL(staging_write(staging, "a.json", "{}", 2, &error), -EEXIST);
    CU_ASSERT(stat(output, &status) < 0 && errno == ENOENT);
    CU_ASSERT_EQUAL(staging_commit(staging, &error), 0);
    (void)snprintf(file, sizeof file, "%s/a.json", output);
    CU_ASSERT(stat(file, &status) == 0 && status.st_size == 2);
    CU_ASSERT_EQUAL(count_entries(folder), 1);
    staging_free(TAKE_POINTER(staging));
    CU_ASSERT_EQUAL(staging_create(output, NULL, &staging, &error), -EEXIST);
    CU_ASSERT_EQUAL(error.kind, ERROR_USAGE);
    staging_remove(output);
}

static void test_discard_leaves_nothing(void)
{
    struct staging *staging = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(staging_create(output, NULL, &staging, &error), 0);
    CU_ASSERT_EQUAL(staging_write(staging, "a", "x", 1, &error), 0);
    staging_free(staging);
    CU_ASSERT_EQUAL(count_entries(folder), 0);
}

static void test_no_parent(void)
{
    struct staging *staging = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL(staging_create("/nowhere/at/all", NULL, &staging, &error), -ENOENT);
    CU_ASSERT_EQUAL(error.kind, ERROR_NO_INPUT);
    CU_ASSERT_EQUAL(staging_create("/", NULL, &staging, &error), -EINVAL);
}

/* A monitor in a child that begins a job and waits to be killed. */
static pid_t begin_and_wait(void)
{
    int ready[2];
    char byte;
    pid_t pid;

    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    pid = fork();
    if (pid == 0) {
        struct journal *journal = NULL;
        struct staging *staging = NULL;
        char absolute[PATH_MAX];

        if (journal_create(&journal, NULL) < 0 || staging_create(output, journal_path(journal), &staging, NULL) < 0 ||
            realpath(staging_path(staging), absolute) == NULL || journal_step(journal, "staging", absolute, NULL) < 0 ||
            staging_write(staging, "a", "x", 1, NULL) < 0)
            _exit(1);
        (void)!write(ready[1], "r", 1);
        for (;;)
            (void)pause();
    }
    (void)close(ready[1]);
    CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void test_janitor_cleans_up(void)
{
    char jobs[PATH_MAX];
    pid_t pid = begin_and_wait();

    (void)snprintf(jobs, sizeof jobs, "%s/jobs", getenv("LAZARET_STATE"));
    CU_ASSERT_EQUAL(count_entries(folder), 1);
    CU_ASSERT_EQUAL(count_entries(jobs), 1);
    CU_ASSERT_EQUAL(journal_reap(NULL), 0); /* it lives */
    CU_ASSERT_EQUAL(count_entries(folder), 1);
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
    CU_ASSERT(becomes_empty(folder));
    CU_ASSERT(becomes_empty(jobs));
}

/* A journal that nobody holds, of a monitor whose janitor died too. */
static void test_reaper_cleans_up(void)
{
    char hidden[PATH_MAX], path[PATH_MAX];
    FILE *file;

    (void)snprintf(hidden, sizeof hidden, "%s/.out.ABCDEF", folder);
    CU_ASSERT_EQUAL(mkdir(hidden, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/.out.ABCDEF/a", folder);
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fclose(file);
    (void)snprintf(path, sizeof path, "%s/jobs/0123456789abcdef.journal", getenv("LAZARET_STATE"));
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fprintf(file, "staging %s\nboot \nconver", hidden);
    (void)fclose(file);
    CU_ASSERT_EQUAL(journal_reap(NULL), 1);
    CU_ASSERT_EQUAL(count_entries(folder), 0);
    CU_ASSERT_EQUAL(journal_reap(NULL), 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"a commit is whole", test_commit_is_whole},
        {"what is discarded leaves nothing", test_discard_leaves_nothing},
        {"places that can't be", test_no_parent},
        {"the janitor cleans up after a killed monitor", test_janitor_cleans_up},
        {"the reaper cleans up after a janitor as well", test_reaper_cleans_up},
    };
    char state[] = "/tmp/lazaret-state-XXXXXX";
    int status;

    (void)snprintf(folder, sizeof folder, "/tmp/lazaret-output-XXXXXX");
    if (mkdtemp(folder) == NULL || mkdtemp(state) == NULL || setenv("LAZARET_STATE", state, 1) < 0)
        return 1;
    (void)snprintf(output, sizeof output, "%s/out", folder);
    status = harness_run("output directory", tests, HARNESS_COUNT(tests));
    (void)snprintf(output, sizeof output, "%s/jobs", state);
    (void)rmdir(output);
    (void)rmdir(state);
    (void)rmdir(folder);
    return status;
}
