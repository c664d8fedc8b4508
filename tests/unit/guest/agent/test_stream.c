/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that come in pieces, and bytes that go out in pieces. */
#include "unit/harness.h"

#include "guest/agent/stream.h"

#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

static int pair[2];

static void open_pair(void)
{
    CU_ASSERT_EQUAL_FATAL(pipe(pair), 0);
    CU_ASSERT_EQUAL_FATAL(io_set_nonblocking(pair[0]), 0);
    CU_ASSERT_EQUAL_FATAL(io_set_nonblocking(pair[1]), 0);
}

static void close_pair(void)
{
    (void)close(pair[0]);
    if (pair[1] >= 0)
        (void)close(pair[1]);
}

static void put_frame(struct buffer *bytes, uint8_t type, uint32_t size)
{
    const struct frame_header header = {.type = type, .size = size};
    uint8_t encoded[FRAME_HEADER_SIZE];

    frame_encode_header(&header, encoded);
    CU_ASSERT_EQUAL(buffer_append(bytes, encoded, sizeof encoded), 0);
    for (uint32_t i = 0; i < size; i++)
        CU_ASSERT_EQUAL(buffer_append_u8(bytes, (uint8_t)(type + i)), 0);
}

static bool is_intact(const struct stream_reader *reader, uint8_t type, uint32_t size)
{
    if (reader->header.type != type || reader->header.size != size)
        return false;
    for (uint32_t i = 0; i < size; i++)
        if (stream_reader_payload(reader)[i] != (uint8_t)(type + i))
            return false;
    return true;
}

/* Three frames, one of them empty, byte by byte. */
static void test_byte_by_byte(void)
{
    static const uint32_t sizes[] = {5, 0, 300};
    struct buffer bytes CLEANUP_BUFFER = buffer_with_limit(4096);
    struct stream_reader reader = stream_reader_new();
    unsigned frames = 0;

    open_pair();
    for (uint8_t i = 0; i < 3; i++)
        put_frame(&bytes, (uint8_t)(i + 1), sizes[i]);
    for (size_t i = 0; i < bytes.size; i++) {
        CU_ASSERT_EQUAL(write(pair[1], bytes.data + i, 1), 1);
        CU_ASSERT_EQUAL(stream_reader_fill(&reader, pair[0], NULL), 0);
        if (!reader.complete)
            continue;
        CU_ASSERT(is_intact(&reader, (uint8_t)(frames + 1), sizes[frames]));
        stream_reader_next(&reader);
        frames++;
    }
    CU_ASSERT_EQUAL(frames, 3);
    stream_reader_free(&reader);
    close_pair();
}

/* A frame that is complete stays, and nothing is read beyond it. */
static void test_two_at_once(void)
{
    struct buffer bytes CLEANUP_BUFFER = buffer_with_limit(4096);
    struct stream_reader reader = stream_reader_new();

    open_pair();
    put_frame(&bytes, 9, 20);
    put_frame(&bytes, 10, 30);
    CU_ASSERT_EQUAL(io_write_full(pair[1], bytes.data, bytes.size, IO_NO_DEADLINE), 0);
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(stream_reader_fill(&reader, pair[0], NULL), 0);
    CU_ASSERT(reader.complete && is_intact(&reader, 9, 20));
    stream_reader_next(&reader);
    CU_ASSERT_EQUAL(stream_reader_fill(&reader, pair[0], NULL), 0);
    CU_ASSERT(reader.complete && is_intact(&reader, 10, 30));
    stream_reader_free(&reader);
    close_pair();
}

static void test_bad_streams(void)
{
    struct buffer bytes CLEANUP_BUFFER = buffer_with_limit(4096);
    struct stream_reader reader = stream_reader_new();
    const uint8_t huge[FRAME_HEADER_SIZE] = {'L', 'A', 'Z', '1', 1, 0, 0, 0, 1, 0, 16, 0};

    open_pair();
    put_frame(&bytes, 1, 8);
    CU_ASSERT_EQUAL(write(pair[1], bytes.data, bytes.size - 1), (ssize_t)bytes.size - 1);
    CU_ASSERT_EQUAL(stream_reader_fill(&reader, pair[0], NULL), 0);
    (void)close(pair[1]);
    pair[1] = -1;
    CU_ASSERT_EQUAL(stream_reader_fill(&reader, pair[0], NULL), -ECONNRESET);
    CU_ASSERT(!reader.complete);
    close_pair();
    stream_reader_next(&reader);
    open_pair();
    CU_ASSERT_EQUAL(write(pair[1], "no frame at all", 15), 15);
    CU_ASSERT_EQUAL(stream_reader_fill(&reader, pair[0], NULL), -EBADMSG);
    close_pair();
    stream_reader_next(&reader);
    open_pair();
    CU_ASSERT_EQUAL(write(pair[1], huge, sizeof huge), (ssize_t)sizeof huge); /* a byte more than allowed */
    CU_ASSERT_EQUAL(stream_reader_fill(&reader, pair[0], NULL), -EBADMSG);
    close_pair();
    stream_reader_free(&reader);
}

static void test_writer(void)
{
    enum { SIZE = 300000 }; /* more than a pipe takes */
    static uint8_t data[SIZE], seen[SIZE];
    struct stream_writer writer = stream_writer_new();
    size_t received = 0;

    open_pair();
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 >> 3);
    CU_ASSERT(stream_writer_is_empty(&writer));
    CU_ASSERT_EQUAL(buffer_append(&writer.bytes, data, SIZE), 0);
    while (received < SIZE) {
        ssize_t count;

        CU_ASSERT_EQUAL(stream_writer_flush(&writer, pair[1]), 0);
        count = read(pair[0], seen + received, SIZE - received);
        CU_ASSERT_FATAL(count > 0);
        received += (size_t)count;
    }
    CU_ASSERT(stream_writer_is_empty(&writer) && memcmp(data, seen, SIZE) == 0);
    CU_ASSERT_EQUAL(buffer_append(&writer.bytes, data, 10), 0);
    (void)close(pair[0]);
    CU_ASSERT_EQUAL(stream_writer_flush(&writer, pair[1]), -EPIPE);
    stream_writer_drop(&writer);
    CU_ASSERT(stream_writer_is_empty(&writer));
    CU_ASSERT_EQUAL(buffer_append(&writer.bytes, data, SIZE), 0);
    stream_writer_free(&writer);
    (void)close(pair[1]);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"frames byte by byte", test_byte_by_byte},
        {"two frames at once", test_two_at_once},
        {"streams that end or make no sense", test_bad_streams},
        {"writing more than is taken", test_writer},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return harness_run("stream", tests, HARNESS_COUNT(tests));
}
