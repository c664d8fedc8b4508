/* SPDX-License-Identifier: Apache-2.0 */
/* Per sample the worst over all attacks. */
#include "host/score/robustness.h"

#include "host/score/holm.h"
#include "host/score/sign_test.h"

#include <errno.h>
#include <string.h>

#define NEVER UINT32_MAX

/* An eps of a norm. */
struct level {
    double eps;
    const char *text;
    bool shown; /* a point of the curve */
};

/* The work on one norm. */
struct scoring {
    const int32_t *labels, *clean;
    size_t count;
    const struct attack_run *runs;
    size_t run_count;
    double norm;
    size_t level_count;
    struct level *levels; /* by ascending eps, each once */
    uint32_t *broken; /* runs × count: the level at which each run first turned a sample that was right, or NEVER */
};

static void drop_scoring(struct scoring *scoring)
{
    free(scoring->levels);
    free(scoring->broken);
}

/* --- eps ------------------------------------------------------------------------------------------- */

static int compare_levels(const void *left, const void *right)
{
    const struct level *a = left, *b = right;

    return a->eps < b->eps ? -1 : a->eps > b->eps;
}

/* Equal eps become one, under its first spelling; qsort is no stable sort, so the spelling is settled here. */
static void merge_levels(struct scoring *scoring)
{
    size_t used = 0;
    bool any_shown = false;

    for (size_t i = 0; i < scoring->level_count; i++) {
        struct level *level = &scoring->levels[i];

        any_shown |= level->shown;
        if (used == 0 || scoring->levels[used - 1].eps != level->eps) {
            scoring->levels[used++] = *level;
            continue;
        }
        scoring->levels[used - 1].shown |= level->shown;
        if (strcmp(level->text, scoring->levels[used - 1].text) < 0)
            scoring->levels[used - 1].text = level->text;
    }
    scoring->level_count = used;
    for (size_t i = 0; !any_shown && i < used; i++)
        scoring->levels[i].shown = true;
}

static int gather_levels(struct scoring *scoring)
{
    size_t total = 0;

    for (size_t run = 0; run < scoring->run_count; run++)
        for (size_t i = 0; i < scoring->runs[run].curve_count; i++)
            total += scoring->runs[run].curves[i].point_count;
    scoring->levels = calloc(total > 0 ? total : 1, sizeof *scoring->levels);
    if (scoring->levels == NULL)
        return -ENOMEM;
    for (size_t run = 0; run < scoring->run_count; run++)
        for (size_t i = 0; i < scoring->runs[run].curve_count; i++) {
            const struct attack_curve *curve = &scoring->runs[run].curves[i];

            for (size_t j = 0; curve->norm == scoring->norm && j < curve->point_count; j++)
                scoring->levels[scoring->level_count++] =
                    (struct level){curve->points[j].eps, curve->points[j].eps_text, !curve->minimal};
        }
    qsort(scoring->levels, scoring->level_count, sizeof *scoring->levels, compare_levels);
    merge_levels(scoring);
    return 0;
}

static uint32_t find_level(const struct scoring *scoring, double eps)
{
    const struct level key = {.eps = eps};
    const struct level *found =
        bsearch(&key, scoring->levels, scoring->level_count, sizeof *scoring->levels, compare_levels);

    return (uint32_t)(found - scoring->levels);
}

/* --- samples --------------------------------------------------------------------------------------- */

static bool is_right(const struct scoring *scoring, size_t sample)
{
    return scoring->clean[sample] == scoring->labels[sample];
}

/* Where each run first turns each sample. */
static int find_breaks(struct scoring *scoring)
{
    scoring->broken = malloc(scoring->run_count * scoring->count * sizeof *scoring->broken + 1);
    if (scoring->broken == NULL)
        return -ENOMEM;
    memset(scoring->broken, 0xff, scoring->run_count * scoring->count * sizeof *scoring->broken);
    for (size_t run = 0; run < scoring->run_count; run++)
        for (size_t i = 0; i < scoring->runs[run].curve_count; i++) {
            const struct attack_curve *curve = &scoring->runs[run].curves[i];
            uint32_t *broken = scoring->broken + run * scoring->count;

            for (size_t j = 0; curve->norm == scoring->norm && j < curve->point_count; j++) {
                uint32_t level = find_level(scoring, curve->points[j].eps);

                for (size_t k = 0; k < scoring->count; k++)
                    if (is_right(scoring, k) && curve->points[j].predictions[k] != scoring->labels[k] &&
                        level < broken[k])
                        broken[k] = level;
            }
        }
    return 0;
}

/* Samples that a run broke up to a level. */
static uint64_t count_broken(const struct scoring *scoring, size_t run, uint32_t level)
{
    const uint32_t *broken = scoring->broken + run * scoring->count;
    uint64_t sum = 0;

    for (size_t i = 0; i < scoring->count; i++)
        sum += broken[i] <= level;
    return sum;
}

/* How many samples break at each level first, whichever the run; the caller frees. */
static uint64_t *count_worst(const struct scoring *scoring)
{
    uint64_t *counts = calloc(scoring->level_count + 1, sizeof *counts);

    for (size_t i = 0; counts != NULL && i < scoring->count; i++) {
        uint32_t worst = NEVER;

        for (size_t run = 0; run < scoring->run_count; run++)
            if (scoring->broken[run * scoring->count + i] < worst)
                worst = scoring->broken[run * scoring->count + i];
        if (worst != NEVER)
            counts[worst]++;
    }
    return counts;
}

/* The eps of the `rank`-th sample, from 1, by ascending eps; NULL where so many have not broken. */
static const char *order_statistic(const struct scoring *scoring, const uint64_t *counts, uint64_t rank)
{
    uint64_t seen = 0;

    for (size_t i = 0; rank > 0 && i < scoring->level_count; i++) {
        seen += counts[i];
        if (seen >= rank)
            return scoring->levels[i].text;
    }
    return NULL;
}

static int score_curve(const struct scoring *scoring, uint64_t clean_correct, struct robustness_curve *curve)
{
    CLEANUP_FREE uint64_t *counts = count_worst(scoring);

    curve->norm = scoring->norm;
    curve->points = calloc(scoring->level_count + 1, sizeof *curve->points);
    if (counts == NULL || curve->points == NULL)
        return -ENOMEM;
    for (uint32_t level = 0; level < scoring->level_count; level++) {
        struct robustness_point *point = &curve->points[curve->point_count];

        curve->broken += counts[level];
        if (!scoring->levels[level].shown)
            continue;
        point->eps_text = scoring->levels[level].text;
        point->robust_correct = clean_correct - curve->broken;
        for (size_t run = 0; run < scoring->run_count; run++)
            point->broken[run] = count_broken(scoring, run, level);
        curve->point_count++;
    }
    curve->median = order_statistic(scoring, counts, (clean_correct + 1) / 2);
    curve->p5 = order_statistic(scoring, counts, (clean_correct + 19) / 20);
    return 0;
}

/* --- comparisons ----------------------------------------------------------------------------------- */

/* Whether a run has a point of its own at an eps of this norm. */
static bool has_point(const struct scoring *scoring, size_t run, double eps)
{
    for (size_t i = 0; i < scoring->runs[run].curve_count; i++) {
        const struct attack_curve *curve = &scoring->runs[run].curves[i];

        for (size_t j = 0; curve->norm == scoring->norm && !curve->minimal && j < curve->point_count; j++)
            if (curve->points[j].eps == eps)
                return true;
    }
    return false;
}

static int compare_runs(const struct scoring *scoring, enum robustness_flag flag, size_t weaker, size_t stronger,
                        uint32_t level, struct robustness *robustness)
{
    const uint32_t *a = scoring->broken + weaker * scoring->count, *b = scoring->broken + stronger * scoring->count;
    struct robustness_comparison comparison = {.flag = flag,
                                               .norm = scoring->norm,
                                               .eps_text = scoring->levels[level].text,
                                               .weaker = weaker,
                                               .stronger = stronger};
    struct robustness_comparison *grown =
        reallocarray(robustness->comparisons, robustness->comparison_count + 1, sizeof *grown);

    if (grown == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < scoring->count; i++) {
        bool by_weaker = a[i] <= level, by_stronger = b[i] <= level;

        comparison.weaker_broken += by_weaker;
        comparison.stronger_broken += by_stronger;
        comparison.only_weaker += by_weaker && !by_stronger;
        comparison.only_stronger += by_stronger && !by_weaker;
    }
    comparison.p = sign_test_greater(comparison.only_weaker, comparison.only_stronger);
    robustness->comparisons = grown;
    robustness->comparisons[robustness->comparison_count++] = comparison;
    return 0;
}

static bool is_white_box(const struct attack_run *run)
{
    return run->family == ATTACK_SINGLE_STEP || run->family == ATTACK_ITERATIVE;
}

/*
 * The run that `weaker` has to answer to at a level: of those with gradients, or of the iterative ones, that which
 * broke most there; SIZE_MAX where there is none.
 */
static size_t find_stronger(const struct scoring *scoring, size_t weaker, uint32_t level)
{
    const struct attack_run *run = &scoring->runs[weaker];
    size_t best = SIZE_MAX;
    uint64_t most = 0;

    for (size_t i = 0; i < scoring->run_count; i++) {
        const struct attack_run *other = &scoring->runs[i];
        bool stronger = run->family == ATTACK_BLACK_BOX ? is_white_box(other) : other->family == ATTACK_ITERATIVE;
        uint64_t broken;

        if (!stronger || other->goal != run->goal || !has_point(scoring, i, scoring->levels[level].eps))
            continue;
        broken = count_broken(scoring, i, level);
        if (best == SIZE_MAX || broken > most) {
            best = i;
            most = broken;
        }
    }
    return best;
}

static int compare_all(const struct scoring *scoring, struct robustness *robustness)
{
    int r = 0;

    for (uint32_t level = 0; level < scoring->level_count; level++)
        for (size_t run = 0; r == 0 && run < scoring->run_count; run++) {
            size_t stronger;

            if (scoring->runs[run].family == ATTACK_ITERATIVE || !has_point(scoring, run, scoring->levels[level].eps))
                continue;
            stronger = find_stronger(scoring, run, level);
            if (stronger != SIZE_MAX)
                r = compare_runs(scoring,
                                 scoring->runs[run].family == ATTACK_BLACK_BOX ? ROBUSTNESS_BLACK_BOX_BEATS_WHITE_BOX
                                                                               : ROBUSTNESS_SINGLE_STEP_BEATS_ITERATIVE,
                                 run, stronger, level, robustness);
        }
    return r;
}

static int correct_comparisons(struct robustness *robustness)
{
    CLEANUP_FREE double *p = calloc(robustness->comparison_count + 1, sizeof *p);
    int r;

    if (p == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < robustness->comparison_count; i++)
        p[i] = robustness->comparisons[i].p;
    r = holm_adjust(p, robustness->comparison_count, p);
    for (size_t i = 0; r == 0 && i < robustness->comparison_count; i++) {
        robustness->comparisons[i].p_holm = p[i];
        robustness->comparisons[i].raised = p[i] <= ROBUSTNESS_ALPHA;
    }
    return r;
}

/* --- all of it ------------------------------------------------------------------------------------- */

static bool has_norm(const struct robustness *robustness, double norm)
{
    for (size_t i = 0; i < robustness->curve_count; i++)
        if (robustness->curves[i].norm == norm)
            return true;
    return false;
}

static int score_norm(const struct scoring *common, double norm, struct robustness *robustness)
{
    CLEANUP(drop_scoring) struct scoring scoring = *common;
    int r;

    scoring.norm = norm;
    r = gather_levels(&scoring);
    if (r == 0)
        r = find_breaks(&scoring);
    if (r == 0)
        r = score_curve(&scoring, robustness->clean_correct, &robustness->curves[robustness->curve_count++]);
    return r == 0 ? compare_all(&scoring, robustness) : r;
}

int robustness_score(const int32_t *labels, const int32_t *clean, size_t count, const struct attack_run *runs,
                     size_t run_count, struct robustness *ret_robustness)
{
    CLEANUP(robustness_free) struct robustness robustness = {.total = count};
    const struct scoring common = {
        .labels = labels, .clean = clean, .count = count, .runs = runs, .run_count = run_count};
    int r = 0;

    if (run_count == 0 || run_count > ROBUSTNESS_RUNS_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++)
        robustness.clean_correct += clean[i] == labels[i];
    for (size_t run = 0; run < run_count; run++) {
        if (runs[run].curve_count > PLAN_CURVES_MAX)
            return -EINVAL;
        for (size_t i = 0; r == 0 && i < runs[run].curve_count; i++)
            if (!has_norm(&robustness, runs[run].curves[i].norm))
                r = score_norm(&common, runs[run].curves[i].norm, &robustness);
    }
    if (r == 0)
        r = correct_comparisons(&robustness);
    if (r < 0)
        return r;
    *ret_robustness = robustness;
    robustness = (struct robustness){0}; /* transferred */
    return 0;
}

void robustness_free(struct robustness *robustness)
{
    for (size_t i = 0; i < ROBUSTNESS_NORMS_MAX; i++)
        free(robustness->curves[i].points);
    free(robustness->comparisons);
    *robustness = (struct robustness){0};
}
