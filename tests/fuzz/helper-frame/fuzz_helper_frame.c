/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a helper and its caller say to each other, where the other was taken over: {u8 side; bytes of the socket}.
 * Replies give data within the limit or an error that exists; requests are within the limit, or the end.
 */
#include "fuzz/stream_file.h"
#include "host/confine/helper_frame.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 300u /* of the seeds some are at it, and some beyond */

static void read_replies(int fd)
{
    CLEANUP_BUFFER struct buffer data = buffer_with_limit(LIMIT);
    size_t before = 0;

    for (;;) {
        struct error err = {0};
        int r = helper_frame_read_reply(fd, "the helper", &data, UINT64_MAX, &err);

        if (data.size > LIMIT || data.size < before || (r < 0 && data.size != before))
            abort();
        if (r == 0 && err.kind != ERROR_NONE)
            abort();
        if (r < 0 && (r <= -4096 || err.kind == ERROR_NONE || err.kind > ERROR_MISMATCH || err.code != r ||
                      strnlen(err.text, sizeof err.text) == sizeof err.text))
            abort();
        /* A reply that can't be ends the conversation; an error of the helper's does not. */
        if (r < 0 && err.kind == ERROR_INTERNAL)
            return;
        before = data.size;
    }
}

static void read_requests(int fd)
{
    uint8_t request[LIMIT + 1];
    size_t size = 0;

    request[LIMIT] = 0x5a;
    while (helper_frame_read_request(fd, request, LIMIT, &size) == 0)
        if (size > LIMIT || request[LIMIT] != 0x5a)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if ((data[0] & 1) != 0)
        read_requests(stream_of(data + 1, size - 1));
    else
        read_replies(stream_of(data + 1, size - 1));
    return 0;
}
