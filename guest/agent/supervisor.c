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
#include "guest/agent/machine.h"
#include "guest/agent/model_file.h"
#include "guest/agent/process.h"
#include "guest/agent/remote_source.h"
#include "guest/agent/stream.h"
#include "guest/agent/window_pipe.h"
#include "guest/engine/kernels/kernels.h"
#include "wire/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum life { LIFE_SESSION, LIFE_PARTED, LIFE_FAILED };

struct supervisor {
    int host;
    struct machine machine;
    uint64_t memory_bytes; /* for model and worker */
    enum life life;
    struct error reason; /* LIFE_FAILED */
    struct plan *plan;
    struct session_guest session; /* judges the host */
    struct session_host judge;    /* judges the workers */
    int model, reference;         /* memory files; reference: -1 where the plan has none */
    struct process worker;
    struct stream_reader from_host, from_worker;
    struct stream_writer to_host, to_worker;
    char file_name[SCAN_NAME_MAX]; /* of the file being scanned */
};

/* --- saying things -------------------------------------------------------------------------------- */

static struct message_text text_of(const char *text)
{
    return (struct message_text){.data = text, .size = (uint32_t)strlen(text)};
}

static int send_to_host(struct supervisor *s, const struct message *message, struct error *err)
{
    int r = message_encode(message, &s->to_host.bytes);

    if (r < 0)
        return error_set(err, ERROR_INTERNAL, r, "can't encode %s", message_type_name(message->type));
    return 0;
}

/* Ends the session with a FAILURE to the host; the first one counts. */
static void give_up(struct supervisor *s, const struct message_failure *failure)
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
    (void)send_to_host(s, &message, NULL);
}

static void give_up_for(struct supervisor *s, enum message_failure_code code, const char *text)
{
    const struct message_failure failure = {.code = code, .text = text_of(text)};

    give_up(s, &failure);
}

/* The host is gone: nobody is left to be told. */
static void lose_host(struct supervisor *s, const struct error *cause)
{
    process_end(&s->worker);
    if (s->life != LIFE_SESSION)
        return;
    s->life = LIFE_FAILED;
    s->reason = *cause;
    stream_writer_drop(&s->to_host);
}

/* --- workers ---------------------------------------------------------------------------------------- */

/* Whether a task compares the model with the reference: no other gets to see that. */
static bool needs_reference(const struct supervisor *s, uint32_t check)
{
    return check != WORKER_IMPORT && check != WORKER_FILE && s->plan->checks[check].id == PLAN_WEIGHT_DRIFT;
}

/* A worker's address space. The reference takes memory whether the worker maps it or not. */
static uint64_t worker_memory(const struct supervisor *s, const struct worker_task *task)
{
    uint32_t check = task->check;

    if (worker_scans(task))
        return WORKER_SCAN_MEMORY + (check == WORKER_FILE ? 0 : s->plan->model_size);
    if (s->memory_bytes == 0 || needs_reference(s, check))
        return s->memory_bytes;
    return s->memory_bytes - s->plan->reference_size; /* receive_plan: it fits */
}

static void start_worker(struct supervisor *s, uint32_t check)
{
    struct worker_task task = {.plan = s->plan,
                               .check = check,
                               .threads = s->plan->threads > 0 ? s->plan->threads : s->machine.processors,
                               .model_fd = s->model,
                               .reference_fd = needs_reference(s, check) ? s->reference : -1,
                               .file_size = s->session.file_size,
                               .file_name = s->file_name};
    struct error err;

    task.memory_bytes = worker_memory(s, &task);
    if (task.threads > KERNEL_THREADS_MAX)
        task.threads = KERNEL_THREADS_MAX;
    stream_reader_next(&s->from_worker);
    stream_writer_drop(&s->to_worker);
    if (process_start(&task, &s->worker, &err) < 0)
        give_up_for(s, MESSAGE_FAILURE_INTERNAL, err.text);
}

/* A worker has closed its output before its task was done. */
static void bury_worker(struct supervisor *s)
{
    char text[PROCESS_CAUSE_MAX];
    struct message_failure failure;

    process_describe_end(&s->worker, text, &failure);
    give_up(s, &failure);
}

/* A worker may blame the model, the data or the memory; what is said of crashes and of the host is not its to say. */
static void relay_failure(struct supervisor *s, const struct message *message)
{
    struct message_failure failure = {.code = message->failure.code, .text = message->failure.text};

    if (failure.code == MESSAGE_FAILURE_WORKER_CRASHED || failure.code == MESSAGE_FAILURE_FORBIDDEN_CALL ||
        failure.code == MESSAGE_FAILURE_PROTOCOL)
        failure.code = MESSAGE_FAILURE_INTERNAL;
    give_up(s, &failure);
}

static void accuse_worker(struct supervisor *s, const struct error *cause)
{
    char text[ERROR_TEXT_MAX + 64];

    (void)snprintf(text, sizeof text, "the worker's output made no sense: %s", cause->text);
    give_up_for(s, MESSAGE_FAILURE_WORKER_CRASHED, text);
}

/* What the worker's message means for the host's turn; -EPROTO where it may not come now. */
static int note_message(struct supervisor *s, const struct message *message, bool *ret_ends)
{
    bool served = s->session.state == SESSION_GUEST_SERVING;

    *ret_ends = message->type == MESSAGE_READY || message->type == MESSAGE_CHECK_DONE ||
                (message->type == MESSAGE_SCAN_DONE && served);
    if (message->type == MESSAGE_READY)
        return session_guest_imported(&s->session);
    if (message->type == MESSAGE_CHECK_DONE)
        return session_guest_check_done(&s->session);
    if (message->type == MESSAGE_READ)
        return session_guest_read(&s->session, &message->read);
    return message->type == MESSAGE_SCAN_DONE && served ? session_guest_scan_done(&s->session) : 0;
}

static void relay_message(struct supervisor *s, const struct message *message)
{
    bool ends = false;
    struct error err = {0};
    int r = session_host_receive(&s->judge, message, &err);

    if (r < 0 && message->type == MESSAGE_READY && err.kind == ERROR_BAD_INPUT) {
        give_up_for(s, MESSAGE_FAILURE_SHAPE, err.text);
        return;
    }
    if (r == 0 && note_message(s, message, &ends) < 0)
        r = error_set(&err, ERROR_GUEST, -EPROTO, "%s before the host had its turn", message_type_name(message->type));
    if (r < 0) {
        accuse_worker(s, &err);
        return;
    }
    if (send_to_host(s, message, &err) < 0)
        give_up_for(s, MESSAGE_FAILURE_INTERNAL, err.text);
    if (ends)
        process_end(&s->worker);
}

static void read_worker(struct supervisor *s)
{
    struct error err = {0};
    struct message message;
    int r = stream_reader_fill(&s->from_worker, s->worker.output, &err);

    if (r == -ECONNRESET) {
        bury_worker(s);
        return;
    }
    if (r == 0 && !s->from_worker.complete)
        return;
    if (r == 0)
        r = message_decode(&s->from_worker.header, stream_reader_payload(&s->from_worker), &message, &err);
    if (r < 0)
        accuse_worker(s, &err);
    else if (message.type == MESSAGE_FAILURE)
        relay_failure(s, &message);
    else
        relay_message(s, &message);
    stream_reader_next(&s->from_worker);
}

/* --- the host's messages ------------------------------------------------------------------------------ */

static int answer_hello(struct supervisor *s, const struct message_hello *hello, struct error *err)
{
    struct message message = {.type = MESSAGE_GUEST_HELLO};
    char agent[64];

    (void)snprintf(agent, sizeof agent, "lazaret-agent %s, Landlock %d", LAZARET_VERSION, sandbox_landlock_abi());
    message.guest_hello.version = MESSAGE_VERSION;
    memcpy(message.guest_hello.nonce, hello->nonce, sizeof hello->nonce);
    message.guest_hello.agent = text_of(agent);
    message.guest_hello.cpu = text_of(s->machine.processor);
    message.guest_hello.processors = s->machine.processors;
    message.guest_hello.memory_bytes = s->machine.memory_bytes;
    session_host_start(&s->judge, s->plan, hello->nonce);
    if (session_host_receive(&s->judge, &message, err) < 0)
        return err->code;
    return send_to_host(s, &message, err);
}

/* Both models' bytes stay in memory to the end. */
static bool models_fit(const struct supervisor *s)
{
    uint64_t most = s->memory_bytes;

    return most == 0 || (s->plan->model_size <= most && s->plan->reference_size <= most - s->plan->model_size);
}

static int receive_plan(struct supervisor *s, struct error *err)
{
    int r = plan_decode(&s->from_host.header, stream_reader_payload(&s->from_host), s->plan, err);
    char text[160];

    if (r == 0 && session_guest_plan(&s->session, s->plan) < 0)
        r = error_set(err, ERROR_INTERNAL, -EPROTO, "message PLAN came out of order");
    if (r < 0)
        return r;
    if (!models_fit(s)) {
        (void)snprintf(text, sizeof text, "a model of %llu MiB%s does not fit into the %llu MiB that are free",
                       (unsigned long long)((s->plan->model_size + s->plan->reference_size) >> 20) + 1,
                       s->plan->reference_size > 0 ? ", the reference model with it," : "",
                       (unsigned long long)s->memory_bytes >> 20);
        give_up_for(s, MESSAGE_FAILURE_MEMORY, text);
        return 0;
    }
    r = model_file_open(&s->model, err);
    if (r == 0 && s->plan->reference_size > 0)
        r = model_file_open(&s->reference, err);
    return r;
}

/* The answer to a READ; NULL: there is none. */
static int receive_answer(struct supervisor *s, const struct message_blob *bytes, struct error *err)
{
    if (remote_put_answer(&s->to_worker.bytes, bytes) < 0)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a part of the file");
    return 0;
}

static int receive_scan(struct supervisor *s, const struct message_scan *scan, struct error *err)
{
    if (session_host_begin_scan(&s->judge, scan->index, scan->size) < 0)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "message SCAN came out of order");
    (void)snprintf(s->file_name, sizeof s->file_name, "%.*s", (int)scan->name.size, scan->name.data);
    start_worker(s, WORKER_FILE);
    return 0;
}

static int receive_import(struct supervisor *s, struct error *err)
{
    if (session_host_import(&s->judge) < 0)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "message IMPORT came out of order");
    start_worker(s, WORKER_IMPORT);
    return 0;
}

static int receive_chunk(struct supervisor *s, const struct message_blob *chunk, struct error *err)
{
    if (s->session.state == SESSION_GUEST_SERVING)
        return receive_answer(s, chunk, err);
    switch (s->session.transfer.kind) {
    case MESSAGE_TRANSFER_MODEL:
        return model_file_append(s->model, chunk->data, chunk->size, err);
    case MESSAGE_TRANSFER_REFERENCE:
        return model_file_append(s->reference, chunk->data, chunk->size, err);
    default:
        if (buffer_append(&s->to_worker.bytes, chunk->data, chunk->size) < 0)
            return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a chunk");
        return 0;
    }
}

static int receive_transfer_end(struct supervisor *s, struct error *err)
{
    if (s->session.transfer.kind == MESSAGE_TRANSFER_WINDOW) {
        if (window_put_commit(&s->to_worker.bytes) < 0)
            return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a window");
        return 0;
    }
    return model_file_seal(s->session.transfer.kind == MESSAGE_TRANSFER_REFERENCE ? s->reference : s->model, err);
}

/* What follows from a message that may come now. */
static int act_on(struct supervisor *s, const struct message *message, struct error *err)
{
    const struct message goodbye = {.type = MESSAGE_GOODBYE};

    switch (message->type) {
    case MESSAGE_HELLO:
        return answer_hello(s, &message->hello, err);
    case MESSAGE_TRANSFER:
        if (message->transfer.kind == MESSAGE_TRANSFER_WINDOW &&
            window_put_header(&s->to_worker.bytes, &message->transfer) < 0)
            return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a window");
        return 0;
    case MESSAGE_CHUNK:
        return receive_chunk(s, &message->chunk, err);
    case MESSAGE_TRANSFER_END:
        return receive_transfer_end(s, err);
    case MESSAGE_CHECK:
        if (session_host_begin_check(&s->judge, message->check.index) < 0)
            return error_set(err, ERROR_INTERNAL, -EPROTO, "message CHECK came out of order");
        start_worker(s, message->check.index);
        return 0;
    case MESSAGE_SCAN:
        return receive_scan(s, &message->scan, err);
    case MESSAGE_UNREADABLE:
        return receive_answer(s, NULL, err);
    case MESSAGE_IMPORT:
        return receive_import(s, err);
    default: /* BYE: session_guest_receive lets nothing else through */
        s->life = LIFE_PARTED;
        return send_to_host(s, &goodbye, err);
    }
}

static int receive_from_host(struct supervisor *s, struct error *err)
{
    struct message message;
    int r;

    if (s->session.state == SESSION_GUEST_PLANNING && s->from_host.header.type == MESSAGE_PLAN)
        return receive_plan(s, err);
    r = message_decode(&s->from_host.header, stream_reader_payload(&s->from_host), &message, err);
    if (r == 0)
        r = session_guest_receive(&s->session, &message, err);
    if (r == 0)
        r = act_on(s, &message, err);
    return r;
}

static bool is_hosts_fault(int code)
{
    return code == -EPROTO || code == -EBADMSG;
}

static void read_host(struct supervisor *s)
{
    struct error err = {0};
    int r = stream_reader_fill(&s->from_host, s->host, &err);

    if (r == 0 && !s->from_host.complete)
        return;
    if (r < 0 && r != -EBADMSG) {
        lose_host(s, &err);
        return;
    }
    if (r == 0)
        r = receive_from_host(s, &err);
    if (r < 0)
        give_up_for(s,
                    is_hosts_fault(r)              ? MESSAGE_FAILURE_PROTOCOL
                    : r == -ENOMEM || r == -ENOSPC ? MESSAGE_FAILURE_MEMORY
                                                   : MESSAGE_FAILURE_INTERNAL,
                    err.text);
    stream_reader_next(&s->from_host);
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
        lose_host(s, &err);
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
    if (poll(polled, POLL_COUNT, -1) < 0)
        return; /* interrupted */
    if (polled[POLL_WORKER_INPUT].revents != 0)
        flush_worker(s);
    if (polled[POLL_WORKER_OUTPUT].revents != 0)
        read_worker(s);
    if (s->life != LIFE_SESSION)
        return;
    if ((polled[POLL_HOST].events & POLLIN) != 0 && polled[POLL_HOST].revents != 0)
        read_host(s); /* a hang-up included: it shows once all that came before it is read */
    else if ((polled[POLL_HOST].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
        lose_host(s, &gone);
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
                           .model = -1,
                           .reference = -1,
                           .worker = {.input = -1, .output = -1},
                           .from_host = stream_reader_new(),
                           .from_worker = stream_reader_new(),
                           .to_host = stream_writer_new(),
                           .to_worker = stream_writer_new()};
    int r = io_set_nonblocking(s.host);

    s.plan = calloc(1, sizeof *s.plan);
    if (r < 0 || s.plan == NULL) {
        close_supervisor(&s);
        return error_set(err, ERROR_INTERNAL, r < 0 ? r : -ENOMEM, "can't supervise: %s",
                         strerror(r < 0 ? -r : ENOMEM));
    }
    machine_describe(&s.machine);
    measure_memory(&s, options->memory_bytes);
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
