/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's state machine: which message from the host may come when. PROTOCOL.md, section 6. */
#include "wire/session.h"

#include <errno.h>
#include <string.h>

static int out_of_order(const struct message *message, struct error *err)
{
    return error_set(err, ERROR_INTERNAL, -EPROTO, "message %s came out of order", message_type_name(message->type));
}

void session_guest_start(struct session_guest *session)
{
    *session = (struct session_guest){.state = SESSION_GUEST_GREETING};
}

int session_guest_plan(struct session_guest *session, const struct plan *plan)
{
    if (session->state != SESSION_GUEST_PLANNING)
        return -EPROTO;
    session->plan = plan;
    session->state = SESSION_GUEST_LOADING;
    return 0;
}

static uint64_t window_bytes(const struct plan *plan, const struct message_transfer *window)
{
    uint64_t elements = plan_sample_elements(&plan->contract);
    uint64_t bytes = (uint64_t)window->count * elements * sizeof(float);

    if (plan->sets[window->set].labelled)
        bytes += (uint64_t)window->count * sizeof(uint32_t);
    return bytes;
}

static bool fits_plan(const struct session_guest *session, const struct message_transfer *transfer)
{
    const struct session_walk *walk = &session->walk;

    if (session->state == SESSION_GUEST_LOADING)
        return session->model_here
                   ? transfer->kind == MESSAGE_TRANSFER_REFERENCE && transfer->size == session->plan->reference_size
                   : transfer->kind == MESSAGE_TRANSFER_MODEL && transfer->size == session->plan->model_size;
    return transfer->kind == MESSAGE_TRANSFER_WINDOW && transfer->set == walk->set && transfer->first == walk->first &&
           transfer->count == plan_window_count(&session->plan->sets[walk->set], walk->first) &&
           transfer->size == window_bytes(session->plan, transfer);
}

static int receive_transfer(struct session_guest *session, const struct message *message, struct error *err)
{
    if (session->state != SESSION_GUEST_LOADING && session->state != SESSION_GUEST_CHECKING)
        return out_of_order(message, err);
    if (!fits_plan(session, &message->transfer))
        return error_set(err, ERROR_INTERNAL, -EPROTO, "a transfer that is not the one the plan has next");
    session->transfer = message->transfer;
    session->received = 0;
    sha256_start(&session->hash);
    session->state = SESSION_GUEST_RECEIVING;
    return 0;
}

/* --- served files -------------------------------------------------------------------------------- */

static int receive_scan(struct session_guest *session, const struct message *message, struct error *err)
{
    if (session->state != SESSION_GUEST_SERVED && (session->state != SESSION_GUEST_PLANNING || session->next_file > 0))
        return out_of_order(message, err);
    if (message->scan.index != session->next_file)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "file %u is not the next", message->scan.index);
    session->next_file++;
    session->file_size = message->scan.size;
    session->asked_count = 0;
    session->state = SESSION_GUEST_SERVING;
    return 0;
}

/* An answer to the oldest READ. */
static int receive_answer(struct session_guest *session, const struct message *message, struct error *err)
{
    if (session->state != SESSION_GUEST_SERVING || session->asked_count == 0)
        return out_of_order(message, err);
    if (message->type == MESSAGE_CHUNK && message->chunk.size != session->asked[0])
        return error_set(err, ERROR_INTERNAL, -EPROTO, "%u bytes answer a READ of %u", message->chunk.size,
                         session->asked[0]);
    session->asked_count--;
    memmove(session->asked, session->asked + 1, session->asked_count * sizeof session->asked[0]);
    return 0;
}

int session_guest_read(struct session_guest *session, const struct message_read *read)
{
    if (session->state != SESSION_GUEST_SERVING || session->asked_count == MESSAGE_READS_MAX)
        return -EPROTO;
    session->asked[session->asked_count++] = read->size;
    return 0;
}

int session_guest_scan_done(struct session_guest *session)
{
    if (session->state != SESSION_GUEST_SERVING || session->asked_count > 0)
        return -EPROTO;
    session->state = SESSION_GUEST_SERVED;
    return 0;
}

/* --- transfers -------------------------------------------------------------------------------------- */

static int receive_chunk(struct session_guest *session, const struct message *message, struct error *err)
{
    if (session->state == SESSION_GUEST_SERVING)
        return receive_answer(session, message, err);
    if (session->state != SESSION_GUEST_RECEIVING)
        return out_of_order(message, err);
    if (message->chunk.size > session->transfer.size - session->received)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "a transfer brings more bytes than it announced");
    sha256_update(&session->hash, message->chunk.data, message->chunk.size);
    session->received += message->chunk.size;
    return 0;
}

/* To the first set from `set` on that the check reads; without one, all its windows have come. */
static void enter_set(struct session_guest *session, unsigned set)
{
    const struct plan *plan = session->plan;
    struct session_walk *walk = &session->walk;

    while (set < PLAN_SET_COUNT && !plan_check_reads(plan, plan->checks[session->check].id, set))
        set++;
    *walk = (struct session_walk){.set = set, .finished = set == PLAN_SET_COUNT};
    session->state = walk->finished ? SESSION_GUEST_COMPUTING : SESSION_GUEST_CHECKING;
}

/* To the next window, the next set, or the end of the check's windows. */
static void advance(struct session_guest *session)
{
    struct session_walk *walk = &session->walk;

    session->state = SESSION_GUEST_CHECKING;
    walk->first += session->transfer.count;
    if (walk->first >= session->plan->sets[walk->set].count)
        enter_set(session, walk->set + 1u);
}

/* A whole model: the reference follows where the plan has one. */
static int finish_model(struct session_guest *session, const uint8_t digest[SHA256_SIZE], struct error *err)
{
    bool reference = session->transfer.kind == MESSAGE_TRANSFER_REFERENCE;
    const uint8_t *planned = reference ? session->plan->reference_sha256 : session->plan->model_sha256;

    if (memcmp(digest, planned, SHA256_SIZE) != 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "the %s that arrived is not the plan's",
                         reference ? "reference model" : "model");
    session->model_here = true;
    session->state = reference || session->plan->reference_size == 0 ? SESSION_GUEST_LOADED : SESSION_GUEST_LOADING;
    return 0;
}

static int receive_transfer_end(struct session_guest *session, const struct message *message, struct error *err)
{
    uint8_t digest[SHA256_SIZE];

    if (session->state != SESSION_GUEST_RECEIVING)
        return out_of_order(message, err);
    if (session->received != session->transfer.size)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "a transfer ended before all its bytes had come");
    sha256_finish(&session->hash, digest);
    if (memcmp(digest, message->transfer_end.sha256, sizeof digest) != 0)
        return error_set(err, ERROR_INTERNAL, -EBADMSG, "a transfer arrived with another digest than it left with");
    if (session->transfer.kind == MESSAGE_TRANSFER_WINDOW) {
        advance(session);
        return 0;
    }
    return finish_model(session, digest, err);
}

/* The plan's scan, which comes before the import, is still to come. */
static bool scan_is_due(const struct session_guest *session)
{
    return session->plan->checks[0].id == PLAN_SCAN && session->next_check == 0;
}

static int receive_check(struct session_guest *session, const struct message *message, struct error *err)
{
    uint32_t index = message->check.index;

    if (session->state != SESSION_GUEST_IDLE && (session->state != SESSION_GUEST_LOADED || !scan_is_due(session)))
        return out_of_order(message, err);
    if (index != session->next_check || index >= session->plan->check_count)
        return error_set(err, ERROR_INTERNAL, -EPROTO, "check %u is not the plan's next", index);
    session->check = index;
    session->next_check = index + 1;
    enter_set(session, 0);
    return 0;
}

static int receive_import(struct session_guest *session, const struct message *message, struct error *err)
{
    if (session->state != SESSION_GUEST_LOADED || scan_is_due(session))
        return out_of_order(message, err);
    session->state = SESSION_GUEST_IMPORTING;
    return 0;
}

/* Between checks or files, or after a scan that keeps the model from being imported. */
static bool may_part(const struct session_guest *session)
{
    return session->state == SESSION_GUEST_IDLE || session->state == SESSION_GUEST_SERVED ||
           (session->state == SESSION_GUEST_LOADED && session->next_check > 0);
}

int session_guest_receive(struct session_guest *session, const struct message *message, struct error *err)
{
    switch (message->type) {
    case MESSAGE_HELLO:
        if (session->state != SESSION_GUEST_GREETING)
            return out_of_order(message, err);
        if (message->hello.version != MESSAGE_VERSION)
            return error_set(err, ERROR_INTERNAL, -EPROTO, "the host speaks version %u, this agent %u",
                             message->hello.version, MESSAGE_VERSION);
        session->state = SESSION_GUEST_PLANNING;
        return 0;
    case MESSAGE_TRANSFER:
        return receive_transfer(session, message, err);
    case MESSAGE_CHUNK:
        return receive_chunk(session, message, err);
    case MESSAGE_TRANSFER_END:
        return receive_transfer_end(session, message, err);
    case MESSAGE_CHECK:
        return receive_check(session, message, err);
    case MESSAGE_IMPORT:
        return receive_import(session, message, err);
    case MESSAGE_SCAN:
        return receive_scan(session, message, err);
    case MESSAGE_UNREADABLE:
        return receive_answer(session, message, err);
    case MESSAGE_BYE:
        if (!may_part(session))
            return out_of_order(message, err);
        session->state = SESSION_GUEST_ENDED;
        return 0;
    default:
        return out_of_order(message, err);
    }
}

int session_guest_imported(struct session_guest *session)
{
    if (session->state != SESSION_GUEST_IMPORTING)
        return -EPROTO;
    session->state = SESSION_GUEST_IDLE;
    return 0;
}

int session_guest_check_done(struct session_guest *session)
{
    if (session->state != SESSION_GUEST_COMPUTING)
        return -EPROTO;
    session->state = session->plan->checks[session->check].id == PLAN_SCAN ? SESSION_GUEST_LOADED : SESSION_GUEST_IDLE;
    return 0;
}
