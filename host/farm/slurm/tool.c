/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm's command line programs. */
#include "host/farm/slurm/tool.h"

#include "base/child.h"
#include "base/io.h"
#include "host/attest/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define SAID_MAX       4096u /* of standard error that is kept: its end */
#define SHOWN_MAX      300u
#define STATUS_MISSING 127

struct run {
    const char *const *argv;
    int input, output[2], said[2]; /* read ends, write ends */
    pid_t pid;
    size_t said_size;
    char said_text[SAID_MAX + 1];
};

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void end_run(struct run *run)
{
    close_one(&run->input);
    for (unsigned i = 0; i < 2; i++) {
        close_one(&run->output[i]);
        close_one(&run->said[i]);
    }
    child_kill(run->pid);
}

static int prepare(struct run *run, const void *input, size_t size, struct error *err)
{
    run->input = memfd_create("slurm-input", MFD_CLOEXEC);
    if (run->input < 0 || io_write_full(run->input, input, size, IO_NO_DEADLINE) < 0 ||
        lseek(run->input, 0, SEEK_SET) < 0 || pipe2(run->output, O_CLOEXEC) < 0 || pipe2(run->said, O_CLOEXEC) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: no pipes to run it: %s", run->argv[0], strerror(errno));
    return 0;
}

_Noreturn static void become(const struct run *run, pid_t parent)
{
    static const char *const kept[] = {"PATH", "HOME", "USER", "LOGNAME", "SLURM_CONF", "SLURM_JWT"};
    char *environment[sizeof kept / sizeof kept[0] + 2];
    unsigned count = 0;
    sigset_t none;

    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        const char *value = getenv(kept[i]);

        if (value != NULL && asprintf(&environment[count], "%s=%s", kept[i], value) >= 0)
            count++;
    }
    environment[count++] = strdup("LC_ALL=C");
    environment[count] = NULL;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's is the controller's, which passes on what is meant */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || dup2(run->input, STDIN_FILENO) < 0 ||
        dup2(run->output[1], STDOUT_FILENO) < 0 || dup2(run->said[1], STDERR_FILENO) < 0)
        _exit(STATUS_MISSING - 1);
    (void)execvpe(run->argv[0], (char *const *)(uintptr_t)run->argv, environment);
    _exit(errno == ENOENT ? STATUS_MISSING : STATUS_MISSING - 1);
}

static int start(struct run *run, struct error *err)
{
    pid_t parent = getpid();

    run->pid = fork();
    if (run->pid < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "no process for %s: %s", run->argv[0], strerror(errno));
    if (run->pid == 0)
        become(run, parent);
    close_one(&run->output[1]);
    close_one(&run->said[1]);
    return 0;
}

/* 1: there may be more; 0: it has ended; or a negative errno. */
static int read_output(const struct run *run, struct buffer *output)
{
    char block[4096];
    ssize_t got = read(run->output[0], block, sizeof block);
    int r;

    if (got < 0)
        return errno == EINTR ? 1 : -errno;
    r = got > 0 ? buffer_append(output, block, (size_t)got) : 0;
    return r < 0 ? r : got > 0;
}

/* The end of it is kept, where the reason stands. */
static int read_said(struct run *run)
{
    char block[SAID_MAX];
    ssize_t got = read(run->said[0], block, sizeof block);
    size_t size = got > 0 ? (size_t)got : 0, old = run->said_size;

    if (got < 0)
        return errno == EINTR ? 1 : -errno;
    if (old + size > SAID_MAX) {
        size_t drop = old + size - SAID_MAX;

        memmove(run->said_text, run->said_text + drop, old - drop);
        old -= drop;
    }
    memcpy(run->said_text + old, block, size);
    run->said_size = old + size;
    return got > 0;
}

static int follow(struct run *run, struct buffer *output, uint64_t deadline)
{
    struct pollfd fds[2] = {{.fd = run->output[0], .events = POLLIN}, {.fd = run->said[0], .events = POLLIN}};

    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int r = poll(fds, 2, io_poll_timeout(deadline));

        if (r == 0)
            return -ETIMEDOUT;
        if (r < 0 && errno != EINTR)
            return -errno;
        for (unsigned i = 0; r > 0 && i < 2; i++) {
            int more = fds[i].revents == 0 ? 1 : i == 0 ? read_output(run, output) : read_said(run);

            if (more < 0)
                return more;
            if (more == 0)
                fds[i].fd = -1;
        }
    }
    return 0;
}

/* Its end, within the deadline: outputs that are closed are no end yet. */
static int reap(struct run *run, int *ret_status, uint64_t deadline)
{
    int r = child_wait(run->pid, ret_status, deadline);

    if (r != -ETIMEDOUT)
        run->pid = 0;
    return r;
}

static int fail(const struct run *run, int status, struct error *err)
{
    CLEANUP_BUFFER struct buffer shown = buffer_with_limit(SHOWN_MAX);
    char text[SAID_MAX + 1], *line, *end;

    if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_MISSING)
        return error_set(err, ERROR_UNAVAILABLE, -ENOENT, "%s: not installed here; Debian's slurm-client has it",
                         run->argv[0]);
    memcpy(text, run->said_text, run->said_size);
    text[run->said_size] = '\0';
    end = text + strlen(text);
    while (end > text && end[-1] == '\n')
        *--end = '\0';
    line = strrchr(text, '\n');
    if (text_escape(line != NULL ? line + 1 : text, SHOWN_MAX - 1, &shown) < 0 || buffer_append_u8(&shown, 0) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: failed", run->argv[0]);
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_UNAVAILABLE, -EREMOTEIO, "%s: killed by signal %d", run->argv[0], WTERMSIG(status));
    return error_set(err, ERROR_UNAVAILABLE, -EREMOTEIO, "%s: exit status %d: %s", run->argv[0], WEXITSTATUS(status),
                     (const char *)shown.data);
}

int slurm_tool_run(const char *const *argv, const void *input, size_t input_size, struct buffer *ret_output,
                   struct error *err)
{
    CLEANUP(end_run) struct run run = {.argv = argv, .input = -1, .output = {-1, -1}, .said = {-1, -1}};
    uint64_t deadline = io_deadline_ms(SLURM_TOOL_SECONDS * UINT64_C(1000));
    int status = 0, r = prepare(&run, input, input_size, err);

    if (r == 0)
        r = start(&run, err);
    if (r < 0)
        return r;
    r = follow(&run, ret_output, deadline);
    if (r == 0)
        r = reap(&run, &status, deadline);
    if (r == -ETIMEDOUT)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: no answer within %u s", argv[0], SLURM_TOOL_SECONDS);
    if (r == -EMSGSIZE)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: printed more than %zu bytes", argv[0], ret_output->limit);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", argv[0], strerror(-r));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : fail(&run, status, err);
}
