/* SPDX-License-Identifier: Apache-2.0 */
/* A file that the host serves, as the worker reads it: the same bytes, in whatever order, with few questions. */
#include "guest/agent/remote_source.h"
#include "guest/scan/limits.h"
#include "unit/harness.h"
#include "wire/session_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* Plays supervisor and host: appends the answer to each READ, at once, to a file that stands for the worker's pipe. */
struct host {
    uint64_t size;
    int to_worker, of_worker;
    uint64_t missing; /* block that can't be given; UINT64_MAX: none */
    bool nothing;     /* none can be given */
    unsigned reads;
    bool wrong_size;
};

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 7);
}

static int answer(void *argument, const struct message *message, struct error *err)
{
    CLEANUP_BUFFER struct buffer buffer = buffer_with_limit((size_t)2 * REMOTE_BLOCK);
    static uint8_t bytes[REMOTE_BLOCK];
    struct host *host = argument;
    const struct message_read *read = &message->read;
    struct message_blob blob = {.data = bytes, .size = read->size};

    (void)err;
    CU_ASSERT_EQUAL(message->type, MESSAGE_READ);
    CU_ASSERT(read->size > 0 && read->offset + read->size <= host->size);
    host->reads++;
    for (uint32_t i = 0; i < read->size && !host->nothing; i++)
        bytes[i] = byte_at(read->offset + i);
    blob.size -= host->wrong_size;
    CU_ASSERT_EQUAL(
        remote_put_answer(&buffer, host->nothing || read->offset / REMOTE_BLOCK == host->missing ? NULL : &blob), 0);
    CU_ASSERT_EQUAL(write(host->to_worker, buffer.data, buffer.size), (ssize_t)buffer.size);
    return 0;
}

static struct source *open_host(struct host *host, uint64_t size)
{
    struct remote_options options = {.size = size, .send = answer, .argument = host};
    char path[64];

    *host = (struct host){.size = size, .missing = UINT64_MAX};
    host->to_worker = memfd_create("answers", MFD_CLOEXEC);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", host->to_worker);
    host->of_worker = open(path, O_RDONLY | O_CLOEXEC); /* with an offset of its own */
    CU_ASSERT_FATAL(host->to_worker >= 0 && host->of_worker >= 0);
    options.input_fd = host->of_worker;
    return remote_source_open(&options);
}

static void close_host(struct host *host, struct source *source)
{
    source_free(source);
    (void)close(host->to_worker);
    (void)close(host->of_worker);
}

static bool is_right(const uint8_t *bytes, size_t size, uint64_t offset)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != byte_at(offset + i))
            return false;
    return true;
}

static void check_view(struct source *source, uint64_t file, uint64_t offset, size_t want)
{
    uint64_t left = offset < file ? file - offset : 0;
    const uint8_t *bytes;
    size_t size;

    CU_ASSERT_EQUAL_FATAL(source_view(source, offset, want, &bytes, &size, NULL), 0);
    CU_ASSERT(size >= (want < left ? want : left) && size <= left);
    CU_ASSERT(is_right(bytes, size, offset));
}

static void test_any_order(void)
{
    const uint64_t size = 100 * (uint64_t)REMOTE_BLOCK + 123;
    struct host host;
    struct source *source = open_host(&host, size);
    uint64_t random = 1;

    for (unsigned i = 0; i < 2000; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        check_view(source, size, (random >> 20) % (size + 10), (random >> 50) % (SCAN_VIEW_MAX + 1));
    }
    check_view(source, size, size - 1, 1);
    check_view(source, size, size, 10);
    check_view(source, size, UINT64_MAX, 10);
    for (uint64_t border = REMOTE_BLOCK; border < size; border += REMOTE_BLOCK)
        check_view(source, size, border - 5, 100); /* in two blocks */
    close_host(&host, source);
}

/* From beginning to end: each block once. */
static void test_sequential(void)
{
    const uint64_t size = 80 * (uint64_t)REMOTE_BLOCK + 1;
    struct host host;
    struct source *source = open_host(&host, size);

    for (uint64_t offset = 0; offset < size; offset += 40000)
        check_view(source, size, offset, SCAN_VIEW_MAX);
    CU_ASSERT_EQUAL(host.reads, 81);
    check_view(source, size, 79 * (uint64_t)REMOTE_BLOCK, 1); /* still here */
    CU_ASSERT_EQUAL(host.reads, 81);
    CU_ASSERT_EQUAL(remote_source_settle(source, NULL), 0);
    close_host(&host, source);
}

static void test_missing_blocks(void)
{
    const uint64_t size = 10 * (uint64_t)REMOTE_BLOCK;
    struct host host;
    struct source *source = open_host(&host, size);
    const uint8_t *bytes;
    size_t got;

    host.missing = 3;
    check_view(source, size, 0, 1);
    check_view(source, size, REMOTE_BLOCK, 1); /* asks ahead, for the missing block too */
    check_view(source, size, 2 * (uint64_t)REMOTE_BLOCK, 1);
    CU_ASSERT_EQUAL(source_view(source, 3 * (uint64_t)REMOTE_BLOCK, 1, &bytes, &got, NULL), -EIO);
    CU_ASSERT_EQUAL(source_view(source, 3 * (uint64_t)REMOTE_BLOCK - 1, 2, &bytes, &got, NULL), -EIO);
    check_view(source, size, 4 * (uint64_t)REMOTE_BLOCK, 1);
    host.missing = UINT64_MAX;
    check_view(source, size, 3 * (uint64_t)REMOTE_BLOCK, 1); /* the host can after all */
    host.wrong_size = true;
    CU_ASSERT_EQUAL(source_view(source, 9 * (uint64_t)REMOTE_BLOCK, 1, &bytes, &got, NULL), -EIO);
    close_host(&host, source);
}

/* A scanner that reads on for ever comes to an end. */
static void test_budget(void)
{
    const uint64_t size = 2 * (uint64_t)REMOTE_BLOCKS * REMOTE_BLOCK;
    struct host host;
    struct source *source = open_host(&host, size);
    const uint8_t *bytes;
    size_t got;
    int r = -EIO;

    host.nothing = true; /* so that it has to ask again */
    while (r == -EIO)
        r = source_view(source, 0, 1, &bytes, &got, NULL);
    CU_ASSERT_EQUAL(r, -EFBIG);
    CU_ASSERT_EQUAL(host.reads, session_scan_served_max(size) / REMOTE_BLOCK);
    close_host(&host, source);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"any order", test_any_order},
        {"from beginning to end", test_sequential},
        {"blocks that are missing", test_missing_blocks},
        {"a budget", test_budget},
    };

    return harness_run("guest: served files", tests, HARNESS_COUNT(tests));
}
