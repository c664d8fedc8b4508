/* SPDX-License-Identifier: Apache-2.0 */
/* Reading tiles. */
#include "host/ledger/tiles.h"

#include <errno.h>
#include <string.h>

void tiles_start(struct tiles *tiles, const struct store *store, uint64_t size)
{
    tiles->store = store;
    tiles->size = size;
    tiles->next = 0;
    for (size_t i = 0; i < TILES_KEPT; i++)
        tiles->kept[i].width = 0;
}

/* What the checkpoint promises must be there: a file that is missing or too large is a difference, not an accident. */
static int read_promised(const struct store *store, unsigned level, uint64_t index, unsigned width,
                         struct buffer *ret_bytes, unsigned *ret_width, struct error *err)
{
    char path[TILE_PATH_SIZE];
    struct error cause = {0};
    int r;

    tile_path(level, index, width, path);
    r = store_read(store, path, ret_bytes, &cause);
    if (r == -ENOENT && width < TILE_WIDTH) {
        struct error second = {0};

        width = TILE_WIDTH;
        tile_path(level, index, width, path);
        r = store_read(store, path, ret_bytes, &second);
        if (r < 0 && r != -ENOENT)
            cause = second;
    }
    if (r == -ENOENT || r == -EMSGSIZE || r == -EINVAL || r == -ENOTDIR || r == -ELOOP)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s", cause.text);
    if (r < 0)
        return error_set(err, cause.kind, r, "%s", cause.text);
    *ret_width = width;
    return 0;
}

int tiles_read(const struct store *store, unsigned level, uint64_t index, unsigned width, uint8_t ret_hashes[TILE_SIZE],
               struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(TILE_SIZE);
    char path[TILE_PATH_SIZE];
    unsigned found = width;
    int r = read_promised(store, level, index, width, &bytes, &found, err);

    if (r < 0)
        return r;
    tile_path(level, index, found, path);
    if (bytes.size != (size_t)found * SHA256_SIZE)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s/%s: %zu bytes, not %zu", store->path, path, bytes.size,
                         (size_t)found * SHA256_SIZE);
    memcpy(ret_hashes, bytes.data, (size_t)width * SHA256_SIZE);
    return 0;
}

int tiles_read_bundle(const struct store *store, uint64_t index, unsigned width, struct buffer *ret_bundle,
                      unsigned *ret_width, struct error *err)
{
    return read_promised(store, TILE_ENTRIES, index, width, ret_bundle, ret_width, err);
}

static int find(struct tiles *tiles, unsigned level, uint64_t index, const uint8_t **ret_hashes, struct error *err)
{
    unsigned width = tile_width(level, index, tiles->size);
    size_t i;
    int r;

    for (i = 0; i < TILES_KEPT; i++)
        if (tiles->kept[i].width > 0 && tiles->kept[i].level == level && tiles->kept[i].index == index) {
            *ret_hashes = tiles->kept[i].hashes;
            return 0;
        }
    i = tiles->next;
    tiles->kept[i].width = 0;
    r = tiles_read(tiles->store, level, index, width, tiles->kept[i].hashes, err);
    if (r < 0)
        return r;
    tiles->next = (i + 1) % TILES_KEPT;
    tiles->kept[i].level = level;
    tiles->kept[i].index = index;
    tiles->kept[i].width = width;
    *ret_hashes = tiles->kept[i].hashes;
    return 0;
}

static int read_node(void *argument, unsigned level, uint64_t index, uint8_t ret_hash[SHA256_SIZE], struct error *err)
{
    struct tiles *tiles = argument;
    unsigned height = level % TILE_BITS;
    uint64_t first = index << height; /* of the hashes below, in the level of tiles */
    const uint8_t *hashes;
    int r = find(tiles, level / TILE_BITS, first / TILE_WIDTH, &hashes, err);

    if (r == 0)
        tile_subtree(hashes + (first % TILE_WIDTH) * SHA256_SIZE, height, ret_hash);
    return r;
}

struct merkle_source tiles_source(struct tiles *tiles)
{
    return (struct merkle_source){.node = read_node, .argument = tiles};
}
