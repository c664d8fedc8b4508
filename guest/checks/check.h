/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a check is: a fold over the windows of its sets, one file a check behind one table.
 *
 * begin() → window(), once a window, in the plan's order → end(). A check sees each window once and
 * keeps only what it must. What it finds it sends as messages through a sink. Results depend on the
 * model, the windows' content and the plan's check, never on batch, threads, window size or time.
 */
#ifndef LAZARET_GUEST_CHECKS_CHECK_H
#define LAZARET_GUEST_CHECKS_CHECK_H

#include "guest/engine/network.h"
#include "wire/message.h"

/* Where messages go. The message is the sink's only during the call. */
struct check_sink {
    int (*send)(void *argument, const struct message *message, struct error *err);
    void *argument;
};

/* What a check works with; all borrowed, and valid until its state is freed. */
struct check_context {
    const struct plan *plan;
    uint32_t index;                        /* of the check in the plan */
    struct network *network;               /* NULL for a check that needs the reference */
    const struct model *model, *reference; /* reference: NULL where the plan has none, or the check doesn't need it */
    struct check_sink sink;
    uint64_t memory_bytes; /* that the check may take for itself; 0: not known */
};

/* One window, labels NULL where the set has none. */
struct check_window {
    enum plan_set_id set;
    uint64_t first;
    uint32_t count;
    const float *x; /* count × network_input_size */
    const uint32_t *labels;
};

/* What CHECK_DONE says besides CPU time and memory of the process. */
struct check_figures {
    uint64_t images; /* forward passes */
    uint64_t gradient_cpu_ns, gradient_images;
    const char *layer; /* "" or borrowed from the network */
};

struct check {
    enum plan_check_id id;
    uint32_t version; /* changes with any bit of a result */
    bool needs_range, needs_gradient;
    bool needs_reference; /* compares the weights of two models: it gets the reference and no network */
    /* Where it depends on the plan whether gradients are needed; may be NULL. Ask check_needs_gradient. */
    bool (*wants_gradient)(const struct plan_check *planned);
    /* Why the check can't be made of this model, as a string that lasts; NULL where it can. The check is then reported
     * as skipped. May itself be NULL. */
    const char *(*unfit)(const struct check_context *context);
    MUST_USE int (*begin)(const struct check_context *context, void **ret_state, struct error *err);
    MUST_USE int (*window)(void *state, const struct check_window *window, struct error *err);
    MUST_USE int (*end)(void *state, struct check_figures *ret_figures, struct error *err);
    void (*free)(void *state); /* NULL is fine */
};

/*
 * The check that the plan's entry asks for. ERROR_UNAVAILABLE, -ENOTSUP where its version is another
 * than this agent's; ERROR_BAD_INPUT, -EINVAL where it needs a range and the contract has none.
 */
MUST_USE int check_find(const struct plan *plan, uint32_t index, const struct check **ret_check, struct error *err);

/* Whether the network of the plan's check has to give gradients. */
bool check_needs_gradient(const struct check *check, const struct plan_check *planned);

/* Sends one line of a table of the check's figures (wire/rows.h); the check's index is filled in. */
MUST_USE int check_send_row(const struct check_context *context, struct message_row row, struct error *err);

/* Classes that predictions are of: two for a network with a single output. */
uint32_t check_classes(const struct network *network);

extern const struct check check_clean_accuracy;
extern const struct check check_noise;
extern const struct check check_fgsm;
extern const struct check check_pgd;
extern const struct check check_square;
extern const struct check check_activation_clustering;
extern const struct check check_spectral_signature;
extern const struct check check_trigger_scan;
extern const struct check check_neural_cleanse;
extern const struct check check_strip;
extern const struct check check_weight_drift;

#endif
