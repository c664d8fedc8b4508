/* SPDX-License-Identifier: Apache-2.0 */
/* Between the monitor's side of the signer and its process; the messages are those of host/confine/helper.h. */
#ifndef LAZARET_HOST_SIGNER_INTERNAL_H
#define LAZARET_HOST_SIGNER_INTERNAL_H

#include "host/confine/helper.h"
#include "host/crypto/key.h"
#include "host/signer/signer.h"

/* What the process works on. Only its own memory ever holds the key. */
struct signer_state {
    signer_accept *accept;
    const char *key_name; /* a file, or a PKCS #11 URI */
    const struct crypto_passphrase *passphrase;
    struct crypto_private_key *key;
};

/* Greets with its public key in PEM; a request is a statement's bytes, the reply its signature. */
extern const struct helper_service signer_service;

#endif
