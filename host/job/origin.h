/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the model comes from, as the job demands it before anything boots: the policy's `provenance` and what the user
 * gives.
 */
#ifndef LAZARET_HOST_JOB_ORIGIN_H
#define LAZARET_HOST_JOB_ORIGIN_H

#include "host/job/admission.h"
#include "host/provenance/inputs.h"

#define ORIGIN_WORDS_MAX 2u

struct origin {
    struct provenance_inputs inputs;
    const char *source; /* borrowed from the options; NULL: none */
    bool signature_holds, checksums_hold;
    struct provenance_verdict verdict; /* where the signature holds */
};

/*
 * Reads what the options name and verifies it. 0, also where the model is refused: *ret_refusal has then ERROR_GUEST,
 * -EPERM and the reason. A signature or list that was given must hold, whether the policy asks for it or not. Errors
 * are the user's, not the model's: files that are not there, keys that are none, options that do not go together.
 * `own_folder` is the output directory under construction, which may lie beside the model; NULL: none. Call before the
 * process has threads.
 */
MUST_USE int origin_check(const struct admission *admission, const struct job_options *options, const char *own_folder,
                          struct events *events, struct origin **ret_origin, struct error *ret_refusal,
                          struct error *err);

/* The words that hostVerified gains; returns their number. NULL is fine. */
size_t origin_words(const struct origin *origin, const char *ret_words[ORIGIN_WORDS_MAX]);

void origin_free(struct origin *origin);

static inline void origin_drop(struct origin **origin)
{
    origin_free(*origin);
}
#define CLEANUP_ORIGIN CLEANUP(origin_drop)

#endif
