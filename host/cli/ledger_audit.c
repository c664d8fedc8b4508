/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret ledger audit */
#include "host/ledger/audit.h"

#include "base/file.h"
#include "host/attest/bundle.h"
#include "host/cli/ledger_audit_json.h"
#include "host/cli/ledger_files.h"
#include "host/cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define BUNDLE_NAME "result.sigstore.json"

/* A bundle, or the output directory that holds one. */
static int add_result(struct audit *audit, const char *path, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(BUNDLE_SIZE_MAX);
    char inner[PATH_MAX];
    struct stat status;
    int r;

    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        if (snprintf(inner, sizeof inner, "%s/" BUNDLE_NAME, path) >= PATH_MAX)
            return error_set(err, ERROR_USAGE, -ENAMETOOLONG, "%s: the path is too long", path);
        r = file_read_own(inner, &text, err);
    } else
        r = file_read_bounded(path, &text, err);
    return r < 0 ? r : audit_add(audit, path, text.data, text.size, err);
}

static void print_intent(const struct audit_intent *intent)
{
    char model[SHA256_HEX_SIZE];

    sha256_to_hex(intent->model, model);
    (void)printf("intent %-6" PRIu64 " job %s, model %s: ", intent->index, intent->job, model);
    if (intent->result == NULL)
        (void)printf("no result at hand\n");
    else
        (void)printf("%s, leaf %" PRIu64 ", %s\n", outcome_names[intent->result->outcome], intent->result->leaf,
                     intent->result->path);
}

/* Logged results at hand, each leaf once. */
static uint64_t count_at_hand(const struct audit *audit)
{
    uint64_t count = 0;

    for (size_t i = 0; i < audit->result_count; i++) {
        size_t j = 0;

        while (j < i && !(audit->results[j].logged && audit->results[j].leaf == audit->results[i].leaf))
            j++;
        count += audit->results[i].logged && j == i;
    }
    return count;
}

static void print_audit(const struct audit *audit)
{
    (void)printf("ledger        holds: %" PRIu64 " leaves of %s\n", audit->verified.checkpoint.size,
                 audit->verified.checkpoint.origin);
    for (size_t i = 0; i < audit->intent_count; i++)
        print_intent(&audit->intents[i]);
    for (size_t i = 0; i < audit->result_count; i++)
        if (audit->results[i].problem[0] != '\0')
            (void)printf("MISMATCH      %s: %s\n", audit->results[i].path, audit->results[i].problem);
    (void)printf("%zu intents: %zu with a result at hand, %zu without\n", audit->intent_count, audit->answered,
                 audit->intent_count - audit->answered);
    (void)printf("%" PRIu64 " results logged, %" PRIu64 " of them not at hand\n", audit->logged,
                 audit->logged - count_at_hand(audit));
    if (audit->intent_count > audit->logged)
        (void)printf("at least %" PRIu64 " attempts have no result\n", (uint64_t)audit->intent_count - audit->logged);
    if (audit->others > 0)
        (void)printf("%" PRIu64 " leaves are neither\n", audit->others);
}

static int judge(const struct audit *audit, bool complete, struct error *err)
{
    if (audit->problem_count > 0)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%zu of %zu results do not match the ledger",
                         audit->problem_count, audit->result_count);
    if (complete && audit->answered < audit->intent_count)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "%zu of %zu intents have no result at hand",
                         audit->intent_count - audit->answered, audit->intent_count);
    return 0;
}

int cli_ledger_audit(int argc, char **argv)
{
    const char *operands[CLI_OPERANDS_MAX], *keys_text = NULL, *since_path = NULL;
    bool complete = false, json = false;
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "VKEY", "the ledger's verifier key, or a file of them, as for verify", &keys_text),
        CLI_OPTION_TEXT("since", "CHECKPOINT", "an older checkpoint that the ledger must have grown from", &since_path),
        CLI_OPTION_FLAG("complete", "every intent must have a result at hand", &complete),
        CLI_OPTION_FLAG("json", "print JSON", &json),
    };
    const struct cli_command command = {
        .usage = "lazaret ledger audit DIR [RESULT...] --key VKEY [--since CHECKPOINT] [--complete]\n"
                 "       [--json]",
        .purpose = "Checks a ledger offline, and shows each announced attempt with the result that answers it.\n"
                   "RESULT is an output directory or its bundle; what it is worth, lazaret verify says.\n"
                   "Exit status 4: the ledger does not hold, or a result does not match it; with --complete also\n"
                   "where an attempt has no result at hand.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = CLI_OPERANDS_MAX};
    CLEANUP_AUDIT struct audit audit = {0};
    struct note_key keys[CHECKPOINT_KEYS_MAX];
    struct ledger_trust trust = {.keys = keys};
    struct checkpoint since;
    struct error err = {0};
    enum cli_parse parse;
    unsigned count = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &count, &parse, &err);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && keys_text == NULL)
        r = error_set(&err, ERROR_USAGE, -EINVAL, "by which key? usage: %s", command.usage);
    if (r == 0)
        r = ledger_files_read_keys(keys_text, keys, &trust.key_count, &err);
    if (r == 0 && since_path != NULL)
        r = ledger_files_read_checkpoint(since_path, &trust, &since, &err);
    for (unsigned i = 1; r == 0 && i < count; i++)
        r = add_result(&audit, operands[i], &err);
    if (r == 0)
        r = audit_run(&audit, operands[0], &trust, since_path != NULL ? &since : NULL, &err);
    if (r == 0 && json)
        r = ledger_audit_print_json(&audit, count_at_hand(&audit), &err);
    else if (r == 0)
        print_audit(&audit);
    if (r == 0)
        r = judge(&audit, complete, &err);
    return r < 0 ? cli_fail(&err) : 0;
}
