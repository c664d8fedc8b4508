/* SPDX-License-Identifier: Apache-2.0 */
/* What an auditor gives: rings of keys and their dates, what he requires, inputs at hand; and how the report is laid
 * out. */
#include "base/file.h"
#include "base/time_text.h"
#include "host/crypto/key.h"
#include "host/json/reader.h"
#include "host/verify/verify.h"
#include "unit/harness.h"
#include "unit/host/verify/result.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FINISHED "2024-12-31T23:59:59Z" /* what result_make() writes */

static char folder[] = "/tmp/lazaret-trust-XXXXXX";
static char out[PATH_MAX], key[PATH_MAX], model[PATH_MAX], ring[PATH_MAX];
static char pem[4096]; /* the key's text, indented */
static char hex[SHA256_HEX_SIZE];

static void join(char ret_path[PATH_MAX], const char *name)
{
    (void)snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL(fputs(text, file) >= 0 && fclose(file) == 0, 1);
}

/* A ring with the key: `use`, further lines of it, and what follows. */
static void write_ring(const char *use, const char *lines, const char *more)
{
    char text[8192];

    (void)snprintf(text, sizeof text, "keys:\n- name: station-1\n  use: [%s]\n  publicKey: |\n%s%s%s", use, pem, lines,
                   more);
    write_file(ring, text);
}

static const char *revocation_since(const char *since)
{
    static char text[256];

    (void)snprintf(text, sizeof text, "revoked: [{fingerprint: %s, since: %s, reason: stolen}]\n", hex, since);
    return text;
}

static const struct verify_item *find(const struct verify_report *report, const char *what)
{
    for (size_t i = 0; i < report->item_count; i++)
        if (strcmp(report->items[i].what, what) == 0)
            return &report->items[i];
    return NULL;
}

/* Verifies, and looks at one row. */
static void expect(const struct verify_request *request, int status, const char *what, enum verify_state state,
                   const char *words)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    const struct verify_item *item;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(verify_run(request, &report, &err), 0);
    CU_ASSERT_EQUAL(verify_exit_status(report), status);
    item = find(report, what);
    CU_ASSERT_PTR_NOT_NULL_FATAL(item);
    CU_ASSERT_EQUAL(item->state, state);
    CU_ASSERT_PTR_NOT_NULL(strstr(item->detail, words));
    if (strstr(item->detail, words) == NULL)
        (void)fprintf(stderr, "%s: %s\n", what, item->detail);
}

static void refuse(const struct verify_request *request, enum error_kind kind, const char *words)
{
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    struct error err = {0};

    CU_ASSERT_NOT_EQUAL(verify_run(request, &report, &err), 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
}

/* --- keys ---------------------------------------------------------------------------------------------------- */

static void test_ring(void)
{
    const struct verify_request request = {.path = out, .keys_path = ring};

    write_ring("result, reviewer", "  notBefore: 2024-01-01\n  notAfter: " FINISHED "\n", "");
    expect(&request, 0, "key", VERIFY_HOLDS, "station-1: valid, valid from 2024-01-01T00:00:00Z to " FINISHED);
    expect(&request, 0, "signature", VERIFY_HOLDS, "by station-1, key ");
    write_ring("result", "", "");
    expect(&request, 0, "key", VERIFY_HOLDS, "without dates; judged at " FINISHED " (the signer's own claim)");
    write_ring("result", "  notAfter: 2024-12-31T23:59:58Z\n", "");
    expect(&request, 4, "key", VERIFY_MISMATCH, "station-1: expired");
    write_ring("result", "  notBefore: 2025-01-01\n", "");
    expect(&request, 4, "key", VERIFY_MISMATCH, "station-1: not yet valid");
    write_ring("reviewer", "", "");
    refuse(&request, ERROR_BAD_INPUT, "no key with `use: [result]`");
}

/* Only a proof, or what the auditor knows himself, comes before a revocation. */
static void test_revocation(void)
{
    struct verify_request request = {.path = out, .keys_path = ring};

    write_ring("result", "", revocation_since("2025-01-01"));
    expect(&request, 4, "key", VERIFY_MISMATCH, "no timestamp proves");
    request.has_time = true;
    CU_ASSERT_EQUAL(time_text_parse("2024-12-31T23:59:59Z", &request.time), 0);
    expect(&request, 0, "revocation", VERIFY_HOLDS, "but signed by 2024-12-31T23:59:59Z (your --at)");
    expect(&request, 0, "key", VERIFY_HOLDS, "station-1: valid");
    CU_ASSERT_EQUAL(time_text_parse("2025-01-01", &request.time), 0);
    expect(&request, 4, "key", VERIFY_MISMATCH, "(stolen), and the earliest proof of the signature is of 2025-01-01");
}

/* --key says which; a ring beside it knows the dates, and a list of revocations will do. */
static void test_key_and_ring(void)
{
    struct verify_request request = {.path = out, .key_path = key};
    char other[PATH_MAX];

    expect(&request, 0, "key", VERIFY_NOT_CHECKED, "no dates and no revocations");
    request.keys_path = ring;
    write_ring("result", "  notAfter: 2020-01-01\n", "");
    expect(&request, 4, "key", VERIFY_MISMATCH, "expired");
    write_ring("reviewer", "", "");
    expect(&request, 4, "key", VERIFY_MISMATCH, "lists it, but not for results");
    write_file(ring, revocation_since("2020-01-01"));
    expect(&request, 4, "key", VERIFY_MISMATCH, "revoked since 2020-01-01");
    write_file(ring, "revoked: [{fingerprint: "
                     "0000000000000000000000000000000000000000000000000000000000000000, since: 2020-01-01}]\n");
    expect(&request, 0, "key", VERIFY_HOLDS, "not among the revoked");
    join(other, "other");
    CU_ASSERT_EQUAL(crypto_key_generate(other, (uint8_t[SHA256_SIZE]){0}, NULL), 0);
    join(other, "other.pub.pem");
    request.key_path = other;
    write_ring("result", "", "");
    expect(&request, 4, "signature", VERIFY_MISMATCH, "another key");
}

static void test_policy_as_ring(void)
{
    char path[PATH_MAX], text[8192];
    const struct verify_request request = {.path = out, .policy_path = path};
    const struct verify_request none = {.path = out, .policy_path = "policies/low.yaml"};

    join(path, "mine.yaml");
    (void)snprintf(text, sizeof text,
                   "tier: low\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n"
                   "keys:\n- name: station-1\n  use: [result]\n  publicKey: |\n%s",
                   pem);
    write_file(path, text);
    expect(&request, 0, "key", VERIFY_HOLDS, "station-1");
    refuse(&none, ERROR_USAGE, "--key PUB.pem, --keys KEYS.yaml or a --policy");
    refuse(&(struct verify_request){.path = out}, ERROR_USAGE, "is required");
}

/* --- what must hold -------------------------------------------------------------------------------------------- */

static void test_required(void)
{
    struct verify_request request = {.path = out, .key_path = key, .model_path = model, .required = "model,verdict"};

    expect(&request, 0, "model", VERIFY_HOLDS, "is the signed 'model.onnx'");
    request.required = "ledger";
    expect(&request, 4, "ledger", VERIFY_MISMATCH, "required, but: the result has no ledger entry");
    request.required = "model,timestamp";
    expect(&request, 4, "timestamp", VERIFY_MISMATCH, "required, but: the result has none");
    request.required = "test";
    expect(&request, 4, "test", VERIFY_MISMATCH, "there is nothing to check");
    request.required = "model,ledgers";
    refuse(&request, ERROR_USAGE, "\"ledgers\" is none of timestamp, ledger");
    request.required = "";
    refuse(&request, ERROR_USAGE, "\"\" is none of");
}

/* The same by the auditor's policy. */
static void test_policy_requires_ledger(void)
{
    static const char yaml[] =
        "tier: low\nledger: {required: true}\nchecks: {clean-accuracy: {required: true, accuracy: 0.9}}\n";
    char path[PATH_MAX];
    const struct verify_request request = {.path = out, .key_path = key, .policy_path = path};

    join(path, "logged.yaml");
    write_file(path, yaml);
    expect(&request, 4, "ledger", VERIFY_MISMATCH, "required, but: the result has no ledger entry");
}

/* --- inputs ------------------------------------------------------------------------------------------------------ */

static void test_inputs(void)
{
    struct verify_request request = {.path = out, .key_path = key};

    request.test_path = model;
    expect(&request, 4, "test", VERIFY_MISMATCH, "was given, but the result had none");
    request.test_path = NULL;
    request.spec_path = model;
    expect(&request, 4, "spec.yaml", VERIFY_MISMATCH, "was given, but the result had none");
    request.spec_path = NULL;
    request.kernel_path = "tests/no-such-file";
    refuse(&request, ERROR_NO_INPUT, "no-such-file");
}

static void test_model_folder(void)
{
    char path[PATH_MAX], inner[PATH_MAX];
    struct verify_request request = {.path = out, .key_path = key, .model_path = path};

    join(path, "model");
    join(inner, "model/model.onnx");
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0755), 0);
    expect(&request, 4, "model", VERIFY_MISMATCH, "1 of 1 signed files are not there: model.onnx");
    CU_ASSERT_EQUAL_FATAL(link(model, inner), 0);
    expect(&request, 0, "model", VERIFY_HOLDS, "all 1 files, as signed");
    join(inner, "model/deep");
    CU_ASSERT_EQUAL_FATAL(mkdir(inner, 0755), 0);
    join(inner, "model/deep/notes.txt");
    write_file(inner, "x");
    expect(&request, 0, "model's files", VERIFY_NOT_CHECKED, "1 in the folder were not evaluated: deep/notes.txt");
    join(inner, "model/model.onnx");
    CU_ASSERT_EQUAL(unlink(inner), 0);
    write_file(inner, "other bytes");
    expect(&request, 4, "model", VERIFY_MISMATCH, "1 of 1 files differ: model.onnx");
}

static void test_uncovered_files(void)
{
    const struct verify_request request = {.path = out, .key_path = key};
    char path[PATH_MAX];

    join(path, "out/notes.txt");
    write_file(path, "x");
    expect(&request, 0, "notes.txt", VERIFY_NOT_CHECKED, "not covered by the signature");
    CU_ASSERT_EQUAL(unlink(path), 0);
    join(path, "out/forensics.json");
    write_file(path, "{}");
    expect(&request, 4, "forensics.json", VERIFY_MISMATCH, "not covered by the signature");
    CU_ASSERT_EQUAL(unlink(path), 0);
    join(path, "out/\x1b[2J.txt");
    write_file(path, "x");
    expect(&request, 0, "\\x1b[2J.txt", VERIFY_NOT_CHECKED, "not covered");
    CU_ASSERT_EQUAL(unlink(path), 0);
    join(path, "out/plan.json");
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
    expect(&request, 4, "plan.json", VERIFY_MISMATCH, "not a regular file");
    CU_ASSERT_EQUAL(rmdir(path), 0);
    write_file(path, "{\"batch\":32}");
    expect(&request, 0, "plan.json", VERIFY_HOLDS, "12 bytes, as signed");
}

/* --- the report --------------------------------------------------------------------------------------------------- */

static unsigned columns(const char *line, size_t size)
{
    unsigned count = 0;

    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)line[i] & 0xc0) != 0x80;
    return count;
}

/* Lines keep within the width but where one word is longer, and lose no word. */
static void test_layout(void)
{
    const struct verify_request request = {.path = out, .key_path = key, .policy_path = "policies/low.yaml"};
    const struct verify_style style = {.symbols = true, .width = 80}, plain = {0};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 20), wide = buffer_with_limit(1 << 20);
    size_t long_lines = 0;

    CU_ASSERT_EQUAL_FATAL(verify_run(&request, &report, NULL), 0);
    CU_ASSERT_EQUAL(verify_report_write_text(report, &style, &text), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&text, 0), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)text.data, "\n  \u2713 holds       bundle "));
    for (const char *line = strchr((const char *)text.data, '\n'); line != NULL && line[1] != '\0';
         line = strchr(line + 1, '\n'))
        long_lines += columns(line + 1, strcspn(line + 1, "\n")) > style.width && line[1] == ' ';
    CU_ASSERT_EQUAL(long_lines, 0);
    CU_ASSERT_EQUAL(verify_report_write_text(report, &plain, &wide), 0);
    CU_ASSERT_EQUAL(buffer_append_u8(&wide, 0), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)wide.data, "\n  + holds       bundle "));
    CU_ASSERT_PTR_NOT_NULL(strstr((const char *)wide.data, "YOURS "));
    for (const char *c = (const char *)wide.data; *c != '\0'; c++)
        CU_ASSERT_TRUE((unsigned char)*c < 0x80);
}

static void test_json(void)
{
    const struct verify_request request = {.path = out, .keys_path = ring};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 20);
    CLEANUP_JSON json_t *value = NULL;
    const json_t *item;
    struct error err = {0};

    write_ring("result", "", "");
    CU_ASSERT_EQUAL_FATAL(verify_run(&request, &report, NULL), 0);
    CU_ASSERT_EQUAL(verify_report_write_json(report, &text), 0);
    CU_ASSERT_EQUAL_FATAL(json_read(text.data, text.size, 1 << 20, "report", &value, &err), 0);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(value, "exitStatus")), 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_object_get(value, "key"), "name")), "station-1");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_object_get(value, "key"), "fingerprint")), hex);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_object_get(value, "time"), "source")), "claimed");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_object_get(value, "time"), "value")), FINISHED);
    item = json_array_get(json_object_get(value, "items"), 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(item, "section")), "signature");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(item, "what")), "bundle");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(item, "state")), "holds");
}

/* --- */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static int prepare(void)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 12);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    uint8_t fingerprint[SHA256_SIZE];
    struct error err = {0};
    char *line, *rest;

    join(out, "out");
    join(key, "key.pub.pem");
    join(model, "model.onnx");
    join(ring, "ring.yaml");
    if (result_make(folder, &err) < 0 || crypto_public_key_load(key, &public, &err) < 0 ||
        crypto_public_key_fingerprint(public, fingerprint, &err) < 0 || file_read_bounded(key, &text, &err) < 0 ||
        buffer_append_u8(&text, 0) < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    sha256_to_hex(fingerprint, hex);
    for (rest = (char *)text.data; (line = strsep(&rest, "\n")) != NULL && *line != '\0';)
        (void)snprintf(pem + strlen(pem), sizeof pem - strlen(pem), "    %s\n", line);
    return 0;
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"a ring and its dates", test_ring},
        {"revocations", test_revocation},
        {"a key beside a ring", test_key_and_ring},
        {"a policy's keys", test_policy_as_ring},
        {"requirements", test_required},
        {"a policy that requires a ledger", test_policy_requires_ledger},
        {"inputs", test_inputs},
        {"a model's folder", test_model_folder},
        {"files without cover", test_uncovered_files},
        {"layout", test_layout},
        {"JSON", test_json},
    };
    int failed = 1;

    if (mkdtemp(folder) == NULL)
        return 1;
    if (prepare() == 0)
        failed = harness_run("host/verify: trust", tests, HARNESS_COUNT(tests));
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return failed;
}
