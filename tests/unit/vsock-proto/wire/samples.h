/* SPDX-License-Identifier: Apache-2.0 */
/* One valid example of each message, and a small plan that they fit. */
#ifndef LAZARET_TESTS_WIRE_SAMPLES_H
#define LAZARET_TESTS_WIRE_SAMPLES_H

#include "wire/message.h"

#define SAMPLES_COUNT     23u
#define SAMPLES_GUEST_END (SAMPLES_COUNT - 3u) /* the last are the host's */

/* Two-by-two inputs, five test samples in windows of two, four labelled training samples, all three checks. */
const struct plan *sample_plan(void);

/* The messages in the order in which enum message_type had them, without PLAN and CHUNK; those of version 3 come last:
 * READ, FINDING, COVERAGE, SCAN_DONE, then version 4's POINTS, then the host's IMPORT, SCAN, UNREADABLE. */
const struct message *sample_messages(void);

#endif
