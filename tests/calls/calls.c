/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the allowed system calls are made: runs programs that start agents, counts every call of the agents'
 * supervisors and workers by ptrace(2), and prints the table, then the calls that are allowed and that nothing made.
 *
 *   trace-calls [-v] PROGRAM [ARGUMENT...] [-- PROGRAM [ARGUMENT...]]...
 *
 * Exit status: 0; 1 where a call was not made and has no excuse (UNSEEN:, see guest/sandbox/system_calls.awk), or a
 * program failed; 77 where nothing may be traced here.
 */
#define SANDBOX_RULE_TEXTS
#include "calls/tracee.h"
#include "guest/sandbox/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define SKIPPED 77
/* Calls of one process that are looked at: a long one makes the same ones over and over. */
#define STOPS_MAX 2000u
#define OPTIONS                                                                                                        \
    (PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |     \
     PTRACE_O_EXITKILL)

static uint64_t counts[RULE_COUNT];

static const unsigned profiles[] = {
    [TRACEE_SUPERVISOR] = RULE_supervisor,
    [TRACEE_ENTRY] = RULE_entry,
    [TRACEE_WORKER] = RULE_worker,
};

/* --- counting ------------------------------------------------------------------------------------------------ */

static bool holds(const struct rule *rule, const uint64_t arguments[6])
{
    for (unsigned i = 0; i < RULE_CONDITIONS_MAX && rule->conditions[i].mask != 0; i++) {
        const struct rule_condition *condition = &rule->conditions[i];

        if (condition->value != OWN_PROCESS && condition->value != SCRATCH_FOLDER &&
            (arguments[condition->argument] & condition->mask) != condition->value)
            return false;
    }
    return true;
}

static void count_call(const struct tracee *tracee)
{
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (rules[i].profile == profiles[tracee->process->role] && (uint64_t)rules[i].number == tracee->number &&
            holds(&rules[i], tracee->arguments))
            counts[i]++;
}

static void on_call(struct tracee *tracee)
{
    struct __ptrace_syscall_info info = {0};

    if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->tid, sizeof info, &info) < 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        tracee->number = info.entry.nr;
        memcpy(tracee->arguments, info.entry.args, sizeof tracee->arguments);
        if (tracee->process->role > TRACEE_SETUP)
            count_call(tracee);
        tracee->process->stops++;
    } else if (info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.rval == 0 && tracee->number == __NR_seccomp &&
               (uint32_t)tracee->arguments[0] == SECCOMP_SET_MODE_FILTER) {
        tracee_note_filter(tracee);
    }
}

/* --- tracing ---------------------------------------------------------------------------------------------------- */

static void go_on(const struct tracee *tracee, int signal)
{
    bool looks = tracee->process->role != TRACEE_OTHER && tracee->process->stops < STOPS_MAX;

    (void)ptrace(looks ? PTRACE_SYSCALL : PTRACE_CONT, tracee->tid, 0, signal);
}

/* What a stopped thread has to say; the signal to give it. */
static int on_stop(struct tracee *tracee, int status)
{
    int signal = WSTOPSIG(status), event = status >> 16;

    if (signal == (SIGTRAP | 0x80)) {
        on_call(tracee);
        return 0;
    }
    if (event == PTRACE_EVENT_EXEC)
        tracee_note_program(tracee);
    if (event != 0)
        return 0;
    if (signal == SIGSTOP && !tracee->started) { /* how a traced thread begins */
        tracee->started = true;
        return 0;
    }
    /* A stop of the whole group has no signal to hand on. */
    return ptrace(PTRACE_GETSIGINFO, tracee->tid, 0, &(siginfo_t){0}) < 0 ? 0 : signal;
}

/* Until all that was started is gone. Returns the program's own status. */
static int trace_all(pid_t program)
{
    int status, result = -1;
    pid_t tid;

    while ((tid = waitpid(-1, &status, __WALL)) > 0) {
        struct tracee *tracee;
        int signal;

        if (!WIFSTOPPED(status)) {
            if (tid == program)
                result = status;
            tracee_forget(tid);
            continue;
        }
        tracee = tracee_find(tid);
        if (tracee == NULL) {
            (void)ptrace(PTRACE_CONT, tid, 0, 0);
            continue;
        }
        signal = on_stop(tracee, status);
        go_on(tracee, signal);
    }
    return result;
}

static int run(char **arguments)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
            _exit(SKIPPED);
        (void)raise(SIGSTOP);
        (void)execv(arguments[0], arguments);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, child, 0, OPTIONS) < 0)
        return -1;
    tracee_find(child)->started = true;
    (void)ptrace(PTRACE_CONT, child, 0, 0);
    return trace_all(child);
}

/* --- the report --------------------------------------------------------------------------------------------------- */

static const char *profile_name(const struct rule *rule)
{
    return rule->profile == RULE_worker ? "worker" : rule->profile == RULE_entry ? "entry" : "supervisor";
}

static void print_rule(const struct rule *rule, const char *text)
{
    char conditions[96] = "";

    for (unsigned i = 0; i < RULE_CONDITIONS_MAX && rule->conditions[i].mask != 0; i++) {
        const struct rule_condition *condition = &rule->conditions[i];
        size_t used = strlen(conditions);

        if (condition->value == OWN_PROCESS || condition->value == SCRATCH_FOLDER)
            (void)snprintf(conditions + used, sizeof conditions - used, " [%u: its own]", condition->argument);
        else
            (void)snprintf(conditions + used, sizeof conditions - used, " [%u & 0x%llx: 0x%llx]", condition->argument,
                           (unsigned long long)condition->mask, (unsigned long long)condition->value);
    }
    printf("%-10s %s%s  %s\n           %s: %s\n", profile_name(rule), rule->name, conditions, text, rule->place,
           rule->reason);
}

static int report(bool verbose)
{
    unsigned made = 0, excused = 0, missing = 0;
    char number[32];

    for (size_t i = 0; i < RULE_COUNT; i++) {
        (void)snprintf(number, sizeof number, "%llu times", (unsigned long long)counts[i]);
        made += counts[i] > 0;
        if (verbose && counts[i] > 0)
            print_rule(&rules[i], number);
    }
    puts("Allowed, and made by nothing that ran:");
    for (size_t i = 0; i < RULE_COUNT; i++) {
        if (counts[i] > 0)
            continue;
        excused += rules[i].unseen != NULL;
        missing += rules[i].unseen == NULL;
        print_rule(&rules[i], rules[i].unseen == NULL ? "NO EXCUSE" : "");
        if (rules[i].unseen != NULL)
            printf("           excused: %s\n", rules[i].unseen);
    }
    printf("%zu rules: %u made, %u excused, %u neither\n", RULE_COUNT, made, excused, missing);
    return missing == 0 ? 0 : 1;
}

int main(int count, char **values)
{
    bool verbose = count > 1 && strcmp(values[1], "-v") == 0;
    int first = verbose ? 2 : 1, failed = 0;

    for (int i = first; i <= count; i++) {
        int status;

        if (i < count && strcmp(values[i], "--") != 0)
            continue;
        values[i] = NULL;
        if (first == i)
            return 64;
        status = run(&values[first]);
        if (status < 0)
            return SKIPPED;
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            printf("trace-calls: %s failed\n", values[first]);
            failed = 1;
        }
        first = i + 1;
    }
    return report(verbose) != 0 || failed ? 1 : 0;
}
