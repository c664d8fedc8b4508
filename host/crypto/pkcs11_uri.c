/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS #11 URIs (RFC 7512, 2.3): attributes apart by ';' in the path, by '&' in the query, percent-encoded. */
#include "host/crypto/pkcs11.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "pkcs11:"

bool crypto_name_is_pkcs11(const char *name)
{
    return strncmp(name, SCHEME, sizeof SCHEME - 1) == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes percent signs; a NUL is none of a path's bytes. */
static int decode(const char *text, size_t size, char ret_path[PATH_MAX])
{
    size_t used = 0;

    for (size_t i = 0; i < size; i++) {
        char byte = text[i];

        if (byte == '%') {
            int high = i + 2 < size ? hex_digit(text[i + 1]) : -1, low = i + 2 < size ? hex_digit(text[i + 2]) : -1;

            if (high < 0 || low < 0)
                return -EINVAL;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        if (byte == '\0' || used + 1 >= PATH_MAX)
            return -EINVAL;
        ret_path[used++] = byte;
    }
    ret_path[used] = '\0';
    return used > 0 ? 0 : -EINVAL;
}

static bool named(const char *attribute, const char *name)
{
    size_t size = strlen(name);

    return strncmp(attribute, name, size) == 0 && attribute[size] == '=';
}

static int use_path(const char *attribute, size_t size, const char *name, char ret_path[PATH_MAX], struct error *err)
{
    const char *value = strchr(attribute, '=') + 1;
    size_t length = size - (size_t)(value - attribute);

    if (length > 5 && strncmp(value, "file:", 5) == 0) {
        value += 5;
        length -= 5;
    }
    if (length > 2 && strncmp(value, "//", 2) == 0) /* file:///path */
        value += 2, length -= 2;
    if (decode(value, length, ret_path) < 0 || ret_path[0] != '/')
        return error_set(err, ERROR_USAGE, -EINVAL, "the key's URI: %s takes the absolute path of a file", name);
    return 0;
}

/* One attribute; what names the key is kept as it is written. */
static int use_attribute(const char *attribute, size_t size, struct crypto_pkcs11_uri *uri, bool *has_type,
                         struct error *err)
{
    size_t used = strlen(uri->key);

    if (named(attribute, "pin-value"))
        return error_set(
            err, ERROR_USAGE, -EINVAL,
            "the key's URI holds the PIN (pin-value), where every user of this machine sees it; put it into "
            "a file of mode 0600 and use pin-source=file:/PATH or --passphrase-file FILE");
    if (named(attribute, "pin-source"))
        return use_path(attribute, size, "pin-source", uri->pin_file, err);
    if (named(attribute, "module-path"))
        return use_path(attribute, size, "module-path", uri->module, err);
    if (named(attribute, "type")) {
        if (size != sizeof "type=private" - 1 || strncmp(attribute, "type=private", size) != 0)
            return error_set(err, ERROR_USAGE, -EINVAL, "the key's URI: type=private expected, not \"%.*s\"", (int)size,
                             attribute);
        *has_type = true;
    }
    if (memchr(attribute, '=', size) == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "the key's URI: \"%.*s\" is no attribute (name=value)", (int)size,
                         attribute);
    (void)snprintf(uri->key + used, sizeof uri->key - used, "%s%.*s", used >= sizeof SCHEME ? ";" : "", (int)size,
                   attribute);
    return 0;
}

int crypto_pkcs11_parse(const char *text, struct crypto_pkcs11_uri *ret_uri, struct error *err)
{
    struct crypto_pkcs11_uri uri = {.key = SCHEME};
    const char *at = text + sizeof SCHEME - 1;
    bool has_type = false;
    int r = 0;

    if (!crypto_name_is_pkcs11(text) || strlen(text) > CRYPTO_PKCS11_URI_MAX - sizeof ";type=private")
        return error_set(err, ERROR_USAGE, -EINVAL, "no PKCS #11 URI of fewer than %u bytes: \"%.80s\"",
                         CRYPTO_PKCS11_URI_MAX, text);
    while (r == 0 && *at != '\0') {
        size_t size = strcspn(at, ";?&");

        if (size > 0)
            r = use_attribute(at, size, &uri, &has_type, err);
        at += size;
        at += *at != '\0';
    }
    if (r < 0)
        return r;
    if (strstr(uri.key, ":object=") == NULL && strstr(uri.key, ";object=") == NULL && strstr(uri.key, ":id=") == NULL &&
        strstr(uri.key, ";id=") == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "the key's URI names no key: pkcs11:token=LABEL;object=LABEL;type=private");
    if (!has_type)
        (void)snprintf(uri.key + strlen(uri.key), sizeof uri.key - strlen(uri.key), ";type=private");
    *ret_uri = uri;
    return 0;
}
