/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's argument that names the guest's read-only disk. */
#include "boot/disk_argument.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PREFIX          DISK_ARGUMENT "="
#define HASHES_IN_BLOCK (DISK_BLOCK_SIZE / SHA256_SIZE)

void disk_argument_format(const struct disk_argument *argument, char ret_text[DISK_ARGUMENT_SIZE])
{
    char root[SHA256_HEX_SIZE];

    sha256_to_hex(argument->root, root);
    (void)snprintf(ret_text, DISK_ARGUMENT_SIZE, PREFIX "%llu:%s", (unsigned long long)argument->data_blocks, root);
}

/* The value as disk_argument_format() writes it, and in no other spelling. */
static int parse_value(const char *value, size_t size, struct disk_argument *ret_argument)
{
    struct disk_argument argument = {.data_blocks = 0};
    char root[SHA256_HEX_SIZE];
    size_t digits = 0;

    while (digits < size && value[digits] >= '0' && value[digits] <= '9') {
        argument.data_blocks = argument.data_blocks * 10 + (uint64_t)(value[digits++] - '0');
        if (argument.data_blocks > DISK_BLOCKS_MAX)
            return -EBADMSG;
    }
    if (argument.data_blocks == 0 || value[0] == '0' || size != digits + 1 + SHA256_HEX_SIZE - 1 ||
        value[digits] != ':')
        return -EBADMSG;
    memcpy(root, value + digits + 1, SHA256_HEX_SIZE - 1);
    root[SHA256_HEX_SIZE - 1] = '\0';
    if (sha256_from_hex(root, argument.root) < 0)
        return -EBADMSG;
    *ret_argument = argument;
    return 0;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\n';
}

int disk_argument_find(const char *command_line, size_t size, struct disk_argument *ret_argument)
{
    struct disk_argument found;
    bool there = false;

    if (size > DISK_COMMAND_LINE_MAX)
        return -EFBIG;
    for (size_t start = 0, end; start < size; start = end + 1) {
        const char *word = command_line + start;

        for (end = start; end < size && !is_space(command_line[end]);)
            end++;
        /* "lazaret.disk" without a value is a mistake too, not another word. */
        if (end - start < strlen(DISK_ARGUMENT) || memcmp(word, DISK_ARGUMENT, strlen(DISK_ARGUMENT)) != 0)
            continue;
        if (there || end - start < strlen(PREFIX) || word[strlen(DISK_ARGUMENT)] != '=' ||
            parse_value(word + strlen(PREFIX), end - start - strlen(PREFIX), &found) < 0)
            return -EBADMSG;
        there = true;
    }
    if (!there)
        return -ENOENT;
    *ret_argument = found;
    return 0;
}

uint64_t disk_argument_hash_blocks(uint64_t data_blocks)
{
    uint64_t total = 0;

    while (data_blocks > 1) {
        data_blocks = (data_blocks + HASHES_IN_BLOCK - 1) / HASHES_IN_BLOCK;
        total += data_blocks;
    }
    return total;
}
