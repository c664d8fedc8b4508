/* SPDX-License-Identifier: Apache-2.0 */
/* The device mapper's line, as the kernel's documentation has it and `veritysetup` sends it. */
#include "guest/init/verity_table.h"

#include "unit/harness.h"

#include <errno.h>
#include <string.h>

#define ROOT "92a14c120b089994827993dff32b8fea59675c3be763aa9b032fabcb4b835504"

static void test_table(void)
{
    struct disk_argument argument = {.data_blocks = 38770};
    char table[VERITY_TABLE_SIZE];

    CU_ASSERT_EQUAL(sha256_from_hex(ROOT, argument.root), 0);
    CU_ASSERT_EQUAL(verity_table_format(&argument, "/dev/vda", table), 0);
    CU_ASSERT_STRING_EQUAL(table, "1 /dev/vda /dev/vda 4096 4096 38770 38770 sha256 " ROOT " - 1 panic_on_corruption");
}

static void test_long(void)
{
    struct disk_argument argument = {.data_blocks = DISK_BLOCKS_MAX};
    char table[VERITY_TABLE_SIZE], device[VERITY_TABLE_SIZE];

    memset(device, 'd', sizeof device - 1);
    device[sizeof device - 1] = '\0';
    CU_ASSERT_EQUAL(verity_table_format(&argument, device, table), -EFBIG);
}

int main(void)
{
    static const struct harness_test tests[] = {{"the line", test_table}, {"a name too long", test_long}};

    return harness_run("guest init verity table", tests, HARNESS_COUNT(tests));
}
