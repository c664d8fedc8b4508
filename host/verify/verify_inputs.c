/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs and platform at hand, against the digests by which the statement names them. */
#include "host/verify/internal.h"

#include "base/file.h"
#include "host/attest/statement_provenance.h"
#include "host/data/set_path.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* What lies outside the output directory, and the option that gives it. */
static const struct input {
    const char *name;   /* in `configuration` */
    const char *labels; /* the name of the set's file of labels, or NULL */
    const char *option;
    size_t path; /* offset in struct verify_request */
} inputs[] = {
    {"test", "test-labels", "--test SET", offsetof(struct verify_request, test_path)},
    {"train", "train-labels", "--train SET", offsetof(struct verify_request, train_path)},
    {STATEMENT_TRIGGERS, NULL, "--triggers SET", offsetof(struct verify_request, triggers_path)},
    {STATEMENT_REFERENCE, NULL, "--reference MODEL", offsetof(struct verify_request, reference_path)},
    {STATEMENT_SIGNATURE, NULL, "--signature FILE", offsetof(struct verify_request, signature_path)},
    {STATEMENT_CHECKSUMS, NULL, "--checksums FILE", offsetof(struct verify_request, checksums_path)},
    {"kernel", NULL, "--kernel FILE", offsetof(struct verify_request, kernel_path)},
    {"initramfs", NULL, "--initramfs FILE", offsetof(struct verify_request, initramfs_path)},
    {"agent", NULL, "--agent FILE", offsetof(struct verify_request, agent_path)},
    {"disk", NULL, "--disk FILE", offsetof(struct verify_request, disk_path)},
};

#define INPUT_COUNT (sizeof inputs / sizeof *inputs)

bool verify_is_input(const char *name)
{
    for (size_t i = 0; i < INPUT_COUNT; i++)
        if (strcmp(inputs[i].name, name) == 0 || (inputs[i].labels != NULL && strcmp(inputs[i].labels, name) == 0))
            return true;
    return strcmp(name, STATEMENT_TRUSTED_KEY) == 0;
}

/* Compares a file with what the statement names; a file that the result did not have is a mismatch. */
static int compare(struct verify *verify, const char *name, const char *path, struct error *err)
{
    CLEANUP_FD int fd = -1;
    uint8_t expected[SHA256_SIZE], found[SHA256_SIZE];
    char expected_hex[SHA256_HEX_SIZE], hex[SHA256_HEX_SIZE];
    struct stat status;
    uint64_t size = 0;
    int r = file_open_regular(path, &fd, &status, err);

    if (r < 0)
        return r;
    r = sha256_of_fd(fd, found, &size);
    if (r < 0)
        return error_set(err, ERROR_NO_INPUT, r, "%s: %s", path, strerror(-r));
    sha256_to_hex(found, hex);
    if (statement_find_resource(verify_configuration(verify), name, expected) < 0) {
        verify_add(verify, VERIFY_INPUTS, VERIFY_MISMATCH, name, "%s was given, but the result had none", path);
        return 0;
    }
    sha256_to_hex(expected, expected_hex);
    if (memcmp(expected, found, SHA256_SIZE) == 0)
        verify_add(verify, VERIFY_INPUTS, VERIFY_HOLDS, name, "%s, %llu bytes, SHA-256 %s", path,
                   (unsigned long long)size, hex);
    else
        verify_add(verify, VERIFY_INPUTS, VERIFY_MISMATCH, name, "%s has SHA-256 %s, the result is of %s", path, hex,
                   expected_hex);
    return 0;
}

static bool is_named(const struct verify *verify, const char *name)
{
    uint8_t sha256[SHA256_SIZE];

    return statement_find_resource(verify_configuration(verify), name, sha256) == 0;
}

/* A set may have its labels in a second file. */
static int check_set(struct verify *verify, const struct input *input, const char *argument, struct error *err)
{
    CLEANUP_SET_PATH struct set_path path = {0};
    int r = set_path_resolve(argument, &path, err);

    if (r == 0)
        r = compare(verify, input->name, path.file, err);
    if (r < 0)
        return r;
    if (path.labels != NULL && is_named(verify, input->labels))
        return compare(verify, input->labels, path.labels, err);
    if (is_named(verify, input->labels))
        verify_add(verify, VERIFY_INPUTS, VERIFY_NOT_CHECKED, input->labels,
                   "a file of its own; give both, as IMAGES,LABELS");
    return 0;
}

/* Whether a file of the directory is signed for with the same digest: its own row says whether it is that. */
static bool has_copy(const struct verify *verify, const char *name)
{
    const json_t *documents = verify_documents(verify);
    uint8_t expected[SHA256_SIZE], other[SHA256_SIZE];

    if (verify->directory == NULL || statement_find_resource(verify_configuration(verify), name, expected) < 0)
        return false;
    for (size_t i = 0; i < json_array_size(documents); i++)
        if (statement_find_resource(documents, json_string_value(json_object_get(json_array_get(documents, i), "name")),
                                    other) == 0 &&
            memcmp(expected, other, SHA256_SIZE) == 0)
            return true;
    return false;
}

static int check_input(struct verify *verify, const struct input *input, struct error *err)
{
    const char *path = NULL;

    memcpy(&path, (const char *)verify->request + input->path, sizeof path);
    if (path != NULL)
        return input->labels != NULL ? check_set(verify, input, path, err) : compare(verify, input->name, path, err);
    if (is_named(verify, input->name) && !has_copy(verify, input->name))
        verify_add(verify, VERIFY_INPUTS, VERIFY_NOT_CHECKED, input->name, "give it with %s", input->option);
    return 0;
}

/* The key by which the model's own signature was verified: whether the auditor trusts it, too. */
static void check_publisher(struct verify *verify)
{
    const struct keyring_key *key = NULL;
    const struct keyring_revocation *revocation = NULL;
    uint8_t fingerprint[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];

    if (statement_find_resource(verify_configuration(verify), STATEMENT_TRUSTED_KEY, fingerprint) < 0)
        return;
    sha256_to_hex(fingerprint, hex);
    if (verify->trusted != NULL) {
        key = keyring_find(verify->trusted, fingerprint, KEYRING_MODEL);
        revocation = keyring_find_revocation(verify->trusted, fingerprint);
    }
    if (revocation != NULL)
        verify_add(verify, VERIFY_INPUTS, VERIFY_MISMATCH, STATEMENT_TRUSTED_KEY,
                   "the model's publisher signed with %s, which %s revokes", hex, verify->trusted_name);
    else if (key != NULL)
        verify_add(verify, VERIFY_INPUTS, VERIFY_HOLDS, STATEMENT_TRUSTED_KEY,
                   "the model's publisher signed with the key of %s in %s", key->name, verify->trusted_name);
    else
        verify_add(verify, VERIFY_INPUTS, VERIFY_NOT_CHECKED, STATEMENT_TRUSTED_KEY,
                   "the model's publisher signed with %s; trust it in a ring, with `use: [model]`", hex);
}

int verify_inputs(struct verify *verify, struct error *err)
{
    int r = verify_model(verify, err);

    for (size_t i = 0; r == 0 && i < INPUT_COUNT; i++)
        r = check_input(verify, &inputs[i], err);
    if (r < 0)
        return r;
    check_publisher(verify);
    if (verify->request->spec_path != NULL)
        r = compare(verify, STATEMENT_SPEC, verify->request->spec_path, err);
    return r;
}
