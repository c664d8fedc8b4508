/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's argument that names a disk: found in its one spelling, refused in every other. */
#include "boot/disk_argument.h"

#include "unit/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ROOT "92a14c120b089994827993dff32b8fea59675c3be763aa9b032fabcb4b835504"

static int find(const char *line, struct disk_argument *ret_argument)
{
    return disk_argument_find(line, strlen(line), ret_argument);
}

static void test_round_trip(void)
{
    static const uint64_t blocks[] = {1, 2, 127, 128, 38770, DISK_BLOCKS_MAX};
    char text[DISK_ARGUMENT_SIZE], line[2 * DISK_ARGUMENT_SIZE];
    struct disk_argument argument = {.data_blocks = 0}, again;

    CU_ASSERT_EQUAL(sha256_from_hex(ROOT, argument.root), 0);
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        argument.data_blocks = blocks[i];
        disk_argument_format(&argument, text);
        for (int place = 0; place < 4; place++) {
            (void)snprintf(line, sizeof line, "%s%s%s", place & 1 ? "quiet panic=-1 " : "", text,
                           place & 2 ? " reboot=t\n" : "");
            CU_ASSERT_EQUAL(find(line, &again), 0);
            CU_ASSERT_EQUAL(again.data_blocks, blocks[i]);
            CU_ASSERT_EQUAL(memcmp(again.root, argument.root, SHA256_SIZE), 0);
        }
    }
}

static void test_none(void)
{
    static const char *const lines[] = {"", "quiet", "quiet lazaret=1", "xlazaret.disk=1:" ROOT, "lazaret.dis=1:" ROOT};
    struct disk_argument argument;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CU_ASSERT_EQUAL(find(lines[i], &argument), -ENOENT);
}

/* A guest that starts without its disk because of a typing error would run the wrong agent. */
static void test_refused(void)
{
    static const char *const lines[] = {
        "lazaret.disk",
        "lazaret.disk=",
        "lazaret.disk=:" ROOT,
        "lazaret.disk=0:" ROOT,
        "lazaret.disk=01:" ROOT,
        "lazaret.disk=-1:" ROOT,
        "lazaret.disk=1",
        "lazaret.disk=1:",
        "lazaret.disk=1:" ROOT "0",
        "lazaret.disk=1:92a14c120b089994827993dff32b8fea59675c3be763aa9b032fabcb4b83550",
        "lazaret.disk=1:92A14c120b089994827993dff32b8fea59675c3be763aa9b032fabcb4b835504",
        "lazaret.disk=1 :" ROOT,
        "lazaret.disk=2097153:" ROOT,
        "lazaret.disk=18446744073709551617:" ROOT,
        "lazaret.disks=1:" ROOT,
        "lazaret.disk=1:" ROOT " lazaret.disk=1:" ROOT,
        "lazaret.disk=1:" ROOT " lazaret.disk",
    };
    struct disk_argument argument = {.data_blocks = 7};
    char line[DISK_COMMAND_LINE_MAX + 2];

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CU_ASSERT_EQUAL(find(lines[i], &argument), -EBADMSG);
    memset(line, ' ', sizeof line);
    CU_ASSERT_EQUAL(disk_argument_find(line, sizeof line, &argument), -EFBIG);
    CU_ASSERT_EQUAL(argument.data_blocks, 7); /* untouched */
}

/* One byte changed: another root, another number, or nothing that is taken. */
static void test_tampered(void)
{
    static const char good[] = "lazaret.disk=38770:" ROOT;
    struct disk_argument wanted, argument;
    char line[sizeof good];

    CU_ASSERT_EQUAL_FATAL(find(good, &wanted), 0);
    for (size_t place = 0; place + 1 < sizeof good; place++)
        for (int bit = 0; bit < 8; bit++) {
            memcpy(line, good, sizeof good);
            line[place] = (char)(line[place] ^ (1 << bit));
            if (disk_argument_find(line, sizeof good - 1, &argument) == 0)
                CU_ASSERT_TRUE(argument.data_blocks != wanted.data_blocks ||
                               memcmp(argument.root, wanted.root, SHA256_SIZE) != 0);
        }
    for (size_t size = 1; size + 1 < sizeof good; size++)
        CU_ASSERT_NOT_EQUAL(disk_argument_find(good, size, &argument), 0);
}

static void test_hash_blocks(void)
{
    CU_ASSERT_EQUAL(disk_argument_hash_blocks(1), 0);
    CU_ASSERT_EQUAL(disk_argument_hash_blocks(2), 1);
    CU_ASSERT_EQUAL(disk_argument_hash_blocks(128), 1);
    CU_ASSERT_EQUAL(disk_argument_hash_blocks(129), 3);
    CU_ASSERT_EQUAL(disk_argument_hash_blocks(128 * 128), 129);
    CU_ASSERT_EQUAL(disk_argument_hash_blocks(128 * 128 + 1), 129 + 2 + 1);
}

int main(void)
{
    static const struct harness_test tests[] = {{"written and found", test_round_trip},
                                                {"none", test_none},
                                                {"refused", test_refused},
                                                {"tampered", test_tampered},
                                                {"blocks of the tree", test_hash_blocks}};

    return harness_run("boot disk argument", tests, HARNESS_COUNT(tests));
}
