/* SPDX-License-Identifier: Apache-2.0 */
/* The figures of one point of an attack's curve, and names. */
#include "host/score/attack.h"

#include "host/score/accuracy.h"

#include <stdbool.h>

const char *attack_goal_name(enum plan_goal goal)
{
    static const char *const names[PLAN_GOAL_COUNT] = {"untargeted", "next", "least-likely", "random"};

    return goal < PLAN_GOAL_COUNT ? names[goal] : "unknown";
}

int attack_score(const int32_t *labels, const int32_t *clean, const int32_t *attacked, size_t count, uint32_t classes,
                 struct attack_point *ret_point, struct error *err)
{
    struct attack_point point = {.total = count};
    int r = accuracy_check_labels(labels, count, classes, err);

    if (r == 0)
        r = accuracy_check_predictions(clean, count, classes, err);
    if (r == 0)
        r = accuracy_check_predictions(attacked, count, classes, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        bool right_clean = clean[i] == labels[i], right_attacked = attacked[i] == labels[i];

        point.correct += right_attacked;
        point.clean_correct += right_clean;
        point.robust_correct += right_clean && right_attacked;
    }
    *ret_point = point;
    return 0;
}
