/* SPDX-License-Identifier: Apache-2.0 */
/* Where the model is said to come from, against what the signer's own policy demands. */
#include "host/verify/internal.h"

#include "host/approve/origin.h"

void verify_provenance(struct verify *verify, const struct policy *policy)
{
    const json_t *provenance = json_object_get(statement_get_extension(verify->statement), "provenance");
    const char *identity = json_string_value(json_object_get(provenance, "identity"));
    char why[ORIGIN_UNMET_SIZE];

    if (!origin_meets(verify->statement, policy, why))
        verify_add(verify, VERIFY_VERDICT, VERIFY_MISMATCH, "provenance", "policy.yaml: %s", why);
    else if (provenance == NULL)
        return;
    else if (policy->provenance.identity_count > 0 || origin_names_keys(policy))
        verify_add(verify, VERIFY_VERDICT, VERIFY_HOLDS, "provenance",
                   "the model is signed by %s, as policy.yaml has it", identity != NULL ? identity : "one of the keys");
    else
        verify_add(
            verify, VERIFY_VERDICT, VERIFY_NOT_CHECKED, "provenance",
            "the model was signed by %s; whom the station trusted is not in policy.yaml: lazaret provenance checks "
            "model.sig again",
            identity != NULL ? identity : "a key");
}
