/* SPDX-License-Identifier: Apache-2.0 */
/* The profile of a worker with a device's driver: what it may until its seal, and no longer afterwards. */
#include "guest/sandbox/driver.h"
#include "guest/sandbox/sandbox.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int landlock; /* the kernel's ABI: a sealed worker can't ask */

#define DATA_MAX ((size_t)64 << 20)

enum { DONE = 0, DIFFERENT = 3 };

static void *nothing(void *argument)
{
    return argument;
}

static int start_thread(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0 ? DONE : DIFFERENT;
}

/* The child's exit status, or -1 and the forbidden call's number; `sealed` says when `act` comes. */
static int in_worker(bool sealed, int (*act)(void), struct sandbox_report *ret_report)
{
    struct sandbox_report *report = NULL;
    int status = 0;
    pid_t child;

    CU_ASSERT_EQUAL_FATAL(sandbox_report_map(&report), 0);
    child = fork();
    if (child == 0) {
        const struct sandbox_profile profile = {.report = report, .driver = true, .data_max = DATA_MAX};
        int early;

        if (sandbox_enter(&profile, NULL) < 0)
            _exit(4);
        early = sealed ? start_thread() : act(); /* a driver has threads: the C library is ready for more */
        if (sandbox_seal_with_driver(report, NULL) < 0)
            _exit(5);
        _exit(sealed ? act() : early);
    }
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    *ret_report = *report;
    sandbox_report_unmap(report);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static int run_true(void)
{
    pid_t child = fork();
    int status = 1;

    if (child == 0) {
        execl("/bin/true", "true", NULL);
        _exit(1);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 ? DONE : DIFFERENT;
}

static int execute(void)
{
    execl("/bin/true", "true", NULL);
    return DIFFERENT;
}

static int map_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page != MAP_FAILED ? DONE : DIFFERENT;
}

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EACCES ? DONE : DIFFERENT;
}

static int read_library(void)
{
    int fd = open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
    char byte;

    return fd >= 0 && read(fd, &byte, 1) == 1 ? DONE : DIFFERENT;
}

/* Landlock, where the kernel has it: what is no folder of a driver's. */
static int read_elsewhere(void)
{
    if (landlock == 0)
        return DONE;
    return open("/root", O_RDONLY | O_CLOEXEC) < 0 && open("/var", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES
               ? DONE
               : DIFFERENT;
}

static int write_file(void)
{
    char path[] = "/tmp/lazaret-driver-XXXXXX";
    int fd = mkstemp(path);

    (void)signal(SIGXFSZ, SIG_IGN);
    if (fd < 0)
        return DIFFERENT;
    if (write(fd, "x", 1) == 1)
        return unlink(path) == 0 ? DONE : DIFFERENT;
    return DIFFERENT;
}

static int write_sealed(void)
{
    char path[64];
    int fd;

    (void)snprintf(path, sizeof path, "/tmp/lazaret-driver-%d", (int)getpid());
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    return fd < 0 || write(fd, "x", 1) < 0 ? DONE : DIFFERENT; /* SIGXFSZ ends it first */
}

static int start_process(void)
{
    (void)fork();
    return DIFFERENT;
}

static int trace(void)
{
    (void)syscall(SYS_ptrace, 0, 0, 0, 0);
    return DIFFERENT;
}

/* What drivers do: more addresses than there is memory; and what no driver gets: more memory than it may have. */
static int take_data(void)
{
    void *reserved = mmap(NULL, (size_t)1 << 40, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    void *data = mmap(NULL, DATA_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (reserved == MAP_FAILED || data != MAP_FAILED || errno != ENOMEM)
        return DIFFERENT;
    /* Not by a detour either: what was set aside becomes data as it may be written. */
    if (mprotect(reserved, DATA_MAX, PROT_READ | PROT_WRITE) == 0 || errno != ENOMEM)
        return DIFFERENT;
    data = mmap(NULL, DATA_MAX / 4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data != MAP_FAILED ? DONE : DIFFERENT;
}

static void allowed(bool sealed, int (*act)(void))
{
    struct sandbox_report report;

    CU_ASSERT_EQUAL(in_worker(sealed, act, &report), DONE);
    if (report.event != SANDBOX_NOTHING)
        (void)fprintf(stderr, "call %d ", report.system_call);
    CU_ASSERT_EQUAL(report.event, SANDBOX_NOTHING);
}

static void forbidden(int (*act)(void), int number)
{
    struct sandbox_report report;

    CU_ASSERT_EQUAL(in_worker(true, act, &report), SANDBOX_EXIT_TRAP);
    CU_ASSERT_EQUAL(report.event, SANDBOX_FORBIDDEN_CALL);
    CU_ASSERT_EQUAL(report.system_call, number);
}

static void test_start(void)
{
    allowed(false, run_true);
    allowed(false, map_executable);
    allowed(false, read_library);
    allowed(false, write_file);
    allowed(false, read_elsewhere);
    allowed(false, start_thread);
    allowed(false, take_data);
}

static void test_sealed(void)
{
    struct sandbox_report report;
    int ended;

    allowed(true, read_library);
    allowed(true, read_elsewhere);
    allowed(true, open_socket);
    allowed(true, start_thread);
    allowed(true, take_data);
    forbidden(execute, SYS_execve);
    forbidden(map_executable, SYS_mmap);
    forbidden(start_process, SYS_clone);
    forbidden(trace, SYS_ptrace);
    ended = in_worker(true, write_sealed, &report);
    CU_ASSERT(ended == DONE || ended == 1000 + SIGXFSZ);
}

int main(void)
{
    static const struct harness_test tests[] = {{"until the seal", test_start}, {"from the seal on", test_sealed}};

#if defined(__SANITIZE_ADDRESS__)
    puts("skipped: AddressSanitizer needs memory and system calls that the sandbox denies");
    return HARNESS_SKIPPED;
#endif
    landlock = sandbox_landlock_abi();
    return harness_run("sandbox: a driver's profile", tests, HARNESS_COUNT(tests));
}
