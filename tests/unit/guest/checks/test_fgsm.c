/* SPDX-License-Identifier: Apache-2.0 */
/* fgsm on the digits model: the reference's figures and arrays, goals, restarts, features, and the same bits always. */
#include "unit/guest/checks/digits_run.h"
#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define ELEMENTS ((size_t)FIXTURE_TEST * FIXTURE_PIXELS)

int __real_network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels,
                            float *ret_gradient, int32_t *ret_predictions, struct error *err);
int __wrap_network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels,
                            float *ret_gradient, int32_t *ret_predictions, struct error *err);

static const float *stored_gradients; /* 450 × 64, to be used instead of the network's own; or NULL */

int __wrap_network_gradient(struct network *network, const float *x, size_t count, const int32_t *labels,
                            float *ret_gradient, int32_t *ret_predictions, struct error *err)
{
    int r = __real_network_gradient(network, x, count, labels, ret_gradient, ret_predictions, err);

    if (r == 0 && stored_gradients != NULL)
        memcpy(ret_gradient, stored_gradients + (x - digits_inputs()), count * FIXTURE_PIXELS * sizeof(float));
    return r;
}

static struct plan_check fgsm_check(void)
{
    struct plan_check check = {.id = PLAN_FGSM, .version = 1};

    check.attack.curve_count = 1;
    check.attack.curves[0] =
        (struct plan_curve){.norm = PLAN_NORM_INF, .point_count = 6, .eps = {0.01, 0.03, 0.05, 0.1, 0.2, 0.3}};
    return check;
}

static void test_known_figures(void)
{
    static const unsigned correct[] = {443, 430, 396, 260, 29, 5}, robust[] = {440, 425, 391, 254, 24, 0};
    struct plan_check check = fgsm_check();
    struct digits_result *result = digits_run(&check, NULL);

    for (unsigned p = 0; p < 6; p++) {
        CU_ASSERT_EQUAL(digits_correct(result->classes[0][p]), correct[p]);
        CU_ASSERT_EQUAL(digits_robust(result->classes[0][p]), robust[p]);
    }
    CU_ASSERT_EQUAL(result->figures.gradient_images, 450); /* one gradient for the curve */
    CU_ASSERT_EQUAL(result->figures.images, 450 * 7);
    CU_ASSERT(result->zero_gradients == 0 && result->gradients == 450);
    free(result);
}

/* What is wrong when clean stays wrong, so that right under attack is right in both. */
static void test_labels(void)
{
    static const unsigned correct[] = {440, 425, 391, 254, 24, 0};
    struct plan_check check = fgsm_check();
    struct digits_result *result = digits_run(&check, &(struct digits_options){.labelled = true});

    for (unsigned p = 0; p < 6; p++)
        CU_ASSERT_EQUAL(digits_correct(result->classes[0][p]), correct[p]);
    CU_ASSERT_EQUAL(result->figures.images, 450 * 7);
    free(result);
}

/* --- minimal ---------------------------------------------------------------------------------------------- */

static void digest_of_last(const struct digits_result *result, unsigned point, char ret_hex[SHA256_HEX_SIZE])
{
    static float values[ELEMENTS];
    uint8_t digest[SHA256_SIZE];

    memcpy(values, result->samples[0][point], sizeof values);
    for (size_t i = 0; i < ELEMENTS; i++)
        values[i] += 0.0f;
    sha256_of(values, sizeof values, digest);
    sha256_to_hex(digest, ret_hex);
}

static bool is_reference(const struct digits_result *result, unsigned point, const char *name)
{
    FILE *file = fopen("tests/fixtures/checks/fgsm-modes.txt", "r");
    char found[32], hex[SHA256_HEX_SIZE], expected[SHA256_HEX_SIZE];
    bool seen = false;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (!seen && fscanf(file, "%31s %64s", found, expected) == 2)
        seen = strcmp(found, name) == 0;
    (void)fclose(file);
    digest_of_last(result, point, hex);
    return seen && strcmp(hex, expected) == 0;
}

static struct plan_check minimal_check(double norm, unsigned points, double step)
{
    struct plan_check check = fgsm_check();
    struct plan_curve *curve = &check.attack.curves[0];

    *curve = (struct plan_curve){.norm = norm, .minimal = true, .point_count = points, .eps = {step}};
    for (unsigned p = 1; p < points; p++)
        curve->eps[p] = curve->eps[p - 1] + step; /* as the reference adds */
    check.attack.samples = FIXTURE_TEST;
    return check;
}

/* With the reference's own gradients its arrays come out, through predictions of each point. */
static void test_minimal_reference(void)
{
    struct plan_check inf = minimal_check(PLAN_NORM_INF, 6, 0.05), two = minimal_check(2, 12, 0.25);
    float *gradients = fixture_read("gradient-pred.f32", ELEMENTS * sizeof(float));
    struct digits_result *result;

    stored_gradients = gradients;
    result = digits_run(&inf, NULL);
    CU_ASSERT(is_reference(result, 5, "minimal-inf"));
    free(result);
    result = digits_run(&two, &(struct digits_options){.window = 101, .batch = 13});
    CU_ASSERT(is_reference(result, 11, "minimal-2"));
    free(result);
    stored_gradients = NULL;
    free(gradients);
}

static void test_minimal(void)
{
    struct plan_check check = minimal_check(PLAN_NORM_INF, 6, 0.05);
    struct digits_result *result = digits_run(&check, NULL);
    unsigned broken = 0;

    for (unsigned i = 0; i < FIXTURE_TEST; i++) {
        bool was = false;

        for (unsigned p = 0; p < 6; p++) {
            bool is = result->classes[0][p][i] != digits_clean()[i];

            CU_ASSERT(is || !was); /* what is broken stays so, */
            if (was)               /* and moves no more */
                CU_ASSERT_EQUAL(
                    memcmp(result->samples[0][p][i], result->samples[0][p - 1][i], sizeof result->samples[0][0][0]), 0);
            was = is;
        }
        broken += was;
    }
    CU_ASSERT(broken >= 433); /* the reference, whose gradients are poorer, breaks .962 */
    CU_ASSERT_EQUAL(result->figures.gradient_images, 450);
    CU_ASSERT(result->figures.images < 450 * 7);
    free(result);
}

/* --- goals ------------------------------------------------------------------------------------------------- */

/* The reference turns .453 into the next class at norm inf, eps 0.2. */
static void test_targeted(void)
{
    struct plan_check check = fgsm_check();
    int8_t *signs = fixture_read("signs-targeted.i8", ELEMENTS);
    struct digits_result *result;
    unsigned hit = 0, turned = 0, other = 0;

    check.attack.goal = PLAN_GOAL_NEXT;
    check.attack.samples = FIXTURE_TEST;
    check.attack.curves[0] = (struct plan_curve){.norm = PLAN_NORM_INF, .point_count = 1, .eps = {0.2}};
    result = digits_run(&check, NULL);
    for (unsigned i = 0; i < FIXTURE_TEST; i++) {
        hit += result->classes[0][0][i] == (digits_clean()[i] + 1) % 10;
        turned += result->classes[0][0][i] != digits_clean()[i];
        for (unsigned j = 0; j < FIXTURE_PIXELS; j++) {
            float delta = result->samples[0][0][i][j] - digits_inputs()[i * FIXTURE_PIXELS + j];

            other += (float)signs[i * FIXTURE_PIXELS + j] * delta < 0.0f;
        }
    }
    (void)printf("%u hit, %u turned, %u of 28800 signs differ; ", hit, turned, other);
    CU_ASSERT(abs((int)hit - 204) <= 2 && abs((int)turned - 356) <= 2);
    CU_ASSERT(other <= 140); /* as many as the untargeted reference differs in from f64, saturated samples apart */
    CU_ASSERT_EQUAL(result->figures.images, 450 * 3); /* the labels, the gradient, the point */
    free(result);
    free(signs);
}

static void test_goals(void)
{
    struct plan_check check = fgsm_check();
    unsigned hits[PLAN_GOAL_COUNT] = {0};

    check.attack.curves[0] = (struct plan_curve){.norm = PLAN_NORM_INF, .point_count = 1, .eps = {0.2}};
    for (unsigned goal = 1; goal < PLAN_GOAL_COUNT; goal++) {
        struct digits_result *result;

        check.attack.goal = goal;
        result = digits_run(&check, NULL);
        for (unsigned i = 0; i < FIXTURE_TEST; i++)
            hits[goal] += result->classes[0][0][i] != digits_clean()[i];
        free(result);
    }
    /* The least likely class is the hardest to reach, and turns fewer than any other. */
    CU_ASSERT(hits[PLAN_GOAL_LEAST_LIKELY] < hits[PLAN_GOAL_NEXT]);
    CU_ASSERT(hits[PLAN_GOAL_LEAST_LIKELY] < hits[PLAN_GOAL_RANDOM]);
}

/* --- restarts, features, slices ----------------------------------------------------------------------------- */

static void test_restarts(void)
{
    struct plan_check check = fgsm_check();
    struct digits_result *one, *more;
    unsigned better = 0;

    check.attack.samples = FIXTURE_TEST;
    one = digits_run(&check, NULL);
    check.attack.restarts = 5;
    more = digits_run(&check, NULL);
    for (unsigned p = 0; p < 6; p++)
        for (unsigned i = 0; i < FIXTURE_TEST; i++) {
            bool was = one->classes[0][p][i] != digits_clean()[i], is = more->classes[0][p][i] != digits_clean()[i];

            CU_ASSERT(is || !was);
            better += is && !was;
            CU_ASSERT(digits_distance(PLAN_NORM_INF, i, more->samples[0][p][i]) <=
                      check.attack.curves[0].eps[p] * (1 + 1e-6));
        }
    (void)printf("%u more broken; ", better);
    CU_ASSERT(better > 0);
    CU_ASSERT_EQUAL(more->gradients, 450);
    free(one);
    free(more);
}

static void test_same_bits(void)
{
    static const struct digits_options options[] = {{.window = 450, .batch = 450},
                                                    {.window = 1, .batch = 8},
                                                    {.window = 77, .batch = 5},
                                                    {.window = 128, .batch = 1}};
    struct plan_check check = fgsm_check();
    struct digits_result *first;

    check.attack.samples = FIXTURE_TEST;
    check.attack.restarts = 2;
    check.attack.goal = PLAN_GOAL_RANDOM;
    check.attack.curve_count = 4;
    check.attack.curves[1] = (struct plan_curve){.norm = 2, .point_count = 2, .eps = {0.5, 1}};
    check.attack.curves[2] = (struct plan_curve){.norm = 1.5, .point_count = 2, .eps = {0.5, 1}};
    check.attack.curves[3] = (struct plan_curve){.norm = 1, .point_count = 2, .eps = {0.5, 1}};
    first = digits_run(&check, NULL);
    for (unsigned k = 0; k < sizeof options / sizeof options[0]; k++) {
        struct digits_result *other = digits_run(&check, &options[k]);

        CU_ASSERT_EQUAL(memcmp(first->classes, other->classes, sizeof first->classes), 0);
        CU_ASSERT_EQUAL(memcmp(first->samples, other->samples, sizeof first->samples), 0);
        CU_ASSERT_EQUAL(first->figures.images, other->figures.images);
        free(other);
    }
    free(first);
}

/* Pixels 0-15 fixed, 16-31 integers, 32-39 one group of columns, the others real within [0, 0.5]. */
static void fill_features(float features[PLAN_FEATURE_COUNT][FIXTURE_PIXELS])
{
    for (unsigned i = 0; i < FIXTURE_PIXELS; i++) {
        features[PLAN_FEATURE_LOW][i] = 0.0f;
        features[PLAN_FEATURE_HIGH][i] = i < 40 ? 1.0f : 0.5f;
        features[PLAN_FEATURE_EPS_SCALE][i] = i < 16 || i >= 40 ? 1.0f : 5.0f;
        features[PLAN_FEATURE_MASK][i] = i < 16 ? 0.0f : 1.0f;
        features[PLAN_FEATURE_KIND][i] = i < 16 || i >= 40 ? 0.0f : i < 32 ? 1.0f : 2.0f;
    }
}

static void check_features(const float *clean, const float *x, double eps)
{
    unsigned moved = 0;

    for (unsigned i = 0; i < FIXTURE_PIXELS; i++) {
        double delta = fabs((double)x[i] - (double)clean[i]);

        if (i < 16)
            CU_ASSERT_EQUAL(x[i], clean[i]);
        if (i >= 16 && i < 32)
            CU_ASSERT(x[i] == clean[i] || x[i] == floorf(x[i]));
        if (i >= 32 && i < 40)
            moved += x[i] != clean[i];
        else
            CU_ASSERT(delta <= eps * (i < 32 ? 5 : 1) * (1 + 1e-6));
        if (i >= 40 && clean[i] <= 0.5f)
            CU_ASSERT(x[i] <= 0.5f + 1e-7f);
    }
    CU_ASSERT(moved == 0 || moved == 2); /* columns swap, or stay */
}

static void test_features(void)
{
    float features[PLAN_FEATURE_COUNT][FIXTURE_PIXELS];
    const struct digits_options options = {.features = features[0]};
    struct plan_check check = fgsm_check();
    struct digits_result *result = NULL;
    struct error err = {0};
    unsigned swapped = 0;

    fill_features(features);
    check.attack.samples = FIXTURE_TEST;
    check.attack.curves[0] = (struct plan_curve){.norm = PLAN_NORM_INF, .point_count = 2, .eps = {0.1, 0.25}};
    result = digits_run(&check, &options);
    for (unsigned p = 0; p < 2; p++)
        for (unsigned i = 0; i < FIXTURE_TEST; i++) {
            check_features(digits_inputs() + i * FIXTURE_PIXELS, result->samples[0][p][i], p == 0 ? 0.1 : 0.25);
            for (unsigned j = 32; j < 40; j++)
                swapped += result->samples[0][p][i][j] != digits_inputs()[i * FIXTURE_PIXELS + j];
        }
    CU_ASSERT(swapped > 0);
    free(result);
    features[PLAN_FEATURE_KIND][3] = 0.5f;
    CU_ASSERT_EQUAL(digits_try(&check, &options, &result, &err), -EINVAL);
    CU_ASSERT(err.kind == ERROR_BAD_INPUT && strstr(err.text, "feature 3") != NULL);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the known figures, from one gradient", test_known_figures},
        {"true labels", test_labels},
        {"minimal: the reference's arrays, from its gradients", test_minimal_reference},
        {"minimal: what is broken moves no more", test_minimal},
        {"targeted, against the reference", test_targeted},
        {"goals", test_goals},
        {"restarts only break more", test_restarts},
        {"windows and batches change no bit", test_same_bits},
        {"features are kept to", test_features},
    };

    return harness_run("fgsm", tests, HARNESS_COUNT(tests));
}
