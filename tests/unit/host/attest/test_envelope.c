/* SPDX-License-Identifier: Apache-2.0 */
/* The DSSE envelope's JSON: what is written reads back, and what is refused. */
#include "host/attest/envelope.h"

#include "host/attest/dsse.h"
#include "host/json/reader.h"
#include "unit/harness.h"
#include "unit/host/attest/tests.h"

#include <errno.h>
#include <string.h>

static const struct envelope_form three = {.payload_type = DSSE_PAYLOAD_TYPE, .payload_max = 64, .signatures_max = 3};
static const struct envelope_form foreign = {
    .payload_type = DSSE_PAYLOAD_TYPE, .payload_max = 64, .signatures_max = 1, .foreign = true};

static int read_text(const char *text, const struct envelope_form *form)
{
    CLEANUP_JSON json_t *json = json_loads(text, 0, NULL);
    CLEANUP_ENVELOPE struct envelope envelope = {0};
    struct error err = {0};

    CU_ASSERT_PTR_NOT_NULL(json);
    return envelope_read(json, "e", form, &envelope, &err);
}

#define WITH(payload, type, signatures)                                                                                \
    "{\"payload\":\"" payload "\",\"payloadType\":\"" type "\",\"signatures\":[" signatures "]}"
#define OWN     "{\"sig\":\"AAAA\",\"keyid\":\"\"}"
#define PAYLOAD "aGVsbG8="
#define PAST_64 "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="

void test_envelope(void)
{
    static const struct envelope_signature signatures[] = {{{1, 2, 3}, 3}, {{4}, 1}};
    static const char *const refused[] = {
        WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, ""),
        WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, OWN "," OWN "," OWN "," OWN),
        WITH(PAYLOAD, "text/plain", OWN),
        WITH("", DSSE_PAYLOAD_TYPE, OWN),
        WITH("aGVsbG8", DSSE_PAYLOAD_TYPE, OWN),
        WITH(PAST_64, DSSE_PAYLOAD_TYPE, OWN),
        WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "{\"sig\":\"AAAA\"}"),
        WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "{\"sig\":\"AAAA\",\"keyid\":\"k\"}"),
        WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "{\"sig\":\"\",\"keyid\":\"\"}"),
        WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "{\"sig\":\"AAAA\",\"keyid\":\"\",\"x\":\"\"}"),
        WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "3"),
        "{\"payload\":\"" PAYLOAD "\"}",
        "[]",
    };
    CLEANUP_ENVELOPE struct envelope envelope = {0};
    CLEANUP_JSON json_t *json = envelope_new("hello", 5, DSSE_PAYLOAD_TYPE, signatures, 2);

    CU_ASSERT_EQUAL_FATAL(envelope_read(json, "e", &three, &envelope, NULL), 0);
    CU_ASSERT_EQUAL(envelope.payload.size, 5);
    CU_ASSERT_EQUAL(memcmp(envelope.payload.data, "hello", 5), 0);
    CU_ASSERT_EQUAL(envelope.signature_count, 2);
    CU_ASSERT_EQUAL(envelope.signatures[0].size, 3);
    CU_ASSERT_EQUAL(envelope.signatures[1].bytes[0], 4);
    CU_ASSERT_EQUAL(read_text(WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, OWN), &three), 0);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        CU_ASSERT_EQUAL(read_text(refused[i], &three), -EBADMSG);

    CU_ASSERT_EQUAL(read_text(WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "{\"sig\":\"AAAA\"}"), &foreign), 0);
    CU_ASSERT_EQUAL(read_text(WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "{\"sig\":\"AAAA\",\"keyid\":\"k\"}"), &foreign), 0);
    CU_ASSERT_EQUAL(read_text(WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, "{\"sig\":\"AAAA\",\"keyid\":1}"), &foreign), -EBADMSG);
    CU_ASSERT_EQUAL(read_text(WITH(PAYLOAD, DSSE_PAYLOAD_TYPE, OWN "," OWN), &foreign), -EBADMSG);
}
