/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of ai.onnx.ml: what its classifiers share, the linear one, and what stands before and behind them. */
#include "guest/model/lower_ml.h"

#include "guest/model/compose.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- attributes ------------------------------------------------------------------------------------ */

int lower_ml_transform(struct lower *lower, struct onnx_lists *lists, enum ml_transform *ret_transform)
{
    static const char *const names[] = {[ML_NONE] = "NONE", [ML_LOGISTIC] = "LOGISTIC", [ML_SOFTMAX] = "SOFTMAX"};
    const struct onnx_list *list = onnx_lists_find(lists, "post_transform");

    *ret_transform = ML_NONE;
    if (list == NULL)
        return 0;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
        if (list->has_s && span_equal(list->s, names[i])) {
            *ret_transform = (enum ml_transform)i;
            return 0;
        }
    return lower_unsupported(lower, "post_transform '%s' is not supported; NONE, LOGISTIC and SOFTMAX are",
                             SPAN_TEXT(list->s));
}

static int no_memory(struct lower *lower)
{
    return error_set(lower->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to import the model");
}

int lower_ml_ints(struct lower *lower, struct onnx_lists *lists, const char *name, const int64_t **ret_ints,
                  uint64_t *ret_count)
{
    const struct onnx_list *list = onnx_lists_find(lists, name);
    int64_t *ints;

    *ret_ints = NULL;
    *ret_count = 0;
    if (list == NULL)
        return 0;
    if (list->floats > 0 || list->strings > 0 || list->has_s || list->has_other)
        return lower_bad(lower, "attribute %s must be a list of integers", name);
    ints = arena_allocate(lower->arena, list->ints + 1, sizeof *ints);
    if (ints == NULL)
        return no_memory(lower);
    *ret_ints = ints;
    *ret_count = list->ints;
    return onnx_list_ints(lower->model, list, ints, lower->err);
}

int lower_ml_floats(struct lower *lower, struct onnx_lists *lists, const char *name, const float **ret_floats,
                    uint64_t *ret_count)
{
    const struct onnx_list *list = onnx_lists_find(lists, name);
    float *floats;

    *ret_floats = NULL;
    *ret_count = 0;
    if (list == NULL)
        return 0;
    if (list->ints > 0 || list->strings > 0 || list->has_s || list->has_other)
        return lower_bad(lower, "attribute %s must be a list of floats", name);
    floats = arena_allocate(lower->arena, list->floats + 1, sizeof *floats);
    if (floats == NULL)
        return no_memory(lower);
    *ret_floats = floats;
    *ret_count = list->floats;
    return onnx_list_floats(lower->model, list, floats, lower->err);
}

int lower_ml_check_used(struct lower *lower, const struct onnx_lists *lists)
{
    for (uint32_t i = 0; i < lists->count; i++)
        if (!lists->items[i].used)
            return lower_unsupported(lower, "attribute '%s' is not supported", SPAN_TEXT(lists->items[i].name));
    return 0;
}

int lower_ml_classes(struct lower *lower, struct onnx_lists *lists, uint64_t *ret_classes)
{
    const struct onnx_list *strings = onnx_lists_find(lists, "classlabels_strings");
    const int64_t *labels;
    uint64_t count;
    int r = lower_ml_ints(lower, lists, "classlabels_int64s", &labels, &count);

    if (r < 0)
        return r;
    for (uint64_t i = 1; i < count; i++)
        if (labels[i - 1] == INT64_MAX || labels[i] != labels[i - 1] + 1)
            return lower_unsupported(lower, "its class labels are not consecutive (%lld, then %lld); renumber them",
                                     (long long)labels[i - 1], (long long)labels[i]);
    if (strings != NULL && strings->strings > 0 && count > 0)
        return lower_bad(lower, "it has class labels both as integers and as texts");
    if (strings != NULL)
        count += strings->strings;
    if (count < 2 || count > MODEL_DIM_MAX)
        return lower_bad(lower, "it has %llu class labels; two at least are needed", (unsigned long long)count);
    *ret_classes = count;
    return 0;
}

/* --- scores ------------------------------------------------------------------------------------------ */

int lower_ml_scores(struct lower *lower, uint32_t scores, uint64_t classes, enum ml_transform transform)
{
    struct compose compose = {.lower = lower};
    struct graph_attributes along = {.axis = 1, .axis_end = 2};
    uint64_t batch = lower->values[scores].dims[0];
    uint32_t labels, result = scores;
    int r = 0;

    if (transform == ML_LOGISTIC)
        result = compose_unary(&compose, GRAPH_SIGMOID, scores, 0, 0);
    if (transform == ML_SOFTMAX)
        r = lower_emit(lower, GRAPH_SOFTMAX, &scores, 1, &along, 2, lower->values[scores].dims, &result);
    if (r < 0 || compose.code < 0)
        return r < 0 ? r : compose.code;
    /* The label's number among the classes; its name is nobody's business here. */
    labels = compose_along(&compose, GRAPH_ARG_MAX, scores, &along, 1);
    labels = compose_reshape(&compose, labels, 1, &batch);
    labels = compose_settle(&compose, labels, ONNX_INT64, (double)classes);
    compose_output(&compose, 1, result);
    return compose_end(&compose, labels);
}

/* --- LinearClassifier ---------------------------------------------------------------------------------- */

static int check_input(struct lower *lower, uint32_t *ret_value, struct lower_value *ret_record)
{
    int r = lower_data(lower, 0, ret_value, ret_record);

    if (r == 0 && (ret_record->rank != 2 || ret_record->constant))
        r = lower_bad(lower, "its input is %s; batch x features is needed",
                      DIMS_TEXT(ret_record->rank, ret_record->dims));
    return r;
}

/* One row of coefficients a class; with one alone, of two classes: the second one's score, the first one's negated. */
static uint32_t linear_scores(struct compose *compose, uint32_t x, const float *coefficients, const float *intercepts,
                              uint64_t features, uint64_t rows)
{
    static const uint32_t turned[] = {1, 0};
    uint32_t weights = compose_constant(compose, coefficients, 2, (const uint64_t[]){rows, features});
    uint32_t scores = compose_matmul(compose, x, compose_transpose(compose, weights, turned));

    if (intercepts != NULL)
        scores = compose_add(compose, scores, compose_constant(compose, intercepts, 1, &rows));
    return scores;
}

static int lower_linear_classifier(struct lower *lower)
{
    struct compose compose = {.lower = lower};
    struct onnx_lists lists;
    enum ml_transform transform = ML_NONE;
    const float *coefficients, *intercepts;
    uint64_t classes = 0, coefficient_count = 0, intercept_count = 0;
    struct lower_value x;
    uint32_t input, scores;
    int r = onnx_lists_read(lower->model, lower->node, &lists, lower->err);

    if (r == 0)
        r = check_input(lower, &input, &x);
    if (r == 0)
        r = lower_ml_transform(lower, &lists, &transform);
    if (r == 0)
        r = lower_ml_classes(lower, &lists, &classes);
    if (r == 0)
        r = lower_ml_floats(lower, &lists, "coefficients", &coefficients, &coefficient_count);
    if (r == 0)
        r = lower_ml_floats(lower, &lists, "intercepts", &intercepts, &intercept_count);
    (void)onnx_lists_find(&lists, "multi_class"); /* says how it was trained */
    if (r == 0)
        r = lower_ml_check_used(lower, &lists);
    if (r < 0)
        return r;
    if (classes > coefficient_count / x.dims[1] || coefficient_count != classes * x.dims[1] ||
        (intercept_count > 0 && intercept_count != classes))
        return lower_bad(lower, "%llu coefficients and %llu intercepts for %llu classes of %llu features",
                         (unsigned long long)coefficient_count, (unsigned long long)intercept_count,
                         (unsigned long long)classes, (unsigned long long)x.dims[1]);
    scores = linear_scores(&compose, input, coefficients, intercept_count > 0 ? intercepts : NULL, x.dims[1], classes);
    return compose.code < 0 ? compose.code : lower_ml_scores(lower, scores, classes, transform);
}

/* --- before and behind -------------------------------------------------------------------------------- */

/* A list of one value, or one a feature, as a constant that broadcasts; GRAPH_NONE where absent. */
static uint32_t feature_constant(struct compose *compose, const char *name, uint64_t features)
{
    struct lower *lower = compose->lower;
    const struct onnx_attribute *attribute = lower_attribute(lower, name);
    uint64_t count = attribute != NULL ? attribute->float_count : 0;

    if (count == 0)
        return GRAPH_NONE;
    if (count != 1 && count != features)
        compose_check(compose, lower_bad(lower, "attribute %s has %llu values for %llu features", name,
                                         (unsigned long long)count, (unsigned long long)features));
    return compose_constant(compose, lower->attributes.floats + attribute->first_float, 1, &count);
}

/* (x - offset)·scale */
static int lower_scaler(struct lower *lower)
{
    struct compose compose = {.lower = lower};
    struct lower_value record;
    uint32_t x, offset, scale;
    int r = check_input(lower, &x, &record);

    if (r < 0)
        return r;
    offset = feature_constant(&compose, "offset", record.dims[1]);
    scale = feature_constant(&compose, "scale", record.dims[1]);
    if (offset != GRAPH_NONE)
        x = compose_sub(&compose, x, offset);
    if (scale != GRAPH_NONE)
        x = compose_mul(&compose, x, scale);
    return compose_end(&compose, x);
}

/* Rows divided by their L1 or L2 norm, or their largest magnitude; one of zeros stays. */
static int lower_normalizer(struct lower *lower)
{
    struct compose compose = {.lower = lower};
    struct graph_attributes along = {.axis = 1, .axis_end = 2};
    const bool axes[GRAPH_RANK_MAX] = {false, true};
    struct lower_value record;
    struct span norm;
    uint32_t x, size;
    int r = check_input(lower, &x, &record);

    if (r == 0)
        r = lower_attribute_text(lower, "norm", &norm);
    if (r < 0)
        return r;
    if (span_equal(norm, "L1")) {
        size = compose_reduce(&compose, GRAPH_REDUCE_SUM, compose_function(&compose, FUNCTION_ABS, x), axes);
    } else if (span_equal(norm, "L2")) {
        size = compose_reduce(&compose, GRAPH_REDUCE_SUM, compose_mul(&compose, x, x), axes);
        size = compose_function(&compose, FUNCTION_SQRT, size);
    } else if (norm.size == 0 || span_equal(norm, "MAX")) {
        size = compose_along(&compose, GRAPH_REDUCE_MAX, x, &along, 1);
    } else {
        return lower_unsupported(lower, "norm '%s' is not supported; MAX, L1 and L2 are", SPAN_TEXT(norm));
    }
    size = compose_where(&compose, compose_function2(&compose, FUNCTION2_EQUAL, size, compose_number(&compose, 0)),
                         compose_number(&compose, 1), size);
    return compose_end(&compose, compose_div(&compose, x, size));
}

/* Data sets hold no NaN, so that an imputer of them which stands first has nothing to do. */
static int lower_imputer(struct lower *lower)
{
    const struct onnx_attribute *replaced = NULL;
    struct lower_value record;
    uint32_t x;
    int r = lower_data(lower, 0, &x, &record);

    if (r < 0)
        return r;
    (void)lower_attribute(lower, "imputed_value_floats");
    for (uint32_t i = 0; i < lower->attributes.count; i++)
        if (span_equal(lower->attributes.items[i].name, "replaced_value_float"))
            replaced = lower_attribute(lower, "replaced_value_float");
    if (record.producer != GRAPH_NONE || replaced != NULL)
        return lower_unsupported(lower, "only an imputer of missing values (NaN) that stands before everything else is "
                                        "supported");
    lower->result = x;
    return 0;
}

/* Scores under the names of their classes: the scores. */
static int lower_zip_map(struct lower *lower)
{
    struct lower_value record;

    (void)lower_attribute(lower, "classlabels_int64s");
    (void)lower_attribute(lower, "classlabels_strings");
    return lower_data(lower, 0, &lower->result, &record);
}

/* --- the table ------------------------------------------------------------------------------------------ */

static const struct operator_entry operators[] = {
    {"Imputer", 1, 1, false, lower_imputer},
    {"LinearClassifier", 1, 1, true, lower_linear_classifier},
    {"Normalizer", 1, 1, false, lower_normalizer},
    {"Scaler", 1, 1, false, lower_scaler},
    {"TreeEnsembleClassifier", 1, 1, true, lower_tree_ensemble_classifier},
    {"ZipMap", 1, 1, false, lower_zip_map},
};

const struct operator_entry *lower_ml_find(struct span name)
{
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
        if (span_equal(name, operators[i].name))
            return &operators[i];
    return NULL;
}

bool lower_ml_reads_lists(const struct operator_entry *entry)
{
    return entry->lower == lower_linear_classifier || entry->lower == lower_tree_ensemble_classifier;
}
