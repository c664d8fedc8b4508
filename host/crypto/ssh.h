/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSH's public keys and file signatures, so that people sign with the key they already have.
 *
 * Keys: the line of an id_*.pub file. Types ssh-ed25519 (RFC 8709), ecdsa-sha2-nistp256, -nistp384, -nistp521
 * (RFC 5656, section 3.1) and ssh-rsa (RFC 4253, section 6.6) of 2048 to 8192 bits. Keys that live in a security
 * token (sk-…) are not read: what they sign is another form. The key is the same object as one read from PEM, with
 * the same fingerprint.
 *
 * Signatures: what `ssh-keygen -Y sign` writes (OpenSSH's PROTOCOL.sshsig, version 1), with SHA-256 or SHA-512.
 */
#ifndef LAZARET_HOST_CRYPTO_SSH_H
#define LAZARET_HOST_CRYPTO_SSH_H

#include "host/crypto/key.h"

#include <stdbool.h>

#define CRYPTO_SSH_LINE_MAX ((size_t)8 * 1024) /* bytes of a public key's line; RSA of 8192 bits has some 1400 */
#define CRYPTO_SSHSIG_MAX   ((size_t)8 * 1024) /* bytes of an armored signature */

/* Whether a text begins as an OpenSSH public key does, and not as PEM. */
bool crypto_text_is_ssh_key(const void *text, size_t size);

/*
 * Reads "TYPE BASE64 [COMMENT]", with at most one final newline; `name` begins the error's text. Options, as
 * authorized_keys has them, are refused. ERROR_BAD_INPUT, -EBADMSG.
 */
MUST_USE int crypto_public_key_parse_ssh(const void *line, size_t size, const char *name,
                                         struct crypto_public_key **ret_key, struct error *err);

/*
 * Verifies an armored signature over a message in a namespace; `name` (a file's) begins the error's text. On success
 * *ret_key is the key that signed: whose it is, the caller has to know. ERROR_BAD_INPUT, -EBADMSG where it is not of
 * the form; ERROR_MISMATCH, -EBADMSG where it is of another namespace or not this message's.
 */
MUST_USE int crypto_sshsig_verify(const void *armored, size_t size, const char *name, const char *namespace,
                                  const void *message, size_t message_size, struct crypto_public_key **ret_key,
                                  struct error *err);

#endif
