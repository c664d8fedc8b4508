/* SPDX-License-Identifier: Apache-2.0 */
/* The acceleration probe's time limit, whatever the guest runner does. */
#include "host/vm/acceleration.h"

#include "base/io.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define LIMIT_MS 200u

static int run_works(char *ret_reason, unsigned room)
{
    (void)snprintf(ret_reason, room, "fine");
    return 0;
}

static int run_fails(char *ret_reason, unsigned room)
{
    (void)snprintf(ret_reason, room, "refused");
    return -EIO;
}

static int run_hangs(char *ret_reason, unsigned room)
{
    (void)ret_reason;
    (void)room;
    while (poll(NULL, 0, -1) >= 0 || errno == EINTR)
        ;
    return 0;
}

static int run_spins(char *ret_reason, unsigned room)
{
    (void)ret_reason;
    (void)room;
    for (volatile uint64_t turn = 0; turn < UINT64_MAX; turn++)
        ;
    return 0;
}

static int run_dies(char *ret_reason, unsigned room)
{
    (void)ret_reason;
    (void)room;
    _exit(3);
}

static void expect(acceleration_run *run, bool works, const char *reason)
{
    struct acceleration_probe probe;
    uint64_t start = io_now_ns();

    acceleration_probe_with(run, LIMIT_MS, &probe);
    CU_ASSERT_EQUAL(probe.kvm_works, works);
    CU_ASSERT_PTR_NOT_NULL(strstr(probe.reason, reason));
    CU_ASSERT_TRUE(io_now_ns() - start < 100 * LIMIT_MS * IO_NS_PER_MS);
    CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1); /* no child is left */
}

static void test_answers(void)
{
    expect(run_works, true, "fine");
    expect(run_fails, false, "refused");
    expect(run_dies, false, "died");
}

static void test_time_limit(void)
{
    expect(run_hangs, false, "did not end within 200 ms");
    expect(run_spins, false, "did not end within 200 ms");
}

/* On the real machine: whatever the answer, it comes in time and says why. */
static void test_this_machine(void)
{
    struct acceleration_probe probe;

    acceleration_probe(1000, &probe);
    (void)printf("[%s: %s, %.3f s] ", probe.kvm_works ? "kvm" : "tcg", probe.reason, (double)probe.wall_ns / 1e9);
    CU_ASSERT_TRUE(probe.wall_ns < 5 * IO_NS_PER_S);
    CU_ASSERT_NOT_EQUAL(probe.reason[0], '\0');
}

/* The second look at a KVM that does not work is free; what was kept for long, or for another boot, is not used. */
static void test_memory(void)
{
    const struct timespec hour_ago[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    char folder[] = "/tmp/lazaret-probe-XXXXXX";
    struct stat status = {0};
    struct acceleration_probe first, second;
    CLEANUP_FD int fd = -1;

    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    acceleration_probe_cached(fd, 1000, &first);
    acceleration_probe_cached(fd, 1000, &second);
    CU_ASSERT_EQUAL(first.kvm_works, second.kvm_works);
    CU_ASSERT_STRING_EQUAL(first.reason, second.reason);
    if (!first.kvm_works) {
        CU_ASSERT_EQUAL(utimensat(fd, "kvm-does-not-work", hour_ago, 0), 0);
        acceleration_probe_cached(fd, 1000, &second);
        CU_ASSERT_EQUAL(fstatat(fd, "kvm-does-not-work", &status, 0), 0);
        CU_ASSERT(status.st_mtime > hour_ago[1].tv_sec); /* looked at and written again */
    }
    (void)unlinkat(fd, "kvm-does-not-work", 0);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

int main(void)
{
    static const struct harness_test tests[] = {{"answers", test_answers},
                                                {"time limit", test_time_limit},
                                                {"this machine", test_this_machine},
                                                {"what is remembered", test_memory}};

    return harness_run("host vm acceleration", tests, HARNESS_COUNT(tests));
}
