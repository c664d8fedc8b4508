/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of one file's scan. All are counts, never times, so that a verdict is the same on every machine.
 *
 * What exceeds one is a gap (report.h), never an error: the findings made before stay. Those of the result are in
 * scan/terms.h.
 */
#ifndef LAZARET_GUEST_SCAN_LIMITS_H
#define LAZARET_GUEST_SCAN_LIMITS_H

#include "scan/terms.h"

#include <stdint.h>

#define SCAN_DEPTH_MAX     16u                  /* containers within containers */
#define SCAN_MEMBERS_MAX   1048576u             /* of all containers of a file together */
#define SCAN_DECODED_MIN   (UINT64_C(1) << 30)  /* bytes that decompression may yield, of all streams together ... */
#define SCAN_DECODED_RATIO 8u                   /* ... or the file's size times this, where that is more */
#define SCAN_MEMORY_MAX    (UINT64_C(48) << 20) /* bytes that scanners hold together, besides the file */
#define SCAN_VIEW_MAX      65536u               /* contiguous bytes that a source gives at once */

#endif
