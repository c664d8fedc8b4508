/* SPDX-License-Identifier: Apache-2.0 */
/* A witness's cosignature. */
#include "host/ledger/witness.h"

#include "host/ledger/internal.h"
#include "host/ledger/tiles.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* A view of a ledger under foreign keys, under its lock. */
struct view {
    struct store store;
    int lock;
    struct checkpoint checkpoint;
    struct buffer note;
};

static void view_end(struct view *view)
{
    buffer_free(&view->note);
    cleanup_close_fd(&view->lock);
    store_close(&view->store);
}

static int view_start(const char *path, const struct note_key *keys, size_t key_count, struct view *view,
                      struct error *err)
{
    int r = store_open(path, &view->store, err);

    if (r == 0)
        r = store_lock(&view->store, &view->lock, err);
    if (r == 0)
        r = store_read(&view->store, STORE_CHECKPOINT, &view->note, err);
    return r < 0 ? r
                 : checkpoint_verify(view->note.data, view->note.size, keys, key_count, STORE_CHECKPOINT,
                                     &view->checkpoint, err);
}

static int check_growth(const struct view *view, const struct checkpoint *before, struct error *err)
{
    CLEANUP_FREE struct tiles *tiles = malloc(sizeof *tiles);
    struct merkle_proof proof = {0};
    struct merkle_source source;
    int r = 0;

    if (tiles == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for tiles");
    tiles_start(tiles, &view->store, view->checkpoint.size);
    source = tiles_source(tiles);
    if (before->size < view->checkpoint.size)
        r = merkle_prove_consistency(&source, before->size, view->checkpoint.size, &proof, err);
    return r < 0 ? r
                 : merkle_check_consistency(before->size, view->checkpoint.size, before->root, view->checkpoint.root,
                                            &proof, err);
}

/* Against what this witness cosigned last; nothing where this is its first checkpoint of the ledger. */
static int check_memory(const struct view *view, const struct store *memory, const char *name,
                        const struct note_key *own, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(NOTE_SIZE_MAX);
    struct checkpoint before;
    struct error cause = {0};
    struct note note;
    int r = store_read(memory, name, &bytes, &cause);

    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_set(err, cause.kind, r, "%s", cause.text);
    r = note_parse(bytes.data, bytes.size, name, &note, err);
    if (r == 0)
        r = note_verify(&note, own, NULL, err);
    if (r == 0)
        r = checkpoint_parse(note.text, note.text_size, name, &before, err);
    if (r == 0)
        r = check_growth(view, &before, err);
    if (r < 0)
        (void)error_prefix(err, "against the checkpoint cosigned last (%s/%s)", memory->path, name);
    return r;
}

/* The checkpoint's text with nothing but this witness's line: what it will hold the ledger to. */
static int remember(const struct store *memory, const char *name, const struct note *note, const struct buffer *line,
                    struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(NOTE_SIZE_MAX);
    int r = buffer_append(&bytes, note->text, note->text_size + 1);

    if (r == 0)
        r = buffer_append(&bytes, line->data, line->size);
    return r < 0 ? error_set(err, ERROR_UNAVAILABLE, r, "no memory for a checkpoint")
                 : store_write(memory, name, bytes.data, bytes.size, err);
}

int witness_cosign(const struct witness *witness, const char *path, const struct note_key *keys, size_t key_count,
                   uint64_t time, struct checkpoint *ret_checkpoint, struct error *err)
{
    CLEANUP(view_end) struct view view = {.store.fd = -1, .lock = -1, .note = buffer_with_limit(NOTE_SIZE_MAX)};
    CLEANUP(store_close) struct store memory = {.fd = -1};
    CLEANUP_BUFFER struct buffer line = buffer_with_limit(NOTE_SIZE_MAX);
    CLEANUP_FD int lock = -1;
    uint8_t digest[SHA256_SIZE];
    char name[SHA256_HEX_SIZE];
    struct note note;
    int r = view_start(path, keys, key_count, &view, err);

    if (r == 0 && mkdir(witness->folder, 0755) < 0 && errno != EEXIST)
        r = error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", witness->folder, strerror(errno));
    if (r == 0)
        r = store_open(witness->folder, &memory, err);
    if (r == 0)
        r = store_lock(&memory, &lock, err);
    if (r < 0)
        return r;
    sha256_of(view.checkpoint.origin, strlen(view.checkpoint.origin), digest);
    sha256_to_hex(digest, name);
    r = check_memory(&view, &memory, name, &witness->key, err);
    if (r == 0)
        r = note_parse(view.note.data, view.note.size, STORE_CHECKPOINT, &note, err);
    if (r == 0)
        r = note_sign(note.text, note.text_size, &witness->key, witness->secret, time, &line, err);
    if (r == 0)
        r = remember(&memory, name, &note, &line, err);
    if (r == 0)
        r = ledger_add_signature(&view.store, &line, err);
    if (r == 0)
        *ret_checkpoint = view.checkpoint;
    return r;
}
