/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel's command line tells the guest of its read-only disk: `lazaret.disk=BLOCKS:ROOT`.
 *
 * BLOCKS is the decimal number of data blocks, ROOT the root hash in 64 lowercase hexadecimal digits. All else of
 * dm-verity's format is fixed: version 1, blocks of 4096 bytes of data and of hashes, SHA-256, no salt, the hash tree
 * right behind the data on the same disk. Source: Linux, Documentation/admin-guide/device-mapper/verity.rst.
 *
 * The command line is the host's, is named by the image's digest, and stands in the domain's XML; so whoever knows that
 * digest knows what the disk holds.
 */
#ifndef LAZARET_BOOT_DISK_ARGUMENT_H
#define LAZARET_BOOT_DISK_ARGUMENT_H

#include "digest/sha256.h"

#include <stddef.h>
#include <stdint.h>

#define DISK_ARGUMENT         "lazaret.disk"
#define DISK_BLOCK_SIZE       4096u
#define DISK_BLOCKS_MAX       (UINT64_C(1) << 21) /* 8 GiB */
#define DISK_ARGUMENT_SIZE    128u                /* of the text, its NUL included */
#define DISK_COMMAND_LINE_MAX 2048u               /* what x86-64 hands over: COMMAND_LINE_SIZE */

struct disk_argument {
    uint64_t data_blocks; /* 1 to DISK_BLOCKS_MAX */
    uint8_t root[SHA256_SIZE];
};

/* "lazaret.disk=BLOCKS:ROOT" */
void disk_argument_format(const struct disk_argument *argument, char ret_text[DISK_ARGUMENT_SIZE]);

/*
 * Finds it in a command line of `size` bytes, whose words are parted by spaces, and which may end with a newline.
 * -ENOENT: it has none; -EBADMSG: it has one that is not as above, or two; -EFBIG: beyond DISK_COMMAND_LINE_MAX.
 */
MUST_USE int disk_argument_find(const char *command_line, size_t size, struct disk_argument *ret_argument);

/* The number of blocks of the hash tree over so many data blocks, all its levels together. */
uint64_t disk_argument_hash_blocks(uint64_t data_blocks);

#endif
