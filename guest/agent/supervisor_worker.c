/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor's dealings with workers: their memory, their messages, their ends. */
#include "guest/agent/supervisor_internal.h"
#include "guest/engine/kernels/kernels.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

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

/*
 * What the worker's own memory may be, besides the models, which the supervisor brought in. A little more than what its
 * address space lets it have, so that a worker that stays within its limits is told that there is no more memory, and
 * only one that has broken them is killed. With a driver it is what the machine has but for the supervisor: the limit
 * of its data leaves room for what a driver maps and never touches.
 */
static uint64_t group_memory(const struct supervisor *s, const struct worker_task *task)
{
    uint64_t models = (task->check == WORKER_FILE ? 0 : s->plan->model_size) +
                      (task->reference_fd >= 0 ? s->plan->reference_size : 0);

    if (task->memory_bytes == 0)
        return 0;
    return (task->memory_bytes > models ? task->memory_bytes - models : 0) + GROUP_SLACK;
}

void supervisor_start_worker(struct supervisor *s, uint32_t check)
{
    struct worker_task task = {.plan = s->plan,
                               .check = check,
                               .threads = s->plan->threads > 0 ? s->plan->threads : s->machine.processors,
                               .model_fd = s->model,
                               .reference_fd = needs_reference(s, check) ? s->reference : -1,
                               .file_size = s->session.file_size,
                               .file_name = s->file_name,
                               .driver = s->driver,
                               .programs_fd = s->programs};
    struct error err;

    task.memory_bytes = worker_memory(s, &task);
    if (task.threads > KERNEL_THREADS_MAX)
        task.threads = KERNEL_THREADS_MAX;
    stream_reader_next(&s->from_worker);
    stream_writer_drop(&s->to_worker);
    s->group_memory = group_memory(s, &task);
    s->driver_memory = worker_drives(&task) ? worker_room(&task) : 0;
    s->group_kills = group_kills(&s->group);
    if (group_limit(&s->group, s->group_memory, &err) < 0 || process_start(&task, &s->group, &s->worker, &err) < 0)
        supervisor_give_up_for(s, MESSAGE_FAILURE_INTERNAL, err.text);
}

/* A worker has closed its output before its task was done. */
static void bury_worker(struct supervisor *s)
{
    char text[PROCESS_CAUSE_MAX];
    struct message_failure failure;

    process_describe_end(&s->worker, text, &failure);
    if (failure.signal == SIGKILL && group_kills(&s->group) > s->group_kills) {
        size_t used = strlen(text);

        (void)snprintf(text + used, sizeof text - used, ", at its control group's %llu MiB",
                       (unsigned long long)(s->group_memory >> 20));
        failure.text = supervisor_text(text);
    } else if (failure.code == MESSAGE_FAILURE_WORKER_CRASHED && s->driver_memory > 0) {
        size_t used = strlen(text);

        (void)snprintf(text + used, sizeof text - used,
                       "; its device's driver may do so where it gets no more memory than %llu MiB",
                       (unsigned long long)(s->driver_memory >> 20));
        failure.text = supervisor_text(text);
    }
    supervisor_give_up(s, &failure);
}

/* A worker may blame the model, the data or the memory; what is said of crashes and of the host is not its to say. */
static void relay_failure(struct supervisor *s, const struct message *message)
{
    struct message_failure failure = {.code = message->failure.code, .text = message->failure.text};

    if (failure.code == MESSAGE_FAILURE_WORKER_CRASHED || failure.code == MESSAGE_FAILURE_FORBIDDEN_CALL ||
        failure.code == MESSAGE_FAILURE_PROTOCOL)
        failure.code = MESSAGE_FAILURE_INTERNAL;
    supervisor_give_up(s, &failure);
}

static void accuse_worker(struct supervisor *s, const struct error *cause)
{
    char text[ERROR_TEXT_MAX + 64];

    (void)snprintf(text, sizeof text, "the worker's output made no sense: %s", cause->text);
    supervisor_give_up_for(s, MESSAGE_FAILURE_WORKER_CRASHED, text);
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

/* Whether the model that was imported has other classes than its spec: the model's fault, not the worker's. */
static bool contradicts_plan(const struct supervisor *s, const struct message *message, struct error *err)
{
    uint32_t wanted = s->plan->contract.classes;

    if (message->type != MESSAGE_READY || s->judge.state != SESSION_HOST_IMPORTING || wanted == 0 ||
        message->ready.classes == wanted)
        return false;
    (void)error_set(err, ERROR_BAD_INPUT, -EINVAL, "the model has %u classes, its input contract says %u",
                    message->ready.classes, wanted);
    return true;
}

static void relay_message(struct supervisor *s, const struct message *message)
{
    bool ends = false;
    struct error err = {0};
    int r;

    if (contradicts_plan(s, message, &err)) {
        supervisor_give_up_for(s, MESSAGE_FAILURE_SHAPE, err.text);
        return;
    }
    r = session_host_receive(&s->judge, message, &err);
    if (r == 0 && note_message(s, message, &ends) < 0)
        r = error_set(&err, ERROR_GUEST, -EPROTO, "%s before the host had its turn", message_type_name(message->type));
    if (r < 0) {
        accuse_worker(s, &err);
        return;
    }
    if (supervisor_send(s, message, &err) < 0)
        supervisor_give_up_for(s, MESSAGE_FAILURE_INTERNAL, err.text);
    if (ends)
        process_end(&s->worker);
}

void supervisor_read_worker(struct supervisor *s)
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
