/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger's leaves say: canonical JSON {apiVersion, kind, spec}.
 *
 * kind "dsse" 0.0.1 is Rekor's body of a DSSE envelope, so that @sigstore/verify accepts our entries:
 *   spec {envelopeHash {algorithm, value}, payloadHash {algorithm, value}, signatures [{signature, verifier}]}
 * with the signature and the verifier (a PEM public key) in base64. envelopeHash is over the envelope's canonical JSON.
 *
 * kind "lazaret-intent" 0.0.1 is written before a VM boots, so that an attempt whose result was thrown away shows:
 *   spec {data {algorithm, value}, job, model {algorithm, value}, policy {algorithm, value}}
 */
#ifndef LAZARET_HOST_LEDGER_LEAF_H
#define LAZARET_HOST_LEDGER_LEAF_H

#include "base/buffer.h"
#include "base/error.h"
#include "digest/sha256.h"

#include <jansson.h>

#define LEAF_DSSE_KIND   "dsse"
#define LEAF_INTENT_KIND "lazaret-intent"
#define LEAF_API_VERSION "0.0.1"
#define LEAF_NONCE_MAX   128u

/*
 * Appends the leaf of a DSSE envelope of in-toto (attest/envelope.h; exactly one signature) whose signature the PEM
 * public key checks; neither is verified here. The same envelope and key give the same bytes. ERROR_BAD_INPUT, -EBADMSG
 * for an envelope of another form, -EMSGSIZE for a leaf of more than 65,535 bytes.
 */
MUST_USE int ledger_leaf_dsse(const json_t *envelope, const void *public_pem, size_t pem_size, struct buffer *ret_leaf,
                              struct error *err);

struct leaf_intent {
    const char *job; /* the job's nonce: 1 to LEAF_NONCE_MAX bytes */
    uint8_t model[SHA256_SIZE], data[SHA256_SIZE], policy[SHA256_SIZE];
};

/* Appends an intent's leaf. ERROR_INTERNAL, -EINVAL for a nonce out of range. */
MUST_USE int ledger_leaf_intent(const struct leaf_intent *intent, struct buffer *ret_leaf, struct error *err);

enum leaf_kind { LEAF_DSSE, LEAF_INTENT };

/* What a leaf of ours says. */
struct leaf {
    enum leaf_kind kind;
    uint8_t envelope[SHA256_SIZE], payload[SHA256_SIZE]; /* LEAF_DSSE: hashes of both */
    char job[LEAF_NONCE_MAX + 1];                        /* LEAF_INTENT, and the following */
    uint8_t model[SHA256_SIZE], data[SHA256_SIZE], policy[SHA256_SIZE];
};

/* Reads a leaf of exactly one of the two forms, canonical. ERROR_BAD_INPUT for any other; `where` begins the text. */
MUST_USE int ledger_leaf_read(const void *leaf, size_t size, const char *where, struct leaf *ret_leaf,
                              struct error *err);

/* The kind and version of a leaf. ERROR_BAD_INPUT, -EBADMSG where it is no such JSON. *ret_json is the caller's. */
MUST_USE int ledger_leaf_parse(const void *leaf, size_t size, const char *where, json_t **ret_json,
                               const char **ret_kind, const char **ret_version, struct error *err);

#endif
