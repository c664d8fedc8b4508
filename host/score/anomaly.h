/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which target class stands out from the others: median and MAD over the targets.
 *
 * The null of a search for triggers is what it finds for classes that have none. With most classes clean, the median
 * of a figure over all targets and the median of the absolute deviations from it (MAD) describe them, whatever the few
 * others do; 1.4826·MAD estimates a normal distribution's standard deviation. A target's anomaly index is its distance
 * from the median in these units (Wang et al. 2019, "Neural Cleanse", IEEE S&P, section IV-C).
 *
 * Below ANOMALY_TARGETS_MIN targets there is no null: with two, the index would be 0.67 whatever they are. Where the
 * MAD is 0, more than half of the targets agree to the last bit, and any other is infinitely far from them.
 */
#ifndef LAZARET_HOST_SCORE_ANOMALY_H
#define LAZARET_HOST_SCORE_ANOMALY_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

#define ANOMALY_TARGETS_MIN 3u
#define ANOMALY_SCALE       1.4826

/* The policy's: what a target's trigger must do, and how far it must stand out. */
struct anomaly_rule {
    double minimum_success; /* share of the eligible inputs that turn */
    double anomaly;         /* index, at least */
};

struct anomaly_null {
    bool known; /* false: too few targets */
    double median, mad;
};

/* The median of the middle two where their number is even. -ENOMEM. */
MUST_USE int anomaly_null_of(const double *values, size_t count, struct anomaly_null *ret_null);

/* |value − median| / (1.4826·MAD); INFINITY where the MAD is 0 and the value another; 0 without a null. */
double anomaly_index(const struct anomaly_null *null, double value);

#endif
