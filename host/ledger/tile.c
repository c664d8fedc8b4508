/* SPDX-License-Identifier: Apache-2.0 */
/* Names and forms of tiles. */
#include "host/ledger/tile.h"

#include "base/cursor.h"
#include "host/ledger/merkle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define GROUPS_MAX 5u /* of three digits: 2^40 leaves are 5 billion tiles, four groups */

unsigned tile_width(unsigned level, uint64_t index, uint64_t size)
{
    unsigned tree_level = level == TILE_ENTRIES ? 0 : level;
    uint64_t nodes = size >> (TILE_BITS * tree_level), before = index * TILE_WIDTH;

    if (nodes <= before)
        return 0;
    return nodes - before < TILE_WIDTH ? (unsigned)(nodes - before) : TILE_WIDTH;
}

static size_t write_full_path(unsigned level, uint64_t index, char path[TILE_PATH_SIZE])
{
    unsigned groups[GROUPS_MAX], count = 0;
    size_t used;

    do {
        groups[count++] = (unsigned)(index % 1000);
        index /= 1000;
    } while (index > 0 && count < GROUPS_MAX);
    if (level == TILE_ENTRIES)
        used = (size_t)snprintf(path, TILE_PATH_SIZE, "tile/entries");
    else
        used = (size_t)snprintf(path, TILE_PATH_SIZE, "tile/%u", level);
    while (count-- > 0)
        used += (size_t)snprintf(path + used, TILE_PATH_SIZE - used, "/%s%03u", count > 0 ? "x" : "", groups[count]);
    return used;
}

void tile_path(unsigned level, uint64_t index, unsigned width, char ret_path[TILE_PATH_SIZE])
{
    size_t used = write_full_path(level, index, ret_path);

    if (width < TILE_WIDTH)
        (void)snprintf(ret_path + used, TILE_PATH_SIZE - used, ".p/%u", width);
}

void tile_partial_folder(unsigned level, uint64_t index, char ret_path[TILE_PATH_SIZE])
{
    size_t used = write_full_path(level, index, ret_path);

    (void)snprintf(ret_path + used, TILE_PATH_SIZE - used, ".p");
}

void tile_subtree(const uint8_t *hashes, unsigned height, uint8_t ret_hash[SHA256_SIZE])
{
    uint8_t row[TILE_WIDTH / 2][SHA256_SIZE];
    size_t count = (size_t)1 << height;

    if (height == 0) {
        memcpy(ret_hash, hashes, SHA256_SIZE);
        return;
    }
    for (size_t i = 0; i < count / 2; i++)
        merkle_node(hashes + 2 * i * SHA256_SIZE, hashes + (2 * i + 1) * SHA256_SIZE, row[i]);
    for (count /= 2; count > 1; count /= 2)
        for (size_t i = 0; i < count / 2; i++)
            merkle_node(row[2 * i], row[2 * i + 1], row[i]);
    memcpy(ret_hash, row[0], SHA256_SIZE);
}

int tile_bundle_append(struct buffer *bundle, const void *entry, size_t size)
{
    const uint8_t length[2] = {(uint8_t)(size >> 8), (uint8_t)(size & 0xff)};
    size_t before = bundle->size;
    int r = size > TILE_ENTRY_MAX ? -EMSGSIZE : buffer_append(bundle, length, sizeof length);

    if (r == 0)
        r = buffer_append(bundle, entry, size);
    if (r < 0)
        bundle->size = before;
    return r;
}

int tile_bundle_next(const void *bundle, size_t bundle_size, size_t *offset, const uint8_t **ret_entry,
                     size_t *ret_size)
{
    struct cursor cursor = cursor_over(bundle, bundle_size);
    uint8_t length[2];
    size_t size;
    int r = cursor_seek(&cursor, *offset);

    if (r == 0)
        r = cursor_copy(&cursor, length, sizeof length);
    if (r < 0)
        return r;
    size = (size_t)length[0] << 8 | length[1];
    r = cursor_read_bytes(&cursor, size, ret_entry);
    if (r < 0)
        return r;
    *ret_size = size;
    *offset = cursor.offset;
    return 0;
}
