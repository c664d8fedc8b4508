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
#define PLAN_CURVES_MAX     4u
#define PLAN_POINTS_MAX     32u
#define PLAN_NAME_MAX       128u /* with the final NUL */
#define PLAN_SAMPLES_MAX    1024u
#define PLAN_SET_COUNT_MAX  (UINT64_C(1) << 32)
#define PLAN_SAMPLE_MAX     (UINT64_C(1) << 26) /* elements of one sample */
#define PLAN_WINDOW_MAX     65536u              /* samples of one window */
#define PLAN_COMPONENTS_MAX 64u
#define PLAN_STARTS_MAX     1000u

enum plan_arithmetic { PLAN_MUL_ADD, PLAN_FMA, PLAN_ARITHMETIC_COUNT };
enum plan_set_id { PLAN_SET_TEST, PLAN_SET_TRAIN, PLAN_SET_COUNT };
enum plan_norm { PLAN_NORM_INF, PLAN_NORM_2, PLAN_NORM_1, PLAN_NORM_COUNT };
enum plan_check_id {
    PLAN_CLEAN_ACCURACY,
    PLAN_FGSM,
    PLAN_ACTIVATION_CLUSTERING,
    PLAN_CHECK_ID_COUNT,
};

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

struct plan_curve {
    enum plan_norm norm;
    uint32_t point_count;
    double eps[PLAN_POINTS_MAX]; /* in the input's own units */
};

struct plan_check {
    enum plan_check_id id;
    uint32_t version;
    uint8_t seed[SHA256_SIZE];
    /* attacks */
    uint32_t curve_count;
    struct plan_curve curves[PLAN_CURVES_MAX];
    uint32_t samples; /* the first N adversarial inputs of each point are sent back */
    /* activation-clustering */
    char layer[PLAN_NAME_MAX]; /* "" for the penultimate */
    uint32_t components, starts, minimum_class_size;
};

struct plan {
    enum plan_arithmetic arithmetic;
    uint32_t threads; /* 0: as many as the guest has processors */
    uint32_t batch;   /* inputs computed together; never changes a result */
    char isa[16];     /* "": the widest the processor has; else a kernel's name, for tests */
    uint64_t model_size;
    uint8_t model_sha256[SHA256_SIZE];
    struct plan_contract contract;
    struct plan_set sets[PLAN_SET_COUNT];
    uint32_t check_count;
    struct plan_check checks[PLAN_CHECKS_MAX];
};

const char *plan_arithmetic_name(enum plan_arithmetic arithmetic); /* "mul-add", "fma" */
const char *plan_check_name(enum plan_check_id id);                /* "clean-accuracy", … */
const char *plan_norm_name(enum plan_norm norm);                   /* "inf", "2", "1" */

/* Whether a check reads a set: clean-accuracy and attacks the test set; clustering the training
 * set, then the test set. */
bool plan_check_reads(enum plan_check_id id, enum plan_set_id set);

/* Elements of one sample. */
uint64_t plan_sample_elements(const struct plan_contract *contract);

/* The window that starts at `first`: its number of samples. */
uint32_t plan_window_count(const struct plan_set *set, uint64_t first);

#endif
