/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes. */
#include "host/ledger/note.h"

#include "base/cursor.h"
#include "host/attest/base64.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define DASH      "\xe2\x80\x94 " /* U+2014 and a space */
#define DASH_SIZE (sizeof DASH - 1)
#define TIME_SIZE 8u

/* --- parsing ----------------------------------------------------------------------------------------- */

static int malformed(const char *where, const char *what, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: no signed note: %s", where, what);
}

/* The text ends at the last empty line, which the signatures follow. */
static bool find_text(const uint8_t *bytes, size_t size, size_t *ret_text_size)
{
    for (size_t i = size; i >= 2; i--)
        if (bytes[i - 1] == '\n' && bytes[i - 2] == '\n') {
            *ret_text_size = i - 1;
            return i >= 3;
        }
    return false;
}

/* Takes a line without its newline apart. */
static bool parse_line(const uint8_t *line, size_t size, struct note_signature *ret_signature)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(NOTE_KEY_ID_SIZE + NOTE_SIGNATURE_MAX);
    struct note_signature signature = {.line = line, .line_size = size + 1};
    const uint8_t *space;

    if (size <= DASH_SIZE || memcmp(line, DASH, DASH_SIZE) != 0)
        return false;
    signature.name = line + DASH_SIZE;
    space = memchr(signature.name, ' ', size - DASH_SIZE);
    if (space == NULL || space == signature.name)
        return false;
    signature.name_size = (size_t)(space - signature.name);
    signature.base64 = space + 1;
    signature.base64_size = size - DASH_SIZE - signature.name_size - 1;
    if (base64_decode((const char *)signature.base64, signature.base64_size, &bytes) < 0 ||
        bytes.size <= NOTE_KEY_ID_SIZE || memchr(signature.name, '+', signature.name_size) != NULL)
        return false;
    memcpy(signature.id, bytes.data, sizeof signature.id);
    *ret_signature = signature;
    return true;
}

static bool same_signer(const struct note_signature *a, const struct note_signature *b)
{
    return a->name_size == b->name_size && memcmp(a->name, b->name, a->name_size) == 0 &&
           memcmp(a->id, b->id, sizeof a->id) == 0;
}

static int add_signature(struct note *note, const uint8_t *line, size_t size, const char *where, struct error *err)
{
    struct note_signature *signature = &note->signatures[note->count];

    if (note->count == NOTE_SIGNATURES_MAX)
        return malformed(where, "too many signatures", err);
    if (!parse_line(line, size, signature))
        return malformed(where, "a signature's line is malformed", err);
    for (size_t i = 0; i < note->count; i++)
        if (same_signer(&note->signatures[i], signature))
            return malformed(where, "two signatures of one key", err);
    note->count++;
    return 0;
}

static bool has_controls(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((bytes[i] < 0x20 && bytes[i] != '\n') || bytes[i] == 0x7f)
            return true;
    return false;
}

int note_parse(const void *data, size_t size, const char *where, struct note *ret_note, struct error *err)
{
    struct cursor cursor = cursor_over(data, size);
    const uint8_t *bytes = data, *line, *end;
    struct note note = {.text = data};
    int r;

    if (size > NOTE_SIZE_MAX || size == 0 || bytes[size - 1] != '\n' || has_controls(bytes, size))
        return malformed(where, "lines of text expected", err);
    if (!find_text(bytes, size, &note.text_size))
        return malformed(where, "no empty line before the signatures", err);
    r = cursor_seek(&cursor, note.text_size + 1);
    while (r == 0 && cursor_left(&cursor) > 0) {
        size_t left = cursor_left(&cursor), length;

        line = bytes + cursor.offset;
        end = memchr(line, '\n', left);
        length = end != NULL ? (size_t)(end - line) : left - 1;
        r = add_signature(&note, line, length, where, err);
        if (r == 0)
            r = cursor_skip(&cursor, length + 1);
    }
    if (r < 0)
        return r;
    if (note.count == 0)
        return malformed(where, "no signature", err);
    *ret_note = note;
    return 0;
}

/* --- signing and verifying ----------------------------------------------------------------------------- */

/* What a key of this algorithm signs. */
static int signed_bytes(const void *text, size_t size, enum note_algorithm algorithm, uint64_t time,
                        struct buffer *ret_bytes)
{
    int r =
        algorithm == NOTE_COSIGNATURE ? buffer_append_format(ret_bytes, "cosignature/v1\ntime %" PRIu64 "\n", time) : 0;

    return r < 0 ? r : buffer_append(ret_bytes, text, size);
}

static int verify_signature(const struct note *note, const struct note_signature *signature, const struct note_key *key,
                            uint64_t *ret_time, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(NOTE_KEY_ID_SIZE + NOTE_SIGNATURE_MAX);
    CLEANUP_BUFFER struct buffer message = buffer_with_limit(NOTE_SIZE_MAX + 64);
    size_t time_size = key->algorithm == NOTE_COSIGNATURE ? TIME_SIZE : 0;
    uint64_t time = 0;
    int r = base64_decode((const char *)signature->base64, signature->base64_size, &bytes);

    if (r == 0 && bytes.size != NOTE_KEY_ID_SIZE + time_size + CRYPTO_ED25519_SIGNATURE_SIZE)
        r = error_set(err, ERROR_MISMATCH, -EBADMSG, "the signature has another length than this algorithm's");
    if (r < 0)
        return r;
    for (size_t i = 0; i < time_size; i++)
        time = time << 8 | bytes.data[NOTE_KEY_ID_SIZE + i];
    r = signed_bytes(note->text, note->text_size, key->algorithm, time, &message);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to verify a signature");
    r = crypto_ed25519_verify(key->public_key, message.data, message.size, bytes.data + NOTE_KEY_ID_SIZE + time_size,
                              err);
    if (r == 0 && ret_time != NULL)
        *ret_time = time;
    return r;
}

int note_verify(const struct note *note, const struct note_key *key, uint64_t *ret_time, struct error *err)
{
    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *signature = &note->signatures[i];
        int r;

        if (signature->name_size != strlen(key->name) ||
            memcmp(signature->name, key->name, signature->name_size) != 0 ||
            memcmp(signature->id, key->id, sizeof signature->id) != 0)
            continue;
        r = verify_signature(note, signature, key, ret_time, err);
        if (r < 0)
            (void)error_prefix(err, "the signature of %s", key->name);
        return r;
    }
    return error_set(err, ERROR_MISMATCH, -ENOENT, "there is no signature of %s, key id %02x%02x%02x%02x", key->name,
                     key->id[0], key->id[1], key->id[2], key->id[3]);
}

int note_sign(const void *text, size_t size, const struct note_key *key, const struct crypto_ed25519 *secret,
              uint64_t time, struct buffer *ret_line, struct error *err)
{
    CLEANUP_BUFFER struct buffer message = buffer_with_limit(NOTE_SIZE_MAX + 64);
    uint8_t bytes[NOTE_KEY_ID_SIZE + TIME_SIZE + CRYPTO_ED25519_SIGNATURE_SIZE];
    size_t used = NOTE_KEY_ID_SIZE;
    int r = signed_bytes(text, size, key->algorithm, time, &message);

    memcpy(bytes, key->id, NOTE_KEY_ID_SIZE);
    if (key->algorithm == NOTE_COSIGNATURE)
        for (unsigned i = 0; i < TIME_SIZE; i++)
            bytes[used++] = (uint8_t)(time >> (56 - 8 * i));
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory to sign");
    r = crypto_ed25519_sign(secret, message.data, message.size, bytes + used, err);
    if (r < 0)
        return r;
    r = buffer_append_format(ret_line, DASH "%s ", key->name);
    if (r == 0)
        r = base64_encode(bytes, used + CRYPTO_ED25519_SIGNATURE_SIZE, ret_line);
    if (r == 0)
        r = buffer_append_u8(ret_line, '\n');
    return r == 0 ? 0 : error_set(err, ERROR_UNAVAILABLE, r, "no memory to sign");
}
