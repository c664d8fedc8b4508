/* SPDX-License-Identifier: Apache-2.0 */
/* The walker over protobuf's wire format: every type, the examples of its specification, and what is malformed. */
#include "unit/harness.h"

#include "guest/scan/graph/proto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct walk {
    struct source *source;
    struct proto proto;
};

static struct walk over(const void *bytes, size_t size)
{
    struct walk walk = {.source = source_of_memory(bytes, size)};

    CU_ASSERT_PTR_NOT_NULL_FATAL(walk.source);
    walk.proto = proto_over(walk.source, 0, size, NULL);
    return walk;
}

#define OVER(text) over((text), sizeof(text) - 1)

static void expect_error(const void *bytes, size_t size)
{
    struct walk walk = over(bytes, size);
    struct proto_field field = {.number = 77};

    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), -EBADMSG);
    CU_ASSERT_EQUAL(field.number, 77); /* untouched */
    CU_ASSERT_EQUAL(walk.proto.offset, 0);
    source_free(walk.source);
}

#define EXPECT_ERROR(text) expect_error((text), sizeof(text) - 1)

static void test_types(void)
{
    /* The specification's own: field 1 is 150; then the string "testing" in field 2; a fixed32 and a fixed64. */
    struct walk walk = OVER("\x08\x96\x01\x12\x07testing\x1d\x01\x02\x03\x04\x21\x01\x02\x03\x04\x05\x06\x07\x88");
    struct proto_field field;
    char text[16];
    size_t size;

    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == 1 && field.type == PROTO_VARINT && field.value == 150 && field.offset == 0);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == 2 && field.type == PROTO_BYTES && field.start == 5 && field.size == 7);
    CU_ASSERT(!proto_is_cut(&field));
    CU_ASSERT_EQUAL(proto_copy(&walk.proto, &field, text, sizeof text, &size), 0);
    CU_ASSERT(size == 7 && memcmp(text, "testing", 7) == 0);
    CU_ASSERT_EQUAL(proto_copy(&walk.proto, &field, text, 4, &size), 0);
    CU_ASSERT_EQUAL(size, 4);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == 3 && field.type == PROTO_FIXED32 && field.value == 0x04030201);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == 4 && field.type == PROTO_FIXED64 && field.value == UINT64_C(0x8807060504030201));
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 0);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 0);
    source_free(walk.source);
}

static void test_long_numbers(void)
{
    /* A tag in more bytes than it needs, the largest field number, and -1, which has ten bytes. */
    struct walk walk = OVER("\x88\x80\x00\x05"
                            "\xf8\xff\xff\xff\x0f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    struct proto_field field;

    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == 1 && field.value == 5);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == PROTO_NUMBER_MAX && field.value == UINT64_MAX);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 0);
    source_free(walk.source);
}

static void test_messages_within(void)
{
    struct walk walk = OVER("\x1a\x03\x08\x96\x01\x22\x04\x03\x8e\x02\x00");
    struct proto_field field, inner;
    struct proto within;
    uint64_t value;

    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    within = proto_within(&walk.proto, &field);
    CU_ASSERT_EQUAL(proto_next(&within, &inner), 1);
    CU_ASSERT(inner.number == 1 && inner.value == 150 && inner.offset == 2);
    CU_ASSERT_EQUAL(proto_next(&within, &inner), 0);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1); /* packed: 3, 270, 0 */
    within = proto_within(&walk.proto, &field);
    CU_ASSERT(proto_next_varint(&within, &value) == 1 && value == 3);
    CU_ASSERT(proto_next_varint(&within, &value) == 1 && value == 270);
    CU_ASSERT(proto_next_varint(&within, &value) == 1 && value == 0);
    CU_ASSERT_EQUAL(proto_next_varint(&within, &value), 0);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 0);
    source_free(walk.source);
}

static void test_groups(void)
{
    /* Field 1 is a group with 2: 5 and an empty group 3; then field 4. */
    struct walk walk = OVER("\x0b\x10\x05\x1b\x1c\x0c\x20\x07");
    uint8_t deep[2 * PROTO_GROUP_DEPTH_MAX + 2];
    struct proto_field field, inner;
    struct proto within;

    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == 1 && field.type == PROTO_GROUP && field.start == 1 && field.size == 4);
    within = proto_within(&walk.proto, &field);
    CU_ASSERT_EQUAL(proto_next(&within, &inner), 1);
    CU_ASSERT(inner.number == 2 && inner.value == 5);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.number == 4 && field.value == 7);
    source_free(walk.source);

    EXPECT_ERROR("\x0b\x10\x05");     /* no end */
    EXPECT_ERROR("\x0b\x10\x05\x14"); /* the end of another */
    EXPECT_ERROR("\x0c");             /* an end alone */
    memset(deep, 0x0b, sizeof deep / 2);
    memset(deep + sizeof deep / 2, 0x0c, sizeof deep / 2);
    expect_error(deep, sizeof deep);
    walk = over(deep + 1, sizeof deep - 2); /* as deep as may be */
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 0);
    source_free(walk.source);
}

static void test_malformed(void)
{
    EXPECT_ERROR("\x00\x01");                                             /* number 0 */
    EXPECT_ERROR("\x0e");                                                 /* type 6 */
    EXPECT_ERROR("\x0f");                                                 /* type 7 */
    EXPECT_ERROR("\x80");                                                 /* a tag that ends early */
    EXPECT_ERROR("\x08");                                                 /* a value that is not there */
    EXPECT_ERROR("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"); /* ... of more than ten bytes */
    EXPECT_ERROR("\x0d\x01\x02\x03");
    EXPECT_ERROR("\x09\x01\x02\x03\x04\x05\x06\x07");
    EXPECT_ERROR("\x80\x80\x80\x80\x10\x01"); /* a field number of 30 bits */
}

static void test_cut(void)
{
    struct walk walk = OVER("\x12\x0b\x08\x01");
    struct proto_field field, inner;
    struct proto within;

    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(proto_is_cut(&field) && field.size == 2 && field.claimed == 11);
    within = proto_within(&walk.proto, &field);
    CU_ASSERT_EQUAL(proto_next(&within, &inner), 1);
    CU_ASSERT_EQUAL(inner.value, 1);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), -EBADMSG);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), -EBADMSG); /* for good */
    source_free(walk.source);

    walk = OVER("\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01z"); /* a length that would overflow any sum */
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), 1);
    CU_ASSERT(field.size == 1 && field.claimed == UINT64_MAX);
    CU_ASSERT_EQUAL(proto_next(&walk.proto, &field), -EBADMSG);
    source_free(walk.source);
}

static void test_range(void)
{
    struct source *source = source_of_memory("\xff\x08\x01\x08\x02\xff", 6);
    struct proto proto;
    struct proto_field field;

    CU_ASSERT_PTR_NOT_NULL_FATAL(source);
    proto = proto_over(source, 1, 2, NULL);
    CU_ASSERT(proto_next(&proto, &field) == 1 && field.value == 1 && field.offset == 1);
    CU_ASSERT_EQUAL(proto_next(&proto, &field), 0); /* sees nothing of what follows */
    proto = proto_over(source, 3, UINT64_MAX, NULL);
    CU_ASSERT(proto_next(&proto, &field) == 1 && field.value == 2);
    CU_ASSERT_EQUAL(proto_next(&proto, &field), -EBADMSG);
    proto = proto_over(source, 9, 1, NULL);
    CU_ASSERT_EQUAL(proto_next(&proto, &field), 0); /* beyond the end there is nothing */
    source_free(source);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"every type, as the specification encodes them", test_types},
        {"numbers longer than they need be", test_long_numbers},
        {"messages and packed numbers within", test_messages_within},
        {"groups, to a depth", test_groups},
        {"malformed fields", test_malformed},
        {"a field that says to be longer than what is there", test_cut},
        {"a range of a source", test_range},
    };

    return harness_run("scan-proto", tests, HARNESS_COUNT(tests));
}
