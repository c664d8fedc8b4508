/* SPDX-License-Identifier: Apache-2.0 */
/* square and noise on the digits model: between doing nothing and pgd, inside ball and range, the same bits always. */
#include "unit/guest/checks/digits_run.h"
#include "unit/harness.h"

#include "guest/checks/noise_ball.h"
#include "guest/checks/square_window.h"

#include <math.h>
#include <string.h>

static struct plan_check check_of(enum plan_check_id id, uint32_t iterations, double norm, unsigned points,
                                  const double *eps)
{
    struct plan_check check = {.id = id, .version = 1};

    check.attack.iterations = iterations;
    check.attack.step = 0.25;
    check.attack.samples = FIXTURE_TEST;
    check.attack.curve_count = 1;
    check.attack.curves[0] = (struct plan_curve){.norm = norm, .point_count = points};
    memcpy(check.attack.curves[0].eps, eps, points * sizeof *eps);
    return check;
}

/* Inputs lie in ball and range; what is broken at one eps is at the next. */
static void check_inputs(const struct plan_check *check, const struct digits_result *result)
{
    const struct plan_curve *curve = &check->attack.curves[0];

    for (unsigned p = 0; p < curve->point_count; p++)
        for (unsigned i = 0; i < FIXTURE_TEST; i++) {
            const float *x = result->samples[0][p][i];

            CU_ASSERT(digits_distance(curve->norm, i, x) <= curve->eps[p] * (1 + 1e-5));
            for (unsigned j = 0; j < FIXTURE_PIXELS; j++)
                CU_ASSERT(x[j] >= -1e-7f && x[j] <= 1.0f + 1e-7f);
            if (p > 0 && result->classes[0][p - 1][i] != digits_clean()[i])
                CU_ASSERT_EQUAL(result->classes[0][p][i], result->classes[0][p - 1][i]);
        }
}

static unsigned robust_after(enum plan_check_id id, uint32_t iterations, double norm, double eps)
{
    struct plan_check check = check_of(id, iterations, norm, 1, &eps);
    struct digits_result *result = digits_run(&check, NULL);
    unsigned robust = digits_robust(result->classes[0][0]);

    check_inputs(&check, result);
    if (id == PLAN_SQUARE || id == PLAN_NOISE) {
        CU_ASSERT_EQUAL(result->figures.gradient_images, 0);
        CU_ASSERT_EQUAL(result->gradients, UINT64_MAX); /* no such row */
        CU_ASSERT(result->figures.images <= 450 * (uint64_t)(iterations + 1));
    }
    free(result);
    return robust;
}

static void test_between(void)
{
    static const struct {
        double norm, eps;
    } points[] = {{PLAN_NORM_INF, 0.1}, {2, 1}, {1, 2}, {1.5, 1}};

    for (unsigned k = 0; k < sizeof points / sizeof points[0]; k++) {
        unsigned noise = robust_after(PLAN_NOISE, 20, points[k].norm, points[k].eps);
        unsigned square = robust_after(PLAN_SQUARE, 150, points[k].norm, points[k].eps);
        unsigned pgd = robust_after(PLAN_PGD, 40, points[k].norm, points[k].eps);

        (void)printf("%u %u %u; ", noise, square, pgd);
        CU_ASSERT(noise < 444 && square < noise && pgd <= square);
    }
}

static void test_more_queries(void)
{
    unsigned few = robust_after(PLAN_SQUARE, 20, PLAN_NORM_INF, 0.1);
    unsigned many = robust_after(PLAN_SQUARE, 300, PLAN_NORM_INF, 0.1);

    CU_ASSERT(many < few);
    CU_ASSERT(many <= 260); /* near pgd's 238 */
    CU_ASSERT(robust_after(PLAN_NOISE, 40, PLAN_NORM_INF, 0.3) <= robust_after(PLAN_NOISE, 4, PLAN_NORM_INF, 0.3));
}

static void expect_same(const struct plan_check *check)
{
    static const struct digits_options options[] = {
        {.window = 450, .batch = 450}, {.window = 1, .batch = 8}, {.window = 77, .batch = 5}};
    struct digits_result *first = digits_run(check, NULL);

    check_inputs(check, first);
    for (unsigned k = 0; k < sizeof options / sizeof options[0]; k++) {
        struct digits_result *other = digits_run(check, &options[k]);

        CU_ASSERT_EQUAL(memcmp(first->classes, other->classes, sizeof first->classes), 0);
        CU_ASSERT_EQUAL(memcmp(first->samples, other->samples, sizeof first->samples), 0);
        CU_ASSERT_EQUAL(first->figures.images, other->figures.images);
        free(other);
    }
    free(first);
}

static void test_same_bits(void)
{
    const double inf[] = {0.1, 0.2}, two[] = {0.5, 1};
    struct plan_check check = check_of(PLAN_SQUARE, 12, PLAN_NORM_INF, 2, inf);

    check.attack.restarts = 1;
    expect_same(&check);
    check = check_of(PLAN_SQUARE, 12, 2, 2, two);
    expect_same(&check);
    check = check_of(PLAN_NOISE, 6, 1, 2, two);
    expect_same(&check);
}

static void test_seeds(void)
{
    const double eps[] = {0.1};
    struct plan_check check = check_of(PLAN_SQUARE, 10, PLAN_NORM_INF, 1, eps);
    struct digits_result *one = digits_run(&check, NULL), *other;

    check.attack.samples = FIXTURE_TEST;
    check.seed[0] = 1;
    other = digits_run(&check, NULL);
    CU_ASSERT(memcmp(one->samples, other->samples, sizeof one->samples) != 0);
    free(one);
    free(other);
}

static void test_restarts(void)
{
    const double eps[] = {0.1};
    struct plan_check check = check_of(PLAN_SQUARE, 20, PLAN_NORM_INF, 1, eps);
    struct digits_result *one = digits_run(&check, NULL), *more;

    check.attack.restarts = 3;
    more = digits_run(&check, NULL);
    for (unsigned i = 0; i < FIXTURE_TEST; i++)
        if (one->classes[0][0][i] != digits_clean()[i])
            CU_ASSERT_EQUAL(one->classes[0][0][i], more->classes[0][0][i]);
    CU_ASSERT(digits_robust(more->classes[0][0]) < digits_robust(one->classes[0][0]));
    free(one);
    free(more);
}

static void test_targeted(void)
{
    const double eps[] = {0.3};
    struct plan_check check = check_of(PLAN_SQUARE, 100, PLAN_NORM_INF, 1, eps);
    struct digits_result *result;
    unsigned hits = 0;

    check.attack.goal = PLAN_GOAL_NEXT;
    result = digits_run(&check, NULL);
    for (unsigned i = 0; i < FIXTURE_TEST; i++)
        hits += result->classes[0][0][i] == (digits_clean()[i] + 1) % 10;
    (void)printf("%u hit; ", hits);
    CU_ASSERT(hits > 300);
    free(result);
}

/* Pixels 0-31 fixed, 32-39 one group of columns, 40-55 integers, the others real within [0, 0.5]. */
static void expect_features(const struct plan_check *check)
{
    float features[PLAN_FEATURE_COUNT][FIXTURE_PIXELS];
    struct digits_result *result;
    unsigned changed = 0;

    for (unsigned i = 0; i < FIXTURE_PIXELS; i++) {
        features[PLAN_FEATURE_LOW][i] = 0.0f;
        features[PLAN_FEATURE_HIGH][i] = i < 56 ? 1.0f : 0.5f;
        features[PLAN_FEATURE_EPS_SCALE][i] = 1.0f;
        features[PLAN_FEATURE_MASK][i] = i < 32 ? 0.0f : 1.0f;
        features[PLAN_FEATURE_KIND][i] = i < 32 || i >= 56 ? 0.0f : i < 40 ? 2.0f : 1.0f;
    }
    result = digits_run(check, &(struct digits_options){.features = features[0]});
    for (unsigned i = 0; i < FIXTURE_TEST; i++) {
        const float *clean = digits_inputs() + i * FIXTURE_PIXELS, *x = result->samples[0][0][i];
        double before = 0, after = 0;

        for (unsigned j = 0; j < FIXTURE_PIXELS; j++) {
            if (j < 32)
                CU_ASSERT_EQUAL(x[j], clean[j]);
            before += j >= 32 && j < 40 ? (double)clean[j] : 0;
            after += j >= 32 && j < 40 ? (double)x[j] : 0;
            if (j >= 40 && j < 56)
                CU_ASSERT(x[j] == clean[j] || x[j] == 0.0f || x[j] == 1.0f);
            if (j >= 56 && clean[j] <= 0.5f)
                CU_ASSERT(x[j] <= 0.5f + 1e-7f);
            changed += x[j] != clean[j];
        }
        CU_ASSERT_EQUAL(before, after);
    }
    CU_ASSERT(changed > 0);
    check_inputs(check, result);
    free(result);
}

static void test_features(void)
{
    const double eps[] = {1};
    struct plan_check check = check_of(PLAN_SQUARE, 8, PLAN_NORM_INF, 1, eps);

    expect_features(&check);
    check = check_of(PLAN_SQUARE, 8, 2, 1, eps);
    expect_features(&check);
    check = check_of(PLAN_NOISE, 8, PLAN_NORM_INF, 1, eps);
    expect_features(&check);
    check = check_of(PLAN_NOISE, 8, 2, 1, eps);
    expect_features(&check);
}

/* --- windows ----------------------------------------------------------------------------------------------- */

static struct square_layout layout_of(uint32_t rank, uint64_t a, uint64_t b, uint64_t c)
{
    return square_layout_of(&(struct plan_contract){.rank = rank, .dims = {a, b, c}});
}

static void test_layouts(void)
{
    struct square_layout first = layout_of(3, 3, 32, 30), last = layout_of(3, 32, 30, 3), flat = layout_of(1, 17, 0, 0);

    CU_ASSERT(first.image && first.height == 32 && first.width == 30 && first.channels == 3);
    CU_ASSERT(first.position_stride == 1 && first.channel_stride == 960);
    CU_ASSERT(last.image && last.height == 32 && last.width == 30 && last.channels == 3);
    CU_ASSERT(last.position_stride == 3 && last.channel_stride == 1);
    CU_ASSERT(!flat.image && square_positions(&flat) == 17);
    CU_ASSERT(layout_of(2, 8, 8, 0).image && !layout_of(3, 5, 1, 40).image && !layout_of(2, 1, 9, 0).image);
    CU_ASSERT(square_share(0, 100) == 0.8 && square_share(5, 100) < 0.8 && square_share(99, 100) < 0.002);
}

static void check_window(const struct square_layout *layout, const struct square_window *window)
{
    bool seen[1024] = {false};

    CU_ASSERT(window->count >= 1 && window->count <= square_positions(layout));
    for (size_t j = 0; j < window->count; j++) {
        CU_ASSERT_FATAL(window->positions[j] < square_positions(layout));
        CU_ASSERT(!seen[window->positions[j]]);
        seen[window->positions[j]] = true;
    }
}

static void test_windows(void)
{
    static const struct {
        uint32_t rank;
        uint64_t dims[3];
    } shapes[] = {{3, {1, 8, 8}}, {3, {3, 32, 32}}, {3, {1, 2, 2}}, {1, {13}}, {1, {1}}, {3, {2, 3, 29}}, {2, {2, 5}}};
    const uint8_t seed[SHA256_SIZE] = {7};
    uint32_t positions[1024];
    float shape[1024];
    struct random_stream stream;

    random_start(&stream, seed, 1, 2);
    for (unsigned s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        struct square_layout layout =
            layout_of(shapes[s].rank, shapes[s].dims[0], shapes[s].dims[1], shapes[s].dims[2]);
        struct square_window window = {.positions = positions, .shape = shape};
        size_t covered = 0;

        for (unsigned n = 0; n < 200; n++) {
            square_draw(&layout, &stream, square_share(n, 200), n % 2 == 0, &window);
            check_window(&layout, &window);
        }
        for (size_t n = 0; square_tile(&layout, &stream, n, &window); n++) {
            check_window(&layout, &window);
            covered += window.count;
        }
        CU_ASSERT(covered >= 1 && covered <= square_positions(&layout));
    }
}

/* --- balls ---------------------------------------------------------------------------------------------------- */

static void test_balls(void)
{
    enum { SIZE = 200, ROUNDS = 50 };
    const double norms[] = {1, 1.5, 2, 3};
    const uint8_t seed[SHA256_SIZE] = {9};
    float point[SIZE];
    double sum = 0, squares = 0;

    for (unsigned n = 0; n < 4; n++)
        for (unsigned round = 0; round < ROUNDS; round++) {
            struct random_stream stream;
            double surface = 0, inside = 0;

            random_start(&stream, seed, n, round);
            noise_ball(&stream, norms[n], true, SIZE, point);
            for (unsigned i = 0; i < SIZE; i++)
                surface += pow(fabs((double)point[i]), norms[n]);
            noise_ball(&stream, norms[n], false, SIZE, point);
            for (unsigned i = 0; i < SIZE; i++)
                inside += pow(fabs((double)point[i]), norms[n]);
            CU_ASSERT_DOUBLE_EQUAL(surface, 1, 1e-5);
            CU_ASSERT(inside < 1 + 1e-5 && inside > 0.8); /* in many dimensions a ball is nearly all surface */
        }
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct random_stream stream;

        random_start(&stream, seed, 77, round);
        noise_ball(&stream, PLAN_NORM_INF, false, SIZE, point);
        for (unsigned i = 0; i < SIZE; i++) {
            CU_ASSERT(fabsf(point[i]) <= 1.0f);
            sum += (double)point[i];
            squares += (double)point[i] * (double)point[i];
        }
    }
    /* Of 10,000 uniform numbers in [-1, 1]: mean 0 ± 0.0058, mean square 1/3 ± 0.003; five deviations. */
    CU_ASSERT_DOUBLE_EQUAL(sum / (SIZE * ROUNDS), 0, 0.029);
    CU_ASSERT_DOUBLE_EQUAL(squares / (SIZE * ROUNDS), 1.0 / 3, 0.015);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"noise, square and pgd, each stronger than the one before", test_between},
        {"more queries break more", test_more_queries},
        {"windows and batches change no bit", test_same_bits},
        {"the seed decides", test_seeds},
        {"restarts only break more", test_restarts},
        {"targeted", test_targeted},
        {"features are kept to", test_features},
        {"layouts", test_layouts},
        {"windows hold distinct places", test_windows},
        {"balls", test_balls},
    };

    return harness_run("square and noise", tests, HARNESS_COUNT(tests));
}
