/* SPDX-License-Identifier: Apache-2.0 */
/* Locks: kept out, waited for, shared by a child until it ends. */
#include "base/io.h"
#include "base/lock.h"
#include "unit/vsock-proto/base/tests.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOLDS_US   50000u
#define PATIENT_MS UINT64_C(60000)

static int open_again(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

/* What a process leaves that is killed between its fork and its child's exec; it ends soon after `gate` is closed. */
static pid_t fork_holder(const int gate[2])
{
    pid_t pid = fork();
    char byte;

    CU_ASSERT_FATAL(pid >= 0);
    if (pid == 0) {
        (void)close(gate[1]);
        (void)!read(gate[0], &byte, 1);
        (void)usleep(HOLDS_US);
        _exit(0);
    }
    (void)close(gate[0]);
    return pid;
}

void test_lock(void)
{
    char path[] = "/tmp/lazaret-lock-XXXXXX";
    CLEANUP_FD int made = mkstemp(path), second = open_again(path);
    int first = open_again(path), gate[2];
    pid_t child;
    uint64_t begun;

    CU_ASSERT_EQUAL(lock_take(first, 0), 0);
    CU_ASSERT_EQUAL(lock_take(first, 0), 0); /* one's own */
    CU_ASSERT_EQUAL(lock_take(second, 0), -EWOULDBLOCK);
    begun = io_now_ns();
    CU_ASSERT_EQUAL(lock_take(second, 20), -EWOULDBLOCK);
    CU_ASSERT(io_now_ns() - begun >= UINT64_C(20000000));

    CU_ASSERT_EQUAL_FATAL(pipe(gate), 0);
    child = fork_holder(gate);
    (void)close(first);
    CU_ASSERT_EQUAL(lock_take(second, 0), -EWOULDBLOCK);
    (void)close(gate[1]);
    CU_ASSERT_EQUAL(lock_take(second, PATIENT_MS), 0);
    CU_ASSERT_EQUAL(waitpid(child, NULL, 0), child);

    CU_ASSERT_EQUAL(lock_take(-1, PATIENT_MS), -EBADF);
    CU_ASSERT(made >= 0);
    (void)unlink(path);
}
