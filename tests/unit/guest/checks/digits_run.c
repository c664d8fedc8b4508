/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of the digits model. */
#include "unit/guest/checks/digits_run.h"

#include <math.h>
#include <string.h>

#define MODEL_MAX 1000000u

static struct model *model;
static struct kernels *kernels;
static float *inputs;
static uint8_t *labels;

static void end(const char *what, const struct error *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err->text);
    exit(1);
}

static void open_all(void)
{
    struct error err = {0};
    void *bytes = malloc(MODEL_MAX); /* the model borrows it until the program ends */
    FILE *file = fopen("examples/digits/clean.onnx", "rb");
    size_t size;

    if (model != NULL)
        return;
    if (file == NULL || bytes == NULL)
        end("examples/digits/clean.onnx", &err);
    size = fread(bytes, 1, MODEL_MAX, file);
    (void)fclose(file);
    if (model_open(bytes, size, &model, &err) < 0 ||
        kernels_create(KERNEL_MUL_ADD, KERNEL_ISA_AUTO, 1, &kernels, &err) < 0)
        end("the digits model", &err);
    inputs = fixture_inputs("test-x.u8", FIXTURE_TEST);
    labels = fixture_read("test-y.u8", FIXTURE_TEST);
}

const float *digits_inputs(void)
{
    open_all();
    return inputs;
}

const uint8_t *digits_labels(void)
{
    open_all();
    return labels;
}

static int keep(void *argument, const struct message *message, struct error *err)
{
    struct digits_result *result = argument;
    const struct message_predictions *p = &message->predictions;
    const struct message_sample *s = &message->sample;

    (void)err;
    if (message->type == MESSAGE_PREDICTIONS) {
        memcpy(result->classes[p->curve][p->point] + p->first, p->classes.data, p->classes.size);
    } else if (message->type == MESSAGE_SAMPLE) {
        memcpy(result->samples[s->curve][s->point][s->sample] + s->offset, s->elements.data, s->elements.size);
    } else if (message->type == MESSAGE_ROW) {
        result->zero_gradients = message->row.naturals[GRADIENTS_ZERO];
        result->gradients = message->row.naturals[GRADIENTS_SAMPLES];
    }
    return 0;
}

static void fill_plan(const struct plan_check *check, const struct digits_options *options, struct plan *ret_plan)
{
    uint32_t window = options->window > 0 ? options->window : FIXTURE_TEST;

    *ret_plan = (struct plan){.check_count = 1,
                              .contract = {.rank = 3, .dims = {1, 8, 8}, .has_range = true, .range_high = 1.0}};
    ret_plan->checks[0] = *check;
    ret_plan->sets[PLAN_SET_TEST] =
        (struct plan_set){.present = true, .labelled = options->labelled, .count = FIXTURE_TEST, .window = window};
    if (options->features != NULL)
        ret_plan->sets[PLAN_SET_FEATURES] =
            (struct plan_set){.present = true, .count = PLAN_FEATURE_COUNT, .window = 2};
}

static int feed(const struct check *check, void *state, const struct plan *plan, enum plan_set_id set, const float *x,
                const uint32_t *set_labels, struct error *err)
{
    int r = 0;

    for (uint64_t first = 0; r == 0 && first < plan->sets[set].count;) {
        struct check_window window = {.set = set,
                                      .first = first,
                                      .count = plan_window_count(&plan->sets[set], first),
                                      .x = x + first * FIXTURE_PIXELS,
                                      .labels = set_labels == NULL ? NULL : set_labels + first};

        r = check->window(state, &window, err);
        first += window.count;
    }
    return r;
}

static int run_check(const struct check_context *context, const struct digits_options *options,
                     struct digits_result *result, struct error *err)
{
    static uint32_t set_labels[FIXTURE_TEST];
    const struct check *check;
    void *state = NULL;
    int r = check_find(context->plan, 0, &check, err);

    for (unsigned i = 0; i < FIXTURE_TEST; i++)
        set_labels[i] = labels[i];
    if (r == 0)
        r = check->begin(context, &state, err);
    if (r == 0 && options->features != NULL)
        r = feed(check, state, context->plan, PLAN_SET_FEATURES, options->features, NULL, err);
    if (r == 0)
        r = feed(check, state, context->plan, PLAN_SET_TEST, inputs, options->labelled ? set_labels : NULL, err);
    if (r == 0)
        r = check->end(state, &result->figures, err);
    if (state != NULL)
        check->free(state);
    return r;
}

int digits_try(const struct plan_check *check, const struct digits_options *options, struct digits_result **ret_result,
               struct error *err)
{
    static struct plan plan;
    struct digits_result *result = calloc(1, sizeof *result);
    struct model_contract contract = {.sample_rank = 3, .sample_dims = {1, 8, 8}};
    struct network_options network_options = {
        .model = model, .contract = &contract, .batch = options->batch > 0 ? options->batch : 32};
    struct check_context context = {.plan = &plan, .sink = {.send = keep, .argument = result}};
    int r;

    open_all();
    network_options.model = model;
    network_options.kernels = kernels;
    result->gradients = UINT64_MAX;
    fill_plan(check, options, &plan);
    r = network_create(&network_options, &context.network, err);
    if (r == 0)
        r = run_check(&context, options, result, err);
    network_free(context.network);
    if (r < 0)
        free(result);
    else
        *ret_result = result;
    return r;
}

struct digits_result *digits_run(const struct plan_check *check, const struct digits_options *options)
{
    const struct digits_options plain = {0};
    struct digits_result *result = NULL;
    struct error err = {0};

    if (digits_try(check, options == NULL ? &plain : options, &result, &err) < 0)
        end(plan_check_name(check->id), &err);
    return result;
}

const int32_t *digits_clean(void)
{
    static int32_t clean[FIXTURE_TEST];
    static bool known;

    if (!known) {
        const struct plan_check check = {.id = PLAN_CLEAN_ACCURACY, .version = 1};
        struct digits_result *result = digits_run(&check, NULL);

        memcpy(clean, result->classes[0][0], sizeof clean);
        free(result);
        known = true;
    }
    return clean;
}

unsigned digits_correct(const int32_t classes[FIXTURE_TEST])
{
    unsigned count = 0;

    for (unsigned i = 0; i < FIXTURE_TEST; i++)
        count += classes[i] == digits_labels()[i];
    return count;
}

unsigned digits_robust(const int32_t classes[FIXTURE_TEST])
{
    unsigned count = 0;

    for (unsigned i = 0; i < FIXTURE_TEST; i++)
        count += classes[i] == digits_labels()[i] && digits_clean()[i] == digits_labels()[i];
    return count;
}

double digits_distance(double norm, uint32_t sample, const float *x)
{
    const float *clean = digits_inputs() + (size_t)sample * FIXTURE_PIXELS;
    double sum = 0.0, most = 0.0;

    for (unsigned i = 0; i < FIXTURE_PIXELS; i++) {
        double delta = fabs((double)x[i] - (double)clean[i]);

        most = fmax(most, delta);
        sum += norm == PLAN_NORM_INF ? 0.0 : pow(delta, norm);
    }
    return norm == PLAN_NORM_INF ? most : pow(sum, 1.0 / norm);
}
