/* SPDX-License-Identifier: Apache-2.0 */
/* A signer's certificate in DER, alone and with itself as its chain, against an authority that signed some of the
 * seeds. */
#include "host/crypto/certificate.h"

#include <stdlib.h>
#include <string.h>

#define NOW INT64_C(1800000000) /* January 2027 */

static const char authority[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBaTCCAQ+gAwIBAgIUD/Js4FX4oD5hCezDw93JuSCAt/0wCgYIKoZIzj0EAwIw\n"
                                "ITEQMA4GA1UECgwHRXhhbXBsZTENMAsGA1UEAwwEUm9vdDAgFw0yNjExMjEwOTE4\n"
                                "MTlaGA8yMDc2MTEwOTA5MTgxOVowITEQMA4GA1UECgwHRXhhbXBsZTENMAsGA1UE\n"
                                "AwwEUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCxQXP87grCNzNHBhNHt\n"
                                "6ppjiqE7ZAdmfGzKiKlW8aB5pURY0RRQmSJJIElg9j4sh7Y8PU71owN85+3uj+1j\n"
                                "zKCjIzAhMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMAoGCCqGSM49\n"
                                "BAMCA0gAMEUCIH/UZEfmOkKJlyDSJ7OikZUctyxmIdxb2JdPOn06Vgs9AiEAvRSG\n"
                                "9bmrp5TGvW24mxBfW0QcCaMiiHnXaNVl1k5s5xs=\n"
                                "-----END CERTIFICATE-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const identities[] = {"release@example.org", "https://example.org/s", "CN=Signer,O=Example"};
    const struct crypto_anchors anchors = {.authorities = authority,
                                           .authorities_size = sizeof authority - 1,
                                           .identities = identities,
                                           .identity_count = sizeof identities / sizeof identities[0]};
    const struct crypto_der chain[] = {{.data = data, .size = size}, {.data = data, .size = size}};
    CLEANUP_CRYPTO_LEAF struct crypto_leaf leaf = {0}, again = {0};
    struct error err = {0};

    if (crypto_chain_verify(chain, 1, &anchors, NOW, &leaf, &err) < 0) {
        if (err.kind != ERROR_MISMATCH)
            abort();
    } else if (leaf.key == NULL || leaf.identity[0] == '\0') {
        abort();
    }
    if (crypto_chain_verify(chain, 2, &anchors, NOW, &again, &err) == 0 && leaf.key == NULL)
        abort();
    if (crypto_authorities_check(data, size, "input", &err) < 0 && err.kind != ERROR_BAD_INPUT)
        abort();
    return 0;
}
