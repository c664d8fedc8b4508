/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of every kind, and signatures that the openssl program made with their private halves. */
#include "base/file.h"
#include "host/crypto/signature.h"
#include "unit/host/crypto/tests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIXTURES "tests/fixtures/keys/" /* made with openssl genpkey, dgst -sign and pkeyutl -sign */

struct kind_case {
    const char *name;
    enum crypto_key_kind kind;
    const char *fingerprint; /* openssl pkey -pubin -outform DER | sha256sum */
};

static const struct kind_case cases[] = {
    {"p256", CRYPTO_KEY_P256, "0f0eadb662ee820d3a4c52c36e982a3483efb0362638869d2e513bc1f985fb10"},
    {"p384", CRYPTO_KEY_P384, "d9f3fef6a2a37733d733cc1fe712f6be06d27303095a6344d1290b6948a1896f"},
    {"p521", CRYPTO_KEY_P521, "ae4494c322ca1796d4c104351c4d53173e6b049dd2bc32e9846bee51953cf310"},
    {"ed25519", CRYPTO_KEY_ED25519, "4b2677b7f871b340adee3dc571bf0eb582d0ba08da0e01e4839863b8c21957a2"},
    {"rsa", CRYPTO_KEY_RSA, "e67f090e8e08f3d48b7e1472d321cd53073e3066a368e06d4e3d2ef938ba4ab1"},
};

static size_t read_fixture(const char *name, const char *suffix, uint8_t *ret_bytes, size_t room)
{
    char path[96];
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof path, FIXTURES "%s%s", name, suffix);
    file = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size = fread(ret_bytes, 1, room, file);
    (void)fclose(file);
    return size;
}

/* Any kind of key of a file. */
static int load_any(const char *path, struct crypto_public_key **ret_key, struct error *err)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX);
    int r = file_read_bounded(path, &pem, err);

    return r < 0 ? r : crypto_public_key_parse_any(pem.data, pem.size, path, ret_key, err);
}

static struct crypto_public_key *load(const char *name)
{
    struct crypto_public_key *key = NULL;
    struct error err = {0};
    char path[96];

    (void)snprintf(path, sizeof path, FIXTURES "%s.pub.pem", name);
    CU_ASSERT_EQUAL_FATAL(load_any(path, &key, &err), 0);
    return key;
}

static void check_kind(const struct kind_case *one)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = load(one->name);
    uint8_t text[64], signature[512], fingerprint[SHA256_SIZE];
    size_t text_size = read_fixture("text", "", text, sizeof text);
    size_t size = read_fixture(one->name, ".sig", signature, sizeof signature);
    char hex[SHA256_HEX_SIZE];
    struct error err = {0};

    CU_ASSERT_EQUAL(crypto_public_key_kind(key), one->kind);
    CU_ASSERT_EQUAL(crypto_public_key_fingerprint(key, fingerprint, &err), 0);
    sha256_to_hex(fingerprint, hex);
    CU_ASSERT_STRING_EQUAL(hex, one->fingerprint);
    CU_ASSERT_EQUAL(crypto_verify(key, text, text_size, signature, size, &err), 0);
    CU_ASSERT_EQUAL(crypto_verify(key, text, text_size - 1, signature, size, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
    CU_ASSERT_EQUAL(crypto_verify(key, text, text_size, signature, size - 1, &err), -EBADMSG);
    CU_ASSERT_EQUAL(crypto_verify(key, text, text_size, signature, 0, &err), -EBADMSG);
    for (size_t i = 0; i < size; i++) {
        signature[i] ^= (uint8_t)(1U << i % 8);
        CU_ASSERT_EQUAL(crypto_verify(key, text, text_size, signature, size, &err), -EBADMSG);
        signature[i] ^= (uint8_t)(1U << i % 8);
    }
}

void test_public_kinds(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_kind(&cases[i]);
}

/* Each signature only by its own key. */
void test_public_crossed(void)
{
    uint8_t text[64], signature[512];
    size_t text_size = read_fixture("text", "", text, sizeof text);
    struct error err = {0};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CLEANUP_PUBLIC_KEY struct crypto_public_key *key = load(cases[i].name);

        for (size_t j = 0; j < sizeof cases / sizeof cases[0]; j++) {
            size_t size = read_fixture(cases[j].name, ".sig", signature, sizeof signature);

            CU_ASSERT_EQUAL(crypto_verify(key, text, text_size, signature, size, &err), i == j ? 0 : -EBADMSG);
        }
    }
}

/* Results are signed on P-256 alone; short RSA keys and curves of other fields are of no use to anyone. */
void test_public_refused(void)
{
    static const char *const refused[] = {FIXTURES "rsa1024.pub.pem", FIXTURES "k256.pub.pem", FIXTURES "text",
                                          FIXTURES "rsa.sig"};
    struct crypto_public_key *key = NULL;
    struct error err = {0};

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CU_ASSERT_EQUAL(load_any(refused[i], &key, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    }
    CU_ASSERT_EQUAL(load_any(FIXTURES "none", &key, &err), -ENOENT);
    for (size_t i = 1; i < sizeof cases / sizeof cases[0]; i++) {
        char path[96];

        (void)snprintf(path, sizeof path, FIXTURES "%s.pub.pem", cases[i].name);
        CU_ASSERT_EQUAL(crypto_public_key_load(path, &key, &err), -EBADMSG);
    }
    CU_ASSERT_PTR_NULL(key);
}
