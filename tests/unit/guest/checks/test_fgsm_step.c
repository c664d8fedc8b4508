/* SPDX-License-Identifier: Apache-2.0 */
/* The fast gradient step against the reference's adversarial arrays. */
#include "unit/harness.h"

#include "guest/checks/fgsm_step.h"
#include "guest/checks/norm.h"
#include "unit/guest/checks/fixture.h"

#include <math.h>
#include <string.h>

#define ELEMENTS ((size_t)FIXTURE_TEST * FIXTURE_PIXELS)

static const double norms[] = {PLAN_NORM_INF, 2, 1, 1.5, 4};
#define NORMS (sizeof norms / sizeof norms[0])

static double norm_named(const char *name)
{
    return strcmp(name, "inf") == 0 ? PLAN_NORM_INF : strtod(name, NULL);
}

/* One step from `from` and the projection on the ball around x. */
static void perturb(const struct fgsm_step *step, const float *x, const float *from, const float *gradient, size_t size,
                    float *ret_adversarial)
{
    float *direction = malloc(size * sizeof *direction);

    fgsm_direction(step->norm, gradient, size, direction);
    fgsm_move(step, from, direction, size, ret_adversarial);
    fgsm_project(step, x, size, ret_adversarial);
    free(direction);
}

static void perturb_all(const struct fgsm_step *step, const float *x, const float *from, const float *gradient,
                        float *ret_adversarial)
{
    for (size_t i = 0; i < ELEMENTS; i += FIXTURE_PIXELS)
        perturb(step, x + i, from + i, gradient + i, FIXTURE_PIXELS, ret_adversarial + i);
}

/* As the fixture's digests: no negative zeros. */
static void digest_text(float *values, char ret_hex[SHA256_HEX_SIZE])
{
    uint8_t digest[SHA256_SIZE];

    for (size_t i = 0; i < ELEMENTS; i++)
        values[i] += 0.0f;
    sha256_of(values, ELEMENTS * sizeof(float), digest);
    sha256_to_hex(digest, ret_hex);
}

/* Equal digests: no element of the 450 × 64 differs. */
static void test_reference_arrays(void)
{
    float *x = fixture_inputs("test-x.u8", FIXTURE_TEST), *adversarial = malloc(ELEMENTS * sizeof(float));
    float *gradients[2] = {fixture_read("gradient-pred.f32", ELEMENTS * sizeof(float)),
                           fixture_read("gradient-true.f32", ELEMENTS * sizeof(float))};
    FILE *file = fopen("tests/fixtures/checks/fgsm.txt", "r");
    char norm[8], label[8], hex[SHA256_HEX_SIZE], expected[SHA256_HEX_SIZE];
    unsigned settings = 0;
    double eps;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    while (fscanf(file, "%7s %lf %7s %64s", norm, &eps, label, expected) == 4) {
        struct fgsm_step step = {.norm = norm_named(norm), .eps = eps, .step = eps, .range_high = 1.0f};

        perturb_all(&step, x, x, gradients[strcmp(label, "true") == 0], adversarial);
        digest_text(adversarial, hex);
        CU_ASSERT_STRING_EQUAL(hex, expected);
        settings++;
    }
    CU_ASSERT_EQUAL(settings, 32);
    (void)fclose(file);
    free(x);
    free(adversarial);
    free(gradients[0]);
    free(gradients[1]);
}

static void test_zero_gradient_moves_nothing(void)
{
    const float x[4] = {0.0f, 0.25f, 0.5f, 1.0f}, gradient[4] = {0.0f, -0.0f, 0.0f, 0.0f};
    float adversarial[4];

    for (unsigned n = 0; n < NORMS; n++) {
        struct fgsm_step step = {.norm = norms[n], .eps = 0.5, .step = 0.5, .range_high = 1.0f};

        perturb(&step, x, x, gradient, 4, adversarial);
        for (unsigned i = 0; i < 4; i++)
            CU_ASSERT_EQUAL(adversarial[i], x[i]);
    }
}

static void test_zero_eps_moves_nothing(void)
{
    const float x[3] = {0.0f, 0.5f, 1.0f}, gradient[3] = {1.0f, -2.0f, 3.0f};
    float adversarial[3];

    for (unsigned n = 0; n < NORMS; n++) {
        struct fgsm_step step = {.norm = norms[n], .eps = 0.0, .step = 0.0, .range_high = 1.0f};

        perturb(&step, x, x, gradient, 3, adversarial);
        for (unsigned i = 0; i < 3; i++)
            CU_ASSERT_EQUAL(adversarial[i], x[i]);
    }
}

static void test_nan_gradient_counts_as_zero(void)
{
    const float gradient[3] = {NAN, -2.0f, 1.0f};
    float direction[3];

    fgsm_direction(PLAN_NORM_INF, gradient, 3, direction);
    CU_ASSERT(direction[0] == 0.0f && direction[1] == -1.0f && direction[2] == 1.0f);
    fgsm_direction(1, gradient, 3, direction);
    CU_ASSERT(direction[0] == 0.0f && direction[1] == -1.0f && direction[2] == 0.0f);
    fgsm_direction(2, gradient, 3, direction);
    CU_ASSERT(direction[0] == 0.0f && direction[1] < 0.0f && direction[2] > 0.0f);
}

/* Rows longer than one pairwise block keep the norm within f32's rounding. */
static void test_long_rows(void)
{
    enum { SIZE = 1003 };
    static float x[SIZE], gradient[SIZE], adversarial[SIZE];

    for (int i = 0; i < SIZE; i++)
        gradient[i] = (float)((i * 37) % 101 - 50);
    for (unsigned n = 1; n < NORMS; n++) {
        struct fgsm_step step = {.norm = norms[n], .eps = 0.75, .step = 1, .range_low = -10.0f, .range_high = 10.0f};
        double sum = 0.0;

        perturb(&step, x, x, gradient, SIZE, adversarial);
        for (int i = 0; i < SIZE; i++)
            sum += pow(fabs((double)adversarial[i]), norms[n]);
        CU_ASSERT_DOUBLE_EQUAL(pow(sum, 1 / norms[n]), 0.75, 1e-6);
    }
}

/* --- the reference's modes ---------------------------------------------------------------------------- */

static void expect_mode(const char *name, float *adversarial)
{
    FILE *file = fopen("tests/fixtures/checks/fgsm-modes.txt", "r");
    char found[32], hex[SHA256_HEX_SIZE], expected[SHA256_HEX_SIZE];
    bool seen = false;

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    digest_text(adversarial, hex);
    while (!seen && fscanf(file, "%31s %64s", found, expected) == 2)
        seen = strcmp(found, name) == 0;
    CU_ASSERT(seen);
    CU_ASSERT_STRING_EQUAL(hex, expected);
    (void)fclose(file);
}

/* numpy.linspace(0, 0.3, 64) as f32: an eps for each pixel. The mask is the central 4 × 4 pixels. */
static void test_reference_modes(void)
{
    float *x = fixture_inputs("test-x.u8", FIXTURE_TEST), *adversarial = malloc(ELEMENTS * sizeof(float));
    float *gradient = fixture_read("gradient-pred.f32", ELEMENTS * sizeof(float));
    struct fgsm_step step = {.eps = 0.1, .step = 0.1, .range_low = -INFINITY, .range_high = INFINITY};
    float scale[FIXTURE_PIXELS], low[FIXTURE_PIXELS] = {0}, high[FIXTURE_PIXELS];

    perturb_all(&step, x, x, gradient, adversarial);
    expect_mode("noclip", adversarial);
    for (unsigned i = 0; i < FIXTURE_PIXELS; i++) {
        scale[i] = i == FIXTURE_PIXELS - 1 ? 0.3f : (float)(i * (0.3 / 63));
        high[i] = 1.0f;
    }
    step = (struct fgsm_step){.eps = 1, .step = 1, .low = low, .high = high, .scale = scale};
    perturb_all(&step, x, x, gradient, adversarial);
    expect_mode("perfeature", adversarial);
    for (size_t i = 0; i < ELEMENTS; i++)
        if (i % 8 < 2 || i % 8 > 5 || i / 8 % 8 < 2 || i / 8 % 8 > 5)
            gradient[i] = 0.0f;
    step = (struct fgsm_step){.eps = 0.3, .step = 0.3, .range_high = 1.0f};
    perturb_all(&step, x, x, gradient, adversarial);
    expect_mode("mask", adversarial);
    free(x);
    free(adversarial);
    free(gradient);
}

/* MT19937 (Matsumoto, Nishimura 1998) as numpy seeds and reads it: where the reference's random starts come from. */
struct twister {
    uint32_t state[624];
    unsigned next;
};

static void twister_seed(struct twister *t, uint32_t seed)
{
    for (unsigned i = 0; i < 624; i++) {
        t->state[i] = seed;
        seed = 1812433253u * (seed ^ (seed >> 30)) + i + 1;
    }
    t->next = 624;
}

static uint32_t twister_u32(struct twister *t)
{
    uint32_t y;

    for (unsigned i = 0; t->next == 624 && i < 624; i++) {
        y = (t->state[i] & 0x80000000u) | (t->state[(i + 1) % 624] & 0x7fffffffu);
        t->state[i] = t->state[(i + 397) % 624] ^ (y >> 1) ^ (y % 2 == 0 ? 0 : 0x9908b0dfu);
    }
    t->next = t->next == 624 ? 0 : t->next;
    y = t->state[t->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

static double twister_uniform(struct twister *t, double low, double high)
{
    uint32_t a = twister_u32(t) >> 5, b = twister_u32(t) >> 6;

    return low + (high - low) * ((a * 67108864.0 + b) / 9007199254740992.0);
}

/* The reference kept the third of its five runs as a whole. */
static void test_reference_restarts(void)
{
    float *x = fixture_inputs("test-x.u8", FIXTURE_TEST), *adversarial = malloc(ELEMENTS * sizeof(float));
    float *start = malloc(ELEMENTS * sizeof(float)), *gradient = malloc(ELEMENTS * sizeof(float));
    const char *names[] = {"randinit1", NULL, "randinit5"};
    struct fgsm_step step = {.eps = 0.1, .step = 0.1, .range_high = 1.0f};
    static struct twister twister;

    twister_seed(&twister, 0);
    for (unsigned run = 0; run < 3; run++) {
        char name[32];
        int8_t *signs;

        for (size_t i = 0; i < ELEMENTS; i++)
            start[i] = fminf(fmaxf(x[i] + (float)twister_uniform(&twister, -0.1, 0.1), 0.0f), 1.0f);
        if (names[run] == NULL)
            continue;
        (void)snprintf(name, sizeof name, "signs-%s.i8", names[run]);
        signs = fixture_read(name, ELEMENTS);
        for (size_t i = 0; i < ELEMENTS; i++)
            gradient[i] = (float)signs[i];
        perturb_all(&step, x, start, gradient, adversarial);
        expect_mode(names[run], adversarial);
        free(signs);
    }
    free(x);
    free(adversarial);
    free(start);
    free(gradient);
}

static void test_reference_targeted(void)
{
    float *x = fixture_inputs("test-x.u8", FIXTURE_TEST), *adversarial = malloc(ELEMENTS * sizeof(float));
    float *gradient = malloc(ELEMENTS * sizeof(float));
    int8_t *signs = fixture_read("signs-targeted.i8", ELEMENTS);
    struct fgsm_step step = {.eps = 0.2, .step = 0.2, .range_high = 1.0f};

    for (size_t i = 0; i < ELEMENTS; i++)
        gradient[i] = (float)signs[i];
    perturb_all(&step, x, x, gradient, adversarial);
    expect_mode("targeted", adversarial);
    free(x);
    free(adversarial);
    free(gradient);
    free(signs);
}

/*
 * numpy's power is correctly rounded to f32 or nearly so by the C library, and by a vector library with
 * AVX-512, where the array was made, in four cases of five: a quarter of the samples' norms are the
 * neighbouring f32.
 */
static void test_norm_1_5(void)
{
    float *x = fixture_inputs("test-x.u8", FIXTURE_TEST), *adversarial = malloc(ELEMENTS * sizeof(float));
    float *gradient = fixture_read("gradient-pred.f32", ELEMENTS * sizeof(float));
    float *expected = fixture_read("fgsm-1.5.f32", ELEMENTS * sizeof(float));
    struct fgsm_step step = {.norm = 1.5, .eps = 1, .step = 1, .range_high = 1.0f};
    unsigned same = 0;

    perturb_all(&step, x, x, gradient, adversarial);
    for (size_t i = 0; i < ELEMENTS; i += FIXTURE_PIXELS)
        same += memcmp(adversarial + i, expected + i, FIXTURE_PIXELS * sizeof(float)) == 0;
    for (size_t i = 0; i < ELEMENTS; i++)
        CU_ASSERT_DOUBLE_EQUAL(adversarial[i], expected[i], 1.8e-7);
    (void)printf("%u samples of 450 to the bit; ", same);
    CU_ASSERT(same >= 350);
    free(x);
    free(adversarial);
    free(gradient);
    free(expected);
}

/* --- powers, against the C library's ------------------------------------------------------------------------ */

static void test_powers(void)
{
    const double powers[] = {3, 1.5, 1.0 / 3, 2.0 / 3, 4, 1.001, 0.001, 1024};

    for (unsigned p = 0; p < sizeof powers / sizeof powers[0]; p++)
        for (double x = 1e-6; x < 1e6; x *= 1.113) {
            double expected = pow(x, powers[p]);

            if (expected > 1e-38 && expected < 1e38)
                CU_ASSERT_DOUBLE_EQUAL(norm_power(x, powers[p]), expected, 1e-13 * expected);
        }
    CU_ASSERT(norm_power(0, 3) == 0 && norm_power(1, 1.5) == 1 && norm_power(1e300, 2.5) == INFINITY);
    CU_ASSERT(norm_power(1e-300, 2.5) == 0 && norm_power(9, 0.5) == 3 && isnan(norm_power(NAN, 1.5)));
}

/* Squares of these would be 0 or infinite in f32. */
static void test_far_gradients(void)
{
    const float near[2] = {3.0f, -4.0f}, tiny[2] = {3e-30f, -4e-30f}, huge[2] = {3e30f, -4e30f};
    float expected[2], direction[2];

    for (unsigned n = 1; n < NORMS; n++) {
        fgsm_direction(norms[n], near, 2, expected);
        fgsm_direction(norms[n], tiny, 2, direction);
        CU_ASSERT_DOUBLE_EQUAL(direction[0], expected[0], 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(direction[1], expected[1], 1e-6);
        fgsm_direction(norms[n], huge, 2, direction);
        CU_ASSERT_DOUBLE_EQUAL(direction[0], expected[0], 1e-6);
        CU_ASSERT_DOUBLE_EQUAL(direction[1], expected[1], 1e-6);
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the reference's 32 arrays are reproduced with no differing element", test_reference_arrays},
        {"a zero gradient moves nothing", test_zero_gradient_moves_nothing},
        {"eps 0 moves nothing", test_zero_eps_moves_nothing},
        {"NaN in a gradient counts as 0", test_nan_gradient_counts_as_zero},
        {"rows longer than a block", test_long_rows},
        {"no clipping, an eps for each pixel, a mask: the reference's arrays", test_reference_modes},
        {"random starts: the reference's arrays", test_reference_restarts},
        {"targeted: the reference's array", test_reference_targeted},
        {"norm 1.5: the reference's array but for its powers", test_norm_1_5},
        {"powers", test_powers},
        {"gradients whose powers leave f32's range", test_far_gradients},
    };

    return harness_run("fgsm_step", tests, HARNESS_COUNT(tests));
}
