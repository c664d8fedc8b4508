/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals, exact tests, corrections, decisions: against outside references. */
#include "host/score/anomaly.h"
#include "host/score/clustering.h"
#include "host/score/drift.h"
#include "host/score/fisher.h"
#include "host/score/holm.h"
#include "host/score/interval.h"

#include "unit/harness.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static bool close_to(double value, double reference, double relative)
{
    return fabs(value - reference) <= relative * fabs(reference);
}

/* References: the formula in 50-digit decimal arithmetic (Python's decimal). */
static void test_wilson(void)
{
    static const struct {
        uint64_t successes, total;
        double low, high;
    } cases[] = {
        {444, 450, 0.97121945836094713, 0.99387527127909476},
        {0, 10, 0.0, 0.27753279986288920},
        {10, 10, 0.72246720013711080, 1.0},
        {254, 450, 0.51827852974732390, 0.60951940248811544},
        {1, 3, 0.06149194472039624, 0.79234039919795225},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        struct interval interval = interval_wilson(cases[i].successes, cases[i].total);

        CU_ASSERT(fabs(interval.low - cases[i].low) < 1e-15);
        CU_ASSERT(fabs(interval.high - cases[i].high) < 1e-15);
    }
    CU_ASSERT(interval_wilson(0, 10).low == 0.0 && interval_wilson(10, 10).high == 1.0);
    CU_ASSERT(interval_wilson(0, 0).low == 0.0 && interval_wilson(0, 0).high == 1.0);
}

/*
 * References: exact rational arithmetic over all tables of the same margins (Python's fractions and
 * math.comb), which scipy.stats.fisher_exact agrees with; the second is scipy's documented example.
 */
static void test_fisher(void)
{
    static const struct {
        uint64_t table[4];
        double p;
    } cases[] = {
        {{146, 202, 33, 0}, 2.6722512690402913e-12}, /* bd15, class 0 */
        {{8, 2, 1, 5}, 0.03496503496503497},
        {{3, 1, 1, 3}, 0.4857142857142857},
        {{1, 9, 11, 3}, 0.0027594561852200836},
        {{0, 5, 5, 0}, 0.007936507936507936},
        {{10, 10, 10, 10}, 1.0},
        {{103, 43, 30, 12}, 1.0},
        {{100, 2, 1000, 5}, 0.13007593634300169},
        {{2, 7, 8, 2}, 0.023014137565221155},
        {{5, 0, 1, 4}, 0.047619047619047616},
        {{202, 146, 0, 33}, 2.6722512690402913e-12},
        {{500, 500, 20, 480}, 1.517724917925766e-84},
        {{1000, 10, 900, 110}, 1.4091422836734292e-23},
        {{0, 0, 5, 7}, 1.0},
        {{7, 0, 9, 0}, 1.0},
        {{0, 0, 0, 0}, 1.0},
    };

    for (size_t i = 0; i < HARNESS_COUNT(cases); i++) {
        const uint64_t *t = cases[i].table;
        double p = fisher_exact(t[0], t[1], t[2], t[3]);

        if (!close_to(p, cases[i].p, 1e-12))
            (void)printf("\n    [%zu] %.17g instead of %.17g", i, p, cases[i].p);
        CU_ASSERT(close_to(p, cases[i].p, 1e-12));
        CU_ASSERT(close_to(fisher_exact(t[2], t[3], t[0], t[1]), p, 1e-12)); /* rows exchanged */
        CU_ASSERT(close_to(fisher_exact(t[0], t[2], t[1], t[3]), p, 1e-12)); /* transposed */
    }
}

/* Large counts: references by 60-digit decimal arithmetic over the whole support. */
static void test_fisher_large(void)
{
    CU_ASSERT(close_to(fisher_exact(50000, 50500, 49800, 50900), 1.82462908554630701e-1, 1e-9));
    CU_ASSERT(close_to(fisher_exact(100000, 900000, 101500, 898500), 4.29140885812282372e-4, 1e-9));
    CU_ASSERT(close_to(fisher_exact(300, 99700, 500, 99500), 1.37922813093663128e-12, 1e-9));
    CU_ASSERT(close_to(fisher_exact(120000, 80000, 60500, 39500), 8.42742873514832873e-3, 1e-9));
    CU_ASSERT_EQUAL(fisher_exact(1000000, 0, 0, 1000000), 0.0); /* far below the smallest double */
}

static void test_holm(void)
{
    /* statsmodels.stats.multitest.multipletests(p, method='holm') */
    const double p[] = {0.01, 0.04, 0.03, 0.005}, adjusted[] = {0.03, 0.06, 0.06, 0.02};
    double result[4], many[] = {0.5, 0.9, 0.6}, bad[] = {0.5, NAN};

    CU_ASSERT_EQUAL(holm_adjust(p, 4, result), 0);
    for (size_t i = 0; i < 4; i++)
        CU_ASSERT(close_to(result[i], adjusted[i], 1e-15));
    CU_ASSERT_EQUAL(holm_adjust(many, 3, many), 0);
    CU_ASSERT(many[0] == 1.0 && many[1] == 1.0 && many[2] == 1.0);
    CU_ASSERT_EQUAL(holm_adjust(bad, 2, result), -EINVAL);
    CU_ASSERT_EQUAL(holm_adjust(p, 0, result), 0);
}

static const struct clustering_rule rule = {.alpha = 0.001, .effect_min = 0.25, .test_share_max = 0.1};

/* The figures measured on the digits' backdoored model: class 0, and clean classes like the others. */
static void test_clustering(void)
{
    struct clustering_class classes[] = {
        {0, {202, 146}, {0, 33}},      {1, {70, 50}, {24, 21}},
        {2, {103, 43}, {30, 12}},      {3, {60, 60}, {0, 0}},              /* never predicted: can't be tested */
        {4, {0, 0}, {5, 0}},           {5, {90000, 10000}, {18500, 1500}}, /* a tiny p, a tiny effect */
        {6, {2048, 1925}, {163, 611}}, /* both large, yet a fifth of the test samples is there */
    };
    struct clustering_verdict verdicts[7];

    CU_ASSERT_EQUAL(clustering_decide(&rule, classes, 7, verdicts), 0);
    CU_ASSERT(close_to(verdicts[0].p, 2.6722512690402913e-12, 1e-12));
    CU_ASSERT(verdicts[0].suspicious && verdicts[0].cluster == 0 && close_to(verdicts[0].effect, 202.0 / 348.0, 1e-15));
    CU_ASSERT(close_to(verdicts[0].p_holm, 3 * verdicts[0].p, 1e-12)); /* the third smallest of five */
    CU_ASSERT(!verdicts[1].suspicious && !verdicts[2].suspicious);
    CU_ASSERT(!verdicts[3].tested && !verdicts[3].suspicious && !verdicts[4].tested);
    CU_ASSERT(verdicts[5].p_holm < 0.001 && verdicts[5].effect < 0.03 && !verdicts[5].suspicious);
    CU_ASSERT(verdicts[6].p_holm < 0.001 && verdicts[6].effect > 0.25 && verdicts[6].test_share > 0.2);
    CU_ASSERT(!verdicts[6].suspicious);
    classes[0].sizes[0] = UINT64_MAX;
    CU_ASSERT_EQUAL(clustering_decide(&rule, classes, 7, verdicts), -EINVAL);
}

/* numpy.median and scipy.stats.median_abs_deviation, SciPy 1.10.1 */
static void test_anomaly(void)
{
    const double values[] = {.1, .2, .15, .3, .25, .9, .12, .18, .22, .2}, three[] = {3, 1, 2}, same[] = {1, 1, 1, 5};
    struct anomaly_null null;

    CU_ASSERT_EQUAL(anomaly_null_of(values, 10, &null), 0);
    CU_ASSERT(null.known && close_to(null.median, 0.2, 1e-15) && close_to(null.mad, 0.05, 1e-12));
    CU_ASSERT(close_to(anomaly_index(&null, 0.9), 9.442870632672332, 1e-9));
    CU_ASSERT(close_to(anomaly_index(&null, 0.1), 1.3489815189531904, 1e-9)); /* below as above */
    CU_ASSERT_EQUAL(anomaly_null_of(three, 3, &null), 0);
    CU_ASSERT(null.median == 2 && null.mad == 1);
    CU_ASSERT_EQUAL(anomaly_null_of(same, 4, &null), 0); /* a MAD of 0 */
    CU_ASSERT(anomaly_index(&null, 1) == 0 && isinf(anomaly_index(&null, 5)));
    CU_ASSERT_EQUAL(anomaly_null_of(values, 2, &null), 0); /* two targets are no null */
    CU_ASSERT(!null.known && anomaly_index(&null, 0.9) == 0);
    CU_ASSERT_EQUAL(anomaly_null_of(values, 0, &null), 0);
    CU_ASSERT(!null.known);
}

/* statsmodels.stats.multitest.multipletests(p, method='holm') of the tensors compared, as above. */
static void test_drift(void)
{
    const struct drift_rule drift = {.alpha = 0.03, .minimum_effect = 0.2};
    struct drift_tensor tensors[] = {
        {.compared = true, .d = 0.3, .p = 0.01}, {.compared = true, .d = 0.9, .p = 0.04},  {.compared = false},
        {.compared = true, .d = 0.9, .p = 0.03}, {.compared = true, .d = 0.1, .p = 0.005},
    };
    static const double holm[] = {0.03, 0.06, 0, 0.06, 0.02};

    CU_ASSERT_EQUAL(drift_decide(&drift, tensors, 5), 0);
    for (size_t i = 0; i < 5; i++)
        CU_ASSERT(close_to(tensors[i].p_holm, holm[i], 1e-15));
    CU_ASSERT(tensors[0].drifted && !tensors[1].drifted && !tensors[2].drifted && !tensors[3].drifted);
    CU_ASSERT(!tensors[4].drifted); /* a small p, a small effect */
    tensors[0].p = 1.5;
    CU_ASSERT_EQUAL(drift_decide(&drift, tensors, 5), -EINVAL);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"Wilson's interval", test_wilson},
        {"Fisher's exact test", test_fisher},
        {"Fisher's exact test, large counts", test_fisher_large},
        {"Holm's correction", test_holm},
        {"clusters", test_clustering},
        {"anomaly by median and MAD", test_anomaly},
        {"drift", test_drift},
    };

    return harness_run("host/score/statistics", tests, HARNESS_COUNT(tests));
}
