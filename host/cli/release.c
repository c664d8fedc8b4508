/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret release: the signed release, where result, policy and sign-offs agree; or a check of one. */
#include "host/cli/commands.h"
#include "host/cli/passphrase.h"
#include "host/cli/review.h"

#include "host/approve/release.h"
#include "host/approve/sign_off.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXIT_STATUS_NOT_YET 2

struct release {
    struct cli_review review;
    bool check;
};

/* A ring that names result keys must name this one, or nobody could check the release by it. */
static int demand_key(const struct release *release, const struct signer *signer, struct error *err)
{
    const struct keyring *ring = release->review.request.ring;
    const struct keyring_key *key;
    uint8_t fingerprint[SHA256_SIZE];
    enum keyring_standing standing;
    bool has_keys = false;
    int r = crypto_public_key_fingerprint(signer_public_key(signer), fingerprint, err);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < ring->count; i++)
        has_keys |= (ring->keys[i].use & KEYRING_RESULT) != 0;
    key = keyring_find(ring, fingerprint, KEYRING_RESULT);
    if (key == NULL)
        return has_keys ? error_set(err, ERROR_BAD_INPUT, -EPERM, "%s: not among the trusted keys with use: [result]",
                                    release->review.key_path)
                        : 0;
    standing = keyring_judge(key, release->review.request.when);
    return standing == KEYRING_VALID ? 0
                                     : error_set(err, ERROR_BAD_INPUT, -EPERM, "%s: %s's key is %s",
                                                 release->review.key_path, key->name, keyring_standing_names[standing]);
}

static int sign(struct release *release, int folder_fd, struct error *err)
{
    CLEANUP_SIGNER struct signer *signer = NULL;
    CLEANUP_BUFFER struct buffer bytes = buffer_with_limit(STATEMENT_SIZE_MAX);
    int r = cli_review_start_signer(&release->review, document_accept_release, &signer, err);

    if (r == 0)
        r = demand_key(release, signer, err);
    if (r == 0)
        r = release_encode(&release->review.request, &release->review.result.verdict, release->review.review, &bytes,
                           err);
    return r == 0 ? cli_review_sign(signer, &bytes, folder_fd, FOLDER_RELEASE, err) : r;
}

/* The envelope of all signatures, should a crash have left one out. */
static int mend_envelope(const struct release *release, int folder_fd, struct error *err)
{
    CLEANUP_BUFFER struct buffer statement = buffer_with_limit(STATEMENT_SIZE_MAX);
    int r = folder_read(release->review.directory, FOLDER_STATEMENT, &statement, err);

    if (r == -ENOENT)
        return 0;
    return r < 0 ? r : sign_off_write_envelope(folder_fd, release->review.directory, &statement, err);
}

/* Nothing may be added or exchanged between the count and the release. */
static int write_release(struct release *release, int *ret_status, struct error *err)
{
    CLEANUP_FD int folder_fd = -1;
    int r = folder_lock(release->review.directory, &folder_fd, err);

    if (r == 0)
        r = cli_review_collect(&release->review, err);
    if (r < 0)
        return r;
    if (review_is_broken(release->review.review) || release->review.settled->missing_count > 0) {
        cli_review_print_state(&release->review);
        *ret_status =
            review_is_broken(release->review.review) ? error_exit_status(ERROR_MISMATCH) : EXIT_STATUS_NOT_YET;
        (void)fprintf(stderr, "lazaret: %s: not released%s\n", release->review.directory,
                      *ret_status == EXIT_STATUS_NOT_YET ? " yet" : ": a sign-off or waiver is broken");
        return 0;
    }
    r = mend_envelope(release, folder_fd, err);
    if (r == 0)
        r = sign(release, folder_fd, err);
    if (r == 0) {
        cli_review_print_state(&release->review);
        (void)printf("released: %s/" FOLDER_RELEASE "\n", release->review.directory);
    }
    return r;
}

static int check_release(struct release *release, struct error *err)
{
    CLEANUP_FREE struct release_report *report = calloc(1, sizeof *report);
    CLEANUP_PUBLIC_KEY struct crypto_public_key *key = NULL;
    int r = 0;

    if (report == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the release");
    if (release->review.key_path != NULL)
        r = crypto_public_key_load(release->review.key_path, &key, err);
    if (r == 0)
        r = release_verify(&release->review.request, &release->review.result, key, report, err);
    if (r < 0)
        return r;
    *release->review.review = report->review;
    cli_review_print_signed(&release->review);
    if (report->state == RELEASE_ABSENT)
        return error_set(err, ERROR_NO_INPUT, -ENOENT, "%s: there is no " FOLDER_RELEASE, release->review.directory);
    if (report->state != RELEASE_HOLDS)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s/" FOLDER_RELEASE ": %s", release->review.directory,
                         report->detail);
    (void)printf("released: %s\n", report->detail);
    return 0;
}

static int run(struct release *release, int *ret_status, struct error *err)
{
    int r = cli_review_open(&release->review, err);

    if (r < 0)
        return r;
    cli_review_print_result(&release->review);
    if (release->check)
        return check_release(release, err);
    *ret_status = cli_review_refuse(&release->review);
    return *ret_status != 0 ? 0 : write_release(release, ret_status, err);
}

static int demand_arguments(const struct release *release, struct error *err)
{
    if (release->review.policy_path == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--policy P.yaml is needed: the one that you trust, and not the copy beside the result");
    if (release->review.key_path == NULL && !release->check)
        return error_set(err, ERROR_USAGE, -EINVAL, "--key K.pem is needed, or --check; see --help");
    return 0;
}

int cli_release(int argc, char **argv)
{
    struct release release = {0};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("policy", "P.yaml", "the policy that you trust (needed)", &release.review.policy_path),
        CLI_OPTION_TEXT(
            "key", "K.pem",
            "your private key, or pkcs11:URI; with --check the public key (default: one with use: [result])",
            &release.review.key_path),
        CLI_OPTION_PASSPHRASE_FILE(&release.review.passphrase.file),
        CLI_OPTION_FLAG("check", "check the release in DIR, and all that it rests on, instead of writing it",
                        &release.check),
        CLI_REVIEW_OPTIONS(release.review),
    };
    const struct cli_command command = {
        .usage = "lazaret release DIR --policy P.yaml --key K.pem [OPTIONS]",
        .purpose =
            "Verifies the result in DIR, decides again under the policy, counts sign-offs and waivers, and signs\n"
            "DIR/" FOLDER_RELEASE " where all agree. docs/approval.md has the rules.\n"
            "Exit status: 0 released, 1 rejected, 2 not yet (what is missing is named), 3 could not evaluate,\n"
            "4 something is not what was signed.",
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
    release.review.directory = r == 0 ? operands[0] : NULL;
    if (r == 0)
        r = demand_arguments(&release, &error);
    if (r == 0)
        r = run(&release, &status, &error);
    cli_review_close(&release.review);
    return r < 0 ? cli_fail(&error) : status;
}
