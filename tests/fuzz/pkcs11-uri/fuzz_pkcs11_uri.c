/* SPDX-License-Identifier: Apache-2.0 */
/* Names of keys in tokens (RFC 7512). What is accepted names a private key, and holds neither PIN nor module. */
#include "host/crypto/pkcs11.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FREE char *text = strndup((const char *)data, size);
    static struct crypto_pkcs11_uri uri;
    struct error err = {0};

    if (text == NULL)
        return 0;
    if (crypto_pkcs11_parse(text, &uri, &err) < 0) {
        if (err.kind == ERROR_NONE || err.text[0] == '\0')
            abort();
        return 0;
    }
    if (!crypto_name_is_pkcs11(uri.key) || strnlen(uri.key, sizeof uri.key) == sizeof uri.key)
        abort();
    for (const char *at = uri.key; at != NULL; at = strchr(at, ';')) {
        at += *at == ';' ? 1 : sizeof "pkcs11:" - 1;
        if (strncmp(at, "pin-value=", 10) == 0 || strncmp(at, "pin-source=", 11) == 0 ||
            strncmp(at, "module-path=", 12) == 0)
            abort();
    }
    return 0;
}
