/* SPDX-License-Identifier: Apache-2.0 */
/* Where a result's model is said to come from, against what a policy's `provenance` demands (docs/provenance.md). */
#ifndef LAZARET_HOST_APPROVE_ORIGIN_H
#define LAZARET_HOST_APPROVE_ORIGIN_H

#include "host/policy/policy.h"

#include <jansson.h>
#include <stdbool.h>

#define ORIGIN_UNMET_SIZE 384u /* of a reason with its NUL */

/*
 * Whether a checked statement has what the policy demands, by its keys and identities; else why not. The reason may
 * hold text of the statement as it is: make it harmless before it is shown.
 */
bool origin_meets(const json_t *statement, const struct policy *policy, char ret_unmet[ORIGIN_UNMET_SIZE]);

/* Whether the policy has a say in whose keys count. */
bool origin_names_keys(const struct policy *policy);

#endif
