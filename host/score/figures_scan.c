/* SPDX-License-Identifier: Apache-2.0 */
/* The scan of the model as JSON. */
#include "host/score/figures.h"

int figures_add_scan(const struct evaluation_input *input, const struct evaluation_check *check, json_t *check_json,
                     struct error *err)
{
    int failures = 0;

    (void)input;
    figures_set(check_json, "files", json_pack("[O]", check->scan), &failures);
    return failures > 0 ? figures_no_memory(err) : 0;
}
