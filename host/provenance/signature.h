/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model's signature file: a Sigstore bundle v0.3 with one DSSE signature over a manifest, made with a key or with a
 * certificate.
 *
 * Sources: sigstore/protobuf-specs, sigstore_bundle.proto; DSSE 1.0.2; github.com/sigstore/model-transparency,
 * _signing/sign_ec_key.py and sign_certificate.py: ECDSA on P-256, P-384 or P-521 with SHA-256, SHA-384 or SHA-512 over
 * the PAE. `verificationMaterial` has `publicKey` with the `hint` SHA-256(PEM of the key) in hexadecimal (before 1.1:
 * `rawBytes`, the PEM itself), or `x509CertificateChain`. Log entries and timestamps are not looked at; a keyid says
 * nothing. Signatures of model_signing 0.2 over its faulty "DSSEV1" encoding do not verify.
 *
 * Call where no key is held.
 */
#ifndef LAZARET_HOST_PROVENANCE_SIGNATURE_H
#define LAZARET_HOST_PROVENANCE_SIGNATURE_H

#include "base/buffer.h"
#include "host/attest/envelope.h"
#include "host/crypto/certificate.h"
#include "host/provenance/model_manifest.h"

#define SIGNATURE_FILE_MAX ((size_t)16 * 1024 * 1024) /* bytes of the file */
#define SIGNATURE_KEYS_MAX 64u                        /* that are trusted */

enum signature_method { SIGNATURE_BY_KEY, SIGNATURE_BY_CERTIFICATE, SIGNATURE_METHOD_COUNT };

extern const char *const signature_method_names[SIGNATURE_METHOD_COUNT + 1]; /* "key", "certificate" */

/* What a file holds; nothing of it is verified yet. */
struct signature {
    enum signature_method method;
    char hint[SHA256_HEX_SIZE]; /* "": none */
    struct buffer key;          /* PEM; empty: none */
    unsigned chain_count;
    struct buffer chain[CRYPTO_CHAIN_MAX]; /* DER, leaf first */
    struct buffer payload;
    struct envelope_signature bytes;
};

/* Whom to believe; keys are borrowed and of crypto_key_kind P-256 to P-521. */
struct signature_trust {
    const struct crypto_public_key *const *keys;
    size_t key_count;
    struct crypto_anchors anchors; /* authorities_size 0: none */
    int64_t now;                   /* seconds since 1970 */
};

/* Who signed. */
struct signature_signer {
    size_t key_index;                        /* of the trusted key; by certificate: 0 */
    uint8_t key_sha256[SHA256_SIZE];         /* of the key's DER SubjectPublicKeyInfo */
    uint8_t certificate_sha256[SHA256_SIZE]; /* by certificate: of the leaf's DER … */
    uint8_t authority_sha256[SHA256_SIZE];   /* … and the root's */
    char identity[CRYPTO_IDENTITY_SIZE];     /* by certificate: as it was asked for */
};

/* Reads a file. ERROR_BAD_INPUT, -EBADMSG. On success signature_free() the result. */
MUST_USE int signature_parse(const void *text, size_t size, struct signature *ret_signature, struct error *err);

/* Whether somebody trusted signed the payload. ERROR_MISMATCH, -EBADMSG: nobody did. */
MUST_USE int signature_verify(const struct signature *signature, const struct signature_trust *trust,
                              struct signature_signer *ret_signer, struct error *err);

void signature_free(struct signature *signature);
#define CLEANUP_SIGNATURE CLEANUP(signature_free)

#endif
