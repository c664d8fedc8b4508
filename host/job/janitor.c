/* SPDX-License-Identifier: Apache-2.0 */
/* The janitor, and the monitor's side of its socket. */
#include "host/job/janitor.h"

#include "base/child.h"
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

#define JANITOR_DISMISSED 'd'
#define JANITOR_CONFINED  'c' /* else it says what is wrong, and ends */

/* It tells that it is confined. A letter then means that all is well, the socket's end that the monitor is gone. */
static _Noreturn void run(int socket, const char *hidden, const char *journal)
{
    const char confined = JANITOR_CONFINED;
    struct error error = {0};
    char word = 0;
    ssize_t count;

    (void)setsid(); /* an interrupt at the terminal is the monitor's, not ours */
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    if (confine_janitor(socket, (const char *const[]){hidden, journal}, 2, &error) < 0) {
        (void)!write(socket, error.text, strlen(error.text));
        _exit(1);
    }
    (void)!write(socket, &confined, 1);
    do
        count = read(socket, &word, 1);
    while (count < 0 && errno == EINTR);
    if (count <= 0 || word != JANITOR_DISMISSED)
        hidden_remove(hidden);
    if (journal != NULL)
        (void)unlink(journal);
    _exit(0);
}

static int await_confinement(int socket, struct error *err)
{
    char text[ERROR_TEXT_MAX] = "";
    ssize_t count = 0;
    int r = io_wait(socket, POLLIN, io_deadline_ms(JOB_DEADLINE_JANITOR_MS));

    if (r == 0)
        count = read(socket, text, sizeof text - 1);
    if (count == 1 && text[0] == JANITOR_CONFINED)
        return 0;
    if (count > 1)
        return error_set(err, ERROR_INTERNAL, -EPERM, "%s", text);
    return error_set(err, ERROR_INTERNAL, r < 0 ? r : -ECHILD, "the janitor did not say that it is confined");
}

int janitor_start(const char *hidden, const char *journal, struct janitor *ret_janitor, struct error *err)
{
    CLEANUP_FD int ours = -1, theirs = -1;
    struct janitor janitor;
    int ends[2], r;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "socketpair: %s", strerror(errno));
    ours = ends[0];
    theirs = ends[1];
    pid = confine_fork(&theirs, 1);
    if (pid < 0)
        return confine_fork_failed("the janitor", err);
    if (pid == 0)
        run(theirs, hidden, journal);
    (void)close(take_fd(&theirs)); /* or its end could not be seen */
    janitor = (struct janitor){.pid = pid, .pidfd = pidfd_open(pid, 0), .socket = take_fd(&ours)};
    r = await_confinement(janitor.socket, err);
    if (r < 0)
        janitor_end(&janitor);
    else
        *ret_janitor = janitor;
    return r;
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
    (void)!child_wait(janitor->pid, NULL, IO_NO_DEADLINE);
    if (janitor->pidfd >= 0)
        (void)close(take_fd(&janitor->pidfd));
    janitor->pid = 0;
}
