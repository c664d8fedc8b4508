/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are encrypted: ours read by ours, those of the openssl program, and every way to lack the passphrase. */
#include "host/crypto/ed25519.h"
#include "host/crypto/signature.h"
#include "unit/host/crypto/tests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURES "tests/fixtures/keys/" /* openssl genpkey -aes256, openssl pkcs8 -topk8: passphrase "open sesame" */

static char folder[] = "/tmp/lazaret-passphrase-XXXXXX";
static unsigned asked;

static const char *in_folder(const char *name)
{
    static char paths[32][96];
    static unsigned next;
    char *path = paths[next++ % 32];

    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const void *content, size_t size, mode_t mode)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(content, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(chmod(path, mode), 0);
    return path;
}

/* Git keeps no mode but the executable bit. */
static const char *copy_fixture(const char *name)
{
    char path[96], content[4096];
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof path, FIXTURES "%s", name);
    file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size = fread(content, 1, sizeof content, file);
    (void)fclose(file);
    return write_file(name, content, size, 0600);
}

static int answer(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    (void)err;
    CU_ASSERT_PTR_NOT_NULL(strstr(what, "passphrase of "));
    asked++;
    (void)snprintf(ret_text, CRYPTO_PASSPHRASE_SIZE, "open sesame");
    return 0;
}

static int decline(const char *what, char ret_text[CRYPTO_PASSPHRASE_SIZE], struct error *err)
{
    (void)ret_text;
    return error_set(err, ERROR_USAGE, -ENOTTY, "nobody to ask for the %s", what);
}

static void expect_open(const char *path, const struct crypto_passphrase *source, int expected, enum error_kind kind)
{
    struct crypto_private_key *key = NULL;
    struct error err = {0};
    int r = crypto_private_key_open(path, source, &key, &err);

    CU_ASSERT_EQUAL(r, expected);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_EQUAL(key != NULL, expected == 0);
    crypto_private_key_free(key);
}

void test_passphrase_openssl(void)
{
    static const char *const encrypted[] = {"pbes2.pem", "scrypt.pem"};
    const struct crypto_passphrase asking = {.ask = answer}, declining = {.ask = decline};
    const struct crypto_passphrase right = {.file = write_file("right", "open sesame\nmore\n", 17, 0600)};

    for (size_t i = 0; i < sizeof encrypted / sizeof encrypted[0]; i++) {
        const char *path = copy_fixture(encrypted[i]);
        const struct crypto_passphrase wrong = {.file = write_file("wrong", "open sesam", 10, 0400)};

        asked = 0;
        expect_open(path, &asking, 0, ERROR_NONE);
        CU_ASSERT_EQUAL(asked, 1);
        expect_open(path, &right, 0, ERROR_NONE);
        expect_open(path, &wrong, -EKEYREJECTED, ERROR_BAD_INPUT);
        expect_open(path, &declining, -ENOTTY, ERROR_USAGE);
        expect_open(path, NULL, -ENOKEY, ERROR_BAD_INPUT);
        CU_ASSERT_EQUAL(unlink(in_folder("wrong")), 0);
        CU_ASSERT_EQUAL(unlink(in_folder(encrypted[i])), 0);
    }
    /* Old schemes are told apart from a wrong passphrase; who lacks encryption is not asked. */
    asked = 0;
    expect_open(copy_fixture("traditional.pem"), &asking, -EBADMSG, ERROR_BAD_INPUT);
    expect_open(copy_fixture("pbes1.pem"), &asking, -EBADMSG, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(asked, 0);
    CU_ASSERT_EQUAL(unlink(in_folder("traditional.pem")), 0);
    CU_ASSERT_EQUAL(unlink(in_folder("pbes1.pem")), 0);
    CU_ASSERT_EQUAL(unlink(in_folder("right")), 0);
}

void test_passphrase_files(void)
{
    static const struct {
        const char *content;
        size_t size;
        mode_t mode;
        int expected;
    } files[] = {
        {"word", 4, 0600, 0},          {"word\n", 5, 0600, 0},          {"word\nmore", 9, 0400, 0},
        {"word\n", 5, 0640, -EACCES},  {"word\n", 5, 0604, -EACCES},    {"", 0, 0600, -EBADMSG},
        {"\nword", 5, 0600, -EBADMSG}, {"wo\0rd\n", 6, 0600, -EBADMSG}, {"word\r\n", 6, 0600, -EBADMSG},
        {"\r\n", 2, 0600, -EBADMSG},   {"\r", 1, 0600, -EBADMSG},
    };
    char text[CRYPTO_PASSPHRASE_SIZE], longest[CRYPTO_PASSPHRASE_SIZE + 1];
    struct crypto_passphrase source = {0};
    struct error err = {0};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        source.file = write_file("file", files[i].content, files[i].size, files[i].mode);
        CU_ASSERT_EQUAL(crypto_passphrase_get(&source, "passphrase", text, &err), files[i].expected);
        if (files[i].expected == 0)
            CU_ASSERT_STRING_EQUAL(text, "word");
        CU_ASSERT_EQUAL(unlink(source.file), 0);
    }
    CU_ASSERT_EQUAL(crypto_passphrase_get(&source, "passphrase", text, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    memset(longest, 'x', sizeof longest);
    source.file = write_file("file", longest, CRYPTO_PASSPHRASE_SIZE - 1, 0600);
    CU_ASSERT_EQUAL(crypto_passphrase_get(&source, "passphrase", text, &err), 0);
    CU_ASSERT_EQUAL(strlen(text), CRYPTO_PASSPHRASE_SIZE - 1);
    source.file = write_file("file", longest, CRYPTO_PASSPHRASE_SIZE, 0600);
    CU_ASSERT_EQUAL(crypto_passphrase_get(&source, "passphrase", text, &err), -EBADMSG);
    CU_ASSERT_EQUAL(unlink(source.file), 0);
}

void test_passphrase_generate(void)
{
    const struct crypto_passphrase right = {.file = write_file("right", "open sesame\n", 12, 0600)};
    const struct crypto_passphrase wrong = {.file = write_file("wrong", "Open sesame\n", 12, 0600)};
    uint8_t fingerprint[SHA256_SIZE];
    struct crypto_ed25519 *other = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(crypto_key_generate_with(in_folder("made"), "open sesame", fingerprint, &err), 0);
    expect_open(in_folder("made.pem"), &right, 0, ERROR_NONE);
    expect_open(in_folder("made.pem"), &wrong, -EKEYREJECTED, ERROR_BAD_INPUT);
    expect_open(in_folder("made.pem"), NULL, -ENOKEY, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(crypto_ed25519_load(in_folder("made.pem"), &other, &err), -ENOKEY);
    CU_ASSERT_PTR_NULL(other);
    CU_ASSERT_EQUAL(unlink(in_folder("made.pem")) + unlink(in_folder("made.pub.pem")), 0);
    CU_ASSERT_EQUAL(unlink(right.file) + unlink(wrong.file), 0);
}

int test_passphrase_begin(void)
{
    return mkdtemp(folder) != NULL ? 0 : -1;
}

int test_passphrase_end(void)
{
    return rmdir(folder);
}
