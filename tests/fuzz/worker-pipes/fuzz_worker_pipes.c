/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's pipes. The first byte chooses: a worker's output as the supervisor reads and judges it, a worker's
 * windows, or the answers from which a scanner's source is made.
 */
#include "fuzz/stream_file.h"
#include "guest/agent/remote_source.h"
#include "guest/agent/stream.h"
#include "guest/agent/window_pipe.h"
#include "unit/vsock-proto/wire/samples.h"
#include "wire/session.h"

#include <errno.h>
#include <string.h>

#define FILE_SIZE (UINT64_C(3) * REMOTE_BLOCK + 7)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A worker that its model has taken over. */
static void judge_output(int fd)
{
    static const uint8_t nonce[SHA256_SIZE];
    struct stream_reader reader = stream_reader_new();
    struct session_host judge;
    int r = 0;

    session_host_start(&judge, sample_plan(), nonce);
    while (r == 0) {
        struct message message;

        r = stream_reader_fill(&reader, fd, NULL);
        if (r < 0)
            break;
        if (!reader.complete || reader.bytes.size != FRAME_HEADER_SIZE + reader.header.size)
            abort(); /* a file never waits */
        r = message_decode(&reader.header, stream_reader_payload(&reader), &message, NULL);
        if (r == 0 && session_host_receive(&judge, &message, NULL) == 0 && message.type == MESSAGE_CHUNK)
            abort(); /* bytes go one way */
        stream_reader_next(&reader);
    }
    stream_reader_free(&reader);
}

static void read_windows(int fd)
{
    const struct plan *plan = sample_plan();
    struct window_reader reader;

    if (window_reader_open(&reader, fd, plan, plan->checks[0].id, NULL) < 0)
        abort();
    for (uint64_t first = 0; first < plan->sets[PLAN_SET_TEST].count; first += plan->sets[PLAN_SET_TEST].window) {
        struct check_window window;

        if (window_read(&reader, PLAN_SET_TEST, first, &window, NULL) < 0)
            break;
        if (window.count == 0 || window.count > plan->sets[PLAN_SET_TEST].window || window.first != first)
            abort();
    }
    window_reader_close(&reader);
}

static int say_nothing(void *argument, const struct message *message, struct error *err)
{
    (void)err;
    if (message->type != MESSAGE_READ || message->read.size == 0 || message->read.size > FILE_SIZE ||
        message->read.offset > FILE_SIZE - message->read.size)
        abort(); /* never beyond the file's end */
    (*(unsigned *)argument)++;
    return 0;
}

static void read_remote(int fd)
{
    static const uint64_t places[] = {0, 100, REMOTE_BLOCK - 3, 2 * REMOTE_BLOCK, FILE_SIZE - 4, 5, FILE_SIZE};
    unsigned asked = 0;
    const struct remote_options options = {.size = FILE_SIZE, .input_fd = fd, .send = say_nothing, .argument = &asked};
    CLEANUP_SOURCE struct source *source = remote_source_open(&options);

    if (source == NULL)
        abort();
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        const uint8_t *bytes;
        uint8_t sum = 0;
        size_t count;

        if (source_view(source, places[i], 16, &bytes, &count, NULL) < 0)
            continue;
        if (count > FILE_SIZE - places[i])
            abort();
        for (size_t k = 0; k < count; k++)
            sum = (uint8_t)(sum + bytes[k]);
        __asm__ volatile("" : : "r"(sum));
    }
    (void)!remote_source_settle(source, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(int fd) = {judge_output, read_windows, read_remote};

    if (size > 0)
        readers[data[0] % 3](stream_of(data + 1, size - 1));
    return 0;
}
