/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole result, by verify_run: whoever made it holds a key that the auditor trusts, for results, sign-offs and
 * waivers, and may sign what they like, and whoever keeps it may put any files beside. So everything behind the
 * signature is reached: inputs, files, the verdict worked out again, sign-offs, waivers, the release.
 *
 * The input is a list of files, each behind a line `=== NAME`. A name that ends in `.sigstore.json` has a payload,
 * which is signed and written as a bundle; `auditor.yaml` and `model.onnx` lie beside the result, as --policy and
 * --model. In a file, `@NAME@` stands for the SHA-256 of an earlier one as it was written, and `@payload:NAME@` for
 * that of its payload: so a digest follows what it is of, unless the input says otherwise. `@key@` is the key's
 * fingerprint. record.py makes such lists of real results.
 */
#include "base/io.h"
#include "fuzz/verify_report.h"
#include "host/attest/bundle.h"
#include "host/attest/dsse.h"
#include "host/crypto/key.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX      24u
#define NAME_SIZE      64u
#define CONTENT_MAX    ((size_t)256 * 1024)
#define SIGNED_ENDING  ".sigstore.json"
#define PAYLOAD_PREFIX "payload:"
#define OUTPUT         "out"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
    char name[NAME_SIZE];
    char digest[SHA256_HEX_SIZE], payload[SHA256_HEX_SIZE]; /* "" where it has no payload */
};

struct result {
    unsigned count;
    struct file files[FILES_MAX];
    struct buffer statement; /* the payload of result.sigstore.json */
};

/* The auditor's, made once; its folder is removed at exit. */
static char folder[] = "/dev/shm/lazaret-fuzz-XXXXXX";
static struct crypto_private_key *private_key;
static uint8_t fingerprint[SHA256_SIZE];

static void path_of(const char *name, char ret_path[PATH_MAX])
{
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *data, size_t size)
{
    char path[PATH_MAX];
    CLEANUP_FD int fd = -1;

    path_of(name, path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || io_write_full(fd, data, size, IO_NO_DEADLINE) < 0)
        abort();
}

/* --- the auditor's side -------------------------------------------------------------------------------------- */

static void leave(void)
{
    static const char *const names[] = {"key.pem", "key.pub.pem", "keys.yaml", OUTPUT};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path_of(names[i], path);
        (void)remove(path);
    }
    (void)rmdir(folder);
    crypto_private_key_free(private_key);
}

static void write_ring(void)
{
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(CRYPTO_PEM_MAX), ring = buffer_with_limit(CRYPTO_PEM_MAX);
    struct crypto_public_key *key = NULL;

    if (crypto_private_key_get_public(private_key, &key, NULL) < 0 ||
        crypto_public_key_fingerprint(key, fingerprint, NULL) < 0 || crypto_public_key_write_pem(key, &pem, NULL) < 0 ||
        buffer_append_u8(&pem, 0) < 0 ||
        buffer_append_format(&ring, "keys:\n  - name: ann\n    use: [result, reviewer, waiver]\n    publicKey: |\n") <
            0)
        abort();
    for (char *rest = NULL, *line = strtok_r((char *)pem.data, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        if (buffer_append_format(&ring, "      %s\n", line) < 0)
            abort();
    write_file("keys.yaml", ring.data, ring.size);
    crypto_public_key_free(key);
}

static void settle_in(void)
{
    uint8_t unused[SHA256_SIZE];
    char path[PATH_MAX];

    if (private_key != NULL)
        return;
    if (mkdtemp(folder) == NULL || atexit(leave) != 0)
        abort();
    path_of("key", path);
    if (crypto_key_generate(path, unused, NULL) < 0)
        abort();
    path_of("key.pem", path);
    if (crypto_private_key_load(path, &private_key, NULL) < 0)
        abort();
    write_ring();
    path_of(OUTPUT, path);
    if (mkdir(path, 0700) < 0)
        abort();
}

/* --- the result ---------------------------------------------------------------------------------------------- */

static void digest_of(const void *data, size_t size, char ret_hex[SHA256_HEX_SIZE])
{
    uint8_t digest[SHA256_SIZE];

    sha256_of(data, size, digest);
    sha256_to_hex(digest, ret_hex);
}

/* The digest that a name between two @ stands for, or NULL. */
static const char *find_digest(const struct result *result, const char *name, size_t size)
{
    bool payload = size > strlen(PAYLOAD_PREFIX) && memcmp(name, PAYLOAD_PREFIX, strlen(PAYLOAD_PREFIX)) == 0;
    size_t skipped = payload ? strlen(PAYLOAD_PREFIX) : 0;

    for (unsigned i = 0; i < result->count; i++) {
        const struct file *file = &result->files[i];

        if (strlen(file->name) == size - skipped && memcmp(file->name, name + skipped, size - skipped) == 0)
            return payload ? file->payload : file->digest;
    }
    return NULL;
}

static int fill_in(const struct result *result, const uint8_t *data, size_t size, struct buffer *ret_content)
{
    const uint8_t *end = data + size;
    int r = 0;

    while (r == 0 && data < end) {
        const uint8_t *open = memchr(data, '@', (size_t)(end - data));
        const uint8_t *close = open != NULL ? memchr(open + 1, '@', (size_t)(end - open) - 1) : NULL;
        const char *digest =
            close != NULL ? find_digest(result, (const char *)open + 1, (size_t)(close - open) - 1) : NULL;
        const uint8_t *next = digest != NULL ? close + 1 : close != NULL ? close : end;

        r = buffer_append(ret_content, data, (size_t)((digest != NULL ? open : next) - data));
        if (r == 0 && digest != NULL)
            r = buffer_append(ret_content, digest, strlen(digest));
        data = next;
    }
    return r;
}

static int sign(const struct buffer *payload, struct buffer *ret_text)
{
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(CONTENT_MAX + 256);
    struct bundle bundle = {.payload = *payload};

    memcpy(bundle.fingerprint, fingerprint, SHA256_SIZE);
    if (dsse_encode_pae(DSSE_PAYLOAD_TYPE, payload->data, payload->size, &pae) < 0 ||
        crypto_sign(private_key, pae.data, pae.size, bundle.signature, &bundle.signature_size, NULL) < 0)
        abort();
    return bundle_encode(&bundle, ret_text);
}

static bool ends_in(const char *name, const char *ending)
{
    return strlen(name) > strlen(ending) && strcmp(name + strlen(name) - strlen(ending), ending) == 0;
}

static bool is_beside(const char *name)
{
    return strcmp(name, "auditor.yaml") == 0 || strcmp(name, "model.onnx") == 0;
}

static void place_of(const char *name, char ret_place[PATH_MAX])
{
    (void)snprintf(ret_place, PATH_MAX, "%s%s", is_beside(name) ? "" : OUTPUT "/", name);
}

/* Files whose names could not be in one folder, or are there already, are left out. */
static void add_file(struct result *result, const uint8_t *name, size_t name_size, const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer content = buffer_with_limit(CONTENT_MAX), text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct file *file = &result->files[result->count];
    const struct buffer *written = &content;
    char place[PATH_MAX];

    if (result->count == FILES_MAX || name_size == 0 || name_size >= NAME_SIZE || name[0] == '.' ||
        memchr(name, '/', name_size) != NULL || memchr(name, 0, name_size) != NULL ||
        find_digest(result, (const char *)name, name_size) != NULL || fill_in(result, data, size, &content) < 0)
        return;
    *file = (struct file){0};
    memcpy(file->name, name, name_size);
    if (ends_in(file->name, SIGNED_ENDING)) {
        if (sign(&content, &text) < 0)
            return;
        digest_of(content.data, content.size, file->payload);
        written = &text;
    }
    if (strcmp(file->name, VERIFY_BUNDLE_NAME) == 0 &&
        buffer_append(&result->statement, content.data, content.size) < 0)
        abort();
    digest_of(written->data, written->size, file->digest);
    place_of(file->name, place);
    write_file(place, written->data, written->size);
    result->count++;
}

static const uint8_t *find_next(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *found = memmem(at, (size_t)(end - at), "\n=== ", 5);

    return found != NULL ? found : end;
}

static void write_result(struct result *result, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size, *next;

    for (const uint8_t *at = data; end - at > 4 && memcmp(at, "=== ", 4) == 0; at = next < end ? next + 1 : end) {
        const uint8_t *line = memchr(at, '\n', (size_t)(end - at));

        next = line != NULL ? find_next(line, end) : end;
        if (line != NULL)
            add_file(result, at + 4, (size_t)(line - at) - 4, line + 1, next > line ? (size_t)(next - line) - 1 : 0);
    }
}

static void remove_result(const struct result *result)
{
    for (unsigned i = 0; i < result->count; i++) {
        char place[PATH_MAX], path[PATH_MAX];

        place_of(result->files[i].name, place);
        path_of(place, path);
        (void)unlink(path);
    }
}

/* --- what must hold of the report ---------------------------------------------------------------------------- */

/* A file holds only where its digest is in what was signed. */
static void expect_signed_files(const struct verify_report *report, const struct result *result)
{
    for (size_t i = 0; i < report->item_count; i++)
        for (unsigned j = 0; j < result->count; j++) {
            const struct verify_item *item = &report->items[i];
            const struct file *file = &result->files[j];

            if (item->section == VERIFY_FILES && item->state == VERIFY_HOLDS && strcmp(item->what, file->name) == 0 &&
                memmem(result->statement.data, result->statement.size, file->digest, strlen(file->digest)) == NULL)
                abort();
        }
}

/* The key's fingerprint has a name as well. */
static struct file of_key(void)
{
    struct file file = {.name = "key"};

    sha256_to_hex(fingerprint, file.digest);
    return file;
}

static void verify_result(const struct result *result)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    char output[PATH_MAX], ring[PATH_MAX], policy[PATH_MAX], model[PATH_MAX];
    struct verify_request request = {.path = output, .keys_path = ring, .required = "model"};
    struct error err = {0};
    int r, status;

    path_of(OUTPUT, output);
    path_of("keys.yaml", ring);
    path_of("auditor.yaml", policy);
    path_of("model.onnx", model);
    if (find_digest(result, "auditor.yaml", 12) != NULL)
        request.policy_path = policy;
    if (find_digest(result, "model.onnx", 10) != NULL)
        request.model_path = model;
    r = verify_run(&request, &report, &err);
    if (r < 0) {
        if (err.kind != ERROR_NO_INPUT && err.kind != ERROR_BAD_INPUT)
            abort();
        return;
    }
    status = verify_exit_status(report);
    if (status != 0 && status != 4 && status != 66)
        abort();
    expect_good_report(report);
    expect_signed_files(report, result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result result = {.statement = buffer_with_limit(CONTENT_MAX)};

    settle_in();
    result.files[result.count++] = of_key();
    write_result(&result, data, size);
    verify_result(&result);
    remove_result(&result);
    buffer_free(&result.statement);
    return 0;
}
