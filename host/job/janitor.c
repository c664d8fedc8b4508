/* SPDX-License-Identifier: Apache-2.0 */
/* The janitor, and the monitor's side of its socket. */
#include "host/job/janitor.h"

#include "base/io.h"
#include "host/confine/janitor.h"
#include "host/confine/place.h"
#include "host/job/deadlines.h"
#include "host/job/hidden.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define JANITOR_DISMISSED 'd'

/* A letter means that all is well, the socket's end that the monitor is gone. */
static _Noreturn void run(int socket, const char *hidden, const char *journal)
{
    char word = 0;
    ssize_t count;

    (void)setsid(); /* an interrupt at the terminal is the monitor's, not ours */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    if (confine_janitor(socket, (const char *const[]){hidden, journal}, 2, NULL) < 0)
        _exit(1);
    do
        count = read(socket, &word, 1);
    while (count < 0 && errno == EINTR);
    if (count <= 0 || word != JANITOR_DISMISSED)
        hidden_remove(hidden);
    if (journal != NULL)
        (void)unlink(journal);
    _exit(0);
}

int janitor_start(const char *hidden, const char *journal, struct janitor *ret_janitor, struct error *err)
{
    CLEANUP_FD int ours = -1, theirs = -1;
    int ends[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "socketpair: %s", strerror(errno));
    ours = ends[0];
    theirs = ends[1];
    pid = confine_fork();
    if (pid < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "fork: %s", strerror(errno));
    if (pid == 0) {
        (void)close(take_fd(&ours));
        run(theirs, hidden, journal);
    }
    *ret_janitor = (struct janitor){.pid = pid, .pidfd = pidfd_open(pid, 0), .socket = take_fd(&ours)};
    return 0;
}

void janitor_dismiss(struct janitor *janitor)
{
    const char word = JANITOR_DISMISSED;

    if (janitor->socket >= 0)
        (void)!send(janitor->socket, &word, 1, MSG_NOSIGNAL);
}

void janitor_end(struct janitor *janitor)
{
    if (janitor->socket >= 0)
        (void)close(take_fd(&janitor->socket));
    if (janitor->pid <= 0)
        return;
    if (janitor->pidfd >= 0 && io_wait(janitor->pidfd, POLLIN, io_deadline_ms(JOB_DEADLINE_JANITOR_MS)) < 0)
        (void)kill(janitor->pid, SIGKILL);
    while (waitpid(janitor->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (janitor->pidfd >= 0)
        (void)close(take_fd(&janitor->pidfd));
    janitor->pid = 0;
}
