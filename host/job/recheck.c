/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's `recheck`: opening, prediction, and the comparison with what was claimed. */
#include "host/job/recheck.h"

#include "host/job/assess_facts.h"
#include "host/job/recheck_choice.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define POINT_TEXT_SIZE 160u

struct work {
    const struct recheck *recheck;
    struct recheck_choice choice;
    size_t elements;    /* of one input */
    float *opened;      /* clean test inputs that are opened: place_count × elements */
    float *asked;       /* what the third guest predicts: entries, then clean inputs, later in the drawn order */
    uint64_t *received; /* elements of each entry's adversarial input */
    int32_t *labels;    /* of the opened inputs, where labels travel; else NULL */
    struct plan *plan;  /* of the run under way */
    struct error *err;
};

static void work_free(struct work *work)
{
    if (work == NULL)
        return;
    free(work->opened);
    free(work->asked);
    free(work->received);
    free(work->labels);
    free(work->plan);
    free(work);
}

static void work_free_pointer(struct work **work)
{
    work_free(*work);
}

static int out_of_memory(struct work *work)
{
    return error_set(work->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for the inputs of a recheck");
}

/* A guest that failed: the check that it names is one of the recheck's plan, not of the evaluation's. */
static int name_failure(struct work *work, struct run *run, int code)
{
    run->failure.failure.check = UINT32_MAX;
    if (work->err->kind == ERROR_GUEST)
        (void)error_prefix(work->err, "recheck (%s)", run_purpose_names[run->purpose]);
    return code;
}

static const struct plan *whole_plan(const struct work *work)
{
    return &work->recheck->made->plan;
}

/* "fgsm, norm inf, eps 0.1" */
static const char *name_point(const struct work *work, uint32_t check, struct recheck_entry entry,
                              char ret_text[POINT_TEXT_SIZE])
{
    const struct plan_check *planned = &whole_plan(work)->checks[check];
    char norm[PLAN_NORM_TEXT_SIZE];

    (void)snprintf(ret_text, POINT_TEXT_SIZE, "%s, norm %s, eps %s%s", plan_check_name(planned->id),
                   plan_norm_text(planned->attack.curves[entry.curve].norm, norm),
                   plan_make_eps_text(work->recheck->made, check, entry.curve, entry.point),
                   planned->attack.curves[entry.curve].minimal ? " (minimal)" : "");
    return ret_text;
}

bool recheck_needs_opening(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->check_count; i++)
        if (plan_check_is_attack(plan->checks[i].id))
            return true;
    return false;
}

int recheck_admit(const struct policy *policy, uint64_t elements, struct error *err)
{
    uint64_t bytes = (uint64_t)3 * policy->recheck * elements * sizeof(float);

    if (bytes <= RECHECK_BYTES_MAX)
        return 0;
    return error_set(err, ERROR_GUEST, -ENOMEM,
                     "the policy's recheck of %u inputs takes %llu MiB of memory, and may take %llu; `recheck: %llu` "
                     "would fit",
                     policy->recheck, (unsigned long long)(bytes >> 20), (unsigned long long)(RECHECK_BYTES_MAX >> 20),
                     (unsigned long long)(RECHECK_BYTES_MAX / (3 * elements * sizeof(float))));
}

/* --- choosing, and reading what was chosen ------------------------------------------------------------------- */

static int draw_seed(const struct recheck *recheck, uint8_t ret_nonce[SHA256_SIZE], uint8_t ret_seed[SHA256_SIZE],
                     struct error *err)
{
    static const char purpose[] = "recheck";
    const struct admission *admission = recheck->setting->admission;
    struct sha256 hash;

    if (getrandom(ret_nonce, SHA256_SIZE, 0) != SHA256_SIZE)
        return error_set(err, ERROR_INTERNAL, -errno, "getrandom: %s", strerror(errno));
    sha256_start(&hash);
    sha256_update(&hash, admission->model_sha256, SHA256_SIZE);
    sha256_update(&hash, admission->description->data_sha256, SHA256_SIZE);
    sha256_update(&hash, admission->policy.sha256, SHA256_SIZE);
    sha256_update(&hash, purpose, sizeof purpose - 1);
    sha256_update(&hash, ret_nonce, SHA256_SIZE);
    sha256_finish(&hash, ret_seed);
    return 0;
}

static int allocate(struct work *work)
{
    const struct recheck_choice *choice = &work->choice;
    size_t asked = (size_t)choice->entry_count + choice->clean_count;

    work->elements = (size_t)plan_sample_elements(&whole_plan(work)->contract);
    work->opened = calloc(choice->place_count * work->elements + 1, sizeof *work->opened);
    work->asked = calloc(asked * work->elements + 1, sizeof *work->asked);
    work->received = calloc((size_t)choice->entry_count + 1, sizeof *work->received);
    work->plan = malloc(sizeof *work->plan);
    if (whole_plan(work)->sets[PLAN_SET_TEST].labelled) {
        work->labels = calloc((size_t)choice->place_count + 1, sizeof *work->labels);
        if (work->labels == NULL)
            return out_of_memory(work);
        for (uint32_t i = 0; i < choice->place_count; i++)
            work->labels[i] = work->recheck->inputs->test_labels[choice->places[i]];
    }
    return work->opened == NULL || work->asked == NULL || work->received == NULL || work->plan == NULL
               ? out_of_memory(work)
               : 0;
}

/* Copies those of the rising `places` that lie in the window to their own rows. */
static void copy_rows(const struct work *work, const float *window, uint64_t first, uint32_t count,
                      const uint32_t *places, uint32_t place_count, float *ret_rows)
{
    for (uint32_t i = 0; i < place_count; i++)
        if (places[i] >= first && places[i] - first < count)
            memcpy(ret_rows + i * work->elements, window + (places[i] - first) * work->elements,
                   work->elements * sizeof *ret_rows);
}

/* The test set once more, for the clean inputs. */
static int read_clean(struct work *work)
{
    const struct plan *plan = whole_plan(work);
    const struct recheck_choice *choice = &work->choice;
    const struct plan_set *set = &plan->sets[PLAN_SET_TEST];
    CLEANUP_FREE float *window = calloc(set->window, work->elements * sizeof *window);
    int r = 0;

    if (window == NULL)
        return out_of_memory(work);
    for (uint64_t first = 0; r == 0 && first < set->count; first += set->window) {
        uint32_t count = plan_window_count(set, first);

        r = inputs_window(work->recheck->inputs, plan, PLAN_SET_TEST, first, count, window,
                          work->recheck->setting->deadline_ns, work->err);
        if (r < 0)
            return r;
        copy_rows(work, window, first, count, choice->places, choice->place_count, work->opened);
        copy_rows(work, window, first, count, choice->clean, choice->clean_count,
                  work->asked + choice->entry_count * work->elements);
    }
    return r;
}

/* --- the opening ---------------------------------------------------------------------------------------------- */

/* Keeps the pieces of the entries' adversarial inputs, and drops those of points that were not chosen. */
static int keep_sample(void *context, const struct message_sample *sample, struct error *err)
{
    struct work *work = context;
    uint32_t entry = sample->sample * work->choice.attack_count + sample->check;
    uint64_t count = sample->elements.size / sizeof(float);

    if (entry >= work->choice.entry_count || sample->curve != work->choice.entries[entry].curve ||
        sample->point != work->choice.entries[entry].point)
        return 0;
    if (work->received[entry] != sample->offset)
        return error_set(err, ERROR_GUEST, -EPROTO,
                         "the guest broke the protocol: SAMPLE pieces are not in ascending order");
    memcpy(work->asked + entry * work->elements + sample->offset, sample->elements.data, sample->elements.size);
    work->received[entry] += count;
    return 0;
}

/* The attacks alone, in their order, on the chosen test inputs; all their adversarial inputs are asked for. */
static void plan_opening(struct work *work)
{
    const struct recheck_choice *choice = &work->choice;
    struct plan *plan = work->plan;
    struct plan_set *test = &plan->sets[PLAN_SET_TEST];

    *plan = *whole_plan(work);
    plan->check_count = choice->attack_count;
    for (uint32_t i = 0; i < choice->attack_count; i++) {
        plan->checks[i] = whole_plan(work)->checks[choice->attacks[i]];
        plan->checks[i].attack.samples = choice->place_count;
    }
    plan->sets[PLAN_SET_TRAIN] = plan->sets[PLAN_SET_TRIGGERS] = (struct plan_set){.present = false};
    plan->reference_size = 0;
    memset(plan->reference_sha256, 0, SHA256_SIZE);
    test->count = choice->place_count;
    if (test->window > choice->place_count)
        test->window = choice->place_count;
    plan->place_count = choice->place_count;
    memcpy(plan->places, choice->places, choice->place_count * sizeof choice->places[0]);
}

/* At every point, not only at those of the entries: what the second guest predicts is what the first one did. */
static int compare_point(struct work *work, uint32_t attack, struct recheck_entry at)
{
    const struct recheck_choice *choice = &work->choice;
    uint32_t check = choice->attacks[attack];
    const int32_t *claimed = work->recheck->claims->checks[check].points[at.curve][at.point].predictions;
    const int32_t *opened = work->recheck->opening->results->checks[attack].points[at.curve][at.point].predictions;
    char text[POINT_TEXT_SIZE];

    for (uint32_t i = 0; i < choice->place_count; i++)
        if (opened[i] != claimed[choice->places[i]])
            return error_set(work->err, ERROR_GUEST, -EBADMSG,
                             "recheck: a second guest that attacks test input %u again (%s) predicts class %d, the "
                             "evaluation's claims %d",
                             choice->places[i], name_point(work, check, at, text), opened[i],
                             claimed[choice->places[i]]);
    return 0;
}

static int compare_opening(struct work *work)
{
    const struct recheck_choice *choice = &work->choice;
    int r = 0;

    for (uint32_t attack = 0; r == 0 && attack < choice->attack_count; attack++) {
        const struct results_check *opened = &work->recheck->opening->results->checks[attack];
        const struct plan_check *planned = &work->plan->checks[attack];

        if (opened->skipped[0] != '\0')
            return error_set(work->err, ERROR_GUEST, -EBADMSG,
                             "recheck: a second guest can't make %s of the model (%s), the evaluation's could",
                             plan_check_name(planned->id), opened->skipped);
        for (uint32_t curve = 0; r == 0 && curve < planned->attack.curve_count; curve++)
            for (uint32_t point = 0; r == 0 && point < planned->attack.curves[curve].point_count; point++)
                r = compare_point(work, attack, (struct recheck_entry){curve, point});
    }
    return r;
}

/* Each adversarial input is whole, and one that its attack allows. */
static int check_entries(struct work *work)
{
    const struct recheck_choice *choice = &work->choice;
    const struct recheck *recheck = work->recheck;
    struct samples_features features;
    CLEANUP_FREE float *values = NULL;
    bool has_features = whole_plan(work)->sets[PLAN_SET_FEATURES].present;
    int r = 0;

    if (has_features)
        r = assess_read_features(recheck->setting->admission, work->elements, &values, &features, work->err);
    for (uint32_t i = 0; r == 0 && i < choice->entry_count; i++) {
        struct recheck_entry at = choice->entries[i];
        const struct samples_rule rule = assess_samples_rule(recheck->made, recheck_choice_check(choice, i), at.curve,
                                                             at.point, has_features ? &features : NULL);

        if (work->received[i] != work->elements)
            return error_set(work->err, ERROR_GUEST, -EPROTO,
                             "recheck: the guest did not return the adversarial input of test input %u",
                             recheck_choice_place(choice, i));
        r = samples_check(&rule, recheck_choice_place(choice, i),
                          work->opened + i / choice->attack_count * work->elements, work->asked + i * work->elements,
                          work->elements, NULL, work->err);
    }
    return r;
}

static int open_entries(struct work *work)
{
    const struct recheck *recheck = work->recheck;
    const struct results_keeper keeper = {.take = keep_sample, .context = work};
    const struct inputs inputs = {.reader = recheck->inputs->reader, .test = work->opened, .test_labels = work->labels};
    int r;

    if (work->choice.entry_count == 0)
        return 0;
    plan_opening(work);
    r = run_whole(recheck->setting, recheck->opening, work->plan, &inputs, &keeper, work->err);
    if (r < 0)
        return name_failure(work, recheck->opening, r);
    r = compare_opening(work);
    return r < 0 ? r : check_entries(work);
}

/* --- the prediction ------------------------------------------------------------------------------------------- */

/* Nothing but clean-accuracy, whose name is all that it says: there are no labels, and no order. */
static void plan_prediction(struct work *work)
{
    const struct recheck_choice *choice = &work->choice;
    struct plan *plan = work->plan;
    struct plan_set *test = &plan->sets[PLAN_SET_TEST];
    struct plan_check accuracy = whole_plan(work)->checks[plan_make_find(whole_plan(work), PLAN_CLEAN_ACCURACY)];

    *plan = *whole_plan(work);
    plan->check_count = 1;
    plan->checks[0] = accuracy;
    for (unsigned set = 0; set < PLAN_SET_COUNT; set++)
        if (set != PLAN_SET_TEST)
            plan->sets[set] = (struct plan_set){.present = false};
    plan->reference_size = 0;
    memset(plan->reference_sha256, 0, SHA256_SIZE);
    test->labelled = false;
    test->count = choice->entry_count + choice->clean_count;
    if (test->window > test->count)
        test->window = (uint32_t)test->count;
}

/* Row i becomes what was row order[i]. */
static int put_in_order(struct work *work)
{
    uint32_t count = work->choice.entry_count + work->choice.clean_count;
    float *ordered = calloc(count * work->elements + 1, sizeof *ordered);

    if (ordered == NULL)
        return out_of_memory(work);
    for (uint32_t i = 0; i < count; i++)
        memcpy(ordered + i * work->elements, work->asked + work->choice.order[i] * work->elements,
               work->elements * sizeof *ordered);
    free(work->asked);
    work->asked = ordered;
    return 0;
}

/* What the evaluation's guest claimed of an input, before the order was drawn: an entry, or a clean input. */
static int32_t claim_of(const struct work *work, uint32_t row, char ret_text[POINT_TEXT_SIZE], uint32_t *ret_place)
{
    const struct recheck_choice *choice = &work->choice;
    const struct results *claims = work->recheck->claims;
    uint32_t check;

    if (row >= choice->entry_count) {
        check = plan_make_find(whole_plan(work), PLAN_CLEAN_ACCURACY);
        *ret_place = choice->clean[row - choice->entry_count];
        (void)snprintf(ret_text, POINT_TEXT_SIZE, "clean");
        return claims->checks[check].points[0][0].predictions[*ret_place];
    }
    check = recheck_choice_check(choice, row);
    *ret_place = recheck_choice_place(choice, row);
    (void)name_point(work, check, choice->entries[row], ret_text);
    return claims->checks[check].points[choice->entries[row].curve][choice->entries[row].point].predictions[*ret_place];
}

static int compare_predictions(struct work *work, struct recheck_report *report)
{
    const struct results *results = work->recheck->prediction->results;
    uint32_t count = work->choice.entry_count + work->choice.clean_count;
    char text[POINT_TEXT_SIZE], first[256] = "";
    uint32_t place;

    if (results->checks[0].skipped[0] != '\0')
        return error_set(work->err, ERROR_GUEST, -EPROTO, "recheck: the guest skipped its predictions");
    for (uint32_t i = 0; i < count; i++) {
        int32_t claimed = claim_of(work, work->choice.order[i], text, &place);
        int32_t predicted = results->checks[0].points[0][0].predictions[i];

        if (predicted == claimed)
            report->agreed++;
        else if (first[0] == '\0')
            (void)snprintf(first, sizeof first, "test input %u (%s): class %d, the evaluation's claims %d", place, text,
                           predicted, claimed);
    }
    if (report->agreed == count)
        return 0;
    return error_set(
        work->err, ERROR_GUEST, -EBADMSG,
        "recheck: a guest that only predicts contradicts the evaluation's on %u of %u inputs; the first: %s",
        count - report->agreed, count, first);
}

static int predict(struct work *work, struct recheck_report *report)
{
    const struct recheck *recheck = work->recheck;
    struct inputs inputs = {.reader = recheck->inputs->reader};
    int r = put_in_order(work);

    if (r < 0)
        return r;
    inputs.test = work->asked;
    plan_prediction(work);
    r = run_whole(recheck->setting, recheck->prediction, work->plan, &inputs, NULL, work->err);
    if (r < 0)
        return name_failure(work, recheck->prediction, r);
    report->adversarial = work->choice.entry_count;
    report->clean = work->choice.clean_count;
    return compare_predictions(work, report);
}

int recheck_run(const struct recheck *recheck, struct recheck_report *ret_report, struct error *err)
{
    CLEANUP(work_free_pointer) struct work *work = calloc(1, sizeof *work);
    uint8_t seed[SHA256_SIZE];
    int r;

    *ret_report = (struct recheck_report){.agreed = 0};
    if (work == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a recheck");
    work->recheck = recheck;
    work->err = err;
    r = draw_seed(recheck, ret_report->nonce, seed, err);
    if (r < 0)
        return r;
    recheck_choose(recheck->claims, seed, recheck->setting->admission->policy.recheck, &work->choice);
    r = allocate(work);
    if (r == 0)
        r = read_clean(work);
    if (r == 0)
        r = open_entries(work);
    return r < 0 ? r : predict(work, ret_report);
}
