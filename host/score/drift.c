/* SPDX-License-Identifier: Apache-2.0 */
/* Which tensors have drifted. */
#include "host/score/drift.h"

#include "host/score/holm.h"

#include <errno.h>

int drift_decide(const struct drift_rule *rule, struct drift_tensor *tensors, size_t count)
{
    CLEANUP_FREE double *p = calloc(count > 0 ? count : 1, sizeof *p);
    size_t compared = 0;
    int r;

    if (p == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        if (tensors[i].compared)
            p[compared++] = tensors[i].p;
    r = holm_adjust(p, compared, p);
    if (r < 0)
        return r;
    compared = 0;
    for (size_t i = 0; i < count; i++) {
        if (!tensors[i].compared)
            continue;
        tensors[i].p_holm = p[compared++];
        tensors[i].drifted = tensors[i].p_holm <= rule->alpha && tensors[i].d >= rule->minimum_effect;
    }
    return 0;
}
