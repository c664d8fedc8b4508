/* SPDX-License-Identifier: Apache-2.0 */
/*
 * execution.json: how and where an evaluation ran. Facts of the host and of time belong here, and never into
 * evaluation.json. Fields: docs/execution.md.
 */
#ifndef LAZARET_HOST_JOB_EXECUTION_H
#define LAZARET_HOST_JOB_EXECUTION_H

#include "host/job/bounds.h"
#include "host/job/events.h"
#include "host/job/gpu.h"
#include "host/job/recheck.h"
#include "host/vm/image.h"
#include "host/vm/vm.h"

#include <jansson.h>

struct execution {
    const char *job_id;
    const struct vm_record *record; /* of the first run; NULL: nothing was booted */
    const struct run *runs;         /* in their order */
    unsigned run_count;
    const struct recheck_report *recheck; /* NULL: there was none */
    const struct image *image;            /* NULL under process isolation */
    const uint8_t *agent_sha256;          /* NULL: nothing ran */
    const struct results *results;        /* NULL: none */
    const struct plan *plan;              /* NULL: none */
    const struct events *events;
    const struct passthrough_facts *passthrough; /* NULL: no device was passed through */
    const struct bounds *bounds;                 /* of all its processes */
    const char *failure;                         /* why there is no evaluation; NULL: there is one */
};

/* A new reference, or NULL without memory. */
json_t *execution_document(const struct execution *execution);

#endif
