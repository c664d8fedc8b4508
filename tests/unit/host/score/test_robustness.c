/* SPDX-License-Identifier: Apache-2.0 */
/* The worst case over attacks, by examples small enough to do by hand, and the sign test against SciPy. */
#include "host/score/robustness.h"
#include "host/score/sign_test.h"

#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* scipy.stats.binomtest(a, a + b, 0.5, alternative='greater').pvalue, SciPy 1.10.1 */
static void test_sign(void)
{
    static const struct {
        uint64_t a, b;
        double p;
    } cases[] = {
        {0, 0, 1.0},
        {1, 0, 0.5},
        {5, 5, 0.623046875},
        {10, 0, 0.0009765625},
        {12, 3, 0.017578125},
        {3, 12, 0.996307373046875},
        {60, 40, 0.02844396682049044},
        {0, 9, 1.0},
        {1000, 900, 0.0115544225544506},
        {7, 0, 0.0078125},
        {500000, 499000, 0.1587762998368736},
        {300, 10, 9.671182555948822e-76},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        double p = sign_test_greater(cases[i].a, cases[i].b);

        if (fabs(p - cases[i].p) > 1e-9 * cases[i].p)
            (void)printf("\n    [%zu] %.17g instead of %.17g", i, p, cases[i].p);
        CU_ASSERT(fabs(p - cases[i].p) <= 1e-9 * cases[i].p);
    }
}

static bool close_to(double value, double reference)
{
    return fabs(value - reference) <= 1e-12 * reference;
}

/* --- six samples of three classes, the last wrong when clean ------------------------------------- */

static const int32_t labels[] = {0, 1, 2, 0, 1, 2}, clean[] = {0, 1, 2, 0, 1, 0};
static const int32_t fgsm_1[] = {1, 1, 2, 0, 1, 2}; /* turns 0, and makes 5 right */
static const int32_t fgsm_2[] = {0, 0, 2, 0, 1, 0}; /* turns 1; 0 is right again */
static const int32_t fgsm_minimal[] = {0, 1, 2, 1, 1, 0};
static const int32_t pgd_1[] = {1, 0, 2, 0, 1, 0}, pgd_3[] = {1, 0, 0, 0, 1, 0};

static const struct attack_curve_point fgsm_points[] = {{0.1, "0.10", fgsm_1}, {0.2, "0.2", fgsm_2}};
static const struct attack_curve_point minimal_points[] = {{0.05, "0.05", fgsm_minimal}};
static const struct attack_curve_point pgd_points[] = {{0.1, "0.1", pgd_1}, {0.3, "0.3", pgd_3}};
static const struct attack_curve_point pgd_points_2[] = {{1, "1", clean}};
static const struct attack_curve fgsm_curves[] = {{PLAN_NORM_INF, false, 2, fgsm_points},
                                                  {PLAN_NORM_INF, true, 1, minimal_points}};
static const struct attack_curve pgd_curves[] = {{PLAN_NORM_INF, false, 2, pgd_points}, {2, false, 1, pgd_points_2}};
static const struct attack_run runs[] = {
    {.id = "fgsm", .family = ATTACK_SINGLE_STEP, .curve_count = 2, .curves = fgsm_curves},
    {.id = "pgd", .family = ATTACK_ITERATIVE, .curve_count = 2, .curves = pgd_curves}};

/*
 * In norm inf sample 0 breaks at 0.1, 1 at 0.1 (by pgd), 2 at 0.3, 3 at 0.05 (by the minimal curve), 4 never; 5 was
 * wrong when clean and does not count.
 */
static void test_worst_case(void)
{
    CLEANUP(robustness_free) struct robustness result = {0};
    const struct robustness_curve *inf = &result.curves[0], *two = &result.curves[1];

    CU_ASSERT_EQUAL_FATAL(robustness_score(labels, clean, 6, runs, 2, &result), 0);
    CU_ASSERT(result.total == 6 && result.clean_correct == 5 && result.curve_count == 2);
    CU_ASSERT(inf->norm == PLAN_NORM_INF && inf->point_count == 3 && two->norm == 2 && two->point_count == 1);
    CU_ASSERT_STRING_EQUAL(inf->points[0].eps_text, "0.1"); /* the shorter spelling of the same eps */
    CU_ASSERT(inf->points[0].robust_correct == 2 && inf->points[1].robust_correct == 2);
    CU_ASSERT_EQUAL(inf->points[2].robust_correct, 1);
    CU_ASSERT(inf->points[0].broken[0] == 2 && inf->points[0].broken[1] == 2);
    CU_ASSERT(inf->points[1].broken[0] == 3 && inf->points[1].broken[1] == 2);
    CU_ASSERT(inf->points[2].broken[0] == 3 && inf->points[2].broken[1] == 3);
    CU_ASSERT_STRING_EQUAL(inf->median, "0.1"); /* the third of 0.05 0.1 0.1 0.3 – */
    CU_ASSERT_STRING_EQUAL(inf->p5, "0.05");    /* the first of five */
    CU_ASSERT_EQUAL(inf->broken, 4);
    CU_ASSERT(two->points[0].robust_correct == 5 && two->broken == 0 && two->median == NULL && two->p5 == NULL);
    /* fgsm and pgd both have a point at 0.1 alone: 3 only by fgsm, 1 only by pgd. */
    CU_ASSERT_EQUAL_FATAL(result.comparison_count, 1);
    CU_ASSERT(result.comparisons[0].only_weaker == 1 && result.comparisons[0].only_stronger == 1);
    CU_ASSERT(result.comparisons[0].weaker_broken == 2 && result.comparisons[0].stronger_broken == 2);
    CU_ASSERT(result.comparisons[0].p == 0.75 && !result.comparisons[0].raised);
}

/* Minimal curves alone: their own eps are the points. */
static void test_minimal_alone(void)
{
    const struct attack_run run = {.id = "fgsm", .curve_count = 1, .curves = &fgsm_curves[1]};
    CLEANUP(robustness_free) struct robustness result = {0};

    CU_ASSERT_EQUAL_FATAL(robustness_score(labels, clean, 6, &run, 1, &result), 0);
    CU_ASSERT_EQUAL(result.curves[0].point_count, 1);
    CU_ASSERT_EQUAL(result.curves[0].points[0].robust_correct, 4);
    CU_ASSERT_PTR_NULL(result.curves[0].median);
}

/* The percentiles' ranks: of n samples the (n+1)/2-th and the (n+19)/20-th, rounded down. */
static void test_percentiles(void)
{
    enum { COUNT = 41, LEVELS = 4 };
    static int32_t zero[COUNT], turned[LEVELS][COUNT];
    static const size_t until[LEVELS] = {2, 3, 20, 21}; /* samples turned at each eps */
    static const char *const texts[LEVELS] = {"1", "2", "3", "4"};
    struct attack_curve_point points[LEVELS];

    for (size_t level = 0; level < LEVELS; level++) {
        for (size_t i = 0; i < COUNT; i++)
            turned[level][i] = i < until[level];
        points[level] = (struct attack_curve_point){(double)level + 1, texts[level], turned[level]};
    }
    for (size_t count = COUNT - 1; count <= COUNT; count++) {
        const struct attack_curve curve = {.norm = 1, .point_count = LEVELS, .points = points};
        const struct attack_run run = {.id = "pgd", .curve_count = 1, .curves = &curve};
        CLEANUP(robustness_free) struct robustness result = {0};

        CU_ASSERT_EQUAL_FATAL(robustness_score(zero, zero, count, &run, 1, &result), 0);
        /* 40: the 20th and the 2nd; 41: the 21st and the 3rd */
        CU_ASSERT_STRING_EQUAL(result.curves[0].median, count == 40 ? "3" : "4");
        CU_ASSERT_STRING_EQUAL(result.curves[0].p5, count == 40 ? "1" : "2");
    }
}

static void test_nothing_right(void)
{
    static const int32_t wrong[] = {1, 2, 0, 1, 2, 0};
    CLEANUP(robustness_free) struct robustness result = {0};

    CU_ASSERT_EQUAL_FATAL(robustness_score(labels, wrong, 6, runs, 2, &result), 0);
    CU_ASSERT(result.clean_correct == 0 && result.curves[0].points[0].robust_correct == 0);
    CU_ASSERT(result.curves[0].broken == 0 && result.curves[0].median == NULL && result.curves[0].p5 == NULL);
    CU_ASSERT_EQUAL(robustness_score(labels, clean, 6, runs, 0, &result), -EINVAL);
}

/* --- masking -------------------------------------------------------------------------------------- */

enum { MANY = 20 };

/* A run of one curve at eps 0.1, and at 0.2 where nothing differs, that turns the first `turned` samples. */
struct one {
    int32_t predictions[MANY];
    struct attack_curve_point points[2];
    struct attack_curve curve;
};

static struct attack_run make_run(struct one *one, const char *id, enum attack_family family, size_t turned,
                                  size_t point_count)
{
    for (size_t i = 0; i < MANY; i++)
        one->predictions[i] = i < turned;
    one->points[0] = (struct attack_curve_point){0.1, "0.1", one->predictions};
    one->points[1] = (struct attack_curve_point){0.2, "0.2", one->predictions};
    one->curve = (struct attack_curve){.norm = 2, .point_count = point_count, .points = one->points};
    return (struct attack_run){.id = id, .family = family, .curve_count = 1, .curves = &one->curve};
}

static void test_masking(void)
{
    static const int32_t zero[MANY];
    struct one a, b, c;
    struct attack_run three[3] = {make_run(&a, "fgsm", ATTACK_SINGLE_STEP, 3, 1),
                                  make_run(&b, "pgd", ATTACK_ITERATIVE, 0, 1),
                                  make_run(&c, "square", ATTACK_BLACK_BOX, 13, 1)};
    CLEANUP(robustness_free) struct robustness result = {0};

    /* fgsm against pgd: 3 to 0, p 1/8; square against fgsm, the best with gradients: 10 to 0, p 2^-10, Holm 2^-9. */
    CU_ASSERT_EQUAL_FATAL(robustness_score(zero, zero, MANY, three, 3, &result), 0);
    CU_ASSERT_EQUAL_FATAL(result.comparison_count, 2);
    CU_ASSERT_EQUAL(result.comparisons[0].flag, ROBUSTNESS_SINGLE_STEP_BEATS_ITERATIVE);
    CU_ASSERT(result.comparisons[0].p == 0.125 && !result.comparisons[0].raised);
    CU_ASSERT_EQUAL(result.comparisons[1].flag, ROBUSTNESS_BLACK_BOX_BEATS_WHITE_BOX);
    CU_ASSERT(result.comparisons[1].weaker == 2 && result.comparisons[1].stronger == 0);
    CU_ASSERT(result.comparisons[1].only_weaker == 10 && result.comparisons[1].only_stronger == 0);
    CU_ASSERT(close_to(result.comparisons[1].p, 0x1p-10) && close_to(result.comparisons[1].p_holm, 0x1p-9));
    CU_ASSERT(result.comparisons[1].raised);
    robustness_free(&result);
    three[2].goal = PLAN_GOAL_NEXT; /* attacks that want other things can't be compared */
    CU_ASSERT_EQUAL_FATAL(robustness_score(zero, zero, MANY, three, 3, &result), 0);
    CU_ASSERT_EQUAL(result.comparison_count, 1);
}

/* Seven to none is a flag by itself, and none where two eps were looked at. */
static void test_masking_is_corrected(void)
{
    static const int32_t zero[MANY];

    for (size_t points = 1; points <= 2; points++) {
        struct one a, b;
        const struct attack_run two[2] = {make_run(&a, "noise", ATTACK_BLACK_BOX, 7, points),
                                          make_run(&b, "pgd", ATTACK_ITERATIVE, 0, points)};
        CLEANUP(robustness_free) struct robustness result = {0};

        CU_ASSERT_EQUAL_FATAL(robustness_score(zero, zero, MANY, two, 2, &result), 0);
        CU_ASSERT_EQUAL_FATAL(result.comparison_count, points);
        CU_ASSERT(close_to(result.comparisons[0].p, 0x1p-7));
        CU_ASSERT_EQUAL(result.comparisons[0].raised, points == 1);
    }
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"the sign test", test_sign},
        {"the worst case", test_worst_case},
        {"minimal curves alone", test_minimal_alone},
        {"percentiles", test_percentiles},
        {"nothing right when clean", test_nothing_right},
        {"masked gradients", test_masking},
        {"masked gradients, several comparisons", test_masking_is_corrected},
    };

    return harness_run("host/score/robustness", tests, HARNESS_COUNT(tests));
}
