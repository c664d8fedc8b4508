/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints. */
#include "host/ledger/checkpoint.h"

#include "base/cursor.h"
#include "host/attest/base64.h"
#include "host/attest/text.h"
#include "host/ledger/lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

int checkpoint_encode(const struct checkpoint *checkpoint, struct buffer *ret_text)
{
    int r = buffer_append_format(ret_text, "%s\n%" PRIu64 "\n", checkpoint->origin, checkpoint->size);

    if (r == 0)
        r = base64_encode(checkpoint->root, sizeof checkpoint->root, ret_text);
    return r < 0 ? r : buffer_append_u8(ret_text, '\n');
}

static bool parse_origin(const uint8_t *line, size_t size, char origin[NOTE_NAME_MAX + 1])
{
    if (size == 0 || size > NOTE_NAME_MAX || memchr(line, '\0', size) != NULL)
        return false;
    memcpy(origin, line, size);
    origin[size] = '\0';
    return text_is_printable(origin);
}

int checkpoint_parse(const void *text, size_t size, const char *where, struct checkpoint *ret_checkpoint,
                     struct error *err)
{
    struct cursor cursor = cursor_over(text, size);
    struct checkpoint checkpoint = {0};
    const uint8_t *line = NULL;
    size_t length = 0;

    if (lines_next(&cursor, &line, &length) < 0 || !parse_origin(line, length, checkpoint.origin))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the first line must be the ledger's origin", where);
    if (lines_next(&cursor, &line, &length) < 0 || lines_number(line, length, MERKLE_SIZE_MAX, &checkpoint.size) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the second line must be the number of leaves", where);
    if (lines_next(&cursor, &line, &length) < 0 || lines_hash(line, length, checkpoint.root) < 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the third line must be the root hash in base64", where);
    while (cursor_left(&cursor) > 0)
        if (lines_next(&cursor, &line, &length) < 0 || length == 0)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: an empty or open line after the root hash", where);
    *ret_checkpoint = checkpoint;
    return 0;
}

int checkpoint_verify(const void *data, size_t size, const struct note_key *keys, size_t key_count, const char *where,
                      struct checkpoint *ret_checkpoint, struct error *err)
{
    struct checkpoint checkpoint;
    struct note note;
    unsigned signatures = 0;
    int r = note_parse(data, size, where, &note, err);

    if (r == 0)
        r = checkpoint_parse(note.text, note.text_size, where, &checkpoint, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < key_count; i++) {
        struct error cause = {0};

        if (keys[i].algorithm != NOTE_ED25519 || strcmp(keys[i].name, checkpoint.origin) != 0)
            continue;
        r = note_verify(&note, &keys[i], NULL, &cause);
        if (r < 0 && r != -ENOENT)
            return error_set(err, cause.kind, r, "%s: %s", where, cause.text);
        signatures += r == 0;
    }
    if (signatures == 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: signed by none of the keys given for the origin \"%s\"",
                         where, checkpoint.origin);
    *ret_checkpoint = checkpoint;
    return 0;
}

/* Whether a key that signed is the same as an earlier one that did, under whatever name. */
static bool is_counted(const struct note_key *keys, const bool *has_signed, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (has_signed[i] && memcmp(keys[i].public_key, keys[index].public_key, sizeof keys[i].public_key) == 0)
            return true;
    return false;
}

int checkpoint_count_witnesses(const void *data, size_t size, const struct note_key *witnesses, size_t count,
                               const char *where, unsigned *ret_count, struct error *err)
{
    bool has_signed[CHECKPOINT_KEYS_MAX] = {false};
    struct note note;
    unsigned found = 0;
    int r = note_parse(data, size, where, &note, err);

    if (r == 0 && count > CHECKPOINT_KEYS_MAX)
        r = error_set(err, ERROR_USAGE, -EINVAL, "at most %u witnesses", CHECKPOINT_KEYS_MAX);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct error cause = {0};

        if (witnesses[i].algorithm != NOTE_COSIGNATURE)
            continue;
        r = note_verify(&note, &witnesses[i], NULL, &cause);
        if (r < 0 && r != -ENOENT)
            return error_set(err, cause.kind, r, "%s: %s", where, cause.text);
        has_signed[i] = r == 0 && !is_counted(witnesses, has_signed, i);
        found += has_signed[i];
        r = 0;
    }
    if (r == 0)
        *ret_count = found;
    return r;
}
