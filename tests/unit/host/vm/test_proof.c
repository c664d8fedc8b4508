/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of destruction: what lives is found, and the namespaces of later jobs are not taken for the job's own. */
#include "host/vm/proof.h"
#include "unit/harness.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LATER 6u /* jobs that begin when one has ended; each makes three namespaces */

/* A process that only waits, in namespaces of its own. */
static pid_t start_job(void)
{
    long pid = syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL);

    if (pid == 0)
        for (;;)
            (void)pause();
    return (pid_t)pid;
}

static void end_job(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

static void test_alive_and_gone(void)
{
    struct proof_marks marks;
    struct vm_proof proof;
    pid_t job = start_job();

    CU_ASSERT_FATAL(job > 0);
    CU_ASSERT_EQUAL_FATAL(proof_read_marks(job, &marks, NULL), 0);
    proof_check(&marks, true, 0, &proof);
    CU_ASSERT_FALSE(proof_holds(&proof));
    CU_ASSERT_FALSE(proof.processes_gone || proof.mounts_gone || proof.sockets_gone);
    end_job(job);
    proof_check(&marks, true, 0, &proof);
    CU_ASSERT_TRUE(proof_holds(&proof));
    proof_check(&marks, false, 0, &proof); /* nobody saw the supervisor end */
    CU_ASSERT_FALSE(proof_holds(&proof));
    proof_release(&marks);
    proof_release(&marks);
}

/* The kernel gives a freed namespace's number to the next that is made. */
static void test_numbers_are_not_reused(void)
{
    struct proof_marks marks;
    struct vm_proof proof;
    pid_t job = start_job(), later[LATER];

    CU_ASSERT_FATAL(job > 0);
    CU_ASSERT_EQUAL_FATAL(proof_read_marks(job, &marks, NULL), 0);
    end_job(job);
    for (unsigned i = 0; i < LATER; i++)
        later[i] = start_job();
    proof_check(&marks, true, 0, &proof);
    CU_ASSERT_TRUE(proof_holds(&proof));
    CU_ASSERT_STRING_EQUAL(proof.detail, "");
    for (unsigned i = 0; i < LATER; i++)
        end_job(later[i]);
    proof_release(&marks);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"alive, and gone", test_alive_and_gone},
        {"later jobs are others", test_numbers_are_not_reused},
    };
    pid_t job = start_job();

    if (job < 0) {
        (void)printf("SKIPPED: namespaces need root\n");
        return HARNESS_SKIPPED;
    }
    end_job(job);
    return harness_run("host/vm's proof of destruction", tests, HARNESS_COUNT(tests));
}
