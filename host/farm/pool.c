/* SPDX-License-Identifier: Apache-2.0 */
/* The pool: worker processes, begun, watched and begun again. */
#include "host/farm/pool.h"

#include "base/child.h"
#include "base/io.h"
#include "host/farm/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#define EARLY_MS      2000 /* of a worker's beginning: an end within it says that the next one will fare no better */
#define FAILURES_MAX  5    /* early ends in a row before the pool gives up */
#define KILLS_MAX     100  /* the same by SIGKILL, which comes from elsewhere: an operator, or for want of memory */
#define STOP_AGAIN_MS 1000

struct member {
    pid_t pid; /* 0: ended for good */
    uint64_t begun_ns;
};

struct pool {
    const struct pool_options *options;
    int signal_fd;
    int trouble_fds[2]; /* a pipe: what a failing worker says */
    sigset_t before;
    unsigned stops;           /* signals to stop */
    uint64_t stop_again_ns;   /* from when on another one counts */
    unsigned failures, kills; /* in a row */
    struct member members[POOL_WORKERS_MAX];
};

/* --- a worker's process ------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t worker_stop;

static void on_stop(int number)
{
    worker_stop = number;
}

_Noreturn static void be_worker(const struct pool *pool, pid_t parent)
{
    const struct worker_options options = {.folder = pool->options->folder,
                                           .machine = pool->options->machine,
                                           .memory_is_given = pool->options->memory_is_given,
                                           .force = pool->options->force,
                                           .until_empty = pool->options->until_empty,
                                           .stop = &worker_stop};
    const struct sigaction stop = {.sa_handler = on_stop};
    struct error error = {0};
    int r;

    (void)sigaction(SIGTERM, &stop, NULL);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's goes to all; the controller passes on what is meant */
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, &pool->before, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || prctl(PR_SET_NAME, "lazaret-worker") < 0)
        _exit(error_exit_status(ERROR_INTERNAL));
    r = worker_run(&options, &error);
    if (r < 0)
        (void)!write(pool->trouble_fds[1], &error, sizeof error);
    _exit(r < 0 ? error_exit_status(error.kind) : 0);
}

static int begin_worker(struct pool *pool, struct member *member, struct error *err)
{
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "no process for a worker: %s", strerror(errno));
    if (pid == 0)
        be_worker(pool, parent);
    member->pid = pid;
    member->begun_ns = io_now_ns();
    return 0;
}

/* --- the controller ------------------------------------------------------------------------------------------------
 */

static void signal_all(const struct pool *pool, int number)
{
    for (unsigned i = 0; i < pool->options->workers; i++)
        if (pool->members[i].pid > 0)
            (void)kill(pool->members[i].pid, number);
}

static unsigned count_living(const struct pool *pool)
{
    unsigned count = 0;

    for (unsigned i = 0; i < pool->options->workers; i++)
        count += pool->members[i].pid > 0;
    return count;
}

/* Why the last one failed; a record in one piece, as pipes write them. */
static int give_up(const struct pool *pool, struct error *err)
{
    struct error trouble;

    if (pool->kills > KILLS_MAX)
        return error_set(
            err, ERROR_UNAVAILABLE, -ECHILD,
            "workers are killed as soon as they begin (SIGKILL); if that is for want of memory, begin fewer "
            "with --workers");
    if (read(pool->trouble_fds[0], &trouble, sizeof trouble) != (ssize_t)sizeof trouble)
        return error_set(err, ERROR_INTERNAL, -ECHILD, "workers die as soon as they begin");
    trouble.text[sizeof trouble.text - 1] = '\0';
    *err = trouble;
    return trouble.code < 0 ? trouble.code : -EIO;
}

/* A worker that has done its work is not begun again; one that was killed is. */
static int on_end(struct pool *pool, struct member *member, int status, struct error *err)
{
    bool early = io_now_ns() - member->begun_ns < EARLY_MS * IO_NS_PER_MS;
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

    member->pid = 0;
    if (pool->stops > 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return 0;
    if (!early)
        pool->failures = pool->kills = 0;
    if (killed)
        pool->kills++;
    else
        pool->failures++;
    if (pool->failures > FAILURES_MAX || pool->kills > KILLS_MAX)
        return give_up(pool, err);
    return begin_worker(pool, member, err);
}

static int reap(struct pool *pool, struct error *err)
{
    int status, r = 0;
    pid_t pid;

    while (r == 0 && (pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (unsigned i = 0; r == 0 && i < pool->options->workers; i++)
            if (pool->members[i].pid == pid)
                r = on_end(pool, &pool->members[i], status, err);
    return r;
}

static void on_signals(struct pool *pool)
{
    struct signalfd_siginfo info;

    while (read(pool->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        /* What stops whole groups of processes may say so twice in a moment. */
        if (info.ssi_signo == SIGCHLD || io_now_ns() < pool->stop_again_ns)
            continue;
        pool->stops++;
        pool->stop_again_ns = io_deadline_ms(STOP_AGAIN_MS);
        signal_all(pool, pool->stops == 1 ? SIGTERM : SIGKILL);
    }
}

static int loop(struct pool *pool, struct error *err)
{
    struct pollfd poller = {.fd = pool->signal_fd, .events = POLLIN};
    uint64_t look = 0;
    int r = 0;

    while (r == 0 && count_living(pool) > 0) {
        (void)poll(&poller, 1, io_poll_timeout(look));
        on_signals(pool);
        r = reap(pool, err);
        if (r == 0 && io_now_ns() >= look) {
            look = io_deadline_ms(POOL_LOOK_MS);
            r = pool->options->look(pool->options->context, false, err);
        }
    }
    return r < 0 ? r : pool->options->look(pool->options->context, true, err);
}

static int prepare(struct pool *pool, struct error *err)
{
    struct sigaction hangup;
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* not under nohup */
        (void)sigaddset(&signals, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &signals, &pool->before) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "sigprocmask: %s", strerror(errno));
    pool->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (pool->signal_fd < 0 || pipe2(pool->trouble_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "signalfd: %s", strerror(errno));
    return 0;
}

/* Whatever is left is not left running. */
static void end_all(struct pool *pool)
{
    signal_all(pool, SIGKILL);
    for (unsigned i = 0; i < pool->options->workers; i++)
        child_kill(pool->members[i].pid);
    (void)sigprocmask(SIG_SETMASK, &pool->before, NULL);
    for (unsigned i = 0; i < 2; i++)
        if (pool->trouble_fds[i] >= 0)
            (void)close(pool->trouble_fds[i]);
    if (pool->signal_fd >= 0)
        (void)close(pool->signal_fd);
}

int pool_run(const struct pool_options *options, bool *ret_stopped, struct error *err)
{
    CLEANUP_FREE struct pool *pool = calloc(1, sizeof *pool);
    int r;

    if (pool == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the workers");
    pool->options = options;
    pool->signal_fd = pool->trouble_fds[0] = pool->trouble_fds[1] = -1;
    r = prepare(pool, err);
    for (unsigned i = 0; r == 0 && i < options->workers; i++)
        r = begin_worker(pool, &pool->members[i], err);
    if (r == 0)
        r = loop(pool, err);
    end_all(pool);
    *ret_stopped = pool->stops > 0;
    return r;
}
