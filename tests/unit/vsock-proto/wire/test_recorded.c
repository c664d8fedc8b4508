/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations of real evaluations, which the target `wire` begins with (tests/fuzz/wire/record.py): each message is
 * decoded, and both sides' sessions take it, to the end. Where the protocol has changed they are to be recorded again.
 */
#include "fuzz/wire/tell.h"
#include "unit/harness.h"

#include <stdio.h>

#define STREAM_MAX 65536u

static const char *const checks[] = {
    "noise",        "fgsm",  "pgd",         "square", "activation-clustering", "spectral-signature",
    "trigger-scan", "strip", "weight-drift"};

static size_t load(const char *check, uint8_t stream[STREAM_MAX])
{
    char path[128];
    size_t size;
    FILE *file;

    (void)snprintf(path, sizeof path, "tests/fuzz/corpus/wire/check-%s", check);
    file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size = fread(stream, 1, STREAM_MAX, file);
    (void)fclose(file);
    return size;
}

static bool is_of_guest(enum message_type type)
{
    return type >= MESSAGE_GUEST_HELLO;
}

/* The host's messages are what its own session did before it sent them, and the guest's likewise. */
static void replay(const uint8_t *data, size_t size)
{
    static struct plan plan;
    static const uint8_t nonce[SHA256_SIZE];
    struct session_host host;
    struct session_guest guest;
    struct message message = {0};
    struct frame_header header;

    session_host_start(&host, NULL, nonce);
    session_guest_start(&guest);
    for (; size >= FRAME_HEADER_SIZE; data += header.size, size -= header.size) {
        CU_ASSERT_EQUAL_FATAL(frame_decode_header(data, &header, NULL), 0);
        data += FRAME_HEADER_SIZE;
        size -= FRAME_HEADER_SIZE;
        CU_ASSERT_FATAL(header.size <= size);
        if (header.type == MESSAGE_PLAN) {
            CU_ASSERT_EQUAL_FATAL(plan_decode(&header, data, &plan, NULL), 0);
            session_host_start(&host, &plan, nonce);
            CU_ASSERT_EQUAL(session_guest_plan(&guest, &plan), 0);
            continue;
        }
        CU_ASSERT_EQUAL_FATAL(message_decode(&header, data, &message, NULL), 0);
        if (is_of_guest(message.type) || message.type == MESSAGE_CHECK || message.type == MESSAGE_IMPORT ||
            message.type == MESSAGE_BYE)
            CU_ASSERT_EQUAL(tell_host(&host, &message), 0);
        if (!is_of_guest(message.type) || message.type == MESSAGE_READY || message.type == MESSAGE_CHECK_DONE)
            CU_ASSERT_EQUAL(tell_guest(&guest, &message), 0);
    }
    CU_ASSERT_EQUAL(size, 0);
    CU_ASSERT_EQUAL(message.type, MESSAGE_GOODBYE);
}

static void test_conversations(void)
{
    static uint8_t stream[STREAM_MAX];

    for (size_t i = 0; i < HARNESS_COUNT(checks); i++)
        replay(stream, load(checks[i], stream));
}

int main(void)
{
    const struct harness_test tests[] = {
        {"each check's conversation, as it was recorded", test_conversations},
    };

    return harness_run("wire-recorded", tests, HARNESS_COUNT(tests));
}
