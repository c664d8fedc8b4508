/* SPDX-License-Identifier: Apache-2.0 */
/* Children that end, go on, stop, or are none. */
#include "base/child.h"
#include "base/io.h"
#include "unit/vsock-proto/base/tests.h"

#include <CUnit/CUnit.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON_MS UINT64_C(20)
#define LONG_MS UINT64_C(60000)

/* A child that waits for the write end to be closed, then exits with 7. */
static pid_t fork_waiting(int *ret_release)
{
    int ends[2];
    char byte;
    pid_t pid;

    if (pipe(ends) < 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        (void)close(ends[1]);
        (void)!read(ends[0], &byte, 1);
        _exit(7);
    }
    (void)close(ends[0]);
    *ret_release = ends[1];
    return pid;
}

void test_child_ends(void)
{
    int release = -1, status = -1;
    pid_t pid = fork_waiting(&release);

    CU_ASSERT(child_wait(pid, &status, io_deadline_ms(SOON_MS)) == -ETIMEDOUT);
    CU_ASSERT(status == -1);
    CU_ASSERT(child_wait(pid, &status, 0) == -ETIMEDOUT); /* long past: one look */
    (void)close(release);
    CU_ASSERT(child_wait(pid, &status, io_deadline_ms(LONG_MS)) == 0);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CU_ASSERT(child_wait(pid, &status, io_deadline_ms(LONG_MS)) == -ECHILD);
}

void test_child_without_deadline(void)
{
    int release = -1, status = -1;
    pid_t pid = fork_waiting(&release);

    (void)close(release);
    CU_ASSERT(child_wait(pid, &status, IO_NO_DEADLINE) == 0);
    CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CU_ASSERT(child_wait(pid, NULL, IO_NO_DEADLINE) == -ECHILD);
}

/* A deadline that is past does not hide an end that was there before it was looked at. */
void test_child_ended_before(void)
{
    int release = -1, status = -1;
    pid_t pid = fork_waiting(&release);
    siginfo_t info;

    (void)kill(pid, SIGTERM);
    CU_ASSERT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0);
    CU_ASSERT(child_wait(pid, &status, 0) == 0);
    CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    (void)close(release);
}

/* One that is stopped, too. */
void test_child_killed(void)
{
    int release = -1;
    pid_t pid = fork_waiting(&release);

    (void)kill(pid, SIGSTOP);
    child_kill(pid);
    CU_ASSERT(kill(pid, 0) < 0 && errno == ESRCH);
    (void)close(release);
}
