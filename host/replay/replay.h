/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay: evaluates again what a signed result records, and compares evaluation.json byte for byte.
 *
 * verify the result and the inputs at hand → plan by the result's own policy, spec and plan → hold this plan against
 * the signed one → run, in whatever isolation and acceleration this machine has → compare. Nothing is signed, written
 * or appended anywhere.
 */
#ifndef LAZARET_HOST_REPLAY_REPLAY_H
#define LAZARET_HOST_REPLAY_REPLAY_H

#include "host/attest/replay.h"
#include "host/job/job.h"
#include "host/replay/record.h"

/* A part of the platform on both sides. */
enum replay_likeness { REPLAY_SAME, REPLAY_OTHER, REPLAY_UNUSED /* on one side, or on both */ };

struct replay_report {
    struct replay_record *record; /* owned */
    struct replay_comparison comparison;
    struct replay_check checks[REPLAY_CHECKS_MAX];
    size_t check_count;
    uint8_t recorded_sha256[SHA256_SIZE], replayed_sha256[SHA256_SIZE]; /* of evaluation.json */
    enum replay_likeness agent, kernel, initramfs, disk;
    enum vm_isolation isolation; /* of the replay */
    enum vm_acceleration acceleration;
    char note[256]; /* about the image, printable; "" */
};

/*
 * Replays. `options` has what the auditor chose of the machine (isolation, acceleration, …); its inputs, policy and
 * spec are set here. 0 when the report is complete, also where the evaluation was not reproduced. Errors: those of
 * replay_record_open(), review_compare() and job_run(), and ERROR_GUEST where the replay could not evaluate.
 */
MUST_USE int replay_run(const struct verify_request *inputs, struct job_options *options,
                        struct replay_report **ret_report, struct error *err);
void replay_report_free(struct replay_report *report);

/* Appends a table for people, or one canonical JSON object and a newline. Errors as buffer_append. */
MUST_USE int replay_report_write_text(const struct replay_report *report, struct buffer *ret_text);
MUST_USE int replay_report_write_json(const struct replay_report *report, struct buffer *ret_text);

static inline void replay_report_drop(struct replay_report **report)
{
    replay_report_free(*report);
}
#define CLEANUP_REPLAY_REPORT CLEANUP(replay_report_drop)

#endif
