/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scan's report as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format").
 *
 * A finding is a result, with its byte in the file as a region (3.30) where it lies in the file itself, and with the
 * member as a logical location (3.33) where it lies in one. A gap is a notification of the tool's (3.58): what was not
 * looked at is never silent.
 */
#ifndef LAZARET_HOST_REPORT_SARIF_H
#define LAZARET_HOST_REPORT_SARIF_H

#include "base/error.h"

#include <jansson.h>

/*
 * The log of one run over `files`, docs/scan.md's array. `paths` has the bytes of each file's path as the system spells
 * them, for URIs; NULL: the names are taken. A new reference, or NULL without memory.
 */
json_t *sarif_document(const json_t *files, const char *const *paths);

#endif
