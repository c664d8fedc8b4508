/* SPDX-License-Identifier: Apache-2.0 */
/* One attempt at a job: `lazaret evaluate` in a process of its own. */
#include "host/farm/attempt.h"

#include "base/child.h"
#include "base/io.h"
#include "host/farm/job_line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define ARGUMENTS_MAX  128u
#define MEMORY_SIZE    32u
#define TERM_GRACE_MS  5000u
#define LOG_TAIL_BYTES 2048u

struct arguments {
    unsigned count;
    const char *list[ARGUMENTS_MAX + 1];
    char memory[MEMORY_SIZE];
};

static int add(struct arguments *arguments, const char *text, struct error *err)
{
    if (arguments->count == ARGUMENTS_MAX)
        return error_set(err, ERROR_INTERNAL, -E2BIG, "more than %u arguments", ARGUMENTS_MAX);
    arguments->list[arguments->count++] = text;
    return 0;
}

static int add_option(struct arguments *arguments, const char *name, const char *value, struct error *err)
{
    int r = add(arguments, name, err);

    return r < 0 ? r : add(arguments, value, err);
}

static int add_description(struct arguments *arguments, const struct attempt_order *order, struct error *err)
{
    static const char *const options[] = {NULL, "--test", "--spec", "--train", "--reference", "--triggers", "--policy"};
    const json_t *description = order->description;
    json_int_t memory = json_integer_value(json_object_get(description, "memory"));
    int r = 0;

    if (memory == 0)
        memory = (json_int_t)order->memory_mib;
    for (size_t i = 0; r == 0 && job_line_paths[i] != NULL; i++) {
        const char *path = json_string_value(json_object_get(description, job_line_paths[i]));

        if (path != NULL && options[i] != NULL)
            r = add_option(arguments, options[i], path, err);
    }
    if (r < 0 || memory == 0)
        return r;
    (void)snprintf(arguments->memory, sizeof arguments->memory, "%" PRIi64, (int64_t)memory);
    return add_option(arguments, "--memory", arguments->memory, err);
}

static int build(struct arguments *arguments, const struct attempt_order *order, struct error *err)
{
    int r = add(arguments, "lazaret", err);

    if (r == 0)
        r = add_option(arguments, "evaluate", "--quiet", err);
    if (r == 0)
        r = add_option(arguments, "-o", order->output, err);
    if (r == 0)
        r = add_description(arguments, order, err);
    if (r == 0 && order->device[0] != '\0')
        r = add_option(arguments, "--gpu", order->device, err);
    for (size_t i = 0; r == 0 && i < json_array_size(order->settings); i++)
        r = add(arguments, json_string_value(json_array_get(order->settings, i)), err);
    if (r == 0)
        r = add_option(arguments, "--", json_string_value(json_object_get(order->description, "model")), err);
    return r;
}

/* --- the data reader's loan ----------------------------------------------------------------------------------------
 */

#define LOAN_VARIABLE "LAZARET_DATA_LOAN" /* "RECORD,SOCKET": the numbers of two descriptors */

/* Copies of both descriptors that outlive the exec. */
static int hand_over(const struct data_loan *loan)
{
    int record, socket;
    char text[32];

    if (loan->record_fd < 0)
        return unsetenv(LOAN_VARIABLE);
    record = fcntl(loan->record_fd, F_DUPFD, STDERR_FILENO + 1);
    socket = fcntl(loan->socket_fd, F_DUPFD, STDERR_FILENO + 1);
    (void)snprintf(text, sizeof text, "%d,%d", record, socket);
    return record < 0 || socket < 0 ? -1 : setenv(LOAN_VARIABLE, text, 1);
}

static bool keep_to_itself(int fd)
{
    return fd > STDERR_FILENO && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

struct data_loan attempt_take_loan(void)
{
    const char *text = getenv(LOAN_VARIABLE);
    struct data_loan loan = {-1, -1};
    bool given = text != NULL && sscanf(text, "%d,%d", &loan.record_fd, &loan.socket_fd) == 2 &&
                 keep_to_itself(loan.record_fd) && keep_to_itself(loan.socket_fd);

    (void)unsetenv(LOAN_VARIABLE);
    return given ? loan : (struct data_loan){-1, -1};
}

/* --- the process ---------------------------------------------------------------------------------------------------
 */

/* In the child: nothing of the worker's but the log and the loan; it dies with the worker. */
_Noreturn static void become(const struct attempt_order *order, const struct arguments *arguments, int log,
                             pid_t parent)
{
    const char *folder = json_string_value(json_object_get(order->description, JOB_FOLDER));
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || setsid() < 0 || null < 0 ||
        dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0 ||
        close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0 || hand_over(&order->loan) < 0)
        _exit(error_exit_status(ERROR_INTERNAL));
    if (folder != NULL && chdir(folder) < 0) {
        (void)fprintf(stderr, "lazaret: %s: %s\n", folder, strerror(errno));
        _exit(error_exit_status(ERROR_NO_INPUT));
    }
    (void)execv("/proc/self/exe", (char *const *)(uintptr_t)arguments->list);
    (void)fprintf(stderr, "lazaret: /proc/self/exe: %s\n", strerror(errno));
    _exit(error_exit_status(ERROR_UNAVAILABLE));
}

static int start(const struct attempt_order *order, int log, pid_t *ret_pid, int *ret_pidfd, struct error *err)
{
    struct arguments arguments = {0};
    pid_t parent = getpid(), pid;
    int r = build(&arguments, order, err);

    if (r < 0)
        return r;
    pid = fork();
    if (pid < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "no process for a job: %s", strerror(errno));
    if (pid == 0)
        become(order, &arguments, log, parent);
    *ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    *ret_pid = pid;
    return 0;
}

/* Until it ends, or is to be ended: by asking first, as it may be just about to commit, then by force. */
static int follow(pid_t pid, int pidfd, int (*watch)(void *context, struct error *err), void *context, int *ret_status,
                  bool *ret_canceled, struct error *err)
{
    uint64_t patience = QUEUE_BEAT_MS;
    bool ending = false;
    int r = 0;

    for (;;) {
        if (!ending) {
            r = watch(context, err);
            if (r != 0) {
                ending = true;
                patience = TERM_GRACE_MS;
                (void)kill(pid, SIGTERM);
            }
        }
        if (io_wait(pidfd, POLLIN, io_deadline_ms(patience)) == 0)
            break;
        if (ending)
            (void)kill(pid, SIGKILL);
    }
    (void)!child_wait(pid, ret_status, IO_NO_DEADLINE);
    *ret_canceled = r == 1;
    return r < 0 ? r : 0;
}

/* The last line that it wrote. */
static void read_said(int log, char ret_said[QUEUE_REASON_SIZE])
{
    char tail[LOG_TAIL_BYTES + 1], *line;
    off_t size = lseek(log, 0, SEEK_END);
    uint64_t from = size > (off_t)LOG_TAIL_BYTES ? (uint64_t)size - LOG_TAIL_BYTES : 0;
    ssize_t got = size < 0 ? -1 : io_pread_full(log, tail, LOG_TAIL_BYTES, from);

    ret_said[0] = '\0';
    if (got <= 0)
        return;
    while (got > 0 && tail[got - 1] == '\n')
        got--;
    tail[got] = '\0';
    line = strrchr(tail, '\n');
    (void)snprintf(ret_said, QUEUE_REASON_SIZE, "%.*s", (int)QUEUE_REASON_SIZE - 1, line != NULL ? line + 1 : tail);
}

int attempt_run(const struct attempt_order *order, int (*watch)(void *context, struct error *err), void *context,
                struct attempt_end *ret_end, struct error *err)
{
    CLEANUP_FD int log = open(order->log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644), pidfd = -1;
    struct attempt_end end = {0};
    uint64_t from = io_now_ns();
    int status = 0, r;
    pid_t pid = -1;

    if (log < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", order->log, strerror(errno));
    r = start(order, log, &pid, &pidfd, err);
    if (r < 0)
        return r;
    if (pidfd < 0) {
        r = -errno;
        child_kill(pid);
        return error_set(err, ERROR_UNAVAILABLE, r, "pidfd_open: %s", strerror(-r));
    }
    r = follow(pid, pidfd, watch, context, &status, &end.canceled, err);
    if (r < 0)
        return r;
    if (WIFSIGNALED(status))
        end.signal = WTERMSIG(status);
    else
        end.status = WEXITSTATUS(status);
    end.wall_ms = (io_now_ns() - from) / IO_NS_PER_MS;
    read_said(log, end.said);
    *ret_end = end;
    return 0;
}
