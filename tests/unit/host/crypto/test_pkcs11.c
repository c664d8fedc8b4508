/* SPDX-License-Identifier: Apache-2.0 */
/* URIs of keys in tokens: what is taken apart, and what is refused. tests/interop/hsm signs with them. */
#include "host/crypto/key.h"
#include "host/crypto/pkcs11.h"
#include "unit/host/crypto/tests.h"

#include <errno.h>
#include <string.h>

struct uri_case {
    const char *text, *key, *pin_file, *module; /* key NULL: refused */
};

void test_pkcs11_uris(void)
{
    static const struct uri_case cases[] = {
        {"pkcs11:token=a;object=b;type=private", "pkcs11:token=a;object=b;type=private", "", ""},
        {"pkcs11:object=b", "pkcs11:object=b;type=private", "", ""},
        {"pkcs11:id=%01%02", "pkcs11:id=%01%02;type=private", "", ""},
        {"pkcs11:token=My%20Token;id=%01", "pkcs11:token=My%20Token;id=%01;type=private", "", ""},
        {"pkcs11:object=b?pin-source=file:/p", "pkcs11:object=b;type=private", "/p", ""},
        {"pkcs11:object=b?pin-source=/p&module-path=/m.so", "pkcs11:object=b;type=private", "/p", "/m.so"},
        {"pkcs11:object=b?pin-source=file:///p%20q", "pkcs11:object=b;type=private", "/p q", ""},
        {"pkcs11:object=b;pin-source=file:/p", "pkcs11:object=b;type=private", "/p", ""},
        {"pkcs11:object=b?pin-value=1234", NULL, NULL, NULL},
        {"pkcs11:object=b;pin-value=1234", NULL, NULL, NULL},
        {"pkcs11:object=b;type=cert", NULL, NULL, NULL},
        {"pkcs11:object=b;type=private2", NULL, NULL, NULL},
        {"pkcs11:token=a", NULL, NULL, NULL},
        {"pkcs11:", NULL, NULL, NULL},
        {"pkcs11:object=b;token", NULL, NULL, NULL},
        {"pkcs11:object=b?pin-source=relative", NULL, NULL, NULL},
        {"pkcs11:object=b?pin-source=|/bin/sh", NULL, NULL, NULL},
        {"pkcs11:object=b?pin-source=/p%2", NULL, NULL, NULL},
        {"pkcs11:object=b?pin-source=/p%zz", NULL, NULL, NULL},
        {"pkcs11:object=b?pin-source=/p%00", NULL, NULL, NULL},
        {"pkcs11:object=b?module-path=m.so", NULL, NULL, NULL},
        {"key.pem", NULL, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct crypto_pkcs11_uri uri = {.key = "untouched"};
        struct error err = {0};
        int r = crypto_pkcs11_parse(cases[i].text, &uri, &err);

        CU_ASSERT_EQUAL(r, cases[i].key != NULL ? 0 : -EINVAL);
        if (r < 0) {
            CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
            CU_ASSERT_STRING_EQUAL(uri.key, "untouched");
            CU_ASSERT_PTR_NULL(strstr(err.text, "1234"));
            continue;
        }
        CU_ASSERT_STRING_EQUAL(uri.key, cases[i].key);
        CU_ASSERT_STRING_EQUAL(uri.pin_file, cases[i].pin_file);
        CU_ASSERT_STRING_EQUAL(uri.module, cases[i].module);
    }
}

void test_pkcs11_long(void)
{
    char text[CRYPTO_PKCS11_URI_MAX + 64] = "pkcs11:object=";
    struct crypto_pkcs11_uri uri;
    struct error err = {0};

    for (size_t size = strlen(text); size < sizeof text - 1; size++) {
        int r;

        text[size] = 'x';
        text[size + 1] = '\0';
        r = crypto_pkcs11_parse(text, &uri, &err);
        if (r == 0)
            CU_ASSERT_STRING_EQUAL(uri.key + strlen(uri.key) - 13, ";type=private");
        CU_ASSERT_EQUAL(r, size + 1 <= CRYPTO_PKCS11_URI_MAX - sizeof ";type=private" ? 0 : -EINVAL);
    }
}
