/* SPDX-License-Identifier: Apache-2.0 */
/* Protobuf messages made by hand, for tests: fields are appended, messages are put into fields. */
#ifndef LAZARET_TESTS_MESSAGE_H
#define LAZARET_TESTS_MESSAGE_H

#include <CUnit/CUnit.h>
#include <stdint.h>
#include <string.h>

#define MESSAGE_MAX 16384u

struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
};

static inline void message_add(struct message *message, const void *bytes, size_t size)
{
    CU_ASSERT_FATAL(size <= MESSAGE_MAX - message->size);
    memcpy(message->bytes + message->size, bytes, size);
    message->size += size;
}

static inline void message_varint(struct message *message, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

        message_add(message, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static inline void message_number(struct message *message, uint32_t field, uint64_t value)
{
    message_varint(message, (uint64_t)field << 3);
    message_varint(message, value);
}

static inline void message_bytes(struct message *message, uint32_t field, const void *bytes, size_t size)
{
    message_varint(message, (uint64_t)field << 3 | 2);
    message_varint(message, size);
    message_add(message, bytes, size);
}

static inline void message_text(struct message *message, uint32_t field, const char *text)
{
    message_bytes(message, field, text, strlen(text));
}

static inline void message_put(struct message *message, uint32_t field, const struct message *inner)
{
    message_bytes(message, field, inner->bytes, inner->size);
}

#endif
