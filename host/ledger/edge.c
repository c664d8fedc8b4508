/* SPDX-License-Identifier: Apache-2.0 */
/* The right edge of a tree. */
#include "host/ledger/edge.h"

#include <stdbool.h>
#include <string.h>

unsigned edge_width(const struct edge *edge, unsigned level)
{
    return (unsigned)(edge->size >> (TILE_BITS * level)) % TILE_WIDTH;
}

int edge_load(const struct store *store, uint64_t size, struct edge *ret_edge, struct error *err)
{
    ret_edge->size = size;
    for (unsigned level = 0; level < TILE_LEVELS_MAX; level++) {
        unsigned width = edge_width(ret_edge, level);
        int r = width == 0
                    ? 0
                    : tiles_read(store, level, size >> (TILE_BITS * (level + 1)), width, ret_edge->hashes[level], err);

        if (r < 0)
            return r;
    }
    return 0;
}

void edge_root(const struct edge *edge, uint8_t ret_root[SHA256_SIZE])
{
    uint8_t node[SHA256_SIZE], root[SHA256_SIZE];
    bool is_first = true;

    /* Each row is complete nodes, the largest first; what is below and to the right of it has been folded already. */
    for (unsigned level = 0; level < TILE_LEVELS_MAX; level++) {
        unsigned end = edge_width(edge, level);

        for (unsigned height = 0; end > 0; height++) {
            if ((end & (1U << height)) == 0)
                continue;
            end -= 1U << height;
            tile_subtree(edge->hashes[level] + (size_t)end * SHA256_SIZE, height, node);
            if (is_first)
                memcpy(root, node, sizeof root);
            else
                merkle_node(node, root, root);
            is_first = false;
        }
    }
    if (is_first)
        merkle_empty_root(root);
    memcpy(ret_root, root, sizeof root);
}

unsigned edge_add(struct edge *edge, const uint8_t leaf[SHA256_SIZE], struct edge_change ret_changes[TILE_LEVELS_MAX])
{
    uint8_t hash[SHA256_SIZE];
    unsigned level = 0;

    memcpy(hash, leaf, sizeof hash);
    for (;; level++) {
        unsigned width = edge_width(edge, level);

        memcpy(edge->hashes[level] + (size_t)width * SHA256_SIZE, hash, sizeof hash);
        ret_changes[level] =
            (struct edge_change){.level = level, .width = width + 1, .index = edge->size >> (TILE_BITS * (level + 1))};
        if (width + 1 < TILE_WIDTH || level + 1 == TILE_LEVELS_MAX)
            break;
        tile_subtree(edge->hashes[level], TILE_BITS, hash);
    }
    edge->size++;
    return level + 1;
}
