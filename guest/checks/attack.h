/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all attacks share: what each input is attacked for, the worst that was found for it, and how
 * that is sent.
 *
 * An input is attacked away from its label: the window's where the set is labelled, else the model's own
 * prediction; or, with another goal, towards a target class. It is *broken* when the prediction is not
 * the label, or is the target. Over restarts and draws the worst is kept for each input: the first that
 * reached the target, else the first with another class than the label, else the first of all.
 */
#ifndef LAZARET_GUEST_CHECKS_ATTACK_H
#define LAZARET_GUEST_CHECKS_ATTACK_H

#include "guest/checks/features.h"
#include "guest/checks/meter.h"
#include "guest/checks/predict.h"
#include "guest/checks/random.h"

/* The second number of a sample's random streams (random.h), the first being its index in the set. */
#define ATTACK_STREAM_GOAL    UINT64_C(0)
#define ATTACK_STREAM_RESTART UINT64_C(1) /* plus the restart's or the draw's number */

enum attack_rank { ATTACK_NOTHING, ATTACK_HELD, ATTACK_TURNED, ATTACK_BROKEN };

struct attack {
    const struct check_context *context;
    const struct plan_check *check;
    const struct plan_attack *plan;
    struct features features;
    struct predictor predictor;
    struct meter meter; /* counts inputs, over all points */
    struct check_figures figures;
    size_t size;      /* elements of an input */
    uint32_t classes; /* that predictions are of */
    uint32_t window;  /* samples of the largest window of the test set */

    /* of the window's samples */
    int32_t *labels, *targets;
    int32_t *predictions; /* of the worst found for the present point */
    enum attack_rank *ranks;
    float *kept; /* kept_count × size: the worst found, of samples that are sent */
    uint32_t kept_count;
};

/* Why an attack that climbs gradients can't be made of this model (check.h); NULL where it can. */
const char *attack_unfit(const struct check_context *context);

MUST_USE int attack_open(struct attack *attack, const struct check_context *context, struct error *err);
void attack_close(struct attack *attack);

bool attack_is_targeted(const struct attack *attack);

/* Whether the inputs' labels travel; else the model's own predictions are the labels. */
bool attack_has_labels(const struct attack *attack);

/* Labels of the window from its set; ERROR_BAD_INPUT, -EINVAL for one that is not a class. */
MUST_USE int attack_take_labels(struct attack *attack, const struct check_window *window, struct error *err);

/* Labels and targets of the window, by one forward pass; ret_clean: the clean predictions. */
MUST_USE int attack_aim(struct attack *attack, const struct check_window *window, int32_t *ret_clean,
                        struct error *err);

/* What the gradient of a sample's loss is taken for: its target or its label. */
int32_t attack_loss_class(const struct attack *attack, uint32_t sample);

/* From the loss's gradient to that which an attack climbs: its sign with targets, and the mask. */
void attack_orient_gradient(const struct attack *attack, float *gradient);

/* The step of a point, with the contract's range and the features. */
struct fgsm_step attack_step(const struct attack *attack, const struct plan_curve *curve, uint32_t point);

/* Forgets what was found for the window's samples where it is no more than `most`. */
void attack_forget(struct attack *attack, uint32_t count, enum attack_rank most);

/* Keeps an adversarial input of the window's sample where it is worse than what is kept. */
void attack_offer(struct attack *attack, const struct check_window *window, uint32_t sample, int32_t prediction,
                  const float *x);

/* The same, but only where the prediction is another class than the label, or is the target. */
void attack_offer_turned(struct attack *attack, const struct check_window *window, uint32_t sample, int32_t prediction,
                         const float *x);

bool attack_is_broken(const struct attack *attack, uint32_t sample);

/* Sends the kept inputs that are asked for, and the window's predictions. */
MUST_USE int attack_publish(const struct attack *attack, uint32_t curve, uint32_t point,
                            const struct check_window *window, struct error *err);

/* Sends ROWS_GRADIENTS. */
MUST_USE int attack_send_gradients(const struct attack *attack, uint64_t zero, uint64_t samples, struct error *err);

bool attack_is_zero(const float *gradient, size_t size);

/* The random stream of a sample's restart or draw; by its place in the whole test set, so that an opening draws alike.
 */
struct random_stream attack_stream(const struct attack *attack, uint64_t sample, uint64_t number);

#endif
