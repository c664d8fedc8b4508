/* SPDX-License-Identifier: Apache-2.0 */
/* A complete signed output directory. */
#include "unit/host/verify/result.h"

#include "base/file.h"
#include "base/io.h"
#include "host/attest/bundle.h"
#include "host/json/canonical.h"
#include "host/json/reader.h"
#include "host/policy/verdict.h"
#include "host/signer/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MODEL "not really a model, but bytes with a digest"

static const char *const names[] = {"key.pem",
                                    "key.pub.pem",
                                    "model.onnx",
                                    "out/policy.yaml",
                                    "out/plan.json",
                                    "out/evaluation.json",
                                    "out/execution.json",
                                    "out/console.log",
                                    "out/result.sigstore.json",
                                    "out/spec.yaml",
                                    "mine.yaml",
                                    "saved",
                                    "other.pem",
                                    "other.pub.pem",
                                    "out"};

static int write_at(const char *folder, const char *name, const void *data, size_t size)
{
    char path[PATH_MAX];
    CLEANUP_FD int fd = -1;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : io_write_full(fd, data, size, IO_NO_DEADLINE);
}

static json_t *new_evaluation(const char *model_hex, const char *policy_hex)
{
    return json_pack(
        "{s:s, s:s, s:s, s:{s:n}, s:[{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:s, s:[s,s]},"
        "{s:s, s:i, s:s, s:s, s:[{s:s, s:[{s:s, s:i, s:i, s:s, s:[s,s]}, {s:s, s:i, s:i, s:s, s:[s,s]}]}]},"
        "{s:s, s:i, s:s, s:s, s:s}]}",
        "arithmetic", "mul-add", "model", model_hex, "policy", policy_hex, "inputs", "train", "checks",
        /* clean-accuracy */
        "id", "clean-accuracy", "version", 1, "status", "passed", "provenance", "host-scored", "classes", 10, "correct",
        444, "total", 450, "accuracy", "0.986667", "ci95", "0.971219", "0.993875",
        /* fgsm */
        "id", "fgsm", "version", 1, "status", "passed", "provenance", "host-scored", "curves", "norm", "inf", "points",
        "eps", "0.01", "robustCorrect", 440, "total", 450, "robustAccuracy", "0.977778", "ci95", "0.959582", "0.987885",
        "eps", "0.03", "robustCorrect", 425, "total", 450, "robustAccuracy", "0.944444", "ci95", "0.919275", "0.962090",
        /* activation-clustering */
        "id", "activation-clustering", "version", 1, "status", "skipped", "provenance", "host", "reason",
        "no training set");
}

/* Writes out/NAME and describes it. */
static int add_file(const char *folder, const char *name, const void *data, size_t size,
                    struct statement_resource *ret_resource)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "out/%s", name);
    ret_resource->name = name;
    sha256_of(data, size, ret_resource->sha256);
    return write_at(folder, path, data, size);
}

static int make_statement(const char *folder, const struct policy *policy, const struct buffer *yaml,
                          struct buffer *ret_statement, struct error *err)
{
    static const char plan[] = "{\"batch\":32}", execution[] = "{\"isolation\":\"microvm\"}";
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(1 << 20);
    CLEANUP_JSON json_t *evaluation = NULL;
    CLEANUP_VERDICT struct verdict verdict = {0};
    struct statement_resource subject = {.name = "model.onnx"}, configuration[2], documents[2];
    struct statement_check_entry checks[VERDICT_CHECKS_MAX];
    char model_hex[SHA256_HEX_SIZE], policy_hex[SHA256_HEX_SIZE];
    int r;

    sha256_of(MODEL, strlen(MODEL), subject.sha256);
    sha256_to_hex(subject.sha256, model_hex);
    sha256_to_hex(policy->sha256, policy_hex);
    evaluation = new_evaluation(model_hex, policy_hex);
    r = json_canonical_encode(evaluation, &text);
    if (r == 0)
        r = add_file(folder, STATEMENT_POLICY, yaml->data, yaml->size, &configuration[0]);
    if (r == 0)
        r = add_file(folder, STATEMENT_PLAN, plan, sizeof plan - 1, &configuration[1]);
    if (r == 0)
        r = add_file(folder, STATEMENT_EVALUATION, text.data, text.size, &documents[0]);
    if (r == 0)
        r = add_file(folder, STATEMENT_EXECUTION, execution, sizeof execution - 1, &documents[1]);
    if (r == 0)
        r = write_at(folder, "out/console.log", "boot\n", 5);
    if (r == 0)
        r = verdict_decide(policy, evaluation, STATEMENT_MICROVM, STATEMENT_TCG, &verdict, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < verdict.check_count; i++)
        checks[i] = (struct statement_check_entry){verdict.checks[i].id, verdict.checks[i].status,
                                                   verdict.checks[i].provenance};
    const struct statement_input input = {
        .subjects = &subject,
        .subject_count = 1,
        .configuration = configuration,
        .configuration_count = 2,
        .documents = documents,
        .document_count = 2,
        .outcome = verdict.outcome,
        .tier = policy_tier_names[policy->tier],
        .reasons = (const char *const *)verdict.reasons,
        .reason_count = verdict.reason_count,
        .checks = checks,
        .check_count = verdict.check_count,
        .isolation = STATEMENT_MICROVM,
        .acceleration = STATEMENT_TCG,
        .job = "0123456789abcdef",
        .finished_at = 1735689599,
    };
    return statement_encode(&input, ret_statement, err);
}

static int sign(const char *folder, const struct buffer *statement, struct error *err)
{
    CLEANUP_SIGNER struct signer *signer = NULL;
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    struct bundle bundle = {.payload = *statement};
    char path[PATH_MAX];
    int r;

    (void)snprintf(path, sizeof path, "%s/key.pem", folder);
    r = signer_start(path, &signer, err);
    if (r == 0)
        r = signer_sign(signer, statement->data, statement->size, bundle.signature, &bundle.signature_size,
                        io_deadline_ms(10000), err);
    if (r == 0)
        r = crypto_public_key_fingerprint(signer_public_key(signer), bundle.fingerprint, err);
    if (r == 0)
        r = bundle_encode(&bundle, &text);
    return r == 0 ? write_at(folder, "out/result.sigstore.json", text.data, text.size) : r;
}

int result_make(const char *folder, struct error *err)
{
    CLEANUP_BUFFER struct buffer yaml = buffer_with_limit(POLICY_SIZE_MAX);
    CLEANUP_BUFFER struct buffer statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    struct policy policy;
    uint8_t fingerprint[SHA256_SIZE];
    char path[PATH_MAX];
    int r;

    (void)snprintf(path, sizeof path, "%s/out", folder);
    if (mkdir(path, 0755) < 0)
        return error_set(err, ERROR_UNAVAILABLE, -errno, "%s: %s", path, strerror(errno));
    (void)snprintf(path, sizeof path, "%s/key", folder);
    r = crypto_key_generate(path, fingerprint, err);
    if (r == 0)
        r = file_read_bounded("tests/fixtures/policies/three-checks.yaml", &yaml, err);
    if (r == 0)
        r = policy_parse(yaml.data, yaml.size, STATEMENT_POLICY, &policy, err);
    if (r == 0)
        r = write_at(folder, "model.onnx", MODEL, strlen(MODEL));
    if (r == 0)
        r = make_statement(folder, &policy, &yaml, &statement, err);
    return r == 0 ? sign(folder, &statement, err) : r;
}

void result_remove(const char *folder)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)remove(path);
    }
    (void)rmdir(folder);
}
