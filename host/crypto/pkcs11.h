/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys in hardware security modules, named by PKCS #11 URIs (RFC 7512):
 * pkcs11:token=LABEL;object=LABEL;type=private[?pin-source=file:/PATH][&module-path=/PATH.so].
 *
 * OpenSSL's engine for PKCS #11 (libp11) does the talking. It is loaded when such a key is asked for, and no sooner.
 */
#ifndef LAZARET_HOST_CRYPTO_PKCS11_H
#define LAZARET_HOST_CRYPTO_PKCS11_H

#include "base/buffer.h"
#include "base/error.h"

#include <limits.h>
#include <stdbool.h>

#define CRYPTO_PKCS11_URI_MAX 1024u

/* Whether a key's name is such a URI, and not a file's. */
bool crypto_name_is_pkcs11(const char *name);

/* A URI taken apart: what says where the PIN and the module are, apart from what names the key. */
struct crypto_pkcs11_uri {
    char key[CRYPTO_PKCS11_URI_MAX]; /* with type=private, without PIN and module */
    char pin_file[PATH_MAX];         /* empty: not named */
    char module[PATH_MAX];           /* empty: the engine's own choice, p11-kit's proxy */
};

/*
 * Takes a URI apart. ERROR_USAGE, -EINVAL where it is none, names no key (object or id), or holds the PIN itself
 * (pin-value), which every user of the machine could read in the list of processes.
 */
MUST_USE int crypto_pkcs11_parse(const char *text, struct crypto_pkcs11_uri *ret_uri, struct error *err);

#endif
