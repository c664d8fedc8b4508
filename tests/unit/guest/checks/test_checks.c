/* SPDX-License-Identifier: Apache-2.0 */
/* The checks over a network of one line, so that every answer is known. */
#include "unit/harness.h"

#include "guest/checks/check.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/*
 * The network: two inputs; logit c is -(x0 - c)², its activations are the inputs themselves. With
 * one class it answers with the single logit x0.
 */
struct network {
    size_t classes;
    uint32_t batch;
    bool forward_only;
};

size_t network_input_size(const struct network *network)
{
    (void)network;
    return 2;
}

size_t network_classes(const struct network *network)
{
    return network->classes;
}

size_t network_layer_size(const struct network *network)
{
    (void)network;
    return 2;
}

const char *network_layer_name(const struct network *network)
{
    (void)network;
    return "inputs";
}

uint32_t network_batch(const struct network *network)
{
    return network->batch;
}

bool network_has_gradient(const struct network *network)
{
    return !network->forward_only;
}

int network_logits(struct network *network, const float *x, size_t count, float *ret_logits, struct error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < network->classes; c++)
            ret_logits[i * network->classes + c] =
                network->classes == 1 ? x[2 * i] : -(x[2 * i] - (float)c) * (x[2 * i] - (float)c);
    return 0;
}

int network_activations(struct network *network, const float *x, size_t count, float *ret_activations,
                        float *ret_logits, struct error *err)
{
    memcpy(ret_activations, x, count * 2 * sizeof *x);
    return ret_logits == NULL ? 0 : network_logits(network, x, count, ret_logits, err);
}

/* Towards larger x0, never x1. */
int network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels, float *ret_gradient,
                     int32_t *ret_predictions, struct error *err)
{
    float logits[8];

    CU_ASSERT_PTR_NULL(labels);
    for (size_t i = 0; i < count; i++) {
        CU_ASSERT_EQUAL(network_logits(network, x + 2 * i, 1, logits, err), 0);
        if (ret_predictions != NULL)
            ret_predictions[i] = network_argmax(logits, network->classes);
        ret_gradient[2 * i] = 0.5f;
        ret_gradient[2 * i + 1] = 0.0f;
    }
    return 0;
}

int32_t network_argmax(const float *logits, size_t classes)
{
    int32_t best = 0;

    if (classes == 1)
        return logits[0] > 0.0f;
    for (size_t c = 1; c < classes; c++)
        if (logits[c] > logits[best])
            best = (int32_t)c;
    return best;
}

/* --- a sink that keeps --------------------------------------------------------------------------- */

#define SAMPLES 40u

struct kept {
    int32_t classes[4][SAMPLES]; /* by point */
    float samples[4][4];         /* of the first two inputs */
    struct message_cluster clusters[4];
    unsigned predictions, cluster_count;
    uint32_t points[4][2]; /* of each class: training, test */
    uint64_t progress;
    int refuse; /* what send answers */
};

static int keep(void *argument, const struct message *message, struct error *err)
{
    struct kept *kept = argument;

    if (kept->refuse < 0)
        return error_set(err, ERROR_INTERNAL, kept->refuse, "refused");
    if (message->type == MESSAGE_PREDICTIONS) {
        memcpy(kept->classes[message->predictions.point] + message->predictions.first,
               message->predictions.classes.data, message->predictions.classes.size);
        kept->predictions++;
    } else if (message->type == MESSAGE_SAMPLE) {
        memcpy(&kept->samples[message->sample.point][2 * message->sample.sample], message->sample.elements.data,
               message->sample.elements.size);
    } else if (message->type == MESSAGE_CLUSTER) {
        CU_ASSERT_EQUAL(message->cluster.label, kept->cluster_count);
        kept->clusters[kept->cluster_count++] = message->cluster;
    } else if (message->type == MESSAGE_POINTS) {
        CU_ASSERT(points_are_whole(message->points.points.data, message->points.points.size));
        kept->points[message->points.label][message->points.set == PLAN_SET_TEST] =
            message->points.points.size / POINTS_SIZE;
    } else if (message->type == MESSAGE_PROGRESS) {
        CU_ASSERT(message->progress.done >= kept->progress && message->progress.done <= message->progress.total);
        kept->progress = message->progress.done;
    }
    return 0;
}

struct bench {
    struct plan plan;
    struct network network;
    struct kept kept;
    float x[PLAN_SET_COUNT][2 * SAMPLES];
    uint32_t labels[SAMPLES];
    struct check_figures figures;
};

static struct bench *new_bench(enum plan_check_id id, size_t classes)
{
    struct bench *bench = calloc(1, sizeof *bench);

    CU_ASSERT_PTR_NOT_NULL_FATAL(bench);
    bench->network = (struct network){.classes = classes, .batch = 7};
    bench->plan.check_count = 1;
    bench->plan.contract.has_range = true;
    bench->plan.contract.range_high = 3.0;
    bench->plan.contract.rank = 1;
    bench->plan.contract.dims[0] = 2;
    bench->plan.checks[0] = (struct plan_check){.id = id, .version = 1};
    if (id == PLAN_ACTIVATION_CLUSTERING)
        bench->plan.checks[0].clustering =
            (struct plan_clustering){.components = 2, .starts = 20, .minimum_class_size = 4};
    for (unsigned set = PLAN_SET_TRAIN; set <= PLAN_SET_TEST; set++)
        bench->plan.sets[set] = (struct plan_set){.present = true, .count = SAMPLES, .window = 9};
    bench->plan.sets[PLAN_SET_TRAIN].labelled = true;
    return bench;
}

static int feed(struct bench *bench, const struct check *check, void *state, enum plan_set_id set, struct error *err)
{
    int r = 0;

    for (uint64_t first = 0; r == 0 && first < SAMPLES;) {
        struct check_window window = {.set = set,
                                      .first = first,
                                      .count = plan_window_count(&bench->plan.sets[set], first),
                                      .x = bench->x[set] + 2 * first,
                                      .labels = bench->plan.sets[set].labelled ? bench->labels + first : NULL};

        r = check->window(state, &window, err);
        first += window.count;
    }
    return r;
}

static int run(struct bench *bench, uint64_t memory, struct error *err)
{
    struct check_context context = {.plan = &bench->plan,
                                    .network = &bench->network,
                                    .sink = {.send = keep, .argument = &bench->kept},
                                    .memory_bytes = memory};
    const struct check *check = NULL;
    void *state = NULL;
    int r = check_find(&bench->plan, 0, &check, err);

    if (r == 0)
        r = check->begin(&context, &state, err);
    if (r == 0 && plan_check_reads(&bench->plan, check->id, PLAN_SET_TRAIN))
        r = feed(bench, check, state, PLAN_SET_TRAIN, err);
    if (r == 0)
        r = feed(bench, check, state, PLAN_SET_TEST, err);
    if (r == 0)
        r = check->end(state, &bench->figures, err);
    if (check != NULL)
        check->free(state);
    return r;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

static void test_clean_accuracy(void)
{
    struct bench *bench = new_bench(PLAN_CLEAN_ACCURACY, 3);

    for (unsigned i = 0; i < SAMPLES; i++)
        bench->x[PLAN_SET_TEST][2 * i] = (float)(i % 3) + 0.1f;
    CU_ASSERT_EQUAL(run(bench, 0, NULL), 0);
    for (unsigned i = 0; i < SAMPLES; i++)
        CU_ASSERT_EQUAL(bench->kept.classes[0][i], (int32_t)(i % 3));
    CU_ASSERT_EQUAL(bench->kept.predictions, 5); /* windows of 9 */
    CU_ASSERT_EQUAL(bench->kept.progress, SAMPLES);
    CU_ASSERT_EQUAL(bench->figures.images, SAMPLES);
    free(bench);
}

static void test_binary(void)
{
    struct bench *bench = new_bench(PLAN_CLEAN_ACCURACY, 1);

    CU_ASSERT_EQUAL(check_classes(&bench->network), 2);
    for (unsigned i = 0; i < SAMPLES; i++)
        bench->x[PLAN_SET_TEST][2 * i] = i % 2 == 0 ? -1.0f : 1.0f;
    CU_ASSERT_EQUAL(run(bench, 0, NULL), 0);
    for (unsigned i = 0; i < SAMPLES; i++)
        CU_ASSERT_EQUAL(bench->kept.classes[0][i], (int32_t)(i % 2));
    free(bench);
}

static void test_fgsm(void)
{
    struct bench *bench = new_bench(PLAN_FGSM, 4);
    struct plan_check *check = &bench->plan.checks[0];

    check->attack.curve_count = 1;
    check->attack.curves[0] = (struct plan_curve){.norm = PLAN_NORM_INF, .point_count = 2, .eps = {0.25, 1.0}};
    check->attack.samples = 2;
    for (unsigned i = 0; i < SAMPLES; i++)
        bench->x[PLAN_SET_TEST][2 * i] = (float)(i % 4);
    CU_ASSERT_EQUAL(run(bench, 0, NULL), 0);
    for (unsigned i = 0; i < SAMPLES; i++) {
        CU_ASSERT_EQUAL(bench->kept.classes[0][i], (int32_t)(i % 4)); /* a quarter changes nothing */
        CU_ASSERT_EQUAL(bench->kept.classes[1][i], (int32_t)(i % 4 < 3 ? i % 4 + 1 : 3)); /* clipped at 3 */
    }
    CU_ASSERT_EQUAL(bench->kept.samples[0][0], 0.25f);
    CU_ASSERT_EQUAL(bench->kept.samples[0][2], 1.25f);
    CU_ASSERT_EQUAL(bench->kept.samples[1][2], 2.0f);
    CU_ASSERT_EQUAL(bench->kept.samples[1][3], 0.0f);
    CU_ASSERT_EQUAL(bench->figures.gradient_images, SAMPLES);
    CU_ASSERT_EQUAL(bench->figures.images, 3 * SAMPLES);
    CU_ASSERT_EQUAL(bench->kept.progress, 2 * SAMPLES);
    free(bench);
}

/* Attacks on logits alone, of a network that has nothing else; its first input decides. */
static void test_black_box(void)
{
    const enum plan_check_id ids[] = {PLAN_SQUARE, PLAN_NOISE};

    for (unsigned k = 0; k < 4; k++) {
        struct bench *bench = new_bench(ids[k % 2], k < 2 ? 4 : 1);
        struct plan_attack *attack = &bench->plan.checks[0].attack;

        bench->network.forward_only = true;
        bench->plan.contract.range_low = -1.0;
        *attack = (struct plan_attack){.iterations = 30, .samples = 2, .curve_count = 1};
        attack->curves[0] = (struct plan_curve){.norm = PLAN_NORM_INF, .point_count = 2, .eps = {0.25, 1.0}};
        for (unsigned i = 0; i < SAMPLES; i++)
            bench->x[PLAN_SET_TEST][2 * i] = k < 2 ? (float)(i % 4) : 0.5f;
        CU_ASSERT_EQUAL(run(bench, 0, NULL), 0);
        for (unsigned i = 0; i < SAMPLES; i++) {
            int32_t clean = k < 2 ? (int32_t)(i % 4) : 1;

            CU_ASSERT_EQUAL(bench->kept.classes[0][i], clean);
            CU_ASSERT(ids[k % 2] == PLAN_NOISE || bench->kept.classes[1][i] != clean);
        }
        CU_ASSERT(bench->figures.gradient_images == 0 && bench->kept.progress == 2 * SAMPLES);
        CU_ASSERT(fabsf(bench->kept.samples[1][0] - bench->x[PLAN_SET_TEST][0]) <= 1.0f);
        free(bench);
    }
}

static void test_unfit(void)
{
    struct bench *bench = new_bench(PLAN_FGSM, 4);
    const struct check_context context = {.plan = &bench->plan, .network = &bench->network};

    CU_ASSERT_PTR_NULL(check_fgsm.unfit(&context));
    bench->network.forward_only = true;
    CU_ASSERT_PTR_NOT_NULL(check_fgsm.unfit(&context));
    CU_ASSERT_PTR_NOT_NULL(check_pgd.unfit(&context));
    CU_ASSERT(check_square.unfit == NULL && !check_square.needs_gradient);
    CU_ASSERT(check_noise.unfit == NULL && !check_noise.needs_gradient);
    free(bench);
}

/* Label 0: 20 samples, of which 8 stand apart; label 1: 17; label 2: 3, too few; label 3: none. */
static void fill_clusters(struct bench *bench)
{
    for (unsigned i = 0; i < SAMPLES; i++) {
        float *train = bench->x[PLAN_SET_TRAIN] + 2 * i, *test = bench->x[PLAN_SET_TEST] + 2 * i;

        bench->labels[i] = i < 20 ? 0 : i < 37 ? 1 : 2;
        train[0] = (float)bench->labels[i] + (float)(i % 5) * 0.01f;
        train[1] = (i < 20 && i % 5 < 2 ? 10.0f : 0.0f) + (float)(i % 3) * 0.01f;
        test[0] = (float)(i % 4); /* predicted as i % 4 */
        test[1] = i == 0 ? 10.0f : 0.0f;
    }
}

static void test_clustering(void)
{
    struct bench *bench = new_bench(PLAN_ACTIVATION_CLUSTERING, 4);
    const struct message_cluster *c = bench->kept.clusters;

    fill_clusters(bench);
    CU_ASSERT_EQUAL(run(bench, 0, NULL), 0);
    CU_ASSERT_EQUAL(bench->kept.cluster_count, 4);
    CU_ASSERT(c[0].outcome == MESSAGE_CLUSTER_DONE && c[0].sizes[0] == 12 && c[0].sizes[1] == 8);
    CU_ASSERT(c[0].test_sizes[0] == 9 && c[0].test_sizes[1] == 1);
    CU_ASSERT(c[0].silhouette > 0.95 && fabs(c[0].separation - 10.0) < 0.1);
    CU_ASSERT(c[0].index_count[0] == 12 && c[0].indices[0][0] == 2 && c[0].indices[1][0] == 0);
    CU_ASSERT(c[1].outcome == MESSAGE_CLUSTER_DONE && c[1].sizes[0] + c[1].sizes[1] == 17);
    CU_ASSERT(c[1].test_sizes[0] + c[1].test_sizes[1] == 10);
    CU_ASSERT(c[2].outcome == MESSAGE_CLUSTER_TOO_SMALL && c[2].sizes[0] == 3 && c[2].test_sizes[0] == 10);
    CU_ASSERT(c[3].outcome == MESSAGE_CLUSTER_TOO_SMALL && c[3].sizes[0] == 0 && c[3].test_sizes[0] == 10);
    CU_ASSERT(bench->kept.points[0][0] == 20 && bench->kept.points[0][1] == 10);
    CU_ASSERT(bench->kept.points[1][0] == 17 && bench->kept.points[1][1] == 10);
    CU_ASSERT(bench->kept.points[2][0] == 0 && bench->kept.points[3][1] == 0);
    CU_ASSERT_STRING_EQUAL(bench->figures.layer, "inputs");
    free(bench);
}

static void expect(struct bench *bench, uint64_t memory, int code, enum error_kind kind, const char *part)
{
    struct error err = {0};

    CU_ASSERT_EQUAL(run(bench, memory, &err), code);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, part));
    free(bench);
}

static void test_bad_input(void)
{
    struct bench *bench = new_bench(PLAN_ACTIVATION_CLUSTERING, 4);

    fill_clusters(bench);
    bench->labels[11] = 4;
    expect(bench, 0, -EINVAL, ERROR_BAD_INPUT, "training sample 11 has the label 4");
    bench = new_bench(PLAN_ACTIVATION_CLUSTERING, 4);
    fill_clusters(bench);
    bench->x[PLAN_SET_TRAIN][2 * 10 + 1] = INFINITY;
    expect(bench, 0, -EDOM, ERROR_BAD_INPUT, "activation 1 of training sample 10");
    bench = new_bench(PLAN_ACTIVATION_CLUSTERING, 4);
    fill_clusters(bench);
    bench->x[PLAN_SET_TEST][2 * 39] = NAN;
    expect(bench, 0, -EDOM, ERROR_BAD_INPUT, "activation 0 of test sample 39");
    bench = new_bench(PLAN_ACTIVATION_CLUSTERING, 4);
    expect(bench, 100, -ENOMEM, ERROR_UNAVAILABLE, "the training set's activations");
    bench = new_bench(PLAN_ACTIVATION_CLUSTERING, 4);
    bench->plan.checks[0].version = 2;
    expect(bench, 0, -ENOTSUP, ERROR_UNAVAILABLE, "version 1 in this agent, not 2");
    bench = new_bench(PLAN_FGSM, 4);
    bench->plan.contract.has_range = false;
    expect(bench, 0, -EINVAL, ERROR_BAD_INPUT, "valid range");
    bench = new_bench(PLAN_SQUARE, 4);
    bench->plan.sets[PLAN_SET_TEST].labelled = true;
    bench->labels[5] = 4;
    expect(bench, 0, -EINVAL, ERROR_BAD_INPUT, "test sample 5 has the label 4");
    bench = new_bench(PLAN_CLEAN_ACCURACY, 4);
    bench->kept.refuse = -EPIPE;
    expect(bench, 0, -EPIPE, ERROR_INTERNAL, "refused");
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"clean-accuracy", test_clean_accuracy},
        {"a single output is binary", test_binary},
        {"fgsm", test_fgsm},
        {"square and noise need logits alone", test_black_box},
        {"a model without gradients is not fit for fgsm and pgd", test_unfit},
        {"activation-clustering", test_clustering},
        {"bad input", test_bad_input},
    };

    return harness_run("checks", tests, HARNESS_COUNT(tests));
}
