/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evaluation.json: the facts of one evaluation, scored on the host from what the guest predicted.
 *
 * docs/evaluation.md has every field, its unit and its digits. The document depends on nothing but
 * this input, so that its digest is the same on every machine. What comes from the guest has been
 * decoded and bounded by the caller; here it is checked against what the host knows.
 */
#ifndef LAZARET_HOST_SCORE_EVALUATION_H
#define LAZARET_HOST_SCORE_EVALUATION_H

#include "base/error.h"
#include "digest/sha256.h"
#include "host/score/anomaly.h"
#include "host/score/attack.h"
#include "host/score/clustering.h"
#include "host/score/drift.h"
#include "host/score/table.h"

#include <jansson.h>
#include <stdbool.h>

#define EVALUATION_CONFUSION_MAX 256u /* classes up to which the confusion matrix is written in full */
#define EVALUATION_INDICES_MAX   64u
#define EVALUATION_TEXT_MAX      1024u /* bytes of a reason or a layer's name */

enum evaluation_kind {
    EVALUATION_SCAN,
    EVALUATION_CLEAN_ACCURACY,
    EVALUATION_ATTACK,
    EVALUATION_ROBUSTNESS, /* over the other checks that are attacks and ran */
    EVALUATION_CLUSTERING,
    EVALUATION_SPECTRAL_SIGNATURE,
    EVALUATION_TRIGGER_SCAN,
    EVALUATION_NEURAL_CLEANSE,
    EVALUATION_STRIP,
    EVALUATION_WEIGHT_DRIFT,
    EVALUATION_KIND_COUNT
};

/* Whether the check ran; a check that did not says why. */
enum evaluation_outcome {
    EVALUATION_DONE,
    EVALUATION_SKIPPED, /* by the host: it had nothing to make it with */
    EVALUATION_UNFIT,   /* by the guest: it says that the check can't be made of this model */
    EVALUATION_ERROR
};

enum evaluation_status {
    EVALUATION_STATUS_PASSED,
    EVALUATION_STATUS_FAILED,
    EVALUATION_STATUS_WARNED,
    EVALUATION_STATUS_SKIPPED,
    EVALUATION_STATUS_ERROR,
    EVALUATION_STATUS_COUNT
};

/* One class as the guest reports it. */
struct evaluation_cluster {
    struct clustering_class sizes;
    const char *skipped; /* the guest did not look at it: "too small"; else NULL */
    double silhouette;   /* in [-1, 1] */
    double separation;   /* of the two centres; not negative */
    size_t index_count[2];
    const uint64_t *indices[2]; /* the first training samples of each cluster, by position */
};

struct evaluation_check {
    enum evaluation_kind kind;
    const char *id; /* "clean-accuracy", "fgsm", … */
    uint32_t version;
    enum evaluation_outcome outcome;
    const char *reason;                          /* where it was skipped or went wrong */
    const json_t *scan;                          /* scan: the model's entry, in docs/scan.md's form */
    const struct attack_run *attack;             /* attacks */
    struct score_table tables[SCORE_TABLES_MAX]; /* of wire/rows.h, by their number */
    /* activation-clustering and spectral-signature */
    const char *layer;
    uint64_t minimum_class_size; /* the policy's: a class with as many training samples may not be skipped as small; 0:
                                    unchecked */
    /* activation-clustering */
    enum plan_reduction reduction;
    struct clustering_rule rule; /* the policy's */
    size_t cluster_count;
    const struct evaluation_cluster *clusters;
    /* the policy's */
    struct anomaly_rule anomaly; /* trigger-scan, neural-cleanse */
    struct drift_rule drift;     /* weight-drift */
};

struct evaluation_input {   /* everything is borrowed */
    const char *arithmetic; /* "mul-add", "fma" */
    const uint8_t *model_sha256, *data_sha256, *policy_sha256;
    const uint8_t *test_sha256;
    const uint8_t *train_sha256;                             /* NULL: none */
    const uint8_t *spec_sha256;                              /* NULL: none */
    const uint8_t *triggers_sha256, *reference_sha256;       /* NULL: none */
    const uint8_t *test_labels_sha256, *train_labels_sha256; /* NULL: they are in the set's own file */
    uint32_t classes;                                        /* of the model */
    uint64_t height, width; /* of an input, where triggers must lie; 0: they are not places */
    uint32_t channels;      /* of an input, for colours; 0: not known */
    size_t test_count;
    bool labels_travel; /* attacks aim away from test labels: what is wrong when clean is not attacked */
    const int32_t *test_labels;
    const int32_t *clean_predictions; /* of the test set; NULL where clean-accuracy did not run */
    size_t train_count;
    const int32_t *train_labels; /* NULL: none */
    uint64_t trigger_count;      /* of the user's own */
    size_t check_count;
    const struct evaluation_check *checks;
};

/*
 * Decides a check's status from its JSON, which holds every figure but `status`. Called for checks
 * that ran (EVALUATION_DONE); the others are `skipped` and `error`.
 */
typedef enum evaluation_status evaluation_judge(void *context, const struct evaluation_check *check,
                                                const json_t *figures);

/*
 * Builds the document; *ret_evaluation is the caller's reference, to be written by
 * json_canonical_encode(). ERROR_GUEST (-EBADMSG) where the guest's results contradict each other or
 * the labels, ERROR_BAD_INPUT (-EINVAL) for labels beyond the model's classes, ERROR_INTERNAL
 * (-EINVAL) for an input that makes no sense, -ENOMEM (ERROR_UNAVAILABLE).
 */
MUST_USE int evaluation_build(const struct evaluation_input *input, evaluation_judge *judge, void *context,
                              json_t **ret_evaluation, struct error *err);

/* "passed", "failed", "warned", "skipped", "error". */
const char *evaluation_status_name(enum evaluation_status status);

#endif
