/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holm's step-down correction for several tests.
 *
 * S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979):
 * the adjusted p of the i-th smallest (from 1) is the maximum over j <= i of min(1, (m-j+1)·p_(j)).
 */
#ifndef LAZARET_HOST_SCORE_HOLM_H
#define LAZARET_HOST_SCORE_HOLM_H

#include "base/cleanup.h"

#include <stddef.h>

/* Adjusts count p-values, in their order; ret_adjusted may be p itself. -ENOMEM; -EINVAL for one outside [0, 1]. */
MUST_USE int holm_adjust(const double *p, size_t count, double *ret_adjusted);

#endif
