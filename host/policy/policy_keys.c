/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and revocations of the document into a ring: each key is tried, each time read, nothing may occur twice. */
#include "host/policy/take.h"

#include "host/attest/text.h"
#include "host/crypto/ssh.h"
#include "host/policy/keyring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WHERE_MAX 96u

static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@+-";

int take_public_key(const char *text, const char *name, struct crypto_public_key **ret_key, struct error *err)
{
    size_t size = strlen(text);

    return crypto_text_is_ssh_key(text, size) ? crypto_public_key_parse_ssh(text, size, name, ret_key, err)
                                              : crypto_public_key_parse_any(text, size, name, ret_key, err);
}

static int take_time(const char *text, const char *where, const char *key, int64_t *to, struct error *err)
{
    if (text == NULL || time_text_parse(text, to) == 0)
        return 0;
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "%s.%s: a date as 2026-01-31, or a time as 2026-01-31T23:59:59Z, expected", where, key);
}

static int check_name(const struct keyring *ring, const char *name, const char *where, struct error *err)
{
    if (name[strspn(name, name_characters)] != '\0')
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.name: letters, digits and . _ @ + - expected", where);
    if (keyring_find_name(ring, name) != NULL)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s.name: %s is the name of another key", where, name);
    return 0;
}

/* A node's key signs results, and its name goes to Slurm's programs. */
static int check_node(const struct document_key *from, const struct crypto_public_key *key, const char *where,
                      struct error *err)
{
    if ((from->use & KEYRING_NODE) == 0)
        return 0;
    if (from->name[0] == '-' || strpbrk(from->name, "@+") != NULL)
        return take_refuse(err, where, "name: a node is called by letters, digits and . _ -, and no - begins it");
    if (crypto_public_key_kind(key) != CRYPTO_KEY_P256)
        return take_refuse(err, where, "a node's key signs results, and is ECDSA P-256");
    return 0;
}

/* The key must be one of the kinds we can verify, and new to the ring. */
static int take_fingerprint(const struct document_key *from, const char *where, const struct keyring *ring,
                            struct keyring_key *to, struct error *err)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    const struct keyring_key *same;
    char name[WHERE_MAX + sizeof ".publicKey"];
    int r;

    (void)snprintf(name, sizeof name, "%s.publicKey", where);
    r = take_public_key(from->public_key, name, &key, err);
    if (r == 0)
        r = check_node(from, key, where, err);
    if (r == 0)
        r = crypto_public_key_fingerprint(key, to->fingerprint, err);
    if (r < 0)
        return r;
    same = keyring_find(ring, to->fingerprint, KEYRING_ANY);
    return same == NULL ? 0
                        : error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                                    "%s: the key of %s again; give it once, with all its uses", name, same->name);
}

static int take_key(const struct document_key *from, unsigned index, struct keyring *ring, struct error *err)
{
    struct keyring_key *to = &ring->keys[index];
    char where[WHERE_MAX];
    int r;

    (void)snprintf(where, sizeof where, "keys[%u]", index);
    r = check_name(ring, from->name, where, err);
    if (r < 0)
        return r;
    (void)snprintf(where, sizeof where, "keys[%u] (%s)", index, from->name);
    if (from->use == 0)
        return take_refuse(err, where, "at least one use expected: result, model, reviewer, waiver, timestamp or node");
    *to = (struct keyring_key){
        .use = from->use, .not_before = TIME_ALWAYS, .not_after = TIME_NEVER, .revoked_since = TIME_NEVER};
    (void)snprintf(to->name, sizeof to->name, "%s", from->name);
    (void)snprintf(to->text, sizeof to->text, "%s", from->public_key);
    r = take_time(from->not_before, where, "notBefore", &to->not_before, err);
    if (r == 0)
        r = take_time(from->not_after, where, "notAfter", &to->not_after, err);
    if (r == 0 && to->not_after < to->not_before)
        r = take_refuse(err, where, "notAfter is before notBefore");
    if (r == 0)
        r = take_fingerprint(from, where, ring, to, err);
    if (r == 0)
        ring->count = index + 1;
    return r;
}

static int take_revocation(const struct document_revocation *from, unsigned index, struct keyring *ring,
                           struct error *err)
{
    struct keyring_revocation *to = &ring->revoked[index];
    char where[WHERE_MAX];
    int r;

    (void)snprintf(where, sizeof where, "revoked[%u]", index);
    if (sha256_from_hex(from->fingerprint, to->fingerprint) < 0)
        return take_refuse(err, where, "fingerprint: 64 lowercase hexadecimal digits expected");
    if (keyring_find_revocation(ring, to->fingerprint) != NULL)
        return take_refuse(err, where, "a fingerprint used before");
    if (from->reason != NULL && !text_is_printable(from->reason))
        return take_refuse(err, where, "reason: printable text expected");
    r = take_time(from->since, where, "since", &to->since, err);
    if (r < 0)
        return r;
    (void)snprintf(to->reason, sizeof to->reason, "%s", from->reason != NULL ? from->reason : "");
    ring->revoked_count = index + 1;
    for (unsigned i = 0; i < ring->count; i++)
        if (memcmp(ring->keys[i].fingerprint, to->fingerprint, SHA256_SIZE) == 0)
            ring->keys[i].revoked_since = to->since;
    return 0;
}

int take_keys(const struct document_keyring *from, struct keyring *ring, struct error *err)
{
    int r = 0;

    for (unsigned i = 0; r == 0 && i < from->keys_count; i++)
        r = take_key(&from->keys[i], i, ring, err);
    for (unsigned i = 0; r == 0 && i < from->revoked_count; i++)
        r = take_revocation(&from->revoked[i], i, ring, err);
    return r;
}
