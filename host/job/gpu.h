/* SPDX-License-Identifier: Apache-2.0 */
/* The device of a job that has one: claimed once the job is admitted, and what execution.json says of it. */
#ifndef LAZARET_HOST_JOB_GPU_H
#define LAZARET_HOST_JOB_GPU_H

#include "host/job/job.h"
#include "host/vm/passthrough/passthrough.h"

#include <jansson.h>

/*
 * Nothing to do where the options name none. A device that can't be had is a refusal, ERROR_GUEST, which is a result
 * and gets signed; no address, or no microVM, is ERROR_USAGE.
 */
MUST_USE int gpu_claim(const struct job_options *options, struct passthrough **ret_passthrough, struct error *err);

/* Whether host driver, resets and return all went as they should: what the statement may call verified. */
bool gpu_was_clean(const struct passthrough_facts *facts);

/*
 * Why an evaluation whose device did this is none: it reached for memory that is not the guest's, so either the guest
 * is not itself any more or its driver is broken. False: nothing is against it.
 */
bool gpu_strayed(const struct passthrough_facts *facts, char ret_reason[ERROR_TEXT_MAX]);

/* The value of `passthrough` in execution.json; a new reference, or NULL without memory. Fields: docs/execution.md. */
json_t *gpu_document(const struct passthrough_facts *facts);

#endif
