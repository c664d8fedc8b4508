/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's document as libcyaml builds it; what is absent is NULL, or has the default set before. */
#ifndef LAZARET_HOST_POLICY_SCHEMA_H
#define LAZARET_HOST_POLICY_SCHEMA_H

#include "host/policy/policy.h"

#include <cyaml/cyaml.h>

struct document_curve {
    enum policy_norm norm;
    char **eps;
    unsigned eps_count;
};

struct document_threshold {
    enum policy_norm norm;
    char *eps;
    enum policy_bound bound;
    char *robust_accuracy;
};

struct document_clean_accuracy {
    bool required;
    enum policy_bound bound;
    char *accuracy;
};

struct document_fgsm {
    bool required;
    struct document_curve *curves;
    unsigned curve_count;
    struct document_threshold *thresholds;
    unsigned threshold_count;
};

struct document_clustering {
    bool required;
    char *layer;
    unsigned components, starts, minimum_class_size;
    char *alpha, *minimum_effect, *maximum_test_share;
};

struct document_checks {
    struct document_clean_accuracy *clean_accuracy;
    struct document_fgsm *fgsm;
    struct document_clustering *activation_clustering;
};

struct document_limits {
    unsigned *deadline_seconds, *memory_mib, *model_mib;
};

struct document_report {
    bool samples;
};

struct document {
    enum policy_tier tier;
    enum policy_arithmetic arithmetic;
    unsigned isolation, acceleration;
    unsigned *minimum_samples;
    struct document_limits *limits;
    struct document_report *report;
    struct document_checks checks;
};

extern const cyaml_schema_value_t policy_schema;

#endif
