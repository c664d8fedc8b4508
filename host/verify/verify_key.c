/* SPDX-License-Identifier: Apache-2.0 */
/* Whose signature is asked for, and whether it is there over a statement of our form. */
#include "host/verify/internal.h"

#include <errno.h>
#include <string.h>

/* --- what the auditor trusts ------------------------------------------------------------------------------ */

static int load_policy(struct verify *verify, const char *path, struct error *err)
{
    if (path == NULL)
        return 0;
    verify->policy = calloc(1, sizeof *verify->policy);
    if (verify->policy == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the policy");
    return policy_load(path, verify->policy, err);
}

static int load_ring(struct verify *verify, const char *path, struct error *err)
{
    int r;

    if (path == NULL) {
        if (verify->policy != NULL && verify->policy->keyring.count + verify->policy->keyring.revoked_count > 0) {
            verify->trusted = &verify->policy->keyring;
            verify->trusted_name = verify->request->policy_path;
        }
        return 0;
    }
    verify->ring = calloc(1, sizeof *verify->ring);
    if (verify->ring == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the keys");
    r = keyring_load(path, verify->ring, err);
    verify->trusted = verify->ring;
    verify->trusted_name = path;
    return r;
}

static bool has_result_key(const struct keyring *ring)
{
    for (unsigned i = 0; ring != NULL && i < ring->count; i++)
        if ((ring->keys[i].use & KEYRING_RESULT) != 0)
            return true;
    return false;
}

int verify_key_load(struct verify *verify, struct error *err)
{
    const struct verify_request *request = verify->request;
    int r = load_policy(verify, request->policy_path, err);

    if (r == 0)
        r = load_ring(verify, request->keys_path, err);
    if (r < 0)
        return r;
    if (request->key_path != NULL)
        return crypto_public_key_load(request->key_path, &verify->key, err);
    if (has_result_key(verify->trusted))
        return 0;
    if (request->keys_path != NULL)
        return error_set(err, ERROR_BAD_INPUT, -ENOKEY, "%s: lists no key with `use: [result]`; give --key PUB.pem",
                         request->keys_path);
    return error_set(err, ERROR_USAGE, -ENOKEY,
                     "--key PUB.pem, --keys KEYS.yaml or a --policy that lists a result key is required: a result is "
                     "only as good as the key that you trust");
}

/* --- the signature ----------------------------------------------------------------------------------------- */

/* The key that must have signed: the one given, or the ring's that the bundle names. NULL in verify->key: none. */
static int choose_key(struct verify *verify, struct error *err)
{
    const uint8_t *fingerprint = verify->bundle.fingerprint;
    const struct keyring_key *other;
    char hex[SHA256_HEX_SIZE];

    if (verify->trusted != NULL)
        verify->listed = keyring_find(verify->trusted, fingerprint, KEYRING_RESULT);
    if (verify->key != NULL)
        return 0;
    if (verify->listed != NULL)
        return keyring_open(verify->listed, &verify->key, err);
    sha256_to_hex(fingerprint, hex);
    other = keyring_find(verify->trusted, fingerprint, KEYRING_ANY);
    if (other != NULL)
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_MISMATCH, "signature",
                   "names key %s, which %s lists as %s, but not for results", hex, verify->trusted_name, other->name);
    else
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_MISMATCH, "signature", "names key %s, which %s does not list", hex,
                   verify->trusted_name);
    return 0;
}

/* ERROR_MISMATCH becomes a line of the report, and *ret_holds false. */
static int check_signature(struct verify *verify, bool *ret_holds, struct error *err)
{
    char hex[SHA256_HEX_SIZE];
    struct error cause = {0};
    int r = bundle_verify(&verify->bundle, verify->key, &cause);

    if (r < 0 && cause.kind != ERROR_MISMATCH)
        return error_set(err, cause.kind, r, "%s", cause.text);
    *ret_holds = r == 0;
    if (r < 0) {
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_MISMATCH, "signature", "%s", cause.text);
        return 0;
    }
    memcpy(verify->report->fingerprint, verify->bundle.fingerprint, SHA256_SIZE);
    if (verify->listed != NULL)
        (void)snprintf(verify->report->signer, sizeof verify->report->signer, "%s", verify->listed->name);
    sha256_to_hex(verify->bundle.fingerprint, hex);
    verify_add(verify, VERIFY_SIGNATURE, VERIFY_HOLDS, "signature", "ECDSA P-256 with SHA-256 by %s%skey %s",
               verify->report->signer, verify->listed != NULL ? ", " : "", hex);
    return 0;
}

int verify_signature(struct verify *verify, struct error *err)
{
    struct error cause = {0};
    bool holds = false;
    int r = choose_key(verify, err);

    if (r == 0 && verify->key != NULL)
        r = check_signature(verify, &holds, err);
    if (r < 0 || !holds)
        return r;
    r = statement_check(verify->bundle.payload.data, verify->bundle.payload.size, &verify->statement, &cause);
    if (r < 0 && cause.kind != ERROR_BAD_INPUT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    if (r < 0)
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_MISMATCH, "statement", "%s", cause.text);
    else
        verify_add(verify, VERIFY_SIGNATURE, VERIFY_HOLDS, "statement",
                   "in-toto Statement v1, test-result v0.1, free of contradictions");
    return 0;
}
