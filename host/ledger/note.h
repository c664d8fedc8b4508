/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes and their keys. Source: C2SP signed-note and tlog-cosignature.
 *
 * A note is text whose last line ends in a newline, an empty line, and signature lines
 * "— <name> base64(<key id, 4 bytes> <signature>)". A key's id is SHA-256(name ‖ "\n" ‖ algorithm ‖ public key), of
 * which notes carry the first 4 bytes. A verifier key is written "<name>+<id, hexadecimal>+base64(<algorithm> <public
 * key>)". Algorithm 1 is Ed25519 over the text; 4 is a witness's Ed25519 over "cosignature/v1\ntime <seconds>\n" and
 * the text, its signature led by the time as a big-endian u64.
 */
#ifndef LAZARET_HOST_LEDGER_NOTE_H
#define LAZARET_HOST_LEDGER_NOTE_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"
#include "host/crypto/ed25519.h"

#define NOTE_SIZE_MAX       ((size_t)64 * 1024)
#define NOTE_SIGNATURES_MAX 64u
#define NOTE_NAME_MAX       128u /* bytes of a key's name */
#define NOTE_KEY_ID_SIZE    4u
#define NOTE_KEY_TEXT_MAX   (NOTE_NAME_MAX + 64u)
#define NOTE_SIGNATURE_MAX  4096u /* bytes of one signature of any algorithm, others' included */

enum note_algorithm {
    NOTE_ED25519 = 0x01,
    NOTE_COSIGNATURE = 0x04,
};

struct note_key {
    char name[NOTE_NAME_MAX + 1];
    enum note_algorithm algorithm;
    uint8_t public_key[CRYPTO_ED25519_PUBLIC_SIZE];
    uint8_t id[SHA256_SIZE]; /* notes carry its first NOTE_KEY_ID_SIZE bytes */
};

/* --- keys (note_key.c) ------------------------------------------------------------------------------- */

/*
 * A key from its parts. -EINVAL, ERROR_USAGE for a name that is empty, too long or not printable UTF-8, or has a space
 * or plus sign.
 */
MUST_USE int note_key_make(const char *name, enum note_algorithm algorithm,
                           const uint8_t public_key[CRYPTO_ED25519_PUBLIC_SIZE], struct note_key *ret_key,
                           struct error *err);

/* Parses a verifier key, with or without a final newline. ERROR_BAD_INPUT, -EBADMSG; `where` begins the text. */
MUST_USE int note_key_parse(const void *text, size_t size, const char *where, struct note_key *ret_key,
                            struct error *err);

/* Appends a verifier key without a final newline. */
MUST_USE int note_key_encode(const struct note_key *key, struct buffer *ret_text);

/* --- notes (note.c) ---------------------------------------------------------------------------------- */

struct note_signature {
    const uint8_t *line; /* from the dash to the newline, included */
    size_t line_size;
    const uint8_t *name;
    size_t name_size;
    const uint8_t *base64; /* of the key's id and the signature; decodes */
    size_t base64_size;
    uint8_t id[NOTE_KEY_ID_SIZE];
};

/* A parsed note; it points into the bytes it was parsed from. Nothing of it is verified yet. */
struct note {
    const uint8_t *text;
    size_t text_size; /* with its final newline, without the empty line */
    size_t count;
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
};

/*
 * Parses a note. ERROR_BAD_INPUT, -EBADMSG, where it is malformed or has two signatures of one name and id; `where`
 * begins the error's text.
 */
MUST_USE int note_parse(const void *data, size_t size, const char *where, struct note *ret_note, struct error *err);

/*
 * Checks the key's signature. ERROR_MISMATCH: -ENOENT where the note has none of this key, -EBADMSG where it has a
 * wrong one. *ret_time, seconds since 1970, is a cosignature's time, else 0; NULL is fine.
 */
MUST_USE int note_verify(const struct note *note, const struct note_key *key, uint64_t *ret_time, struct error *err);

/* Appends the signature line of `key` for the text; `time` goes into a cosignature. `secret` is the key's other half.
 */
MUST_USE int note_sign(const void *text, size_t size, const struct note_key *key, const struct crypto_ed25519 *secret,
                       uint64_t time, struct buffer *ret_line, struct error *err);

#endif
