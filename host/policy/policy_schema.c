/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's libcyaml schema: docs/policies.md in C. Attacks and trojan checks have files of their own. */
#include "host/policy/schema.h"

static const cyaml_strval_t tiers[] = {{"low", POLICY_LOW}, {"medium", POLICY_MEDIUM}, {"high", POLICY_HIGH}};
static const cyaml_strval_t arithmetics[] = {{"mul-add", POLICY_MUL_ADD}, {"fma", POLICY_FMA}};
static const cyaml_strval_t isolations[] = {{"microvm", POLICY_ALLOW_MICROVM}, {"process", POLICY_ALLOW_PROCESS}};
static const cyaml_strval_t accelerations[] = {{"kvm", POLICY_ALLOW_KVM}, {"tcg", POLICY_ALLOW_TCG}};
static const cyaml_strval_t report_inputs[] = {{"none", 0}, {"samples", 1}};

const cyaml_strval_t schema_booleans[SCHEMA_BOOLEANS] = {{"false", 0}, {"true", 1}};
const cyaml_strval_t schema_bounds[POLICY_BOUND_COUNT] = {{"lower", POLICY_LOWER}, {"point", POLICY_POINT}};

/* libcyaml's macros mix signedness and sizes in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
static const cyaml_schema_field_t file_scan_fields[] = {
    SCHEMA_REQUIRED(struct document_file_scan),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t clean_accuracy_fields[] = {
    SCHEMA_REQUIRED(struct document_clean_accuracy),
    CYAML_FIELD_ENUM("bound", OPTIONAL_STRICT, struct document_clean_accuracy, bound, schema_bounds,
                     POLICY_BOUND_COUNT),
    SCHEMA_DECIMAL("accuracy", struct document_clean_accuracy, accuracy),
    CYAML_FIELD_END,
};

#define CHECK(key, member, fields)                                                                                     \
    CYAML_FIELD_MAPPING_PTR(key, OPTIONAL_POINTER, struct document_checks, member, fields)

static const cyaml_schema_field_t check_fields[] = {
    CHECK("scan", file_scan, file_scan_fields),
    CHECK("clean-accuracy", clean_accuracy, clean_accuracy_fields),
    CHECK("noise", noise, schema_noise),
    CHECK("fgsm", fgsm, schema_fgsm),
    CHECK("pgd", pgd, schema_pgd),
    CHECK("square", square, schema_square),
    CHECK("robustness", robustness, schema_robustness),
    CHECK("activation-clustering", activation_clustering, schema_clustering),
    CHECK("spectral-signature", spectral_signature, schema_spectral),
    CHECK("trigger-scan", trigger_scan, schema_scan),
    CHECK("neural-cleanse", neural_cleanse, schema_cleanse),
    CHECK("strip", strip, schema_strip),
    CHECK("weight-drift", weight_drift, schema_drift),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limit_fields[] = {
    CYAML_FIELD_UINT_PTR("deadlineSeconds", OPTIONAL_POINTER, struct document_limits, deadline_seconds),
    CYAML_FIELD_UINT_PTR("memoryMiB", OPTIONAL_POINTER, struct document_limits, memory_mib),
    CYAML_FIELD_UINT_PTR("modelMiB", OPTIONAL_POINTER, struct document_limits, model_mib),
    CYAML_FIELD_BOOL("cgroup", CYAML_FLAG_OPTIONAL, struct document_limits, cgroup),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t forensics_fields[] = {
    SCHEMA_NUMBER("scratchMiB", struct document_forensics, scratch_mib),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t report_fields[] = {
    CYAML_FIELD_ENUM("inputs", STRICT, struct document_report, samples, report_inputs, 2),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t ledger_fields[] = {
    SCHEMA_REQUIRED(struct document_ledger),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t document_fields[] = {
    CYAML_FIELD_ENUM("tier", STRICT, struct document, tier, tiers, CYAML_ARRAY_LEN(tiers)),
    CYAML_FIELD_ENUM("arithmetic", OPTIONAL_STRICT, struct document, arithmetic, arithmetics,
                     CYAML_ARRAY_LEN(arithmetics)),
    CYAML_FIELD_FLAGS("isolation", OPTIONAL_STRICT, struct document, isolation, isolations,
                      CYAML_ARRAY_LEN(isolations)),
    CYAML_FIELD_FLAGS("acceleration", OPTIONAL_STRICT, struct document, acceleration, accelerations,
                      CYAML_ARRAY_LEN(accelerations)),
    CYAML_FIELD_ENUM("labels", OPTIONAL_STRICT, struct document, labels, schema_booleans, SCHEMA_BOOLEANS),
    CYAML_FIELD_UINT_PTR("minimumSamples", OPTIONAL_POINTER, struct document, minimum_samples),
    CYAML_FIELD_UINT_PTR("repeat", OPTIONAL_POINTER, struct document, repeat),
    CYAML_FIELD_UINT_PTR("recheck", OPTIONAL_POINTER, struct document, recheck),
    CYAML_FIELD_MAPPING_PTR("limits", OPTIONAL_POINTER, struct document, limits, limit_fields),
    CYAML_FIELD_MAPPING_PTR("forensics", OPTIONAL_POINTER, struct document, forensics, forensics_fields),
    CYAML_FIELD_MAPPING_PTR("report", OPTIONAL_POINTER, struct document, report, report_fields),
    CYAML_FIELD_MAPPING_PTR("ledger", OPTIONAL_POINTER, struct document, ledger, ledger_fields),
    CYAML_FIELD_MAPPING_PTR("provenance", OPTIONAL_POINTER, struct document, provenance, schema_provenance),
    CYAML_FIELD_SEQUENCE("keys", OPTIONAL_POINTER, struct document, keyring.keys, &schema_key, 0, KEYRING_KEYS_MAX),
    CYAML_FIELD_SEQUENCE("revoked", OPTIONAL_POINTER, struct document, keyring.revoked, &schema_revocation, 0,
                         KEYRING_REVOKED_MAX),
    CYAML_FIELD_MAPPING_PTR("approval", OPTIONAL_POINTER, struct document, approval, schema_approval),
    CYAML_FIELD_MAPPING("checks", CYAML_FLAG_DEFAULT, struct document, checks, check_fields),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t policy_schema = {CYAML_VALUE_MAPPING(POINTER, struct document, document_fields)};
#pragma GCC diagnostic pop
