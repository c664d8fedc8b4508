/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what root can do beyond the job's needs. */
#ifndef LAZARET_HOST_CONFINE_CAPABILITIES_H
#define LAZARET_HOST_CONFINE_CAPABILITIES_H

#include "base/error.h"

#include <stdint.h>

#define CAPABILITY(number) (UINT64_C(1) << (number))

/*
 * Keeps only the capabilities of `mask` (CAPABILITY(CAP_...)), for this process and, by the bounding
 * set, for whatever it starts. Needs CAP_SETPCAP.
 */
MUST_USE int capabilities_keep(uint64_t mask, struct error *err);

#endif
