/* SPDX-License-Identifier: Apache-2.0 */
/* Appending: entries and tiles first, the checkpoint last. */
#include "host/ledger/internal.h"

#include "host/ledger/edge.h"
#include "host/ledger/tiles.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* --- the checkpoint -------------------------------------------------------------------------------------- */

int ledger_commit(const struct ledger *ledger, const struct checkpoint *checkpoint, struct buffer *ret_note,
                  struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(NOTE_SIZE_MAX);
    int r = checkpoint_encode(checkpoint, &text);

    if (r == 0)
        r = buffer_append(ret_note, text.data, text.size);
    if (r == 0)
        r = buffer_append_u8(ret_note, '\n');
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for a checkpoint");
    for (size_t i = 0; r == 0 && i < ledger->secret_count; i++)
        r = note_sign(text.data, text.size, &ledger->keys[i], ledger->secrets[i], 0, ret_note, err);
    return r < 0 ? r : store_write(&ledger->store, STORE_CHECKPOINT, ret_note->data, ret_note->size, err);
}

int ledger_add_signature(const struct store *store, const struct buffer *line, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(NOTE_SIZE_MAX), changed = buffer_with_limit(NOTE_SIZE_MAX);
    const uint8_t *name_end = memchr(line->data + 4, ' ', line->size - 4); /* after the dash and its space */
    size_t same = (size_t)(name_end - line->data) + 1 + 5;                 /* and five digits of the key's id */
    struct note note;
    int r = store_read(store, STORE_CHECKPOINT, &bytes, err);

    if (r == 0)
        r = note_parse(bytes.data, bytes.size, STORE_CHECKPOINT, &note, err);
    if (r < 0)
        return r;
    r = buffer_append(&changed, note.text, note.text_size + 1);
    for (size_t i = 0; r == 0 && i < note.count; i++) {
        const struct note_signature *signature = &note.signatures[i];

        if (signature->line_size < same || memcmp(signature->line, line->data, same) != 0)
            r = buffer_append(&changed, signature->line, signature->line_size);
    }
    if (r == 0)
        r = buffer_append(&changed, line->data, line->size);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s/" STORE_CHECKPOINT ": no room for a signature", store->path);
    return store_write(store, STORE_CHECKPOINT, changed.data, changed.size, err);
}

/* --- entries and tiles ------------------------------------------------------------------------------------- */

/* The last entry bundle with the leaf behind it. */
static int extend_bundle(const struct ledger *ledger, uint64_t size, const void *leaf, size_t leaf_size,
                         struct error *err)
{
    CLEANUP_BUFFER struct buffer bundle = buffer_with_limit(TILE_BUNDLE_MAX);
    uint64_t index = size / TILE_WIDTH;
    unsigned width = (unsigned)(size % TILE_WIDTH), found;
    char path[TILE_PATH_SIZE];
    size_t offset = 0, entry_size;
    const uint8_t *entry;
    int r = width == 0 ? 0 : tiles_read_bundle(&ledger->store, index, width, &bundle, &found, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < width; i++)
        if (tile_bundle_next(bundle.data, bundle.size, &offset, &entry, &entry_size) < 0)
            return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: the last entry bundle ends too early", ledger->path);
    bundle.size = offset; /* a full one may hold what an append left that did not end */
    r = tile_bundle_append(&bundle, leaf, leaf_size);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for an entry bundle");
    tile_path(TILE_ENTRIES, index, width + 1, path);
    return store_write(&ledger->store, path, bundle.data, bundle.size, err);
}

static int write_tiles(const struct ledger *ledger, const struct edge *edge, const struct edge_change *changes,
                       unsigned count, struct error *err)
{
    char path[TILE_PATH_SIZE];
    int r = 0;

    for (unsigned i = 0; r == 0 && i < count; i++) {
        tile_path(changes[i].level, changes[i].index, changes[i].width, path);
        r = store_write(&ledger->store, path, edge->hashes[changes[i].level], (size_t)changes[i].width * SHA256_SIZE,
                        err);
    }
    return r;
}

static void remove_partials(const struct ledger *ledger, unsigned level, uint64_t index)
{
    char path[TILE_PATH_SIZE];

    tile_partial_folder(level, index, path);
    store_remove_folder(&ledger->store, path);
    if (level > 0)
        return;
    tile_partial_folder(TILE_ENTRIES, index, path);
    store_remove_folder(&ledger->store, path);
}

/* Partial tiles go once the full one is committed; a new tile looks after what a killed writer left of the one before.
 */
static void tidy(const struct ledger *ledger, const struct edge_change *changes, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (changes[i].width == TILE_WIDTH)
            remove_partials(ledger, changes[i].level, changes[i].index);
        else if (changes[i].width == 1 && changes[i].index > 0)
            remove_partials(ledger, changes[i].level, changes[i].index - 1);
    }
}

static int load_edge(const struct ledger *ledger, const struct checkpoint *checkpoint, struct edge *ret_edge,
                     struct error *err)
{
    uint8_t root[SHA256_SIZE];
    int r = edge_load(&ledger->store, checkpoint->size, ret_edge, err);

    if (r < 0)
        return r;
    edge_root(ret_edge, root);
    if (memcmp(root, checkpoint->root, sizeof root) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "%s: the last tiles do not hash to the checkpoint's root; nothing was appended; 'lazaret "
                         "ledger verify' says which tile differs",
                         ledger->path);
    return 0;
}

static int append_locked(const struct ledger *ledger, const void *leaf, size_t size, struct edge *edge,
                         uint64_t *ret_index, struct error *err)
{
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX);
    struct edge_change changes[TILE_LEVELS_MAX];
    struct checkpoint checkpoint;
    uint8_t hash[SHA256_SIZE];
    unsigned count;
    int r = ledger_read_checkpoint(ledger, &checkpoint, NULL, err);

    if (r == 0 && checkpoint.size >= MERKLE_SIZE_MAX)
        r = error_set(err, ERROR_UNAVAILABLE, -EFBIG, "%s: the ledger is full", ledger->path);
    if (r == 0)
        r = load_edge(ledger, &checkpoint, edge, err);
    if (r == 0)
        r = extend_bundle(ledger, checkpoint.size, leaf, size, err);
    if (r < 0)
        return r;
    merkle_leaf(leaf, size, hash);
    count = edge_add(edge, hash, changes);
    r = write_tiles(ledger, edge, changes, count, err);
    if (r < 0)
        return r;
    checkpoint.size = edge->size;
    edge_root(edge, checkpoint.root);
    r = ledger_commit(ledger, &checkpoint, &note, err);
    if (r < 0)
        return r;
    tidy(ledger, changes, count);
    *ret_index = checkpoint.size - 1;
    return 0;
}

/* A leaf that is among those from `since` on already: 1 with its index, or 0. */
static int find_locked(const struct ledger *ledger, const void *leaf, size_t size, uint64_t since, uint64_t *ret_index,
                       struct error *err)
{
    uint8_t hash[SHA256_SIZE], hashes[TILE_SIZE];
    struct checkpoint checkpoint;
    int r = ledger_read_checkpoint(ledger, &checkpoint, NULL, err);

    if (r == 0 && since > checkpoint.size)
        return error_set(err, ERROR_UNAVAILABLE, -ESTALE,
                         "%s: has %" PRIu64 " leaves and had %" PRIu64 ": it is another ledger, or an old copy",
                         ledger->path, checkpoint.size, since);
    merkle_leaf(leaf, size, hash);
    for (uint64_t tile = since / TILE_WIDTH; r == 0 && tile * TILE_WIDTH < checkpoint.size; tile++) {
        unsigned width = tile_width(0, tile, checkpoint.size);

        r = tiles_read(&ledger->store, 0, tile, width, hashes, err);
        for (unsigned i = 0; r == 0 && i < width; i++)
            if (tile * TILE_WIDTH + i >= since && memcmp(hashes + (size_t)i * SHA256_SIZE, hash, SHA256_SIZE) == 0) {
                *ret_index = tile * TILE_WIDTH + i;
                return 1;
            }
    }
    return r;
}

static int append_with(struct ledger *ledger, const void *leaf, size_t size, const uint64_t *since,
                       struct ledger_receipt *ret_receipt, struct error *err)
{
    CLEANUP_FREE struct edge *edge = malloc(sizeof *edge);
    CLEANUP_FD int lock = -1;
    uint64_t index = 0;
    int r;

    if (edge == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for an append");
    if (ledger->secret_count == 0)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: opened to read; an append needs the private key",
                         ledger->path);
    if (size > LEDGER_LEAF_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "a leaf of %zu bytes; at most %u fit", size, LEDGER_LEAF_MAX);
    r = store_lock(&ledger->store, &lock, err);
    if (r == 0 && since != NULL)
        r = find_locked(ledger, leaf, size, *since, &index, err);
    if (r == 0)
        r = append_locked(ledger, leaf, size, edge, &index, err);
    /* Still under the lock, so that the proof is of the checkpoint that this append made. */
    return r < 0 || ret_receipt == NULL ? r : ledger_prove(ledger, index, ret_receipt, err);
}

int ledger_append(struct ledger *ledger, const void *leaf, size_t size, struct ledger_receipt *ret_receipt,
                  struct error *err)
{
    return append_with(ledger, leaf, size, NULL, ret_receipt, err);
}

int ledger_append_once(struct ledger *ledger, const void *leaf, size_t size, uint64_t since,
                       struct ledger_receipt *ret_receipt, struct error *err)
{
    int r = append_with(ledger, leaf, size, &since, ret_receipt, err);

    return r < 0 ? r : 0;
}
