/* SPDX-License-Identifier: Apache-2.0 */
/* The libcyaml schema of keys and revocations: in a policy, or a file of their own. */
#include "host/policy/schema.h"

#include "host/policy/keyring.h"

#define HEX_LENGTH (SHA256_HEX_SIZE - 1)

static const cyaml_strval_t uses[] = {
    {"result", KEYRING_RESULT}, {"model", KEYRING_MODEL},         {"reviewer", KEYRING_REVIEWER},
    {"waiver", KEYRING_WAIVER}, {"timestamp", KEYRING_TIMESTAMP}, {"node", KEYRING_NODE},
};

/* libcyaml's macros mix signedness and sizes in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"

static const cyaml_schema_field_t key_fields[] = {
    CYAML_FIELD_STRING_PTR("name", POINTER, struct document_key, name, 1, KEYRING_NAME_SIZE - 1),
    CYAML_FIELD_FLAGS("use", STRICT, struct document_key, use, uses, CYAML_ARRAY_LEN(uses)),
    CYAML_FIELD_STRING_PTR("publicKey", POINTER, struct document_key, public_key, 1, KEYRING_TEXT_SIZE - 1),
    CYAML_FIELD_STRING_PTR("notBefore", OPTIONAL_POINTER, struct document_key, not_before, 1, TIME_TEXT_SIZE - 1),
    CYAML_FIELD_STRING_PTR("notAfter", OPTIONAL_POINTER, struct document_key, not_after, 1, TIME_TEXT_SIZE - 1),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t revocation_fields[] = {
    CYAML_FIELD_STRING_PTR("fingerprint", POINTER, struct document_revocation, fingerprint, HEX_LENGTH, HEX_LENGTH),
    CYAML_FIELD_STRING_PTR("since", POINTER, struct document_revocation, since, 1, TIME_TEXT_SIZE - 1),
    CYAML_FIELD_STRING_PTR("reason", OPTIONAL_POINTER, struct document_revocation, reason, 1, KEYRING_REASON_SIZE - 1),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t schema_key = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_key, key_fields)};
const cyaml_schema_value_t schema_revocation = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_revocation, revocation_fields)};

static const cyaml_schema_field_t keyring_fields[] = {
    CYAML_FIELD_SEQUENCE("keys", OPTIONAL_POINTER, struct document_keyring, keys, &schema_key, 0, KEYRING_KEYS_MAX),
    CYAML_FIELD_SEQUENCE("revoked", OPTIONAL_POINTER, struct document_keyring, revoked, &schema_revocation, 0,
                         KEYRING_REVOKED_MAX),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t keyring_schema = {CYAML_VALUE_MAPPING(POINTER, struct document_keyring, keyring_fields)};
#pragma GCC diagnostic pop
