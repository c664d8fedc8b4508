/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's libcyaml schema: docs/policies.md in C. */
#include "host/policy/schema.h"

#define DECIMAL_MAX (POLICY_EPS_SIZE - 1)

static const cyaml_strval_t tiers[] = {{"low", POLICY_LOW}, {"medium", POLICY_MEDIUM}, {"high", POLICY_HIGH}};
static const cyaml_strval_t arithmetics[] = {{"mul-add", POLICY_MUL_ADD}, {"fma", POLICY_FMA}};
static const cyaml_strval_t isolations[] = {{"microvm", POLICY_ALLOW_MICROVM}, {"process", POLICY_ALLOW_PROCESS}};
static const cyaml_strval_t accelerations[] = {{"kvm", POLICY_ALLOW_KVM}, {"tcg", POLICY_ALLOW_TCG}};
static const cyaml_strval_t norms[] = {{"inf", POLICY_NORM_INF}, {"2", POLICY_NORM_2}, {"1", POLICY_NORM_1}};
static const cyaml_strval_t bounds[] = {{"lower", POLICY_LOWER}, {"point", POLICY_POINT}};
/* libcyaml's own booleans take any word for true. */
static const cyaml_strval_t booleans[] = {{"false", 0}, {"true", 1}};
static const cyaml_strval_t report_inputs[] = {{"none", 0}, {"samples", 1}};

#define STRICT           CYAML_FLAG_STRICT
#define OPTIONAL         CYAML_FLAG_OPTIONAL
#define OPTIONAL_STRICT  (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define POINTER          CYAML_FLAG_POINTER
#define OPTIONAL_POINTER (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)

/* libcyaml's macros mix signedness and sizes in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
static const cyaml_schema_value_t eps_schema = {CYAML_VALUE_STRING(POINTER, char, 1, DECIMAL_MAX)};

static const cyaml_schema_field_t curve_fields[] = {
    CYAML_FIELD_ENUM("norm", STRICT, struct document_curve, norm, norms, CYAML_ARRAY_LEN(norms)),
    CYAML_FIELD_SEQUENCE_COUNT("eps", POINTER, struct document_curve, eps, eps_count, &eps_schema, 1,
                               POLICY_POINTS_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t curve_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_curve, curve_fields)};

static const cyaml_schema_field_t threshold_fields[] = {
    CYAML_FIELD_ENUM("norm", STRICT, struct document_threshold, norm, norms, CYAML_ARRAY_LEN(norms)),
    CYAML_FIELD_STRING_PTR("eps", POINTER, struct document_threshold, eps, 1, DECIMAL_MAX),
    CYAML_FIELD_ENUM("bound", OPTIONAL_STRICT, struct document_threshold, bound, bounds, CYAML_ARRAY_LEN(bounds)),
    CYAML_FIELD_STRING_PTR("robustAccuracy", POINTER, struct document_threshold, robust_accuracy, 1, DECIMAL_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t threshold_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_threshold, threshold_fields)};

static const cyaml_schema_field_t clean_accuracy_fields[] = {
    CYAML_FIELD_ENUM("required", STRICT, struct document_clean_accuracy, required, booleans, 2),
    CYAML_FIELD_ENUM("bound", OPTIONAL_STRICT, struct document_clean_accuracy, bound, bounds, CYAML_ARRAY_LEN(bounds)),
    CYAML_FIELD_STRING_PTR("accuracy", POINTER, struct document_clean_accuracy, accuracy, 1, DECIMAL_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t fgsm_fields[] = {
    CYAML_FIELD_ENUM("required", STRICT, struct document_fgsm, required, booleans, 2),
    CYAML_FIELD_SEQUENCE_COUNT("curves", POINTER, struct document_fgsm, curves, curve_count, &curve_schema, 1,
                               POLICY_NORM_COUNT),
    CYAML_FIELD_SEQUENCE_COUNT("thresholds", POINTER, struct document_fgsm, thresholds, threshold_count,
                               &threshold_schema, 1, POLICY_THRESHOLDS_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t clustering_fields[] = {
    CYAML_FIELD_ENUM("required", STRICT, struct document_clustering, required, booleans, 2),
    CYAML_FIELD_STRING_PTR("layer", OPTIONAL_POINTER, struct document_clustering, layer, 1, POLICY_LAYER_SIZE - 1),
    CYAML_FIELD_UINT("components", CYAML_FLAG_DEFAULT, struct document_clustering, components),
    CYAML_FIELD_UINT("starts", CYAML_FLAG_DEFAULT, struct document_clustering, starts),
    CYAML_FIELD_UINT("minimumClassSize", CYAML_FLAG_DEFAULT, struct document_clustering, minimum_class_size),
    CYAML_FIELD_STRING_PTR("alpha", POINTER, struct document_clustering, alpha, 1, DECIMAL_MAX),
    CYAML_FIELD_STRING_PTR("minimumEffect", POINTER, struct document_clustering, minimum_effect, 1, DECIMAL_MAX),
    CYAML_FIELD_STRING_PTR("maximumTestShare", POINTER, struct document_clustering, maximum_test_share, 1, DECIMAL_MAX),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t check_fields[] = {
    CYAML_FIELD_MAPPING_PTR("clean-accuracy", OPTIONAL_POINTER, struct document_checks, clean_accuracy,
                            clean_accuracy_fields),
    CYAML_FIELD_MAPPING_PTR("fgsm", OPTIONAL_POINTER, struct document_checks, fgsm, fgsm_fields),
    CYAML_FIELD_MAPPING_PTR("activation-clustering", OPTIONAL_POINTER, struct document_checks, activation_clustering,
                            clustering_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limit_fields[] = {
    CYAML_FIELD_UINT_PTR("deadlineSeconds", OPTIONAL_POINTER, struct document_limits, deadline_seconds),
    CYAML_FIELD_UINT_PTR("memoryMiB", OPTIONAL_POINTER, struct document_limits, memory_mib),
    CYAML_FIELD_UINT_PTR("modelMiB", OPTIONAL_POINTER, struct document_limits, model_mib),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t report_fields[] = {
    CYAML_FIELD_ENUM("inputs", STRICT, struct document_report, samples, report_inputs, 2),
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
    CYAML_FIELD_UINT_PTR("minimumSamples", OPTIONAL_POINTER, struct document, minimum_samples),
    CYAML_FIELD_MAPPING_PTR("limits", OPTIONAL_POINTER, struct document, limits, limit_fields),
    CYAML_FIELD_MAPPING_PTR("report", OPTIONAL_POINTER, struct document, report, report_fields),
    CYAML_FIELD_MAPPING("checks", CYAML_FLAG_DEFAULT, struct document, checks, check_fields),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t policy_schema = {CYAML_VALUE_MAPPING(POINTER, struct document, document_fields)};
#pragma GCC diagnostic pop
