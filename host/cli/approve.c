/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret approve: shows what there is to sign off, and signs it with a reviewer's PEM or OpenSSH key. */
#include "host/cli/commands.h"
#include "host/cli/passphrase.h"
#include "host/cli/review.h"
#include "host/cli/ssh_keygen.h"

#include "base/file.h"
#include "base/io.h"
#include "host/approve/sign_off.h"
#include "host/attest/dsse.h"
#include "host/crypto/pkcs11.h"
#include "host/crypto/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define PAE_MAX         (STATEMENT_SIZE_MAX + 128)
#define SECONDS_PER_DAY 86400

struct approve {
    struct cli_review review;
    const char *request_path, *ssh_signature_path, *expires;
    bool renew;
    bool is_first; /* the statement is new, and not written yet */
    int folder_fd;
    struct buffer statement, pae; /* what is signed, and how */
};

/* --- what is signed ------------------------------------------------------------------------------------------ */

/* How long a sign-off counts. */
static int find_end(const struct approve *approve, int64_t *ret_end, struct error *err)
{
    int64_t now = approve->review.request.when;

    *ret_end = now + (int64_t)approve->review.policy->approval.days * SECONDS_PER_DAY;
    return approve->expires == NULL ? 0 : cli_review_take_end(approve->expires, now, ret_end, err);
}

/* The bytes that the first reviewer signed are those that all sign. */
static int take_statement(struct approve *approve, struct error *err)
{
    CLEANUP_DOCUMENT struct document document = {0};
    const struct review_request *request = &approve->review.request;
    enum review_state state = REVIEW_COUNTS;
    char detail[REVIEW_DETAIL_SIZE];
    int r = document_check(approve->statement.data, approve->statement.size, DOCUMENT_SIGN_OFF, &document, err);

    if (r < 0) {
        (void)error_prefix(err, "%s/" FOLDER_STATEMENT, approve->review.directory);
        return r;
    }
    review_judge_document(&document, request, &state, detail);
    if (state != REVIEW_COUNTS)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s/" FOLDER_STATEMENT ", which reviewers sign, is %s; --new begins again, without the "
                         "signatures so far",
                         approve->review.directory, detail);
    if (approve->expires != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL,
                         "--expires: the first reviewer has chosen already; all sign the same bytes (%s)", detail);
    return 0;
}

static int make_statement(struct approve *approve, struct error *err)
{
    const struct review_request *request = &approve->review.request;
    int64_t end;
    int r = find_end(approve, &end, err);

    approve->is_first = true;
    return r < 0 ? r : document_encode_sign_off(request->target, request->when, end, &approve->statement, err);
}

static int prepare_statement(struct approve *approve, struct error *err)
{
    struct error cause = {0};
    int r = approve->renew ? -ENOENT
                           : folder_read(approve->review.directory, FOLDER_STATEMENT, &approve->statement, &cause);

    if (r < 0 && r != -ENOENT)
        return error_set(err, cause.kind, r, "%s", cause.text);
    r = r == -ENOENT ? make_statement(approve, err) : take_statement(approve, err);
    if (r < 0)
        return r;
    return dsse_encode_pae(DSSE_PAYLOAD_TYPE, approve->statement.data, approve->statement.size, &approve->pae) < 0
               ? error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the sign-off")
               : 0;
}

/* The statement goes first, and the sign-offs of an earlier one only now that there is a new one to take their place.
 */
static int write_statement(const struct approve *approve, struct error *err)
{
    int r = 0;

    if (approve->renew)
        r = sign_off_remove_all(approve->folder_fd, approve->review.directory, err);
    if (r == 0 && approve->is_first)
        r = folder_write(approve->folder_fd, FOLDER_STATEMENT, approve->statement.data, approve->statement.size, err);
    return r;
}

/* --- who signs --------------------------------------------------------------------------------------------------- */

/* The reviewer of this key; says why it would not count before anything is signed. */
static int find_reviewer(const struct approve *approve, const struct crypto_public_key *public,
                         const struct keyring_key **ret_key, struct error *err)
{
    const struct policy *policy = approve->review.policy;
    const struct policy_reviewer *reviewer;
    const struct keyring_key *key;
    enum keyring_standing standing;
    uint8_t fingerprint[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    int r = crypto_public_key_fingerprint(public, fingerprint, err);

    if (r < 0)
        return r;
    sha256_to_hex(fingerprint, hex);
    key = keyring_find(approve->review.request.ring, fingerprint, KEYRING_REVIEWER);
    if (key == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EPERM,
                         "the key %s is not among the trusted keys with use: [reviewer]; give the policy that lists it "
                         "with --policy, or --keys",
                         hex);
    reviewer = policy_find_reviewer(policy, key->name);
    if (reviewer == NULL)
        return error_set(err, ERROR_BAD_INPUT, -EPERM, "%s is none of the reviewers in the policy's `approval`",
                         key->name);
    if (reviewer->tier < policy->tier)
        return error_set(err, ERROR_BAD_INPUT, -EPERM, "%s may approve up to the %s tier; the policy's is %s",
                         key->name, policy_tier_names[reviewer->tier], policy_tier_names[policy->tier]);
    standing = keyring_judge(key, approve->review.request.when);
    if (standing != KEYRING_VALID)
        return error_set(err, ERROR_BAD_INPUT, -EPERM, "%s's key is %s", key->name, keyring_standing_names[standing]);
    for (unsigned i = 0; !approve->renew && i < approve->review.review->line_count; i++) {
        const struct review_line *line = &approve->review.review->lines[i];

        /* Signing again would only exchange a file that a release may rest on. */
        if (!line->is_waiver && line->state == REVIEW_COUNTS &&
            memcmp(line->support.fingerprint, fingerprint, SHA256_SIZE) == 0)
            return error_set(err, ERROR_USAGE, -EEXIST, "%s has signed already (%s), and counts once", key->name,
                             line->support.file);
    }
    *ret_key = key;
    return 0;
}

static int name_file(const struct keyring_key *key, const char *ending, char ret_name[FOLDER_FILE_NAME_SIZE])
{
    return snprintf(ret_name, FOLDER_FILE_NAME_SIZE, FOLDER_SIGN_OFF "%s%s", key->name, ending);
}

/* --- the ways to sign -------------------------------------------------------------------------------------------- */

static int sign_with_pem(struct approve *approve, struct error *err)
{
    CLEANUP_SIGNER struct signer *signer = NULL;
    const struct keyring_key *key = NULL;
    char name[FOLDER_FILE_NAME_SIZE];
    int r = cli_review_start_signer(&approve->review, document_accept_sign_off, &signer, err);

    if (r == 0)
        r = find_reviewer(approve, signer_public_key(signer), &key, err);
    if (r < 0)
        return r;
    (void)name_file(key, FOLDER_BUNDLE_ENDING, name);
    r = write_statement(approve, err);
    if (r == 0)
        r = cli_review_sign(signer, &approve->statement, approve->folder_fd, name, err);
    if (r == 0)
        r = sign_off_write_envelope(approve->folder_fd, approve->review.directory, &approve->statement, err);
    if (r == 0)
        (void)printf("signed by %s: %s\n", key->name, name);
    return r;
}

/* Takes an SSH signature in, once it is one of these bytes by a reviewer. */
static int take_ssh(struct approve *approve, const struct buffer *signature, const char *from, struct error *err)
{
    CLEANUP_PUBLIC_KEY struct crypto_public_key *public = NULL;
    const struct keyring_key *key = NULL;
    char name[FOLDER_FILE_NAME_SIZE];
    int r = crypto_sshsig_verify(signature->data, signature->size, from, REVIEW_NAMESPACE, approve->pae.data,
                                 approve->pae.size, &public, err);

    if (r == 0)
        r = find_reviewer(approve, public, &key, err);
    if (r < 0)
        return r;
    (void)name_file(key, FOLDER_SSH_ENDING, name);
    r = write_statement(approve, err);
    if (r == 0)
        r = folder_write(approve->folder_fd, name, signature->data, signature->size, err);
    if (r == 0)
        (void)printf("signed by %s: %s\n", key->name, name);
    return r;
}

static int sign_with_ssh(struct approve *approve, struct error *err)
{
    CLEANUP_BUFFER struct buffer signature = buffer_with_limit(CRYPTO_SSHSIG_MAX);
    int r = ssh_keygen_sign(approve->review.key_path, REVIEW_NAMESPACE, &approve->pae, &signature, err);

    return r == 0 ? take_ssh(approve, &signature, approve->review.key_path, err) : r;
}

static int take_ssh_file(struct approve *approve, struct error *err)
{
    CLEANUP_BUFFER struct buffer signature = buffer_with_limit(CRYPTO_SSHSIG_MAX);
    int r = file_read_bounded(approve->ssh_signature_path, &signature, err);

    return r == 0 ? take_ssh(approve, &signature, approve->ssh_signature_path, err) : r;
}

static int write_request(const struct approve *approve, struct error *err)
{
    const struct cli_review *review = &approve->review;
    const char *path = approve->request_path;
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    int r = fd < 0 ? -errno : io_write_full(fd, approve->pae.data, approve->pae.size, IO_NO_DEADLINE);

    if (r < 0)
        return error_set(err, r == -EEXIST ? ERROR_USAGE : ERROR_UNAVAILABLE, r, "%s: %s", path, strerror(-r));
    r = write_statement(approve, err);
    if (r < 0)
        return r;
    (void)printf("sign it:  ssh-keygen -Y sign -n " REVIEW_NAMESPACE " -f KEY %s\n"
                 "hand in:  lazaret approve %s%s%s%s%s --ssh-signature %s.sig\n",
                 path, review->directory, review->policy_path != NULL ? " --policy " : "",
                 review->policy_path != NULL ? review->policy_path : "", review->keys_path != NULL ? " --keys " : "",
                 review->keys_path != NULL ? review->keys_path : "", path);
    return 0;
}

/* The rest of what the reviewer signs, besides what cli_review_print_result() shows. */
static int print_statement(const struct approve *approve, struct error *err)
{
    CLEANUP_DOCUMENT struct document document = {0};
    char text[TIME_TEXT_SIZE];
    int r = document_check(approve->statement.data, approve->statement.size, DOCUMENT_SIGN_OFF, &document, err);

    if (r < 0)
        return r;
    time_text_format(document.valid_until, text);
    (void)printf("to sign:  that this is approved for the %s tier, until %s\n", policy_tier_names[document.tier], text);
    return fflush(stdout) == 0 ? 0 : error_set(err, ERROR_UNAVAILABLE, -errno, "standard output: %s", strerror(errno));
}

static int sign(struct approve *approve, struct error *err)
{
    bool is_ssh = false;
    int r = folder_lock(approve->review.directory, &approve->folder_fd, err);

    if (r == 0)
        r = prepare_statement(approve, err);
    if (r == 0)
        r = print_statement(approve, err);
    if (r < 0)
        return r;
    if (approve->request_path != NULL)
        return write_request(approve, err);
    if (approve->ssh_signature_path != NULL)
        return take_ssh_file(approve, err);
    if (!crypto_name_is_pkcs11(approve->review.key_path))
        r = ssh_keygen_is_key(approve->review.key_path, &is_ssh, err);
    if (r < 0)
        return r;
    return is_ssh ? sign_with_ssh(approve, err) : sign_with_pem(approve, err);
}

/* --- the command ----------------------------------------------------------------------------------------------------
 */

static int run(struct approve *approve, int *ret_status, struct error *err)
{
    bool signs =
        approve->review.key_path != NULL || approve->request_path != NULL || approve->ssh_signature_path != NULL;
    int r = cli_review_open(&approve->review, err);

    if (r < 0)
        return r;
    cli_review_print_result(&approve->review);
    *ret_status = cli_review_refuse(&approve->review);
    if (*ret_status != 0)
        return 0;
    if (signs)
        r = sign(approve, err);
    if (r == 0 && signs)
        r = cli_review_collect(&approve->review, err);
    if (r < 0)
        return r;
    cli_review_print_state(&approve->review);
    if (!signs && review_is_broken(approve->review.review))
        return error_set(err, ERROR_MISMATCH, -EBADMSG,
                         "%s: a sign-off or waiver is broken, and nothing can be released", approve->review.directory);
    return 0;
}

int cli_approve(int argc, char **argv)
{
    struct approve approve = {
        .folder_fd = -1, .statement = buffer_with_limit(STATEMENT_SIZE_MAX), .pae = buffer_with_limit(PAE_MAX)};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "K",
                        "your key: PEM, pkcs11:URI, or OpenSSH's (~/.ssh/id_ed25519, or a .pub of the agent's)",
                        &approve.review.key_path),
        CLI_OPTION_PASSPHRASE_FILE(&approve.review.passphrase.file),
        CLI_OPTION_TEXT("request", "FILE", "write the bytes to sign with ssh-keygen elsewhere", &approve.request_path),
        CLI_OPTION_TEXT("ssh-signature", "FILE.sig", "take in what ssh-keygen signed", &approve.ssh_signature_path),
        CLI_OPTION_TEXT("expires", "DATE",
                        "until when the sign-offs count; the first reviewer says (default: by the "
                        "policy's `approval.days`)",
                        &approve.expires),
        CLI_OPTION_FLAG("new", "begin again: the sign-offs so far are removed", &approve.renew),
        CLI_OPTION_TEXT("policy", "P.yaml", "the policy for the release (default: the result's own)",
                        &approve.review.policy_path),
        CLI_REVIEW_OPTIONS(approve.review),
    };
    const struct cli_command command = {
        .usage = "lazaret approve DIR [--key K] [OPTIONS]",
        .purpose =
            "Verifies the result in DIR and shows it, with the sign-offs so far and what a release still needs;\n"
            "with a key, signs it off. All reviewers sign the same bytes. docs/approval.md has the rules.\n"
            "Exit status: 0; 1 rejected and 3 could not evaluate, which nobody can approve; 4 the result, a sign-off\n"
            "or a waiver does not verify.",
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
    approve.review.directory = r == 0 ? operands[0] : NULL;
    if (r == 0 &&
        (approve.review.key_path != NULL) + (approve.request_path != NULL) + (approve.ssh_signature_path != NULL) > 1)
        r = error_set(&error, ERROR_USAGE, -EINVAL, "one of --key, --request and --ssh-signature expected");
    if (r == 0 && approve.renew && approve.review.key_path == NULL && approve.request_path == NULL)
        r = error_set(&error, ERROR_USAGE, -EINVAL, "--new goes with --key or --request");
    if (r == 0)
        r = run(&approve, &status, &error);
    if (approve.folder_fd >= 0)
        (void)close(approve.folder_fd);
    buffer_free(&approve.statement);
    buffer_free(&approve.pae);
    cli_review_close(&approve.review);
    return r < 0 ? cli_fail(&error) : status;
}
