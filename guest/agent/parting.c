/* SPDX-License-Identifier: Apache-2.0 */
/* The last word of an agent that could not begin. */
#include "guest/agent/parting.h"

#include "base/io.h"
#include "guest/agent/listener.h"
#include "guest/agent/supervisor.h"
#include "wire/message.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void parting_tell(const struct error *cause)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(FRAME_PAYLOAD_MAX + FRAME_HEADER_SIZE);
    uint64_t deadline;
    const struct message message = {
        .type = MESSAGE_FAILURE,
        .failure = {.code = MESSAGE_FAILURE_INTERNAL,
                    .check = UINT32_MAX,
                    .text = {.data = cause->text, .size = (uint32_t)strlen(cause->text)}},
    };
    CLEANUP_FD int stream = -1;
    uint8_t unread[4096];
    struct error unheard;

    if (listener_accept_host(&stream, &unheard) < 0 || message_encode(&message, &frame) < 0)
        return;
    deadline = io_deadline_ms(SUPERVISOR_PARTING_MS);
    if (io_set_nonblocking(stream) < 0 || io_write_full(stream, frame.data, frame.size, deadline) < 0 ||
        shutdown(stream, SHUT_WR) < 0)
        return;
    while (io_wait(stream, POLLIN, deadline) == 0) /* powering off at once could lose it */
        if (read(stream, unread, sizeof unread) == 0)
            return;
}
