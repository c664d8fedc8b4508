/* SPDX-License-Identifier: Apache-2.0 */
/* A scan's messages as records and back, for record.c alone. */
#ifndef LAZARET_HOST_COLLECT_RECORD_SCAN_H
#define LAZARET_HOST_COLLECT_RECORD_SCAN_H

#include "host/collect/record.h"

/* READ, FINDING, COVERAGE, SCAN_DONE. -ENOMEM. */
MUST_USE int record_from_scan(const struct message *message, struct buffer *storage, struct record *record);
/* -EBADMSG for what the wire would not have let through. */
MUST_USE int record_to_scan(const struct record *record, struct message *message);

#endif
