/* SPDX-License-Identifier: Apache-2.0 */
/* Adversarial samples against their clean inputs: norms against numpy, rounding, features, and what is refused. */
#include "host/score/samples.h"

#include "unit/harness.h"
#include "wire/plan.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static bool close_to(double value, double reference, double relative)
{
    return fabs(value - reference) <= relative * fabs(reference);
}

static struct samples_rule sample_rule(double norm, double eps, const char *text)
{
    return (struct samples_rule){.check = "fgsm", .norm = norm, .eps = eps, .eps_text = text, .range_high = 1.0};
}

/* Steps as the attack makes them, in f32 and at awkward values, stay within the tolerance. */
static void test_samples_rounding(void)
{
    static const double steps[] = {0.01, 0.03, 0.1, 0.3};
    enum { ELEMENTS = 64 };

    for (size_t s = 0; s < HARNESS_COUNT(steps); s++) {
        struct samples_rule inf = sample_rule(PLAN_NORM_INF, steps[s], "0.1");
        struct samples_rule two = sample_rule(2, steps[s] * 8, "0.8"); /* sqrt(64) × step */
        struct samples_rule one = sample_rule(1, steps[s] * 64, "6.4");
        float clean[ELEMENTS], adversarial[ELEMENTS];
        double distance;

        for (size_t i = 0; i < ELEMENTS; i++) {
            clean[i] = (float)((double)(i * 37 % 64) / 64.0 * (1.0 - steps[s]) + 1e-3 * steps[s]);
            adversarial[i] = clean[i] + (float)steps[s];
        }
        CU_ASSERT_EQUAL(samples_check(&inf, 0, clean, adversarial, ELEMENTS, &distance, NULL), 0);
        CU_ASSERT(close_to(distance, steps[s], 1e-5));
        CU_ASSERT_EQUAL(samples_check(&two, 0, clean, adversarial, ELEMENTS, NULL, NULL), 0);
        CU_ASSERT_EQUAL(samples_check(&one, 0, clean, adversarial, ELEMENTS, NULL, NULL), 0);
        inf.eps = two.eps = one.eps = 0; /* and far less than the step is caught in every norm */
        CU_ASSERT_EQUAL(samples_check(&inf, 0, clean, adversarial, ELEMENTS, NULL, NULL), -EBADMSG);
        inf.eps = steps[s] * 0.9999;
        two.eps = steps[s] * 8 * 0.9999;
        one.eps = steps[s] * 64 * 0.9999;
        CU_ASSERT_EQUAL(samples_check(&inf, 0, clean, adversarial, ELEMENTS, NULL, NULL), -EBADMSG);
        CU_ASSERT_EQUAL(samples_check(&two, 0, clean, adversarial, ELEMENTS, NULL, NULL), -EBADMSG);
        CU_ASSERT_EQUAL(samples_check(&one, 0, clean, adversarial, ELEMENTS, NULL, NULL), -EBADMSG);
    }
}

static void test_samples_violations(void)
{
    struct samples_rule inf = sample_rule(PLAN_NORM_INF, 0.1, "0.1");
    float clean[4] = {0.0f, 0.5f, 1.0f, 0.25f}, adversarial[4] = {0.1f, 0.4f, 1.0f, 0.25f};
    struct error err = {0};

    CU_ASSERT_EQUAL(samples_check(&inf, 7, clean, adversarial, 4, NULL, &err), 0);
    adversarial[3] = 0.36f;
    CU_ASSERT_EQUAL(samples_check(&inf, 7, clean, adversarial, 4, NULL, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_GUEST);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "check fgsm, norm inf, eps 0.1"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "sample 7"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "0.11"));
    adversarial[3] = NAN;
    CU_ASSERT_EQUAL(samples_check(&inf, 7, clean, adversarial, 4, NULL, &err), -EBADMSG);
    adversarial[3] = INFINITY;
    CU_ASSERT_EQUAL(samples_check(&inf, 7, clean, adversarial, 4, NULL, &err), -EBADMSG);
    adversarial[3] = 0.25f;
    adversarial[2] = 1.00001f;
    CU_ASSERT_EQUAL(samples_check(&inf, 7, clean, adversarial, 4, NULL, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "element 2"));
    adversarial[2] = 1.0f + 0x1p-23f; /* one rounding beyond the range is not the guest's lie */
    CU_ASSERT_EQUAL(samples_check(&inf, 7, clean, adversarial, 4, NULL, &err), 0);
}

/* numpy.linalg.norm(x - a, p) in f64 of two f32 vectors */
static void test_samples_norm(void)
{
    static const float x[] = {0.5118216276168823f,  0.9504637122154236f, 0.14415961503982544f, 0.9486494660377502f,
                              0.31183144450187683f, 0.4233264625072479f, 0.8277025818824768f,  0.40919914841651917f};
    static const float a[] = {0.5495936870574951f,  0.02755911275744438f, 0.7535130977630615f, 0.5381433367729187f,
                              0.32973170280456543f, 0.7884287238121033f,  0.3031948208808899f, 0.45349788665771484f};
    static const struct {
        double p, norm;
    } cases[] = {
        {1, 2.932345289736986},   {1.5, 1.7144397003564897},  {2, 1.343018029388992},  {3, 1.084247769679906},
        {10, 0.9247028639963046}, {1000, 0.9229045994579792}, {0, 0.9229045994579792},
    };
    float far[2] = {3e38f, 3e38f}, near[2] = {1e-38f, 1e-38f};

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++)
        CU_ASSERT(close_to(samples_norm(cases[i].p, x, a, 8), cases[i].norm, 1e-14));
    CU_ASSERT(close_to(samples_norm(100, far, NULL, 2), (double)3e38f * pow(2, 0.01), 1e-14));   /* no overflow, */
    CU_ASSERT(close_to(samples_norm(100, near, NULL, 2), (double)1e-38f * pow(2, 0.01), 1e-14)); /* no underflow */
    CU_ASSERT_EQUAL(samples_norm(1.5, x, x, 8), 0);
}

/* Any p: a step of exactly eps passes, a ten thousandth more does not. */
static void test_samples_any_norm(void)
{
    static const double norms[] = {1, 1.25, 1.5, 2, 3, 17, PLAN_NORM_INF};
    float clean[5] = {0.5f, 0.5f, 0.5f, 0.5f, 0.5f}, adversarial[5];

    for (size_t n = 0; n < HARNESS_COUNT(norms); n++) {
        struct samples_rule rule = sample_rule(norms[n], 0.25, "0.25");
        double share = norms[n] == PLAN_NORM_INF ? 1 : pow(5, -1 / norms[n]); /* five equal parts of norm 1 */

        for (size_t i = 0; i < 5; i++)
            adversarial[i] = (float)(0.5 + 0.25 * share);
        CU_ASSERT_EQUAL(samples_check(&rule, 0, clean, adversarial, 5, NULL, NULL), 0);
        for (size_t i = 0; i < 5; i++)
            adversarial[i] = (float)(0.5 + 0.250025 * share);
        CU_ASSERT_EQUAL(samples_check(&rule, 0, clean, adversarial, 5, NULL, NULL), -EBADMSG);
    }
}

/*
 * A minimal curve's direction is not projected, and the closer p is to 1, the more of f32's error its power carries:
 * there is more room, and still no more than the header says.
 */
static void test_samples_minimal(void)
{
    struct samples_rule rule = sample_rule(1.125, 0.25, "0.25");
    float clean[1] = {0}, adversarial[1] = {0.25f * (1 + 0x1p-18f)};
    struct error err = {0};

    CU_ASSERT_EQUAL(samples_check(&rule, 0, clean, adversarial, 1, NULL, NULL), -EBADMSG); /* 64u, 18u allowed */
    rule.minimal = true;                                                                   /* q = 9: 160u */
    CU_ASSERT_EQUAL(samples_check(&rule, 0, clean, adversarial, 1, NULL, NULL), 0);
    adversarial[0] = 0.25f * (1 + 0x1p-16f); /* 256u */
    CU_ASSERT_EQUAL(samples_check(&rule, 0, clean, adversarial, 1, NULL, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "norm 1.125, minimal, eps 0.25"));
}

/* What the spec says of each element holds as well. */
static void test_samples_features(void)
{
    static const float low[] = {0, 0, 0.25f, 0}, high[] = {1, 1, 0.5f, 1}, scale[] = {1, 0.5f, 1, 2};
    static const float kind[] = {0, 0, 0, 0}, mask[] = {1, 1, 1, 0}, clean[] = {0.5f, 0.5f, 0.375f, 0.5f};
    const struct samples_features features = {low, high, scale, mask, kind};
    static const struct {
        float adversarial[4];
        double norm;
        const char *part; /* NULL: it is fine */
    } cases[] = {
        {{0.6f, 0.55f, 0.475f, 0.5f}, PLAN_NORM_INF, NULL},
        {{0.5f, 0.56f, 0.375f, 0.5f}, PLAN_NORM_INF, "element 1 by 0.0600000024, beyond its own eps, 0.05"},
        {{0.5f, 0.56f, 0.375f, 0.5f}, 2, NULL}, /* an element's own eps is of norm inf */
        {{0.5f, 0.5f, 0.375f, 0.50000006f}, 2, "element 3, which is masked"},
        {{0.5f, 0.5f, 0.375f, 0.50000006f}, PLAN_NORM_INF, "element 3, which is masked"},
        {{0.5f, 0.5f, 0.275f, 0.5f}, 2, NULL},
        {{0.5f, 0.5f, 0.24f, 0.5f}, 1.5, "outside the range [0.25, 0.5]"},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct samples_rule rule = sample_rule(cases[i].norm, cases[i].norm == 1.5 ? 0.2 : 0.1, "0.1");
        struct error err = {0};
        int r;

        rule.features = &features;
        r = samples_check(&rule, 0, clean, cases[i].adversarial, 4, NULL, &err);
        CU_ASSERT_EQUAL(r, cases[i].part == NULL ? 0 : -EBADMSG);
        CU_ASSERT(cases[i].part == NULL || strstr(err.text, cases[i].part) != NULL);
    }
}

/* Twice the point's eps where the scale says so, though the norm over all elements is then beyond eps. */
static void test_samples_own_eps(void)
{
    static const float low[] = {0, 0}, high[] = {1, 1}, scale[] = {2, 1}, mask[] = {1, 1}, clean[] = {0.5f, 0.5f};
    static const float adversarial[] = {0.7f, 0.6f}, beyond[] = {0.7f, 0.61f}, kind[] = {0, 0};
    const struct samples_features features = {low, high, scale, mask, kind};
    struct samples_rule rule = sample_rule(PLAN_NORM_INF, 0.1, "0.1");

    rule.features = &features;
    CU_ASSERT_EQUAL(samples_check(&rule, 0, clean, adversarial, 2, NULL, NULL), 0);
    CU_ASSERT_EQUAL(samples_check(&rule, 0, clean, beyond, 2, NULL, NULL), -EBADMSG);
}

/* An integer, and two one-hot groups of three columns and of two. */
static void test_samples_kinds(void)
{
    static const float low[6] = {0}, high[] = {9, 1, 1, 1, 1, 1}, scale[] = {1, 1, 1, 1, 1, 1};
    static const float mask[] = {1, 1, 1, 1, 1, 1}, kind[] = {1, 2, 2, 3, 2, 3}, clean[] = {2.5f, 1, 0, 0, 0, 1};
    const struct samples_features features = {low, high, scale, mask, kind};
    static const struct {
        float adversarial[6];
        const char *part; /* NULL: it is fine */
    } cases[] = {
        {{2.5f, 1, 0, 0, 0, 1}, NULL}, /* nothing moved, though 2.5 is no integer */
        {{3, 1, 0, 0, 0, 1}, NULL},
        {{2.75f, 1, 0, 0, 0, 1}, "element 0, which is an integer"},
        {{2, 0, 0, 1, 1, 0}, NULL}, /* both groups exchanged */
        {{2.5f, 0, 0, 0, 0, 1}, "element 1 of a one-hot group"},
        {{2.5f, 0, 1, 0, 1, 1}, "element 1 of a one-hot group"},
        {{2.5f, 0.5f, 0.5f, 0, 0, 1}, "element 1 of a one-hot group"},
        {{2.5f, 0, 0, 1, 0, 1}, "element 1 of a one-hot group"}, /* with a column of the other group */
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct samples_rule rule = sample_rule(PLAN_NORM_INF, 1, "1");
        struct error err = {0};
        int r;

        rule.range_high = 9;
        rule.features = &features;
        r = samples_check(&rule, 0, clean, cases[i].adversarial, 6, NULL, &err);
        CU_ASSERT_EQUAL(r, cases[i].part == NULL ? 0 : -EBADMSG);
        CU_ASSERT(cases[i].part == NULL || strstr(err.text, cases[i].part) != NULL);
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"norms", test_samples_norm},
        {"rounding", test_samples_rounding},
        {"violations", test_samples_violations},
        {"any p", test_samples_any_norm},
        {"minimal curves", test_samples_minimal},
        {"features", test_samples_features},
        {"integers and one-hot groups", test_samples_kinds},
        {"an element's own eps", test_samples_own_eps},
    };

    return harness_run("host/score/samples", tests, HARNESS_COUNT(tests));
}
