/* SPDX-License-Identifier: Apache-2.0 */
/* Cursor, buffer, error, descriptors with deadlines, and SHA-256 against FIPS 180-4's examples. */
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/io.h"
#include "digest/sha256.h"
#include "unit/harness.h"
#include "unit/vsock-proto/base/tests.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static void test_cursor_reads_little_endian(void)
{
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct cursor cursor = cursor_over(bytes, sizeof bytes);
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;

    CU_ASSERT_EQUAL(cursor_read_u8(&cursor, &u8), 0);
    CU_ASSERT_EQUAL(cursor_read_u16le(&cursor, &u16), 0);
    CU_ASSERT_EQUAL(cursor_read_u32le(&cursor, &u32), 0);
    CU_ASSERT_EQUAL(cursor_read_u64le(&cursor, &u64), 0);
    CU_ASSERT_EQUAL(u8, 1);
    CU_ASSERT_EQUAL(u16, 0x0302);
    CU_ASSERT_EQUAL(u32, 0x07060504);
    CU_ASSERT_EQUAL(u64, UINT64_C(0x0f0e0d0c0b0a0908));
    CU_ASSERT_EQUAL(cursor_left(&cursor), 0);
}

static void test_cursor_stops_at_its_end(void)
{
    const uint8_t bytes[] = {1, 2, 3};
    struct cursor cursor = cursor_over(bytes, sizeof bytes), sub;
    const uint8_t *pointer = NULL;
    uint32_t u32 = 77;

    CU_ASSERT_EQUAL(cursor_read_u32le(&cursor, &u32), -EBADMSG);
    CU_ASSERT_EQUAL(u32, 77);
    CU_ASSERT_EQUAL(cursor.offset, 0);
    CU_ASSERT_EQUAL(cursor_read_bytes(&cursor, SIZE_MAX, &pointer), -EBADMSG);
    CU_ASSERT_EQUAL(cursor_skip(&cursor, 4), -EBADMSG);
    CU_ASSERT_EQUAL(cursor_seek(&cursor, 4), -EBADMSG);
    CU_ASSERT_EQUAL(cursor_seek(&cursor, 3), 0);
    CU_ASSERT_EQUAL(cursor_read_sub(&cursor, 1, &sub), -EBADMSG);
    CU_ASSERT_EQUAL(cursor_read_sub(&cursor, 0, &sub), 0);
}

static void test_buffer_keeps_its_cap(void)
{
    CLEANUP_BUFFER struct buffer buffer = buffer_with_limit(300);
    uint8_t block[200] = {0};

    CU_ASSERT_EQUAL(buffer_append(&buffer, block, sizeof block), 0);
    CU_ASSERT_EQUAL(buffer_append(&buffer, block, sizeof block), -EMSGSIZE);
    CU_ASSERT_EQUAL(buffer.size, 200);
    CU_ASSERT_EQUAL(buffer_append(&buffer, block, 100), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&buffer, 1), -EMSGSIZE);
    CU_ASSERT_EQUAL(buffer.size, 300);
}

static void test_buffer_formats(void)
{
    CLEANUP_BUFFER struct buffer buffer = buffer_with_limit(64);

    CU_ASSERT_EQUAL(buffer_append_format(&buffer, "%s-%d", "a", 7), 0);
    CU_ASSERT_EQUAL(buffer_append_u32le(&buffer, 0x64636261), 0);
    CU_ASSERT_EQUAL(buffer.size, 7);
    CU_ASSERT_EQUAL(memcmp(buffer.data, "a-7abcd", 7), 0);
}

static void test_error_prefix_and_status(void)
{
    struct error error = {0};

    CU_ASSERT_EQUAL(error_set(&error, ERROR_BAD_INPUT, -EINVAL, "array %s", "x"), -EINVAL);
    CU_ASSERT_EQUAL(error_prefix(&error, "file %d", 3), -EINVAL);
    CU_ASSERT_STRING_EQUAL(error.text, "file 3: array x");
    CU_ASSERT_EQUAL(error_exit_status(error.kind), 65);
    CU_ASSERT_EQUAL(error_exit_status(ERROR_GUEST), 3);
    CU_ASSERT_EQUAL(error_set(NULL, ERROR_INTERNAL, -EIO, "nobody listens"), -EIO);
}

static void test_io_deadlines(void)
{
    int pair[2];
    char byte = 0;

    CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    CU_ASSERT_EQUAL(io_read_full(pair[0], &byte, 1, io_deadline_ms(20)), -ETIMEDOUT);
    CU_ASSERT_EQUAL(io_write_full(pair[1], "z", 1, io_deadline_ms(1000)), 0);
    CU_ASSERT_EQUAL(io_read_full(pair[0], &byte, 1, io_deadline_ms(1000)), 0);
    CU_ASSERT_EQUAL(byte, 'z');
    (void)close(pair[1]);
    CU_ASSERT_EQUAL(io_read_full(pair[0], &byte, 1, io_deadline_ms(1000)), -ECONNRESET);
    CU_ASSERT_EQUAL(io_write_full(pair[0], "z", 1, io_deadline_ms(1000)), -EPIPE);
    (void)close(pair[0]);
}

/* The examples that NIST publishes with FIPS 180-4: "abc", the empty message, a million times "a". */
static void test_sha256_examples(void)
{
    uint8_t digest[SHA256_SIZE], again[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE], block[1000];
    struct sha256 hash;

    sha256_of("abc", 3, digest);
    sha256_to_hex(digest, hex);
    CU_ASSERT_STRING_EQUAL(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CU_ASSERT_EQUAL(sha256_from_hex(hex, again), 0);
    CU_ASSERT_EQUAL(memcmp(digest, again, sizeof digest), 0);
    sha256_of("", 0, digest);
    sha256_to_hex(digest, hex);
    CU_ASSERT_STRING_EQUAL(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    memset(block, 'a', sizeof block);
    sha256_start(&hash);
    for (int i = 0; i < 1000; i++)
        sha256_update(&hash, block, sizeof block);
    sha256_finish(&hash, digest);
    sha256_to_hex(digest, hex);
    CU_ASSERT_STRING_EQUAL(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_sha256_hex_is_strict(void)
{
    uint8_t digest[SHA256_SIZE];

    CU_ASSERT_EQUAL(sha256_from_hex("ba78", digest), -EINVAL);
    CU_ASSERT_EQUAL(sha256_from_hex("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", digest),
                    -EINVAL);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"cursor reads little-endian integers", test_cursor_reads_little_endian},
        {"cursor stops at its end", test_cursor_stops_at_its_end},
        {"buffer keeps its cap", test_buffer_keeps_its_cap},
        {"buffer formats", test_buffer_formats},
        {"error: prefix and exit status", test_error_prefix_and_status},
        {"io keeps deadlines", test_io_deadlines},
        {"sha256: FIPS 180-4 examples", test_sha256_examples},
        {"sha256: strict hexadecimal", test_sha256_hex_is_strict},
        {"a child's end in time, and one that is not", test_child_ends},
        {"a child's end without a deadline", test_child_without_deadline},
        {"a child that ended before it was looked for", test_child_ended_before},
        {"a child is killed, though it is stopped", test_child_killed},
        {"files that are what they seem", test_file_own},
        {"a digest of a bounded file", test_file_digest_is_bounded},
        {"a lock keeps others out, and is waited for", test_lock},
        {"programs end, and are told how", test_program_ends},
        {"programs get what they are given", test_program_gets},
        {"libraries loaded by name", test_library},
        {"times agree with the C library", test_time_text_agrees_with_libc},
        {"times: what is accepted", test_time_text_forms},
    };

    return harness_run("base", tests, HARNESS_COUNT(tests));
}
