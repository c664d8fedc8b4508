/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger's handle: made, opened, read, and its keys. */
#include "host/ledger/internal.h"

#include "base/cursor.h"
#include "host/ledger/lines.h"
#include "host/ledger/tiles.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define KEYS_TEXT_MAX ((size_t)CHECKPOINT_KEYS_MAX * (NOTE_KEY_TEXT_MAX + 1))

int ledger_default_key_path(const char *path, char *ret_path, size_t size)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    return (size_t)snprintf(ret_path, size, "%.*s.pem", (int)length, path) >= size ? -ENAMETOOLONG : 0;
}

int ledger_keys_parse(const void *text, size_t size, const char *where, struct note_key ret_keys[CHECKPOINT_KEYS_MAX],
                      size_t *ret_count, struct error *err)
{
    struct cursor cursor = cursor_over(text, size);
    const uint8_t *line = NULL;
    size_t length = 0, count = 0;
    int r = 0;

    while (r == 0 && cursor_left(&cursor) > 0) {
        if (lines_next(&cursor, &line, &length) < 0 || count == CHECKPOINT_KEYS_MAX)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: at most %u whole lines expected, a key each", where,
                             CHECKPOINT_KEYS_MAX);
        r = note_key_parse(line, length, where, &ret_keys[count++], err);
    }
    if (r == 0 && count == 0)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: no verifier key", where);
    if (r == 0)
        *ret_count = count;
    return r;
}

/* --- opening --------------------------------------------------------------------------------------------- */

static int read_published_keys(struct ledger *ledger, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(KEYS_TEXT_MAX);
    int r = store_read(&ledger->store, STORE_KEYS, &text, err);

    return r < 0 ? r : ledger_keys_parse(text.data, text.size, STORE_KEYS, ledger->keys, &ledger->key_count, err);
}

/* The origin, before anything is known to be signed: our keys take their name from it. */
static int read_origin(const struct ledger *ledger, struct checkpoint *ret_checkpoint, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(NOTE_SIZE_MAX);
    struct note note;
    int r = store_read(&ledger->store, STORE_CHECKPOINT, &bytes, err);

    if (r == 0)
        r = note_parse(bytes.data, bytes.size, STORE_CHECKPOINT, &note, err);
    return r < 0 ? r : checkpoint_parse(note.text, note.text_size, STORE_CHECKPOINT, ret_checkpoint, err);
}

static int load_secret(struct ledger *ledger, const char *origin, const char *key_path, struct error *err)
{
    size_t at = ledger->secret_count;
    int r;

    if (at == LEDGER_SECRETS_MAX)
        return error_set(err, ERROR_USAGE, -EINVAL, "at most %u keys sign at once", LEDGER_SECRETS_MAX);
    r = crypto_ed25519_load(key_path, &ledger->secrets[at], err);
    if (r < 0)
        return r;
    ledger->secret_count++;
    r = note_key_make(origin, NOTE_ED25519, crypto_ed25519_public(ledger->secrets[at]), &ledger->keys[at], err);
    if (r == 0)
        ledger->key_count = ledger->secret_count;
    return r;
}

static int new_handle(const char *path, struct ledger **ret_ledger, struct error *err)
{
    CLEANUP_LEDGER struct ledger *ledger = calloc(1, sizeof *ledger);
    int r;

    if (ledger == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory", path);
    ledger->store.fd = -1;
    ledger->path = strdup(path);
    if (ledger->path == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory", path);
    r = store_open(ledger->path, &ledger->store, err);
    if (r == 0)
        *ret_ledger = TAKE_POINTER(ledger);
    return r;
}

int ledger_open(const char *path, const char *const *key_paths, size_t key_count, struct ledger **ret_ledger,
                struct error *err)
{
    CLEANUP_LEDGER struct ledger *ledger = NULL;
    struct checkpoint checkpoint;
    int r = new_handle(path, &ledger, err);

    if (r == 0)
        r = read_origin(ledger, &checkpoint, err);
    if (r == 0 && key_count == 0)
        r = read_published_keys(ledger, err);
    for (size_t i = 0; r == 0 && i < key_count; i++)
        r = load_secret(ledger, checkpoint.origin, key_paths[i], err);
    if (r == 0)
        r = ledger_read_checkpoint(ledger, &checkpoint, NULL, err);
    if (r == 0)
        *ret_ledger = TAKE_POINTER(ledger);
    return r;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (size_t i = 0; i < ledger->secret_count; i++)
        crypto_ed25519_free(ledger->secrets[i]);
    store_close(&ledger->store);
    free(ledger->path);
    free(ledger);
}

void ledger_receipt_free(struct ledger_receipt *receipt)
{
    buffer_free(&receipt->note);
}

const struct note_key *ledger_keys(const struct ledger *ledger, size_t *ret_count)
{
    *ret_count = ledger->key_count;
    return ledger->keys;
}

/* --- making, and keys -------------------------------------------------------------------------------------- */

static int make_key_if_absent(const char *path, struct error *err)
{
    struct stat status;

    return lstat(path, &status) == 0 || errno != ENOENT ? 0 : crypto_ed25519_generate(path, err);
}

/* The folder's verifier keys, and `key` after them where it is not among them. Needs the lock. */
static int publish_key(const struct store *store, const struct note_key *key, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(KEYS_TEXT_MAX), line = buffer_with_limit(NOTE_KEY_TEXT_MAX);
    struct error cause = {0};
    int r = store_read(store, STORE_KEYS, &text, &cause);

    if (r < 0 && r != -ENOENT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    r = note_key_encode(key, &line);
    if (r == 0 && text.size > 0 && memmem(text.data, text.size, line.data, line.size) != NULL)
        return 0;
    if (r == 0)
        r = buffer_append(&text, line.data, line.size);
    if (r == 0)
        r = buffer_append_u8(&text, '\n');
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s/" STORE_KEYS ": too many keys", store->path);
    return store_write(store, STORE_KEYS, text.data, text.size, err);
}

static int start_empty(struct ledger *ledger, const char *origin, struct error *err)
{
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX);
    CLEANUP_FD int lock = -1;
    struct checkpoint checkpoint = {0};
    struct stat status;
    int r = store_lock(&ledger->store, &lock, err);

    if (r < 0)
        return r;
    if (fstatat(ledger->store.fd, STORE_CHECKPOINT, &status, 0) == 0 ||
        fstatat(ledger->store.fd, "tile", &status, 0) == 0)
        return error_set(err, ERROR_USAGE, -EEXIST, "%s: a ledger is there already", ledger->path);
    (void)snprintf(checkpoint.origin, sizeof checkpoint.origin, "%s", origin);
    merkle_empty_root(checkpoint.root);
    r = publish_key(&ledger->store, &ledger->keys[0], err);
    return r < 0 ? r : ledger_commit(ledger, &checkpoint, &note, err);
}

int ledger_create(const char *path, const char *origin, const char *key_path, struct error *err)
{
    static const uint8_t no_key[CRYPTO_ED25519_PUBLIC_SIZE] = {0};
    CLEANUP_LEDGER struct ledger *ledger = NULL;
    struct note_key probe;
    int r = note_key_make(origin, NOTE_ED25519, no_key, &probe, err);

    if (r == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    if (r == 0)
        r = new_handle(path, &ledger, err);
    if (r == 0)
        r = make_key_if_absent(key_path, err);
    if (r == 0)
        r = load_secret(ledger, origin, key_path, err);
    return r < 0 ? r : start_empty(ledger, origin, err);
}

int ledger_add_key(struct ledger *ledger, const char *new_key_path, struct error *err)
{
    CLEANUP_BUFFER struct buffer note = buffer_with_limit(NOTE_SIZE_MAX), line = buffer_with_limit(NOTE_SIZE_MAX);
    CLEANUP_FD int lock = -1;
    struct checkpoint checkpoint;
    struct note parsed;
    size_t at = ledger->secret_count;
    int r = at == 0 ? error_set(err, ERROR_USAGE, -EINVAL, "a new key needs the present one beside it") : 0;

    if (r == 0)
        r = make_key_if_absent(new_key_path, err);
    if (r == 0)
        r = store_lock(&ledger->store, &lock, err);
    if (r == 0)
        r = ledger_read_checkpoint(ledger, &checkpoint, &note, err);
    if (r == 0)
        r = load_secret(ledger, checkpoint.origin, new_key_path, err);
    if (r == 0)
        r = note_parse(note.data, note.size, STORE_CHECKPOINT, &parsed, err);
    if (r == 0)
        r = note_sign(parsed.text, parsed.text_size, &ledger->keys[at], ledger->secrets[at], 0, &line, err);
    if (r == 0)
        r = publish_key(&ledger->store, &ledger->keys[at], err);
    return r < 0 ? r : ledger_add_signature(&ledger->store, &line, err);
}

/* --- reading ----------------------------------------------------------------------------------------------- */

int ledger_read_checkpoint(const struct ledger *ledger, struct checkpoint *ret_checkpoint, struct buffer *ret_note,
                           struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(NOTE_SIZE_MAX);
    int r = store_read(&ledger->store, STORE_CHECKPOINT, &bytes, err);

    if (r == 0)
        r = checkpoint_verify(bytes.data, bytes.size, ledger->keys, ledger->key_count, STORE_CHECKPOINT, ret_checkpoint,
                              err);
    if (r == 0 && ret_note != NULL && buffer_append(ret_note, bytes.data, bytes.size) < 0)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a checkpoint");
    return r;
}

static int check_index(uint64_t index, const struct checkpoint *checkpoint, struct error *err)
{
    if (index < checkpoint->size)
        return 0;
    return error_set(err, ERROR_USAGE, -ERANGE, "there is no leaf %llu: the ledger has %llu, counted from 0",
                     (unsigned long long)index, (unsigned long long)checkpoint->size);
}

static int take_entry(const struct buffer *bundle, unsigned position, const uint8_t **ret_entry, size_t *ret_size)
{
    size_t offset = 0;
    int r = 0;

    for (unsigned i = 0; r == 0 && i <= position; i++)
        r = tile_bundle_next(bundle->data, bundle->size, &offset, ret_entry, ret_size);
    return r;
}

int ledger_read_leaf(const struct ledger *ledger, uint64_t index, struct buffer *ret_leaf, struct error *err)
{
    CLEANUP_BUFFER struct buffer bundle = buffer_with_limit(TILE_BUNDLE_MAX);
    uint8_t hashes[TILE_SIZE], hash[SHA256_SIZE];
    const uint8_t *entry = NULL;
    struct checkpoint checkpoint;
    unsigned width, found, position = (unsigned)(index % TILE_WIDTH);
    size_t size = 0;
    int r = ledger_read_checkpoint(ledger, &checkpoint, NULL, err);

    if (r == 0)
        r = check_index(index, &checkpoint, err);
    if (r < 0)
        return r;
    width = tile_width(0, index / TILE_WIDTH, checkpoint.size);
    r = tiles_read(&ledger->store, 0, index / TILE_WIDTH, width, hashes, err);
    if (r == 0)
        r = tiles_read_bundle(&ledger->store, index / TILE_WIDTH, width, &bundle, &found, err);
    if (r < 0)
        return r;
    if (take_entry(&bundle, position, &entry, &size) < 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "leaf %llu: its entry bundle ends too early",
                         (unsigned long long)index);
    merkle_leaf(entry, size, hash);
    if (memcmp(hash, hashes + position * SHA256_SIZE, sizeof hash) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "leaf %llu: its bytes are not those of its hash in the tree",
                         (unsigned long long)index);
    r = buffer_append(ret_leaf, entry, size);
    return r == 0 ? 0 : error_set(err, ERROR_UNAVAILABLE, r, "no memory for a leaf");
}

/* A receipt without a proof: the current checkpoint, and a set of tiles of its size. */
static int start_receipt(const struct ledger *ledger, struct ledger_receipt *receipt, struct tiles **ret_tiles,
                         struct error *err)
{
    struct tiles *tiles;
    int r;

    receipt->note = buffer_with_limit(NOTE_SIZE_MAX);
    r = ledger_read_checkpoint(ledger, &receipt->checkpoint, &receipt->note, err);
    if (r < 0)
        return r;
    tiles = malloc(sizeof *tiles);
    if (tiles == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for tiles");
    tiles_start(tiles, &ledger->store, receipt->checkpoint.size);
    *ret_tiles = tiles;
    return 0;
}

static void hand_receipt(struct ledger_receipt *receipt, struct ledger_receipt *ret_receipt)
{
    *ret_receipt = *receipt;
    receipt->note = buffer_with_limit(0); /* handed on */
}

int ledger_prove(const struct ledger *ledger, uint64_t index, struct ledger_receipt *ret_receipt, struct error *err)
{
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {.index = index};
    CLEANUP_FREE struct tiles *tiles = NULL;
    const struct checkpoint *checkpoint = &receipt.checkpoint;
    uint8_t leaf[SHA256_SIZE];
    struct merkle_source source;
    int r = start_receipt(ledger, &receipt, &tiles, err);

    if (r == 0)
        r = check_index(index, checkpoint, err);
    if (r < 0)
        return r;
    source = tiles_source(tiles);
    r = merkle_prove_inclusion(&source, index, checkpoint->size, &receipt.proof, err);
    if (r == 0)
        r = source.node(source.argument, 0, index, leaf, err);
    if (r == 0)
        r = merkle_check_inclusion(index, checkpoint->size, leaf, &receipt.proof, checkpoint->root, err);
    if (r == 0)
        hand_receipt(&receipt, ret_receipt);
    return r;
}

int ledger_prove_consistency(const struct ledger *ledger, uint64_t from, struct ledger_receipt *ret_receipt,
                             struct error *err)
{
    CLEANUP_LEDGER_RECEIPT struct ledger_receipt receipt = {.index = from};
    CLEANUP_FREE struct tiles *tiles = NULL;
    const struct checkpoint *checkpoint = &receipt.checkpoint;
    uint8_t old_root[SHA256_SIZE];
    struct merkle_source source;
    int r = start_receipt(ledger, &receipt, &tiles, err);

    if (r == 0 && from > checkpoint->size)
        r = error_set(err, ERROR_USAGE, -ERANGE, "the ledger has %llu leaves, fewer than %llu",
                      (unsigned long long)checkpoint->size, (unsigned long long)from);
    if (r < 0)
        return r;
    source = tiles_source(tiles);
    r = merkle_prove_consistency(&source, from, checkpoint->size, &receipt.proof, err);
    if (r == 0)
        r = merkle_root(&source, from, old_root, err);
    if (r == 0)
        r = merkle_check_consistency(from, checkpoint->size, old_root, checkpoint->root, &receipt.proof, err);
    if (r == 0)
        hand_receipt(&receipt, ret_receipt);
    return r;
}
