/* SPDX-License-Identifier: Apache-2.0 */
/* Verification of a whole output directory: what holds, and every way to have been changed. */
#include "host/verify/verify.h"

#include "base/file.h"
#include "host/attest/bundle.h"
#include "host/attest/dsse.h"
#include "host/json/reader.h"
#include "unit/harness.h"
#include "unit/host/verify/result.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static char folder[] = "/tmp/lazaret-verify-XXXXXX";
static char out[PATH_MAX], key[PATH_MAX], model[PATH_MAX];

static const char *at(const char *name)
{
    static char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The exit status that lazaret-verify would end with. */
static int status_of(const struct verify_request *request)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    struct error err = {0};

    return verify_run(request, &report, &err) < 0 ? error_exit_status(err.kind) : verify_exit_status(report);
}

static int status(void)
{
    const struct verify_request request = {.path = out, .key_path = key, .model_path = model};

    return status_of(&request);
}

static enum verify_state state_of(const struct verify_report *report, const char *what)
{
    for (size_t i = 0; i < report->item_count; i++)
        if (strcmp(report->items[i].what, what) == 0)
            return report->items[i].state;
    return VERIFY_STATE_COUNT;
}

static void test_holds(void)
{
    static const char *const held[] = {"bundle",    "signature",       "statement",      "model",      "policy.yaml",
                                       "plan.json", "evaluation.json", "execution.json", "references", "verdict"};
    const struct verify_request request = {.path = out, .key_path = key, .model_path = model};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    const struct verify_style style = {0};
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 20), json = buffer_with_limit(1 << 20);
    CLEANUP_JSON json_t *value = NULL;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(verify_run(&request, &report, &err), 0);
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        CU_ASSERT_EQUAL(state_of(report, held[i]), VERIFY_HOLDS);
    CU_ASSERT_EQUAL(state_of(report, "console.log"), VERIFY_NOT_CHECKED);
    CU_ASSERT_EQUAL(verify_exit_status(report), 0);
    CU_ASSERT_EQUAL(report->outcome, OUTCOME_PASSED);
    CU_ASSERT_EQUAL(verify_report_write_text(report, &style, &text), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&text, 0), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)text.data, "VERDICT       passed (low tier)"));
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)text.data, "Verified"));
    CU_ASSERT_EQUAL(verify_report_write_json(report, &json), 0);
    CU_ASSERT_EQUAL_FATAL(json_read(json.data, json.size, 1 << 20, "report", &value, &err), 0);
    CU_ASSERT_TRUE(json_is_true(json_object_get(value, "verified")));
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(value, "verdict")), "passed");
}

static void test_not_checked(void)
{
    char path[PATH_MAX];
    struct verify_request request = {.path = out, .key_path = key};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL, *bundle = NULL;

    CU_ASSERT_EQUAL_FATAL(verify_run(&request, &report, NULL), 0);
    CU_ASSERT_EQUAL(state_of(report, "model"), VERIFY_NOT_CHECKED);
    CU_ASSERT_EQUAL(verify_exit_status(report), 0);
    (void)snprintf(path, sizeof path, "%s", at("out/result.sigstore.json"));
    request.path = path;
    request.policy_path = "policies/low.yaml";
    CU_ASSERT_EQUAL_FATAL(verify_run(&request, &bundle, NULL), 0);
    CU_ASSERT_EQUAL(state_of(bundle, "files"), VERIFY_NOT_CHECKED);
    CU_ASSERT_EQUAL(state_of(bundle, "policy"), VERIFY_NOT_CHECKED);
    CU_ASSERT_EQUAL(verify_exit_status(bundle), 0);
}

/* Replaces a file's content by the same with one bit changed, or with `size` bytes only, until restore(). */
static struct buffer original;

static void write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fwrite(data, 1, size, file), size);
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void flip_bits(const char *name, size_t step)
{
    char path[PATH_MAX];
    size_t verified = 0;

    (void)snprintf(path, sizeof path, "%s", at(name));
    original = buffer_with_limit(1 << 20);
    CU_ASSERT_EQUAL_FATAL(file_read_bounded(path, &original, NULL), 0);
    for (size_t bit = 0; bit < 8 * (original.size - 1); bit += step) {
        original.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        write_file(path, original.data, original.size);
        verified += status() != 4;
        original.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    CU_ASSERT_EQUAL(verified, 0);
    write_file(path, original.data, original.size / 2);
    CU_ASSERT_EQUAL(status(), 4);
    write_file(path, "", 0);
    CU_ASSERT_EQUAL(status(), 4);
    write_file(path, original.data, original.size);
    buffer_free(&original);
    CU_ASSERT_EQUAL(status(), 0);
}

static void test_flipped_bits(void)
{
    flip_bits("out/result.sigstore.json", 17);
    flip_bits("out/evaluation.json", 37);
    flip_bits("out/execution.json", 7);
    flip_bits("out/policy.yaml", 211);
    flip_bits("out/plan.json", 7);
    flip_bits("model.onnx", 7);
}

/* The right key under bytes that are no statement of ours: another predicate type, or nothing of the kind. */
static void verify_signed(const char *payload)
{
    CLEANUP_PRIVATE_KEY struct crypto_private_key *secret = NULL;
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    CLEANUP_BUFFER struct buffer pae = buffer_with_limit(1 << 16), text = buffer_with_limit(1 << 16);
    const struct verify_request request = {.path = out, .key_path = key};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    CLEANUP_BUNDLE struct bundle bundle = {.payload = buffer_with_limit(1 << 16)};

    CU_ASSERT_EQUAL_FATAL(crypto_private_key_load(at("key.pem"), &secret, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(crypto_private_key_get_public(secret, &public, NULL), 0);
    CU_ASSERT_EQUAL(crypto_public_key_fingerprint(public, bundle.fingerprint, NULL), 0);
    CU_ASSERT_EQUAL(dsse_encode_pae(DSSE_PAYLOAD_TYPE, payload, strlen(payload), &pae), 0);
    CU_ASSERT_EQUAL(crypto_sign(secret, pae.data, pae.size, bundle.signature, &bundle.signature_size, NULL), 0);
    CU_ASSERT_EQUAL(buffer_append(&bundle.payload, payload, strlen(payload)), 0);
    CU_ASSERT_EQUAL(bundle_encode(&bundle, &text), 0);
    write_file(at("out/result.sigstore.json"), text.data, text.size);
    CU_ASSERT_EQUAL_FATAL(verify_run(&request, &report, NULL), 0);
    CU_ASSERT_EQUAL(state_of(report, "signature"), VERIFY_HOLDS);
    CU_ASSERT_EQUAL(state_of(report, "statement"), VERIFY_MISMATCH);
    CU_ASSERT_FALSE(report->believed);
    CU_ASSERT_EQUAL(verify_exit_status(report), 4);
}

static void test_foreign_statements(void)
{
    CLEANUP_BUFFER struct buffer saved = buffer_with_limit(1 << 20), payload = buffer_with_limit(1 << 20);
    CLEANUP_BUNDLE struct bundle bundle = {0};
    char *type;

    CU_ASSERT_EQUAL_FATAL(file_read_bounded(at("out/result.sigstore.json"), &saved, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(bundle_decode(saved.data, saved.size, "b", &bundle, NULL), 0);
    CU_ASSERT_EQUAL(buffer_append(&payload, bundle.payload.data, bundle.payload.size), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&payload, 0), 0);
    type = strstr((char *)payload.data, "test-result/v0.1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(type);
    type[strlen("test-result/v0.")] = '2';
    verify_signed((const char *)payload.data);
    verify_signed("{}");
    verify_signed("not JSON");
    write_file(at("out/result.sigstore.json"), saved.data, saved.size);
    CU_ASSERT_EQUAL(status(), 0);
}

static void test_other_keys(void)
{
    char other[PATH_MAX];
    struct verify_request request = {.path = out, .key_path = other, .model_path = model};
    uint8_t fingerprint[SHA256_SIZE];

    (void)snprintf(other, sizeof other, "%s", at("other"));
    CU_ASSERT_EQUAL(crypto_key_generate(other, fingerprint, NULL), 0);
    (void)snprintf(other, sizeof other, "%s", at("other.pub.pem"));
    CU_ASSERT_EQUAL(status_of(&request), 4);
    (void)snprintf(other, sizeof other, "%s", at("model.onnx"));
    CU_ASSERT_EQUAL(status_of(&request), 65);
    (void)snprintf(other, sizeof other, "%s", at("none.pem"));
    CU_ASSERT_EQUAL(status_of(&request), 66);
}

static void test_missing_files(void)
{
    char path[PATH_MAX], saved[PATH_MAX];
    struct verify_request request = {.path = path, .key_path = key};

    (void)snprintf(saved, sizeof saved, "%s", at("saved"));
    (void)snprintf(path, sizeof path, "%s", at("out/evaluation.json"));
    CU_ASSERT_EQUAL(rename(path, saved), 0);
    CU_ASSERT_EQUAL(status(), 66);
    CU_ASSERT_EQUAL(rename(saved, path), 0);
    (void)snprintf(path, sizeof path, "%s", at("out/result.sigstore.json"));
    CU_ASSERT_EQUAL(rename(path, saved), 0);
    CU_ASSERT_EQUAL(status(), 66);
    CU_ASSERT_EQUAL(status_of(&request), 66);
    CU_ASSERT_EQUAL(rename(saved, path), 0);
    request = (struct verify_request){.path = out, .key_path = key, .model_path = at("no-model")};
    CU_ASSERT_EQUAL(status_of(&request), 66);
    CU_ASSERT_EQUAL(status(), 0);
}

/* A file that the statement does not name must not look as if it did. */
static void test_added_file(void)
{
    write_file(at("out/spec.yaml"), "range: [0, 1]\n", 14);
    CU_ASSERT_EQUAL(status(), 4);
    CU_ASSERT_EQUAL(unlink(at("out/spec.yaml")), 0);
    CU_ASSERT_EQUAL(status(), 0);
}

static void test_auditors_policy(void)
{
    static const char strict[] = "tier: low\nchecks: {clean-accuracy: {required: true, accuracy: 0.99}}\n";
    char path[PATH_MAX];
    const struct verify_request request = {.path = out, .key_path = key, .policy_path = path};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;

    (void)snprintf(path, sizeof path, "%s", at("mine.yaml"));
    write_file(path, strict, sizeof strict - 1);
    CU_ASSERT_EQUAL_FATAL(verify_run(&request, &report, NULL), 0);
    CU_ASSERT_TRUE(report->has_auditor_outcome);
    CU_ASSERT_EQUAL(report->auditor_outcome, OUTCOME_REJECTED);
    CU_ASSERT_EQUAL(report->outcome, OUTCOME_PASSED);
    CU_ASSERT_EQUAL(verify_exit_status(report), 0);
    write_file(path, "tier: low\n", 10);
    CU_ASSERT_EQUAL(status_of(&request), 65);
    (void)snprintf(path, sizeof path, "%s", at("none.yaml"));
    CU_ASSERT_EQUAL(status_of(&request), 66);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"all holds", test_holds},           {"not checked", test_not_checked},
        {"flipped bits", test_flipped_bits}, {"foreign statements", test_foreign_statements},
        {"other keys", test_other_keys},     {"missing files", test_missing_files},
        {"an added file", test_added_file},  {"the auditor's policy", test_auditors_policy},
    };
    struct error err = {0};
    int failed = 1;

    if (mkdtemp(folder) == NULL)
        return 1;
    (void)snprintf(out, sizeof out, "%s/out", folder);
    (void)snprintf(key, sizeof key, "%s/key.pub.pem", folder);
    (void)snprintf(model, sizeof model, "%s/model.onnx", folder);
    if (result_make(folder, &err) == 0)
        failed = harness_run("host/verify", tests, HARNESS_COUNT(tests));
    else
        (void)fprintf(stderr, "%s\n", err.text);
    result_remove(folder);
    return failed;
}
