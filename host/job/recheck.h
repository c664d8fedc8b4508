/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy's `recheck: N`: does a guest that only predicts agree with what the evaluation's guest claimed?
 *
 * Theory of operation. The predictions of the evaluation are in the host's hands before anything is chosen: the guest
 * has committed itself. Then the host draws a nonce, and with seed = SHA-256(model ‖ data ‖ policy ‖ "recheck" ‖ nonce)
 * chooses inputs (recheck_choice.h).
 *  - Opening: a second VM attacks the chosen test inputs again, each with the random stream of its place in the whole
 *    set, and returns the adversarial inputs. Attacks are deterministic, sample by sample, so its predictions must be
 *    the claimed ones, and its inputs must keep to what the attack allows.
 *  - Prediction: a third VM gets these adversarial inputs and as many clean test inputs, shuffled, as one test set
 *    without labels, and a plan that says nothing but "predict". Its answers must be the claimed ones.
 * A disagreement means that a guest lied, or is not deterministic: no figure of it can stand (could-not-evaluate).
 * Agreement proves nothing: a guest that lies the same way every time, for the same inputs, is not found out.
 */
#ifndef LAZARET_HOST_JOB_RECHECK_H
#define LAZARET_HOST_JOB_RECHECK_H

#include "host/job/plan_make.h"
#include "host/job/run.h"

/* Inputs that the host holds meanwhile: at most three times N. */
#define RECHECK_BYTES_MAX (UINT64_C(512) << 20)

struct recheck_report {
    uint8_t nonce[SHA256_SIZE];
    uint32_t adversarial, clean; /* inputs that were predicted again */
    uint32_t agreed;             /* of both together */
};

struct recheck { /* borrowed */
    const struct run_setting *setting;
    const struct plan_made *made;
    const struct inputs *inputs;  /* of the evaluation */
    const struct results *claims; /* its results */
    struct run *opening;          /* prepared; NULL where the plan has no attack */
    struct run *prediction;       /* prepared */
};

/* Whether a plan has attacks, whose inputs take an opening. */
bool recheck_needs_opening(const struct plan *plan);

/* ERROR_GUEST, -ENOMEM with the figures, where the inputs would take more than RECHECK_BYTES_MAX. */
MUST_USE int recheck_admit(const struct policy *policy, uint64_t elements, struct error *err);

/*
 * ERROR_GUEST names the first input on which the guests disagree, and how many there are. *ret_report is written as
 * far as the recheck came.
 */
MUST_USE int recheck_run(const struct recheck *recheck, struct recheck_report *ret_report, struct error *err);

#endif
