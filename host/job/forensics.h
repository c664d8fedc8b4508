/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forensics.json: what a job that did not pass left behind for those who look into it. docs/forensics.md has the
 * fields.
 *
 * {"format":1, "outcome", "reasons":[TEXT],
 *  "worker":{"failure","check"?,"signal"?,"signalName"?,"systemCall"?,"systemCallName"?,"address","text"}?,
 *  "vm":{"exit","detail","console":{"bytes","dropped","tail":[LINE]}}?,
 *  "findings":[{"file","rule","severity","offset","member"?,"detail","effect"}], "findingsOmitted"?,
 *  "scratch":{…}?}
 *
 * All of it but `outcome`, `reasons`, `exit` and the console's counts is the guest's word, or printed by it.
 */
#ifndef LAZARET_HOST_JOB_FORENSICS_H
#define LAZARET_HOST_JOB_FORENSICS_H

#include "host/job/assess.h"
#include "host/job/conversation.h"

#include <jansson.h>

#define FORENSICS_SIZE_MAX     ((size_t)8 << 20)
#define FORENSICS_FINDINGS_MAX 256u
#define FORENSICS_TAIL_MAX     (16u * 1024u) /* bytes of the console's end */

struct forensics {
    const struct assessment *assessment;
    const struct conversation_failure *failure; /* what the guest said of its own end */
    const struct plan *plan;
    const struct vm_record *record; /* NULL: nothing was booted */
    int console_fd;
    const json_t *scratch; /* what was on the scratch disk; NULL: there was none */
};

/* Whether an outcome calls for the report: all but passed and needs-review. */
bool forensics_wanted(enum outcome outcome);

/* A new reference, or NULL without memory. */
json_t *forensics_document(const struct forensics *forensics);

#endif
