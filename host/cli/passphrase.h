/* SPDX-License-Identifier: Apache-2.0 */
/* Passphrases and PINs on the command line's side: the option, and the prompt on the terminal. */
#ifndef LAZARET_HOST_CLI_PASSPHRASE_H
#define LAZARET_HOST_CLI_PASSPHRASE_H

#include "host/cli/options.h"
#include "host/crypto/passphrase.h"

/* --passphrase-file FILE, of every command that uses a private key; `value` is a const char *. */
#define CLI_OPTION_PASSPHRASE_FILE(value)                                                                              \
    CLI_OPTION_TEXT("passphrase-file", "FILE",                                                                         \
                    "the key's passphrase or PIN: FILE's first line (default: asked for on the terminal)", value)

/*
 * Asks on the terminal, without echo; for struct crypto_passphrase.ask. ERROR_USAGE, -ENOTTY where there is no
 * terminal, -ECANCELED where it is interrupted or empty.
 */
MUST_USE int cli_ask_passphrase(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err);

/* Asks for a new one, twice; ERROR_USAGE, -EINVAL where the two differ. */
MUST_USE int cli_ask_new_passphrase(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err);

#endif
