/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking a whole ledger.
 *
 * One pass over the entry bundles. Row L collects the hashes of level L's tile under way; where it is full, or the tree
 * ends, it is compared with every stored form of that tile, and the hash of a full one joins row L + 1.
 */
#include "host/ledger/verify.h"

#include "host/ledger/edge.h"
#include "host/ledger/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct check {
    struct store store;
    struct checkpoint checkpoint;
    const struct checkpoint *since;
    struct edge edge; /* of the leaves read so far */
    struct ledger_verified *verified;
    const struct ledger_visitor *visitor; /* or NULL */
};

static int mismatch(const struct check *check, const char *path, const char *what, struct error *err)
{
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s/%s: %s", check->store.path, path, what);
}

/* --- stored forms ---------------------------------------------------------------------------------------- */

/* One earlier partial form: `expected` are its bytes. A writer may remove it while we look. */
static int compare_file(const struct check *check, const char *path, const uint8_t *expected, size_t size,
                        struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(TILE_BUNDLE_MAX);
    struct error cause = {0};
    int r = store_read(&check->store, path, &bytes, &cause);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_set(err, cause.kind == ERROR_UNAVAILABLE ? cause.kind : ERROR_MISMATCH, r, "%s", cause.text);
    if (bytes.size != size || (size > 0 && memcmp(bytes.data, expected, size) != 0))
        return mismatch(check, path, "is not what the entries make it", err);
    return 0;
}

/* Where the first `width` items of a tile or bundle end. */
typedef size_t item_end(const void *argument, unsigned width);

static size_t hash_end(const void *argument, unsigned width)
{
    (void)argument;
    return (size_t)width * SHA256_SIZE;
}

static size_t entry_end(const void *argument, unsigned width)
{
    return ((const size_t *)argument)[width];
}

/* The earlier partial forms that older checkpoints stand on: each a beginning of what is there now. */
static int compare_partials(struct check *check, unsigned level, uint64_t index, unsigned width,
                            const uint8_t *expected, item_end *end, const void *argument, struct error *err)
{
    char folder_path[TILE_PATH_SIZE], path[TILE_PATH_SIZE], name[8];
    const struct dirent *entry;
    DIR *folder;
    int fd, r = 0;

    tile_partial_folder(level, index, folder_path);
    fd = openat(check->store.fd, folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (folder == NULL) {
        cleanup_close_fd(&fd);
        return 0;
    }
    while (r == 0 && (entry = readdir(folder)) != NULL) {
        unsigned long found = strtoul(entry->d_name, NULL, 10);

        (void)snprintf(name, sizeof name, "%u", (unsigned)(found % 1000));
        if (found == 0 || found >= width || strcmp(name, entry->d_name) != 0)
            continue;
        tile_path(level, index, (unsigned)found, path);
        r = compare_file(check, path, expected, end(argument, (unsigned)found), err);
    }
    (void)closedir(folder);
    return r;
}

/* Names the first hash that differs, and whatever it was worked out from. */
static int tile_mismatch(const struct check *check, const struct edge_change *tile, const uint8_t *stored,
                         struct error *err)
{
    const uint8_t *hashes = check->edge.hashes[tile->level];
    char path[TILE_PATH_SIZE], below[TILE_PATH_SIZE];
    uint64_t first = tile->index * TILE_WIDTH;
    size_t i = 0;

    while (i + 1 < tile->width && memcmp(stored + i * SHA256_SIZE, hashes + i * SHA256_SIZE, SHA256_SIZE) == 0)
        i++;
    tile_path(tile->level, tile->index, tile->width, path);
    if (tile->level == 0)
        tile_path(TILE_ENTRIES, tile->index, tile->width, below);
    else
        tile_path(tile->level - 1, first + i, TILE_WIDTH, below);
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: %s and %s do not match: %s %" PRIu64 " has another hash",
                     check->store.path, path, below, tile->level == 0 ? "leaf" : "tile", first + i);
}

/* A row's tile in its present form, which must be there, and in its earlier ones. */
static int compare_tile(struct check *check, const struct edge_change *tile, struct error *err)
{
    const uint8_t *hashes = check->edge.hashes[tile->level];
    uint8_t stored[TILE_SIZE];
    int r = tiles_read(&check->store, tile->level, tile->index, tile->width, stored, err);

    if (r == 0 && memcmp(stored, hashes, hash_end(NULL, tile->width)) != 0)
        r = tile_mismatch(check, tile, stored, err);
    if (r == 0)
        r = compare_partials(check, tile->level, tile->index, tile->width, hashes, hash_end, NULL, err);
    check->verified->tiles++;
    return r;
}

/* --- entries --------------------------------------------------------------------------------------------- */

static int check_since(const struct check *check, struct error *err)
{
    const struct checkpoint *since = check->since;
    uint8_t root[SHA256_SIZE];

    if (since == NULL || since->size != check->edge.size)
        return 0;
    edge_root(&check->edge, root);
    if (memcmp(root, since->root, sizeof root) == 0)
        return 0;
    return error_set(err, ERROR_MISMATCH, -EBADMSG,
                     "%s: the first %" PRIu64 " leaves are not those of the older checkpoint: the ledger was rewritten "
                     "or forked",
                     check->store.path, since->size);
}

static int check_leaf(struct check *check, const uint8_t *entry, size_t size, struct error *err)
{
    struct edge_change changes[TILE_LEVELS_MAX];
    uint8_t leaf[SHA256_SIZE];
    unsigned count;
    int r = 0;

    merkle_leaf(entry, size, leaf);
    count = edge_add(&check->edge, leaf, changes);
    for (unsigned i = 0; r == 0 && i < count; i++)
        if (changes[i].width == TILE_WIDTH)
            r = compare_tile(check, &changes[i], err);
    if (r == 0)
        r = check_since(check, err);
    if (r == 0 && check->visitor != NULL)
        r = check->visitor->visit(check->visitor->argument, check->edge.size - 1, entry, size, &check->edge, err);
    return r;
}

static int check_bundle(struct check *check, uint64_t index, struct buffer *bundle, struct error *err)
{
    unsigned width = tile_width(0, index, check->checkpoint.size), found = width;
    size_t ends[TILE_WIDTH + 1] = {0}, offset = 0, size;
    char path[TILE_PATH_SIZE];
    const uint8_t *entry;
    int r;

    tile_path(TILE_ENTRIES, index, width, path);
    bundle->size = 0;
    r = tiles_read_bundle(&check->store, index, width, bundle, &found, err);
    for (unsigned i = 0; r == 0 && i < width; i++) {
        r = tile_bundle_next(bundle->data, bundle->size, &offset, &entry, &size);
        if (r < 0)
            return mismatch(check, path, "ends within an entry", err);
        ends[i + 1] = offset;
        r = check_leaf(check, entry, size, err);
        if (r < 0)
            return r;
    }
    if (r == 0 && found == width && offset != bundle->size)
        r = mismatch(check, path, "has bytes behind its last entry", err);
    check->verified->bundles++;
    return r < 0 ? r : compare_partials(check, TILE_ENTRIES, index, width, bundle->data, entry_end, ends, err);
}

static int check_tree(struct check *check, struct error *err)
{
    CLEANUP_BUFFER struct buffer bundle = buffer_with_limit(TILE_BUNDLE_MAX);
    uint64_t size = check->checkpoint.size;
    uint8_t root[SHA256_SIZE];
    int r = check_since(check, err);

    for (uint64_t index = 0; r == 0 && index * TILE_WIDTH < size; index++)
        r = check_bundle(check, index, &bundle, err);
    for (unsigned level = 0; r == 0 && level < TILE_LEVELS_MAX; level++) {
        const struct edge_change last = {
            .level = level, .width = edge_width(&check->edge, level), .index = size >> (TILE_BITS * (level + 1))};

        if (last.width > 0)
            r = compare_tile(check, &last, err);
    }
    if (r < 0)
        return r;
    edge_root(&check->edge, root);
    if (memcmp(root, check->checkpoint.root, sizeof root) != 0)
        return mismatch(check, STORE_CHECKPOINT, "the root hash is not that of the entries", err);
    return 0;
}

/* --- the whole --------------------------------------------------------------------------------------------- */

int ledger_verify_checkpoint(const void *note, size_t size, const struct ledger_trust *trust, const char *where,
                             struct checkpoint *ret_checkpoint, unsigned *ret_witnesses, struct error *err)
{
    struct checkpoint checkpoint;
    struct error cause = {0};
    unsigned witnesses = 0;
    int r = checkpoint_verify(note, size, trust->keys, trust->key_count, where, &checkpoint, &cause);

    if (r == 0)
        r = checkpoint_count_witnesses(note, size, trust->witnesses, trust->witness_count, where, &witnesses, &cause);
    /* One changed bit can make it malformed: that is a difference too. */
    if (r < 0)
        return error_set(err, cause.kind == ERROR_BAD_INPUT ? ERROR_MISMATCH : cause.kind, r, "%s", cause.text);
    if (witnesses < trust->quorum)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: cosigned by %u of the witnesses given, %u are needed",
                         where, witnesses, trust->quorum);
    *ret_checkpoint = checkpoint;
    *ret_witnesses = witnesses;
    return 0;
}

static int check_signatures(struct check *check, const struct ledger_trust *trust, struct error *err)
{
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX);
    const struct checkpoint *since = check->since;
    struct error cause = {0};
    int r = store_read(&check->store, STORE_CHECKPOINT, &note, &cause);

    if (r < 0)
        return error_set(err, cause.kind == ERROR_BAD_INPUT || r == -ENOENT ? ERROR_MISMATCH : cause.kind, r, "%s",
                         cause.text);
    r = ledger_verify_checkpoint(note.data, note.size, trust, STORE_CHECKPOINT, &check->checkpoint,
                                 &check->verified->witnesses, err);
    if (r < 0 || since == NULL)
        return r;
    if (strcmp(since->origin, check->checkpoint.origin) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "the older checkpoint is of \"%s\", the ledger of \"%s\"",
                         since->origin, check->checkpoint.origin);
    if (since->size > check->checkpoint.size)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "%s: %" PRIu64 " leaves, fewer than the older checkpoint's %" PRIu64
                         ": the ledger was rolled back",
                         check->store.path, check->checkpoint.size, since->size);
    return 0;
}

int ledger_verify(const char *path, const struct ledger_trust *trust, const struct checkpoint *since,
                  struct ledger_verified *ret_verified, struct error *err)
{
    return ledger_visit(path, trust, since, NULL, ret_verified, err);
}

int ledger_visit(const char *path, const struct ledger_trust *trust, const struct checkpoint *since,
                 const struct ledger_visitor *visitor, struct ledger_verified *ret_verified, struct error *err)
{
    CLEANUP_FREE struct check *check = calloc(1, sizeof *check);
    struct ledger_verified verified = {0};
    int r;

    if (check == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to verify a ledger");
    check->since = since;
    check->visitor = visitor;
    check->verified = &verified;
    r = store_open(path, &check->store, err);
    if (r < 0)
        return r;
    r = check_signatures(check, trust, err);
    if (r == 0)
        r = check_tree(check, err);
    store_close(&check->store);
    if (r < 0)
        return r;
    verified.checkpoint = check->checkpoint;
    *ret_verified = verified;
    return 0;
}
