/* SPDX-License-Identifier: Apache-2.0 */
/* The output directory is there whole or not at all, and what a dead monitor left is removed: janitor and reaper. */
#include "host/job/events.h"
#include "host/job/hidden.h"
#include "host/job/journal.h"
#include "host/job/staging.h"
#include "unit/harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define WAIT_STEPS 3000 /* of 10 ms: tells a janitor that does nothing */

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
    CU_ASSERT_EQUAL(unlink(file), 0);
    CU_ASSERT_EQUAL(rmdir(output), 0);
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

        if (journal_create(&journal, NULL) < 0 || staging_create(output, journal, &staging, NULL) < 0 ||
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

/* --- the reaper ---------------------------------------------------------------------------------------- */

#define HIDDEN "/.out.0123456789abcdef"

/* A folder with a file in it, at `name` below the test's. */
static void make_folder(const char *name)
{
    char path[PATH_MAX];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s%s/a", folder, name);
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fclose(file);
}

static void remove_folder(const char *name)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s%s/a", folder, name);
    CU_ASSERT_EQUAL(unlink(path), 0); /* it must still be there */
    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    CU_ASSERT_EQUAL(rmdir(path), 0);
}

/* A journal that nobody holds, of a monitor whose janitor died too. */
static void leave_journal(const char *format, const char *hidden)
{
    char path[PATH_MAX];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/jobs/0123456789abcdef.journal", getenv("LAZARET_STATE"));
    file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fprintf(file, format, folder, hidden);
    (void)fclose(file);
    CU_ASSERT_EQUAL(journal_reap(NULL), 1);
    CU_ASSERT_EQUAL(journal_reap(NULL), 0);
}

static void test_reaper_cleans_up(void)
{
    make_folder(HIDDEN);
    leave_journal("staging %s%s\nboot \nconver", HIDDEN);
    CU_ASSERT_EQUAL(count_entries(folder), 0);
}

/* What a full disk or a kill left of a line names another folder than it was to name. */
static void test_reaper_and_half_a_line(void)
{
    make_folder(HIDDEN);
    leave_journal("staging %s%s", HIDDEN);
    remove_folder(HIDDEN);
    make_folder("/somebody's");
    leave_journal("staging %s%s", "/somebody's");
    leave_journal("staging %s%s\n/and/.the.0123456789abcdef\n", "/somebody's");
    remove_folder("/somebody's");
}

/* Only names as this program gives them, and only by the way that was journaled. */
static void test_reaper_and_other_names(void)
{
    static const char *const others[] = {"/.out.ABCDEFGH", "/out.0123456789abcdef", "/.0123456789abcdef"};
    char link[PATH_MAX], target[PATH_MAX];

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        make_folder(others[i]);
        leave_journal("staging %s%s\n", others[i]);
        remove_folder(others[i]);
    }
    make_folder("/somebody's");
    (void)snprintf(target, sizeof target, "%s/somebody's", folder);
    (void)snprintf(link, sizeof link, "%s" HIDDEN, folder);
    CU_ASSERT_EQUAL(symlink(target, link), 0);
    leave_journal("staging %s%s\n", HIDDEN);
    CU_ASSERT_EQUAL(unlink(link), 0);
    remove_folder("/somebody's");
    make_folder("/aside");
    make_folder("/aside" HIDDEN);
    (void)snprintf(target, sizeof target, "%s/aside", folder);
    (void)snprintf(link, sizeof link, "%s/way", folder);
    CU_ASSERT_EQUAL(symlink(target, link), 0);
    leave_journal("staging %s/way%s\n", HIDDEN);
    CU_ASSERT_EQUAL(unlink(link), 0);
    remove_folder("/aside" HIDDEN);
    remove_folder("/aside");
}

/* --- who waits beside ------------------------------------------------------------------------------------ */

/* The one child of this process. */
static pid_t janitor_of_ours(void)
{
    char path[64], text[64] = "";
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
    file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(fgets(text, sizeof text, file));
    (void)fclose(file);
    return (pid_t)strtol(text, NULL, 10);
}

/* A janitor that was killed, or was stopped, leaves its work to the monitor, and does not hold it up. */
static void test_no_janitor(void)
{
    static const int signals[] = {SIGKILL, SIGSTOP};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct staging *staging = NULL;
        struct error error = {0};

        CU_ASSERT_EQUAL_FATAL(staging_create(output, NULL, &staging, &error), 0);
        CU_ASSERT_EQUAL(staging_write(staging, "a", "x", 1, &error), 0);
        CU_ASSERT_EQUAL(kill(janitor_of_ours(), signals[i]), 0);
        staging_free(staging);
        CU_ASSERT_EQUAL(count_entries(folder), 0);
    }
}

/* One that can't be confined is none: nothing begins, nothing is left, and the reason is told. */
static void test_janitor_is_confined_first(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        struct staging *staging = NULL;
        struct error error = {0};

        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 0) < 0 || seccomp_load(filter) < 0)
            _exit(2);
        _exit(staging_create(output, NULL, &staging, &error) < 0 && error.kind == ERROR_INTERNAL &&
                      strstr(error.text, "lazaret-janitor: can't confine this process: setrlimit") != NULL
                  ? 0
                  : 1);
    }
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT_EQUAL(count_entries(folder), 0);
}

/* Its word for a janitor that is gone is no reason to die: the output is there. */
static void test_commit_without_a_janitor(void)
{
    struct staging *staging = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(staging_create(output, NULL, &staging, &error), 0);
    CU_ASSERT_EQUAL(kill(janitor_of_ours(), SIGKILL), 0);
    CU_ASSERT_EQUAL(staging_commit(staging, &error), 0);
    staging_free(staging);
    CU_ASSERT_EQUAL(rmdir(output), 0);
}

static void test_two_at_one_place(void)
{
    struct staging *first = NULL, *second = NULL;
    struct error error = {0};

    CU_ASSERT_EQUAL_FATAL(staging_create(output, NULL, &first, &error), 0);
    CU_ASSERT_EQUAL_FATAL(staging_create(output, NULL, &second, &error), 0);
    CU_ASSERT_EQUAL(staging_commit(first, &error), 0);
    CU_ASSERT_EQUAL(staging_commit(second, &error), -EEXIST);
    CU_ASSERT_EQUAL(error.kind, ERROR_USAGE);
    staging_free(first);
    staging_free(second);
    CU_ASSERT_EQUAL(count_entries(folder), 1);
    CU_ASSERT_EQUAL(rmdir(output), 0);
}

/* events.jsonl is a part of the output: what could not be written of it is not passed over. */
static void test_lost_events(void)
{
    static struct events events;
    char path[PATH_MAX];

    events_start(&events, open("/dev/full", O_WRONLY | O_CLOEXEC), true);
    events_begin(&events, "admit");
    events_stop(&events);
    CU_ASSERT(events.lost);
    (void)snprintf(path, sizeof path, "%s/events.jsonl", folder);
    events_start(&events, open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), true);
    events_begin(&events, "admit");
    events_stop(&events);
    CU_ASSERT(!events.lost);
    CU_ASSERT_EQUAL(unlink(path), 0);
    events_start(&events, open("/dev/null", O_RDONLY | O_CLOEXEC), true); /* no stream comes of it */
    events_stop(&events);
    CU_ASSERT(events.lost);
}

/* A monitor that has begun holds its journal, whatever reapers do at that moment. */
static void test_reapers_at_every_moment(void)
{
    pid_t reapers[3];

    for (unsigned i = 0; i < HARNESS_COUNT(reapers); i++) {
        reapers[i] = fork();
        while (reapers[i] == 0)
            (void)!journal_reap(NULL);
    }
    for (unsigned i = 0; i < 300; i++) {
        CLEANUP_JOURNAL struct journal *journal = NULL;
        struct stat status;

        CU_ASSERT_EQUAL_FATAL(journal_create(&journal, NULL), 0);
        CU_ASSERT_EQUAL(journal_begin(journal, NULL), 0);
        CU_ASSERT_EQUAL(journal_step(journal, "boot", "", NULL), 0);
        CU_ASSERT(stat(journal_path(journal), &status) == 0 && status.st_size == (off_t)strlen("boot \n"));
    }
    for (unsigned i = 0; i < HARNESS_COUNT(reapers); i++) {
        (void)kill(reapers[i], SIGKILL);
        (void)waitpid(reapers[i], NULL, 0);
    }
}

/* As root's or another's, the folder may be one that lets write and not look. */
static void test_folder_that_cannot_be_read(void)
{
    const uid_t user = geteuid() == 0 ? 65534 : geteuid();
    char parent[] = "/tmp/lazaret-drop-XXXXXX", hidden[64];
    int status = 1;
    pid_t pid;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(parent));
    (void)snprintf(hidden, sizeof hidden, "%s%s", parent, HIDDEN);
    CU_ASSERT_EQUAL(mkdir(hidden, 0700), 0);
    CU_ASSERT(chown(parent, user, (gid_t)-1) == 0 && chown(hidden, user, (gid_t)-1) == 0);
    CU_ASSERT_EQUAL(chmod(parent, 0300), 0);
    pid = fork();
    if (pid == 0) {
        if (setresuid(user, user, user) < 0)
            _exit(1);
        hidden_remove(hidden);
        _exit(0);
    }
    CU_ASSERT(waitpid(pid, &status, 0) == pid && status == 0);
    CU_ASSERT_EQUAL(chmod(parent, 0700), 0);
    CU_ASSERT_EQUAL(count_entries(parent), 0);
    (void)rmdir(hidden);
    CU_ASSERT_EQUAL(rmdir(parent), 0);
}

static void test_line_break(void)
{
    struct staging *staging = NULL;
    struct error error = {0};
    char odd[PATH_MAX];

    (void)snprintf(odd, sizeof odd, "%s/a\nb", folder);
    CU_ASSERT_EQUAL(staging_create(odd, NULL, &staging, &error), -EINVAL);
    CU_ASSERT_EQUAL(error.kind, ERROR_USAGE);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"a commit is whole", test_commit_is_whole},
        {"what is discarded leaves nothing", test_discard_leaves_nothing},
        {"places that can't be", test_no_parent},
        {"the janitor cleans up after a killed monitor", test_janitor_cleans_up},
        {"the reaper cleans up after a janitor as well", test_reaper_cleans_up},
        {"half a line names nothing", test_reaper_and_half_a_line},
        {"the reaper removes nothing else", test_reaper_and_other_names},
        {"a janitor is confined before anything else", test_janitor_is_confined_first},
        {"a janitor that is gone, or stopped", test_no_janitor},
        {"a commit without a janitor", test_commit_without_a_janitor},
        {"two at one place", test_two_at_one_place},
        {"a line break in a path", test_line_break},
        {"events that are lost", test_lost_events},
        {"reapers at every moment", test_reapers_at_every_moment},
        {"a folder that can't be read", test_folder_that_cannot_be_read},
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
