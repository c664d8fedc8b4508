/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of frames through both decoders, the host's state machine, and the record that the monitor reads. */
#include "host/collect/record.h"
#include "wire/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded can be encoded, and survives the way to the monitor. */
static void check_message(const struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);
    CLEANUP_BUFFER struct buffer storage = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);
    struct message again;
    struct record record;

    if (message->type != MESSAGE_CHUNK && message_encode(message, &frame) != 0)
        abort();
    if (record_from_message(message, &storage, &record) == 0 && record_to_message(&record, &again) != 0)
        abort();
}

/* An evaluation's session once a plan has come, a scan of files before. */
static void tell_host(struct session_host *session, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_CHECK:
        (void)!session_host_begin_check(session, message->check.index);
        break;
    case MESSAGE_SCAN:
        (void)!session_host_begin_scan(session, message->scan.index, message->scan.size);
        break;
    case MESSAGE_IMPORT:
        (void)!session_host_import(session);
        break;
    case MESSAGE_BYE:
        (void)!session_host_part(session);
        break;
    default:
        (void)!session_host_receive(session, message, NULL);
        break;
    }
}

/* The guest's side hears the same stream; what it would send itself changes its state too. */
static void tell_guest(struct session_guest *session, const struct message *message)
{
    switch (message->type) {
    case MESSAGE_READY:
        (void)!session_guest_imported(session);
        break;
    case MESSAGE_CHECK_DONE:
        (void)!session_guest_check_done(session);
        break;
    case MESSAGE_READ:
        (void)!session_guest_read(session, &message->read);
        break;
    case MESSAGE_SCAN_DONE:
        (void)!session_guest_scan_done(session);
        break;
    default:
        (void)!session_guest_receive(session, message, NULL);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static const uint8_t nonce[SHA256_SIZE];
    struct session_host host;
    struct session_guest guest;

    session_host_start(&host, NULL, nonce);
    session_guest_start(&guest);
    while (size >= FRAME_HEADER_SIZE) {
        struct frame_header header;
        struct message message;

        if (frame_decode_header(data, &header, NULL) != 0 || header.size > size - FRAME_HEADER_SIZE)
            break;
        data += FRAME_HEADER_SIZE;
        if (header.type == MESSAGE_PLAN && guest.plan == NULL && plan_decode(&header, data, &plan, NULL) == 0) {
            session_host_start(&host, &plan, nonce);
            (void)!session_guest_plan(&guest, &plan);
        } else if (message_decode(&header, data, &message, NULL) == 0) {
            check_message(&message);
            tell_host(&host, &message);
            tell_guest(&guest, &message);
        }
        data += header.size;
        size -= FRAME_HEADER_SIZE + header.size;
    }
    return 0;
}
