/* SPDX-License-Identifier: Apache-2.0 */
/* One check's facts under a policy, with the reason in words; shared by the files of the verdict. */
#ifndef LAZARET_HOST_POLICY_JUDGE_H
#define LAZARET_HOST_POLICY_JUDGE_H

#include "host/policy/verdict.h"

/* In the order of evaluation.json. */
enum judge_id {
    JUDGE_SCAN,
    JUDGE_CLEAN_ACCURACY,
    JUDGE_NOISE,
    JUDGE_FGSM,
    JUDGE_PGD,
    JUDGE_SQUARE,
    JUDGE_ROBUSTNESS,
    JUDGE_ACTIVATION_CLUSTERING,
    JUDGE_SPECTRAL_SIGNATURE,
    JUDGE_TRIGGER_SCAN,
    JUDGE_NEURAL_CLEANSE,
    JUDGE_STRIP,
    JUDGE_WEIGHT_DRIFT,
    JUDGE_ID_COUNT
};

extern const char *const judge_ids[JUDGE_ID_COUNT + 1];

struct judgement {
    enum check_status status;
    char reason[STATEMENT_REASON_MAX + 1]; /* without the id; "" where passed */
    int64_t samples;                       /* that figures rest on; -1: not of this check */
};

/* Whether the policy names a check, and requires it. */
struct judge_terms {
    bool present, required;
};
struct judge_terms judge_terms_of(const struct policy *policy, enum judge_id id);

MUST_USE int judge_check(const struct policy *policy, enum judge_id id, const json_t *check,
                         struct judgement *ret_judgement, struct error *err);

/* --- for the families ------------------------------------------------------------------------------- */

/* Fails, or fails further: the first reason stays, and a failure overrides a warning. */
__attribute__((format(printf, 3, 4))) void judge_conclude(struct judgement *judgement, enum check_status status,
                                                          const char *format, ...);

/* A figure that a threshold is held against: `correct` of `total`, and what the evaluation makes of them. */
struct judge_figure {
    int64_t correct, total;
    double point, lower; /* 0 without samples */
};
MUST_USE int judge_read_figure(const json_t *object, const char *where, const char *correct_key, const char *point_key,
                               struct judge_figure *ret_figure, struct error *err);
double judge_bounded(enum policy_bound bound, const struct judge_figure *figure);
const char *judge_bound_name(enum policy_bound bound);

/* A decimal string, or null: *ret is then `without`. */
MUST_USE int judge_read_decimal(const json_t *object, const char *where, const char *key, double without, double *ret,
                                struct error *err);

/* An array of any length. */
MUST_USE int judge_read_list(const json_t *object, const char *where, const char *key, const json_t **ret_list,
                             struct error *err);

/* Figures of one check, by family. */
typedef int judge_facts(const struct policy *policy, const json_t *check, struct judgement *judgement,
                        struct error *err);
judge_facts judge_scan, judge_clean_accuracy, judge_noise, judge_fgsm, judge_pgd, judge_square, judge_robustness;
judge_facts judge_clustering, judge_trigger_scan, judge_neural_cleanse;

#endif
