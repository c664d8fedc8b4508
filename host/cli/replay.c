/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret replay: verifies a signed result, evaluates again by its own policy and spec, and compares the facts. */
#include "host/attest/replay.h"
#include "base/file.h"
#include "host/attest/statement.h"
#include "host/cli/commands.h"
#include "host/cli/job_options.h"
#include "host/json/field.h"
#include "host/json/reader.h"
#include "host/verify/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct replay {
    struct cli_job job;
    const char *directory, *key_path, *model_path;
    char policy_path[PATH_MAX], spec_path[PATH_MAX], evaluation_path[PATH_MAX];
    struct buffer recorded;            /* evaluation.json as signed */
    uint8_t agent_sha256[SHA256_SIZE]; /* of the recorded run */
};

static int path_in(char ret_path[PATH_MAX], const char *directory, const char *name, struct error *err)
{
    if ((size_t)snprintf(ret_path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX)
        return error_set(err, ERROR_NO_INPUT, -ENAMETOOLONG, "%s: the path is too long", directory);
    return 0;
}

/* A file that the recorded run had and the result does not hold must be given again, and only such a one. */
static int check_given(const struct replay *replay, const json_t *configuration, const char *name, const char *option,
                       const char *path, struct error *err)
{
    uint8_t sha256[SHA256_SIZE];
    bool recorded = statement_find_resource(configuration, name, sha256) == 0;

    if (recorded && path == NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: the recorded run had one; give it with %s", replay->directory,
                         option);
    if (!recorded && path != NULL)
        return error_set(err, ERROR_USAGE, -EINVAL, "%s: the recorded run had none; leave %s out", replay->directory,
                         option);
    return 0;
}

static int check_all_given(const struct replay *replay, const json_t *configuration, struct error *err)
{
    const struct job_options *options = &replay->job.options;
    int r = check_given(replay, configuration, "train", "--train", options->train_path, err);

    if (r == 0)
        r = check_given(replay, configuration, STATEMENT_TRIGGERS, "--triggers", options->triggers_path, err);
    return r < 0 ? r
                 : check_given(replay, configuration, STATEMENT_REFERENCE, "--reference", options->reference_path, err);
}

/* What the statement says of the recorded run: the agent, and whether there was a spec. */
static int read_statement(struct replay *replay, const struct verify_report *report, struct error *err)
{
    CLEANUP_JSON json_t *statement = NULL;
    const json_t *configuration;
    uint8_t sha256[SHA256_SIZE];
    int r = statement_check(report->statement.data, report->statement.size, &statement, err);

    if (r < 0)
        return r;
    configuration = json_object_get(json_object_get(statement, "predicate"), "configuration");
    if (statement_find_resource(configuration, "agent", replay->agent_sha256) < 0)
        memset(replay->agent_sha256, 0, SHA256_SIZE);
    if (statement_find_resource(configuration, STATEMENT_SPEC, sha256) == 0)
        replay->job.options.spec_path = replay->spec_path;
    return check_all_given(replay, configuration, err);
}

/* Nothing is run again before the recorded result holds. */
static int verify_recorded(struct replay *replay, struct error *err)
{
    const struct verify_request request = {
        .path = replay->directory, .key_path = replay->key_path, .model_path = replay->model_path};
    CLEANUP_VERIFY_REPORT struct verify_report *report = NULL;
    int r = verify_run(&request, &report, err);

    if (r < 0)
        return r;
    for (size_t i = 0; i < report->item_count; i++)
        if (report->items[i].state == VERIFY_MISMATCH || report->items[i].state == VERIFY_MISSING)
            return error_set(err, ERROR_MISMATCH, -EBADMSG, "%s: the recorded result does not verify: %s: %s",
                             replay->directory, report->items[i].what, report->items[i].detail);
    if (!outcome_has_evaluation(report->outcome))
        return error_set(err, ERROR_BAD_INPUT, -ENODATA,
                         "%s: there is no evaluation to replay: the recorded outcome is %s", replay->directory,
                         outcome_names[report->outcome]);
    return read_statement(replay, report, err);
}

/* The class of arithmetic is the result's, whatever its policy says. */
static int read_arithmetic(struct replay *replay, struct error *err)
{
    CLEANUP_JSON json_t *evaluation = NULL;
    const char *arithmetic;
    int r = json_read(replay->recorded.data, replay->recorded.size, REPLAY_EVALUATION_MAX, replay->evaluation_path,
                      &evaluation, err);

    if (r == 0)
        r = field_string(evaluation, replay->evaluation_path, "arithmetic", 16, &arithmetic, err);
    if (r < 0)
        return r;
    replay->job.options.arithmetic =
        strcmp(arithmetic, plan_arithmetic_name(PLAN_FMA)) == 0 ? JOB_ARITHMETIC_FMA : JOB_ARITHMETIC_MUL_ADD;
    return 0;
}

static int load_recorded(struct replay *replay, struct error *err)
{
    int r = path_in(replay->policy_path, replay->directory, STATEMENT_POLICY, err);

    if (r == 0)
        r = path_in(replay->spec_path, replay->directory, STATEMENT_SPEC, err);
    if (r == 0)
        r = path_in(replay->evaluation_path, replay->directory, STATEMENT_EVALUATION, err);
    if (r == 0)
        r = verify_recorded(replay, err);
    if (r < 0)
        return r;
    replay->recorded = buffer_with_limit(REPLAY_EVALUATION_MAX);
    r = file_read_bounded(replay->evaluation_path, &replay->recorded, err);
    return r < 0 ? r : read_arithmetic(replay, err);
}

static int compare(const struct replay *replay, const struct job_result *result, struct error *err)
{
    struct replay_comparison comparison;
    int r;

    if (result->evaluation.size == 0)
        return error_set(err, ERROR_GUEST, -ENODATA, "the replay could not evaluate: %s",
                         result->reason_count > 0 ? result->reasons[0] : "no reason was given");
    r = replay_compare(replay->recorded.data, replay->recorded.size, result->evaluation.data, result->evaluation.size,
                       &comparison, err);
    if (r < 0)
        return r;
    if (!comparison.reproduced)
        return error_set(err, ERROR_MISMATCH, -EBADMSG, "not reproduced: %s is %s in the record and %s in the replay",
                         comparison.place, comparison.recorded, comparison.replayed);
    return 0;
}

static void print_reproduced(const struct replay *replay, const struct job_result *result)
{
    uint8_t digest[SHA256_SIZE];
    char hex[SHA256_HEX_SIZE];
    bool same_agent = memcmp(result->agent_sha256, replay->agent_sha256, SHA256_SIZE) == 0;

    sha256_of(result->evaluation.data, result->evaluation.size, digest);
    sha256_to_hex(digest, hex);
    (void)printf("reproduced%s: evaluation.json %s\n", same_agent ? "" : " with another agent", hex);
    (void)printf("verdict: %s\n", outcome_names[result->outcome]);
}

static int run(struct replay *replay, struct error *err)
{
    CLEANUP_JOB_RESULT struct job_result result = {0};
    int r = cli_job_complete(&replay->job, replay->model_path, err);

    if (r < 0)
        return r;
    r = load_recorded(replay, err);
    if (r < 0)
        return r;
    replay->job.options.policy_path = replay->policy_path;
    r = job_run(&replay->job.options, &result, err);
    if (r == 0)
        r = compare(replay, &result, err);
    if (r == 0)
        print_reproduced(replay, &result);
    return r;
}

int cli_replay(int argc, char **argv)
{
    struct replay replay = {.job = CLI_JOB_DEFAULTS};
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "PUB.pem", "the public key that must have signed", &replay.key_path),
        CLI_OPTION_TEXT("model", "MODEL", "the model that was evaluated", &replay.model_path),
        CLI_OPTION_TEXT("test", "SET", "the test set that was used", &replay.job.options.test_path),
        CLI_OPTION_TEXT("train", "SET", "the training set that was used", &replay.job.options.train_path),
        CLI_OPTION_TEXT("reference", "MODEL", "the reference model that was used", &replay.job.options.reference_path),
        CLI_OPTION_TEXT("triggers", "SET", "the triggers that were used", &replay.job.options.triggers_path),
        CLI_JOB_MACHINE(replay.job),
        CLI_OPTION_FLAG("quiet", "no progress", &replay.job.options.quiet),
    };
    const struct cli_command command = {
        .usage = "lazaret replay DIR --key PUB.pem --model MODEL --test SET [OPTIONS]",
        .purpose =
            "Verifies the signed result in DIR, evaluates again by its own policy and spec, in whatever isolation and\n"
            "acceleration this machine has, and compares evaluation.json byte for byte.\n"
            "Exit status: 0 reproduced, whatever the verdict; 4 not verified or not reproduced.",
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
    if (r == 0 && (replay.key_path == NULL || replay.model_path == NULL))
        r = error_set(&error, ERROR_USAGE, -EINVAL, "--key PUB.pem and --model MODEL are needed; see --help");
    replay.directory = r == 0 ? operands[0] : NULL;
    if (r == 0)
        r = run(&replay, &error);
    buffer_free(&replay.recorded);
    return r < 0 ? cli_fail(&error) : 0;
}
