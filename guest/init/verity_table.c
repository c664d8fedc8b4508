/* SPDX-License-Identifier: Apache-2.0 */
/* The device mapper's line for a verified disk. */
#include "guest/init/verity_table.h"

#include <errno.h>
#include <stdio.h>

int verity_table_format(const struct disk_argument *argument, const char *device, char ret_table[VERITY_TABLE_SIZE])
{
    unsigned long long blocks = argument->data_blocks;
    char root[SHA256_HEX_SIZE];
    int size;

    sha256_to_hex(argument->root, root);
    /* version, data device, hash device, their block sizes, data blocks, first hash block, hash, root, salt, options */
    size = snprintf(ret_table, VERITY_TABLE_SIZE, "1 %s %s %u %u %llu %llu sha256 %s - 1 panic_on_corruption", device,
                    device, DISK_BLOCK_SIZE, DISK_BLOCK_SIZE, blocks, blocks, root);
    return size < 0 || size >= (int)VERITY_TABLE_SIZE ? -EFBIG : 0;
}
