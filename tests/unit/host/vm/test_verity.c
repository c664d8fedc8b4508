/* SPDX-License-Identifier: Apache-2.0 */
/* The hash tree of a disk: the same as veritysetup's, and no byte of it or of the data may change unseen. */
#include "host/vm/verity.h"

#include "unit/harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/lazaret-verity-XXXXXX";

/* Content that is nowhere the same. */
static int make_disk(uint64_t size)
{
    uint32_t words[DISK_BLOCK_SIZE / 4], state = (uint32_t)size;
    int fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);

    for (uint64_t done = 0; fd >= 0 && done < size;) {
        size_t piece = size - done < sizeof words ? (size_t)(size - done) : sizeof words;

        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            words[i] = state = state * 1664525u + 1013904223u;
        if (write(fd, words, piece) != (ssize_t)piece)
            break;
        done += piece;
    }
    return fd;
}

/* The kernel's own tool on what we made: its exit status; 127 where it is not installed. */
static int ask_veritysetup(const struct disk_argument *argument)
{
    char command[512], root[SHA256_HEX_SIZE];
    int status;

    sha256_to_hex(argument->root, root);
    (void)snprintf(command, sizeof command,
                   "PATH=$PATH:/usr/sbin:/sbin veritysetup verify --no-superblock --salt=- --data-blocks=%llu "
                   "--hash-offset=%llu %s %s %s >/dev/null 2>&1",
                   (unsigned long long)argument->data_blocks,
                   (unsigned long long)(argument->data_blocks * DISK_BLOCK_SIZE), path, path, root);
    status = system(command);
    return status < 0 ? 127 : status >> 8;
}

static void flip(int fd, uint64_t offset)
{
    uint8_t byte = 0;

    CU_ASSERT_EQUAL(pread(fd, &byte, 1, (off_t)offset), 1);
    byte ^= 0x40;
    CU_ASSERT_EQUAL(pwrite(fd, &byte, 1, (off_t)offset), 1);
}

static const uint64_t sizes[] = {2, 3, 127, 128, 129, 1000, 128 * 128 + 1};

static void test_as_veritysetup(void)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct disk_argument argument;
        struct stat status = {0};
        int fd = make_disk(sizes[i] * DISK_BLOCK_SIZE - 5), told;

        CU_ASSERT_EQUAL_FATAL(verity_append(fd, "disk", &argument, NULL), 0);
        CU_ASSERT_EQUAL(argument.data_blocks, sizes[i]);
        CU_ASSERT_EQUAL(fstat(fd, &status), 0);
        CU_ASSERT_EQUAL((uint64_t)status.st_size, (sizes[i] + disk_argument_hash_blocks(sizes[i])) * DISK_BLOCK_SIZE);
        told = ask_veritysetup(&argument);
        CU_ASSERT_TRUE(told == 0 || told == 127);
        if (told == 127)
            (void)printf("veritysetup is not installed: its word is missing\n");
        (void)close(fd);
    }
}

/* A wrong byte anywhere is found out by veritysetup, or by the root that a second tree has. */
static void test_tampered(void)
{
    static const uint64_t places[] = {0, 1, 4095, 4096, 200 * 4096 + 17, 300 * 4096 - 6};
    struct disk_argument argument, again;
    int fd = make_disk(300 * DISK_BLOCK_SIZE - 5), told;

    CU_ASSERT_EQUAL_FATAL(verity_append(fd, "disk", &argument, NULL), 0);
    told = ask_veritysetup(&argument);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        flip(fd, places[i]);
        if (told == 0)
            CU_ASSERT_NOT_EQUAL(ask_veritysetup(&argument), 0);
        CU_ASSERT_EQUAL(ftruncate(fd, 300 * DISK_BLOCK_SIZE), 0);
        CU_ASSERT_EQUAL(verity_append(fd, "disk", &again, NULL), 0);
        CU_ASSERT_NOT_EQUAL(memcmp(again.root, argument.root, SHA256_SIZE), 0);
        flip(fd, places[i]);
        CU_ASSERT_EQUAL(ftruncate(fd, 300 * DISK_BLOCK_SIZE), 0);
        CU_ASSERT_EQUAL(verity_append(fd, "disk", &again, NULL), 0);
        CU_ASSERT_EQUAL(memcmp(again.root, argument.root, SHA256_SIZE), 0);
    }
    /* The tree itself: its top block, and the last of its leaves. */
    for (uint64_t block = 300; block < 304; block++) {
        flip(fd, block * DISK_BLOCK_SIZE + 3);
        if (told == 0)
            CU_ASSERT_NOT_EQUAL(ask_veritysetup(&argument), 0);
        flip(fd, block * DISK_BLOCK_SIZE + 3);
    }
    (void)close(fd);
}

static void test_sizes_refused(void)
{
    struct error error = {.kind = ERROR_NONE};
    struct disk_argument argument;
    int fd = make_disk(0);

    CU_ASSERT_TRUE(verity_append(fd, "disk", &argument, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(ftruncate(fd, (off_t)(DISK_BLOCKS_MAX * DISK_BLOCK_SIZE + 1)), 0);
    CU_ASSERT_TRUE(verity_append(fd, "disk", &argument, &error) < 0);
    CU_ASSERT_EQUAL(error.kind, ERROR_BAD_INPUT);
    (void)close(fd);
}

int main(void)
{
    static const struct harness_test tests[] = {{"the tree is veritysetup's", test_as_veritysetup},
                                                {"a wrong byte", test_tampered},
                                                {"sizes that are refused", test_sizes_refused}};
    int fd = mkstemp(path), status;

    if (fd < 0)
        return 1;
    (void)close(fd);
    status = harness_run("host vm verity", tests, HARNESS_COUNT(tests));
    (void)unlink(path);
    return status;
}
