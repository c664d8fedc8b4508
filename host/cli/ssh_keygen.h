/* SPDX-License-Identifier: Apache-2.0 */
/* Signing by OpenSSH's own program, which knows its keys' files, passphrases and the agent. */
#ifndef LAZARET_HOST_CLI_SSH_KEYGEN_H
#define LAZARET_HOST_CLI_SSH_KEYGEN_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

/*
 * Whether a file is a private key of OpenSSH's own form, or a public one, whose private half the agent holds. Only its
 * first line is looked at. Errors: it can't be read.
 */
MUST_USE int ssh_keygen_is_key(const char *path, bool *ret_is_key, struct error *err);

/*
 * Runs `ssh-keygen -Y sign -n NAMESPACE -f KEY` on the message and appends the armored signature. It may ask for a
 * passphrase on the terminal. ERROR_UNAVAILABLE where there is no such program; ERROR_BAD_INPUT where it does not sign:
 * it has then said why on standard error.
 */
MUST_USE int ssh_keygen_sign(const char *key_path, const char *namespace, const struct buffer *message,
                             struct buffer *ret_signature, struct error *err);

#endif
