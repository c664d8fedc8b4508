/* SPDX-License-Identifier: Apache-2.0 */
/* The fast gradient step against the reference's adversarial arrays. */
#include "unit/harness.h"

#include "guest/checks/fgsm_step.h"
#include "unit/guest/checks/fixture.h"

#include <math.h>
#include <string.h>

#define ELEMENTS ((size_t)FIXTURE_TEST * FIXTURE_PIXELS)

static const double norms[] = {PLAN_NORM_INF, 2, 1};
#define NORMS (sizeof norms / sizeof norms[0])

static double norm_named(const char *name)
{
    return strcmp(name, "inf") == 0 ? PLAN_NORM_INF : strtod(name, NULL);
}

static void perturb_all(const struct fgsm_step *step, const float *x, const float *gradient, float *ret_adversarial)
{
    float direction[FIXTURE_PIXELS];

    for (size_t i = 0; i < ELEMENTS; i += FIXTURE_PIXELS) {
        fgsm_direction(step->norm, gradient + i, FIXTURE_PIXELS, direction);
        fgsm_perturb(step, x + i, direction, FIXTURE_PIXELS, ret_adversarial + i);
    }
    for (size_t i = 0; i < ELEMENTS; i++)
        ret_adversarial[i] += 0.0f; /* as the fixture's digests: no negative zeros */
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
        struct fgsm_step step = {.norm = norm_named(norm), .eps = eps, .range_low = 0.0f, .range_high = 1.0f};
        uint8_t digest[SHA256_SIZE];

        perturb_all(&step, x, gradients[strcmp(label, "true") == 0], adversarial);
        sha256_of(adversarial, ELEMENTS * sizeof(float), digest);
        sha256_to_hex(digest, hex);
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
    float direction[4], adversarial[4];

    for (unsigned n = 0; n < NORMS; n++) {
        struct fgsm_step step = {.norm = norms[n], .eps = 0.5, .range_low = 0.0f, .range_high = 1.0f};

        fgsm_direction(norms[n], gradient, 4, direction);
        fgsm_perturb(&step, x, direction, 4, adversarial);
        for (unsigned i = 0; i < 4; i++)
            CU_ASSERT_EQUAL(adversarial[i], x[i]);
    }
}

static void test_zero_eps_moves_nothing(void)
{
    const float x[3] = {0.0f, 0.5f, 1.0f}, gradient[3] = {1.0f, -2.0f, 3.0f};
    float direction[3], adversarial[3];

    for (unsigned n = 0; n < NORMS; n++) {
        struct fgsm_step step = {.norm = norms[n], .eps = 0.0, .range_low = 0.0f, .range_high = 1.0f};

        fgsm_direction(norms[n], gradient, 3, direction);
        fgsm_perturb(&step, x, direction, 3, adversarial);
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
    static float x[SIZE], gradient[SIZE], direction[SIZE], adversarial[SIZE];
    const struct fgsm_step step = {.norm = 2, .eps = 0.75, .range_low = -10.0f, .range_high = 10.0f};
    double sum = 0.0;

    for (int i = 0; i < SIZE; i++)
        gradient[i] = (float)((i * 37) % 101 - 50);
    fgsm_direction(2, gradient, SIZE, direction);
    fgsm_perturb(&step, x, direction, SIZE, adversarial);
    for (int i = 0; i < SIZE; i++)
        sum += (double)adversarial[i] * (double)adversarial[i];
    CU_ASSERT_DOUBLE_EQUAL(sqrt(sum), 0.75, 1e-6);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the reference's 32 arrays are reproduced with no differing element", test_reference_arrays},
        {"a zero gradient moves nothing", test_zero_gradient_moves_nothing},
        {"eps 0 moves nothing", test_zero_eps_moves_nothing},
        {"NaN in a gradient counts as 0", test_nan_gradient_counts_as_zero},
        {"rows longer than a block", test_long_rows},
    };

    return harness_run("fgsm_step", tests, HARNESS_COUNT(tests));
}
