/* SPDX-License-Identifier: Apache-2.0 */
/* Lies of the frames' layer and of msgpack. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOISE (1u << 20)

static void announce(struct puppet *puppet, uint8_t type, uint32_t size)
{
    const struct frame_header header = {.type = type, .size = size};
    uint8_t bytes[FRAME_HEADER_SIZE];

    frame_encode_header(&header, bytes);
    puppet_send_bytes(puppet, bytes, sizeof bytes);
}

static bool garbage(struct puppet *puppet, struct message *message)
{
    static uint8_t noise[NOISE];

    (void)message;
    for (uint32_t i = 0; i < NOISE; i++)
        noise[i] = (uint8_t)(i * 2654435761u >> 13);
    puppet_send_bytes(puppet, noise, sizeof noise);
    return false;
}

/* A long frame that ends in its middle, with the connection. */
static bool truncated(struct puppet *puppet, struct message *message)
{
    announce(puppet, (uint8_t)message->type, 2048);
    puppet_send_bytes(puppet, "\0", 1);
    (void)close(puppet->fd);
    return false;
}

/* The same, and then silence: the host waits for the rest. */
static bool stalled(struct puppet *puppet, struct message *message)
{
    announce(puppet, (uint8_t)message->type, 2048);
    puppet_stay();
    return false;
}

static bool huge(struct puppet *puppet, struct message *message)
{
    announce(puppet, (uint8_t)message->type, UINT32_MAX);
    return false;
}

static bool beyond(struct puppet *puppet, struct message *message)
{
    announce(puppet, (uint8_t)message->type, FRAME_PAYLOAD_MAX + 1);
    return false;
}

static bool reserved(struct puppet *puppet, struct message *message)
{
    const uint8_t header[FRAME_HEADER_SIZE] = {'L', 'A', 'Z', '1', (uint8_t)message->type, 0, 1, 0};

    puppet_send_bytes(puppet, header, sizeof header);
    return false;
}

static bool empty(struct puppet *puppet, struct message *message)
{
    puppet_send_frame(puppet, (uint8_t)message->type, "", 0);
    return false;
}

/* The message's own frame with its last byte missing: what is there is no whole array. */
static bool cut(struct puppet *puppet, struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);

    if (message_encode(message, &frame) == 0)
        puppet_send_frame(puppet, (uint8_t)message->type, frame.data + FRAME_HEADER_SIZE,
                          (uint32_t)(frame.size - FRAME_HEADER_SIZE - 1));
    return false;
}

static bool surplus(struct puppet *puppet, struct message *message)
{
    CLEANUP_BUFFER struct buffer frame = buffer_with_limit((size_t)2 * FRAME_PAYLOAD_MAX);

    if (message_encode(message, &frame) == 0 && buffer_append_u8(&frame, 0) == 0)
        puppet_send_frame(puppet, (uint8_t)message->type, frame.data + FRAME_HEADER_SIZE,
                          (uint32_t)(frame.size - FRAME_HEADER_SIZE));
    return false;
}

/* A whole payload of one byte, over and over. */
static bool fill(struct puppet *puppet, const struct message *message, int byte)
{
    uint8_t *payload = malloc(FRAME_PAYLOAD_MAX);

    if (payload != NULL) {
        memset(payload, byte, FRAME_PAYLOAD_MAX);
        puppet_send_frame(puppet, (uint8_t)message->type, payload, FRAME_PAYLOAD_MAX);
    }
    free(payload);
    return false;
}

/* A million arrays in arrays. */
static bool deep(struct puppet *puppet, struct message *message)
{
    return fill(puppet, message, 0x91);
}

/* One array that says it has 2^32 - 1 members. */
static bool many(struct puppet *puppet, struct message *message)
{
    static const uint8_t payload[] = {0xdd, 0xff, 0xff, 0xff, 0xff, 0};

    puppet_send_frame(puppet, (uint8_t)message->type, payload, sizeof payload);
    return false;
}

/* One array with as many members as bytes: a million objects, were they made. */
static bool wide(struct puppet *puppet, struct message *message)
{
    uint8_t *payload = calloc(1, FRAME_PAYLOAD_MAX);
    const uint8_t head[] = {0xdd, 0, 0x0f, 0xff, 0xfb};

    if (payload != NULL) {
        memcpy(payload, head, sizeof head);
        puppet_send_frame(puppet, (uint8_t)message->type, payload, FRAME_PAYLOAD_MAX);
    }
    free(payload);
    return false;
}

/* A string that says it has 4 GiB. */
static bool long_string(struct puppet *puppet, struct message *message)
{
    static const uint8_t payload[] = {0x91, 0xdb, 0xff, 0xff, 0xff, 0xff, 'x'};

    puppet_send_frame(puppet, (uint8_t)message->type, payload, sizeof payload);
    return false;
}

static bool map(struct puppet *puppet, struct message *message)
{
    static const uint8_t payload[] = {0x81, 0x00, 0x00};

    puppet_send_frame(puppet, (uint8_t)message->type, payload, sizeof payload);
    return false;
}

/* Extensions, nil and the byte that msgpack never uses. */
static bool foreign(struct puppet *puppet, struct message *message)
{
    static const uint8_t payload[] = {0x93, 0xc0, 0xc1, 0xd4, 0x01, 0x02};

    puppet_send_frame(puppet, (uint8_t)message->type, payload, sizeof payload);
    return false;
}

static bool negative(struct puppet *puppet, struct message *message)
{
    static const uint8_t payload[] = {0x93, 0x00, 0xff, 0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0};

    puppet_send_frame(puppet, (uint8_t)message->type, payload, sizeof payload);
    return false;
}

static bool unknown_type(struct puppet *puppet, struct message *message)
{
    (void)message;
    puppet_send_frame(puppet, 0xee, "\x90", 1);
    return false;
}

/* CHUNK is the only type without msgpack, and goes the other way. */
static bool chunk(struct puppet *puppet, struct message *message)
{
    (void)message;
    puppet_send_frame(puppet, MESSAGE_CHUNK, "model", 5);
    return false;
}

/* One byte at a time, slower than any deadline: 2^20 bytes would take months. */
static bool drip(struct puppet *puppet, struct message *message)
{
    announce(puppet, (uint8_t)message->type, FRAME_PAYLOAD_MAX);
    for (;;) {
        puppet_send_bytes(puppet, "\0", 1);
        (void)usleep(10000);
    }
    return false;
}

static bool version(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->guest_hello.version = MESSAGE_VERSION + 1;
    return true;
}

static bool old_version(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->guest_hello.version = 0;
    return true;
}

static bool nonce(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    message->guest_hello.nonce[31] ^= 1;
    return true;
}

static bool silent(struct puppet *puppet, struct message *message)
{
    (void)puppet;
    (void)message;
    puppet_stay();
    return false;
}

static bool hangs_up(struct puppet *puppet, struct message *message)
{
    (void)message;
    (void)close(puppet->fd);
    puppet_stay();
    return false;
}

/* Ready, but nothing that it is asked for reaches it. */
static bool hears_nothing(struct puppet *puppet, struct message *message)
{
    (void)shutdown(puppet->fd, SHUT_RD);
    puppet_send(puppet, message);
    puppet_stay();
    return false;
}

const struct hostile_lie lies_frames[] = {
    {"garbage", MESSAGE_GUEST_HELLO, garbage},
    {"truncated", MESSAGE_GUEST_HELLO, truncated},
    {"stalled", MESSAGE_CHECK_DONE, stalled},
    {"huge", MESSAGE_READY, huge},
    {"beyond", MESSAGE_READY, beyond},
    {"reserved", MESSAGE_READY, reserved},
    {"empty", MESSAGE_CHECK_DONE, empty},
    {"cut", MESSAGE_PREDICTIONS, cut},
    {"surplus", MESSAGE_READY, surplus},
    {"deep", MESSAGE_CHECK_DONE, deep},
    {"many", MESSAGE_READY, many},
    {"wide", MESSAGE_READY, wide},
    {"long-string", MESSAGE_READY, long_string},
    {"map", MESSAGE_READY, map},
    {"foreign", MESSAGE_READY, foreign},
    {"negative", MESSAGE_CHECK_DONE, negative},
    {"unknown-type", MESSAGE_READY, unknown_type},
    {"chunk", MESSAGE_READY, chunk},
    {"drip", MESSAGE_CHECK_DONE, drip},
    {"version", MESSAGE_GUEST_HELLO, version},
    {"old-version", MESSAGE_GUEST_HELLO, old_version},
    {"nonce", MESSAGE_GUEST_HELLO, nonce},
    {"silent", MESSAGE_GUEST_HELLO, silent},
    {"hangs-up", MESSAGE_CHECK_DONE, hangs_up},
    {"hears-nothing", MESSAGE_READY, hears_nothing},
    {0},
};
