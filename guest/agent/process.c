/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's process. */
#include "guest/agent/process.h"

#include "base/io.h"
#include "guest/agent/window_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* The child's part of a fork: never returns. */
static _Noreturn void become_worker(const struct worker_task *task, const struct group *group, pid_t parent)
{
    /* SYSTEM-CALL entry getppid: whether the supervisor still lives */
    if (getppid() != parent)
        _exit(1); /* the supervisor died before the worker could ask to die with it */
    if (group_enter(group) < 0)
        _exit(1);
    _exit(worker_run(task));
}

static int failed(struct error *err, const char *step)
{
    int code = -errno;

    return error_set(err, ERROR_INTERNAL, code, "can't start a worker: %s: %s", step, strerror(-code));
}

static int open_pipes(int ret_input[2], int ret_output[2], struct error *err)
{
    /* SYSTEM-CALL supervisor pipe2: a worker's input and output */
    if (pipe2(ret_input, O_CLOEXEC) < 0 || pipe2(ret_output, O_CLOEXEC) < 0)
        return failed(err, "pipe");
    /* Larger pipes only save switches between the processes: a refusal does no harm. */
    /* SYSTEM-CALL supervisor fcntl [1 == F_SETPIPE_SZ]: larger pipes */
    (void)fcntl(ret_input[1], F_SETPIPE_SZ, WINDOW_PIPE_SIZE);
    (void)fcntl(ret_output[1], F_SETPIPE_SZ, WINDOW_PIPE_SIZE);
    if (io_set_nonblocking(ret_input[1]) < 0 || io_set_nonblocking(ret_output[0]) < 0)
        return failed(err, "fcntl");
    return 0;
}

static void close_pair(int pair[2])
{
    cleanup_close_fd(&pair[0]);
    cleanup_close_fd(&pair[1]);
}

int process_start(const struct worker_task *task, const struct group *group, struct process *ret_process,
                  struct error *err)
{
    int input[2] = {-1, -1}, output[2] = {-1, -1};
    struct worker_task own = *task;
    struct sandbox_report *report = NULL;
    /* SYSTEM-CALL supervisor getpid: that its worker knows it */
    pid_t parent = getpid(), child = -1;
    int r = open_pipes(input, output, err);

    if (r == 0 && sandbox_report_map(&report) < 0)
        r = error_set(err, ERROR_INTERNAL, -ENOMEM, "can't start a worker: no memory for its report");
    own.input_fd = input[0];
    own.output_fd = output[1];
    own.report = report;
    if (r == 0)
        child = fork(); /* SYSTEM-CALL supervisor clone [0 & NEW_NAMESPACES == 0]: a worker's start */
    if (child == 0)
        become_worker(&own, group, parent);
    if (r == 0 && child < 0)
        r = failed(err, "fork");
    if (r < 0) {
        close_pair(input);
        close_pair(output);
        sandbox_report_unmap(report);
        return r;
    }
    /* SYSTEM-CALL supervisor close: pipes, memory files, evidence */
    (void)close(input[0]);
    (void)close(output[1]);
    *ret_process = (struct process){.pid = child, .input = input[1], .output = output[0], .report = report};
    return 0;
}

static int reap(struct process *process)
{
    int status = 0;

    /* SYSTEM-CALL supervisor wait4: waitpid, for the worker's status */
    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        ;
    cleanup_close_fd(&process->input);
    cleanup_close_fd(&process->output);
    sandbox_report_unmap(process->report);
    *process = (struct process){.input = -1, .output = -1};
    return status;
}

void process_end(struct process *process)
{
    if (process->pid == 0)
        return;
    /* SYSTEM-CALL supervisor kill [1 == SIGKILL]: the worker's end */
    (void)kill(process->pid, SIGKILL);
    (void)reap(process);
}

static void describe_forbidden(const struct sandbox_report *report, char text[PROCESS_CAUSE_MAX],
                               struct message_failure *failure)
{
    char name[SANDBOX_CALL_NAME_MAX];

    failure->code = MESSAGE_FAILURE_FORBIDDEN_CALL;
    failure->signal = SIGSYS;
    failure->system_call = report->system_call;
    failure->address = report->address;
    sandbox_call_name(report->system_call, name);
    (void)snprintf(text, PROCESS_CAUSE_MAX, "the worker made the forbidden system call %s (%d) at 0x%llx", name,
                   (int)report->system_call, (unsigned long long)report->address);
}

static void describe_signal(int signal, const struct sandbox_report *report, char text[PROCESS_CAUSE_MAX],
                            struct message_failure *failure)
{
    const char *name = sigabbrev_np(signal);

    failure->signal = signal;
    failure->code = MESSAGE_FAILURE_WORKER_CRASHED;
    if (signal == SIGKILL) { /* the supervisor's own SIGKILL is never described: the kernel ran out of memory */
        failure->code = MESSAGE_FAILURE_MEMORY;
        (void)snprintf(text, PROCESS_CAUSE_MAX, "the kernel killed the worker: out of memory");
        return;
    }
    if (signal == SIGSYS)
        failure->code = MESSAGE_FAILURE_FORBIDDEN_CALL;
    if (report->event != SANDBOX_FAULT || report->signal != signal) {
        (void)snprintf(text, PROCESS_CAUSE_MAX, "the worker died of SIG%s", name != NULL ? name : "?");
        return;
    }
    failure->address = report->address;
    (void)snprintf(text, PROCESS_CAUSE_MAX, "the worker died of SIG%s at address 0x%llx, instruction 0x%llx",
                   name != NULL ? name : "?", (unsigned long long)report->address,
                   (unsigned long long)report->instruction);
}

void process_describe_end(struct process *process, char text[PROCESS_CAUSE_MAX], struct message_failure *ret_failure)
{
    struct sandbox_report report = {0};
    int status;

    /* The filter has no close: only its end closes a worker's output, so this doesn't wait long. */
    /* SYSTEM-CALL supervisor waitid: the worker's end, before its report is read */
    (void)waitid(P_PID, (id_t)process->pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
    report = *process->report; /* the worker is dead: what it wrote no longer changes */
    status = reap(process);
    *ret_failure = (struct message_failure){.code = MESSAGE_FAILURE_INTERNAL};
    if (WIFSIGNALED(status))
        describe_signal(WTERMSIG(status), &report, text, ret_failure);
    else if (WEXITSTATUS(status) == SANDBOX_EXIT_TRAP && report.event == SANDBOX_FORBIDDEN_CALL)
        describe_forbidden(&report, text, ret_failure);
    else
        (void)snprintf(text, PROCESS_CAUSE_MAX, "the worker ended with status %d and no result", WEXITSTATUS(status));
    ret_failure->text = (struct message_text){.data = text, .size = (uint32_t)strlen(text)};
}
