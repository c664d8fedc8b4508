/* SPDX-License-Identifier: Apache-2.0 */
/* A model's signature file, through all that its confined process does with it before a signature is believed. */
#include "host/provenance/signature.h"

#include <stdlib.h>
#include <string.h>

/* A key that signed none of the inputs. */
static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                          "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                          "-----END PUBLIC KEY-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct crypto_public_key *key;
    CLEANUP_MODEL_MANIFEST struct model_manifest *manifest = NULL;
    CLEANUP_SIGNATURE struct signature signature = {0};
    struct signature_signer signer;
    struct error err = {0};

    if (key == NULL && crypto_public_key_parse_any(pem, sizeof pem - 1, "key", &key, &err) < 0)
        abort();
    const struct crypto_public_key *const keys[] = {key};
    const struct signature_trust trust = {.keys = keys, .key_count = 1};

    if (signature_parse(data, size, &signature, &err) < 0) {
        if (err.kind != ERROR_BAD_INPUT)
            abort();
        return 0;
    }
    if (signature_verify(&signature, &trust, &signer, &err) == 0 || err.kind != ERROR_MISMATCH)
        abort();
    if (model_manifest_parse(signature.payload.data, signature.payload.size, &manifest, &err) < 0 &&
        err.kind != ERROR_BAD_INPUT)
        abort();
    return 0;
}
