/* SPDX-License-Identifier: Apache-2.0 */
/* The arrays that a report draws: clusters.npz and trigger.npz (host/job/publish_figures.h). */
#ifndef LAZARET_HOST_CLI_REPORT_ARRAYS_H
#define LAZARET_HOST_CLI_REPORT_ARRAYS_H

#include "host/cli/report_sources.h"

#define REPORT_ARRAYS_MAX ((size_t)64 << 20) /* bytes of one file */

/*
 * Reads those that a page draws. The bytes are those that a verified statement names, so made by Lazaret itself; sizes
 * and values are checked all the same. ERROR_BAD_INPUT names the array.
 */
MUST_USE int report_arrays_read_clusters(const struct buffer *npz, struct report_sources *sources, struct error *err);
MUST_USE int report_arrays_read_trigger(const struct buffer *npz, struct report_sources *sources, struct error *err);
void report_arrays_free(struct report_sources *sources);

#endif
