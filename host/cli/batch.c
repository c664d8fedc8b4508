/* SPDX-License-Identifier: Apache-2.0 */
/* lazaret batch: a list of jobs into a farm's queue, and workers on it until it is empty. */
#include "base/file.h"
#include "host/cli/commands.h"
#include "host/cli/farm_run.h"
#include "host/cli/farm_settings.h"
#include "host/cli/job_options.h"
#include "host/cli/passphrase.h"
#include "host/cli/slurm_options.h"
#include "host/cli/timestamp.h"
#include "host/farm/folder.h"
#include "host/farm/index.h"
#include "host/farm/job_line.h"
#include "host/farm/pool.h"
#include "host/farm/standing.h"
#include "host/farm/submit.h"
#include "host/job/locate.h"
#include "host/json/reader.h"
#include "host/signer/signer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORKERS_DEFAULT 1u /* without --slurm */
#define BAD_LINES_SHOWN 20u

struct batch {
    struct cli_job job;
    const char *list, *output;
    uint64_t workers, memory_mib;
    bool force, quiet, add_only;
    struct cli_slurm slurm;
    struct farm_paths paths;
    char folder[PATH_MAX];
    struct bad_lines bad;
    struct submitted submitted;
};

/* --- what all jobs have in common ----------------------------------------------------------------------------------
 */

static int resolve_paths(struct batch *batch, struct error *err)
{
    struct job_options *options = &batch->job.options;
    char policy[PATH_MAX];
    const char **const inputs[] = {&options->test_path,      &options->spec_path,       &options->train_path,
                                   &options->reference_path, &options->triggers_path,   &options->passphrase.file,
                                   &options->ledger_path,    &options->ledger_key_path, &options->tsa_ca_path};
    int r = locate_policy(options->policy_path, policy, err);

    if (r == 0 && strcmp(policy, options->policy_path) == 0)
        r = farm_paths_resolve(&batch->paths, &options->policy_path, err);
    for (size_t i = 0; r == 0 && i < sizeof inputs / sizeof inputs[0]; i++)
        r = farm_paths_resolve(&batch->paths, inputs[i], err);
    if (r == 0)
        r = farm_paths_resolve(&batch->paths, &batch->slurm.options.node_keys, err);
    if (r == 0)
        r = farm_paths_resolve(&batch->paths, &batch->slurm.options.node_gpus, err);
    if (r == 0 && options->key_path != NULL && strncmp(options->key_path, "pkcs11:", 7) != 0)
        r = farm_paths_resolve(&batch->paths, &options->key_path, err);
    return r;
}

static json_t *make_defaults(const struct batch *batch)
{
    const struct job_options *options = &batch->job.options;
    const char *const texts[] = {NULL,
                                 options->test_path,
                                 options->spec_path,
                                 options->train_path,
                                 options->reference_path,
                                 options->triggers_path,
                                 options->policy_path};
    json_t *defaults = json_object();

    for (size_t i = 0; defaults != NULL && job_line_paths[i] != NULL; i++)
        if (texts[i] != NULL)
            (void)json_object_set_new(defaults, job_line_paths[i], json_string(texts[i]));
    if (defaults != NULL && options->gpu != NULL)
        (void)json_object_set_new(defaults, "gpu", json_true());
    if (defaults != NULL && batch->job.memory_mib > 0)
        (void)json_object_set_new(defaults, "memory", json_integer((json_int_t)batch->job.memory_mib));
    return defaults;
}

/* The options that go to each evaluation as they are. On Slurm's nodes nobody holds a ledger's key: the controller
 * logs.
 */
static int make_settings(struct batch *batch, char **ret_text, struct error *err)
{
    struct cli_job *job = &batch->job;
    const char *none = NULL, **ledger = batch->slurm.asked ? &none : &job->options.ledger_path,
               **ledger_key = batch->slurm.asked ? &none : &job->options.ledger_key_path;
    const struct cli_option options[] = {
        CLI_OPTION_TEXT("key", "", "", &job->options.key_path),
        CLI_OPTION_PASSPHRASE_FILE(&job->options.passphrase.file),
        CLI_OPTION_TEXT("ledger", "", "", ledger),
        CLI_OPTION_TEXT("ledger-key", "", "", ledger_key),
        CLI_OPTION_TSA(&job->options.tsa_url),
        CLI_OPTION_TSA_CA(&job->options.tsa_ca_path),
        CLI_OPTION_CHOICE("isolation", "", &job->isolation, cli_job_isolation_names),
        CLI_OPTION_CHOICE("accel", "", &job->acceleration, cli_job_acceleration_names),
        CLI_OPTION_CHOICE("transport", "", &job->transport, cli_job_transport_names),
        CLI_OPTION_NUMBER("vcpus", "", "", &job->vcpus, 1, VM_VCPUS_MAX),
        CLI_OPTION_NUMBER("batch", "", "", &job->batch, 1, PLAN_WINDOW_MAX),
        CLI_OPTION_CHOICE("device", "", &job->device, cli_job_device_names),
        CLI_OPTION_CHOICE("kernels", "", &job->kernels, cli_job_kernels_names),
        CLI_OPTION_CHOICE("arithmetic", "", &job->arithmetic, cli_job_arithmetic_names),
        CLI_OPTION_NUMBER("samples", "", "", &job->samples, 0, PLAN_SAMPLES_MAX),
    };
    CLEANUP_JSON json_t *array = NULL;
    int r = farm_settings_make(options, sizeof options / sizeof options[0], &array, err);

    if (r < 0)
        return r;
    *ret_text = json_dumps(array, JSON_COMPACT);
    return *ret_text != NULL ? 0 : error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the settings");
}

/* --- the farm's key ------------------------------------------------------------------------------------------------
 */

/* A farm has one: results by another one would not verify beside its own. */
static int compare_key(const struct batch *batch, const struct buffer *pem, struct error *err)
{
    CLEANUP_BUFFER struct buffer known = buffer_with_limit(65536);
    char path[PATH_MAX];
    int r = folder_path(batch->folder, FOLDER_KEY, path, err);

    if (r == 0)
        r = file_read_bounded(path, &known, err);
    if (r < 0)
        return r;
    if (known.size == pem->size && memcmp(known.data, pem->data, pem->size) == 0)
        return 0;
    return error_set(err, ERROR_USAGE, -EINVAL,
                     "%s: this farm's results are signed by another key than %s; give that one, or begin another farm",
                     path, batch->job.options.key_path);
}

static int write_key(struct batch *batch, struct error *err)
{
    CLEANUP_SIGNER struct signer *signer = NULL;
    CLEANUP_BUFFER struct buffer pem = buffer_with_limit(65536);
    CLEANUP_FOLDER_FILE struct folder_file file = {0};
    char path[PATH_MAX];
    int r = signer_start_with(batch->job.options.key_path, &batch->job.options.passphrase, &signer, err);

    if (r == 0)
        r = crypto_public_key_write_pem(signer_public_key(signer), &pem, err);
    if (r == 0)
        r = folder_path(batch->folder, FOLDER_KEY, path, err);
    if (r < 0)
        return r;
    if (access(path, F_OK) == 0)
        return compare_key(batch, &pem, err);
    r = folder_file_begin(batch->folder, FOLDER_KEY, &file, err);
    if (r == 0) {
        (void)fwrite(pem.data, 1, pem.size, file.stream);
        r = folder_file_commit(&file, err);
    }
    return r;
}

/* --- jobs into the queue --------------------------------------------------------------------------------------------
 */

static void on_bad_line(void *context, const char *text)
{
    struct batch *batch = context;
    struct error error = {0};

    if (batch->bad.count++ < SUMMARY_BAD_LINES_MAX)
        (void)json_array_append_new(batch->bad.texts, json_string(text));
    if (batch->bad.count > BAD_LINES_SHOWN + 1)
        return;
    if (batch->bad.count == BAD_LINES_SHOWN + 1)
        (void)error_set(&error, ERROR_BAD_INPUT, -EBADMSG, "and more of the kind; " SUMMARY_NAME " has the first %u",
                        SUMMARY_BAD_LINES_MAX);
    else
        (void)error_set(&error, ERROR_BAD_INPUT, -EBADMSG, "%s", text);
    (void)cli_fail(&error); /* printed only: the rest goes on */
}

static int submit(struct batch *batch, struct error *err)
{
    CLEANUP_DATABASE struct database *database = NULL;
    CLEANUP_JSON json_t *defaults = make_defaults(batch);
    CLEANUP_FREE char *settings = NULL;
    struct submission submission = {
        .path = batch->list,
        .defaults = defaults,
        .cost = {.process = batch->job.isolation == VM_PROCESS, .cores = batch->job.vcpus},
        .bad_line = on_bad_line,
        .context = batch,
    };
    int r = make_settings(batch, &settings, err);

    if (r == 0)
        r = database_open(batch->folder, true, &database, err);
    submission.settings = settings;
    return r < 0 ? r : submit_jobs(database, &submission, &batch->submitted, err);
}

static void print_submitted(const struct batch *batch)
{
    const struct submitted *submitted = &batch->submitted;

    if (batch->quiet)
        return;
    (void)printf("%" PRIu64 " jobs added", submitted->added);
    if (submitted->known > 0)
        (void)printf(", %" PRIu64 " there already", submitted->known);
    if (submitted->bad > 0)
        (void)printf(", %" PRIu64 " lines were no jobs", submitted->bad);
    (void)printf("\n");
    (void)fflush(stdout);
}

static int prepare(struct batch *batch, struct error *err)
{
    bool slurm = batch->slurm.asked; /* results are signed by its nodes, and not here */
    int r = slurm ? cli_slurm_complete(&batch->slurm, &batch->job, err) : cli_job_default_key(&batch->job, err);

    batch->bad.texts = json_array();
    if (r == 0 && batch->bad.texts == NULL)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a batch");
    if (r == 0 && batch->job.options.ledger_key_path != NULL && batch->job.options.ledger_path == NULL)
        r = error_set(err, ERROR_USAGE, -EINVAL, "--ledger-key is the key of a --ledger, which is missing");
    if (r == 0 && batch->job.options.gpu != NULL && batch->job.isolation == VM_PROCESS)
        r = error_set(err, ERROR_USAGE, -EINVAL, "--gpu: a device is passed through to a microVM only");
    if (r == 0)
        r = farm_fix_state(err);
    if (r == 0)
        r = resolve_paths(batch, err);
    if (r == 0 && strcmp(batch->list, "-") != 0 && access(batch->list, R_OK) < 0)
        r = error_set(err, ERROR_NO_INPUT, -errno, "%s: %s", batch->list, strerror(errno));
    if (r == 0)
        r = folder_make(batch->output, batch->folder, err);
    if (r == 0 && !slurm)
        r = write_key(batch, err);
    if (r == 0)
        r = submit(batch, err);
    if (r == 0)
        print_submitted(batch);
    return r;
}

/* --- the whole -----------------------------------------------------------------------------------------------------
 */

/* What Slurm's options leave to the others: where nodes that see the farm's folder meet it, and how many jobs at once.
 */
static void complete_slurm(struct batch *batch)
{
    struct slurm_options *slurm = &batch->slurm.options;

    if (slurm->shared == NULL)
        slurm->shared = batch->folder;
    slurm->ledger = batch->job.options.ledger_path;
    slurm->ledger_key = batch->job.options.ledger_key_path;
    if (slurm->in_flight_max == 0)
        slurm->in_flight_max = batch->workers > 0 ? batch->workers : SLURM_IN_FLIGHT_DEFAULT;
}

static int run(struct batch *batch, int *ret_status, struct error *err)
{
    const struct farm_run order = {
        .folder = batch->folder,
        .workers = batch->workers > 0 ? batch->workers : WORKERS_DEFAULT,
        .memory_mib = batch->memory_mib,
        .gpus = batch->job.options.gpu,
        .slurm = batch->slurm.asked ? &batch->slurm.options : NULL,
        .force = batch->force,
        .until_empty = true,
        .quiet = batch->quiet,
        .bad = batch->bad,
    };
    struct queue_counts counts;
    bool stopped = false;
    int r;

    if (batch->slurm.asked)
        complete_slurm(batch);
    r = farm_run(&order, &counts, &stopped, err);
    if (r < 0)
        return r;
    farm_print_counts(&counts);
    if (counts.reused > 0)
        (void)printf("; %" PRIu64 " by the verified result of another job", counts.reused);
    (void)printf("\nresults: %s/" INDEX_NAME "\n", batch->folder);
    if (stopped)
        (void)printf("stopped; the same command goes on with what is left\n");
    *ret_status = standing_exit_status(&counts, batch->bad.count);
    return 0;
}

int cli_batch(int argc, char **argv)
{
    struct batch batch = {.job = CLI_JOB_DEFAULTS, .slurm = CLI_SLURM_DEFAULTS};
    struct cli_job *job = &batch.job;
    const struct cli_option options[] = {
        CLI_OPTION_NUMBER("workers", "N",
                          "jobs at once, as far as processors and memory go (default: 1; with --slurm as --in-flight)",
                          &batch.workers, 1, POOL_WORKERS_MAX),
        CLI_OPTION_TEXT("o", "DIR", "the farm's folder, made where it is not there; an old one goes on", &batch.output),
        CLI_OPTION_FLAG("add", "add the jobs only: workers that are there take them", &batch.add_only),
        CLI_OPTION_FLAG("force", "evaluate although the same content has been evaluated", &batch.force),
        CLI_OPTION_NUMBER("memory-of-all", "MIB", "what jobs may take together (default: what is available)",
                          &batch.memory_mib, 1, UINT64_C(1) << 30),
        CLI_SLURM_OPTIONS(batch.slurm),
        CLI_JOB_INPUTS(*job),
        CLI_OPTION_TEXT("policy", "P", "low, medium, high, or a policy file (default: low)", &job->options.policy_path),
        CLI_OPTION_TEXT("key", "K.pem", "the signing key, or pkcs11:URI (default: key.pem in $LAZARET_STATE)",
                        &job->options.key_path),
        CLI_OPTION_PASSPHRASE_FILE(&job->options.passphrase.file),
        CLI_OPTION_TEXT("ledger", "DIR",
                        "announce each job in this ledger, and log its result; with --slurm the results",
                        &job->options.ledger_path),
        CLI_OPTION_TEXT("ledger-key", "K.pem", "the ledger's private key (default: DIR.pem)",
                        &job->options.ledger_key_path),
        CLI_OPTION_TSA(&job->options.tsa_url),
        CLI_OPTION_TSA_CA(&job->options.tsa_ca_path),
        CLI_JOB_MACHINE(*job),
        CLI_OPTION_CHOICE("arithmetic", "how products are added up (default: the policy's; another needs review)",
                          &job->arithmetic, cli_job_arithmetic_names),
        CLI_OPTION_NUMBER("samples", "N", "write the first N adversarial inputs of each curve point to samples.npz",
                          &job->samples, 0, PLAN_SAMPLES_MAX),
        CLI_OPTION_FLAG("quiet", "no progress", &batch.quiet),
    };
    const struct cli_command command = {
        .usage = "lazaret batch JOBS.jsonl -o DIR [--workers N] [--slurm] [OPTIONS]",
        .purpose =
            "Evaluates every job of the list, \"-\" for standard input: one JSON object a line, {\"id\", \"model\", "
            "\"test\", \"spec\"?,\n\"train\"?, \"reference\"?, \"policy\"?, \"priority\"?, \"memory\"?, \"gpu\"?}; "
            "relative "
            "paths "
            "begin at the list's folder. evaluate's\noptions are defaults for all. Killed or stopped, the same command "
            "goes on where it was (docs/farm.md).\n"
            "Exit status, by the worst: 0 passed, 1 rejected, 3 could not evaluate, 2 needs review.",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    const char *operands[CLI_OPERANDS_MAX];
    enum cli_parse parse;
    struct error error = {0};
    unsigned operand_count;
    int status = 0;
    int r = cli_options_parse(&command, argc, argv, operands, &operand_count, &parse, &error);

    if (r == 0 && parse == CLI_HELP_SHOWN)
        return 0;
    if (r == 0 && batch.add_only && batch.force)
        r = error_set(&error, ERROR_USAGE, -EINVAL,
                      "--force is the workers' option: give it to `lazaret worker`, not with --add");
    if (r == 0 && batch.output == NULL)
        r = error_set(&error, ERROR_USAGE, -EINVAL, "-o DIR is missing; see --help");
    batch.list = r == 0 ? operands[0] : NULL;
    if (r == 0)
        r = prepare(&batch, &error);
    if (r == 0 && batch.add_only)
        status = batch.bad.count > 0 ? error_exit_status(ERROR_BAD_INPUT) : 0;
    else if (r == 0)
        r = run(&batch, &status, &error);
    json_decref(batch.bad.texts);
    return r < 0 ? cli_fail(&error) : status;
}
