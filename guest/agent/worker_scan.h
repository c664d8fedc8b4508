/* SPDX-License-Identifier: Apache-2.0 */
/* The scan of one file as messages. */
#ifndef LAZARET_GUEST_AGENT_WORKER_SCAN_H
#define LAZARET_GUEST_AGENT_WORKER_SCAN_H

#include "guest/checks/check.h"
#include "guest/scan/source.h"

#define WORKER_SCAN_VERSION 1u /* of the check `scan`: changes with any verdict */

/* Sends FINDING as they are made, then COVERAGE and SCAN_DONE. Errors are the sink's. */
MUST_USE int worker_scan(struct source *source, const char *name, const struct check_sink *sink, struct error *err);

#endif
