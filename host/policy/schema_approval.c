/* SPDX-License-Identifier: Apache-2.0 */
/* The libcyaml schema of a policy's `approval:`. */
#include "host/policy/schema.h"

static const cyaml_strval_t tiers[] = {{"low", POLICY_LOW}, {"medium", POLICY_MEDIUM}, {"high", POLICY_HIGH}};

/* libcyaml's macros mix signedness and sizes in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"

static const cyaml_schema_field_t reviewer_fields[] = {
    CYAML_FIELD_STRING_PTR("name", POINTER, struct document_reviewer, name, 1, KEYRING_NAME_SIZE - 1),
    CYAML_FIELD_ENUM("tier", STRICT, struct document_reviewer, tier, tiers, CYAML_ARRAY_LEN(tiers)),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t reviewer = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_reviewer, reviewer_fields)};

const cyaml_schema_field_t schema_approval[] = {
    SCHEMA_NUMBER("required", struct document_approval, required),
    CYAML_FIELD_SEQUENCE("reviewers", POINTER, struct document_approval, reviewers, &reviewer, 1, POLICY_REVIEWERS_MAX),
    CYAML_FIELD_UINT_PTR("days", OPTIONAL_POINTER, struct document_approval, days),
    CYAML_FIELD_END,
};
#pragma GCC diagnostic pop
