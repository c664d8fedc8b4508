/* SPDX-License-Identifier: Apache-2.0 */
/* The host's messages, and what follows from them. */
#include "guest/agent/evidence.h"
#include "guest/agent/model_file.h"
#include "guest/agent/remote_source.h"
#include "guest/agent/supervisor_internal.h"
#include "guest/agent/window_pipe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int answer_hello(struct supervisor *s, const struct message_hello *hello, struct error *err)
{
    struct message message = {.type = MESSAGE_GUEST_HELLO};
    char agent[64 + 32];

    /* SYSTEM-CALL supervisor landlock_create_ruleset: the kernel's ABI, for the hello */
    (void)snprintf(agent, sizeof agent, "lazaret-agent %s, Landlock %d, %s", LAZARET_VERSION, sandbox_landlock_abi(),
                   s->group.tasks < 0        ? "no control group"
                   : s->group.memory_max < 0 ? "control group without memory"
                                             : "control group");
    message.guest_hello.version = MESSAGE_VERSION;
    memcpy(message.guest_hello.nonce, hello->nonce, sizeof hello->nonce);
    message.guest_hello.agent = supervisor_text(agent);
    message.guest_hello.cpu = supervisor_text(s->machine.processor);
    message.guest_hello.processors = s->machine.processors;
    message.guest_hello.memory_bytes = s->machine.memory_bytes;
    session_host_start(&s->judge, s->plan, hello->nonce);
    if (session_host_receive(&s->judge, &message, err) < 0)
        return err->code;
    return supervisor_send(s, &message, err);
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
        supervisor_give_up_for(s, MESSAGE_FAILURE_MEMORY, text);
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
    supervisor_start_worker(s, WORKER_FILE);
    return 0;
}

static int receive_import(struct supervisor *s, struct error *err)
{
    if (session_host_import(&s->judge) < 0)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "message IMPORT came out of order");
    supervisor_start_worker(s, WORKER_IMPORT);
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
        supervisor_start_worker(s, message->check.index);
        return 0;
    case MESSAGE_SCAN:
        return receive_scan(s, &message->scan, err);
    case MESSAGE_UNREADABLE:
        return receive_answer(s, NULL, err);
    case MESSAGE_IMPORT:
        return receive_import(s, err);
    default: /* BYE: session_guest_receive lets nothing else through */
        s->life = LIFE_PARTED;
        evidence_leave_kernel_log(s->scratch, s->kernel_log); /* once it has the GOODBYE, the host may end the VM */
        return supervisor_send(s, &goodbye, err);
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

void supervisor_read_host(struct supervisor *s)
{
    struct error err = {0};
    int r = stream_reader_fill(&s->from_host, s->host, &err);

    if (r == 0 && !s->from_host.complete)
        return;
    if (r < 0 && r != -EBADMSG) {
        supervisor_lose_host(s, &err);
        return;
    }
    if (r == 0)
        r = receive_from_host(s, &err);
    if (r < 0)
        supervisor_give_up_for(s,
                               is_hosts_fault(r)              ? MESSAGE_FAILURE_PROTOCOL
                               : r == -ENOMEM || r == -ENOSPC ? MESSAGE_FAILURE_MEMORY
                                                              : MESSAGE_FAILURE_INTERNAL,
                               err.text);
    stream_reader_next(&s->from_host);
}
