/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSH's keys and signatures: made by ssh-keygen here and now, then changed bit by bit. */
#include "base/file.h"
#include "host/crypto/ssh.h"
#include "unit/harness.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define NAMESPACE "lazaret-test"
#define MESSAGE   "what is signed\n"
#define TEXT_MAX  ((size_t)16 * 1024)

static char folder[] = "/tmp/lazaret-ssh-XXXXXX";

/* Kinds of key, as ssh-keygen's options name them. */
static const struct {
    const char *name, *options;
} kinds[] = {
    {"ed25519", "-t ed25519"},   {"p256", "-t ecdsa -b 256"}, {"p384", "-t ecdsa -b 384"},
    {"p521", "-t ecdsa -b 521"}, {"rsa", "-t rsa -b 2048"},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

/* Runs a shell command in the folder. */
__attribute__((format(printf, 1, 2))) static int shell(const char *format, ...)
{
    char command[1024] = "", line[2048];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    (void)snprintf(line, sizeof line, "cd %s && { %s; } >log 2>&1", folder, command);
    return system(line);
}

static void read_text(const char *name, struct buffer *ret_text)
{
    char path[PATH_MAX];
    struct error err = {0};

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (file_read_bounded(path, ret_text, &err) < 0)
        CU_FAIL_FATAL("a file that ssh-keygen should have made is not there");
}

/* The fingerprint of the file's key, which must be one. */
static void fingerprint_of(const char *name, uint8_t ret_fingerprint[SHA256_SIZE])
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(TEXT_MAX);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    struct error err = {0};

    read_text(name, &text);
    if (crypto_public_key_parse_ssh(text.data, text.size, name, &key, &err) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("a key of ssh-keygen's is refused");
    }
    CU_ASSERT_EQUAL(crypto_public_key_fingerprint(key, ret_fingerprint, &err), 0);
}

static int verify(const char *key_name, const char *namespace, const char *message,
                  uint8_t ret_fingerprint[SHA256_SIZE], struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(TEXT_MAX);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    char name[64];
    int r;

    (void)snprintf(name, sizeof name, "%s.sig", key_name);
    read_text(name, &text);
    r = crypto_sshsig_verify(text.data, text.size, name, namespace, message, strlen(message), &key, err);
    if (r == 0)
        CU_ASSERT_EQUAL(crypto_public_key_fingerprint(key, ret_fingerprint, err), 0);
    return r;
}

static void test_keys(void)
{
    for (size_t i = 0; i < KINDS; i++) {
        CLEANUP_BUFFER struct buffer spki = buffer_with_limit(TEXT_MAX);
        uint8_t found[SHA256_SIZE], expected[SHA256_SIZE];
        char name[64];

        (void)snprintf(name, sizeof name, "%s.pub", kinds[i].name);
        fingerprint_of(name, found);
        (void)snprintf(name, sizeof name, "%s.der", kinds[i].name);
        read_text(name, &spki);
        sha256_of(spki.data, spki.size, expected);
        CU_ASSERT_EQUAL(memcmp(found, expected, SHA256_SIZE), 0);
    }
}

/* PEM in every spelling that openssl writes is the same key as the line. */
static void test_spellings(void)
{
    static const char *const options[] = {"", "-conv_form compressed", "-conv_form hybrid", "-param_enc explicit"};
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];

    fingerprint_of("p256.pub", expected);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        CLEANUP_BUFFER struct buffer pem = buffer_with_limit(TEXT_MAX);
        CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
        struct error err = {0};

        CU_ASSERT_EQUAL_FATAL(shell("openssl ec -pubin -inform DER -in p256.der -pubout %s -out spelt.pem", options[i]),
                              0);
        read_text("spelt.pem", &pem);
        if (crypto_public_key_parse_any(pem.data, pem.size, "spelt.pem", &key, &err) < 0)
            continue; /* refused: no second identity either */
        CU_ASSERT_EQUAL(crypto_public_key_fingerprint(key, found, &err), 0);
        CU_ASSERT_EQUAL(memcmp(found, expected, SHA256_SIZE), 0);
    }
}

static void test_signatures(void)
{
    for (size_t i = 0; i < KINDS; i++) {
        uint8_t signer[SHA256_SIZE] = {0}, expected[SHA256_SIZE];
        struct error err = {0};
        char name[64];

        (void)snprintf(name, sizeof name, "%s.pub", kinds[i].name);
        fingerprint_of(name, expected);
        CU_ASSERT_EQUAL(verify(kinds[i].name, NAMESPACE, MESSAGE, signer, &err), 0);
        CU_ASSERT_EQUAL(memcmp(signer, expected, SHA256_SIZE), 0);
        CU_ASSERT_EQUAL(verify(kinds[i].name, NAMESPACE, "what is not signed", signer, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
        CU_ASSERT_EQUAL(verify(kinds[i].name, "file", MESSAGE, signer, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_MISMATCH);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "another namespace"));
    }
}

/* With SHA-256 instead of the default, and RSA's signature with SHA-256 in it. */
static void test_hashes(void)
{
    uint8_t signer[SHA256_SIZE];
    struct error err = {0};

    CU_ASSERT_EQUAL(shell("printf 'what is signed\\n' >m && rm -f m.sig && "
                          "ssh-keygen -Y sign -q -n " NAMESPACE
                          " -O hashalg=sha256 -f ed25519 m && mv m.sig short.sig"),
                    0);
    CU_ASSERT_EQUAL(verify("short", NAMESPACE, MESSAGE, signer, &err), 0);
}

/* No changed bit of a signature is accepted as the same key's. */
static void test_tampered(void)
{
    for (size_t k = 0; k < KINDS; k++) {
        CLEANUP_BUFFER struct buffer text = buffer_with_limit(TEXT_MAX);
        size_t accepted = 0, step = k == 0 ? 1 : 37;
        char name[64];

        (void)snprintf(name, sizeof name, "%s.sig", kinds[k].name);
        read_text(name, &text);
        for (size_t bit = 0; bit < 8 * text.size; bit += step) {
            CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;

            text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (crypto_sshsig_verify(text.data, text.size, name, NAMESPACE, MESSAGE, strlen(MESSAGE), &key, NULL) == 0)
                accepted++;
            text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        CU_ASSERT_EQUAL(accepted, 0);
        for (size_t size = 0; size < text.size - 1; size++) {
            CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;

            CU_ASSERT_EQUAL(
                crypto_sshsig_verify(text.data, size, name, NAMESPACE, MESSAGE, strlen(MESSAGE), &key, NULL), -EBADMSG);
        }
    }
}

static void test_lines(void)
{
    static const char *const bad[] = {
        "",
        "ssh-ed25519",
        "ssh-ed25519 ",
        "ssh-ed25519 AAAA",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAID28r/kXI7+3oN+PJI7pe6mk8rPY6DnisTe8tJrgLmSi", /* another type in the blob */
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID28r/kXI7+3oN+PJI7pe6mk8rPY6DnisTe8tJrgLmQ=", /* a byte short */
        "ssh-ed25519  AAAAC3NzaC1lZDI1NTE5AAAAID28r/kXI7+3oN+PJI7pe6mk8rPY6DnisTe8tJrgLmSi",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID28r/kXI7+3oN+PJI7pe6mk8rPY6DnisTe8tJrgLmSi\nssh-ed25519 AAAA",
        "restrict ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID28r/kXI7+3oN+PJI7pe6mk8rPY6DnisTe8tJrgLmSi",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t",
        /* A point that is not on its curve. */
        "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
    };
    static const char good[] =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID28r/kXI7+3oN+PJI7pe6mk8rPY6DnisTe8tJrgLmSi some one\n";

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
        struct error err = {0};

        CU_ASSERT_EQUAL(crypto_public_key_parse_ssh(bad[i], strlen(bad[i]), "key", &key, &err), -EBADMSG);
        CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    }
    for (size_t size = strlen(good) - 10; size <= strlen(good); size++) { /* the comment does not matter */
        CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;

        CU_ASSERT_EQUAL(crypto_public_key_parse_ssh(good, size, "key", &key, NULL), 0);
    }
    CU_ASSERT_TRUE(crypto_text_is_ssh_key(good, strlen(good)));
    CU_ASSERT_TRUE(crypto_text_is_ssh_key("ecdsa-sha2-nistp256 ", 20));
    CU_ASSERT_FALSE(crypto_text_is_ssh_key("-----BEGIN PUBLIC KEY-----", 26));
    CU_ASSERT_FALSE(crypto_text_is_ssh_key("ss", 2));
}

/* RSA of 1024 bits is refused, and so is a signature by it. */
static void test_weak_rsa(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(TEXT_MAX);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(
        shell("openssl genrsa -traditional -out weak 1024 && chmod 600 weak && ssh-keygen -y -f weak >weak.pub"), 0);
    read_text("weak.pub", &text);
    CU_ASSERT_EQUAL(crypto_public_key_parse_ssh(text.data, text.size, "weak.pub", &key, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "2048"));
}

/* A pair of each kind, its SubjectPublicKeyInfo by the openssl program, and a signature. */
static int make_all(void)
{
    for (size_t i = 0; i < KINDS; i++) {
        const char *name = kinds[i].name;

        if (shell("ssh-keygen -q %s -N '' -C '' -f %s && printf 'what is signed\\n' >%s.m &&"
                  " ssh-keygen -Y sign -q -n " NAMESPACE " -f %s %s.m && mv %s.m.sig %s.sig",
                  kinds[i].options, name, name, name, name, name, name) != 0)
            return -1;
        /* ssh-keygen exports no Ed25519; RFC 8410's SubjectPublicKeyInfo is 12 fixed bytes and the key. */
        if (shell(
                i == 0
                    ? "{ printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; cut -d' ' -f2 %s.pub |"
                      " base64 -d | tail -c 32; } >%s.der"
                    : "ssh-keygen -e -m PKCS8 -f %s.pub | openssl pkey -pubin -outform DER -out %s.der",
                name, name) != 0)
            return -1;
    }
    return 0;
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"keys of every kind, by their fingerprint", test_keys},
        {"PEM and OpenSSH spellings are one key", test_spellings},
        {"signatures of every kind", test_signatures},
        {"SHA-256 of the message", test_hashes},
        {"tampered signatures", test_tampered},
        {"lines that are no keys", test_lines},
        {"RSA that is too short", test_weak_rsa},
    };
    int status;

    if (system("(command -v ssh-keygen && command -v openssl) >/dev/null") != 0) {
        (void)printf("SKIPPED: no ssh-keygen and openssl here\n");
        return HARNESS_SKIPPED;
    }
    if (mkdtemp(folder) == NULL || make_all() != 0) {
        (void)printf("ssh-keygen made no keys; see %s/log\n", folder);
        return 1;
    }
    status = harness_run("ssh", tests, HARNESS_COUNT(tests));
    (void)shell("rm -rf -- *");
    (void)rmdir(folder);
    return status;
}
