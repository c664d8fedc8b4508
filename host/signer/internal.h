/* SPDX-License-Identifier: Apache-2.0 */
/* Between the monitor's side of the signer and its process; the messages are those of host/confine/helper.h. */
#ifndef LAZARET_HOST_SIGNER_INTERNAL_H
#define LAZARET_HOST_SIGNER_INTERNAL_H

#include "host/attest/statement.h"
#include "host/confine/helper.h"
#include "host/crypto/key.h"
#include "host/signer/signer.h"

/* What the process works on. Only its own memory ever holds the key; a key in a token has a process of its own. */
struct signer_state {
    signer_accept *accept;
    const char *key_name; /* a file, or a PKCS #11 URI */
    const struct crypto_passphrase *passphrase;
    struct crypto_private_key *key; /* NULL: in the token's process */
    struct helper *token;           /* NULL: the key is here */
};

/* Greets with its public key in PEM; a request is a statement's bytes, the reply its signature. */
extern const struct helper_service signer_service;

/*
 * The process between the signer and a token. Greets with the public key in PEM; a request is the PAE of a statement
 * (attest/dsse.h), the reply its signature.
 */
extern const struct helper_service signer_token_service;

/* Loads the key into state->key and makes one signature, so that all is fetched; appends the public key's PEM. */
MUST_USE int signer_load_key(struct signer_state *state, struct buffer *ret_pem, struct error *err);

/* Signs bytes with state->key; appends the signature. */
MUST_USE int signer_sign_bytes(const struct signer_state *state, const void *data, size_t size,
                               struct buffer *ret_signature, struct error *err);

/* How long a process that loads a key may take: someone may have to look a passphrase up. */
#define SIGNER_START_MS UINT64_C(300000)

/* A statement and what the PAE puts before it. */
#define SIGNER_PAE_MAX (STATEMENT_SIZE_MAX + 128)

#endif
