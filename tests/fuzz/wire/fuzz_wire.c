/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of frames through both decoders, the host's state machine, and the record that the monitor reads. */
#include "fuzz/wire/tell.h"
#include "host/collect/record.h"

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

/* A plan that was decoded is one that can be sent, and arrives as it was. */
static void check_plan(const struct plan *plan)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX);
    CLEANUP_BUFFER struct buffer again = buffer_with_limit(FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX);
    static struct plan arrived;
    struct frame_header header;

    if (plan_encode(plan, &frame) != 0 || frame_decode_header(frame.data, &header, NULL) != 0 ||
        plan_decode(&header, frame.data + FRAME_HEADER_SIZE, &arrived, NULL) != 0 ||
        plan_encode(&arrived, &again) != 0 || frame.size != again.size ||
        memcmp(frame.data, again.data, frame.size) != 0)
        abort();
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
            check_plan(&plan);
            session_host_start(&host, &plan, nonce);
            (void)!session_guest_plan(&guest, &plan);
        } else if (message_decode(&header, data, &message, NULL) == 0) {
            check_message(&message);
            (void)!tell_host(&host, &message);
            (void)!tell_guest(&guest, &message);
        }
        data += header.size;
        size -= FRAME_HEADER_SIZE + header.size;
    }
    return 0;
}
