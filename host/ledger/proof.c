/* SPDX-License-Identifier: Apache-2.0 */
/* Proof files. */
#include "host/ledger/proof.h"

#include "host/attest/base64.h"
#include "host/ledger/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define INCLUSION_HEADER   "c2sp.org/tlog-proof@v1"
#define CONSISTENCY_HEADER "lazaret.dev/tlog-consistency@v1"

/* --- writing ------------------------------------------------------------------------------------------- */

static int encode_leaf(const void *leaf, size_t size, struct buffer *text)
{
    int r = buffer_append_format(text, INCLUSION_HEADER "\nextra ");

    if (r == 0)
        r = base64_encode(leaf, size, text);
    return r < 0 ? r : buffer_append_u8(text, '\n');
}

int proof_encode(const struct ledger_receipt *receipt, const void *leaf, size_t leaf_size, struct buffer *ret_text)
{
    int r =
        leaf != NULL ? encode_leaf(leaf, leaf_size, ret_text) : buffer_append_format(ret_text, CONSISTENCY_HEADER "\n");

    if (r == 0)
        r = buffer_append_format(ret_text, "%s %" PRIu64 "\n", leaf != NULL ? "index" : "from", receipt->index);
    for (size_t i = 0; r == 0 && i < receipt->proof.count; i++) {
        r = base64_encode(receipt->proof.hashes[i], SHA256_SIZE, ret_text);
        if (r == 0)
            r = buffer_append_u8(ret_text, '\n');
    }
    if (r == 0)
        r = buffer_append_u8(ret_text, '\n');
    return r < 0 ? r : buffer_append(ret_text, receipt->note.data, receipt->note.size);
}

/* --- reading --------------------------------------------------------------------------------------------- */

static bool is_line(const uint8_t *line, size_t size, const char *expected)
{
    return size == strlen(expected) && memcmp(line, expected, size) == 0;
}

/* The rest of the next line, which must begin with a word and a space. */
static int read_word(struct cursor *cursor, const char *word, const uint8_t **ret_rest, size_t *ret_size)
{
    size_t size, length = strlen(word);
    const uint8_t *line;
    int r = lines_next(cursor, &line, &size);

    if (r < 0 || size < length + 1 || memcmp(line, word, length) != 0 || line[length] != ' ')
        return -EBADMSG;
    *ret_rest = line + length + 1;
    *ret_size = size - length - 1;
    return 0;
}

static int read_head(struct cursor *cursor, struct proof *proof)
{
    const uint8_t *line = NULL;
    size_t size = 0;
    int r = lines_next(cursor, &line, &size);

    if (r < 0)
        return r;
    proof->kind = is_line(line, size, CONSISTENCY_HEADER) ? PROOF_CONSISTENCY : PROOF_INCLUSION;
    if (proof->kind == PROOF_INCLUSION) {
        if (!is_line(line, size, INCLUSION_HEADER))
            return -EBADMSG;
        /* An empty leaf's line ends in the space. */
        r = read_word(cursor, "extra", &line, &size);
        if (r == 0)
            r = base64_decode((const char *)line, size, &proof->leaf);
        if (r < 0)
            return r;
    }
    r = read_word(cursor, proof->kind == PROOF_INCLUSION ? "index" : "from", &line, &size);
    return r < 0 ? r : lines_number(line, size, MERKLE_SIZE_MAX, &proof->number);
}

static int read_hashes(struct cursor *cursor, struct merkle_proof *hashes)
{
    const uint8_t *line = NULL;
    size_t size = 0;
    int r;

    while ((r = lines_next(cursor, &line, &size)) == 0 && size > 0) {
        if (hashes->count == MERKLE_PROOF_MAX || lines_hash(line, size, hashes->hashes[hashes->count]) < 0)
            return -EBADMSG;
        hashes->count++;
    }
    return r;
}

int proof_decode(const void *text, size_t size, const char *where, struct proof *ret_proof, struct error *err)
{
    CLEANUP_PROOF struct proof proof = {.leaf = buffer_with_limit(LEDGER_LEAF_MAX),
                                        .note = buffer_with_limit(NOTE_SIZE_MAX)};
    struct cursor cursor = cursor_over(text, size);
    const uint8_t *note;
    size_t note_size;

    if (size > PROOF_SIZE_MAX || read_head(&cursor, &proof) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: no proof of a ledger: its first lines are not those that 'lazaret ledger prove' writes",
                         where);
    if (read_hashes(&cursor, &proof.hashes) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: hashes in base64, a line each, and then an empty line expected", where);
    note_size = cursor_left(&cursor);
    if (cursor_read_bytes(&cursor, note_size, &note) < 0 || buffer_append(&proof.note, note, note_size) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: no checkpoint of at most %zu bytes", where,
                         NOTE_SIZE_MAX);
    *ret_proof = proof;
    proof.leaf = buffer_with_limit(0); /* handed on */
    proof.note = buffer_with_limit(0);
    return 0;
}

void proof_free(struct proof *proof)
{
    buffer_free(&proof->leaf);
    buffer_free(&proof->note);
}

/* --- checking -------------------------------------------------------------------------------------------- */

int proof_verify_inclusion(const struct proof *proof, const struct note_key *keys, size_t key_count, const char *where,
                           struct checkpoint *ret_checkpoint, struct error *err)
{
    uint8_t leaf[SHA256_SIZE];
    struct checkpoint checkpoint;
    int r = checkpoint_verify(proof->note.data, proof->note.size, keys, key_count, where, &checkpoint, err);

    if (r < 0)
        return r;
    merkle_leaf(proof->leaf.data, proof->leaf.size, leaf);
    r = merkle_check_inclusion(proof->number, checkpoint.size, leaf, &proof->hashes, checkpoint.root, err);
    if (r < 0) {
        (void)error_prefix(err, "%s", where);
        return r;
    }
    *ret_checkpoint = checkpoint;
    return 0;
}

int proof_verify_consistency(const struct proof *proof, const struct checkpoint *before, const struct note_key *keys,
                             size_t key_count, const char *where, struct checkpoint *ret_checkpoint, struct error *err)
{
    struct checkpoint checkpoint;
    int r = checkpoint_verify(proof->note.data, proof->note.size, keys, key_count, where, &checkpoint, err);

    if (r < 0)
        return r;
    if (strcmp(before->origin, checkpoint.origin) != 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: a checkpoint of \"%s\", not of \"%s\"", where,
                         checkpoint.origin, before->origin);
    if (before->size != proof->number)
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "%s: the proof begins at %" PRIu64 " leaves, the checkpoint held before at %" PRIu64, where,
                         proof->number, before->size);
    r = merkle_check_consistency(before->size, checkpoint.size, before->root, checkpoint.root, &proof->hashes, err);
    if (r < 0) {
        (void)error_prefix(err, "%s", where);
        return r;
    }
    *ret_checkpoint = checkpoint;
    return 0;
}
