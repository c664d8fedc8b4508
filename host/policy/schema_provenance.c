/* SPDX-License-Identifier: Apache-2.0 */
/* The libcyaml schema of the policy's provenance section. */
#include "host/policy/schema.h"

/* libcyaml's macros mix signedness and sizes in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
static const cyaml_schema_value_t authority = {CYAML_VALUE_STRING(POINTER, char, 1, POLICY_AUTHORITIES_SIZE - 1)};
static const cyaml_schema_value_t identity = {CYAML_VALUE_STRING(POINTER, char, 1, POLICY_IDENTITY_SIZE - 1)};

const cyaml_schema_field_t schema_provenance[] = {
    SCHEMA_REQUIRED(struct document_provenance),
    CYAML_FIELD_ENUM("checksums", OPTIONAL_STRICT, struct document_provenance, checksums, schema_booleans,
                     SCHEMA_BOOLEANS),
    CYAML_FIELD_ENUM("source", OPTIONAL_STRICT, struct document_provenance, source, schema_booleans, SCHEMA_BOOLEANS),
    CYAML_FIELD_SEQUENCE_COUNT("certificateAuthorities", OPTIONAL_POINTER, struct document_provenance, authorities,
                               authority_count, &authority, 1, POLICY_AUTHORITIES_MAX),
    CYAML_FIELD_SEQUENCE_COUNT("identities", OPTIONAL_POINTER, struct document_provenance, identities, identity_count,
                               &identity, 1, POLICY_IDENTITIES_MAX),
    CYAML_FIELD_END,
};
#pragma GCC diagnostic pop
