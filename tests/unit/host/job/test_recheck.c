/* SPDX-License-Identifier: Apache-2.0 */
/* What a recheck chooses: enough, different, of every attack and of both claims, and by the seed alone. */
#include "host/job/recheck_choice.h"

#include "unit/harness.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES 40u
#define SKIPPED 2u /* index of the check that the guest skipped */

static struct plan plan;
static struct results *claims;

/* Predictions are of class 0 but where the attack turns: of point p, every sample that p + 2 divides. */
static void make_claims(uint64_t count)
{
    struct message ready = {.type = MESSAGE_READY, .ready = {.classes = 3}};

    memset(&plan, 0, sizeof plan);
    plan.contract = (struct plan_contract){.rank = 1, .dims = {2}};
    plan.sets[PLAN_SET_TEST] = (struct plan_set){.present = true, .count = count, .window = 8};
    plan.check_count = 4;
    plan.checks[0].id = PLAN_CLEAN_ACCURACY;
    for (unsigned i = 1; i < 4; i++) {
        plan.checks[i].id = PLAN_NOISE + i;
        plan.checks[i].attack.curve_count = 2;
        plan.checks[i].attack.curves[0].point_count = 2;
        plan.checks[i].attack.curves[1].point_count = 1;
    }
    results_free(claims);
    CU_ASSERT_EQUAL_FATAL(results_create(&plan, NULL, &claims, NULL), 0);
    CU_ASSERT_EQUAL(results_take(claims, &ready, NULL), 0);
    (void)strcpy(claims->checks[SKIPPED].skipped, "no gradient");
    for (unsigned check = 1; check < 4; check++)
        for (uint64_t i = 0; i < count; i++) {
            claims->checks[check].points[0][0].predictions[i] = i % 2 == 0;
            claims->checks[check].points[0][1].predictions[i] = i % 3 == 0;
            claims->checks[check].points[1][0].predictions[i] = i % 4 == 0;
        }
}

static void expect_rising(const uint32_t *numbers, uint32_t count, uint32_t below)
{
    for (uint32_t i = 0; i < count; i++)
        CU_ASSERT_TRUE(numbers[i] < below && (i == 0 || numbers[i] > numbers[i - 1]));
}

static void test_choice(void)
{
    static const uint8_t seed[SHA256_SIZE] = {7};
    static struct recheck_choice choice;
    unsigned turned = 0, seen[2 * SAMPLES] = {0};

    make_claims(SAMPLES);
    recheck_choose(claims, seed, 20, &choice);
    CU_ASSERT_EQUAL(choice.attack_count, 2); /* not the one that was skipped */
    CU_ASSERT_EQUAL(choice.attacks[0], 1);
    CU_ASSERT_EQUAL(choice.attacks[1], 3);
    CU_ASSERT_EQUAL(choice.place_count, 10);
    CU_ASSERT_EQUAL(choice.entry_count, 20);
    CU_ASSERT_EQUAL(choice.clean_count, 20);
    expect_rising(choice.places, choice.place_count, SAMPLES);
    expect_rising(choice.clean, choice.clean_count, SAMPLES);
    for (uint32_t i = 0; i < choice.entry_count; i++) {
        const struct recheck_entry *entry = &choice.entries[i];

        CU_ASSERT_TRUE(entry->curve < 2 && entry->point < (entry->curve == 0 ? 2 : 1));
        turned += (unsigned)claims->checks[recheck_choice_check(&choice, i)]
                      .points[entry->curve][entry->point]
                      .predictions[recheck_choice_place(&choice, i)];
    }
    CU_ASSERT_TRUE(turned >= 3 && turned <= 10); /* half of them, where the place has such a point */
    for (uint32_t i = 0; i < 40; i++)
        seen[choice.order[i]]++;
    for (uint32_t i = 0; i < 40; i++)
        CU_ASSERT_EQUAL(seen[i], 1);
}

static void test_seed(void)
{
    static const uint8_t seed[SHA256_SIZE] = {7}, other[SHA256_SIZE] = {8};
    static struct recheck_choice first, again, another;

    make_claims(SAMPLES);
    recheck_choose(claims, seed, 20, &first);
    recheck_choose(claims, seed, 20, &again);
    recheck_choose(claims, other, 20, &another);
    CU_ASSERT_EQUAL(memcmp(&first, &again, sizeof first), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(first.places, another.places, sizeof first.places), 0);
    CU_ASSERT_NOT_EQUAL(memcmp(first.order, another.order, sizeof first.order), 0);
}

static void test_small(void)
{
    static const uint8_t seed[SHA256_SIZE] = {7};
    static struct recheck_choice choice;

    make_claims(3);
    recheck_choose(claims, seed, POLICY_RECHECK_MAX, &choice);
    CU_ASSERT_EQUAL(choice.place_count, 3);
    CU_ASSERT_EQUAL(choice.entry_count, 6);
    CU_ASSERT_EQUAL(choice.clean_count, 3);
    plan.check_count = 1; /* no attack: clean inputs alone */
    recheck_choose(claims, seed, 2, &choice);
    CU_ASSERT_EQUAL(choice.entry_count, 0);
    CU_ASSERT_EQUAL(choice.clean_count, 2);
    plan.check_count = 4;
}

/* Over many seeds every test input is drawn about equally often. */
static void test_even(void)
{
    unsigned drawn[SAMPLES] = {0};

    make_claims(SAMPLES);
    for (unsigned i = 0; i < 1000; i++) {
        const uint8_t seed[SHA256_SIZE] = {(uint8_t)i, (uint8_t)(i >> 8)};
        static struct recheck_choice choice;

        recheck_choose(claims, seed, 8, &choice);
        for (uint32_t k = 0; k < choice.clean_count; k++)
            drawn[choice.clean[k]]++;
    }
    for (unsigned i = 0; i < SAMPLES; i++) /* 200 expected, six deviations of 12.6 */
        CU_ASSERT_TRUE(drawn[i] > 124 && drawn[i] < 276);
}

int main(void)
{
    static const struct harness_test tests[] = {
        {"choice", test_choice}, {"seed", test_seed}, {"small sets", test_small}, {"even draws", test_even}};
    int status = harness_run("host job recheck", tests, HARNESS_COUNT(tests));

    results_free(claims);
    return status;
}
