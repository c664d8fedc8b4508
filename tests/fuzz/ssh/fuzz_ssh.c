/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's public keys and signatures, which reviewers hand in. */
#include "host/crypto/ssh.h"

#include <stdlib.h>

#define NAMESPACE "lazaret-approval"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL, *signer = NULL;
    uint8_t fingerprint[SHA256_SIZE];
    struct error err = {0};

    /* What is accepted as a key has a fingerprint. */
    if (crypto_public_key_parse_ssh(data, size, "input", &key, &err) == 0 &&
        crypto_public_key_fingerprint(key, fingerprint, &err) < 0)
        abort();
    if (key == NULL && err.kind != ERROR_BAD_INPUT)
        abort();
    err.kind = ERROR_NONE;
    if (crypto_sshsig_verify(data, size, "input", NAMESPACE, "hi\n", 3, &signer, &err) < 0 &&
        err.kind != ERROR_BAD_INPUT && err.kind != ERROR_MISMATCH)
        abort();
    return 0;
}
