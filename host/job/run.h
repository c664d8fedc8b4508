/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run: a VM of its own, from its boot over the talk with its guest to the proof of its end.
 *
 * A job has one run, or more where its policy says `repeat` or `recheck`: all are prepared before the first one boots
 * (vm_prepare), then they run one after another, each in a fresh VM.
 */
#ifndef LAZARET_HOST_JOB_RUN_H
#define LAZARET_HOST_JOB_RUN_H

#include "host/job/admission.h"
#include "host/job/conversation.h"
#include "host/job/journal.h"

#define RUN_COUNT_MAX (POLICY_REPEAT_MAX + 2u) /* evaluations, then an opening and a prediction (recheck.h) */

#define RUN_LABEL_SIZE 16u

enum run_purpose {
    RUN_EVALUATION, /* the whole plan */
    RUN_OPENING,    /* attacks again, on a few test inputs, whose adversarial inputs come back */
    RUN_PREDICTION, /* predicts, and knows neither what nor why */
    RUN_PURPOSE_COUNT
};

extern const char *const run_purpose_names[RUN_PURPOSE_COUNT]; /* "evaluation", … */

struct run_setting { /* what all runs of a job share; borrowed */
    const struct job_options *options;
    const struct admission *admission;
    const struct image *image; /* NULL under process isolation */
    const char *agent_path;    /* NULL in a microVM */
    int console_fd;
    struct passthrough *passthrough; /* of every run, one after another; NULL: none */
    const char *scratch_path;        /* the disk of the first run; NULL: none */
    int scratch_fd;
    struct events *events;
    struct journal *journal; /* NULL: none */
    uint64_t deadline_ns;    /* of the whole job */
};

struct run {
    enum run_purpose purpose;
    char label[RUN_LABEL_SIZE]; /* begins its phases' names; "" for the first run */
    struct vm *vm;
    struct collector *collector; /* waits for this run's guest; NULL once it is over */
    int connection;
    bool recorded; /* record holds a VM that ran */
    bool unbooted; /* it ended in an error of its VM's boot or connection */
    struct vm_record record;
    struct results *results; /* owned; NULL before the guest is talked to */
    struct conversation_failure failure;
    bool evaluated; /* an evaluation came of it, with this digest */
    uint8_t evaluation_sha256[SHA256_SIZE];
};

/* Makes ready; before the monitor is confined, and while the process has one thread. Errors as vm_prepare(). */
MUST_USE int run_prepare(const struct run_setting *setting, enum run_purpose purpose, const char *label,
                         struct run *ret_run, struct error *err);

/*
 * Boots, talks, destroys. What the guest answered is in run->results, also where it ends in an error. `keep` gets the
 * adversarial inputs instead of the results; NULL: none.
 * ERROR_GUEST: what the guest did or could not do. Any other error is ours: a VM that is not gone among them.
 */
MUST_USE int run_whole(const struct run_setting *setting, struct run *run, const struct plan *plan,
                       const struct inputs *inputs, const struct results_keeper *keep, struct error *err);

/* Ends what still runs; frees what the run holds, not the run. */
void run_close(struct run *run);

#endif
