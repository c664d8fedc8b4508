/* SPDX-License-Identifier: Apache-2.0 */
/* Looking keys up, and judging when they were valid. */
#include "host/policy/keyring.h"

#include "base/file.h"
#include "host/policy/take.h"
#include "host/yaml/load.h"

#include <errno.h>
#include <string.h>

const char *const keyring_standing_names[KEYRING_STANDING_COUNT + 1] = {"valid", "not yet valid", "expired", "revoked",
                                                                        NULL};

int keyring_parse(const void *yaml, size_t size, const char *name, struct keyring *ret_ring, struct error *err)
{
    CLEANUP_FREE struct keyring *ring = calloc(1, sizeof *ring);
    cyaml_data_t *document = NULL;
    int r;

    if (size > KEYRING_SIZE_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE, "%s: larger than %zu bytes", name, KEYRING_SIZE_MAX);
    if (ring == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to read it", name);
    r = strict_yaml_load(yaml, size, name, &keyring_schema, &document, err);
    if (r < 0)
        return r;
    r = take_keys(document, ring, err);
    if (r == 0 && ring->count == 0 && ring->revoked_count == 0)
        r = take_refuse(err, "keys", "at least one expected, or a revocation in `revoked`");
    strict_yaml_free(&keyring_schema, document);
    if (r < 0) {
        (void)error_prefix(err, "%s", name);
        return r;
    }
    keyring_copy(ring, ret_ring);
    return 0;
}

void keyring_copy(const struct keyring *ring, struct keyring *ret_ring)
{
    ret_ring->count = ring->count;
    memcpy(ret_ring->keys, ring->keys, ring->count * sizeof ring->keys[0]);
    ret_ring->revoked_count = ring->revoked_count;
    memcpy(ret_ring->revoked, ring->revoked, ring->revoked_count * sizeof ring->revoked[0]);
}

int keyring_load(const char *path, struct keyring *ret_ring, struct error *err)
{
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(KEYRING_SIZE_MAX);
    int r = file_read_bounded(path, &yaml, err);

    return r < 0 ? r : keyring_parse(yaml.data, yaml.size, path, ret_ring, err);
}

const struct keyring_key *keyring_find(const struct keyring *ring, const uint8_t fingerprint[SHA256_SIZE], unsigned use)
{
    for (unsigned i = 0; i < ring->count; i++)
        if (memcmp(ring->keys[i].fingerprint, fingerprint, SHA256_SIZE) == 0 && (ring->keys[i].use & use) != 0)
            return &ring->keys[i];
    return NULL;
}

const struct keyring_key *keyring_find_name(const struct keyring *ring, const char *name)
{
    for (unsigned i = 0; i < ring->count; i++)
        if (strcmp(ring->keys[i].name, name) == 0)
            return &ring->keys[i];
    return NULL;
}

const struct keyring_revocation *keyring_find_revocation(const struct keyring *ring,
                                                         const uint8_t fingerprint[SHA256_SIZE])
{
    for (unsigned i = 0; i < ring->revoked_count; i++)
        if (memcmp(ring->revoked[i].fingerprint, fingerprint, SHA256_SIZE) == 0)
            return &ring->revoked[i];
    return NULL;
}

enum keyring_standing keyring_judge(const struct keyring_key *key, int64_t when)
{
    if (when >= key->revoked_since)
        return KEYRING_REVOKED;
    if (when < key->not_before)
        return KEYRING_NOT_YET;
    return when > key->not_after ? KEYRING_EXPIRED : KEYRING_VALID;
}

int keyring_open(const struct keyring_key *key, struct crypto_public_key **ret_key, struct error *err)
{
    return take_public_key(key->text, key->name, ret_key, err);
}
