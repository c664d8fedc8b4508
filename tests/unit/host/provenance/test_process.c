/* SPDX-License-Identifier: Apache-2.0 */
/* The confined process and the controller's side of it, and hashing by parts. */
#include "host/provenance/content.h"
#include "host/provenance/provenance.h"
#include "host/provenance/reader.h"
#include "unit/harness.h"
#include "unit/host/provenance/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void test_content_parts(void)
{
    CLEANUP_BUFFER struct buffer digests = buffer_with_limit(4096);
    CLEANUP_FD int fd = memfd_create("content", MFD_CLOEXEC);
    uint8_t sha256[SHA256_SIZE], expected[SHA256_SIZE];
    struct error err = {0};

    CU_ASSERT_FATAL(fd >= 0 && write(fd, "0123456789", 10) == 10);
    CU_ASSERT(content_hash(fd, "f", 10, CRYPTO_CONTENT_SHA256, 4, &digests, sha256, &err) == 0);
    CU_ASSERT_FATAL(digests.size == (size_t)3 * SHA256_SIZE);
    sha256_of("4567", 4, expected);
    CU_ASSERT(memcmp(digests.data + SHA256_SIZE, expected, SHA256_SIZE) == 0);
    sha256_of("89", 2, expected);
    CU_ASSERT(memcmp(digests.data + (size_t)2 * SHA256_SIZE, expected, SHA256_SIZE) == 0);
    sha256_of("0123456789", 10, expected);
    CU_ASSERT(memcmp(sha256, expected, SHA256_SIZE) == 0);
    buffer_free(&digests);
    CU_ASSERT(content_hash(fd, "f", 10, CRYPTO_CONTENT_SHA256, 5, &digests, sha256, &err) == 0);
    CU_ASSERT(digests.size == (size_t)2 * SHA256_SIZE);
    buffer_free(&digests);
    CU_ASSERT(content_hash(fd, "f", 10, CRYPTO_CONTENT_BLAKE2B, 0, &digests, sha256, &err) == 0 && digests.size == 64);
    /* A file that grew or shrank. */
    CU_ASSERT(content_hash(fd, "f", 9, CRYPTO_CONTENT_SHA256, 0, &digests, sha256, &err) < 0);
    CU_ASSERT(content_hash(fd, "f", 11, CRYPTO_CONTENT_SHA256, 0, &digests, sha256, &err) < 0 &&
              err.kind == ERROR_NO_INPUT);
    buffer_free(&digests);
    CU_ASSERT_FATAL(ftruncate(fd, 0) == 0);
    CU_ASSERT(content_hash(fd, "f", 0, CRYPTO_CONTENT_SHA256, 4, &digests, sha256, &err) == 0 &&
              digests.size == SHA256_SIZE);
}

void test_process_answers_and_dies(void)
{
    struct provenance_file list = {.bytes = buffer_with_limit(256)};
    CLEANUP_PROVENANCE_READER struct provenance_reader *reader = NULL;
    CLEANUP_BUFFER struct buffer request = buffer_with_limit(2 * PROTOCOL_REQUEST_MAX), answer = buffer_with_limit(64);
    uint8_t sha256[SHA256_SIZE], *room;
    char hex[SHA256_HEX_SIZE];
    struct error err = {0};

    sha256_of("x", 1, sha256);
    sha256_to_hex(sha256, hex);
    CU_ASSERT_FATAL(buffer_append_format(&list.bytes, "%s  m\n", hex) == 0);
    CU_ASSERT(provenance_check_sums(&list, "m", sha256, &err) == 0);
    CU_ASSERT(provenance_check_sums(&list, "n", sha256, &err) < 0 && err.kind == ERROR_MISMATCH);
    buffer_free(&list.bytes);
    /* A request beyond the limit ends the process, and a process that has ended refuses. */
    CU_ASSERT_FATAL(provenance_reader_start(&reader, &err) == 0);
    CU_ASSERT(provenance_reader_ask(reader, PROTOCOL_DIGESTS, &request, &answer, &err) < 0 &&
              err.kind == ERROR_INTERNAL);
    CU_ASSERT_FATAL(buffer_reserve(&request, PROTOCOL_REQUEST_MAX + 1, &room) == 0);
    memset(room, 0, PROTOCOL_REQUEST_MAX + 1);
    request.size = PROTOCOL_REQUEST_MAX + 1;
    CU_ASSERT(provenance_reader_ask(reader, PROTOCOL_DIGESTS, &request, &answer, &err) < 0 &&
              err.kind == ERROR_MISMATCH);
}

/* A line of the child's /proc status, which this process has only one of; "" where it is not there. */
static void read_status(const char *key, char ret_value[64])
{
    char path[64], line[256];
    unsigned child = 0;
    FILE *file;

    ret_value[0] = '\0';
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%u", &child) != 1)
        child = 0;
    if (file != NULL)
        (void)fclose(file);
    (void)snprintf(path, sizeof path, "/proc/%u/status", child);
    file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            (void)sscanf(line + strlen(key), ": %63s", ret_value);
    if (file != NULL)
        (void)fclose(file);
}

void test_process_is_confined(void)
{
    CLEANUP_PROVENANCE_READER struct provenance_reader *reader = NULL;
    struct error err = {0};
    char value[64];

    CU_ASSERT_FATAL(provenance_reader_start(&reader, &err) == 0);
    read_status("Name", value);
    CU_ASSERT_STRING_EQUAL(value, "lazaret-prov");
    read_status("Seccomp", value);
    CU_ASSERT_STRING_EQUAL(value, "2");
    read_status("NoNewPrivs", value);
    CU_ASSERT_STRING_EQUAL(value, "1");
    read_status("CapEff", value);
    CU_ASSERT_STRING_EQUAL(value, "0000000000000000");
    read_status("Uid", value);
    CU_ASSERT(geteuid() != 0 || strcmp(value, "64705") == 0);
}

static int answer(uint32_t operation, const void *request, size_t size, enum error_kind *ret_kind)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(PROTOCOL_REPLY_MAX);
    struct protocol_state *state = NULL;
    struct error err = {0};
    int r;

    CU_ASSERT_FATAL(protocol_state_new(&state) == 0);
    r = protocol_answer(state, operation, request, size, &bytes, &err);
    protocol_state_free(state);
    *ret_kind = err.kind;
    return r;
}

void test_process_requests_are_checked(void)
{
    static const uint8_t huge[64] = {[8] = 0xff, 0xff, 0xff, 0xff};
    enum error_kind kind;

    for (uint32_t operation = 0; operation < 6; operation++)
        for (size_t size = 0; size < 24; size++)
            CU_ASSERT(answer(operation, huge, size, &kind) < 0);
    CU_ASSERT(answer(PROTOCOL_OPEN, huge, sizeof huge, &kind) < 0 && kind == ERROR_INTERNAL);
    CU_ASSERT(answer(PROTOCOL_NAMES, huge, sizeof huge, &kind) < 0 && kind == ERROR_INTERNAL); /* nothing is open */
}
