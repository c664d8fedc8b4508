/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp filter of a worker: what computing threads need that already exist, and no more.
 *
 * The default action is TRAP, so that the handler (trap.c) can report number and address. No call
 * here opens, maps a file, creates a process or thread, or changes a signal's handling: rt_sigaction
 * is absent, so that the handlers stay.
 */
#include "guest/sandbox/internal.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define ANY UINT64_MAX /* no condition on an argument */

/* A call, and a condition on one of its arguments: (argument & mask) == value. */
struct rule {
    int call;
    unsigned argument;
    uint64_t mask, value;
};

static const struct rule rules[] = {
    {SCMP_SYS(read), 0, ANY, 0},            /* windows from the input pipe */
    {SCMP_SYS(write), 0, ANY, 0},           /* results to the output pipe */
    {SCMP_SYS(munmap), 0, ANY, 0},          /* malloc */
    {SCMP_SYS(mremap), 0, ANY, 0},          /* realloc of large blocks */
    {SCMP_SYS(brk), 0, ANY, 0},             /* malloc's main heap */
    {SCMP_SYS(madvise), 0, ANY, 0},         /* malloc gives memory back */
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},  /* malloc grows a thread's heap; nothing becomes executable */
    {SCMP_SYS(futex), 0, ANY, 0},           /* the engine's threads wait for work; locks in the C library */
    {SCMP_SYS(sched_yield), 0, ANY, 0},     /* a thread that waits for little */
    {SCMP_SYS(restart_syscall), 0, ANY, 0}, /* a wait goes on after a stop signal */
    {SCMP_SYS(rt_sigreturn), 0, ANY, 0},    /* the fault handler returns */
    {SCMP_SYS(rt_sigprocmask), 0, ANY, 0},  /* abort() */
    {SCMP_SYS(gettid), 0, ANY, 0},          /* abort() */
    {SCMP_SYS(getpid), 0, ANY, 0},          /* abort() */
    {SCMP_SYS(sysinfo), 0, ANY, 0},         /* qsort() of much asks how much memory there is */
    {SCMP_SYS(exit), 0, ANY, 0},            /* a thread ends */
    {SCMP_SYS(exit_group), 0, ANY, 0},      /* the worker ends */
    /* CPU time for the figures and the monotonic clock for progress; the latter mostly by the vDSO */
    {SCMP_SYS(clock_gettime), 0, UINT32_MAX, CLOCK_PROCESS_CPUTIME_ID},
    {SCMP_SYS(clock_gettime), 0, UINT32_MAX, CLOCK_THREAD_CPUTIME_ID},
    {SCMP_SYS(clock_gettime), 0, UINT32_MAX, CLOCK_MONOTONIC},
    /* the peak of memory, as /proc is out of reach */
    {SCMP_SYS(getrusage), 0, UINT32_MAX, RUSAGE_SELF},
};

static int add_rule(scmp_filter_ctx filter, const struct rule *rule)
{
    if (rule->mask == ANY)
        return seccomp_rule_add(filter, SCMP_ACT_ALLOW, rule->call, 0);
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, rule->call, 1,
                            SCMP_CMP64(rule->argument, SCMP_CMP_MASKED_EQ, rule->mask, rule->value));
}

/* malloc's memory: anonymous and never executable. */
static int add_mmap(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                            SCMP_A3_64(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
}

/* abort() signals its own process, and no other can be signalled. */
static int add_tgkill(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                            SCMP_A0_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint64_t)getpid()));
}

int filter_install(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
    int r;

    if (filter == NULL)
        return -ENOMEM;
    r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0) /* calls by another architecture's entry have no number that could be reported */
        r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; r == 0 && i < sizeof rules / sizeof rules[0]; i++)
        r = add_rule(filter, &rules[i]);
    if (r == 0)
        r = add_mmap(filter);
    if (r == 0)
        r = add_tgkill(filter);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

void sandbox_call_name(int number, char ret_name[SANDBOX_CALL_NAME_MAX])
{
    CLEANUP_FREE char *name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), number);

    (void)snprintf(ret_name, SANDBOX_CALL_NAME_MAX, "%s", name != NULL ? name : "unknown");
}
