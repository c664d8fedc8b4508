/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: all that the guest is told of one evaluation. PROTOCOL.md, section 4.
 *
 * Plain data of fixed size, no pointers: what is decoded into it has been checked against every
 * limit below, so that who reads a plan need not.
 */
#ifndef LAZARET_WIRE_PLAN_H
#define LAZARET_WIRE_PLAN_H

#include "digest/sha256.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_RANK_MAX       7u /* of one sample, without the batch */
#define PLAN_CHANNELS_MAX   4096u
#define PLAN_CHECKS_MAX     16u
#define PLAN_CURVES_MAX     8u
#define PLAN_POINTS_MAX     32u
#define PLAN_NAME_MAX       128u /* with the final NUL */
#define PLAN_SAMPLES_MAX    1024u
#define PLAN_SET_COUNT_MAX  (UINT64_C(1) << 32)
#define PLAN_SAMPLE_MAX     (UINT64_C(1) << 26) /* elements of one sample */
#define PLAN_WINDOW_MAX     65536u              /* samples of one window */
#define PLAN_COMPONENTS_MAX 64u
#define PLAN_STARTS_MAX     1000u
#define PLAN_ITERATIONS_MAX 100000u
#define PLAN_RESTARTS_MAX   1000u
#define PLAN_KEPT_MAX       65536u /* samples that a search keeps in memory */
#define PLAN_TRIGGERS_MAX   64u    /* of the user's own */
#define PLAN_PATCHES_MAX    8u     /* patch sizes of a search */
#define PLAN_PLACES_MAX     PLAN_SAMPLES_MAX

enum plan_arithmetic { PLAN_MUL_ADD, PLAN_FMA, PLAN_ARITHMETIC_COUNT };

/* The sets, in the order in which a check reads those that it reads. */
enum plan_set_id {
    PLAN_SET_FEATURES, /* PLAN_FEATURE_COUNT samples that say what an attack may do to each element */
    PLAN_SET_TRIGGERS, /* the user's trigger patterns: for each its values, then its mask in [0, 1] */
    PLAN_SET_TRAIN,
    PLAN_SET_TEST,
    PLAN_SET_COUNT
};

/* The samples of PLAN_SET_FEATURES, in their order. */
enum plan_feature {
    PLAN_FEATURE_LOW, /* each element's own range, within the contract's */
    PLAN_FEATURE_HIGH,
    PLAN_FEATURE_EPS_SCALE, /* norm inf: an element's eps is the point's eps times this */
    PLAN_FEATURE_MASK,      /* 1: may be changed, 0: may not (ART's mask; immutable features) */
    PLAN_FEATURE_KIND,      /* 0: real; 1: integer; g ≥ 2: one column of the one-hot group g */
    PLAN_FEATURE_COUNT
};

/* Order of the checks of a plan: by id. */
enum plan_check_id {
    PLAN_SCAN, /* of the model's file, before it is imported */
    PLAN_CLEAN_ACCURACY,
    PLAN_NOISE,
    PLAN_FGSM,
    PLAN_PGD,
    PLAN_SQUARE,
    PLAN_ACTIVATION_CLUSTERING,
    PLAN_SPECTRAL_SIGNATURE,
    PLAN_TRIGGER_SCAN,
    PLAN_NEURAL_CLEANSE,
    PLAN_STRIP,
    PLAN_WEIGHT_DRIFT,
    PLAN_CHECK_ID_COUNT,
};

/* What an attack wants of an input: away from the label, or towards another class. */
enum plan_goal {
    PLAN_GOAL_UNTARGETED,
    PLAN_GOAL_NEXT,         /* label + 1, modulo the classes */
    PLAN_GOAL_LEAST_LIKELY, /* the class of the smallest clean logit, the first of equals */
    PLAN_GOAL_RANDOM,       /* any other class, drawn from the seed by the sample's index */
    PLAN_GOAL_COUNT
};

enum plan_reduction { PLAN_PCA, PLAN_FAST_ICA, PLAN_REDUCTION_COUNT };

/* What an input is (DESIGN.md, section 7). */
struct plan_contract {
    char input[PLAN_NAME_MAX]; /* "" where the model has only one */
    char output[PLAN_NAME_MAX];
    uint32_t rank; /* of one sample */
    uint64_t dims[PLAN_RANK_MAX];
    bool has_range;
    double range_low, range_high;
    uint32_t channels; /* of scale and offset; 0: the input is taken as it is */
    float scale[PLAN_CHANNELS_MAX], offset[PLAN_CHANNELS_MAX];
    uint32_t classes; /* 0: not said */
};

struct plan_set {
    bool present;
    bool labelled;   /* labels travel with the windows: training sets only */
    uint64_t count;  /* samples */
    uint32_t window; /* samples of every window but the last */
};

/* A norm is its p ≥ 1, or PLAN_NORM_INF. */
#define PLAN_NORM_INF 0.0
#define PLAN_NORM_MAX 1024.0

struct plan_curve {
    double norm;
    bool minimal; /* fgsm: every point goes on from the one before, and stops at the first success */
    uint32_t point_count;
    double eps[PLAN_POINTS_MAX]; /* in the input's own units, ascending */
};

/* fgsm, pgd, square, noise */
struct plan_attack {
    enum plan_goal goal;
    uint32_t restarts;   /* random starts besides the one without; the worst of all is kept per sample */
    uint32_t iterations; /* pgd: steps; square: queries; noise: draws */
    double step;         /* pgd: a step's length as a share of eps */
    uint32_t samples;    /* the first N adversarial inputs of each point are sent back */
    uint32_t curve_count;
    struct plan_curve curves[PLAN_CURVES_MAX];
};

struct plan_clustering {
    char layer[PLAN_NAME_MAX]; /* "" for the penultimate */
    enum plan_reduction reduction;
    uint32_t components, starts, minimum_class_size;
};

struct plan_spectral {
    char layer[PLAN_NAME_MAX];
    double poisoned_share; /* pp: 1.5·pp of each class are called suspicious */
    uint32_t minimum_class_size;
};

struct plan_trigger_scan {
    uint32_t kept;         /* samples, spread evenly over the test set, that are searched on */
    uint64_t image_budget; /* forward passes (a gradient: three), after which the search stops and says so; 0: none */
    uint32_t patch_count;
    uint32_t patches[PLAN_PATCHES_MAX]; /* sides of square patches, ascending; 0: the whole input by a faint pattern */
    uint32_t stride;                    /* between places; 1: every one */
};

struct plan_neural_cleanse {
    uint32_t kept, iterations, batch;
    double rate, cost; /* Adam's step; the first weight of the mask's L1 norm */
    double success;    /* share of inputs that the trigger has to turn */
};

struct plan_strip {
    uint32_t kept;     /* clean samples that are blended, and that give the entropy's null */
    uint32_t overlays; /* blends of each */
    double blend, false_alarms;
};

struct plan_drift {
    bool exact;                /* exact p-values where scipy's exact mode would give them, whatever the size */
    uint32_t minimum_elements; /* a tensor with fewer is not compared */
};

struct plan_check {
    enum plan_check_id id;
    uint32_t version;
    uint8_t seed[SHA256_SIZE];
    union { /* by id; scan and clean-accuracy have none */
        struct plan_attack attack;
        struct plan_clustering clustering;
        struct plan_spectral spectral;
        struct plan_trigger_scan trigger_scan;
        struct plan_neural_cleanse neural_cleanse;
        struct plan_strip strip;
        struct plan_drift drift;
    };
};

struct plan {
    enum plan_arithmetic arithmetic;
    uint32_t threads; /* 0: as many as the guest has processors */
    uint32_t batch;   /* inputs computed together; never changes a result */
    char isa[16];     /* "": the widest the processor has; else a kernel's name, for tests */
    uint64_t model_size;
    uint8_t model_sha256[SHA256_SIZE];
    uint64_t reference_size; /* of the model to compare weights with; 0: there is none */
    uint8_t reference_sha256[SHA256_SIZE];
    struct plan_contract contract;
    struct plan_set sets[PLAN_SET_COUNT];
    uint32_t check_count;
    struct plan_check checks[PLAN_CHECKS_MAX];
    /* An opening's test set is a few samples of a whole one: their places there, rising. 0: the set is whole. */
    uint32_t place_count;
    uint32_t places[PLAN_PLACES_MAX];
};

const char *plan_arithmetic_name(enum plan_arithmetic arithmetic); /* "mul-add", "fma" */
const char *plan_check_name(enum plan_check_id id);                /* "clean-accuracy", … */

/* "inf", or p as a decimal: "2", "1.5". */
#define PLAN_NORM_TEXT_SIZE 32u
const char *plan_norm_text(double norm, char ret_text[PLAN_NORM_TEXT_SIZE]);

/* noise, fgsm, pgd, square: what has curves and predicts at each point. */
bool plan_check_is_attack(enum plan_check_id id);

/* The layer whose activations a check reads; "" for the penultimate, and for checks that read none. */
const char *plan_check_layer(const struct plan_check *check);

/*
 * Whether a check reads a set. scan reads none; clean-accuracy and attacks read the test set; clustering the training
 * set, then the test set; spectral-signature the training set; the searches for triggers the test set;
 * weight-drift none. Before these, attacks read the features and trigger-scan and strip the user's
 * triggers, where the plan has them.
 */
bool plan_check_reads(const struct plan *plan, enum plan_check_id id, enum plan_set_id set);

/* Elements of one sample. */
uint64_t plan_sample_elements(const struct plan_contract *contract);

/* The place in the whole test set of a sample of the plan's: what its random streams depend on. */
uint64_t plan_sample_place(const struct plan *plan, uint64_t sample);

/* The window that starts at `first`: its number of samples. */
uint32_t plan_window_count(const struct plan_set *set, uint64_t first);

#endif
