/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's libcyaml schema: attacks, and the robustness that all of them leave. */
#include "host/policy/schema.h"

static const cyaml_strval_t goals[POLICY_GOAL_COUNT] = {{"untargeted", POLICY_GOAL_UNTARGETED},
                                                        {"next", POLICY_GOAL_NEXT},
                                                        {"least-likely", POLICY_GOAL_LEAST_LIKELY},
                                                        {"random", POLICY_GOAL_RANDOM}};

/* libcyaml's macros mix signedness and sizes in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"

#define NORM(type) SCHEMA_DECIMAL("norm", type, norm)
#define GOAL       CYAML_FIELD_ENUM("goal", OPTIONAL_STRICT, struct document_attack, goal, goals, POLICY_GOAL_COUNT)
#define ITERATIONS SCHEMA_NUMBER("iterations", struct document_attack, iterations)
#define RESTARTS   CYAML_FIELD_UINT("restarts", OPTIONAL, struct document_attack, restarts)
#define CURVES(schema)                                                                                                 \
    CYAML_FIELD_SEQUENCE_COUNT("curves", POINTER, struct document_attack, curves, curve_count, &(schema), 1,           \
                               POLICY_CURVES_MAX)
#define EPS                                                                                                            \
    CYAML_FIELD_SEQUENCE_COUNT("eps", POINTER, struct document_curve, eps, eps_count, &eps_schema, 1, POLICY_POINTS_MAX)

static const cyaml_schema_value_t eps_schema = {CYAML_VALUE_STRING(POINTER, char, 1, SCHEMA_DECIMAL_MAX)};

static const cyaml_schema_field_t curve_fields[] = {NORM(struct document_curve), EPS, CYAML_FIELD_END};
static const cyaml_schema_value_t curve_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_curve, curve_fields)};

static const cyaml_schema_field_t fgsm_curve_fields[] = {
    NORM(struct document_curve),
    EPS,
    CYAML_FIELD_ENUM("minimal", OPTIONAL_STRICT, struct document_curve, minimal, schema_booleans, SCHEMA_BOOLEANS),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t fgsm_curve_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_curve, fgsm_curve_fields)};

static const cyaml_schema_field_t threshold_fields[] = {
    NORM(struct document_threshold),
    SCHEMA_DECIMAL("eps", struct document_threshold, eps),
    CYAML_FIELD_ENUM("bound", OPTIONAL_STRICT, struct document_threshold, bound, schema_bounds, POLICY_BOUND_COUNT),
    SCHEMA_DECIMAL("robustAccuracy", struct document_threshold, robust_accuracy),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t threshold_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct document_threshold, threshold_fields)};

const cyaml_schema_field_t schema_noise[] = {
    SCHEMA_REQUIRED(struct document_attack),
    ITERATIONS,
    CURVES(curve_schema),
    CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_fgsm[] = {
    SCHEMA_REQUIRED(struct document_attack),
    GOAL,
    RESTARTS,
    CURVES(fgsm_curve_schema),
    CYAML_FIELD_SEQUENCE_COUNT("thresholds", OPTIONAL_POINTER, struct document_attack, thresholds, threshold_count,
                               &threshold_schema, 1, POLICY_THRESHOLDS_MAX),
    CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_pgd[] = {
    SCHEMA_REQUIRED(struct document_attack),
    GOAL,
    ITERATIONS,
    RESTARTS,
    SCHEMA_DECIMAL("step", struct document_attack, step),
    CURVES(curve_schema),
    CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_square[] = {
    SCHEMA_REQUIRED(struct document_attack), ITERATIONS, RESTARTS, CURVES(curve_schema), CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_robustness[] = {
    SCHEMA_REQUIRED(struct document_robustness),
    CYAML_FIELD_SEQUENCE_COUNT("thresholds", POINTER, struct document_robustness, thresholds, threshold_count,
                               &threshold_schema, 1, POLICY_THRESHOLDS_MAX),
    CYAML_FIELD_END,
};
#pragma GCC diagnostic pop
