/* SPDX-License-Identifier: Apache-2.0 */
/* The signer's process: what it signs, what it refuses, and how little it may do. */
#include "host/signer/signer.h"

#include "base/io.h"
#include "host/attest/bundle.h"
#include "host/confine/confine.h"
#include "unit/harness.h"
#include "unit/host/attest/support.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/lazaret-signer-XXXXXX";
static char prefix[64], private_path[64], public_path[64];

static uint64_t soon(void)
{
    return io_deadline_ms(10000);
}

static struct signer *start(void)
{
    struct signer *signer = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(signer_start(private_path, &signer, &err), 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(signer);
    return signer;
}

static void make_statement(struct buffer *statement)
{
    struct statement_input input = support_input();
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(statement_encode(&input, statement, &err), 0);
}

static void test_sign_and_verify(void)
{
    CLEANUP_SIGNER struct signer *signer = start();
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    CLEANUP_BUFFER struct buffer statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    struct bundle made = {0};
    struct error err = {0};

    make_statement(&statement);
    made.payload = statement;
    CU_ASSERT_EQUAL(
        signer_sign(signer, statement.data, statement.size, made.signature, &made.signature_size, soon(), &err), 0);
    CU_ASSERT_EQUAL(crypto_public_key_fingerprint(signer_public_key(signer), made.fingerprint, &err), 0);
    CU_ASSERT_EQUAL(bundle_encode(&made, &text), 0);
    CU_ASSERT_EQUAL(bundle_decode(text.data, text.size, "b", &bundle, &err), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_public_key_load(public_path, &key, &err), 0);
    CU_ASSERT_EQUAL(bundle_verify(&bundle, key, &err), 0);
}

static void refuse(struct signer *signer, const void *bytes, size_t size)
{
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t signature_size = 77;
    struct error err = {0};

    CU_ASSERT(signer_sign(signer, bytes, size, signature, &signature_size, soon(), &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(signature_size, 77);
}

static void test_refusals(void)
{
    CLEANUP_SIGNER struct signer *signer = start();
    CLEANUP_BUFFER struct buffer statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t size = 0;
    struct error err = {0};

    refuse(signer, "", 0);
    refuse(signer, "DSSEv1 1 a 1 b", 14);
    refuse(signer, "{\"_type\":\"https://in-toto.io/Statement/v1\"}", 44);
    make_statement(&statement);
    refuse(signer, statement.data, statement.size - 1);
    CU_ASSERT_EQUAL(buffer_append_u8(&statement, '\n'), 0); /* right, but not canonical */
    refuse(signer, statement.data, statement.size);
    /* A refusal does not end the signer. */
    CU_ASSERT_EQUAL(signer_sign(signer, statement.data, statement.size - 1, signature, &size, soon(), &err), 0);
}

static void test_too_large(void)
{
    CLEANUP_SIGNER struct signer *signer = start();
    CLEANUP_FREE char *large = calloc(1, STATEMENT_SIZE_MAX + 1);
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t size = 0;
    struct error err = {0};

    CU_ASSERT(signer_sign(signer, large, STATEMENT_SIZE_MAX + 1, signature, &size, soon(), &err) < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_INTERNAL);
}

static void test_start_errors(void)
{
    struct signer *signer = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL(signer_start("/nonexistent/key.pem", &signer, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nonexistent/key.pem"));
    CU_ASSERT_EQUAL(chmod(private_path, 0644), 0);
    CU_ASSERT_EQUAL(signer_start(private_path, &signer, &err), -EACCES);
    CU_ASSERT_EQUAL(err.kind, ERROR_BAD_INPUT);
    CU_ASSERT_EQUAL(chmod(private_path, 0600), 0);
    CU_ASSERT_EQUAL(signer_start(public_path, &signer, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "a public key"));
    CU_ASSERT_PTR_NULL(signer);
}

/* The value of a field of a process's status, as a number of the given base; -1 where there is none. */
static long status_field(const char *pid, const char *field, int base)
{
    char path[300], line[256];
    long value = -1;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%s/status", pid);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            value = strtol(line + strlen(field), NULL, base);
    if (file != NULL)
        (void)fclose(file);
    return value;
}

static void test_confinement(void)
{
    CLEANUP_SIGNER struct signer *signer = start();
    DIR *folder_of_processes = opendir("/proc");
    struct dirent *entry;
    unsigned found = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(folder_of_processes);
    while ((entry = readdir(folder_of_processes)) != NULL) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || status_field(entry->d_name, "PPid:", 10) != getpid())
            continue;
        found++;
        CU_ASSERT_EQUAL(status_field(entry->d_name, "Seccomp:", 10), 2);
        CU_ASSERT_EQUAL(status_field(entry->d_name, "NoNewPrivs:", 10), 1);
        CU_ASSERT_EQUAL(status_field(entry->d_name, "CapEff:", 16), 0);
        CU_ASSERT_EQUAL(status_field(entry->d_name, "CapPrm:", 16), 0);
        if (geteuid() == 0)
            CU_ASSERT_EQUAL(status_field(entry->d_name, "Uid:", 10), CONFINE_UID_SIGNER);
    }
    CU_ASSERT_EQUAL(found, 1);
    (void)closedir(folder_of_processes);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"sign and verify", test_sign_and_verify}, {"refusals", test_refusals},       {"too large", test_too_large},
        {"start errors", test_start_errors},       {"confinement", test_confinement},
    };
    uint8_t fingerprint[SHA256_SIZE];
    int status;

    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(prefix, sizeof prefix, "%s/key", folder);
    (void)snprintf(private_path, sizeof private_path, "%s.pem", prefix);
    (void)snprintf(public_path, sizeof public_path, "%s.pub.pem", prefix);
    if (crypto_key_generate(prefix, fingerprint, NULL) < 0)
        return 1;
    status = harness_run("host/signer", tests, HARNESS_COUNT(tests));
    (void)unlink(private_path);
    (void)unlink(public_path);
    return rmdir(folder) == 0 ? status : 1;
}
