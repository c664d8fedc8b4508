/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers that answer requests: both sides of the socket. */
#include "host/confine/helper.h"

#include "base/cursor.h"
#include "base/io.h"
#include "host/confine/place.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define START_DEADLINE_MS UINT64_C(10000)
#define REPLY_HEADER_SIZE 12u
#define ERRNO_MAX         4096u

struct helper {
    const struct helper_service *service;
    pid_t pid;
    int socket;
};

/* --- the helper's side ----------------------------------------------------------------------------------- */

static int send_reply(int socket, const struct error *err, const struct buffer *data)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(REPLY_HEADER_SIZE + data->limit + ERROR_TEXT_MAX);
    bool failed = err->kind != ERROR_NONE;
    const void *bytes = failed ? (const void *)err->text : data->data;
    size_t size = failed ? strlen(err->text) : data->size;
    int r = buffer_append_u32le(&reply, (uint32_t)err->kind);

    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)-err->code);
    if (r == 0)
        r = buffer_append_u32le(&reply, (uint32_t)size);
    if (r == 0)
        r = buffer_append(&reply, bytes, size);
    return r == 0 ? io_write_full(socket, reply.data, reply.size, IO_NO_DEADLINE) : r;
}

static int answer_request(const struct helper_service *service, void *state, int socket, uint8_t *request)
{
    CLEANUP_BUFFER struct buffer reply = buffer_with_limit(service->reply_max);
    uint8_t header[4] = {0};
    struct error err = {0};
    struct cursor cursor = cursor_over(header, sizeof header);
    uint32_t size = 0;
    int r = io_read_full(socket, header, sizeof header, IO_NO_DEADLINE);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    if (r < 0)
        return r;
    if (size > service->request_max)
        return -EMSGSIZE;
    r = io_read_full(socket, request, size, IO_NO_DEADLINE);
    if (r < 0)
        return r;
    if (service->answer(state, request, size, &reply, &err) == 0)
        err.kind = ERROR_NONE, err.code = 0;
    return send_reply(socket, &err, &reply);
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
    if (send_reply(socket, &err, &greeting) < 0)
        _exit(1);
    while (r == 0)
        r = answer_request(service, state, socket, request);
    _exit(r == -ECONNRESET ? 0 : 1);
}

/* --- the caller's side ----------------------------------------------------------------------------------- */

static int lost(const struct helper *helper, struct error *err, int r)
{
    return error_set(err, ERROR_INTERNAL, r, "%s does not answer: %s", helper->service->name, strerror(-r));
}

/* Turns an error reply into an error of the caller's. */
static int pass_error(const struct helper *helper, uint32_t kind, uint32_t code, const struct buffer *text,
                      struct error *err)
{
    int r = code > 0 && code < ERRNO_MAX ? -(int)code : -EBADMSG;

    if (kind > ERROR_MISMATCH || text->size >= ERROR_TEXT_MAX)
        return lost(helper, err, -EBADMSG);
    return error_set(err, (enum error_kind)kind, r, "%.*s", (int)text->size, (const char *)text->data);
}

static int read_reply(struct helper *helper, struct buffer *ret_data, uint64_t deadline_ns, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(ERROR_TEXT_MAX);
    uint8_t header[REPLY_HEADER_SIZE] = {0}, *room;
    struct cursor cursor = cursor_over(header, sizeof header);
    uint32_t kind = 0, code = 0, size = 0;
    struct buffer *data;
    int r = io_read_full(helper->socket, header, sizeof header, deadline_ns);

    if (r == 0)
        r = cursor_read_u32le(&cursor, &kind);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &code);
    if (r == 0)
        r = cursor_read_u32le(&cursor, &size);
    data = kind == ERROR_NONE ? ret_data : &text;
    if (r == 0)
        r = buffer_reserve(data, size, &room);
    if (r == 0)
        r = io_read_full(helper->socket, room, size, deadline_ns);
    if (r < 0)
        return lost(helper, err, r);
    data->size += size;
    return kind == ERROR_NONE ? 0 : pass_error(helper, kind, code, &text, err);
}

/* Forks; the child never returns from here. */
static int fork_process(struct helper *helper, void *state, struct error *err)
{
    const char *name = helper->service->name;
    int sockets[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "no socket for %s: %s", name, strerror(errno));
    helper->pid = confine_fork();
    if (helper->pid == 0) {
        (void)close(sockets[0]);
        run(helper->service, state, sockets[1]);
    }
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
        r = read_reply(helper, ret_greeting,
                       io_deadline_ms(service->start_ms > 0 ? service->start_ms : START_DEADLINE_MS), err);
    if (r < 0)
        helper_free(helper);
    else
        *ret_helper = helper;
    return r;
}

static int send_request(struct helper *helper, const void *request, size_t size, uint64_t deadline_ns)
{
    CLEANUP_BUFFER struct buffer header = buffer_with_limit(sizeof(uint32_t));
    int r = size <= UINT32_MAX ? buffer_append_u32le(&header, (uint32_t)size) : -EMSGSIZE;

    if (r == 0)
        r = io_write_full(helper->socket, header.data, header.size, deadline_ns);
    return r == 0 ? io_write_full(helper->socket, request, size, deadline_ns) : r;
}

int helper_call(struct helper *helper, const void *request, size_t size, struct buffer *ret_reply, uint64_t deadline_ns,
                struct error *err)
{
    int r = send_request(helper, request, size, deadline_ns);

    return r < 0 ? lost(helper, err, r) : read_reply(helper, ret_reply, deadline_ns, err);
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
    /* It has nothing to finish that must not be cut short, and must not outlive us. */
    if (helper->pid > 0) {
        (void)kill(helper->pid, SIGKILL);
        while (waitpid(helper->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free(helper);
}
