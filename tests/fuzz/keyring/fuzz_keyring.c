/* SPDX-License-Identifier: Apache-2.0 */
/* The key ring's parser; what it accepts is what its header promises, and every key opens again. */
#include "host/policy/keyring.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_key(const struct keyring *ring, const struct keyring_key *key)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *opened = NULL;
    uint8_t fingerprint[SHA256_SIZE];

    if (key->use == 0 || (key->use & ~(unsigned)KEYRING_ANY) != 0 || key->not_before > key->not_after)
        abort();
    if ((key->use & KEYRING_NODE) != 0 && strpbrk(key->name, "@+") != NULL)
        abort();
    if (keyring_find_name(ring, key->name) != key || keyring_find(ring, key->fingerprint, key->use) != key)
        abort();
    if (keyring_open(key, &opened, NULL) < 0 || crypto_public_key_fingerprint(opened, fingerprint, NULL) < 0 ||
        memcmp(fingerprint, key->fingerprint, SHA256_SIZE) != 0)
        abort();
    if (key->revoked_since != TIME_NEVER && keyring_judge(key, key->revoked_since) != KEYRING_REVOKED)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keyring ring;
    struct error err = {0};

    if (keyring_parse(data, size, "input", &ring, &err) < 0) {
        if (err.kind == ERROR_NONE || err.text[0] == '\0')
            abort();
        return 0;
    }
    if (ring.count > KEYRING_KEYS_MAX || ring.revoked_count > KEYRING_REVOKED_MAX)
        abort();
    for (unsigned i = 0; i < ring.count; i++)
        check_key(&ring, &ring.keys[i]);
    for (unsigned i = 0; i < ring.revoked_count; i++)
        if (keyring_find_revocation(&ring, ring.revoked[i].fingerprint) != &ring.revoked[i])
            abort();
    return 0;
}
