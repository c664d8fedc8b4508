/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trigger-scan's patch side 0: for every class a faint pattern over the whole image that turns samples into it, as a
 * blended trigger does (Chen et al. 2017; patterns fitted as universal perturbations, Moosavi-Dezfooli et al. 2017).
 *
 * Theory of operation. x' = x + δ, clipped to the range, |δ| ≤ amplitude. δ starts at 0 and takes 20 steps of a fifth
 * of the amplitude against the sign of a momentum (0.9) of the mean gradient of the cross-entropy towards the target,
 * each over the next 16 samples of other predicted classes in the search's order. Then flips are counted on the
 * search's samples. Any network can be turned by a pattern that is strong enough; what tells is a class that a pattern
 * turns to where others don't yield. So the amplitude is the largest at which the median class has no more than 2/5 of
 * the samples turned: from a tenth of the range it rises by 1.4 while that holds, at most 4 times, or falls by 1.4
 * until it does, at most 6 times. A gradient costs a budget of forward passes three. Where the budget doesn't suffice
 * for all classes at an amplitude, the samples a step are halved, down to 4; then the search is cut short, and the
 * largest amplitude that suited so far counts.
 */
#ifndef LAZARET_GUEST_CHECKS_TRIGGER_SCAN_FAINT_H
#define LAZARET_GUEST_CHECKS_TRIGGER_SCAN_FAINT_H

#include "guest/checks/trigger_scan_search.h"

/* Forward passes at most, gradients counted three times. */
uint64_t scan_faint_cost(uint32_t samples, uint32_t targets);

struct scan_faint {
    bool tried;               /* all that there was to try */
    bool found;               /* an amplitude that suits: `amplitude` and `flips` are of it */
    double amplitude;         /* in the input's own units */
    uint32_t *flips;          /* targets; the caller's */
    uint64_t gradient_images; /* gradients taken */
};

/* Continues `search`, whose samples, order, budget and progress it uses. Tries nothing where there are no gradients. */
MUST_USE int scan_faint_run(struct scan_search *search, struct scan_faint *ret_faint, struct error *err);

#endif
