/* SPDX-License-Identifier: Apache-2.0 */
/* A scan's report for people. */
#ifndef LAZARET_HOST_REPORT_TEXT_REPORT_H
#define LAZARET_HOST_REPORT_TEXT_REPORT_H

#include "base/buffer.h"

#include <jansson.h>

/*
 * Appends a line a file, each finding with the lines around it, what was not looked at, and a line that sums up.
 * `files` is docs/scan.md's array; its texts are printable. Errors as buffer_append.
 */
MUST_USE int text_report(const json_t *files, struct buffer *buffer);

#endif
