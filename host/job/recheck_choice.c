/* SPDX-License-Identifier: Apache-2.0 */
/* Which inputs a recheck looks at again. */
#include "host/job/recheck_choice.h"

#include "host/job/plan_make.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(POLICY_RECHECK_MAX <= PLAN_PLACES_MAX, "what a policy may ask for can be opened");

struct draw {
    const uint8_t *seed;
    uint64_t counter;
};

static uint64_t draw_number(struct draw *draw)
{
    uint8_t counter[8], digest[SHA256_SIZE];
    uint64_t number = 0;
    struct sha256 hash;

    for (unsigned i = 0; i < sizeof counter; i++)
        counter[i] = (uint8_t)(draw->counter >> (8 * i));
    draw->counter++;
    sha256_start(&hash);
    sha256_update(&hash, draw->seed, SHA256_SIZE);
    sha256_update(&hash, counter, sizeof counter);
    sha256_finish(&hash, digest);
    for (unsigned i = 0; i < sizeof number; i++)
        number |= (uint64_t)digest[i] << (8 * i);
    return number;
}

/* Below n, which is not 0, without bias. */
static uint32_t draw_below(struct draw *draw, uint64_t n)
{
    uint64_t fair = UINT64_MAX - UINT64_MAX % n, number;

    do
        number = draw_number(draw);
    while (number >= fair);
    return (uint32_t)(number % n);
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static bool contains(const uint32_t *numbers, uint32_t count, uint32_t number)
{
    for (uint32_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* `count` different numbers below `total`, rising: R. Floyd's algorithm for a sample without replacement. */
static void draw_sample(struct draw *draw, uint64_t total, uint32_t count, uint32_t *ret_numbers)
{
    uint32_t taken = 0;

    for (uint64_t last = total - count; last < total; last++) {
        uint32_t number = draw_below(draw, last + 1);

        ret_numbers[taken] = contains(ret_numbers, taken, number) ? (uint32_t)last : number;
        taken++;
    }
    qsort(ret_numbers, count, sizeof *ret_numbers, compare_numbers);
}

/* R. A. Fisher's and F. Yates's shuffle. */
static void shuffle(struct draw *draw, uint32_t count, uint32_t *ret_order)
{
    for (uint32_t i = 0; i < count; i++)
        ret_order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = draw_below(draw, i), number = ret_order[i - 1];

        ret_order[i - 1] = ret_order[other];
        ret_order[other] = number;
    }
}

uint32_t recheck_choice_check(const struct recheck_choice *choice, uint32_t entry)
{
    return choice->attacks[entry % choice->attack_count];
}

uint32_t recheck_choice_place(const struct recheck_choice *choice, uint32_t entry)
{
    return choice->places[entry / choice->attack_count];
}

static uint32_t point_total(const struct plan_attack *attack)
{
    uint32_t total = 0;

    for (uint32_t i = 0; i < attack->curve_count; i++)
        total += attack->curves[i].point_count;
    return total;
}

/* The number-th of an attack's points, counted through its curves. */
static struct recheck_entry nth_point(const struct plan_attack *attack, uint32_t number)
{
    struct recheck_entry entry = {0};

    while (number >= attack->curves[entry.curve].point_count)
        number -= attack->curves[entry.curve++].point_count;
    entry.point = number;
    return entry;
}

static bool is_turned(const struct results *claims, uint32_t check, struct recheck_entry entry, uint32_t place)
{
    uint32_t accuracy = plan_make_find(claims->plan, PLAN_CLEAN_ACCURACY);

    return claims->checks[check].points[entry.curve][entry.point].predictions[place] !=
           claims->checks[accuracy].points[0][0].predictions[place];
}

/* A point of the attack where the guest's claim is the wanted one, going on from a drawn point; else the drawn one. */
static struct recheck_entry choose_point(struct draw *draw, const struct results *claims, uint32_t check,
                                         uint32_t place, bool turned)
{
    const struct plan_attack *attack = &claims->plan->checks[check].attack;
    uint32_t total = point_total(attack), start = draw_below(draw, total);

    for (uint32_t i = 0; i < total; i++) {
        struct recheck_entry entry = nth_point(attack, (start + i) % total);

        if (is_turned(claims, check, entry, place) == turned)
            return entry;
    }
    return nth_point(attack, start);
}

static void find_attacks(const struct results *claims, struct recheck_choice *choice)
{
    for (uint32_t i = 0; i < claims->plan->check_count; i++)
        if (plan_check_is_attack(claims->plan->checks[i].id) && claims->checks[i].skipped[0] == '\0' &&
            point_total(&claims->plan->checks[i].attack) > 0)
            choice->attacks[choice->attack_count++] = i;
}

void recheck_choose(const struct results *claims, const uint8_t seed[SHA256_SIZE], uint32_t count,
                    struct recheck_choice *ret_choice)
{
    uint64_t total = claims->plan->sets[PLAN_SET_TEST].count;
    struct recheck_choice *choice = ret_choice;
    struct draw draw = {.seed = seed};

    memset(choice, 0, sizeof *choice);
    find_attacks(claims, choice);
    if (choice->attack_count > 0) {
        uint32_t places = (count + choice->attack_count - 1) / choice->attack_count;
        uint64_t entries;

        choice->place_count = places < total ? places : (uint32_t)total;
        draw_sample(&draw, total, choice->place_count, choice->places);
        entries = (uint64_t)choice->place_count * choice->attack_count;
        choice->entry_count = entries < count ? (uint32_t)entries : count;
    }
    for (uint32_t i = 0; i < choice->entry_count; i++)
        choice->entries[i] = choose_point(&draw, claims, recheck_choice_check(choice, i),
                                          recheck_choice_place(choice, i), i / choice->attack_count % 2 == 0);
    choice->clean_count = count < total ? count : (uint32_t)total;
    draw_sample(&draw, total, choice->clean_count, choice->clean);
    shuffle(&draw, choice->entry_count + choice->clean_count, choice->order);
}
