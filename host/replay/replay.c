/* SPDX-License-Identifier: Apache-2.0 */
/* Replay: the record's own plan, run again and compared. */
#include "host/replay/replay.h"

#include "host/replay/review.h"
#include "host/vm/image_find.h"
#include "host/vm/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- which image ----------------------------------------------------------------------------------------------- */

static const uint8_t *digest_of(const struct replay_part *part)
{
    return part->named ? part->sha256 : NULL;
}

/*
 * The image that the result names by its parts. Where it is not here, the default one serves, and the note says how to
 * bring the recorded one; a result of process isolation names an agent only.
 */
static int choose_image(struct replay_report *report, char image[SHA256_HEX_SIZE], const char **ret_image,
                        struct error *err)
{
    const struct replay_record *record = report->record;
    const struct image_parts parts = {.kernel_sha256 = digest_of(&record->kernel),
                                      .initramfs_sha256 = digest_of(&record->initramfs),
                                      .agent_sha256 = digest_of(&record->agent),
                                      .disk_sha256 = digest_of(&record->disk)};
    int r = image_find(&parts, image, err);

    *ret_image = r == 0 ? image : NULL;
    if (r != -ENOENT)
        return r;
    (void)snprintf(report->note, sizeof report->note,
                   "the recorded %s is not in %.100s/images, so the default image is used; where the recorded one was "
                   "exported, `lazaret image import FILE` brings it",
                   record->kernel.named ? "image" : "agent", state_path());
    return 0;
}

/* --- running ------------------------------------------------------------------------------------------------------ */

static int review(void *context, const json_t *plan, struct error *err)
{
    const struct replay_record *record = context;

    return review_compare(record->plan, plan, record->producer, err);
}

static int run(struct replay_report *report, const struct verify_request *inputs, struct job_options *options,
               struct job_result *ret_result, struct error *err)
{
    struct replay_record *record = report->record;
    struct job_replay replay = {.review = review, .context = record};
    char image[SHA256_HEX_SIZE];
    int r = review_adopt(record->plan, options, err);

    if (r == 0 && options->isolation == VM_MICROVM)
        r = choose_image(report, image, &replay.image, err);
    if (r < 0)
        return r;
    options->model_path = inputs->model_path;
    options->test_path = inputs->test_path;
    options->train_path = inputs->train_path;
    options->reference_path = inputs->reference_path;
    options->triggers_path = inputs->triggers_path;
    options->policy_path = record->policy_path;
    options->spec_path = record->has_spec ? record->spec_path : NULL;
    options->key_path = options->output_path = NULL;
    options->replay = &replay;
    r = job_run(options, ret_result, err);
    options->replay = NULL;
    if (r < 0 && report->note[0] != '\0' && err->kind == ERROR_NO_INPUT)
        (void)error_prefix(err, "%s", report->note);
    return r;
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static enum replay_likeness liken(const struct replay_part *part, bool used, const uint8_t *sha256)
{
    if (!part->named || !used)
        return REPLAY_UNUSED;
    return memcmp(part->sha256, sha256, SHA256_SIZE) == 0 ? REPLAY_SAME : REPLAY_OTHER;
}

static int compare(struct replay_report *report, const struct job_result *result, struct error *err)
{
    const struct replay_record *record = report->record;
    const struct buffer *recorded = &record->evaluation, *replayed = &result->evaluation;
    int r;

    if (replayed->size == 0)
        return error_set(err, ERROR_GUEST, -ENODATA, "the replay could not evaluate: %s%s",
                         result->reason_count > 0 ? result->reasons[0] : "no reason was given",
                         result->has_image ? "; --isolation process replays with this lazaret's own agent" : "");
    sha256_of(recorded->data, recorded->size, report->recorded_sha256);
    sha256_of(replayed->data, replayed->size, report->replayed_sha256);
    report->agent = liken(&record->agent, true, result->agent_sha256);
    report->kernel = liken(&record->kernel, result->has_image, result->kernel_sha256);
    report->initramfs = liken(&record->initramfs, result->has_image, result->initramfs_sha256);
    report->disk = liken(&record->disk, result->has_disk, result->disk_sha256);
    report->acceleration = result->acceleration;
    r = replay_compare(recorded->data, recorded->size, replayed->data, replayed->size, &report->comparison, err);
    return r < 0 ? r
                 : replay_compare_checks(recorded->data, recorded->size, replayed->data, replayed->size, report->checks,
                                         &report->check_count, err);
}

int replay_run(const struct verify_request *inputs, struct job_options *options, struct replay_report **ret_report,
               struct error *err)
{
    CLEANUP_REPLAY_REPORT struct replay_report *report = calloc(1, sizeof *report);
    CLEANUP_JOB_RESULT struct job_result result = {0};
    int r;

    if (report == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a replay");
    report->isolation = options->isolation;
    r = replay_record_open(inputs, &report->record, err);
    if (r == 0)
        r = run(report, inputs, options, &result, err);
    if (r == 0)
        r = compare(report, &result, err);
    if (r == 0)
        *ret_report = TAKE_POINTER(report);
    return r;
}

void replay_report_free(struct replay_report *report)
{
    if (report == NULL)
        return;
    replay_record_free(report->record);
    free(report);
}
