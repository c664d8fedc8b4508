/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret replay */
#include "host/replay/replay.h"
#include "host/cli/commands.h"
#include "host/cli/job_options.h"
#include "host/cli/trust.h"

#include <errno.h>
#include <stdio.h>

#define REPORT_MAX ((size_t)1 << 20)

/* The report, whatever it says; then whether the evaluation was reproduced. */
static int print(const struct replay_report *report, bool as_json, struct error *err)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(REPORT_MAX);
    const struct replay_comparison *comparison = &report->comparison;
    int r = as_json ? replay_report_write_json(report, &text) : replay_report_write_text(report, &text);

    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "no memory for the report");
    (void)fwrite(text.data, 1, text.size, stdout);
    (void)fflush(stdout);
    if (comparison->reproduced)
        return 0;
    return error_set(err, ERROR_MISMATCH, -EBADMSG, "not reproduced: %s is %s in the record and %s in the replay",
                     comparison->place, comparison->recorded, comparison->replayed);
}

static int check_usage(const struct verify_request *inputs, struct error *err)
{
    if (inputs->key_path == NULL && inputs->keys_path == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "--key PUB.pem or --keys KEYS.yaml is needed; see --help");
    if (inputs->model_path == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "--model MODEL is needed; see --help");
    return 0;
}

static int run(struct cli_job *job, struct verify_request *inputs, bool as_json, struct error *err)
{
    CLEANUP_REPLAY_REPORT struct replay_report *report = NULL;
    int r = check_usage(inputs, err);

    if (r == 0)
        r = cli_job_complete(job, inputs->model_path, err);
    if (r < 0)
        return r;
    inputs->test_path = job->options.test_path;
    r = replay_run(inputs, &job->options, &report, err);
    return r < 0 ? r : print(report, as_json, err);
}

int cli_replay(int argc, char **argv)
{
    struct cli_job job = CLI_JOB_DEFAULTS;
    struct verify_request inputs = {.path = NULL};
    struct cli_trust trust = {.time_text = NULL};
    bool as_json = false;
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "PUB.pem", "the public key that must have signed", &inputs.key_path),
        CLI_OPTION_TEXT("keys", "KEYS.yaml", "a key ring, one of whose result keys must have signed",
                        &inputs.keys_path),
        CLI_OPTION_TEXT("model", "MODEL", "the model that was evaluated", &inputs.model_path),
        CLI_OPTION_TEXT("test", "SET", "the test set that was used", &job.options.test_path),
        CLI_OPTION_TEXT("train", "SET", "the training set that was used", &inputs.train_path),
        CLI_OPTION_TEXT("reference", "MODEL", "the reference model that was used", &inputs.reference_path),
        CLI_OPTION_TEXT("triggers", "SET", "the triggers that were used", &inputs.triggers_path),
        CLI_TRUST_OPTIONS(trust),
        CLI_JOB_MACHINE(job),
        CLI_OPTION_FLAG("json", "one JSON object instead of the table (docs/replay.md)", &as_json),
        CLI_OPTION_FLAG("quiet", "no progress", &job.options.quiet),
    };
    const struct cli_command command = {
        .usage = "lazaret replay DIR --key PUB.pem --model MODEL --test SET [OPTIONS]",
        .purpose =
            "Verifies the signed result in DIR, evaluates again by its own plan, policy and spec, in whatever "
            "isolation\n"
            "and acceleration this machine has, and compares evaluation.json byte for byte. Nothing is signed.\n"
            "Exit status: 0 reproduced, whatever the verdict; 4 not verified, planned otherwise, or not reproduced.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0) {
        inputs.path = operands[0];
        r = cli_trust_complete(&trust, &error);
        cli_trust_lend(&trust, &inputs);
    }
    if (r == 0)
        r = run(&job, &inputs, as_json, &error);
    return r < 0 ? cli_fail(&error) : 0;
}
