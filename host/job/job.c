/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: one evaluation's life.
 *
 * Theory of operation. Everything that can be refused is refused before anything boots. From then on there are two
 * kinds of trouble. An error (bad input, something this machine lacks, a fault of our own) unwinds: the VM is
 * destroyed, the janitor removes what was gathered, and nothing is left. A failed evaluation (ERROR_GUEST, or a refusal
 * by policy or memory) goes on to the end without results: it is written down, signed and committed like any other.
 * What happens in a VM is run.c's; a policy that says `repeat` has it happen more than once.
 */
#include "host/job/job.h"

#include "base/io.h"
#include "host/confine/monitor.h"
#include "host/job/admission.h"
#include "host/job/assess.h"
#include "host/job/bounds.h"
#include "host/job/forensics.h"
#include "host/job/gpu.h"
#include "host/job/gpu_image.h"
#include "host/job/job_ledger.h"
#include "host/job/journal.h"
#include "host/job/locate.h"
#include "host/job/origin.h"
#include "host/job/publish.h"
#include "host/job/recheck.h"
#include "host/job/repeat.h"
#include "host/job/scratch_disk.h"
#include "host/job/staging.h"
#include "host/json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct job {
    const struct job_options *options;
    struct job_options resolved; /* with paths worked out */
    struct job_result *result;
    struct journal *journal;
    struct staging *staging;
    struct signer *signer;
    struct tsa *tsa;
    struct job_ledger ledger;
    struct events events;
    struct admission *admission;
    struct origin *origin;
    struct plan_made *made;
    struct image *image;
    uint8_t agent_sha256[SHA256_SIZE];
    char policy_path[PATH_MAX], agent_path[PATH_MAX];
    int console_fd;
    struct scratch_disk scratch;
    struct passthrough *passthrough; /* NULL: the job has no device */
    json_t *scratch_listing;         /* of a job that ended badly; NULL: none */
    struct run runs[RUN_COUNT_MAX];  /* prepared all at once, run one after another */
    unsigned run_count;
    struct bounds bounds;
    struct recheck_report recheck;
    bool rechecked;
    struct assessment assessment;
    uint64_t deadline_ns;
};

/* --- preparing ---------------------------------------------------------------------------------------- */

/* The processes and files of the job that come before its inputs are looked at. */
static int prepare(struct job *job, struct error *err)
{
    const struct job_options *options = job->options;
    struct error stuck; /* of a dead job's device, which hinders nobody but those who want that one */
    int r = journal_reap(err), events_fd = -1;

    if (r < 0)
        return r;
    (void)!passthrough_reap(&stuck);
    r = 0;
    if (options->key_path != NULL)
        r = signer_start_with(options->key_path, &options->passphrase, &job->signer, err);
    if (r == 0 && options->tsa_url != NULL && options->output_path != NULL)
        r = tsa_start(options->tsa_url, options->tsa_ca_path, &job->tsa, err);
    if (r == 0)
        r = job_ledger_start(&job->ledger, options, err);
    if (r == 0 && options->output_path != NULL) {
        r = journal_create(&job->journal, err);
        if (r == 0)
            r = staging_create(options->output_path, job->journal, &job->staging, err);
        if (r == 0)
            r = staging_open(job->staging, "events.jsonl", &events_fd, err);
    }
    if (r == 0)
        events_start(&job->events, events_fd, options->quiet);
    return r;
}

static int step(struct job *job, const char *name, struct error *err)
{
    return job->journal == NULL ? 0 : journal_step(job->journal, name, "", err);
}

/* A replay's own, where it is here; else by the device that computes. */
static int open_image(const struct job_options *options, struct image **ret_image, struct error *err)
{
    const char *recorded = options->replay != NULL ? options->replay->image : NULL;

    if (recorded == NULL && options->device == JOB_DEVICE_OPENCL)
        return gpu_image_open_here(options->gpu, ret_image, err);
    return image_open(recorded, ret_image, err);
}

/* Which agent will run, and from where. */
static int find_agent(struct job *job, struct error *err)
{
    CLEANUP_FD int fd = -1;
    uint64_t size;
    int r;

    if (job->options->isolation == VM_MICROVM) {
        r = open_image(job->options, &job->image, err);
        if (r == 0)
            memcpy(job->agent_sha256, image_manifest(job->image)->agent.sha256, SHA256_SIZE);
        return r;
    }
    r = job->options->device == JOB_DEVICE_OPENCL ? locate_driver_agent(job->agent_path, err)
                                                  : locate_agent(job->agent_path, err);
    if (r < 0)
        return r;
    fd = open(job->agent_path, O_RDONLY | O_CLOEXEC);
    r = fd < 0 ? -errno : sha256_of_fd(fd, job->agent_sha256, &size);
    if (r < 0)
        return error_set(err, ERROR_UNAVAILABLE, r, "%s: %s", job->agent_path, strerror(-r));
    return 0;
}

static int review_plan(struct job *job, struct error *err)
{
    const struct job_replay *replay = job->options->replay;
    CLEANUP_JSON json_t *plan = NULL;

    if (replay == NULL || replay->review == NULL)
        return 0;
    plan = plan_make_document(job->made, job->admission, &job->resolved);
    if (plan == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the plan");
    return replay->review(replay->context, plan, err);
}

static int admit(struct job *job, struct error *err)
{
    int r = admission_open(&job->resolved, &job->events, &job->admission, err);

    if (r == 0)
        r = plan_make(job->admission, &job->resolved, job->made, err);
    if (r == 0)
        r = review_plan(job, err);
    if (r == 0)
        r = find_agent(job, err);
    if (r == 0)
        job->deadline_ns = io_deadline_ms((uint64_t)job->admission->policy.deadline_seconds * 1000);
    return r;
}

/* --- running ---------------------------------------------------------------------------------------------- */

/* Evaluations, and whether anything is looked at again after them. */
static unsigned repeats(const struct job *job)
{
    return job->options->replay != NULL ? 1 : job->admission->policy.repeat;
}

static bool rechecks(const struct job *job)
{
    return job->options->replay == NULL && job->admission->policy.recheck > 0;
}

/* Every VM that the policy will want, before any guest is there; then the monitor gives up what it took. */
static int prepare_runs(struct job *job, struct run_setting *setting, struct error *err)
{
    int r = 0;

    events_begin(&job->events, "prepare");
    if (job->admission->policy.scratch_mib > 0 && job->options->isolation == VM_MICROVM && job->staging != NULL) {
        r = scratch_disk_start(&job->scratch, job->staging, job->admission->policy.scratch_mib, err);
        setting->scratch_path = job->scratch.path;
        setting->scratch_fd = job->scratch.fd;
    }
    for (unsigned i = 0; r == 0 && i < repeats(job); i++) {
        char label[RUN_LABEL_SIZE] = "";

        if (i > 0)
            (void)snprintf(label, sizeof label, "repeat %u", i + 1);
        r = run_prepare(setting, RUN_EVALUATION, label, &job->runs[job->run_count++], err);
    }
    if (r == 0 && rechecks(job) && recheck_needs_opening(&job->made->plan))
        r = run_prepare(setting, RUN_OPENING, "opening", &job->runs[job->run_count++], err);
    if (r == 0 && rechecks(job))
        r = run_prepare(setting, RUN_PREDICTION, "recheck", &job->runs[job->run_count++], err);
    if (r == 0)
        r = bounds_start(&job->bounds, job->journal != NULL ? journal_id(job->journal) : "", setting, job->runs,
                         job->run_count, err);
    return r < 0 ? r : confine_monitor(err);
}

/* Where the policy asks for it, and the model was more than scanned. */
static int recheck(struct job *job, const struct run_setting *setting, const struct inputs *inputs, struct error *err)
{
    unsigned first = repeats(job);
    struct recheck order = {
        .setting = setting,
        .made = job->made,
        .inputs = inputs,
        .claims = job->runs[0].results,
        .opening = job->run_count - first > 1 ? &job->runs[first] : NULL,
        .prediction = &job->runs[job->run_count - 1],
    };

    if (!rechecks(job) || results_are_dangerous(order.claims))
        return 0;
    job->rechecked = true;
    return recheck_run(&order, &job->recheck, err);
}

/* The evaluation, as often as the policy says, and what it has looked at again. A failed one is 0 with
 * job->assessment.failed set. */
static int run(struct job *job, struct error *err)
{
    const struct admission *admission = job->admission;
    struct run_setting setting = {
        .options = job->options,
        .admission = admission,
        .image = job->image,
        .agent_path = job->agent_path[0] != '\0' ? job->agent_path : NULL,
        .console_fd = job->console_fd,
        .scratch_fd = -1,
        .passthrough = job->passthrough,
        .events = &job->events,
        .journal = job->journal,
        .deadline_ns = job->deadline_ns,
    };
    const struct inputs inputs = {
        .reader = admission->reader, .train_labels = admission->train_labels, .test_labels = admission->test_labels};
    struct error trouble = {0};
    int r = prepare_runs(job, &setting, err);

    if (r < 0)
        return r;
    r = repeat_evaluation(&setting, job->made, &inputs, job->runs, repeats(job), &job->assessment, &trouble);
    if (r == 0)
        r = recheck(job, &setting, &inputs, &trouble);
    bounds_end_vm(&job->bounds);
    if (r == 0)
        return 0;
    bounds_explain(&job->bounds, job->runs, job->run_count, &trouble);
    if (trouble.kind != ERROR_GUEST) {
        *err = trouble;
        return r;
    }
    assessment_clear(&job->assessment);
    assessment_fail(&job->assessment, OUTCOME_COULD_NOT_EVALUATE, trouble.text);
    return 0;
}

/* What the guest of a job that ended badly left on its scratch disk, which then goes. */
static void read_scratch(struct job *job)
{
    if (job->scratch.reader != NULL && forensics_wanted(job->assessment.outcome)) {
        events_begin(&job->events, "forensics");
        job->scratch_listing = scratch_disk_read(&job->scratch);
    }
    scratch_disk_stop(&job->scratch);
}

/* --- deciding and publishing ---------------------------------------------------------------------------------- */

/* Where it ended, well or not: the last run that a VM came of, or the first where none did. */
static const struct run *last_run(const struct job *job)
{
    const struct run *last = &job->runs[0];

    for (unsigned i = 0; i < job->run_count; i++)
        if (job->runs[i].recorded)
            last = &job->runs[i];
    return last;
}

static int publish(struct job *job, struct error *err)
{
    const struct publication publication = {
        .job_id = job->journal != NULL ? journal_id(job->journal) : "",
        .options = &job->resolved,
        .admission = job->admission,
        .origin = job->origin,
        .made = job->made,
        .image = job->image,
        .agent_sha256 = job->agent_sha256,
        .runs = job->runs,
        .run_count = job->run_count,
        .recheck = job->rechecked ? &job->recheck : NULL,
        .record = job->runs[0].recorded ? &job->runs[0].record : NULL,
        .results = job->runs[0].results,
        .assessment = &job->assessment,
        .last = last_run(job),
        .bounds = &job->bounds,
        .scratch = job->scratch_listing,
        .passthrough = job->passthrough != NULL ? passthrough_facts(job->passthrough) : NULL,
        .console_fd = job->console_fd,
        .events = &job->events,
        .ledger = job->ledger.appender != NULL ? &job->ledger : NULL,
        .tsa = job->tsa,
        .stamp = &job->result->stamp,
    };
    int r;

    if (job->staging == NULL)
        return 0;
    events_begin(&job->events, "sign");
    r = step(job, "sign", err);
    if (r == 0)
        r = publish_documents(&publication, job->signer, job->staging, err);
    events_stop(&job->events);
    if (r == 0 && job->events.lost)
        r = error_set(err, ERROR_UNAVAILABLE, -ENOSPC,
                      "%s: events.jsonl was not written whole; free some space, or choose another place with -o",
                      job->options->output_path);
    if (r == 0)
        r = step(job, "commit", err);
    if (r == 0)
        r = staging_commit(job->staging, err);
    return r;
}

/* What forbids the job before anything boots ends it with a result. */
static int decide(struct job *job, struct error *err)
{
    struct error refusal = {0};
    int r = origin_check(job->admission, &job->resolved, job->staging != NULL ? staging_path(job->staging) : NULL,
                         &job->events, &job->origin, &refusal, err);

    if (r < 0)
        return r;
    if (refusal.kind == ERROR_NONE && admission_decide(job->admission, &job->resolved, &refusal) == 0) {
        r = gpu_claim(&job->resolved, &job->passthrough, &refusal);
        if (r == 0 || refusal.kind != ERROR_GUEST) {
            if (r < 0)
                *err = refusal;
            return r;
        }
        refusal.code = -ENODEV;
    }
    assessment_fail(&job->assessment,
                    refusal.code == -EPERM ? OUTCOME_REJECTED_BEFORE_BOOT : OUTCOME_COULD_NOT_EVALUATE, refusal.text);
    return 0;
}

/* Gives the device back, and drops what was evaluated with one that strayed. */
static void return_device(struct job *job)
{
    char reason[ERROR_TEXT_MAX];

    if (job->passthrough == NULL)
        return;
    passthrough_return(job->passthrough);
    if (job->assessment.failed || !gpu_strayed(passthrough_facts(job->passthrough), reason))
        return;
    assessment_clear(&job->assessment);
    assessment_fail(&job->assessment, OUTCOME_COULD_NOT_EVALUATE, reason);
}

static int run_job(struct job *job, struct error *err)
{
    int r = locate_policy(job->options->policy_path, job->policy_path, err);

    if (r < 0)
        return r;
    job->resolved = *job->options;
    job->resolved.policy_path = job->policy_path;
    r = prepare(job, err);
    if (r == 0)
        r = admit(job, err);
    if (r == 0 && job->staging != NULL)
        r = job_ledger_announce(&job->ledger, job->admission, job->journal, err);
    if (r == 0)
        r = decide(job, err);
    if (r == 0 && !job->assessment.failed)
        r = run(job, err);
    return_device(job);
    if (r == 0) {
        read_scratch(job);
        r = publish(job, err);
    }
    return r;
}

/* Hands the outcome over to the caller. */
static void conclude(struct job *job)
{
    struct job_result *result = job->result;

    result->outcome = job->assessment.outcome;
    result->reason_count = job->assessment.reason_count;
    memcpy(result->reasons, job->assessment.reasons, sizeof result->reasons);
    memcpy(result->agent_sha256, job->agent_sha256, SHA256_SIZE);
    for (unsigned i = 0; i < job->run_count && !job->assessment.failed; i++)
        result->evaluations += job->runs[i].evaluated;
    result->rechecked = job->rechecked && !job->assessment.failed;
    result->adversarial = job->recheck.adversarial;
    result->clean = job->recheck.clean;
    result->acceleration = job->runs[0].record.acceleration;
    result->has_image = job->image != NULL;
    if (job->image != NULL) {
        memcpy(result->kernel_sha256, image_manifest(job->image)->kernel.sha256, SHA256_SIZE);
        memcpy(result->initramfs_sha256, image_manifest(job->image)->initramfs.sha256, SHA256_SIZE);
        result->has_disk = manifest_has_disk(image_manifest(job->image));
        memcpy(result->disk_sha256, image_manifest(job->image)->disk.file.sha256, SHA256_SIZE);
    }
    result->logged = job->ledger.appender != NULL;
    if (result->logged) {
        (void)snprintf(result->ledger_origin, sizeof result->ledger_origin, "%s", job->ledger.announced.origin);
        result->ledger_intent = job->ledger.announced.intent;
        result->ledger_result = job->ledger.result;
    }
    result->evaluation = job->assessment.evaluation_bytes;
    job->assessment.evaluation_bytes = buffer_with_limit(0);
}

static void job_free(struct job *job)
{
    if (job == NULL)
        return;
    for (unsigned i = 0; i < job->run_count; i++)
        run_close(&job->runs[i]);
    passthrough_free(job->passthrough);
    scratch_disk_stop(&job->scratch);
    json_decref(job->scratch_listing);
    if (job->console_fd >= 0)
        (void)close(job->console_fd);
    assessment_free(&job->assessment);
    image_free(job->image);
    admission_free(job->admission);
    origin_free(job->origin);
    signer_free(job->signer);
    tsa_free(job->tsa);
    job_ledger_stop(&job->ledger);
    events_stop(&job->events);
    staging_free(job->staging);
    bounds_free(&job->bounds);
    journal_free(job->journal);
    free(job->made);
    free(job);
}

int job_run(const struct job_options *options, struct job_result *ret_result, struct error *err)
{
    struct job *job = calloc(1, sizeof *job);
    int r;

    if (job == NULL)
        return error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a job");
    job->options = options;
    job->result = ret_result;
    job->scratch.fd = -1;
    job->console_fd = memfd_create("console", MFD_CLOEXEC);
    job->made = calloc(1, sizeof *job->made);
    if (job->made == NULL || job->console_fd < 0)
        r = error_set(err, ERROR_INTERNAL, -ENOMEM, "no memory for a job");
    else
        r = run_job(job, err);
    if (r == 0)
        conclude(job);
    job_free(job);
    return r;
}

void job_result_free(struct job_result *result)
{
    buffer_free(&result->evaluation);
}
