/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose ranges are handed out: the right bytes, and no digest for bytes that were others when they were read. */
#include "host/scan/served.h"
#include "unit/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define SIZE (3u * SERVED_BLOCK + 77u)

static uint8_t content[SIZE], room[FRAME_CHUNK_MAX];
static char path[] = "/tmp/lazaret-served-XXXXXX";

static int new_file(void)
{
    int fd;

    (void)strcpy(path + sizeof path - 7, "XXXXXX");
    fd = mkstemp(path);
    for (size_t i = 0; i < SIZE; i++)
        content[i] = (uint8_t)(i * 2654435761u >> 9);
    CU_ASSERT_EQUAL_FATAL(write(fd, content, SIZE), (ssize_t)SIZE);
    return fd;
}

/* Served, and a descriptor to change it by. */
static struct served *serve(int *ret_writer)
{
    struct served *served = NULL;
    int fd;

    *ret_writer = new_file();
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL_FATAL(served_open(&fd, &served, NULL), 0);
    CU_ASSERT_EQUAL(fd, -1);
    CU_ASSERT_EQUAL(served_size(served), SIZE);
    return served;
}

static void end(struct served *served, int writer)
{
    served_free(served);
    (void)close(writer);
    (void)unlink(path);
}

static void test_ranges(void)
{
    static const struct {
        uint64_t offset;
        uint32_t size;
    } ranges[] = {{0, 1},
                  {0, SERVED_BLOCK},
                  {SERVED_BLOCK - 1, 2},
                  {SERVED_BLOCK / 2, SERVED_BLOCK},
                  {SIZE - 1, 1},
                  {SIZE - 77, 77},
                  {SIZE, 0},
                  {2 * SERVED_BLOCK + 5, SERVED_BLOCK}};
    uint8_t digest[SHA256_SIZE], expected[SHA256_SIZE];
    struct error error = {0};
    int writer;
    struct served *served = serve(&writer);

    for (size_t i = 0; i < HARNESS_COUNT(ranges); i++) {
        CU_ASSERT_EQUAL(served_read(served, ranges[i].offset, ranges[i].size, room, &error), 0);
        CU_ASSERT_EQUAL(memcmp(room, content + ranges[i].offset, ranges[i].size), 0);
    }
    CU_ASSERT_EQUAL(served_read(served, SIZE, 1, room, &error), -EINVAL);
    CU_ASSERT_EQUAL(served_read(served, SIZE - 1, 2, room, &error), -EINVAL);
    CU_ASSERT_EQUAL(served_read(served, UINT64_MAX, 2, room, &error), -EINVAL);
    CU_ASSERT_EQUAL(served_read(served, 0, SERVED_BLOCK + 1, room, &error), -EINVAL);
    CU_ASSERT_EQUAL(served_finish(served, digest, &error), 0);
    sha256_of(content, SIZE, expected);
    CU_ASSERT_EQUAL(memcmp(digest, expected, SHA256_SIZE), 0);
    end(served, writer);
}

/* Other bytes, with the old times put back: only the digests can tell. */
static void change(int writer, uint64_t offset)
{
    const uint8_t other = (uint8_t)(content[offset] ^ 1);
    struct stat status;

    CU_ASSERT_EQUAL(fstat(writer, &status), 0);
    CU_ASSERT_EQUAL(pwrite(writer, &other, 1, (off_t)offset), 1);
    CU_ASSERT_EQUAL(futimens(writer, (const struct timespec[2]){status.st_atim, status.st_mtim}), 0);
}

static void test_changes_between_readings(void)
{
    struct error error = {0};
    int writer;
    struct served *served = serve(&writer);

    CU_ASSERT_EQUAL(served_read(served, 0, 10, room, &error), 0);
    change(writer, 100); /* another byte of the block that was handed out */
    CU_ASSERT_EQUAL(served_read(served, 0, 10, room, &error), -ESTALE);
    CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
    end(served, writer);
}

static void test_changes_after_the_readings(void)
{
    uint8_t digest[SHA256_SIZE];
    struct error error = {0};
    int writer;
    struct served *served = serve(&writer);

    CU_ASSERT_EQUAL(served_read(served, SERVED_BLOCK, 10, room, &error), 0);
    change(writer, SERVED_BLOCK + 9);
    CU_ASSERT_EQUAL(served_finish(served, digest, &error), -ESTALE);
    end(served, writer);
    served = serve(&writer); /* what was never handed out was never scanned; its change shows by the times alone */
    CU_ASSERT_EQUAL(served_read(served, 0, 10, room, &error), 0);
    change(writer, 2 * (uint64_t)SERVED_BLOCK);
    CU_ASSERT_EQUAL(served_finish(served, digest, &error), -ESTALE); /* ctime */
    end(served, writer);
}

static void test_shrinks(void)
{
    struct error error = {0};
    int writer;
    struct served *served = serve(&writer);

    CU_ASSERT_EQUAL(ftruncate(writer, SERVED_BLOCK + 5), 0);
    CU_ASSERT_EQUAL(served_read(served, 0, 10, room, &error), 0);
    CU_ASSERT_EQUAL(served_read(served, SERVED_BLOCK, 10, room, &error), -ESTALE);
    end(served, writer);
}

static void test_too_large(void)
{
    struct served *served = NULL;
    struct error error = {0};
    int writer = new_file(), fd = open(path, O_RDONLY | O_CLOEXEC);

    if (ftruncate(writer, (off_t)(SERVED_SIZE_MAX + 1)) == 0) {
        CU_ASSERT_EQUAL(served_open(&fd, &served, &error), -EFBIG);
        CU_ASSERT_EQUAL(ftruncate(writer, (off_t)SERVED_SIZE_MAX), 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        CU_ASSERT_EQUAL(served_open(&fd, &served, &error), 0); /* and takes next to no memory */
        CU_ASSERT_EQUAL(served_read(served, SERVED_SIZE_MAX - 1, 1, room, &error), 0);
        CU_ASSERT_EQUAL(room[0], 0);
    } else
        CU_ASSERT_EQUAL(errno, EFBIG); /* the file system ends before */
    end(served, writer);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"ranges", test_ranges},
        {"changes between readings", test_changes_between_readings},
        {"changes after the readings", test_changes_after_the_readings},
        {"a file that shrinks", test_shrinks},
        {"a file that is too large", test_too_large},
    };

    return harness_run("host: served files", tests, HARNESS_COUNT(tests));
}
