/* SPDX-License-Identifier: Apache-2.0 */
/* One valid example of each message, and a small plan that they fit. */
#ifndef LAZARET_TESTS_WIRE_SAMPLES_H
#define LAZARET_TESTS_WIRE_SAMPLES_H

#include "wire/message.h"

#define SAMPLES_COUNT 15u

/* Two-by-two inputs, five test samples in windows of two, four labelled training samples, all three checks. */
const struct plan *sample_plan(void);

/* The messages in the order of enum message_type, without PLAN and CHUNK. */
const struct message *sample_messages(void);

#endif
