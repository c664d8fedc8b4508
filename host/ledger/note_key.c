/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of signed notes. */
#include "host/ledger/note.h"

#include "host/attest/base64.h"
#include "host/attest/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY_BYTES (1 + CRYPTO_ED25519_PUBLIC_SIZE) /* the algorithm, then the public key */
#define ID_DIGITS (2 * NOTE_KEY_ID_SIZE)

static int is_name(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && size <= NOTE_NAME_MAX && text_is_printable(name) && strpbrk(name, " +") == NULL;
}

int note_key_make(const char *name, enum note_algorithm algorithm, const uint8_t public_key[CRYPTO_ED25519_PUBLIC_SIZE],
                  struct note_key *ret_key, struct error *err)
{
    const uint8_t kind = (uint8_t)algorithm;
    struct note_key key = {.algorithm = algorithm};
    struct sha256 hash;

    if (!is_name(name))
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "a key's name has 1 to %u bytes of printable text without spaces and plus signs, for instance "
                         "example.org/ledger",
                         NOTE_NAME_MAX);
    memcpy(key.name, name, strlen(name));
    memcpy(key.public_key, public_key, sizeof key.public_key);
    sha256_start(&hash);
    sha256_update(&hash, name, strlen(name));
    sha256_update(&hash, "\n", 1);
    sha256_update(&hash, &kind, 1);
    sha256_update(&hash, public_key, CRYPTO_ED25519_PUBLIC_SIZE);
    sha256_finish(&hash, key.id);
    *ret_key = key;
    return 0;
}

static int malformed(const char *where, struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "%s: a verifier key NAME+ID+KEY of Ed25519 expected, as 'lazaret ledger show' prints it", where);
}

static void write_id(const struct note_key *key, char ret_digits[ID_DIGITS + 1])
{
    for (size_t i = 0; i < NOTE_KEY_ID_SIZE; i++)
        (void)snprintf(ret_digits + 2 * i, 3, "%02x", key->id[i]);
}

int note_key_parse(const void *text, size_t size, const char *where, struct note_key *ret_key, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(KEY_BYTES);
    char copy[NOTE_KEY_TEXT_MAX + 1], digits[ID_DIGITS + 1], *id, *base64;
    struct note_key key;

    if (size > 0 && ((const char *)text)[size - 1] == '\n')
        size--;
    if (size > NOTE_KEY_TEXT_MAX || memchr(text, '\0', size) != NULL)
        return malformed(where, err);
    memcpy(copy, text, size);
    copy[size] = '\0';
    id = strchr(copy, '+');
    base64 = id != NULL ? strchr(id + 1, '+') : NULL;
    if (base64 == NULL)
        return malformed(where, err);
    *id++ = '\0';
    *base64++ = '\0';
    if (base64_decode(base64, strlen(base64), &bytes) < 0 || bytes.size != KEY_BYTES ||
        (bytes.data[0] != NOTE_ED25519 && bytes.data[0] != NOTE_COSIGNATURE) ||
        note_key_make(copy, (enum note_algorithm)bytes.data[0], bytes.data + 1, &key, NULL) < 0)
        return malformed(where, err);
    write_id(&key, digits);
    if (strcmp(id, digits) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: the verifier key's id is not that of its name and key",
                         where);
    *ret_key = key;
    return 0;
}

int note_key_encode(const struct note_key *key, struct buffer *ret_text)
{
    uint8_t bytes[KEY_BYTES] = {(uint8_t)key->algorithm};
    char digits[ID_DIGITS + 1];
    int r;

    write_id(key, digits);
    memcpy(bytes + 1, key->public_key, sizeof key->public_key);
    r = buffer_append_format(ret_text, "%s+%s+", key->name, digits);
    return r < 0 ? r : base64_encode(bytes, sizeof bytes, ret_text);
}
