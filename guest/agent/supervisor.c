/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor.
 *
 * Theory of operation. One loop waits for four things: a frame from the host, room towards the host,
 * a frame from the worker, room towards the worker. It reads from a side only when what it read
 * before has gone out on the other, so that at most one frame waits in each direction, and whoever is
 * slow slows down the rest:
 *
 *   host ──from_host──► session_guest judges ──to_worker──► worker
 *   host ◄──to_host──── session_host judges ◄─from_worker── worker
 *
 * It does not listen to the host while a worker imports, or computes after the last window: the
 * protocol has nothing to come then, and a host that hangs up shows nevertheless.
 */
#include "guest/agent/supervisor.h"

#include "base/io.h"
#include "guest/agent/evidence.h"
#include "guest/agent/supervisor_internal.h"
#include "guest/sandbox/driver.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* --- saying things -------------------------------------------------------------------------------- */

struct message_text supervisor_text(const char *text)
{
    return (struct message_text){.data = text, .size = (uint32_t)strlen(text)};
}

int supervisor_send(struct supervisor *s, const struct message *message, struct error *err)
{
    int r = message_encode(message, &s->to_host.bytes);

    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "can't encode %s", message_type_name(message->type));
    return 0;
}

void supervisor_give_up(struct supervisor *s, const struct message_failure *failure)
{
    struct message message = {.type = MESSAGE_FAILURE, .failure = *failure};

    if (s->life != LIFE_SESSION)
        return;
    message.failure.check =
        s->session.state == SESSION_GUEST_CHECKING || s->session.state == SESSION_GUEST_COMPUTING ||
                (s->session.state == SESSION_GUEST_RECEIVING && s->session.transfer.kind == MESSAGE_TRANSFER_WINDOW)
            ? s->session.check
            : UINT32_MAX;
    (void)error_set(&s->reason, ERROR_GUEST, -ECANCELED, "%s: %.*s", message_failure_name(failure->code),
                    (int)failure->text.size, failure->text.data);
    s->life = LIFE_FAILED;
    process_end(&s->worker);
    evidence_leave_failure(s->scratch, s->reason.text);
    evidence_leave_kernel_log(s->scratch, s->kernel_log);
    (void)!supervisor_send(s, &message, NULL);
}

void supervisor_give_up_for(struct supervisor *s, enum message_failure_code code, const char *text)
{
    const struct message_failure failure = {.code = code, .text = supervisor_text(text)};

    supervisor_give_up(s, &failure);
}

void supervisor_lose_host(struct supervisor *s, const struct error *cause)
{
    process_end(&s->worker);
    if (s->life != LIFE_SESSION)
        return;
    s->life = LIFE_FAILED;
    s->reason = *cause;
    stream_writer_drop(&s->to_host);
}

/* --- the loop --------------------------------------------------------------------------------------------- */

enum { POLL_HOST, POLL_WORKER_OUTPUT, POLL_WORKER_INPUT, POLL_COUNT };

static bool listens_to_host(const struct supervisor *s)
{
    bool busy = s->worker.pid != 0 &&
                (s->session.state == SESSION_GUEST_IMPORTING || s->session.state == SESSION_GUEST_COMPUTING);

    return !busy && stream_writer_is_empty(&s->to_worker);
}

static void flush_host(struct supervisor *s)
{
    struct error err = {0};
    int r = stream_writer_flush(&s->to_host, s->host);

    if (r < 0) {
        (void)error_set(&err, ERROR_INTERNAL, r, "can't write to the host: %s", strerror(-r));
        supervisor_lose_host(s, &err);
    }
}

/* A worker that is gone takes nothing more; what it died of shows at its output's end. */
static void flush_worker(struct supervisor *s)
{
    if (s->worker.pid != 0 && stream_writer_flush(&s->to_worker, s->worker.input) < 0)
        stream_writer_drop(&s->to_worker);
}

static void prepare_poll(const struct supervisor *s, struct pollfd polled[POLL_COUNT])
{
    bool worker_may_speak = s->worker.pid != 0 && stream_writer_is_empty(&s->to_host);
    short host = POLLRDHUP;

    if (listens_to_host(s))
        host |= POLLIN;
    if (!stream_writer_is_empty(&s->to_host))
        host |= POLLOUT;
    polled[POLL_HOST] = (struct pollfd){.fd = s->host, .events = host};
    polled[POLL_WORKER_OUTPUT] = (struct pollfd){.fd = worker_may_speak ? s->worker.output : -1, .events = POLLIN};
    polled[POLL_WORKER_INPUT] =
        (struct pollfd){.fd = stream_writer_is_empty(&s->to_worker) ? -1 : s->worker.input, .events = POLLOUT};
}

static void step(struct supervisor *s)
{
    const struct error gone = {.kind = ERROR_GUEST, .code = -ECONNRESET, .text = "the host hung up"};
    struct pollfd polled[POLL_COUNT];

    prepare_poll(s, polled);
    /* SYSTEM-CALL supervisor poll: waits for the host and the worker */
    if (poll(polled, POLL_COUNT, -1) < 0)
        return; /* interrupted */
    if (polled[POLL_WORKER_INPUT].revents != 0)
        flush_worker(s);
    if (polled[POLL_WORKER_OUTPUT].revents != 0)
        supervisor_read_worker(s);
    if (s->life != LIFE_SESSION)
        return;
    if ((polled[POLL_HOST].events & POLLIN) != 0 && polled[POLL_HOST].revents != 0)
        supervisor_read_host(s); /* a hang-up included: it shows once all that came before it is read */
    else if ((polled[POLL_HOST].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
        supervisor_lose_host(s, &gone);
    flush_host(s);
}

/* Lets the host take what is left, then waits for it to close: powering off at once could lose the last bytes. */
static void part(struct supervisor *s)
{
    uint64_t deadline = io_deadline_ms(SUPERVISOR_PARTING_MS);
    uint8_t rest[4096];

    while (!stream_writer_is_empty(&s->to_host))
        if (io_wait(s->host, POLLOUT, deadline) < 0 || stream_writer_flush(&s->to_host, s->host) < 0)
            return;
    /* SYSTEM-CALL supervisor shutdown: the host sees that all was sent */
    (void)shutdown(s->host, SHUT_WR);
    while (io_wait(s->host, POLLIN, deadline) == 0) {
        ssize_t count = read(s->host, rest, sizeof rest);

        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
            return;
    }
}

static void close_supervisor(struct supervisor *s)
{
    process_end(&s->worker);
    cleanup_close_fd(&s->model);
    cleanup_close_fd(&s->reference);
    cleanup_close_fd(&s->kernel_log);
    cleanup_close_fd(&s->programs);
    stream_reader_free(&s->from_host);
    stream_reader_free(&s->from_worker);
    stream_writer_free(&s->to_host);
    stream_writer_free(&s->to_worker);
    free(s->plan);
}

static void measure_memory(struct supervisor *s, uint64_t limit)
{
    uint64_t available = s->machine.available_bytes;

    available = available > SUPERVISOR_RESERVE ? available - SUPERVISOR_RESERVE : 0;
    if (limit > 0 && (available == 0 || limit < available))
        available = limit;
    if (limit > 0 && (s->machine.memory_bytes == 0 || limit < s->machine.memory_bytes))
        s->machine.memory_bytes = limit;
    s->memory_bytes = available;
}

int supervisor_run(const struct supervisor_options *options, struct error *err)
{
    struct supervisor s = {.host = options->stream,
                           .scratch = options->scratch,
                           .kernel_log = options->scratch < 0 ? -1 : evidence_open_kernel_log(),
                           .group = options->group,
                           .model = -1,
                           .reference = -1,
                           .worker = {.input = -1, .output = -1},
                           .from_host = stream_reader_new(),
                           .from_worker = stream_reader_new(),
                           .to_host = stream_writer_new(),
                           .to_worker = stream_writer_new(),
                           .driver = options->driver,
                           .programs = options->driver == NULL ? -1 : driver_programs_file()};
    int r = io_set_nonblocking(s.host);

    s.plan = calloc(1, sizeof *s.plan);
    if (r < 0 || s.plan == NULL) {
        close_supervisor(&s);
        return error_set(err, ERROR_INTERNAL, r < 0 ? r : -ENOMEM, "can't supervise: %s",
                         strerror(r < 0 ? -r : ENOMEM));
    }
    machine_describe(&s.machine);
    measure_memory(&s, options->memory_bytes);
    if (s.driver != NULL)
        driver_set_environment();
    r = s.driver == NULL ? sandbox_guard(s.scratch, err) : sandbox_guard_with_driver(s.scratch, err);
    if (r < 0) {
        close_supervisor(&s);
        return r;
    }
    session_guest_start(&s.session);
    while (s.life == LIFE_SESSION)
        step(&s);
    part(&s);
    close_supervisor(&s);
    if (s.life == LIFE_PARTED)
        return 0;
    if (err != NULL)
        *err = s.reason;
    return s.reason.code;
}
