/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation's talk with the guest. */
#include "host/job/conversation.h"

#include "base/io.h"
#include "host/collect/collector.h"
#include "host/job/deadlines.h"
#include "host/job/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

struct talk {
    const struct conversation *with;
    struct results *results;
    struct conversation_failure *failure;
    struct collector *collector;
    struct stream stream;
    struct error *err;
};

#define NOTHING_TO_WAIT_FOR ((enum message_type)0)

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* --- waiting ------------------------------------------------------------------------------------------ */

/* The guest gave up and said why: its message names the model, as the guest knows no names. */
static int guest_gave_up(struct talk *talk, const struct message_failure *failure)
{
    struct conversation_failure *ret = talk->failure;

    ret->said = true;
    ret->failure = *failure;
    ret->failure.text = (struct message_text){0};
    (void)snprintf(ret->text, sizeof ret->text, "%.*s", (int)failure->text.size, failure->text.data);
    if (failure->code == MESSAGE_FAILURE_FORBIDDEN_CALL)
        return error_set(talk->err, ERROR_GUEST, -EPERM, "%s: %s: %s (system call %d at 0x%llx)",
                         talk->with->model_name, message_failure_name(failure->code), ret->text, failure->system_call,
                         (unsigned long long)failure->address);
    if (failure->code == MESSAGE_FAILURE_WORKER_CRASHED)
        return error_set(talk->err, ERROR_GUEST, -EFAULT, "%s: %s: %s (signal %d)", talk->with->model_name,
                         message_failure_name(failure->code), ret->text, failure->signal);
    /* We don't break the protocol; another version's guest has another. */
    return error_set(talk->err, ERROR_GUEST, -EPROTO, "%s: %s: %s%s", talk->with->model_name,
                     message_failure_name(failure->code), ret->text,
                     failure->code == MESSAGE_FAILURE_PROTOCOL
                         ? "; if the guest's image is another version's, make one by `lazaret image build`"
                         : "");
}

/* What the guest is sent stood still at the deadline, not all of it taken, and it was not the data reader's doing. */
static bool is_stuck(const struct stream *stream)
{
    return !atomic_load(&stream->reading) && atomic_load(&stream->sent) < atomic_load(&stream->total) &&
           (stream->running ? !atomic_load(&stream->ended) : stream->code == -ETIMEDOUT);
}

static int guest_took_too_little(struct talk *talk)
{
    return error_set(talk->err, ERROR_GUEST, -ETIMEDOUT,
                     "the deadline passed, and the guest took no more than %llu of the %llu bytes that it was sent",
                     (unsigned long long)atomic_load(&talk->stream.sent),
                     (unsigned long long)atomic_load(&talk->stream.total));
}

/*
 * The connection or the VM ended: say which, and how. Where the connection did, the VM's own end may be its cause, and
 * takes a moment to be told.
 */
static int explain_end(struct talk *talk, int code)
{
    struct vm *vm = talk->with->vm;
    bool ended = code == -ECONNRESET || code == -EPIPE;
    const char *fault = vm_stream_fault(vm);
    enum vm_exit reason = ended && fault == NULL ? vm_await_exit(vm) : vm_poll_exit(vm);
    const char *detail = vm_exit_detail(vm);

    if (code == -ETIMEDOUT && is_stuck(&talk->stream))
        return guest_took_too_little(talk);
    if (talk->err->kind == ERROR_GUEST && reason != VM_EXIT_NONE)
        return error_prefix(talk->err, "the VM ended (%s%s%s)", vm_exit_name(reason), detail[0] != '\0' ? ": " : "",
                            detail);
    if (talk->err->kind == ERROR_GUEST && fault != NULL)
        return error_set(talk->err, ERROR_GUEST, code, "the guest broke virtio-vsock's rules: %s", fault);
    return code;
}

/* The guest reads no more, though it may still talk. */
static bool is_refused(const struct stream *stream)
{
    return !stream->running && (stream->code == -EPIPE || stream->code == -ECONNRESET);
}

/* While nothing comes: shows progress, and notices a stream that failed for a reason of its own. */
static int tick(struct talk *talk, uint64_t *deadline_ns)
{
    struct stream *stream = &talk->stream;

    if (stream->running) {
        if (stream->model_fd >= 0)
            events_progress(talk->with->events, atomic_load(&stream->sent), atomic_load(&stream->total), "bytes");
        if (!atomic_load(&stream->ended) || stream_finish(stream, talk->err) == 0)
            return 0;
        if (stream->error.kind != ERROR_GUEST)
            return stream->code;
    } else if (!is_refused(stream)) {
        return 0;
    }
    /* The guest hung up: what it said before may still be on its way. */
    *deadline_ns = sooner(*deadline_ns, io_deadline_ms(JOB_LAST_WORDS_MS));
    return 0;
}

/* The guest's next message of any kind; failures become errors. */
static int next_message(struct talk *talk, uint64_t deadline_ns, struct message *ret_message)
{
    int r;

    if (io_now_ns() >= deadline_ns) /* a guest that never stops talking has no more time than one that is silent */
        return error_set(talk->err, ERROR_GUEST, -ETIMEDOUT, "the deadline passed while the guest was still at work");
    for (;;) {
        r = collector_wait(talk->collector, sooner(deadline_ns, io_deadline_ms(JOB_TICK_MS)));
        if (r != -ETIMEDOUT)
            break;
        r = tick(talk, &deadline_ns);
        if (r < 0)
            return r;
        if (io_now_ns() >= deadline_ns && atomic_load(&talk->stream.reading))
            return stream_blame_reader(talk->err);
        if (io_now_ns() >= deadline_ns)
            break;
    }
    r = collector_next(talk->collector, deadline_ns, ret_message, talk->err);
    if (r == -ETIMEDOUT && is_refused(&talk->stream)) { /* what it did before it fell silent */
        *talk->err = talk->stream.error;
        r = talk->stream.code;
    }
    if (r < 0)
        return explain_end(talk, r);
    if (ret_message->type == MESSAGE_FAILURE)
        return guest_gave_up(talk, &ret_message->failure);
    return results_take(talk->results, ret_message, talk->err);
}

/* Reads on until a message of `type`; what comes before is filed and shown. */
static int wait_for(struct talk *talk, enum message_type type, uint64_t deadline_ns)
{
    struct message message;
    int r;

    do {
        r = next_message(talk, deadline_ns, &message);
        if (r == 0 && message.type == MESSAGE_PROGRESS)
            events_progress(talk->with->events, message.progress.done, message.progress.total, "images");
    } while (r == 0 && message.type != type);
    return r;
}

/*
 * Sending failed because the guest hung up: what it said or did before tells more than our broken pipe, and may still
 * be on its way through the collector.
 */
static int explain_broken_pipe(struct talk *talk)
{
    uint64_t deadline_ns = io_deadline_ms(JOB_LAST_WORDS_MS);
    struct error ours = *talk->err;
    struct message message;
    int r = 0;

    if (ours.code != -EPIPE && ours.code != -ECONNRESET)
        return ours.code;
    while (r == 0 && io_now_ns() < deadline_ns)
        r = next_message(talk, deadline_ns, &message);
    if (r == 0 || r == -ETIMEDOUT)
        *talk->err = ours;
    return ours.code;
}

/* --- saying ---------------------------------------------------------------------------------------------- */

/* Sends a frame that was encoded with the outcome `r`. */
static int send_frame(struct talk *talk, const struct buffer *frame, int r, enum message_type type)
{
    if (r == 0)
        r = io_write_full(talk->with->connection, frame->data, frame->size, talk->with->deadline_ns);
    if (r == 0)
        return 0;
    (void)error_set(talk->err, ERROR_GUEST, r, "can't send %s to the guest: %s", message_type_name(type), strerror(-r));
    return explain_broken_pipe(talk);
}

static int say(struct talk *talk, const struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);

    return send_frame(talk, &frame, message_encode(message, &frame), message->type);
}

static int say_plan(struct talk *talk)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);

    return send_frame(talk, &frame, plan_encode(talk->with->plan, &frame), MESSAGE_PLAN);
}

/* --- the parts -------------------------------------------------------------------------------------------- */

static int greet(struct talk *talk)
{
    struct message hello = {.type = MESSAGE_HELLO, .hello = {.version = MESSAGE_VERSION}};
    int r;

    if (getrandom(hello.hello.nonce, sizeof hello.hello.nonce, 0) != sizeof hello.hello.nonce)
        return error_set(talk->err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    r = collector_start(talk->collector, talk->with->connection, talk->with->plan, hello.hello.nonce, talk->err);
    if (r == 0)
        r = say(talk, &hello);
    if (r == 0)
        r = wait_for(talk, MESSAGE_GUEST_HELLO, sooner(talk->with->deadline_ns, io_deadline_ms(JOB_DEADLINE_HELLO_MS)));
    return r;
}

/* The answer is here; a guest that answered before it had everything may not have stopped talking, or reading. */
static int finish_sending(struct talk *talk)
{
    uint64_t deadline_ns = talk->with->deadline_ns;
    struct message message;
    int r = 0;

    while (r == 0 && talk->stream.running && !atomic_load(&talk->stream.ended)) {
        r = collector_wait(talk->collector, sooner(deadline_ns, io_deadline_ms(JOB_SENDING_TICK_MS)));
        if (r == 0)
            r = next_message(talk, deadline_ns, &message);
        else if (r == -ETIMEDOUT)
            r = 0; /* the stream keeps the deadline */
        if (talk->stream.model_fd >= 0)
            events_progress(talk->with->events, atomic_load(&talk->stream.sent), atomic_load(&talk->stream.total),
                            "bytes");
    }
    if (r == 0 && stream_finish(&talk->stream, talk->err) < 0)
        r = is_stuck(&talk->stream) ? guest_took_too_little(talk) : explain_broken_pipe(talk);
    return r;
}

/* Sends what stream says and waits for the message that answers it, if one does. */
static int send_and_wait(struct talk *talk, int model_fd, uint32_t check, enum message_type answer)
{
    const struct conversation *with = talk->with;
    int r;

    talk->stream = (struct stream){.connection = with->connection,
                                   .plan = with->plan,
                                   .deadline_ns = with->deadline_ns,
                                   .model_fd = model_fd,
                                   .reference_fd = with->reference_fd,
                                   .check = check,
                                   .inputs = with->inputs};
    r = stream_start(&talk->stream, talk->err);
    if (r == 0 && answer != NOTHING_TO_WAIT_FOR)
        r = wait_for(talk, answer, with->deadline_ns);
    if (r == 0)
        r = finish_sending(talk);
    if (r < 0)
        stream_cancel(&talk->stream);
    return r;
}

/* The plan, then the models, which the guest keeps as they are: nothing looks at them yet. */
static int hand_over_model(struct talk *talk)
{
    int r = say_plan(talk);

    return r < 0 ? r : send_and_wait(talk, talk->with->model_fd, 0, NOTHING_TO_WAIT_FOR);
}

static int import(struct talk *talk)
{
    const struct message message = {.type = MESSAGE_IMPORT};
    int r = collector_import(talk->collector, talk->err);

    if (r == 0)
        r = say(talk, &message);
    if (r == 0)
        r = wait_for(talk, MESSAGE_READY, talk->with->deadline_ns);
    if (r < 0)
        return r;
    if (talk->with->test_labelled && talk->with->test_label_max >= talk->results->classes)
        /* Without a spec it is the guest that says how many classes there are: its word may not end a job unsigned. */
        return error_set(talk->err, talk->with->plan->contract.classes != 0 ? ERROR_BAD_INPUT : ERROR_GUEST, -ERANGE,
                         "%s: array y has the label %u, but the model has %u classes (0 to %u); check the labels, or "
                         "labelOffset in the spec",
                         talk->with->test_name, talk->with->test_label_max, talk->results->classes,
                         talk->results->classes - 1);
    return 0;
}

static int run_check(struct talk *talk, uint32_t check)
{
    char phase[EVENTS_NAME_MAX];
    uint64_t start = io_now_ns();
    int r;

    (void)snprintf(phase, sizeof phase, "check %s", plan_check_name(talk->with->plan->checks[check].id));
    events_begin(talk->with->events, phase);
    r = collector_begin_check(talk->collector, check, talk->err);
    if (r == 0)
        r = send_and_wait(talk, -1, check, MESSAGE_CHECK_DONE);
    if (r == 0)
        r = results_check_samples(talk->results, check, talk->err);
    talk->results->checks[check].wall_ns = io_now_ns() - start;
    return r;
}

static int part(struct talk *talk)
{
    struct message bye = {.type = MESSAGE_BYE};
    int r = collector_part(talk->collector, talk->err);

    if (r == 0)
        r = say(talk, &bye);
    if (r == 0)
        r = wait_for(talk, MESSAGE_GOODBYE, sooner(talk->with->deadline_ns, io_deadline_ms(JOB_DEADLINE_PART_MS)));
    return r;
}

/* The import, and every check from `check` on. */
static int import_and_check(struct talk *talk, uint32_t check)
{
    int r;

    events_begin(talk->with->events, "import");
    r = import(talk);
    for (; r == 0 && check < talk->with->plan->check_count; check++)
        r = run_check(talk, check);
    return r;
}

/* A model that the scan calls dangerous is never imported. */
static int talk_through(struct talk *talk)
{
    const struct plan *plan = talk->with->plan;
    uint32_t check = 0;
    int r;

    events_begin(talk->with->events, "handshake");
    r = greet(talk);
    if (r < 0)
        return r;
    events_begin(talk->with->events, "model");
    r = hand_over_model(talk);
    if (r == 0 && plan->checks[0].id == PLAN_SCAN)
        r = run_check(talk, check++);
    if (r == 0 && !results_are_dangerous(talk->results))
        r = import_and_check(talk, check);
    if (r == 0)
        r = part(talk);
    return r;
}

int conversation_run(const struct conversation *conversation, struct results *results,
                     struct conversation_failure *ret_failure, struct error *err)
{
    struct talk talk = {.with = conversation,
                        .collector = conversation->collector,
                        .results = results,
                        .failure = ret_failure,
                        .err = err};
    int r;

    *ret_failure = (struct conversation_failure){0};
    r = talk_through(&talk);
    stream_cancel(&talk.stream);
    return r;
}
