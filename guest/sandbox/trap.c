/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handlers of SIGSYS and of faults: a worker's write what happened to the shared report, the supervisor's to standard
 * error.
 *
 * Only async-signal-safe steps, on a stack of their own, as an overflow of the other one is a fault too. A forbidden
 * call ends the process here. A fault restores the default action and raises the signal again, so that it shows in the
 * wait status; a fault within the handler finds the default action and ends the process at once.
 */
#include "guest/sandbox/internal.h"
#include "guest/sandbox/rules.h"

#include <linux/audit.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#define STACK_SIZE ((size_t)32 << 10) /* a frame with AMX's state takes some 11 KiB; touched only when it is used */

static struct sandbox_report *shared_report; /* set once, before any thread */
static char stack[STACK_SIZE] __attribute__((aligned(16)));

static int32_t call_of(const siginfo_t *info)
{
    int32_t number = info->si_syscall;

#if defined(__x86_64__)
    if (info->si_arch == AUDIT_ARCH_I386)
        number |= SANDBOX_CALL_32_BIT;
#endif
    return number;
}

/* The kernel gives the instruction after the call; `syscall` and `int 0x80` both have two bytes. */
static uint64_t call_address_of(const siginfo_t *info)
{
    uint64_t after = (uint64_t)(uintptr_t)info->si_call_addr;

#if defined(__x86_64__)
    return after - 2;
#else
    return after;
#endif
}

static uint64_t instruction_of(const void *context)
{
#if defined(__x86_64__)
    return (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#else
    (void)context;
    return 0;
#endif
}

/* --- a worker's ----------------------------------------------------------------------------------------- */

static void on_forbidden_call(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    if (shared_report != NULL) {
        shared_report->system_call = call_of(info);
        shared_report->address = call_address_of(info);
        shared_report->signal = SIGSYS;
        shared_report->event = SANDBOX_FORBIDDEN_CALL;
    }
    _exit(SANDBOX_EXIT_TRAP);
}

/* SYSTEM-CALL worker rt_sigreturn: the fault handler returns, so that the fault's signal ends the worker */
static void on_fault(int number, siginfo_t *info, void *context)
{
    if (shared_report != NULL) {
        shared_report->address = (uint64_t)(uintptr_t)info->si_addr;
        shared_report->instruction = instruction_of(context);
        shared_report->signal = number;
        shared_report->event = SANDBOX_FAULT;
    }
    /* SA_RESETHAND has restored the default action; a signal that somebody sent would not come again by itself. */
    (void)raise(number);
}

/* --- the supervisor's --------------------------------------------------------------------------------------- */

#define LINE_SIZE 160u

struct line {
    char text[LINE_SIZE];
    size_t size;
};

static void put_text(struct line *line, const char *text)
{
    while (*text != '\0' && line->size < LINE_SIZE)
        line->text[line->size++] = *text++;
}

static void put_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[21];
    size_t first = sizeof digits - 1;

    digits[first] = '\0';
    do
        digits[--first] = "0123456789abcdef"[number % base];
    while ((number /= base) > 0);
    put_text(line, base == 16 ? "0x" : "");
    put_text(line, digits + first);
}

static void say(struct line *line)
{
    put_text(line, "\n");
    (void)!write(STDERR_FILENO, line->text, line->size);
}

static void on_supervisor_call(int number, siginfo_t *info, void *context)
{
    struct line line = {.size = 0};

    (void)number;
    (void)context;
    put_text(&line, "lazaret-agent: the supervisor made the forbidden system call ");
    put_number(&line, (uint32_t)call_of(info), 10);
    put_text(&line, " at ");
    put_number(&line, call_address_of(info), 16);
    say(&line);
    _exit(SANDBOX_EXIT_TRAP);
}

static void on_supervisor_fault(int number, siginfo_t *info, void *context)
{
    struct line line = {.size = 0};

    put_text(&line, "lazaret-agent: the supervisor died of signal ");
    put_number(&line, (uint64_t)number, 10);
    put_text(&line, " at address ");
    put_number(&line, (uint64_t)(uintptr_t)info->si_addr, 16);
    put_text(&line, ", instruction ");
    put_number(&line, instruction_of(context), 16);
    say(&line);
    (void)raise(number);
}

/* --- both ------------------------------------------------------------------------------------------------- */

typedef void (*handler)(int, siginfo_t *, void *);

static int install(int number, handler handle, int flags)
{
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | flags};

    (void)sigemptyset(&action.sa_mask);
    /* SYSTEM-CALL entry rt_sigaction: the handlers of forbidden calls and faults */
    return sigaction(number, &action, NULL) < 0 ? -errno : 0;
}

static int install_all(handler on_call, handler on_signal)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    int r;

    /* SYSTEM-CALL entry sigaltstack: here, and for each of the engine's threads (pool.c) */
    if (sigaltstack(&alternate, NULL) < 0)
        return -errno;
    r = install(SIGSYS, on_call, 0);
    for (size_t i = 0; r == 0 && i < sizeof faults / sizeof faults[0]; i++)
        r = install(faults[i], on_signal, (int)SA_RESETHAND);
    return r;
}

int trap_install(struct sandbox_report *report)
{
    shared_report = report;
    return install_all(on_forbidden_call, on_fault);
}

int trap_install_supervisor(void)
{
    return install_all(on_supervisor_call, on_supervisor_fault);
}
