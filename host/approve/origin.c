/* SPDX-License-Identifier: Apache-2.0 */
/* Where a result's model is said to come from, against what a policy demands. */
#include "host/approve/origin.h"

#include "base/time_text.h"
#include "host/attest/statement.h"
#include "host/attest/statement_provenance.h"

#include <stdio.h>
#include <string.h>

/* When the evaluation ended: the signer's word. */
static int64_t finished_at(const json_t *statement)
{
    const json_t *extension = statement_get_extension(statement);
    int64_t when = TIME_NEVER;

    (void)!time_text_parse(json_string_value(json_object_get(extension, "finishedAt")), &when);
    return when;
}

static bool says(const json_t *statement, const char *word)
{
    const json_t *list = json_object_get(statement_get_extension(statement), "hostVerified");

    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), word) == 0)
            return true;
    return false;
}

bool origin_names_keys(const struct policy *policy)
{
    for (unsigned i = 0; i < policy->keyring.count; i++)
        if ((policy->keyring.keys[i].use & KEYRING_MODEL) != 0)
            return true;
    return false;
}

static bool judge_key(const json_t *statement, const struct policy *policy, char ret_unmet[ORIGIN_UNMET_SIZE])
{
    uint8_t sha256[SHA256_SIZE] = {0};
    const struct keyring_key *key;
    enum keyring_standing standing;

    (void)!statement_find_resource(json_object_get(json_object_get(statement, "predicate"), "configuration"),
                                   STATEMENT_TRUSTED_KEY, sha256);
    key = keyring_find(&policy->keyring, sha256, KEYRING_MODEL);
    if (key == NULL && (origin_names_keys(policy) || policy->provenance.identity_count > 0)) {
        (void)snprintf(ret_unmet, ORIGIN_UNMET_SIZE, "the model is signed with a key that is none of its keys");
        return false;
    }
    standing = key != NULL                                                 ? keyring_judge(key, finished_at(statement))
               : keyring_find_revocation(&policy->keyring, sha256) != NULL ? KEYRING_REVOKED
                                                                           : KEYRING_VALID;
    if (standing == KEYRING_VALID)
        return true;
    (void)snprintf(ret_unmet, ORIGIN_UNMET_SIZE, "the key %s, with which the model is signed, is %s",
                   key != NULL ? key->name : "in its list", keyring_standing_names[standing]);
    return false;
}

static bool judge_identity(const struct policy *policy, const char *identity, char ret_unmet[ORIGIN_UNMET_SIZE])
{
    for (unsigned i = 0; i < policy->provenance.identity_count; i++)
        if (strcmp(policy->provenance.identities[i], identity) == 0)
            return true;
    if (policy->provenance.identity_count == 0 && !origin_names_keys(policy))
        return true;
    (void)snprintf(ret_unmet, ORIGIN_UNMET_SIZE, "%s, who signed the model, is none of its identities", identity);
    return false;
}

static bool unmet(char ret_unmet[ORIGIN_UNMET_SIZE], const char *what)
{
    (void)snprintf(ret_unmet, ORIGIN_UNMET_SIZE, "it requires %s, and the result has none", what);
    return false;
}

bool origin_meets(const json_t *statement, const struct policy *policy, char ret_unmet[ORIGIN_UNMET_SIZE])
{
    const json_t *extension = statement_get_extension(statement);
    const json_t *provenance = json_object_get(extension, "provenance");
    const char *identity = json_string_value(json_object_get(provenance, "identity"));

    if (policy->provenance.required && provenance == NULL)
        return unmet(ret_unmet, "the model's own signature");
    if (policy->provenance.checksums && !says(statement, STATEMENT_WORD_CHECKSUMS))
        return unmet(ret_unmet, "a list of checksums");
    if (policy->provenance.source && json_object_get(extension, "source") == NULL)
        return unmet(ret_unmet, "the model's source");
    if (provenance == NULL)
        return true;
    return identity != NULL ? judge_identity(policy, identity, ret_unmet) : judge_key(statement, policy, ret_unmet);
}
