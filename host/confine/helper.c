/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers that answer requests: both sides of the socket. */
#include "host/confine/helper.h"

#include "base/child.h"
#include "base/io.h"
#include "host/confine/helper_frame.h"
#include "host/confine/place.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define START_DEADLINE_MS UINT64_C(10000)

struct helper {
    const struct helper_service *service;
    pid_t pid;
    int socket;
};

/* --- the helper's side ----------------------------------------------------------------------------------- */

static int answer_request(const struct helper_service *service, void *state, int socket, uint8_t *request)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(service->reply_max);
    struct error err = {0};
    size_t size = 0;
    int r = helper_frame_read_request(socket, request, service->request_max, &size);

    if (r < 0)
        return r;
    if (service->answer(state, request, size, &reply, &err) == 0)
        err.kind = ERROR_NONE, err.code = 0;
    return helper_frame_send_reply(socket, &err, &reply);
}

static _Noreturn void run(const struct helper_service *service, void *state, int socket)
{
    CLEANUP_BUFFER struct buffer greeting = buffer_with_limit(service->reply_max);
    uint8_t *request = malloc(service->request_max);
    struct error err = {0};
    int r = request != NULL ? 0 : error_set(&err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %s", service->name);

    if (r == 0)
        r = service->open(state, socket, &greeting, &err);
    if (r == 0)
        err.kind = ERROR_NONE, err.code = 0;
    if (helper_frame_send_reply(socket, &err, &greeting) < 0)
        _exit(1);
    while (r == 0)
        r = answer_request(service, state, socket, request);
    _exit(r == -ECONNRESET ? 0 : 1);
}

/* --- the caller's side ----------------------------------------------------------------------------------- */

/* Forks; the child never returns from here. */
static int fork_process(struct helper *helper, void *state, struct error *err)
{
    const char *name = helper->service->name;
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "no socket for %s: %s", name, strerror(errno));
    helper->pid = confine_fork(&sockets[1], 1);
    if (helper->pid == 0)
        run(helper->service, state, sockets[1]);
    helper->socket = sockets[0];
    (void)close(sockets[1]);
    if (helper->pid < 0)
        return confine_fork_failed(name, err);
    if (io_set_nonblocking(helper->socket) < 0)
        return error_set(err, ERROR_INTERNAL, -EIO, "the socket of %s can't be made non-blocking", name);
    return 0;
}

int helper_start(const struct helper_service *service, void *state, struct helper **ret_helper,
                 struct buffer *ret_greeting, struct error *err)
{
    struct helper *helper = calloc(1, sizeof *helper);
    int r;

    if (helper == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %s", service->name);
    helper->service = service;
    helper->pid = -1;
    helper->socket = -1;
    r = fork_process(helper, state, err);
    if (r == 0)
        r = helper_frame_read_reply(helper->socket, service->name, ret_greeting,
                                    io_deadline_ms(service->start_ms > 0 ? service->start_ms : START_DEADLINE_MS), err);
    if (r < 0)
        helper_free(helper);
    else
        *ret_helper = helper;
    return r;
}

int helper_call(struct helper *helper, const void *request, size_t size, struct buffer *ret_reply, uint64_t deadline_ns,
                struct error *err)
{
    int r = helper_frame_send_request(helper->socket, request, size, deadline_ns);

    return r < 0 ? helper_frame_lost(helper->service->name, r, err)
                 : helper_frame_read_reply(helper->socket, helper->service->name, ret_reply, deadline_ns, err);
}

int helper_socket(const struct helper *helper)
{
    return helper->socket;
}

void helper_free(struct helper *helper)
{
    if (helper == NULL)
        return;
    if (helper->socket >= 0)
        (void)close(helper->socket);
    child_kill(helper->pid); /* it has nothing to finish that must not be cut short, and must not outlive us */
    free(helper);
}
