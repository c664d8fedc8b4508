/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's libcyaml schema: checks for backdoors, and the drift of weights. */
#include "host/policy/schema.h"

static const cyaml_strval_t reductions[POLICY_REDUCTION_COUNT] = {{"pca", POLICY_PCA}, {"fast-ica", POLICY_FAST_ICA}};

/* libcyaml's macros mix signedness and sizes in ways that are theirs to keep. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"

const cyaml_schema_field_t schema_clustering[] = {
    SCHEMA_REQUIRED(struct document_clustering),
    SCHEMA_LAYER(struct document_clustering),
    CYAML_FIELD_ENUM("reduction", OPTIONAL_STRICT, struct document_clustering, reduction, reductions,
                     POLICY_REDUCTION_COUNT),
    SCHEMA_NUMBER("components", struct document_clustering, components),
    SCHEMA_NUMBER("starts", struct document_clustering, starts),
    SCHEMA_NUMBER("minimumClassSize", struct document_clustering, minimum_class_size),
    SCHEMA_DECIMAL("alpha", struct document_clustering, alpha),
    SCHEMA_DECIMAL("minimumEffect", struct document_clustering, minimum_effect),
    SCHEMA_DECIMAL("maximumTestShare", struct document_clustering, maximum_test_share),
    CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_spectral[] = {
    SCHEMA_REQUIRED(struct document_spectral),
    SCHEMA_LAYER(struct document_spectral),
    SCHEMA_DECIMAL("poisonedShare", struct document_spectral, poisoned_share),
    SCHEMA_NUMBER("minimumClassSize", struct document_spectral, minimum_class_size),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t patch_schema = {CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, unsigned)};

const cyaml_schema_field_t schema_scan[] = {
    SCHEMA_REQUIRED(struct document_scan),
    SCHEMA_NUMBER("kept", struct document_scan, kept),
    CYAML_FIELD_UINT("budget", OPTIONAL, struct document_scan, budget),
    CYAML_FIELD_SEQUENCE_COUNT("patches", POINTER, struct document_scan, patches, patch_count, &patch_schema, 1,
                               POLICY_PATCHES_MAX),
    CYAML_FIELD_UINT_PTR("stride", OPTIONAL_POINTER, struct document_scan, stride),
    SCHEMA_DECIMAL("minimumSuccess", struct document_scan, minimum_success),
    SCHEMA_DECIMAL("anomaly", struct document_scan, anomaly),
    CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_cleanse[] = {
    SCHEMA_REQUIRED(struct document_cleanse),
    SCHEMA_NUMBER("kept", struct document_cleanse, kept),
    SCHEMA_NUMBER("iterations", struct document_cleanse, iterations),
    SCHEMA_NUMBER("batch", struct document_cleanse, batch),
    SCHEMA_DECIMAL("rate", struct document_cleanse, rate),
    SCHEMA_DECIMAL("cost", struct document_cleanse, cost),
    SCHEMA_DECIMAL("success", struct document_cleanse, success),
    SCHEMA_DECIMAL("anomaly", struct document_cleanse, anomaly),
    CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_strip[] = {
    SCHEMA_REQUIRED(struct document_strip),
    SCHEMA_NUMBER("kept", struct document_strip, kept),
    SCHEMA_NUMBER("overlays", struct document_strip, overlays),
    SCHEMA_DECIMAL("blend", struct document_strip, blend),
    SCHEMA_DECIMAL("falseAlarms", struct document_strip, false_alarms),
    CYAML_FIELD_END,
};

const cyaml_schema_field_t schema_drift[] = {
    SCHEMA_REQUIRED(struct document_drift),
    CYAML_FIELD_ENUM("exact", OPTIONAL_STRICT, struct document_drift, exact, schema_booleans, SCHEMA_BOOLEANS),
    SCHEMA_NUMBER("minimumElements", struct document_drift, minimum_elements),
    SCHEMA_DECIMAL("alpha", struct document_drift, alpha),
    SCHEMA_DECIMAL("minimumEffect", struct document_drift, minimum_effect),
    CYAML_FIELD_END,
};
#pragma GCC diagnostic pop
