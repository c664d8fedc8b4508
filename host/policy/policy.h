/* SPDX-License-Identifier: Apache-2.0 */
/* The policy file: what is run, within which limits, and what it takes to pass. docs/policies.md has every key. */
#ifndef LAZARET_HOST_POLICY_H
#define LAZARET_HOST_POLICY_H

#include "base/error.h"
#include "digest/sha256.h"
#include "host/policy/keyring.h"

#include <stdbool.h>
#include <stdint.h>

#define POLICY_SCRATCH_MIN    8u /* MiB of a scratch disk */
#define POLICY_SCRATCH_MAX    4096u
#define POLICY_SIZE_MAX       ((size_t)64 * 1024)
#define POLICY_CURVES_MAX     8u  /* of one attack */
#define POLICY_POINTS_MAX     32u /* eps of one curve */
#define POLICY_THRESHOLDS_MAX 32u
#define POLICY_PATCHES_MAX    8u
#define POLICY_DECIMAL_SIZE   16u  /* of a decimal text with its NUL */
#define POLICY_NORM_DIGITS    12u  /* bytes of a norm's text: it is then the shortest that gives its value */
#define POLICY_LAYER_SIZE     128u /* of a layer's name with its NUL */
#define POLICY_NORM_MAX       1024
#define POLICY_COMPONENTS_MAX 64u
#define POLICY_STARTS_MAX     1000u
#define POLICY_RESTARTS_MAX   1000u
#define POLICY_ITERATIONS_MAX 100000u
#define POLICY_KEPT_MAX       65536u /* samples that a search keeps */
#define POLICY_BUDGET_MAX     1000000000u
#define POLICY_PATCH_MAX      65535u
#define POLICY_COST_MAX       1000
#define POLICY_ANOMALY_MAX    1000
#define POLICY_DEADLINE_MAX   86400u /* seconds */
#define POLICY_MEMORY_MIN     64u    /* MiB */
#define POLICY_MEMORY_MAX     (1024u * 1024u)
#define POLICY_MODEL_MAX      (1024u * 1024u) /* MiB */
#define POLICY_SAMPLES_MAX    100000000u
#define POLICY_REPEAT_MAX     4u
#define POLICY_RECHECK_MAX    1024u /* wire/plan.h's PLAN_PLACES_MAX */
#define POLICY_REVIEWERS_MAX  32u
#define POLICY_DAYS_MAX       3650u

#define POLICY_AUTHORITIES_SIZE (32u * 1024u) /* with a NUL */
#define POLICY_AUTHORITIES_MAX  16u
#define POLICY_IDENTITIES_MAX   16u
#define POLICY_IDENTITY_SIZE    256u /* with its NUL */

/* Neural Cleanse's index is a deviation from the median over classes, which says little of fewer (DESIGN, section 8).
 */
#define POLICY_CLEANSE_CLASSES_MIN 6u

enum policy_tier { POLICY_LOW, POLICY_MEDIUM, POLICY_HIGH, POLICY_TIER_COUNT };
enum policy_arithmetic { POLICY_MUL_ADD, POLICY_FMA, POLICY_ARITHMETIC_COUNT };

/* What an attack wants of an input; wire/plan.h's plan_goal, in its order. */
enum policy_goal {
    POLICY_GOAL_UNTARGETED,
    POLICY_GOAL_NEXT,
    POLICY_GOAL_LEAST_LIKELY,
    POLICY_GOAL_RANDOM,
    POLICY_GOAL_COUNT
};

enum policy_reduction { POLICY_PCA, POLICY_FAST_ICA, POLICY_REDUCTION_COUNT };

/* What a minimum is held against: the lower end of the Wilson 95% interval, or the figure itself. */
enum policy_bound { POLICY_LOWER, POLICY_POINT, POLICY_BOUND_COUNT };

/* Sets of what is allowed. */
enum { POLICY_ALLOW_MICROVM = 1, POLICY_ALLOW_PROCESS = 2 };
enum { POLICY_ALLOW_KVM = 1, POLICY_ALLOW_TCG = 2 };

/* A number as the policy spells it, which is its name in evaluation.json; there is one spelling of each. */
struct policy_decimal {
    char text[POLICY_DECIMAL_SIZE];
    double value;
};

#define POLICY_NORM_INF 0.0 /* the value of the norm "inf"; of others it is their p */

/* One attack curve: the eps to try, rising. */
struct policy_curve {
    struct policy_decimal norm;
    bool minimal; /* fgsm: each point goes on from the one before, up to the first success */
    unsigned count;
    struct policy_decimal eps[POLICY_POINTS_MAX];
};

struct policy_robust_minimum {
    struct policy_decimal norm, eps; /* of a curve's point */
    enum policy_bound bound;
    double robust_accuracy; /* robustCorrect / total, at least */
};

struct policy_scan {
    bool present, required;
};

struct policy_clean_accuracy {
    bool present, required;
    enum policy_bound bound;
    double accuracy; /* correct / total, at least */
};

/* noise, fgsm, pgd, square; what an attack has no key for is 0. */
struct policy_attack {
    bool present, required;
    enum policy_goal goal;
    unsigned iterations, restarts;
    double step; /* of pgd, as a share of eps */
    unsigned curve_count;
    struct policy_curve curves[POLICY_CURVES_MAX]; /* a norm once, and once minimal */
    unsigned threshold_count;                      /* fgsm only */
    struct policy_robust_minimum thresholds[POLICY_THRESHOLDS_MAX];
};

/* Of all attacks together: per sample the worst of them. */
struct policy_robustness {
    bool present, required;
    unsigned threshold_count;
    struct policy_robust_minimum thresholds[POLICY_THRESHOLDS_MAX];
};

struct policy_activation_clustering {
    bool present, required;
    char layer[POLICY_LAYER_SIZE]; /* "" for the penultimate */
    enum policy_reduction reduction;
    unsigned components, starts, minimum_class_size;
    double alpha;          /* a class is suspicious at a Holm-corrected p of at most this, … */
    double minimum_effect; /* … with a cluster whose share of training exceeds its share of test by at least this, … */
    double maximum_test_share; /* … and that share of test is at most this */
};

struct policy_spectral_signature {
    bool present, required;
    char layer[POLICY_LAYER_SIZE]; /* "" for the penultimate */
    double poisoned_share;
    unsigned minimum_class_size;
};

struct policy_trigger_scan {
    bool present, required;
    unsigned kept;   /* samples that are searched on */
    unsigned budget; /* forward passes; 0: no limit */
    unsigned patch_count;
    unsigned patches[POLICY_PATCHES_MAX]; /* sides, ascending; 0: a faint pattern over the whole input */
    unsigned stride;                      /* between places; 0: a fourteenth of the shorter side, at least 1 */
    double minimum_success; /* a target is suspicious where its best trigger turns at least this share, … */
    double anomaly;         /* … and that lies so many deviations above the median of the targets */
};

struct policy_neural_cleanse {
    bool present, required;
    unsigned kept, iterations, batch;
    double rate, cost, success;
    double anomaly; /* a class is suspicious where its L1 lies so many deviations below the median */
};

struct policy_strip {
    bool present, required;
    unsigned kept, overlays;
    double blend, false_alarms;
};

struct policy_weight_drift {
    bool present, required;
    bool exact;
    unsigned minimum_elements;
    double alpha, minimum_effect; /* a layer has drifted at pHolm ≤ alpha and D ≥ minimum_effect */
};

/* Where a model must come from, before anything boots. */
struct policy_provenance {
    bool required;                             /* a signature of the model that holds */
    bool checksums;                            /* a list of checksums that names it */
    bool source;                               /* a source URI, the user's claim */
    char authorities[POLICY_AUTHORITIES_SIZE]; /* PEM certificates, one after the other; "": none */
    unsigned identity_count;
    char identities[POLICY_IDENTITIES_MAX][POLICY_IDENTITY_SIZE]; /* whom the authorities may vouch for */
};

struct policy_reviewer {
    char name[KEYRING_NAME_SIZE]; /* of a key, in the policy's ring or in one of its own */
    enum policy_tier tier;        /* the highest that this reviewer may approve at */
};

/* Who signs off what may not pass by itself: docs/approval.md. */
struct policy_approval {
    bool present;
    unsigned required; /* reviewers; at least policy_fewest_sign_offs() */
    unsigned days;     /* that a sign-off counts, where the reviewers do not say */
    unsigned reviewer_count;
    struct policy_reviewer reviewers[POLICY_REVIEWERS_MAX]; /* a name once */
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
    bool cgroup_required;             /* no job without bounds over all of its processes (host/vm/cgroup.h) */
    unsigned repeat;                  /* evaluations, each in a fresh VM, which must be equal */
    unsigned recheck;                 /* adversarial and as many clean inputs that a fresh VM predicts again */
    uint64_t model_bytes_max;
    bool ledger_required; /* every attempt and result must be in a ledger */
    unsigned scratch_mib; /* of the disk that the guest may leave evidence on; 0: there is none */
    bool report_samples;  /* inputs may be written out: --samples */
    bool labels;          /* test labels travel into the guest, and attacks use them */
    struct policy_provenance provenance;
    struct policy_scan scan;
    struct policy_clean_accuracy clean_accuracy;
    struct policy_attack noise, fgsm, pgd, square;
    struct policy_robustness robustness;
    struct policy_activation_clustering activation_clustering;
    struct policy_spectral_signature spectral_signature;
    struct policy_trigger_scan trigger_scan;
    struct policy_neural_cleanse neural_cleanse;
    struct policy_strip strip;
    struct policy_weight_drift weight_drift;
    struct policy_approval approval;
    struct keyring keyring; /* `keys` and `revoked`; empty where the policy has none. The last member: it is large */
};

extern const char *const policy_tier_names[POLICY_TIER_COUNT + 1];             /* low, medium, high */
extern const char *const policy_arithmetic_names[POLICY_ARITHMETIC_COUNT + 1]; /* mul-add, fma */
extern const char *const policy_goal_names[POLICY_GOAL_COUNT + 1];             /* untargeted, next, … */
extern const char *const policy_reduction_names[POLICY_REDUCTION_COUNT + 1];   /* pca, fast-ica */

/* How many sign-offs a tier takes at the least: none, one peer, two experts. */
unsigned policy_fewest_sign_offs(enum policy_tier tier);

/* The reviewer of this name, or NULL. */
const struct policy_reviewer *policy_find_reviewer(const struct policy *policy, const char *name);

/*
 * Reads a policy. ERROR_NO_INPUT where the file can't be read; ERROR_BAD_INPUT names the file and
 * the line or key. *ret_policy is some 150 KiB and written only on success.
 */
MUST_USE int policy_load(const char *path, struct policy *ret_policy, struct error *err);

/* The same of a file's bytes; `name` begins the error's text. */
MUST_USE int policy_parse(const void *yaml, size_t size, const char *name, struct policy *ret_policy,
                          struct error *err);

#endif
