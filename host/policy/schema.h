/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's document as libcyaml builds it; what is absent is NULL, or has the default set before. */
#ifndef LAZARET_HOST_POLICY_SCHEMA_H
#define LAZARET_HOST_POLICY_SCHEMA_H

#include "host/policy/policy.h"

#include <cyaml/cyaml.h>

struct document_file_scan {
    bool required;
};

struct document_clean_accuracy {
    bool required;
    enum policy_bound bound;
    char *accuracy;
};

/* --- attacks --- */

struct document_curve {
    char *norm;
    char **eps;
    unsigned eps_count;
    bool minimal;
};

struct document_threshold {
    char *norm;
    char *eps;
    enum policy_bound bound;
    char *robust_accuracy;
};

struct document_attack {
    bool required;
    enum policy_goal goal;
    unsigned iterations, restarts;
    char *step;
    struct document_curve *curves;
    unsigned curve_count;
    struct document_threshold *thresholds;
    unsigned threshold_count;
};

struct document_robustness {
    bool required;
    struct document_threshold *thresholds;
    unsigned threshold_count;
};

/* --- backdoors and drift --- */

struct document_clustering {
    bool required;
    char *layer;
    enum policy_reduction reduction;
    unsigned components, starts, minimum_class_size;
    char *alpha, *minimum_effect, *maximum_test_share;
};

struct document_spectral {
    bool required;
    char *layer;
    char *poisoned_share;
    unsigned minimum_class_size;
};

struct document_scan {
    bool required;
    unsigned kept, budget;
    unsigned *patches;
    unsigned patch_count;
    unsigned *stride;
    char *minimum_success, *anomaly;
};

struct document_cleanse {
    bool required;
    unsigned kept, iterations, batch;
    char *rate, *cost, *success, *anomaly;
};

struct document_strip {
    bool required;
    unsigned kept, overlays;
    char *blend, *false_alarms;
};

struct document_drift {
    bool required;
    bool exact;
    unsigned minimum_elements;
    char *alpha, *minimum_effect;
};

/* --- the whole --- */

struct document_checks {
    struct document_file_scan *file_scan;
    struct document_clean_accuracy *clean_accuracy;
    struct document_attack *noise, *fgsm, *pgd, *square;
    struct document_robustness *robustness;
    struct document_clustering *activation_clustering;
    struct document_spectral *spectral_signature;
    struct document_scan *trigger_scan;
    struct document_cleanse *neural_cleanse;
    struct document_strip *strip;
    struct document_drift *weight_drift;
};

struct document_limits {
    unsigned *deadline_seconds, *memory_mib, *model_mib;
    bool cgroup;
};

struct document_forensics {
    unsigned scratch_mib;
};

struct document_report {
    bool samples;
};

struct document_ledger {
    bool required;
};

/* Of a policy, or of a file of its own. */
struct document_key {
    char *name;
    unsigned use;
    char *public_key, *not_before, *not_after;
};

struct document_revocation {
    char *fingerprint, *since, *reason;
};

struct document_keyring {
    struct document_key *keys;
    unsigned keys_count;
    struct document_revocation *revoked;
    unsigned revoked_count;
};

struct document_provenance {
    bool required, checksums, source;
    char **authorities;
    unsigned authority_count;
    char **identities;
    unsigned identity_count;
};

struct document_reviewer {
    char *name;
    enum policy_tier tier;
};

struct document_approval {
    unsigned required;
    struct document_reviewer *reviewers;
    unsigned reviewers_count;
    unsigned *days;
};

struct document {
    enum policy_tier tier;
    enum policy_arithmetic arithmetic;
    unsigned isolation, acceleration;
    bool labels;
    unsigned *minimum_samples, *repeat, *recheck;
    struct document_limits *limits;
    struct document_forensics *forensics;
    struct document_report *report;
    struct document_ledger *ledger;
    struct document_provenance *provenance;
    struct document_keyring keyring;
    struct document_approval *approval;
    struct document_checks checks;
};

extern const cyaml_schema_value_t policy_schema;
extern const cyaml_schema_value_t keyring_schema; /* of struct document_keyring */

/* Its parts, by the file that holds them. */
extern const cyaml_schema_field_t schema_noise[], schema_fgsm[], schema_pgd[], schema_square[], schema_robustness[];
extern const cyaml_schema_field_t schema_provenance[];
extern const cyaml_schema_field_t schema_clustering[], schema_spectral[], schema_scan[], schema_cleanse[],
    schema_strip[], schema_drift[];
extern const cyaml_schema_field_t schema_approval[];
extern const cyaml_schema_value_t schema_key, schema_revocation;

/* libcyaml's own booleans take any word for true. */
#define SCHEMA_BOOLEANS 2
extern const cyaml_strval_t schema_booleans[SCHEMA_BOOLEANS];
extern const cyaml_strval_t schema_bounds[POLICY_BOUND_COUNT];

#define SCHEMA_DECIMAL_MAX (POLICY_DECIMAL_SIZE - 1)

#define STRICT           CYAML_FLAG_STRICT
#define OPTIONAL         CYAML_FLAG_OPTIONAL
#define OPTIONAL_STRICT  (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define POINTER          CYAML_FLAG_POINTER
#define OPTIONAL_POINTER (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

/* The fields that occur over and over. */
#define SCHEMA_REQUIRED(type)             CYAML_FIELD_ENUM("required", STRICT, type, required, schema_booleans, SCHEMA_BOOLEANS)
#define SCHEMA_DECIMAL(key, type, member) CYAML_FIELD_STRING_PTR(key, POINTER, type, member, 1, SCHEMA_DECIMAL_MAX)
#define SCHEMA_NUMBER(key, type, member)  CYAML_FIELD_UINT(key, CYAML_FLAG_DEFAULT, type, member)
#define SCHEMA_LAYER(type)                CYAML_FIELD_STRING_PTR("layer", OPTIONAL_POINTER, type, layer, 1, POLICY_LAYER_SIZE - 1)

#endif
