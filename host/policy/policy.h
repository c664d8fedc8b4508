/* SPDX-License-Identifier: Apache-2.0 */
/* The policy file: what is run, within which limits, and what it takes to pass. docs/policies.md has every key. */
#ifndef LAZARET_HOST_POLICY_H
#define LAZARET_HOST_POLICY_H

#include "base/error.h"
#include "digest/sha256.h"

#include <stdbool.h>
#include <stdint.h>

#define POLICY_SIZE_MAX       ((size_t)64 * 1024)
#define POLICY_POINTS_MAX     32u /* eps of one curve */
#define POLICY_THRESHOLDS_MAX 32u
#define POLICY_EPS_SIZE       16u  /* of a decimal text with its NUL */
#define POLICY_LAYER_SIZE     128u /* of a layer's name with its NUL */
#define POLICY_COMPONENTS_MAX 64u
#define POLICY_STARTS_MAX     1000u
#define POLICY_DEADLINE_MAX   86400u /* seconds */
#define POLICY_MEMORY_MIN     64u    /* MiB */
#define POLICY_MEMORY_MAX     (1024u * 1024u)
#define POLICY_MODEL_MAX      (1024u * 1024u) /* MiB */
#define POLICY_SAMPLES_MAX    100000000u

enum policy_tier { POLICY_LOW, POLICY_MEDIUM, POLICY_HIGH, POLICY_TIER_COUNT };
enum policy_arithmetic { POLICY_MUL_ADD, POLICY_FMA, POLICY_ARITHMETIC_COUNT };
enum policy_norm { POLICY_NORM_INF, POLICY_NORM_2, POLICY_NORM_1, POLICY_NORM_COUNT };

/* What a minimum is held against: the lower end of the Wilson 95% interval, or the figure itself. */
enum policy_bound { POLICY_LOWER, POLICY_POINT, POLICY_BOUND_COUNT };

/* Sets of what is allowed. */
enum { POLICY_ALLOW_MICROVM = 1, POLICY_ALLOW_PROCESS = 2 };
enum { POLICY_ALLOW_KVM = 1, POLICY_ALLOW_TCG = 2 };

/* One attack curve: the eps to try, rising, as the policy spells them. */
struct policy_curve {
    unsigned count; /* 0: this norm is not attacked */
    char eps[POLICY_POINTS_MAX][POLICY_EPS_SIZE];
    double eps_value[POLICY_POINTS_MAX];
};

struct policy_robust_minimum {
    enum policy_norm norm;
    char eps[POLICY_EPS_SIZE]; /* one of the curve's */
    enum policy_bound bound;
    double robust_accuracy; /* robustCorrect / total, at least */
};

struct policy_clean_accuracy {
    bool present, required;
    enum policy_bound bound;
    double accuracy; /* correct / total, at least */
};

struct policy_fgsm {
    bool present, required;
    struct policy_curve curves[POLICY_NORM_COUNT];
    unsigned threshold_count;
    struct policy_robust_minimum thresholds[POLICY_THRESHOLDS_MAX];
};

struct policy_activation_clustering {
    bool present, required;
    char layer[POLICY_LAYER_SIZE]; /* "" for the penultimate */
    unsigned components, starts, minimum_class_size;
    double alpha;          /* a class is suspicious at a Holm-corrected p of at most this, … */
    double minimum_effect; /* … with a cluster whose share of training exceeds its share of test by at least this, … */
    double maximum_test_share; /* … and that share of test is at most this */
};

/* Plain data, read only once loaded. */
struct policy {
    uint8_t sha256[SHA256_SIZE]; /* of the file's bytes */
    enum policy_tier tier;
    enum policy_arithmetic arithmetic;
    unsigned isolation, acceleration; /* POLICY_ALLOW_… */
    unsigned minimum_samples;         /* of the test set, or the result needs review */
    unsigned deadline_seconds;        /* of the whole job */
    unsigned memory_mib;              /* of the guest, where the command line does not say */
    uint64_t model_bytes_max;
    bool report_samples; /* inputs may be written out: --samples */
    struct policy_clean_accuracy clean_accuracy;
    struct policy_fgsm fgsm;
    struct policy_activation_clustering activation_clustering;
};

extern const char *const policy_tier_names[POLICY_TIER_COUNT + 1];             /* low, medium, high */
extern const char *const policy_arithmetic_names[POLICY_ARITHMETIC_COUNT + 1]; /* mul-add, fma */
extern const char *const policy_norm_names[POLICY_NORM_COUNT + 1];             /* inf, 2, 1 */

/*
 * Reads a policy. ERROR_NO_INPUT where the file can't be read; ERROR_BAD_INPUT names the file and
 * the line or key. *ret_policy is some 10 KiB and written only on success.
 */
MUST_USE int policy_load(const char *path, struct policy *ret_policy, struct error *err);

/* The same of a file's bytes; `name` begins the error's text. */
MUST_USE int policy_parse(const void *yaml, size_t size, const char *name, struct policy *ret_policy,
                          struct error *err);

#endif
