/* SPDX-License-Identifier: Apache-2.0 */
/* Documents: written, checked, changed; and a signer that signs one kind only. */
#include "base/io.h"
#include "host/approve/document.h"
#include "host/approve/folder.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/signer/signer.h"
#include "unit/harness.h"
#include "unit/host/approve/tests.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CREATED INT64_C(1790000000)
#define UNTIL   INT64_C(1800000000)

static char folder[] = "/tmp/lazaret-approve-XXXXXX";
static json_t *result; /* as much of a result's statement as documents take from it */

static struct document_target make_target(enum policy_tier tier)
{
    struct document_target target = {.statement = result, .tier = tier};

    memset(target.bundle_sha256, 1, SHA256_SIZE);
    memset(target.statement_sha256, 2, SHA256_SIZE);
    memset(target.policy_sha256, 3, SHA256_SIZE);
    return target;
}

static void make(enum document_kind kind, enum policy_tier tier, struct buffer *ret_bytes)
{
    const struct document_target target = make_target(tier);
    struct document_support supports[2] = {{.by = "alice", .file = "approval-alice.sigstore.json", .fingerprint = {4}},
                                           {.by = "bob", .file = "approval-bob.sshsig", .fingerprint = {5}}};
    const struct document_support waiver = {
        .by = "wanda", .check = "pgd", .file = "waiver-pgd.sigstore.json", .fingerprint = {6}};
    const struct document_release release = {.required = policy_fewest_sign_offs(tier),
                                             .sign_offs = supports,
                                             .sign_off_count = 2,
                                             .waivers = &waiver,
                                             .waiver_count = 1,
                                             .verdict = OUTCOME_NEEDS_REVIEW};
    struct error err = {0};
    int r = kind == DOCUMENT_SIGN_OFF ? document_encode_sign_off(&target, CREATED, UNTIL, ret_bytes, &err)
            : kind == DOCUMENT_WAIVER
                ? document_encode_waiver(&target, "pgd", "wanda", "a reason", CREATED, UNTIL, ret_bytes, &err)
                : document_encode_release(&target, &release, CREATED, UNTIL, ret_bytes, &err);

    if (r < 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        CU_FAIL_FATAL("a document can't be made");
    }
}

static void test_documents(void)
{
    for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
        CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
        CLEANUP_DOCUMENT struct document document = {0};

        make((enum document_kind)kind, POLICY_HIGH, &bytes);
        CU_ASSERT_EQUAL_FATAL(document_check(bytes.data, bytes.size, (enum document_kind)kind, &document, NULL), 0);
        CU_ASSERT_EQUAL(document.tier, POLICY_HIGH);
        CU_ASSERT_EQUAL(document.created, CREATED);
        CU_ASSERT_EQUAL(document.valid_until, UNTIL);
        CU_ASSERT_EQUAL(document.bundle_sha256[0], 1);
        CU_ASSERT_EQUAL(document.statement_sha256[31], 2);
        CU_ASSERT_EQUAL(document.policy_sha256[0], 3);
        CU_ASSERT_EQUAL(json_array_size(document.subjects), 2);
        /* No kind passes for another. */
        for (unsigned other = 0; other < DOCUMENT_KIND_COUNT; other++) {
            CLEANUP_DOCUMENT struct document none = {0};

            if (other != kind)
                CU_ASSERT_EQUAL(document_check(bytes.data, bytes.size, (enum document_kind)other, &none, NULL),
                                -EBADMSG);
        }
    }
}

/* A changed byte is refused, or changes what the document says: never the form. */
static void test_changed_bytes(void)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);

    make(DOCUMENT_RELEASE, POLICY_MEDIUM, &bytes);
    for (size_t i = 0; i < bytes.size; i++) {
        CLEANUP_DOCUMENT struct document document = {0};

        bytes.data[i] ^= 0x20;
        if (document_check(bytes.data, bytes.size, DOCUMENT_RELEASE, &document, NULL) == 0)
            CU_ASSERT_TRUE(document_count_supports(&document, DOCUMENT_SIGN_OFF) == 2);
        bytes.data[i] ^= 0x20;
    }
    for (size_t size = 0; size < bytes.size; size += 7) {
        CLEANUP_DOCUMENT struct document document = {0};

        CU_ASSERT_EQUAL(document_check(bytes.data, size, DOCUMENT_RELEASE, &document, NULL), -EBADMSG);
    }
}

/* Checks a sign-off with one member set to something else. */
static int check_changed(enum document_kind kind, const char *path, json_t *value, struct error *err)
{
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_BUFFER struct buffer changed = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_DOCUMENT struct document document = {0};
    CLEANUP_JSON json_t *json = NULL;
    json_t *at;
    char part[64];

    make(kind, POLICY_MEDIUM, &bytes);
    CU_ASSERT_EQUAL_FATAL(json_read(bytes.data, bytes.size, STATEMENT_SIZE_MAX, "document", &json, NULL), 0);
    at = json;
    for (const char *next = strchr(path, '/'); next != NULL; path = next + 1, next = strchr(path, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(next - path), path);
        at = json_object_get(at, strcmp(part, "extension") == 0 ? document_forms[kind].extension : part);
    }
    CU_ASSERT_EQUAL_FATAL(json_object_set_new(at, path, value), 0);
    CU_ASSERT_EQUAL_FATAL(json_canonical_encode(json, &changed), 0);
    return document_check(changed.data, changed.size, kind, &document, err);
}

static void test_refused(void)
{
    static const struct {
        enum document_kind kind;
        const char *path, *value;
    } cases[] = {
        {DOCUMENT_SIGN_OFF, "_type", "\"https://in-toto.io/Statement/v0.1\""},
        {DOCUMENT_SIGN_OFF, "predicateType", "\"https://in-toto.io/attestation/test-result/v0.1\""},
        {DOCUMENT_SIGN_OFF, "more", "1"},
        {DOCUMENT_SIGN_OFF, "subject", "[]"},
        {DOCUMENT_SIGN_OFF, "predicate/properties", "[\"X_HUMAN_APPROVED\",\"X_RELEASED\"]"},
        {DOCUMENT_SIGN_OFF, "predicate/properties", "[]"},
        {DOCUMENT_SIGN_OFF, "predicate/timeCreated", "\"2026-01-31\""},
        {DOCUMENT_SIGN_OFF, "predicate/more", "1"},
        {DOCUMENT_SIGN_OFF, "predicate/verifier", "{\"id\":\"https://example.org\",\"policies\":[]}"},
        {DOCUMENT_SIGN_OFF, "predicate/extension/validUntil", "\"2020-01-01T00:00:00Z\""},
        {DOCUMENT_SIGN_OFF, "predicate/extension/tier", "\"highest\""},
        {DOCUMENT_SIGN_OFF, "predicate/extension/statement", "\"00\""},
        {DOCUMENT_SIGN_OFF, "predicate/extension/verdict", "\"rejected\""},
        {DOCUMENT_SIGN_OFF, "predicate/extension/verdict", "\"could-not-evaluate\""},
        {DOCUMENT_SIGN_OFF, "predicate/extension/reasons", "[\"\\u001b[2J\"]"},
        {DOCUMENT_WAIVER, "predicate/extension/check", "\"../pgd\""},
        {DOCUMENT_WAIVER, "predicate/extension/check", "\"\""},
        {DOCUMENT_WAIVER, "predicate/extension/by", "\"a b\""},
        {DOCUMENT_WAIVER, "predicate/extension/reason", "\"\""},
        {DOCUMENT_WAIVER, "predicate/extension/reason", "\"\\u202e\""},
        {DOCUMENT_RELEASE, "predicate/extension/required", "0"}, /* below the tier's floor */
        {DOCUMENT_RELEASE, "predicate/extension/required", "3"}, /* more than there are */
        {DOCUMENT_RELEASE, "predicate/extension/signOffs", "[]"},
        {DOCUMENT_RELEASE, "predicate/extension/verdict", "\"rejected\""},
        {DOCUMENT_RELEASE, "predicate/extension/tier", "\"low\""}, /* accepted: see below */
    };

    for (size_t i = 0; i + 1 < sizeof cases / sizeof cases[0]; i++) {
        struct error err = {0};
        json_t *value = json_loads(cases[i].value, JSON_DECODE_ANY, NULL);

        CU_ASSERT_PTR_NOT_NULL_FATAL(value);
        if (check_changed(cases[i].kind, cases[i].path, value, &err) != -EBADMSG || err.kind != ERROR_BAD_INPUT) {
            (void)fprintf(stderr, "%s = %s is accepted\n", cases[i].path, cases[i].value);
            CU_FAIL("a wrong document is accepted");
        }
    }
    /* Another tier is another document, of the form; who believes it compares it with the policy's. */
    CU_ASSERT_EQUAL(check_changed(DOCUMENT_RELEASE, "predicate/extension/tier", json_string("low"), NULL), 0);
}

/* A reviewer counts once: by name, and by key. */
static void test_supports_once(void)
{
    static const char *const lists[] = {
        "[{\"by\":\"alice\",\"key\":\"%1$s\",\"name\":\"a\",\"digest\":{\"sha256\":\"%1$s\"}},"
        "{\"by\":\"alice\",\"key\":\"%2$s\",\"name\":\"b\",\"digest\":{\"sha256\":\"%1$s\"}}]",
        "[{\"by\":\"alice\",\"key\":\"%1$s\",\"name\":\"a\",\"digest\":{\"sha256\":\"%1$s\"}},"
        "{\"by\":\"bob\",\"key\":\"%1$s\",\"name\":\"b\",\"digest\":{\"sha256\":\"%2$s\"}}]",
        "[{\"by\":\"alice\",\"key\":\"%1$s\",\"name\":\"a/../b\",\"digest\":{\"sha256\":\"%2$s\"}}]",
    };
    uint8_t digest[SHA256_SIZE] = {0};
    char one[SHA256_HEX_SIZE], two[SHA256_HEX_SIZE], text[1024];

    sha256_to_hex(digest, one);
    digest[0] = 1;
    sha256_to_hex(digest, two);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct error err = {0};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(text, sizeof text, lists[i], one, two);
#pragma GCC diagnostic pop
        CU_ASSERT_EQUAL(
            check_changed(DOCUMENT_RELEASE, "predicate/extension/signOffs", json_loads(text, 0, NULL), &err), -EBADMSG);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "signOffs[]"));
    }
}

/* Whoever has the signer of one kind gets no other kind signed. */
static void test_signer(void)
{
    static signer_accept *const accepts[DOCUMENT_KIND_COUNT] = {document_accept_sign_off, document_accept_waiver,
                                                                document_accept_release};
    uint8_t fingerprint[SHA256_SIZE];
    char path[PATH_MAX];
    struct error err = {0};

    (void)snprintf(path, sizeof path, "%s/key", folder);
    CU_ASSERT_EQUAL_FATAL(crypto_key_generate(path, fingerprint, &err), 0);
    (void)snprintf(path, sizeof path, "%s/key.pem", folder);
    for (unsigned started = 0; started <= DOCUMENT_KIND_COUNT; started++) {
        CLEANUP_SIGNER struct signer *signer = NULL;
        int r = started < DOCUMENT_KIND_COUNT ? signer_start_for(accepts[started], path, NULL, &signer, &err)
                                              : signer_start(path, &signer, &err);

        CU_ASSERT_EQUAL_FATAL(r, 0);
        for (unsigned kind = 0; kind < DOCUMENT_KIND_COUNT; kind++) {
            CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
            uint8_t signature[CRYPTO_SIGNATURE_MAX];
            size_t size = 0;

            make((enum document_kind)kind, POLICY_LOW, &bytes);
            r = signer_sign(signer, bytes.data, bytes.size, signature, &size, io_deadline_ms(10000), &err);
            CU_ASSERT_EQUAL(r, kind == started ? 0 : -EBADMSG);
        }
    }
}

/* One writer at a time; a file is replaced at once; what is no sign-off is not listed. */
static void test_folder(void)
{
    static const char *const names[] = {"approval-bob.sshsig",      "approval-a.b.sigstore.json", "approval-.sshsig",
                                        "waiver-pgd.sigstore.json", "waiver-pgd.sshsig",          "approval.json"};
    static struct folder_list list;
    CLEANUP_BUFFER struct buffer content = buffer_with_limit(64);
    CLEANUP_FD int fd = -1;
    int second = -1;
    struct error err = {0};

    CU_ASSERT_EQUAL_FATAL(folder_lock(folder, &fd, &err), 0);
    CU_ASSERT_EQUAL(folder_lock(folder, &second, &err), -EWOULDBLOCK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CU_ASSERT_EQUAL(folder_write(fd, names[i], names[i], strlen(names[i]), &err), 0);
    CU_ASSERT_EQUAL(folder_write(fd, names[0], "new", 3, &err), 0);
    CU_ASSERT_EQUAL(folder_read(folder, names[0], &content, &err), 0);
    CU_ASSERT_EQUAL(content.size, 3);
    CU_ASSERT_EQUAL(folder_list(folder, &list, &err), 0);
    CU_ASSERT_EQUAL_FATAL(list.count, 3);
    CU_ASSERT_STRING_EQUAL(list.files[0].of, "a.b");
    CU_ASSERT_STRING_EQUAL(list.files[1].of, "bob");
    CU_ASSERT_TRUE(list.files[1].is_ssh);
    CU_ASSERT_STRING_EQUAL(list.files[2].of, "pgd");
    CU_ASSERT_TRUE(list.files[2].is_waiver);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CU_ASSERT_EQUAL(folder_remove(fd, names[i], &err), 0);
    CU_ASSERT_EQUAL(folder_remove(fd, names[0], &err), 0);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"documents of every kind", test_documents},
        {"changed bytes", test_changed_bytes},
        {"refusals", test_refused},
        {"a reviewer counts once", test_supports_once},
        {"a signer signs one kind", test_signer},
        {"files of a directory", test_folder},
        {"who settles which reason", test_settle_reasons},
        {"sign-offs and policies", test_settle_sign_offs},
    };
    char path[PATH_MAX];
    int status;

    result = json_pack("{s:[{s:s, s:{s:s}}], s:{s:{s:s, s:[s]}}}", "subject", "name", "model.onnx", "digest", "sha256",
                       "00000000000000000000000000000000000000000000000000000000000000ff", "predicate",
                       STATEMENT_EXTENSION, "verdict", "needs-review", "reasons", "the tier");
    if (result == NULL || mkdtemp(folder) == NULL)
        return 1;
    status = harness_run("approve", tests, HARNESS_COUNT(tests));
    (void)snprintf(path, sizeof path, "%s/key.pem", folder);
    (void)remove(path);
    (void)snprintf(path, sizeof path, "%s/key.pub.pem", folder);
    (void)remove(path);
    (void)rmdir(folder);
    json_decref(result);
    return status;
}
