/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X.509 chains (RFC 5280) of those who sign models: a leaf for signing, intermediates, and the caller's own
 * authorities.
 *
 * Call where no key is held: DER and PEM of foreign origin are parsed here.
 */
#ifndef LAZARET_HOST_CRYPTO_CERTIFICATE_H
#define LAZARET_HOST_CRYPTO_CERTIFICATE_H

#include "host/crypto/key.h"

#define CRYPTO_CHAIN_MAX        8u                    /* certificates of one chain, without the authority */
#define CRYPTO_CERTIFICATE_MAX  ((size_t)16 * 1024)   /* DER bytes of one */
#define CRYPTO_AUTHORITIES_MAX  64u                   /* certificates that are trusted */
#define CRYPTO_AUTHORITIES_SIZE ((size_t)1024 * 1024) /* PEM bytes of all of them */
#define CRYPTO_IDENTITY_SIZE    256u                  /* with the final NUL */
#define CRYPTO_IDENTITIES_MAX   64u

struct crypto_der {
    const uint8_t *data;
    size_t size;
};

/* Whom to believe; borrowed. */
struct crypto_anchors {
    const void *authorities; /* PEM certificates, one after the other; self-signed roots end the chain */
    size_t authorities_size;
    const char *const *identities; /* one must be the leaf's: see crypto_chain_verify() */
    size_t identity_count;
};

/* What a chain that holds says. */
struct crypto_leaf {
    struct crypto_public_key *key;           /* owned */
    uint8_t certificate_sha256[SHA256_SIZE]; /* of the leaf's DER */
    uint8_t authority_sha256[SHA256_SIZE];   /* of the trusted root's */
    char identity[CRYPTO_IDENTITY_SIZE];     /* the one that was asked for */
};

/*
 * Verifies a chain, leaf first, at `now` (seconds since 1970): each certificate is signed by the next and within its
 * time, the last by a trusted root; CAs are CAs (basicConstraints, keyCertSign); 112 bits of security at least (RSA
 * 2048, SHA-256). The leaf is for signing: extendedKeyUsage, where it has one, names codeSigning; keyUsage, where it
 * has one, digitalSignature; and it has one of the two. A CA below the root that has an extendedKeyUsage names
 * codeSigning too. An identity is the leaf's where it is, byte for byte, one of its subjectAltNames (e-mail, URI, DNS
 * name) or its whole subject in RFC 2253's form. There is no revocation: what is not trusted any more is taken from the
 * anchors.
 *
 * ERROR_MISMATCH, -EBADMSG: the chain does not hold; the text says why and is printable. ERROR_BAD_INPUT, -EBADMSG: the
 * authorities are no certificates. On success crypto_leaf_free() the result.
 */
MUST_USE int crypto_chain_verify(const struct crypto_der *chain, size_t count, const struct crypto_anchors *anchors,
                                 int64_t now, struct crypto_leaf *ret_leaf, struct error *err);

/* Whether the text is one certificate in PEM or more; ERROR_BAD_INPUT, `name` begins the text. */
MUST_USE int crypto_authorities_check(const void *pem, size_t size, const char *name, struct error *err);

void crypto_leaf_free(struct crypto_leaf *leaf);
#define CLEANUP_CRYPTO_LEAF CLEANUP(crypto_leaf_free)

#endif
