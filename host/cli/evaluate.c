/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret evaluate */
#include "host/attest/statement.h"
#include "host/cli/commands.h"
#include "host/cli/job_options.h"
#include "host/cli/passphrase.h"
#include "host/cli/provenance_options.h"
#include "host/cli/summary.h"
#include "host/cli/timestamp.h"
#include "host/farm/attempt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void print_verdict(const struct job_result *result, const char *output)
{
    (void)printf("verdict: %s\n", outcome_names[result->outcome]);
    for (unsigned i = 0; i < result->reason_count; i++)
        (void)printf("  %s\n", result->reasons[i]);
    if (result->evaluation.size > 0)
        summary_print(&result->evaluation);
    if (result->evaluations > 1)
        (void)printf("repeat:  %u evaluations in fresh guests, bit by bit the same\n", result->evaluations);
    if (result->rechecked)
        (void)printf(
            "recheck: a fresh guest predicts %u adversarial and %u clean inputs as was claimed; that raises the\n"
            "         price of a lie and proves nothing\n",
            result->adversarial, result->clean);
    if (result->logged)
        (void)printf("ledger:  leaf %" PRIu64 " of %s, announced as leaf %" PRIu64 "\n", result->ledger_result,
                     result->ledger_origin, result->ledger_intent);
    (void)printf("result:  %s\n", output);
}

static void print_stamp(const struct job_stamp *stamp, const struct job_options *options)
{
    struct error missing = {0};

    if (stamp->stamped)
        timestamp_print(stdout, &stamp->timestamp, options->tsa_ca_path != NULL);
    if (stamp->stamped || options->tsa_url == NULL)
        return;
    (void)error_set(&missing, ERROR_UNAVAILABLE, -EIO,
                    "warning: the result has no timestamp: %s; another try: lazaret timestamp %s --tsa URL",
                    stamp->trouble, options->output_path);
    (void)cli_fail(&missing); /* printed only: the evaluation is whole without it */
}

static bool is_nonce(const char *text)
{
    return strlen(text) == STATEMENT_ORDER_DIGITS && strspn(text, "0123456789abcdef") == STATEMENT_ORDER_DIGITS;
}

int cli_evaluate(int argc, char **argv)
{
    const struct data_loan loan = attempt_take_loan();
    struct cli_job job = CLI_JOB_DEFAULTS;
    const struct cli_option options[] = {
        CLI_JOB_INPUTS(job),
        CLI_PROVENANCE_OPTIONS(job.options.provenance),
        CLI_OPTION_TEXT("source", "URI", "where MODEL was got: recorded in the result, as your claim",
                        &job.options.provenance.source),
        CLI_OPTION_TEXT("policy", "P", "low, medium, high, or a policy file (default: low)", &job.options.policy_path),
        CLI_OPTION_TEXT("key", "K.pem", "the signing key, or pkcs11:URI (default: key.pem in $LAZARET_STATE)",
                        &job.options.key_path),
        CLI_OPTION_PASSPHRASE_FILE(&job.options.passphrase.file),
        CLI_OPTION_TEXT("ledger", "DIR", "announce the job in this ledger before anything boots, and log its result",
                        &job.options.ledger_path),
        CLI_OPTION_TEXT("ledger-key", "K.pem", "the ledger's private key (default: DIR.pem)",
                        &job.options.ledger_key_path),
        CLI_OPTION_TSA(&job.options.tsa_url),
        CLI_OPTION_TSA_CA(&job.options.tsa_ca_path),
        CLI_OPTION_TEXT("o", "DIR", "where the result goes; must not exist (default: MODEL's name.lazaret)",
                        &job.options.output_path),
        CLI_JOB_MACHINE(job),
        CLI_OPTION_CHOICE("arithmetic", "how products are added up (default: the policy's; another needs review)",
                          &job.arithmetic, cli_job_arithmetic_names),
        CLI_OPTION_NUMBER("samples", "N", "write the first N adversarial inputs of each curve point to samples.npz",
                          &job.samples, 0, PLAN_SAMPLES_MAX),
        CLI_OPTION_TEXT("order", "HEX",
                        "a nonce of 32 digits that the signed statement will hold: it answers that order",
                        &job.options.order),
        CLI_OPTION_FLAG("quiet", "no progress; events.jsonl has it all", &job.options.quiet),
    };
    const struct cli_command command = {
        .usage = "lazaret evaluate MODEL --test SET [OPTIONS]",
        .purpose = "Boots a microVM, streams MODEL and the sets into it, runs the policy's checks there, destroys the\n"
                   "VM, and writes the signed result.\n"
                   "Exit status: 0 passed, 1 rejected, 2 needs review, 3 could not evaluate.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    CLEANUP_JOB_RESULT struct job_result result = {0};
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    job.options.passphrase.ask = cli_ask_passphrase;
    job.options.loan = &loan;
    if (r == 0 && job.options.ledger_key_path != NULL && job.options.ledger_path == NULL)
        r = error_set(&error, ERROR_USAGE, -EINVAL, "--ledger-key is the key of a --ledger, which is missing");
    if (r == 0 && job.options.order != NULL && !is_nonce(job.options.order))
        r = error_set(&error, ERROR_USAGE, -EINVAL, "--order: 32 lowercase hexadecimal digits expected");
    if (r == 0)
        r = cli_job_complete(&job, operands[0], &error);
    if (r == 0)
        r = cli_job_default_output(&job, &error);
    if (r == 0)
        r = cli_job_default_key(&job, &error);
    if (r == 0)
        r = job_run(&job.options, &result, &error);
    if (r < 0)
        return cli_fail(&error);
    print_verdict(&result, job.options.output_path);
    print_stamp(&result.stamp, &job.options);
    return outcome_exit_status(result.outcome);
}
