/* SPDX-License-Identifier: Apache-2.0 */
/* trigger-scan and what it is made of, over a network whose one trigger is known; Adam, quantiles and masks. */
#include "unit/harness.h"

#include "guest/checks/neural_cleanse_mask.h"
#include "guest/checks/quantile.h"
#include "guest/checks/trigger_scan_search.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SIDE    8u
#define CLASSES 7u
#define SAMPLES 60u
#define LARGEST (3 * SIDE * SIDE)

/*
 * The network: a sample of class k has (k + 1)/10 in all of its elements, and is known by what most of them have. A
 * planted square of `colour` makes it class `target`. With one class it answers with a logit that is positive for odd
 * k.
 */
struct network {
    size_t classes;
    uint32_t batch, channels, row, col, side, target;
    float colour[3];
    bool graded; /* classes 0, 2 and 4 are turned by half of the square already */
    uint64_t images;
};

size_t network_input_size(const struct network *network)
{
    return (size_t)network->channels * SIDE * SIDE;
}

size_t network_classes(const struct network *network)
{
    return network->classes;
}

size_t network_layer_size(const struct network *network)
{
    return network->classes;
}

const char *network_layer_name(const struct network *network)
{
    (void)network;
    return "logits";
}

uint32_t network_batch(const struct network *network)
{
    return network->batch;
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

/* Cells of the square that have its colour. */
static uint32_t count_trigger(const struct network *network, const float *x)
{
    uint32_t cells = 0;

    for (uint32_t i = network->row; i < network->row + network->side; i++)
        for (uint32_t j = network->col; j < network->col + network->side; j++) {
            bool equal = true;

            for (uint32_t c = 0; c < network->channels; c++)
                equal = equal && x[(c * SIDE + i) * SIDE + j] == network->colour[c];
            cells += equal;
        }
    return cells;
}

static uint32_t class_of(const struct network *network, const float *x)
{
    uint32_t votes[10] = {0}, best = 1, cells = count_trigger(network, x), needed = network->side * network->side;

    for (size_t i = 0; i < network_input_size(network); i++) {
        int tenths = (int)lrintf(10.0f * x[i]);

        if (tenths > 0 && tenths < 10)
            votes[tenths]++;
    }
    for (uint32_t k = 2; k < 10; k++)
        if (votes[k] > votes[best])
            best = k;
    if (network->graded && best % 2 == 1)
        needed /= 2;
    return needed > 0 && cells >= needed ? network->target : best - 1;
}

int network_activations(struct network *network, const float *x, size_t count, float *ret_activations,
                        float *ret_logits, struct error *err)
{
    (void)ret_activations;
    (void)err;
    network->images += count;
    for (size_t i = 0; i < count; i++) {
        uint32_t class = class_of(network, x + i * network_input_size(network));

        for (size_t c = 0; c < network->classes; c++)
            ret_logits[i * network->classes + c] =
                network->classes == 1 ? (class % 2 != 0 ? 1.0f : -1.0f) : (c == class ? 1.0f : 0.0f);
    }
    return 0;
}

int network_logits(struct network *network, const float *x, size_t count, float *ret_logits, struct error *err)
{
    return network_activations(network, x, count, NULL, ret_logits, err);
}

bool network_has_gradient(const struct network *network)
{
    (void)network;
    return true;
}

int network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels, float *ret_gradient,
                     int32_t *ret_predictions, struct error *err)
{
    (void)network;
    (void)x;
    (void)count;
    (void)labels;
    (void)ret_gradient;
    (void)ret_predictions;
    return error_set(err, ERROR_INTERNAL, -ENOTSUP, "no gradients");
}

/* --- a run of the check ------------------------------------------------------------------------------ */

struct bench {
    struct plan plan;
    struct network network;
    float x[SAMPLES][LARGEST], triggers[4][LARGEST];
    struct message_row targets[CLASSES], user[2], coverage;
    unsigned target_count, user_count, coverage_count;
    uint64_t progress;
    uint32_t window;
    uint64_t memory;
    struct check_figures figures;
};

static int keep(void *argument, const struct message *message, struct error *err)
{
    struct bench *bench = argument;

    (void)err;
    if (message->type == MESSAGE_PROGRESS) {
        CU_ASSERT(message->progress.done >= bench->progress && message->progress.done <= message->progress.total);
        bench->progress = message->progress.done;
        return 0;
    }
    CU_ASSERT_EQUAL(message->type, MESSAGE_ROW);
    if (message->row.table == ROWS_TARGETS && bench->target_count < CLASSES)
        bench->targets[bench->target_count++] = message->row;
    else if (message->row.table == ROWS_USER_TRIGGERS && bench->user_count < 2)
        bench->user[bench->user_count++] = message->row;
    else if (message->row.table == ROWS_COVERAGE) {
        bench->coverage = message->row;
        bench->coverage_count++;
    }
    return 0;
}

/* Classes 0 to 5 in turn, or sorted; a red or white square of 2 in the second last row turns them into class 6. */
static struct bench *new_bench(uint32_t channels)
{
    struct bench *bench = calloc(1, sizeof *bench);

    CU_ASSERT_PTR_NOT_NULL_FATAL(bench);
    bench->network = (struct network){.classes = CLASSES,
                                      .batch = 16,
                                      .channels = channels,
                                      .row = 5,
                                      .col = 3,
                                      .side = 2,
                                      .target = 6,
                                      .colour = {1.0f, channels == 3 ? 0.0f : 1.0f, 0.0f}};
    bench->window = 13;
    bench->plan.check_count = 1;
    bench->plan.contract = (struct plan_contract){
        .rank = 3, .dims = {channels, SIDE, SIDE}, .has_range = true, .range_low = 0.0, .range_high = 1.0};
    bench->plan.checks[0] = (struct plan_check){
        .id = PLAN_TRIGGER_SCAN,
        .version = 1,
        .trigger_scan = {.kept = SAMPLES, .patch_count = 2, .patches = {2, 3}, .stride = 1},
    };
    bench->plan.sets[PLAN_SET_TEST] = (struct plan_set){.present = true, .count = SAMPLES, .window = bench->window};
    for (unsigned i = 0; i < SAMPLES; i++)
        for (unsigned j = 0; j < channels * SIDE * SIDE; j++)
            bench->x[i][j] = (float)(i % 6 + 1) / 10.0f;
    return bench;
}

static int feed(struct bench *bench, const struct check *check, void *state, enum plan_set_id set, struct error *err)
{
    size_t size = network_input_size(&bench->network);
    CLEANUP_FREE float *x = malloc(bench->window * size * sizeof *x);
    int r = 0;

    for (uint64_t first = 0; r == 0 && first < bench->plan.sets[set].count;) {
        struct check_window window = {.set = set, .first = first, .x = x};

        window.count = plan_window_count(&bench->plan.sets[set], first);
        for (uint32_t i = 0; i < window.count; i++)
            memcpy(x + i * size, set == PLAN_SET_TEST ? bench->x[first + i] : bench->triggers[first + i],
                   size * sizeof *x);
        r = check->window(state, &window, err);
        first += window.count;
    }
    return r;
}

static int run(struct bench *bench, struct error *err)
{
    struct check_context context = {.plan = &bench->plan,
                                    .network = &bench->network,
                                    .sink = {.send = keep, .argument = bench},
                                    .memory_bytes = bench->memory};
    const struct check *check = NULL;
    void *state = NULL;
    int r = check_find(&bench->plan, 0, &check, err);

    CU_ASSERT_EQUAL_FATAL(r, 0);
    CU_ASSERT_PTR_NULL(check->unfit(&context));
    r = check->begin(&context, &state, err);
    if (r == 0 && bench->plan.sets[PLAN_SET_TRIGGERS].present)
        r = feed(bench, check, state, PLAN_SET_TRIGGERS, err);
    if (r == 0)
        r = feed(bench, check, state, PLAN_SET_TEST, err);
    if (r == 0)
        r = check->end(state, &bench->figures, err);
    check->free(state);
    return r;
}

/* --- trigger-scan ------------------------------------------------------------------------------------------ */

static void expect_found(const struct bench *bench, uint64_t colour)
{
    const uint64_t *row = bench->targets[6].naturals;

    CU_ASSERT_EQUAL(bench->target_count, CLASSES);
    CU_ASSERT(row[TARGETS_TARGET] == 6 && row[TARGETS_ROW] == 5 && row[TARGETS_COL] == 3);
    CU_ASSERT(row[TARGETS_HEIGHT] == 2 && row[TARGETS_WIDTH] == 2 && row[TARGETS_COLOUR] == colour);
    CU_ASSERT(row[TARGETS_FLIPPED] == row[TARGETS_ELIGIBLE]);
    for (unsigned target = 0; target < 6; target++)
        CU_ASSERT_EQUAL(bench->targets[target].naturals[TARGETS_FLIPPED], 0);
}

static void test_finds(void)
{
    struct bench *bench = new_bench(1);

    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    expect_found(bench, 1);
    CU_ASSERT_EQUAL(bench->targets[6].naturals[TARGETS_ELIGIBLE], SAMPLES);
    CU_ASSERT_EQUAL(bench->targets[0].naturals[TARGETS_ELIGIBLE], SAMPLES - 10);
    CU_ASSERT_EQUAL(bench->targets[6].reals[TARGETS_VALUE_0], 1.0);
    CU_ASSERT_EQUAL(bench->coverage_count, 1);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_PLACES], (7 * 7 + 6 * 6) * 4);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_TRIED], (7 * 7 + 6 * 6) * 4);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_SAMPLES], SAMPLES);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_IMAGES], bench->network.images);
    CU_ASSERT_EQUAL(bench->figures.images, bench->network.images);
    free(bench);
}

/* A sorted test set: few kept samples still are of all classes. */
static void test_sorted_set(void)
{
    struct bench *bench = new_bench(1);

    for (unsigned i = 0; i < SAMPLES; i++)
        for (unsigned j = 0; j < SIDE * SIDE; j++)
            bench->x[i][j] = (float)(i / 10 + 1) / 10.0f;
    bench->plan.checks[0].trigger_scan.kept = 12;
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    expect_found(bench, 1);
    for (unsigned target = 0; target < 6; target++)
        CU_ASSERT_EQUAL(bench->targets[target].naturals[TARGETS_ELIGIBLE], 10);
    free(bench);
}

static void test_colours_and_layouts(void)
{
    struct bench *bench = new_bench(3);

    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    expect_found(bench, 4);
    CU_ASSERT(bench->targets[6].reals[TARGETS_VALUE_0] == 1.0 && bench->targets[6].reals[TARGETS_VALUE_1] == 0.0 &&
              bench->targets[6].reals[TARGETS_VALUE_2] == 0.0);
    free(bench);
}

/* The stride's last place is the last that fits. */
static void test_stride(void)
{
    struct bench *bench = new_bench(1);

    bench->network.row = bench->network.col = 6;
    bench->plan.checks[0].trigger_scan.stride = 4;
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_PLACES], (3 * 3 + 3 * 3) * 4);
    CU_ASSERT_EQUAL(bench->targets[6].naturals[TARGETS_FLIPPED], SAMPLES);
    CU_ASSERT_EQUAL(bench->targets[6].naturals[TARGETS_ROW], 6);
    free(bench);
}

/* The stride leaves the trigger's own place out: from a place that half covers it the search walks there. */
static void test_refined(void)
{
    struct bench *bench = new_bench(1);

    bench->network.graded = true;
    bench->plan.checks[0].trigger_scan.patch_count = 1;
    bench->plan.checks[0].trigger_scan.stride = 2; /* (4, 3) is between (4, 2) and (4, 4) */
    bench->network.row = 4;
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    CU_ASSERT_EQUAL(bench->targets[6].naturals[TARGETS_ROW], 4);
    CU_ASSERT_EQUAL(bench->targets[6].naturals[TARGETS_COL], 3);
    CU_ASSERT_EQUAL(bench->targets[6].naturals[TARGETS_FLIPPED], SAMPLES);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_IMAGES], bench->network.images);
    free(bench);
}

static void test_binary(void)
{
    struct bench *bench = new_bench(1);

    bench->network.classes = 1;
    bench->network.target = 1;
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    CU_ASSERT_EQUAL(bench->target_count, 2);
    CU_ASSERT_EQUAL(bench->targets[1].naturals[TARGETS_FLIPPED], SAMPLES / 2);
    CU_ASSERT_EQUAL(bench->targets[1].naturals[TARGETS_ELIGIBLE], SAMPLES / 2);
    free(bench);
}

static void test_budget(void)
{
    struct bench *bench = new_bench(1);
    uint64_t places = 340;

    for (uint64_t budget = 1; budget < 4000; budget += 97) {
        struct bench *cut = new_bench(1);
        uint64_t allowed = budget > SAMPLES ? budget : SAMPLES; /* clean predictions are always made */

        cut->plan.checks[0].trigger_scan.image_budget = budget;
        CU_ASSERT_EQUAL(run(cut, NULL), 0);
        CU_ASSERT(cut->network.images <= allowed);
        CU_ASSERT_EQUAL(cut->coverage.naturals[COVERAGE_PLACES], places);
        CU_ASSERT(cut->coverage.naturals[COVERAGE_TRIED] <= places);
        CU_ASSERT(cut->coverage.naturals[COVERAGE_TRIED] * SCAN_SCREEN_SAMPLES <= budget);
        CU_ASSERT(budget < 3 * SAMPLES || cut->coverage.naturals[COVERAGE_TRIED] > 0);
        free(cut);
    }
    bench->plan.checks[0].trigger_scan.image_budget = 100000;
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_TRIED], places);
    expect_found(bench, 1);
    free(bench);
}

/* A corner is tried first, so that even a small budget finds what is there. */
static void test_budget_order(void)
{
    struct bench *bench = new_bench(1);

    bench->network.row = bench->network.col = 0;
    bench->plan.checks[0].trigger_scan.image_budget = 8 * SAMPLES;
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    CU_ASSERT(bench->coverage.naturals[COVERAGE_TRIED] < bench->coverage.naturals[COVERAGE_PLACES] / 2);
    CU_ASSERT(bench->targets[6].naturals[TARGETS_FLIPPED] == bench->targets[6].naturals[TARGETS_ELIGIBLE]);
    CU_ASSERT(bench->targets[6].naturals[TARGETS_ELIGIBLE] > 0);
    free(bench);
}

static void test_user_triggers(void)
{
    struct bench *bench = new_bench(1);

    for (unsigned i = 0; i < SIDE * SIDE; i++) {
        bool inside = i / SIDE >= 5 && i / SIDE < 7 && i % SIDE >= 3 && i % SIDE < 5;

        bench->triggers[0][i] = 0.3f; /* without a mask: nothing */
        bench->triggers[2][i] = 1.0f;
        bench->triggers[3][i] = inside ? 1.0f : 0.0f;
    }
    bench->plan.sets[PLAN_SET_TRIGGERS] = (struct plan_set){.present = true, .count = 4, .window = 3};
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    CU_ASSERT_EQUAL(bench->user_count, 2);
    CU_ASSERT_EQUAL(bench->user[0].naturals[USER_TRIGGERS_FLIPPED], 0);
    CU_ASSERT_EQUAL(bench->user[1].naturals[USER_TRIGGERS_INDEX], 1);
    CU_ASSERT_EQUAL(bench->user[1].naturals[USER_TRIGGERS_TARGET], 6);
    CU_ASSERT_EQUAL(bench->user[1].naturals[USER_TRIGGERS_FLIPPED], SAMPLES);
    CU_ASSERT_EQUAL(bench->user[1].naturals[USER_TRIGGERS_ELIGIBLE], SAMPLES);
    CU_ASSERT_EQUAL(bench->coverage.naturals[COVERAGE_IMAGES], bench->network.images);
    free(bench);
}

static void test_same_bits(void)
{
    static const uint32_t batches[] = {1, 7, 64}, windows[] = {1, 59, 60};
    struct bench *bench = new_bench(1);

    bench->plan.checks[0].trigger_scan.image_budget = 1500;
    CU_ASSERT_EQUAL(run(bench, NULL), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct bench *other = new_bench(1);

        other->plan.checks[0].trigger_scan.image_budget = 1500;
        other->network.batch = batches[i];
        other->window = other->plan.sets[PLAN_SET_TEST].window = windows[i];
        CU_ASSERT_EQUAL(run(other, NULL), 0);
        for (unsigned t = 0; t < CLASSES; t++)
            CU_ASSERT_EQUAL(
                memcmp(other->targets[t].naturals, bench->targets[t].naturals, TARGETS_NATURALS * sizeof(uint64_t)), 0);
        CU_ASSERT_EQUAL(
            memcmp(other->coverage.naturals, bench->coverage.naturals, COVERAGE_NATURALS * sizeof(uint64_t)), 0);
        free(other);
    }
    free(bench);
}

static const char *unfit(struct bench *bench, enum plan_check_id id)
{
    struct check_context context = {.plan = &bench->plan, .network = &bench->network};
    const struct check *check = NULL;

    bench->plan.checks[0].id = id;
    CU_ASSERT_EQUAL_FATAL(check_find(&bench->plan, 0, &check, NULL), 0);
    return check->unfit(&context);
}

static void test_unfit(void)
{
    struct bench *bench = new_bench(1);

    CU_ASSERT_PTR_NULL(unfit(bench, PLAN_NEURAL_CLEANSE));
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit(bench, PLAN_STRIP), "trigger"));
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit(bench, PLAN_SPECTRAL_SIGNATURE), "training set"));
    bench->network.classes = 5;
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit(bench, PLAN_NEURAL_CLEANSE), "fewer than 6 classes"));
    bench->plan.contract.has_range = false;
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit(bench, PLAN_TRIGGER_SCAN), "range"));
    bench->plan.contract = (struct plan_contract){.rank = 1, .dims = {64}, .has_range = true, .range_high = 1.0};
    CU_ASSERT_PTR_NOT_NULL(strstr(unfit(bench, PLAN_TRIGGER_SCAN), "not images"));
    free(bench);
}

static void test_memory(void)
{
    struct bench *bench = new_bench(1);
    struct error err = {0};

    bench->memory = 1000;
    CU_ASSERT_EQUAL(run(bench, &err), -ENOMEM);
    CU_ASSERT_EQUAL(err.kind, ERROR_UNAVAILABLE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "trigger-scan needs"));
    free(bench);
}

/* --- parts --------------------------------------------------------------------------------------------------- */

static void test_shapes(void)
{
    struct plan_contract contract = {.rank = 3, .dims = {32, 30, 3}};
    struct kept_shape shape;

    CU_ASSERT_TRUE(kept_shape_of(&contract, &shape)); /* H×W×C */
    CU_ASSERT(shape.channels == 3 && shape.height == 32 && shape.width == 30);
    CU_ASSERT(shape.channel_step == 1 && shape.row_step == 90 && shape.col_step == 3);
    contract = (struct plan_contract){.rank = 3, .dims = {3, 32, 30}};
    CU_ASSERT_TRUE(kept_shape_of(&contract, &shape));
    CU_ASSERT(shape.channels == 3 && shape.channel_step == 960 && shape.row_step == 30 && shape.col_step == 1);
    contract = (struct plan_contract){.rank = 2, .dims = {28, 20}};
    CU_ASSERT_TRUE(kept_shape_of(&contract, &shape));
    CU_ASSERT(shape.channels == 1 && shape.height == 28 && shape.width == 20 && shape.row_step == 20);
    contract.rank = 1;
    CU_ASSERT_FALSE(kept_shape_of(&contract, &shape));
    contract = (struct plan_contract){.rank = 3, .dims = {1, 65536, 2}};
    CU_ASSERT_FALSE(kept_shape_of(&contract, &shape));
}

static void test_order(void)
{
    const int32_t classes[] = {2, 2, 2, 0, 0, 1, 2};
    const uint32_t expected[] = {0, 3, 5, 1, 4, 2, 6};
    uint32_t order[7];

    CU_ASSERT_EQUAL(kept_order(classes, 7, 3, order), 0);
    CU_ASSERT_EQUAL(memcmp(order, expected, sizeof order), 0);
}

/* Corners first, then every fourth place, every second, the rest; a short list is the start of a long one. */
static void test_places(void)
{
    struct bench *bench = new_bench(1);
    struct check_context context = {.plan = &bench->plan, .network = &bench->network};
    struct scan_places places, first;
    struct kept_shape shape;

    CU_ASSERT_TRUE(kept_shape_of(&bench->plan.contract, &shape));
    CU_ASSERT_EQUAL_FATAL(scan_places_open(&places, &context, &shape, UINT64_MAX, NULL), 0);
    CU_ASSERT_EQUAL_FATAL(scan_places_open(&first, &context, &shape, 30, NULL), 0);
    CU_ASSERT(places.count == 340 && places.total == 340 && first.count == 30 && first.total == 340);
    CU_ASSERT_EQUAL(memcmp(places.items, first.items, 30 * sizeof *first.items), 0);
    for (unsigned i = 0; i < 32; i++) {
        unsigned last = SIDE - places.items[i].side;

        CU_ASSERT((places.items[i].row == 0 || places.items[i].row == last) &&
                  (places.items[i].col == 0 || places.items[i].col == last));
    }
    CU_ASSERT(places.items[32].row == 0 && places.items[32].col == 4 && places.items[32].side == 2);
    for (unsigned i = 0; i < places.count; i++)
        for (unsigned j = 0; j < i; j++)
            CU_ASSERT(memcmp(&places.items[i], &places.items[j], sizeof places.items[i]) != 0);
    scan_places_close(&places);
    scan_places_close(&first);
    free(bench);
}

/* A checkerboard in an image of rows, columns and channels, and what is around it. */
static void test_paint(void)
{
    const struct scan_places places = {
        .shape = {.channels = 3, .height = 4, .width = 5, .channel_step = 1, .row_step = 15, .col_step = 3},
        .low = -1.0f,
        .high = 2.0f};
    const struct scan_place board = {.row = 1, .col = 2, .side = 3, .colour = 2};
    const struct scan_place blue = {.row = 0, .col = 0, .side = 1, .colour = 7};
    float x[60];

    for (unsigned i = 0; i < 60; i++)
        x[i] = 0.5f;
    scan_places_paint(&places, &board, x);
    scan_places_paint(&places, &blue, x);
    for (unsigned i = 3; i < 60; i++) {
        unsigned row = i / 15, col = i % 15 / 3;
        float expected = row < 1 || col < 2 ? 0.5f : (row - 1 + col - 2) % 2 == 0 ? 2.0f : -1.0f;

        CU_ASSERT_EQUAL(x[i], expected);
    }
    CU_ASSERT(x[0] == -1.0f && x[1] == -1.0f && x[2] == 2.0f);
}

/* numpy.quantile([3, 1, 4, 1, 5, 9, 2, 6], …) */
static void test_quantiles(void)
{
    static const double shares[] = {0, 0.01, 0.3, 0.505, 0.99, 1}, expected[] = {1, 1, 2.1, 3.535, 8.79, 9};

    for (unsigned i = 0; i < 6; i++) {
        double values[] = {3, 1, 4, 1, 5, 9, 2, 6};

        CU_ASSERT_DOUBLE_EQUAL(quantile_of(values, 8, shares[i]), expected[i], 1e-12);
    }
}

/* 20 steps down (a − 3)² + ½(b·c − 1)² + c⁴ from (1, −2, ½), as torch.optim.Adam(lr=.1, betas=(.5, .9)) takes them. */
static void test_adam(void)
{
    static const double expected[] = {2.591708074636992, -1.9916886144854726, -0.4366535040359824};
    double w[] = {1.0, -2.0, 0.5};
    struct adam adam;

    CU_ASSERT_EQUAL_FATAL(adam_open(&adam, 3, 0.1, 0.5, 0.9), 0);
    for (unsigned step = 0; step < 20; step++) {
        double off = w[1] * w[2] - 1.0;
        const double gradient[] = {2.0 * (w[0] - 3.0), off * w[2], off * w[1] + 4.0 * w[2] * w[2] * w[2]};

        adam_step(&adam, gradient, w);
    }
    for (unsigned i = 0; i < 3; i++)
        CU_ASSERT_DOUBLE_EQUAL(w[i], expected[i], 1e-9);
    adam_close(&adam);
}

/* A loss Σ a·x' of one sample: the mask's gradient by weights against central differences. */
static double mask_loss(struct cleanse_mask *mask, const float *a, const float *x, double cost)
{
    double loss = 0.0, norm = 0.0;

    for (unsigned i = 0; i < 12; i++) {
        double m = (tanh(mask->weights[i % 6]) + 1.0) / 2.0, p = -1.0 + 3.0 * (tanh(mask->weights[6 + i]) + 1.0) / 2.0;

        loss += (double)a[i] * ((double)x[i] * (1.0 - m) + p * m);
    }
    for (unsigned i = 0; i < 6; i++)
        norm += (tanh(mask->weights[i]) + 1.0) / 2.0;
    return loss + cost * norm;
}

static void test_mask(void)
{
    const struct kept_shape shape = {
        .channels = 2, .height = 2, .width = 3, .channel_step = 6, .row_step = 3, .col_step = 1};
    static const float a[] = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12};
    static const float x[] = {.1f, .2f, .3f, .4f, .5f, .6f, .7f, .8f, .9f, 1.0f, 1.1f, 1.2f};
    double slopes[18], before[18];
    struct cleanse_mask mask;
    struct cleanse_box box;

    CU_ASSERT_EQUAL_FATAL(cleanse_mask_open(&mask, &shape, -1.0, 2.0, 1e-3), 0);
    CU_ASSERT_DOUBLE_EQUAL(cleanse_mask_norm(&mask), 3.0, 1e-12);
    for (unsigned step = 0; step < 3; step++) {
        for (unsigned i = 0; i < 18; i++) {
            double w = mask.weights[i], high, low;

            mask.weights[i] = w + 1e-5;
            high = mask_loss(&mask, a, x, 0.25);
            mask.weights[i] = w - 1e-5;
            low = mask_loss(&mask, a, x, 0.25);
            mask.weights[i] = before[i] = w;
            slopes[i] = (high - low) / 2e-5;
        }
        adam_reset(&mask.adam);
        cleanse_mask_add(&mask, x, a);
        cleanse_mask_add(&mask, x, a);
        cleanse_mask_step(&mask, 2, 0.25);
        for (unsigned i = 0; i < 18; i++) { /* the first moment after one step is half of the gradient */
            CU_ASSERT_DOUBLE_EQUAL(mask.adam.moments[i] * 2.0, slopes[i], 1e-7);
            CU_ASSERT_DOUBLE_EQUAL(before[i] - mask.weights[i], slopes[i] > 0 ? 1e-3 : -1e-3, 1e-8);
            mask.weights[i] += 0.1 * (double)i - 0.9;
        }
        cleanse_mask_step(&mask, 1, 0.0); /* values follow the weights */
    }
    for (unsigned i = 0; i < 18; i++)
        mask.values[i] = i == 1 ? 0.9 : i == 5 ? 0.45 : 0.1;
    cleanse_mask_box(&mask, mask.values, &box);
    CU_ASSERT(box.row == 0 && box.col == 1 && box.height == 2 && box.width == 2 && box.largest == 0.9);
    cleanse_mask_close(&mask);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the planted patch is found", test_finds},
        {"a test set sorted by class", test_sorted_set},
        {"colours of three channels", test_colours_and_layouts},
        {"a stride ends at the edge", test_stride},
        {"a walk to a better place", test_refined},
        {"a single output is binary", test_binary},
        {"budgets", test_budget},
        {"corners come first", test_budget_order},
        {"the user's triggers", test_user_triggers},
        {"the same bits for any batch and window", test_same_bits},
        {"reasons to skip", test_unfit},
        {"memory", test_memory},
        {"shapes of images", test_shapes},
        {"classes in turn", test_order},
        {"places in their order", test_places},
        {"patches", test_paint},
        {"quantiles", test_quantiles},
        {"Adam", test_adam},
        {"masks", test_mask},
    };

    return harness_run("trigger-scan", tests, HARNESS_COUNT(tests));
}
