/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs: what goes in comes out, and nothing else comes in. */
#include "unit/harness.h"
#include "unit/vsock-proto/wire/samples.h"
#include "wire/codec.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define LIMIT ((size_t)4 << 20)

static int decode_frame(const struct buffer *frame, struct message *ret_message)
{
    struct frame_header header;
    int r = frame_decode_header(frame->data, &header, NULL);

    if (r == 0 && header.size != frame->size - FRAME_HEADER_SIZE)
        r = -EBADMSG;
    return r == 0 ? message_decode(&header, frame->data + FRAME_HEADER_SIZE, ret_message, NULL) : r;
}

/* Encoding what was decoded gives the bytes that were decoded: so every member survived. */
static void test_messages_survive(void)
{
    for (unsigned i = 0; i < SAMPLES_COUNT; i++) {
        CLEANUP_BUFFER struct buffer first = buffer_with_limit(LIMIT), second = buffer_with_limit(LIMIT);
        struct message decoded;

        CU_ASSERT_EQUAL(message_encode(&sample_messages()[i], &first), 0);
        CU_ASSERT_EQUAL_FATAL(decode_frame(&first, &decoded), 0);
        CU_ASSERT_EQUAL(decoded.type, sample_messages()[i].type);
        CU_ASSERT_EQUAL(message_encode(&decoded, &second), 0);
        CU_ASSERT_EQUAL_FATAL(first.size, second.size);
        CU_ASSERT_EQUAL(memcmp(first.data, second.data, first.size), 0);
        buffer_free(&second);
    }
}

static void test_plan_survives(void)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);
    static struct plan decoded;
    struct frame_header header;

    CU_ASSERT_EQUAL(plan_encode(sample_plan(), &frame), 0);
    CU_ASSERT_EQUAL_FATAL(frame_decode_header(frame.data, &header, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(plan_decode(&header, frame.data + FRAME_HEADER_SIZE, &decoded, NULL), 0);
    CU_ASSERT_EQUAL(memcmp(&decoded, sample_plan(), sizeof decoded), 0);
}

/* A frame cut short anywhere is refused. */
static void test_truncated_is_refused(void)
{
    for (unsigned i = 0; i < SAMPLES_COUNT; i++) {
        CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);
        struct frame_header header;
        struct message decoded;

        CU_ASSERT_EQUAL(message_encode(&sample_messages()[i], &frame), 0);
        CU_ASSERT_EQUAL_FATAL(frame_decode_header(frame.data, &header, NULL), 0);
        while (header.size-- > 0)
            CU_ASSERT_EQUAL(message_decode(&header, frame.data + FRAME_HEADER_SIZE, &decoded, NULL), -EBADMSG);
    }
}

/* Any changed byte gives a refusal or a message within its limits; a second encoding is then its own bytes' equal. */
static void test_tampered_is_bounded(void)
{
    for (unsigned i = 0; i < SAMPLES_COUNT; i++) {
        CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);

        CU_ASSERT_EQUAL(message_encode(&sample_messages()[i], &frame), 0);
        for (size_t at = 0; at < frame.size; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                struct message decoded;

                frame.data[at] ^= (uint8_t)(1u << bit);
                if (decode_frame(&frame, &decoded) == 0 && decoded.type != MESSAGE_CHUNK) {
                    CLEANUP_BUFFER struct buffer again = buffer_with_limit(LIMIT);

                    CU_ASSERT_EQUAL(message_encode(&decoded, &again), 0);
                }
                frame.data[at] ^= (uint8_t)(1u << bit);
            }
    }
}

static int check_bytes(const char *bytes, size_t size)
{
    return codec_check((const uint8_t *)bytes, size);
}

#define CHECK_BYTES(literal) check_bytes(literal, sizeof(literal) - 1)

static void test_structure_is_checked_first(void)
{
    char deep[64];

    CU_ASSERT_EQUAL(CHECK_BYTES("\x92\x01\x02"), 0);
    CU_ASSERT_EQUAL(CHECK_BYTES("\x92\x01"), -EBADMSG);                 /* a member short */
    CU_ASSERT_EQUAL(CHECK_BYTES("\x91\x01\x02"), -EBADMSG);             /* a byte over */
    CU_ASSERT_EQUAL(CHECK_BYTES("\xdd\xff\xff\xff\xff\x01"), -EBADMSG); /* 2^32-1 members announced */
    CU_ASSERT_EQUAL(CHECK_BYTES("\x91\xc6\xff\xff\xff\xff"), -EBADMSG); /* 4 GiB of binary announced */
    CU_ASSERT_EQUAL(CHECK_BYTES("\x91\x81\x01\x02"), -EBADMSG);         /* a map */
    CU_ASSERT_EQUAL(CHECK_BYTES("\x91\xc0"), -EBADMSG);                 /* nil */
    CU_ASSERT_EQUAL(CHECK_BYTES("\x91\xd4\x01\x01"), -EBADMSG);         /* an extension */
    CU_ASSERT_EQUAL(CHECK_BYTES(""), -EBADMSG);
    memset(deep, 0x91, sizeof deep);
    CU_ASSERT_EQUAL(check_bytes(deep, sizeof deep), -EBADMSG);
}

static void test_headers_are_strict(void)
{
    const uint8_t good[FRAME_HEADER_SIZE] = {'L', 'A', 'Z', '1', 0x86, 0, 0, 0, 5, 0, 0, 0};
    struct frame_header header;
    uint8_t bytes[FRAME_HEADER_SIZE];

    CU_ASSERT_EQUAL(frame_decode_header(good, &header, NULL), 0);
    CU_ASSERT_EQUAL(header.type, 0x86);
    CU_ASSERT_EQUAL(header.size, 5);
    frame_encode_header(&header, bytes);
    CU_ASSERT_EQUAL(memcmp(good, bytes, sizeof good), 0);
    for (unsigned at = 0; at < FRAME_HEADER_SIZE; at++) {
        if (at == 4 || at == 8 || at == 9)
            continue; /* type and small sizes */
        memcpy(bytes, good, sizeof bytes);
        bytes[at] ^= 0xff;
        CU_ASSERT_EQUAL(frame_decode_header(bytes, &header, NULL), -EBADMSG);
    }
}

static void test_chunks_have_bounds(void)
{
    static uint8_t payload[FRAME_CHUNK_MAX + 1];
    struct message message;

    CU_ASSERT_EQUAL(message_decode(&(struct frame_header){MESSAGE_CHUNK, 0}, payload, &message, NULL), -EBADMSG);
    CU_ASSERT_EQUAL(message_decode(&(struct frame_header){MESSAGE_CHUNK, 1}, payload, &message, NULL), 0);
    CU_ASSERT_EQUAL(message_decode(&(struct frame_header){MESSAGE_CHUNK, FRAME_CHUNK_MAX}, payload, &message, NULL), 0);
    CU_ASSERT_EQUAL(message_decode(&(struct frame_header){MESSAGE_CHUNK, FRAME_CHUNK_MAX + 1}, payload, &message, NULL),
                    -EBADMSG);
}

static void test_texts_are_made_printable(void)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);
    struct message message = {.type = MESSAGE_FAILURE, .failure = {.text = {.data = "red\x1b[31m\xff", .size = 9}}};
    struct message decoded;

    CU_ASSERT_EQUAL(message_encode(&message, &frame), 0);
    CU_ASSERT_EQUAL_FATAL(decode_frame(&frame, &decoded), 0);
    CU_ASSERT_EQUAL(decoded.failure.text.size, 9);
    CU_ASSERT_EQUAL(memcmp(decoded.failure.text.data, "red?[31m?", 9), 0);
    frame.data[frame.size - 1] = 0x1b; /* the same, from a sender that does not */
    CU_ASSERT_EQUAL(decode_frame(&frame, &decoded), -EBADMSG);
}

static void test_plans_are_checked(void)
{
    static const struct plan *base;
    static struct plan plans[8], decoded;
    struct error error;

    base = sample_plan();
    for (unsigned i = 0; i < 8; i++)
        plans[i] = *base;
    plans[0].batch = 0;
    plans[1].contract.dims[1] = 0;
    plans[2].contract.dims[1] = PLAN_SAMPLE_MAX;
    plans[3].sets[PLAN_SET_TRAIN].present = false;
    plans[4].sets[PLAN_SET_TRAIN].labelled = false;
    plans[5].contract.range_high = -2;
    plans[6].checks[1].attack.curves[0].eps[1] = -0.1;
    plans[7].contract.channels = 2;
    for (unsigned i = 0; i < 8; i++) {
        CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);
        struct frame_header header;

        CU_ASSERT_EQUAL(plan_encode(&plans[i], &frame), 0);
        CU_ASSERT_EQUAL_FATAL(frame_decode_header(frame.data, &header, NULL), 0);
        CU_ASSERT_EQUAL(plan_decode(&header, frame.data + FRAME_HEADER_SIZE, &decoded, &error), -EBADMSG);
    }
}

/* An opening's places: as many as test samples, rising; the draws of a sample are those of its place. */
static void test_places(void)
{
    static const struct {
        uint32_t count, places[4];
    } refused[] = {{4, {0, 1, 2, 3}}, {3, {2, 1, 3}}, {3, {1, 1, 3}}};
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit(LIMIT);
    static struct plan plan, decoded;
    struct frame_header header;
    struct error error;

    plan = *sample_plan();
    CU_ASSERT_EQUAL(plan_sample_place(&plan, 2), 2);
    plan.sets[PLAN_SET_TEST].count = 3;
    plan.place_count = 3;
    plan.places[0] = 1;
    plan.places[1] = 70000;
    plan.places[2] = UINT32_MAX;
    CU_ASSERT_EQUAL(plan_encode(&plan, &frame), 0);
    CU_ASSERT_EQUAL_FATAL(frame_decode_header(frame.data, &header, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(plan_decode(&header, frame.data + FRAME_HEADER_SIZE, &decoded, NULL), 0);
    CU_ASSERT_EQUAL(memcmp(&decoded, &plan, sizeof decoded), 0);
    CU_ASSERT_EQUAL(plan_sample_place(&decoded, 1), 70000);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        frame.size = 0;
        plan.place_count = refused[i].count;
        memcpy(plan.places, refused[i].places, sizeof refused[i].places);
        CU_ASSERT_EQUAL(plan_encode(&plan, &frame), 0);
        CU_ASSERT_EQUAL_FATAL(frame_decode_header(frame.data, &header, NULL), 0);
        CU_ASSERT_EQUAL(plan_decode(&header, frame.data + FRAME_HEADER_SIZE, &decoded, &error), -EBADMSG);
    }
}

static void test_frames_over_a_socket(void)
{
    CLEANUP_BUFFER struct buffer payload = buffer_with_limit(FRAME_PAYLOAD_MAX);
    struct frame_header header = {.type = MESSAGE_CHUNK, .size = 5}, received;
    struct error error;
    int pair[2];

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CU_ASSERT_EQUAL(frame_write(pair[0], UINT64_MAX, &header, "hello", &error), 0);
    CU_ASSERT_EQUAL(frame_read(pair[1], UINT64_MAX, &received, &payload, &error), 0);
    CU_ASSERT_EQUAL(received.type, MESSAGE_CHUNK);
    CU_ASSERT_EQUAL_FATAL(payload.size, 5);
    CU_ASSERT_EQUAL(memcmp(payload.data, "hello", 5), 0);
    CU_ASSERT_EQUAL(write(pair[0], "LAZ1", 4), 4);
    (void)close(pair[0]);
    CU_ASSERT_EQUAL(frame_read(pair[1], UINT64_MAX, &received, &payload, &error), -ECONNRESET);
    CU_ASSERT_EQUAL(error.kind, ERROR_GUEST);
    (void)close(pair[1]);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"messages survive encoding and decoding", test_messages_survive},
        {"a plan survives", test_plan_survives},
        {"an opening's places", test_places},
        {"truncated messages are refused", test_truncated_is_refused},
        {"every flipped bit is bounded", test_tampered_is_bounded},
        {"the structure is checked before msgpack-c allocates", test_structure_is_checked_first},
        {"frame headers are strict", test_headers_are_strict},
        {"chunks have bounds", test_chunks_have_bounds},
        {"texts are printable", test_texts_are_made_printable},
        {"plans are checked", test_plans_are_checked},
        {"frames over a socket", test_frames_over_a_socket},
    };

    return harness_run("wire: messages", tests, HARNESS_COUNT(tests));
}
