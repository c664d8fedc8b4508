/* SPDX-License-Identifier: Apache-2.0 */
/* The agent in the middle of a check, seen from outside: what its supervisor and its worker hold and may do. */
#include "unit/harness.h"

#include "unit/guest/agent/play_host.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLEAN      "examples/digits/clean.onnx"
#define WORKER_UID "64720"
#define PATIENCE   6000 /* times 5 ms */

static struct play play;
static pid_t worker;

/* --- what the kernel says of a process --------------------------------------------------------------------- */

/* The value of a line of /proc/PID/status, or "". */
static void read_status(pid_t pid, const char *name, char ret_value[64])
{
    char path[64], line[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    file = fopen(path, "re");
    ret_value[0] = '\0';
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
            (void)sscanf(line + strlen(name) + 1, " %63[^\n]", ret_value);
    if (file != NULL)
        (void)fclose(file);
}

static bool status_is(pid_t pid, const char *name, const char *expected)
{
    char value[64];

    read_status(pid, name, value);
    if (strcmp(value, expected) != 0)
        printf("(%s: %s) ", name, value);
    return strcmp(value, expected) == 0;
}

static bool comes_to_sleep(pid_t pid)
{
    char state[64];

    for (unsigned i = 0; i < PATIENCE; i++) {
        read_status(pid, "State", state);
        if (state[0] == 'S')
            return true;
        (void)usleep(5000);
    }
    printf("(State: %s) ", state);
    return false;
}

static pid_t only_child(pid_t pid)
{
    char path[64];
    int child = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    file = fopen(path, "re");
    if (file != NULL && fscanf(file, "%d", &child) != 1)
        child = 0;
    if (file != NULL)
        (void)fclose(file);
    return child;
}

/* The first check's worker, sealed and waiting for a window that does not come. */
static void start(void)
{
    const struct message check = {.type = MESSAGE_CHECK};

    play = (struct play){0};
    CU_ASSERT_EQUAL_FATAL(play_plan_digits(&play, CLEAN), 0);
    CU_ASSERT_EQUAL_FATAL(play_start(&play, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(play_import(&play), 0);
    CU_ASSERT_EQUAL_FATAL(play_send(&play, &check), 0);
    worker = 0;
    for (unsigned i = 0; i < PATIENCE; i++) {
        char filters[64] = "", state[64] = "";

        worker = only_child(play.pid);
        if (worker > 0) {
            read_status(worker, "Seccomp_filters", filters);
            read_status(worker, "State", state);
        }
        if (filters[0] == '2' && state[0] == 'S')
            break;
        (void)usleep(5000);
    }
    CU_ASSERT_FATAL(worker > 0);
}

static void finish(void)
{
    (void)play_end(&play);
    free(play.model);
}

/* --- what they may do ----------------------------------------------------------------------------------------- */

static void test_worker_status(void)
{
    start();
    CU_ASSERT(status_is(worker, "Seccomp", "2"));
    CU_ASSERT(status_is(worker, "Seccomp_filters", "2"));
    CU_ASSERT(status_is(worker, "NoNewPrivs", "1"));
    CU_ASSERT(status_is(worker, "CapPrm", "0000000000000000"));
    CU_ASSERT(status_is(worker, "CapEff", "0000000000000000"));
    CU_ASSERT(status_is(worker, "CapAmb", "0000000000000000"));
    if (geteuid() == 0) {
        CU_ASSERT(status_is(worker, "CapBnd", "0000000000000000"));
        CU_ASSERT(status_is(worker, "Uid", WORKER_UID "\t" WORKER_UID "\t" WORKER_UID "\t" WORKER_UID));
        CU_ASSERT(status_is(worker, "Gid", WORKER_UID "\t" WORKER_UID "\t" WORKER_UID "\t" WORKER_UID));
        CU_ASSERT(status_is(worker, "Groups", ""));
    }
    finish();
}

static void test_supervisor_status(void)
{
    const uint64_t kept =
        UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_KILL | UINT64_C(1) << CAP_SYS_BOOT;
    char value[64];

    start();
    CU_ASSERT(status_is(play.pid, "Seccomp", "2"));
    CU_ASSERT(status_is(play.pid, "Seccomp_filters", "1"));
    CU_ASSERT(status_is(play.pid, "NoNewPrivs", "1"));
    read_status(play.pid, "CapEff", value);
    CU_ASSERT_EQUAL(strtoull(value, NULL, 16) & ~kept, 0);
    read_status(play.pid, "CapPrm", value);
    CU_ASSERT_EQUAL(strtoull(value, NULL, 16) & ~kept, 0);
    if (geteuid() == 0)
        CU_ASSERT(status_is(play.pid, "CapBnd", "0000000000000000"));
    finish();
}

/* The soft and hard limit of a worker by its name in /proc/PID/limits. */
static bool limit_is(const char *name, const char *expected)
{
    char path[64], line[256], soft[32] = "", hard[32] = "";
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/limits", worker);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            (void)sscanf(line + strlen(name), " %31s %31s", soft, hard);
    if (file != NULL)
        (void)fclose(file);
    return strcmp(soft, expected) == 0 && strcmp(hard, expected) == 0;
}

static void test_worker_limits(void)
{
    static const char *const none[] = {"Max core file size", "Max file size",     "Max processes",
                                       "Max open files",     "Max locked memory", "Max pending signals",
                                       "Max msgqueue size",  "Max nice priority", "Max realtime priority"};

    start();
    for (size_t i = 0; i < HARNESS_COUNT(none); i++) {
        CU_ASSERT(limit_is(none[i], "0"));
    }
    CU_ASSERT(limit_is("Max stack size", "8388608"));
    CU_ASSERT(!limit_is("Max address space", "unlimited"));
    finish();
}

/* --- what they hold --------------------------------------------------------------------------------------------- */

static void test_worker_descriptors(void)
{
    char path[64], target[256];
    unsigned pipes = 0, others = 0;
    const struct dirent *entry;
    DIR *folder;

    start();
    (void)snprintf(path, sizeof path, "/proc/%d/fd", worker);
    folder = opendir(path);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        ssize_t size = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);

        if (size < 0)
            continue;
        target[size] = '\0';
        if (strncmp(target, "pipe:", 5) == 0)
            pipes++;
        else
            others++;
    }
    if (folder == NULL)
        printf("(another user may not look) ");
    else
        (void)closedir(folder);
    CU_ASSERT(folder == NULL || (pipes == 2 && others == 0));
    finish();
}

#define TABLE_SIZE   (1u << 16)
#define NEEDLE       16u
#define MAPPING_MAX  (UINT64_C(64) << 20)
#define HIGH_MINIMUM 5u /* bytes of a needle that no text has */

/* Sixteen bytes at each multiple of sixteen of the model, where they are weights: by a hash of their first eight. */
static uint32_t table[TABLE_SIZE]; /* offset + 1 in the model */

static uint32_t hash_of(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return (uint32_t)((word * UINT64_C(0x9e3779b97f4a7c15)) >> 48);
}

static unsigned fill_table(void)
{
    unsigned count = 0;

    memset(table, 0, sizeof table);
    for (uint32_t at = 0; at + NEEDLE <= play.plan.model_size; at += NEEDLE) {
        unsigned high = 0;

        for (unsigned i = 0; i < NEEDLE; i++)
            high += play.model[at + i] >= 0x80;
        if (high < HIGH_MINIMUM)
            continue;
        table[hash_of(play.model + at)] = at + 1;
        count++;
    }
    return count;
}

static unsigned count_needles(const uint8_t *bytes, size_t size)
{
    unsigned found = 0;

    for (size_t i = 0; i + NEEDLE <= size; i++) {
        uint32_t at = table[hash_of(bytes + i)];

        found += at != 0 && memcmp(bytes + i, play.model + at - 1, NEEDLE) == 0;
    }
    return found;
}

/* Pieces of the model in the memory of a process; -1 where it can't be read. */
static int count_in_memory(pid_t pid, uint64_t *ret_bytes)
{
    unsigned long first, last;
    char path[64], line[512];
    int found = 0, memory;
    FILE *maps;

    *ret_bytes = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/mem", pid);
    memory = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/%d/maps", pid);
    maps = fopen(path, "re");
    if (memory < 0 || maps == NULL)
        return -1;
    while (fgets(line, sizeof line, maps) != NULL) {
        uint8_t *bytes;
        ssize_t size;

        if (sscanf(line, "%lx-%lx r", &first, &last) != 2 || last - first > MAPPING_MAX || strstr(line, "[v") != NULL)
            continue;
        bytes = malloc(last - first);
        size = bytes == NULL ? -1 : pread(memory, bytes, last - first, (off_t)first);
        if (size > 0) {
            found += (int)count_needles(bytes, (size_t)size);
            *ret_bytes += (uint64_t)size;
        }
        free(bytes);
    }
    (void)fclose(maps);
    (void)close(memory);
    return found;
}

/* The model went through the supervisor, in pieces that it hashed and wrote down: none of them is left. */
static void test_supervisor_memory(void)
{
    uint64_t bytes[2];
    unsigned needles;
    int in_supervisor, in_worker;

    start();
    needles = fill_table();
    CU_ASSERT(needles > 1000);
    in_supervisor = count_in_memory(play.pid, &bytes[0]);
    in_worker = count_in_memory(worker, &bytes[1]);
    printf("(%u pieces of the model; %d in %llu KiB of the supervisor, %d in %llu KiB of the worker) ", needles,
           in_supervisor, (unsigned long long)bytes[0] >> 10, in_worker, (unsigned long long)bytes[1] >> 10);
    CU_ASSERT_EQUAL(in_supervisor, 0);
    CU_ASSERT(bytes[0] > UINT64_C(1) << 20);
    if (in_worker < 0)
        printf("(another user may not look at the worker) ");
    else
        CU_ASSERT(in_worker > (int)needles / 2); /* where they are found, so that the search is one */
    finish();
}

/* Whoever stops a process and lets it go on does it no harm, whatever system call it waits in. */
static void test_stopped(void)
{
    const pid_t *const stopped[] = {&play.pid, &worker};

    start();
    for (unsigned i = 0; i < 2 * HARNESS_COUNT(stopped); i++) {
        pid_t pid = *stopped[i % HARNESS_COUNT(stopped)];

        CU_ASSERT_EQUAL(kill(pid, SIGSTOP), 0);
        (void)usleep(20000);
        CU_ASSERT_EQUAL(kill(pid, SIGCONT), 0);
        (void)usleep(20000);
    }
    CU_ASSERT(comes_to_sleep(play.pid));
    CU_ASSERT(comes_to_sleep(worker));
    finish();
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"a worker's identity, capabilities and filters", test_worker_status},
        {"the supervisor's capabilities and filter", test_supervisor_status},
        {"a worker's limits", test_worker_limits},
        {"a worker has its two pipes and no other descriptor", test_worker_descriptors},
        {"stopped and let go on", test_stopped},
        {"the supervisor holds no byte of the model", test_supervisor_memory},
    };

#if defined(__SANITIZE_ADDRESS__)
    puts("skipped: AddressSanitizer needs memory and system calls that the sandbox denies");
    return HARNESS_SKIPPED;
#endif
    (void)signal(SIGPIPE, SIG_IGN);
    return harness_run("confined agent", tests, HARNESS_COUNT(tests));
}
