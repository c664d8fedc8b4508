/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures: published vectors, tampering, file modes, foreign kinds of key. */
#include "host/crypto/ed25519.h"
#include "host/crypto/signature.h"
#include "unit/host/crypto/tests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/lazaret-crypto-XXXXXX";
static char prefix[64], private_path[64], public_path[64];

/* RFC 6979, A.2.5: P-256, the key, and the signature with SHA-256 of "sample". */
static const char rfc_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                                 "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
                                 "-----END PUBLIC KEY-----\n";
static const char rfc_r[] = "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716";
static const char rfc_s[] = "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8";

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs(text, file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(chmod(path, mode), 0);
}

/* INTEGER of a 32-byte big-endian hexadecimal number whose first bit is set. */
static size_t der_integer(uint8_t *out, const char *hex)
{
    out[0] = 0x02, out[1] = 33, out[2] = 0;
    for (size_t i = 0; i < 32; i++) {
        unsigned byte;

        CU_ASSERT_EQUAL(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[3 + i] = (uint8_t)byte;
    }
    return 35;
}

static void test_rfc6979_vector(void)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    uint8_t signature[CRYPTO_SIGNATURE_MAX] = {0x30, 70};
    size_t size = 2;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(crypto_public_key_parse(rfc_public, strlen(rfc_public), "rfc", &key, &err), 0);
    size += der_integer(signature + size, rfc_r);
    size += der_integer(signature + size, rfc_s);
    CU_ASSERT_EQUAL(crypto_verify(key, "sample", 6, signature, size, &err), 0);
    CU_ASSERT_EQUAL(crypto_verify(key, "simple", 6, signature, size, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
}

static void test_generate(void)
{
    CLEANUP_PRIVATE_KEY struct crypto_private_key *key = NULL;
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL, *derived = NULL;
    uint8_t made[SHA256_SIZE], loaded[SHA256_SIZE], of_derived[SHA256_SIZE];
    struct error err = {0};
    struct stat status;

    CU_ASSERT_EQUAL_FATAL(crypto_key_generate(prefix, made, &err), 0);
    CU_ASSERT_EQUAL(stat(private_path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 07777, 0600);
    CU_ASSERT_EQUAL(stat(public_path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 07777, 0644);
    CU_ASSERT_EQUAL(crypto_key_generate(prefix, loaded, &err), -EEXIST);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_EQUAL_FATAL(crypto_private_key_load(private_path, &key, &err), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_public_key_load(public_path, &public, &err), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_private_key_get_public(key, &derived, &err), 0);
    CU_ASSERT_EQUAL(crypto_public_key_fingerprint(public, loaded, &err), 0);
    CU_ASSERT_EQUAL(crypto_public_key_fingerprint(derived, of_derived, &err), 0);
    CU_ASSERT_EQUAL(memcmp(made, loaded, SHA256_SIZE), 0);
    CU_ASSERT_EQUAL(memcmp(made, of_derived, SHA256_SIZE), 0);
}

static void test_generate_leaves_nothing(void)
{
    uint8_t made[SHA256_SIZE];
    struct error err = {0};
    char path[96];

    (void)snprintf(path, sizeof path, "%s/no/such/folder", folder);
    CU_ASSERT_EQUAL(crypto_key_generate(path, made, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    /* Only the public file is in the way: no private one appears beside it. */
    (void)snprintf(path, sizeof path, "%s/half.pub.pem", folder);
    write_file(path, "mine", 0644);
    (void)snprintf(path, sizeof path, "%s/half", folder);
    CU_ASSERT_EQUAL(crypto_key_generate(path, made, &err), -EEXIST);
    (void)snprintf(path, sizeof path, "%s/half.pem", folder);
    CU_ASSERT_EQUAL(access(path, F_OK), -1);
    (void)snprintf(path, sizeof path, "%s/half.pub.pem", folder);
    CU_ASSERT_EQUAL(unlink(path), 0);
}

static void test_modes(void)
{
    struct crypto_private_key *key = NULL;
    struct error err = {0};
    static const mode_t open_modes[] = {0640, 0604, 0620, 0601, 0644, 0777};

    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        CU_ASSERT_EQUAL(chmod(private_path, open_modes[i]), 0);
        CU_ASSERT_EQUAL(crypto_private_key_load(private_path, &key, &err), -EACCES);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "chmod 600"));
    }
    /* The public half is the more frequent mistake, and its mode is no fault. */
    CU_ASSERT_EQUAL(crypto_private_key_load(public_path, &key, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a public key; the private one"));
    CU_ASSERT_EQUAL(chmod(private_path, 0400), 0);
    CU_ASSERT_EQUAL(crypto_private_key_load(private_path, &key, &err), 0);
    crypto_private_key_free(key);
    CU_ASSERT_EQUAL(chmod(private_path, 0600), 0);
}

static void test_every_flipped_bit_fails(void)
{
    CLEANUP_PRIVATE_KEY struct crypto_private_key *key = NULL;
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    uint8_t signature[CRYPTO_SIGNATURE_MAX + 1] = {0};
    char text[] = "what was found";
    size_t size = 0;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(crypto_private_key_load(private_path, &key, &err), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_private_key_get_public(key, &public, &err), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_sign(key, text, sizeof text, signature, &size, &err), 0);
    CU_ASSERT_EQUAL(crypto_verify(public, text, sizeof text, signature, size, &err), 0);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CU_ASSERT_EQUAL(crypto_verify(public, text, sizeof text, signature, size, &err), -EBADMSG);
        signature[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = 0; bit < 8 * sizeof text; bit++) {
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        CU_ASSERT_EQUAL(crypto_verify(public, text, sizeof text, signature, size, &err), -EBADMSG);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++)
        CU_ASSERT_EQUAL(crypto_verify(public, text, sizeof text, signature, cut, &err), -EBADMSG);
    CU_ASSERT_EQUAL(crypto_verify(public, text, sizeof text, signature, size + 1, &err), -EBADMSG);
}

static void test_foreign_keys(void)
{
    /* Ed25519 (RFC 8410, 10.3 and 10.1), which a bundle's verifiers need not accept. */
    static const char ed25519_private[] = "-----BEGIN PRIVATE KEY-----\n"
                                          "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                          "-----END PRIVATE KEY-----\n";
    static const char ed25519_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                         "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                         "-----END PUBLIC KEY-----\n";
    struct crypto_private_key *key = NULL;
    struct crypto_public_key *public = NULL;
    struct error err = {0};
    char path[96];

    (void)snprintf(path, sizeof path, "%s/foreign.pem", folder);
    write_file(path, ed25519_private, 0600);
    CU_ASSERT_EQUAL(crypto_private_key_load(path, &key, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "P-256"));
    write_file(path, "", 0600);
    CU_ASSERT_EQUAL(crypto_private_key_load(path, &key, &err), -EBADMSG);
    write_file(path, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n", 0600);
    CU_ASSERT_EQUAL(crypto_private_key_load(path, &key, &err), -EBADMSG);
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(crypto_private_key_load(path, &key, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    CU_ASSERT_EQUAL(crypto_private_key_load(folder, &key, &err), -EINVAL);
    CU_ASSERT_EQUAL(crypto_public_key_parse(ed25519_public, sizeof ed25519_public, "k", &public, &err), -EBADMSG);
    CU_ASSERT_EQUAL(crypto_public_key_load(private_path, &public, &err), -EBADMSG);
    CU_ASSERT_PTR_NULL(key);
    CU_ASSERT_PTR_NULL(public);
}

/* RFC 8032, 7.1, TEST 2: the key, its public half, and the signature of the one byte 0x72. */
static const char ed25519_private[] = "-----BEGIN PRIVATE KEY-----\n"
                                      "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
                                      "-----END PRIVATE KEY-----\n";
static const char ed25519_half[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char ed25519_signature[] = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                                        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

static void expect_hex(const uint8_t *bytes, size_t size, const char *hex)
{
    char text[2 * CRYPTO_ED25519_SIGNATURE_SIZE + 1];

    for (size_t i = 0; i < size; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    CU_ASSERT_STRING_EQUAL(text, hex);
}

static void test_rfc8032_vector(void)
{
    CLEANUP_ED25519 struct crypto_ed25519 *key = NULL;
    uint8_t signature[CRYPTO_ED25519_SIGNATURE_SIZE];
    struct error err = {0};
    unsigned accepted = 0;

    write_file(private_path, ed25519_private, 0600);
    CU_ASSERT_EQUAL_FATAL(crypto_ed25519_load(private_path, &key, &err), 0);
    expect_hex(crypto_ed25519_public(key), CRYPTO_ED25519_PUBLIC_SIZE, ed25519_half);
    CU_ASSERT_EQUAL(crypto_ed25519_sign(key, "\x72", 1, signature, &err), 0);
    expect_hex(signature, sizeof signature, ed25519_signature);
    CU_ASSERT_EQUAL(crypto_ed25519_verify(crypto_ed25519_public(key), "\x72", 1, signature, &err), 0);
    CU_ASSERT_EQUAL(crypto_ed25519_verify(crypto_ed25519_public(key), "\x73", 1, signature, &err), -EBADMSG);
    for (unsigned bit = 0; bit < 8 * sizeof signature; bit++) {
        signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        accepted += crypto_ed25519_verify(crypto_ed25519_public(key), "\x72", 1, signature, &err) == 0;
        signature[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    CU_ASSERT_EQUAL(accepted, 0);
    (void)unlink(private_path);
}

static void test_ed25519_files(void)
{
    CLEANUP_PRIVATE_KEY struct crypto_private_key *other = NULL;
    CLEANUP_ED25519 struct crypto_ed25519 *key = NULL;
    uint8_t fingerprint[SHA256_SIZE];
    struct error err = {0};
    struct stat status;

    CU_ASSERT_EQUAL_FATAL(crypto_ed25519_generate(private_path, &err), 0);
    CU_ASSERT_EQUAL(stat(private_path, &status), 0);
    CU_ASSERT_EQUAL(status.st_mode & 07777, 0600);
    CU_ASSERT_EQUAL(crypto_ed25519_generate(private_path, &err), -EEXIST);
    CU_ASSERT_EQUAL(crypto_private_key_load(private_path, &other, &err), -EBADMSG); /* no key for results */
    CU_ASSERT_EQUAL(chmod(private_path, 0640), 0);
    CU_ASSERT_EQUAL(crypto_ed25519_load(private_path, &key, &err), -EACCES);
    CU_ASSERT_EQUAL(unlink(private_path), 0);
    CU_ASSERT_EQUAL(crypto_ed25519_load(private_path, &key, &err), -ENOENT);
    (void)unlink(public_path);
    CU_ASSERT_EQUAL_FATAL(crypto_key_generate(prefix, fingerprint, &err), 0);
    CU_ASSERT_EQUAL(crypto_ed25519_load(private_path, &key, &err), -EBADMSG); /* nor one for ledgers */
    CU_ASSERT_PTR_NULL(key);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"RFC 6979's vector", test_rfc6979_vector},
        {"generate", test_generate},
        {"generate leaves nothing", test_generate_leaves_nothing},
        {"file modes", test_modes},
        {"every flipped bit fails", test_every_flipped_bit_fails},
        {"foreign keys", test_foreign_keys},
        {"RFC 8032's vector", test_rfc8032_vector},
        {"files of Ed25519 keys", test_ed25519_files},
        {"public keys of every kind", test_public_kinds},
        {"signatures of other keys", test_public_crossed},
        {"public keys that are refused", test_public_refused},
        {"timestamps, judged", test_timestamp_judged},
        {"timestamps without anchors", test_timestamp_claims},
        {"timestamps by an authority's file", test_timestamp_by_path},
        {"timestamps, every bit turned", test_timestamp_tampered},
        {"requests of timestamps", test_timestamp_requests},
        {"keys that openssl encrypted", test_passphrase_openssl},
        {"files of passphrases", test_passphrase_files},
        {"keys that we encrypt", test_passphrase_generate},
        {"URIs of keys in tokens", test_pkcs11_uris},
        {"long URIs", test_pkcs11_long},
    };
    int status;

    if (mkdtemp(folder) == NULL || test_passphrase_begin() != 0)
        return 1;
    (void)snprintf(prefix, sizeof prefix, "%s/key", folder);
    (void)snprintf(private_path, sizeof private_path, "%s.pem", prefix);
    (void)snprintf(public_path, sizeof public_path, "%s.pub.pem", prefix);
    status = harness_run("host/crypto", tests, HARNESS_COUNT(tests));
    (void)unlink(private_path);
    (void)unlink(public_path);
    return rmdir(folder) == 0 && test_passphrase_end() == 0 ? status : 1;
}
