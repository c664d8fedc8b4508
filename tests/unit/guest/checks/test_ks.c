/* SPDX-License-Identifier: Apache-2.0 */
/* The Kolmogorov-Smirnov test against SciPy 1.10's figures, and its edges. */
#include "unit/harness.h"

#include "guest/checks/ks.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXTURES  "tests/fixtures/ks/"
#define CASES_MAX 64u
#define NAME_SIZE 64u
#define TOLERANCE 1e-9

struct sample_pair {
    char name[NAME_SIZE];
    float *values[2];
    size_t counts[2];
};

static struct sample_pair pairs[CASES_MAX];
static unsigned pair_count;

static FILE *open_fixture(const char *path)
{
    FILE *file = fopen(path, "rb");

    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    return file;
}

/* A seeded shuffle: ks_sort has to bring the order back. */
static void shuffle(float *values, size_t count)
{
    uint64_t state = 12345;

    for (size_t i = count; i > 1; i--) {
        size_t j;
        float swap = values[i - 1];

        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        j = (size_t)((state >> 33) % i);
        values[i - 1] = values[j];
        values[j] = swap;
    }
}

static void read_pair(FILE *samples, struct sample_pair *pair)
{
    size_t counts[2] = {0, 0};
    float value = -1000.0f;
    int byte = 0;

    pair->values[0] = malloc(pair->counts[0] * sizeof(float));
    pair->values[1] = malloc(pair->counts[1] * sizeof(float));
    CU_ASSERT_FATAL(pair->values[0] != NULL && pair->values[1] != NULL);
    for (size_t i = 0; i < pair->counts[0] + pair->counts[1]; i++) {
        unsigned which;

        byte = i % 4 == 0 ? fgetc(samples) : byte >> 2;
        CU_ASSERT_NOT_EQUAL_FATAL(byte, EOF);
        which = (unsigned)byte & 1u;
        value += (byte & 2) != 0 ? 1.0f : 0.0f;
        CU_ASSERT_FATAL(counts[which] < pair->counts[which]);
        pair->values[which][counts[which]++] = value;
    }
    for (unsigned i = 0; i < 2; i++) {
        shuffle(pair->values[i], pair->counts[i]);
        ks_sort(pair->values[i], pair->counts[i]);
        for (size_t j = 1; j < pair->counts[i]; j++)
            CU_ASSERT_FATAL(pair->values[i][j - 1] <= pair->values[i][j]);
    }
}

static void read_pairs(void)
{
    FILE *cases = open_fixture(FIXTURES "cases.txt"), *samples = open_fixture(FIXTURES "samples.bin");

    while (pair_count < CASES_MAX && fscanf(cases, "%63s %zu %zu", pairs[pair_count].name, &pairs[pair_count].counts[0],
                                            &pairs[pair_count].counts[1]) == 3)
        read_pair(samples, &pairs[pair_count++]);
    CU_ASSERT_EQUAL(pair_count, 30);
    CU_ASSERT_EQUAL(fgetc(samples), EOF);
    (void)fclose(cases);
    (void)fclose(samples);
}

static const struct sample_pair *find_pair(const char *name)
{
    for (unsigned i = 0; i < pair_count; i++)
        if (strcmp(pairs[i].name, name) == 0)
            return &pairs[i];
    CU_FAIL_FATAL("a result without its samples");
    return NULL;
}

/* --- SciPy's figures ------------------------------------------------------------------------------ */

static int run_pair(const struct sample_pair *pair, enum ks_alternative alternative, enum ks_method method,
                    struct ks_result *ret_result)
{
    const struct ks_sample first = {pair->values[0], pair->counts[0]}, second = {pair->values[1], pair->counts[1]};

    return ks_two_sample(&first, &second, alternative, method, ret_result);
}

static enum ks_alternative alternative_of(const char *text)
{
    return text[0] == 't' ? KS_TWO_SIDED : text[0] == 'l' ? KS_LESS : KS_GREATER;
}

static enum ks_method method_of(const char *text)
{
    return strcmp(text, "auto") == 0 ? KS_AUTO : strcmp(text, "exact") == 0 ? KS_EXACT : KS_ASYMPTOTIC;
}

static void test_results(void)
{
    FILE *file = open_fixture(FIXTURES "results.txt");
    char name[NAME_SIZE], alternative[16], method[16];
    double d, p, worst = 0.0, relative = 0.0;
    unsigned count = 0;

    while (fscanf(file, "%63s %15s %15s %la %la", name, alternative, method, &d, &p) == 5) {
        struct ks_result result = {0};

        CU_ASSERT_EQUAL(run_pair(find_pair(name), alternative_of(alternative), method_of(method), &result), 0);
        CU_ASSERT(fabs(result.d - d) <= 1e-15 + 1e-15 * d);
        CU_ASSERT(fabs(result.p - p) <= TOLERANCE);
        if (!(fabs(result.p - p) <= TOLERANCE))
            printf("(%s %s %s: %.17g, not %.17g) ", name, alternative, method, result.p, p);
        worst = fmax(worst, fabs(result.p - p));
        if (p > 1e-300)
            relative = fmax(relative, fabs(result.p - p) / p);
        count++;
    }
    CU_ASSERT_EQUAL(count, 252);
    printf("(%u results, largest error %.1e, relative %.1e) ", count, worst, relative);
    (void)fclose(file);
}

static void test_grid(void)
{
    FILE *file = open_fixture(FIXTURES "grid.txt");
    double d, two_sided, one_sided, worst[2] = {0.0}, relative[2] = {0.0};
    unsigned count = 0;
    unsigned long n;

    while (fscanf(file, "%lu %la %la %la", &n, &d, &two_sided, &one_sided) == 4) {
        double p = NAN, q = ks_one_sided_tail(n, d);

        CU_ASSERT_EQUAL(ks_two_sided_tail(n, d, &p), 0);
        CU_ASSERT(fabs(p - two_sided) <= TOLERANCE && fabs(q - one_sided) <= TOLERANCE);
        if (!(fabs(p - two_sided) <= TOLERANCE && fabs(q - one_sided) <= TOLERANCE))
            printf("(%lu %g: %.17g, not %.17g; %.17g, not %.17g) ", n, d, p, two_sided, q, one_sided);
        worst[0] = fmax(worst[0], fabs(p - two_sided));
        worst[1] = fmax(worst[1], fabs(q - one_sided));
        if (two_sided > 1e-300)
            relative[0] = fmax(relative[0], fabs(p - two_sided) / two_sided);
        if (one_sided > 1e-300)
            relative[1] = fmax(relative[1], fabs(q - one_sided) / one_sided);
        count++;
    }
    CU_ASSERT_EQUAL(count, 127);
    printf("(%u points, largest error two-sided %.1e, one-sided %.1e, relative %.1e and %.1e) ", count, worst[0],
           worst[1], relative[0], relative[1]);
    (void)fclose(file);
}

/* --- the method ----------------------------------------------------------------------------------- */

static bool is_exact(const char *name, enum ks_alternative alternative, enum ks_method method)
{
    struct ks_result result = {0};

    CU_ASSERT_EQUAL(run_pair(find_pair(name), alternative, method, &result), 0);
    return result.exact;
}

static void test_choice_of_method(void)
{
    CU_ASSERT(is_exact("norm_9999_10000_shift0.3", KS_TWO_SIDED, KS_AUTO));
    CU_ASSERT(!is_exact("norm_9999_10000_shift0.3", KS_TWO_SIDED, KS_ASYMPTOTIC));
    CU_ASSERT(!is_exact("big_10001_10001_shift0.02", KS_TWO_SIDED, KS_AUTO));
    CU_ASSERT(is_exact("big_10001_10001_shift0.02", KS_TWO_SIDED, KS_EXACT));
    CU_ASSERT(!is_exact("norm_3000_4000_shift0.05", KS_LESS, KS_EXACT)); /* paths beyond a double */
    CU_ASSERT(is_exact("norm_64_100_shift0.3", KS_GREATER, KS_AUTO));
}

/* Not exact with a least common multiple beyond 2^31, nor where it would take too long. */
static void test_exact_gives_up(void)
{
    static const size_t sizes[][2] = {{400001, 130003}, {3000000, 1000000}};

    for (size_t i = 0; i < HARNESS_COUNT(sizes); i++) {
        float *values = calloc(sizes[i][0] + sizes[i][1], sizeof *values);
        const struct ks_sample first = {values, sizes[i][0]}, second = {values + sizes[i][0], sizes[i][1]};
        struct ks_result result = {0};

        CU_ASSERT_PTR_NOT_NULL_FATAL(values);
        for (size_t j = sizes[i][0]; j < sizes[i][0] + sizes[i][1]; j++)
            values[j] = 1.0f;
        CU_ASSERT_EQUAL(ks_two_sample(&first, &second, KS_TWO_SIDED, KS_EXACT, &result), 0);
        CU_ASSERT(!result.exact && result.d == 1.0 && result.p == 0.0);
        free(values);
    }
}

/* --- edges ------------------------------------------------------------------------------------------ */

static void test_small_samples(void)
{
    const float one = 1.0f, two = 2.0f, many[] = {1, 2, 3, 4};
    const struct ks_sample first = {&one, 1}, second = {&two, 1}, four = {many, 4}, none = {many, 0};
    struct ks_result result = {0};

    CU_ASSERT_EQUAL(ks_two_sample(&first, &second, KS_TWO_SIDED, KS_AUTO, &result), 0);
    CU_ASSERT(result.d == 1.0 && result.p == 1.0 && result.exact);
    CU_ASSERT_EQUAL(ks_two_sample(&first, &first, KS_TWO_SIDED, KS_AUTO, &result), 0);
    CU_ASSERT(result.d == 0.0 && result.p == 1.0);
    CU_ASSERT_EQUAL(ks_two_sample(&first, &four, KS_TWO_SIDED, KS_AUTO, &result), 0);
    CU_ASSERT_DOUBLE_EQUAL(result.p, 0.8, 1e-15); /* 4 of the 5 places that one of five values can have */
    CU_ASSERT_EQUAL(ks_two_sample(&first, &none, KS_TWO_SIDED, KS_AUTO, &result), -EINVAL);
    CU_ASSERT_EQUAL(ks_two_sample(&first, &second, KS_TWO_SIDED, KS_ASYMPTOTIC, &result), 0);
    CU_ASSERT(result.p >= 0.0 && result.p <= 1.0);
}

static void test_sort(void)
{
    enum { COUNT = 5000 };
    static float values[COUNT];
    const float edges[] = {0.0f, -0.0f, 3.4e38f, -3.4e38f, 1e-45f, -1e-45f, 1.0f, -1.0f};
    uint64_t state = 7;

    for (size_t i = 0; i < COUNT; i++) {
        state = state * UINT64_C(6364136223846793005) + 1;
        values[i] = i < HARNESS_COUNT(edges) ? edges[i] : (float)(int64_t)state * (i % 2 == 0 ? 1e-10f : 1e-19f);
    }
    ks_sort(values, COUNT);
    for (size_t i = 1; i < COUNT; i++)
        CU_ASSERT(values[i - 1] <= values[i]);
    CU_ASSERT(values[0] == -3.4e38f && values[COUNT - 1] == 3.4e38f);
    for (size_t i = 0; i < COUNT; i++)
        CU_ASSERT(values[i] != 0.0f || !signbit(values[i]));
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"samples", read_pairs},
        {"SciPy's two-sample figures", test_results},
        {"SciPy's one-sample tails", test_grid},
        {"the choice of method", test_choice_of_method},
        {"exact where it can't be", test_exact_gives_up},
        {"small samples", test_small_samples},
        {"sorting", test_sort},
    };
    int status = harness_run("Kolmogorov-Smirnov", tests, HARNESS_COUNT(tests));

    for (unsigned i = 0; i < pair_count; i++) {
        free(pairs[i].values[0]);
        free(pairs[i].values[1]);
    }
    return status;
}
