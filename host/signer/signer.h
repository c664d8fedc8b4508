/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signer: a confined process that alone holds the private key.
 *
 * It signs nothing but the pre-authentication encoding of bytes that it has itself found to be canonical and of the one
 * schema that it was started for (attest/statement.h, approve/document.h), so that whoever takes over the monitor can
 * make it sign a false result, but never a release or another kind of document.
 */
#ifndef LAZARET_HOST_SIGNER_H
#define LAZARET_HOST_SIGNER_H

#include "base/error.h"
#include "digest/sha256.h"
#include "host/crypto/signature.h"

struct signer;

/* Whether bytes are of the kind that a signer signs; ERROR_BAD_INPUT, -EBADMSG where not. Runs in the signer. */
typedef int signer_accept(const void *bytes, size_t size, struct error *err);

/*
 * Forks the signer, which loads the key (a file, or one in a token by its PKCS #11 URI) before it gives up everything
 * else; the caller's memory holds neither it nor its passphrase, which the signer itself reads or asks for. Call before
 * the process has threads. Errors are those of crypto_private_key_open() and confine_self().
 */
MUST_USE int signer_start_for(signer_accept *accept, const char *key_name, const struct crypto_passphrase *passphrase,
                              struct signer **ret_signer, struct error *err);

/* The same for results. */
MUST_USE int signer_start_with(const char *key_name, const struct crypto_passphrase *passphrase,
                               struct signer **ret_signer, struct error *err);

/* The same without a passphrase. */
MUST_USE int signer_start(const char *key_path, struct signer **ret_signer, struct error *err);

/* The public half of the signer's key; borrowed, lives as long as the signer. */
const struct crypto_public_key *signer_public_key(const struct signer *signer);

/*
 * Signs a statement. ERROR_BAD_INPUT, -EBADMSG where the signer refuses the bytes (the text says
 * why; the signer lives on); ERROR_INTERNAL, -ETIMEDOUT or another negative errno where it does not
 * answer, and it is then of no more use.
 */
MUST_USE int signer_sign(struct signer *signer, const void *statement, size_t size,
                         uint8_t ret_signature[CRYPTO_SIGNATURE_MAX], size_t *ret_size, uint64_t deadline_ns,
                         struct error *err);

/* Ends the process and waits for it; NULL is fine. */
void signer_free(struct signer *signer);

static inline void signer_drop(struct signer **signer)
{
    signer_free(*signer);
}

#define CLEANUP_SIGNER CLEANUP(signer_drop)

#endif
