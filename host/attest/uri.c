/* SPDX-License-Identifier: Apache-2.0 */
/* Absolute URIs. */
#include "host/attest/uri.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char scheme_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
static const char plain_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?@!$&'()*+,;=";
static const char address_characters[] = "0123456789abcdefABCDEFvV:.";

/* Plain characters and percent-encoded bytes, up to `end`. */
static bool is_plain(const char *text, const char *end)
{
    while (text < end) {
        if (*text == '%') {
            if (end - text < 3 || !isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
                return false;
            text += 3;
        } else if (strchr(plain_characters, *text) != NULL) {
            text++;
        } else {
            return false;
        }
    }
    return true;
}

/* [ userinfo "@" ] host [ ":" port ], where the host may be "[" an IP address "]". */
static bool is_authority(const char *text, const char *end, bool *ret_password)
{
    const char *at = memrchr(text, '@', (size_t)(end - text)), *host = at != NULL ? at + 1 : text, *close;

    *ret_password = at != NULL && memchr(text, ':', (size_t)(at - text)) != NULL;
    if (at != NULL && !is_plain(text, at))
        return false;
    if (host < end && *host == '[') {
        close = memchr(host, ']', (size_t)(end - host));
        if (close == NULL || close == host + 1 || host + 1 + strspn(host + 1, address_characters) != close ||
            (close + 1 < end && close[1] != ':'))
            return false;
        host = close + 1;
    }
    return is_plain(host, end);
}

int uri_check(const char *text, const char *name, struct error *err)
{
    size_t scheme = strspn(text, scheme_characters), size = strlen(text);
    const char *next = text + scheme + 1, *fragment, *end;
    bool password = false, valid = true;

    if (size > URI_SIZE_MAX || scheme == 0 || strchr(letters, text[0]) == NULL || text[scheme] != ':' || *next == '\0')
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: an absolute URI of at most %u bytes expected, as https://…",
                         name, URI_SIZE_MAX);
    fragment = strchr(next, '#');
    end = fragment != NULL ? fragment : text + size;
    if (strncmp(next, "//", 2) == 0) {
        const char *authority_end = next + 2 + strcspn(next + 2, "/?#");

        valid = is_authority(next + 2, authority_end, &password);
        next = authority_end;
    }
    if (!valid || !is_plain(next, end) || (fragment != NULL && !is_plain(fragment + 1, text + size)))
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "%s: a character that a URI can't have (RFC 3986); percent-encode it", name);
    return password ? error_set(err, ERROR_USAGE, -EINVAL,
                                "%s: it holds a password, and would be published with the result; leave it out", name)
                    : 0;
}
