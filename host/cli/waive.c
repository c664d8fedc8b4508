/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret waive: a named person vouches, for a time, for what a check did not tell. */
#include "host/cli/commands.h"
#include "host/cli/passphrase.h"
#include "host/cli/review.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct waive {
    struct cli_review review;
    const char *check, *reason, *expires;
    int64_t valid_until;
};

/* Only what needs review for this check's sake can be waived: nothing that failed, nothing that passed. */
static int demand_gap(const struct waive *waive, struct error *err)
{
    const struct verdict *verdict = &waive->review.result.verdict;
    const struct review_line *waiver = review_find_waiver(waive->review.review, waive->check);

    for (size_t i = 0; i < verdict->check_count; i++)
        if (strcmp(verdict->checks[i].id, waive->check) == 0 && verdict->checks[i].status == CHECK_FAILED)
            return error_set(err, ERROR_USAGE, -EPERM, "%s failed; a failure can't be waived", waive->check);
    if (waiver != NULL) /* a release may rest on its file */
        return error_set(err, ERROR_USAGE, -EEXIST,
                         "%s is waived already (%s, by %s, %s); remove that file to waive anew", waive->check,
                         waiver->support.file, waiver->support.by, waiver->detail);
    for (size_t i = 0; i < verdict->reason_count; i++)
        if (verdict->bases[i].cause == VERDICT_CAUSE_CHECK && verdict->bases[i].outcome == OUTCOME_NEEDS_REVIEW &&
            strcmp(verdict->checks[verdict->bases[i].check].id, waive->check) == 0)
            return 0;
    return error_set(err, ERROR_USAGE, -EINVAL, "%s: the result needs no waiver of it under this policy", waive->check);
}

static int demand_arguments(struct waive *waive, struct error *err)
{
    if (waive->check == NULL || waive->reason == NULL || waive->expires == NULL || waive->review.key_path == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "--check, --reason, --expires and --key are needed; see --help");
    return cli_review_take_end(waive->expires, time(NULL), &waive->valid_until, err);
}

/* Who the key belongs to; it must be one that may waive, and now. */
static int find_name(const struct waive *waive, const struct signer *signer, const char **ret_name, struct error *err)
{
    const struct keyring_key *key;
    uint8_t fingerprint[SHA256_SIZE];
    enum keyring_standing standing;
    int r = crypto_public_key_fingerprint(signer_public_key(signer), fingerprint, err);

    if (r < 0)
        return r;
    key = keyring_find(waive->review.request.ring, fingerprint, KEYRING_WAIVER);
    if (key == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EPERM, "%s: not among the trusted keys with use: [waiver]",
                         waive->review.key_path);
    standing = keyring_judge(key, waive->review.request.when);
    if (standing != KEYRING_VALID)
        return error_set(err, ERROR_BAD_INPUT, -EPERM, "%s: %s's key is %s", waive->review.key_path, key->name,
                         keyring_standing_names[standing]);
    *ret_name = key->name;
    return 0;
}

static int sign(struct waive *waive, struct error *err)
{
    CLEANUP_SIGNER struct signer *signer = NULL;
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    CLEANUP_FD int folder_fd = -1;
    char name[FOLDER_FILE_NAME_SIZE];
    const char *by = NULL;
    int r = cli_review_start_signer(&waive->review, document_accept_waiver, &signer, err);

    if (r == 0)
        r = find_name(waive, signer, &by, err);
    if (r == 0)
        r = document_encode_waiver(&waive->review.result.target, waive->check, by, waive->reason,
                                   waive->review.request.when, waive->valid_until, &bytes, err);
    if (r == 0)
        r = folder_lock(waive->review.directory, &folder_fd, err);
    if (r < 0)
        return r;
    (void)snprintf(name, sizeof name, FOLDER_WAIVER "%s" FOLDER_BUNDLE_ENDING, waive->check);
    r = cli_review_sign(signer, &bytes, folder_fd, name, err);
    if (r == 0)
        (void)printf("%s: signed by %s, until %s\n", name, by, waive->expires);
    return r;
}

static int run(struct waive *waive, int *ret_status, struct error *err)
{
    int r = cli_review_open(&waive->review, err);

    if (r < 0)
        return r;
    *ret_status = cli_review_refuse(&waive->review);
    if (*ret_status != 0)
        return 0;
    r = demand_gap(waive, err);
    if (r == 0)
        r = sign(waive, err);
    if (r == 0)
        r = cli_review_collect(&waive->review, err);
    if (r == 0)
        cli_review_print_state(&waive->review);
    return r;
}

int cli_waive(int argc, char **argv)
{
    struct waive waive = {0};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("check", "CHECK", "the check that was skipped, warned or erred", &waive.check),
        CLI_OPTION_TEXT("reason", "TEXT", "why it is all right without", &waive.reason),
        CLI_OPTION_TEXT("expires", "DATE", "how long that holds: 2026-01-31, or a time as 2026-01-31T23:59:59Z",
                        &waive.expires),
        CLI_OPTION_TEXT("key", "K.pem", "your private key, or pkcs11:URI; the policy knows it with use: [waiver]",
                        &waive.review.key_path),
        CLI_OPTION_PASSPHRASE_FILE(&waive.review.passphrase.file),
        CLI_OPTION_TEXT("policy", "P.yaml", "the policy for the release (default: the result's own)",
                        &waive.review.policy_path),
        CLI_REVIEW_OPTIONS(waive.review),
    };
    const struct cli_command command = {
        .usage = "lazaret waive DIR --check CHECK --reason TEXT --expires DATE --key K.pem [OPTIONS]",
        .purpose =
            "Signs a waiver of one check of the result in DIR, which a release then takes in place of a clear answer.\n"
            "A check that failed can't be waived. docs/approval.md has the rules.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error error = {0};
    unsigned count;
    int status = 0, r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    waive.review.directory = r == 0 ? operands[0] : NULL;
    if (r == 0)
        r = demand_arguments(&waive, &error);
    if (r == 0)
        r = run(&waive, &status, &error);
    cli_review_close(&waive.review);
    return r < 0 ? cli_fail(&error) : status;
}
