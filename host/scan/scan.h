/* SPDX-License-Identifier: Apache-2.0 */
/* A scan of files and directories: the walk, the VMs that look at the files, and the entries of the report. */
#ifndef LAZARET_HOST_SCAN_SCAN_H
#define LAZARET_HOST_SCAN_SCAN_H

#include "host/scan/session.h"

#define SCAN_RESTARTS_MAX 8u /* guests that may die on a file; after that, what is left is unscanned */

/* Entries of all files together; beyond, each file keeps its first findings only (SCAN_REPORT_FEW) and says how many
 * it has. */
#define SCAN_REPORT_MAX ((size_t)256 << 20)
#define SCAN_REPORT_FEW 8u

/* Called before a file is looked at. */
struct scan_progress {
    void (*file)(void *argument, size_t done, size_t count, const char *path);
    void *argument;
};

/*
 * Looks at every entry of the walk. *ret_files is an array with an entry of docs/scan.md's form for each, in the walk's
 * order. Errors are of what is wrong with us or the machine; whatever is wrong with a file is in its entry.
 */
MUST_USE int scan_files(const struct session_machine *machine, const struct walk *walk,
                        const struct scan_progress *progress, json_t **ret_files, struct error *err);

/* The worst verdict of the files, in the order dangerous, unscanned, unknown, allowed. */
enum scan_verdict scan_worst(const json_t *files);

#endif
