/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of SIGSYS and of faults: they write what happened to the shared report.
 *
 * Only async-signal-safe steps. A forbidden call ends the process here. A fault restores the default
 * action and raises the signal again, so that it shows in the wait status.
 */
#include "guest/sandbox/internal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static struct sandbox_report *shared_report; /* set once, before any thread */

static void on_forbidden_call(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (shared_report != NULL) {
        shared_report->system_call = info->si_syscall;
        shared_report->address = (uint64_t)(uintptr_t)info->si_call_addr;
        shared_report->signal = SIGSYS;
        shared_report->event = SANDBOX_FORBIDDEN_CALL;
    }
    _exit(SANDBOX_EXIT_TRAP);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (shared_report != NULL) {
        shared_report->address = (uint64_t)(uintptr_t)info->si_addr;
        shared_report->signal = number;
        shared_report->event = SANDBOX_FAULT;
    }
    /* SA_RESETHAND has restored the default action; a signal that somebody sent would not come again by itself. */
    (void)raise(number);
}

static int install(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

    (void)sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}

int trap_install(struct sandbox_report *report)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    int r = install(SIGSYS, on_forbidden_call, 0);

    shared_report = report;
    for (size_t i = 0; r == 0 && i < sizeof faults / sizeof faults[0]; i++)
        r = install(faults[i], on_fault, (int)SA_RESETHAND);
    return r;
}
