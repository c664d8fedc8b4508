/* SPDX-License-Identifier: Apache-2.0 */
/* The output directory's files: documents, evidence, and the signed bundle over their digests. */
#ifndef LAZARET_HOST_JOB_PUBLISH_H
#define LAZARET_HOST_JOB_PUBLISH_H

#include "host/job/assess.h"
#include "host/job/events.h"
#include "host/job/gpu.h"
#include "host/job/job_ledger.h"
#include "host/job/bounds.h"
#include "host/job/origin.h"
#include "host/job/recheck.h"
#include "host/job/staging.h"
#include "host/signer/signer.h"
#include "host/tsa/tsa.h"
#include "host/vm/image.h"

struct publication { /* all borrowed */
    const char *job_id;
    const struct job_options *options;
    const struct admission *admission;
    const struct origin *origin; /* of the model */
    const struct plan_made *made;
    const struct image *image; /* NULL under process isolation */
    const uint8_t *agent_sha256;
    const struct run *runs;               /* in their order; those behind a failure were not run */
    unsigned run_count;                   /* 0: nothing was prepared */
    const struct recheck_report *recheck; /* NULL: there was none */
    const struct vm_record *record;       /* the first run's; NULL: nothing was booted */
    const struct results *results;        /* NULL: none */
    const struct assessment *assessment;
    const struct run *last;                      /* where it ended */
    const struct passthrough_facts *passthrough; /* of the job's device; NULL: there was none */
    const struct bounds *bounds;
    const json_t *scratch;                       /* what was on the scratch disk; NULL: there was none */
    int console_fd;
    const struct events *events;
    struct job_ledger *ledger; /* NULL: the job is not logged */
    struct tsa *tsa;           /* NULL: no timestamp */
    struct job_stamp *stamp;   /* what came of it */
};

/* Writes every file and result.sigstore.json; does not commit. */
MUST_USE int publish_documents(const struct publication *publication, struct signer *signer, struct staging *staging,
                               struct error *err);

#endif
