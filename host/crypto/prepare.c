/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL made ready for keys. */
#include "host/crypto/key.h"

#include <string.h>

/* P-256's base point (FIPS 186-4, D.1.2.3) as a public key: a key as good as any to find the decoders for. */
static const char base_point[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                                 "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                                 "-----END PUBLIC KEY-----\n";

void crypto_prepare(void)
{
    struct crypto_public_key *key = NULL;
    uint8_t fingerprint[SHA256_SIZE];
    struct error err = {0};
    int r = crypto_public_key_parse(base_point, strlen(base_point), "the base point", &key, &err);

    if (r == 0)
        r = crypto_public_key_fingerprint(key, fingerprint, &err);
    (void)r;
    crypto_public_key_free(key);
}
