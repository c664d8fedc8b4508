/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public keys that somebody trusts: what for, from when to when, and which of them are revoked. The `keys:` and
 * `revoked:` of a policy, or a file with these two alone (`lazaret-verify --keys`). docs/policies.md has every key.
 *
 *   keys:
 *     - name: station-1
 *       use: [result]
 *       publicKey: |
 *         -----BEGIN PUBLIC KEY-----
 *         …
 *       notBefore: 2026-01-01
 *       notAfter: 2027-01-01T12:00:00Z
 *   revoked:
 *     - {fingerprint: <SHA-256 of the DER SubjectPublicKeyInfo>, since: 2026-06-01, reason: laptop stolen}
 *
 * Times are seconds since 1970, UTC. A key is known by its fingerprint, of SSH keys too; names are for people.
 */
#ifndef LAZARET_HOST_POLICY_KEYRING_H
#define LAZARET_HOST_POLICY_KEYRING_H

#include "base/error.h"
#include "base/time_text.h"
#include "digest/sha256.h"
#include "host/crypto/key.h"

#include <stdint.h>

#define KEYRING_SIZE_MAX    ((size_t)512 * 1024) /* of the file */
#define KEYRING_KEYS_MAX    1024u                /* a farm's nodes have one each */
#define KEYRING_REVOKED_MAX 1024u
#define KEYRING_NAME_SIZE   64u   /* with its NUL */
#define KEYRING_TEXT_SIZE   1536u /* of a public key's text with its NUL: RSA of 8192 bits, and a comment */
#define KEYRING_REASON_SIZE 128u  /* with its NUL */

/* What a key may sign. */
enum {
    KEYRING_RESULT = 1,     /* results of evaluations */
    KEYRING_MODEL = 2,      /* models: their publishers' signatures */
    KEYRING_REVIEWER = 4,   /* sign-offs */
    KEYRING_WAIVER = 8,     /* waivers of checks */
    KEYRING_TIMESTAMP = 16, /* RFC 3161 timestamps */
    KEYRING_NODE = 32,      /* results of a farm's node, whose name is the key's (docs/slurm.md); P-256 */
    KEYRING_ANY = 63,
};

struct keyring_key {
    char name[KEYRING_NAME_SIZE]; /* [A-Za-z0-9._@+-], unique */
    unsigned use;                 /* KEYRING_…, at least one */
    char text[KEYRING_TEXT_SIZE]; /* PEM SubjectPublicKeyInfo, or an OpenSSH public key line */
    uint8_t fingerprint[SHA256_SIZE];
    int64_t not_before, not_after; /* both included; TIME_ALWAYS, TIME_NEVER where the file does not say */
    int64_t revoked_since;         /* TIME_NEVER where it is not revoked */
};

/* Also of keys that the ring no longer lists. */
struct keyring_revocation {
    uint8_t fingerprint[SHA256_SIZE];
    int64_t since;
    char reason[KEYRING_REASON_SIZE]; /* "" where the file gives none; printable */
};

/* Plain data, read only once loaded; of its 2 MiB only what `count` and `revoked_count` tell is ever written. */
struct keyring {
    unsigned count;
    struct keyring_key keys[KEYRING_KEYS_MAX]; /* a fingerprint once */
    unsigned revoked_count;
    struct keyring_revocation revoked[KEYRING_REVOKED_MAX]; /* a fingerprint once */
};

enum keyring_standing { KEYRING_VALID, KEYRING_NOT_YET, KEYRING_EXPIRED, KEYRING_REVOKED, KEYRING_STANDING_COUNT };

extern const char *const keyring_standing_names[KEYRING_STANDING_COUNT + 1]; /* "valid", "not yet valid", … */

/* Reads a file. ERROR_NO_INPUT where it can't be read; ERROR_BAD_INPUT names the file and the line or key. */
MUST_USE int keyring_load(const char *path, struct keyring *ret_ring, struct error *err);

/* The same of a file's bytes; `name` begins the error's text. */
MUST_USE int keyring_parse(const void *yaml, size_t size, const char *name, struct keyring *ret_ring,
                           struct error *err);

/* A copy of what is in it. */
void keyring_copy(const struct keyring *ring, struct keyring *ret_ring);

/* The key with this fingerprint that has at least one of the uses, or NULL. */
const struct keyring_key *keyring_find(const struct keyring *ring, const uint8_t fingerprint[SHA256_SIZE],
                                       unsigned use);

/* The key of this name, whatever its use, or NULL. */
const struct keyring_key *keyring_find_name(const struct keyring *ring, const char *name);

/* A fingerprint's revocation, also of a key that the ring does not list, or NULL. */
const struct keyring_revocation *keyring_find_revocation(const struct keyring *ring,
                                                         const uint8_t fingerprint[SHA256_SIZE]);

/*
 * What a key's signature made at a time is worth. The time must be one that the caller believes: of a revoked key
 * a time that its holder claims proves nothing, as whoever stole the key can claim any.
 */
enum keyring_standing keyring_judge(const struct keyring_key *key, int64_t when);

/* The key itself; crypto_public_key_free() it. Errors of host/crypto, although keyring_parse() has tried it before. */
MUST_USE int keyring_open(const struct keyring_key *key, struct crypto_public_key **ret_key, struct error *err);

#endif
