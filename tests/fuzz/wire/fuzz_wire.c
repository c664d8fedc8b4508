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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static const uint8_t nonce[SHA256_SIZE];
    struct session_host session;
    bool planned = false;

    while (size >= FRAME_HEADER_SIZE) {
        struct frame_header header;
        struct message message;

        if (frame_decode_header(data, &header, NULL) != 0 || header.size > size - FRAME_HEADER_SIZE)
            break;
        data += FRAME_HEADER_SIZE;
        if (header.type == MESSAGE_PLAN && plan_decode(&header, data, &plan, NULL) == 0) {
            session_host_start(&session, &plan, nonce);
            planned = true;
        } else if (message_decode(&header, data, &message, NULL) == 0) {
            check_message(&message);
            if (planned && message.type == MESSAGE_CHECK)
                (void)!session_host_begin_check(&session, message.check.index);
            else if (planned)
                (void)!session_host_receive(&session, &message, NULL);
        }
        data += header.size;
        size -= FRAME_HEADER_SIZE + header.size;
    }
    return 0;
}
