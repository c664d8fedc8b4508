/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job in the ledger: announced before anything boots, and its signed result logged before it is committed.
 *
 * What goes wrong here is an error, and no result is written: an attempt that could not be announced must not run, and
 * a result that is not in the ledger must not look like one that is. The intent then stays as an attempt without a
 * result, which is what happened.
 */
#ifndef LAZARET_HOST_JOB_JOB_LEDGER_H
#define LAZARET_HOST_JOB_JOB_LEDGER_H

#include "host/attest/bundle.h"
#include "host/job/admission.h"
#include "host/job/journal.h"
#include "host/ledger/appender.h"

struct job_ledger {
    struct appender *appender; /* NULL: the job is not logged */
    struct journal *journal;   /* borrowed */
    struct statement_ledger announced;
    uint64_t result; /* index of the result's leaf */
};

/* Starts the appender; single-threaded. */
MUST_USE int job_ledger_start(struct job_ledger *ledger, const struct job_options *options, struct error *err);

/*
 * Appends the intent, where there is a ledger. ERROR_USAGE where there is none and the policy requires one;
 * ERROR_UNAVAILABLE where it can't be appended to.
 */
MUST_USE int job_ledger_announce(struct job_ledger *ledger, const struct admission *admission, struct journal *journal,
                                 struct error *err);

/* Appends the signed bundle's leaf, and puts its proof among the bundle's log entries. */
MUST_USE int job_ledger_record(struct job_ledger *ledger, struct bundle *bundle, const struct crypto_public_key *key,
                               struct error *err);

void job_ledger_stop(struct job_ledger *ledger);

#endif
