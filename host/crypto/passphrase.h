/* SPDX-License-Identifier: Apache-2.0 */
/* Where the passphrase of a key, or the PIN of a token, comes from: a file's first line, or whoever sits there. */
#ifndef LAZARET_HOST_CRYPTO_PASSPHRASE_H
#define LAZARET_HOST_CRYPTO_PASSPHRASE_H

#include "base/error.h"

#define CRYPTO_PASSPHRASE_SIZE 1025u /* 1,024 bytes and a NUL */

/*
 * The sources, tried in this order; both NULL: there is none. The process that loads the key is the one that reads the
 * file, or calls `ask`, which asks for `what` ("passphrase of key.pem"); the caller wipes the text. An error of `ask`
 * is the caller's, as it stands.
 */
struct crypto_passphrase {
    const char *file;
    int (*ask)(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err);
};

/*
 * Gets a passphrase from a source, which may be NULL. ERROR_BAD_INPUT: the file may be read by group or others
 * (-EACCES), its first line is empty, too long or holds a NUL (-EBADMSG), or there is no source (-ENOKEY);
 * ERROR_NO_INPUT where it can't be read. Wipe it with crypto_passphrase_wipe().
 */
MUST_USE int crypto_passphrase_get(const struct crypto_passphrase *source, const char *what,
                                   char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err);

void crypto_passphrase_wipe(char text[CRYPTO_PASSPHRASE_SIZE]);

#endif
