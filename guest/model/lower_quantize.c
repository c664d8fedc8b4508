/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of quantised operators by what they mean: integers of 8 bits as f32, products and sums of them exact,
 * which is checked against what the constant weights and the types allow, and refused beyond 2^24. Rounding has no
 * slope, so that a quantised model gives gradients of zero.
 */
#include "guest/model/lower_window.h"

#include <math.h>
#include <string.h>

/* A scale or zero point: a scalar, or one an element of the axis, as 1 x ... x n x ... x 1. */
static uint32_t along_axis(struct compose *c, uint32_t value, const struct lower_value *x, uint32_t axis)
{
    struct lower_value record = compose_record(c, value);
    uint64_t dims[GRAPH_RANK_MAX];

    if (c->code < 0 || record.elements == 1)
        return compose_reshape(c, value, 0, NULL);
    if (record.rank != 1 || axis >= x->rank || record.dims[0] != x->dims[axis]) {
        compose_check(c, lower_bad(c->lower, "%s beside %s", DIMS_TEXT(record.rank, record.dims),
                                   DIMS_TEXT(x->rank, x->dims)));
        return GRAPH_NONE;
    }
    for (uint32_t i = 0; i < x->rank; i++)
        dims[i] = i == axis ? record.dims[0] : 1;
    return compose_reshape(c, value, x->rank, dims);
}

/* An input of integers as floats, its zero point taken away. */
static uint32_t centred(struct compose *c, uint32_t input, uint32_t zero_point, uint32_t axis)
{
    uint32_t x = compose_input(c, input);
    struct lower_value record = compose_record(c, x);

    x = compose_cast(c, x, ONNX_FLOAT);
    if (c->code < 0 || lower_input(c->lower, zero_point) == GRAPH_NONE)
        return x;
    return compose_sub(c, x, along_axis(c, compose_cast(c, compose_input(c, zero_point), ONNX_FLOAT), &record, axis));
}

/* round(y) + zero point, in the range of the zero point's type. */
static uint32_t quantised(struct compose *c, uint32_t y, uint32_t zero_point, uint32_t axis)
{
    struct lower_value record = compose_record(c, y);
    bool given = lower_input(c->lower, zero_point) != GRAPH_NONE;
    uint32_t zero = given ? compose_input(c, zero_point) : GRAPH_NONE;
    int32_t type = given ? compose_record(c, zero).type : (int32_t)ONNX_UINT8;
    double bound = lower_type_bound(type);

    if (c->code == 0 && type != ONNX_UINT8 && type != ONNX_INT8) {
        compose_check(c, lower_unsupported(c->lower, "quantised as %s; uint8 and int8 are supported",
                                           onnx_type_name(type)));
        return GRAPH_NONE;
    }
    y = compose_function(c, FUNCTION_ROUND, y);
    if (given)
        y = compose_add(c, y, along_axis(c, compose_cast(c, zero, ONNX_FLOAT), &record, axis));
    y = compose_clip(c, y, type == ONNX_UINT8 ? 0 : -bound, type == ONNX_UINT8 ? bound : bound - 1);
    return compose_record(c, y).constant ? compose_cast(c, y, type) : compose_retype(c, y, type, bound);
}

static uint32_t take_axis(struct compose *c, const struct lower_value *x)
{
    int64_t asked = 1;
    uint32_t axis = 0;

    if (c->code < 0 || c->lower->model->opset < 13)
        return 0;
    compose_check(c, lower_attribute_int(c->lower, "axis", 1, &asked));
    if (c->code == 0 && asked == 1 && x->rank < 2)
        return 0; /* the default, for a scale that is one number */
    if (c->code == 0)
        compose_check(c, lower_axis(c->lower, asked, x->rank, &axis));
    return axis;
}

int lower_quantize(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_cast(&c, compose_input(&c, 0), ONNX_FLOAT);
    struct lower_value record = compose_record(&c, x);
    uint32_t axis = take_axis(&c, &record), scale = along_axis(&c, compose_floats(&c, 1), &record, axis);

    return compose_end(&c, quantised(&c, compose_div(&c, x, scale), 2, axis));
}

int lower_dequantize(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_input(&c, 0);
    struct lower_value record = compose_record(&c, x);
    uint32_t axis = take_axis(&c, &record);

    x = centred(&c, 0, 2, axis);
    return compose_end(&c, compose_mul(&c, x, along_axis(&c, compose_floats(&c, 1), &record, axis)));
}

/* Outputs y, its scale and its zero point, for the whole of the input: so a batch is run one by one. */
int lower_dynamic_quantize(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0), high, low, scale, zero, y;
    struct lower_value record = compose_record(&c, x);
    struct graph_attributes attributes = {.axis_end = record.rank};
    uint32_t nothing = compose_number(&c, 0);

    high = compose_reshape(&c, compose_along(&c, GRAPH_REDUCE_MAX, x, &attributes, 1), 0, NULL);
    low = compose_along(&c, GRAPH_REDUCE_MAX, compose_function(&c, FUNCTION_NEG, x), &attributes, 1);
    low = compose_reshape(&c, compose_function(&c, FUNCTION_NEG, low), 0, NULL);
    high = compose_function2(&c, FUNCTION2_MAX, high, nothing);
    low = compose_function2(&c, FUNCTION2_MIN, low, nothing);
    scale = compose_div(&c, compose_sub(&c, high, low), compose_number(&c, 255));
    zero = compose_div(&c, compose_function(&c, FUNCTION_NEG, low), scale);
    zero = compose_function(&c, FUNCTION_ROUND, compose_clip(&c, zero, 0, 255));
    y = compose_add(&c, compose_function(&c, FUNCTION_ROUND, compose_div(&c, x, scale)), zero);
    y = compose_clip(&c, y, 0, 255);
    compose_output(&c, 1, scale);
    compose_output(&c, 2, compose_retype(&c, zero, ONNX_UINT8, 255));
    return compose_end(&c, compose_retype(&c, y, ONNX_UINT8, 255));
}

/*
 * The largest magnitude of sums of products of two centred integers of 8 bits: with constant weights that of the
 * sum of their magnitudes, `terms` of which make one output, else as large as the types allow.
 */
static double sum_bound(struct compose *c, uint32_t weights, uint64_t terms, bool by_column)
{
    struct lower_value record = compose_record(c, weights);
    const float *floats = NULL;
    double most = 0;
    uint64_t outputs;

    if (c->code < 0 || terms == 0)
        return 0;
    if (!record.constant)
        return 255.0 * 255.0 * (double)terms;
    compose_check(c, lower_floats(c->lower, weights, &floats));
    outputs = record.elements / terms;
    for (uint64_t o = 0; c->code == 0 && o < outputs; o++) {
        uint64_t columns = by_column ? record.dims[record.rank - 1] : 1;
        uint64_t base = by_column ? o / columns * terms * columns + o % columns : o * terms;
        double sum = 0;

        for (uint64_t k = 0; k < terms; k++) {
            double weight = (double)floats[base + k * columns];

            sum += weight < 0 ? -weight : weight;
        }
        most = sum > most ? sum : most;
    }
    return 255.0 * most;
}

static void check_bound(struct compose *c, double bound)
{
    if (c->code == 0 && bound > LOWER_EXACT_MAX)
        compose_check(c, lower_unsupported(c->lower, "its sums of integers may reach %.0f; beyond 2^24 they are not "
                                                     "exact here", bound));
}

/* numpy's product of two centred values. */
static uint32_t product(struct compose *c, uint32_t a, uint32_t b, double *ret_bound)
{
    struct lower_value right = compose_record(c, b);

    *ret_bound = right.rank < 2 ? 0 : sum_bound(c, b, right.dims[right.rank - 2], true);
    check_bound(c, *ret_bound);
    return compose_matmul(c, a, b);
}

int lower_matmul_integer(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t a = compose_input(&c, 0), b = compose_input(&c, 1), y;
    struct lower_value left = compose_record(&c, a), right = compose_record(&c, b);
    double bound;

    a = centred(&c, 0, 2, left.rank < 2 ? 0 : left.rank - 2);
    b = centred(&c, 1, 3, right.rank == 0 ? 0 : right.rank - 1);
    y = product(&c, a, b, &bound);
    return compose_end(&c, compose_settle(&c, y, ONNX_INT32, bound));
}

/* scale_a·scale_b/scale_y, each of one number or one a channel along the axis. */
static uint32_t rescaled(struct compose *c, uint32_t y, const uint32_t *scales, uint32_t axis)
{
    struct lower_value record = compose_record(c, y);
    uint32_t factor = compose_mul(c, compose_floats(c, scales[0]),
                                  along_axis(c, compose_floats(c, scales[1]), &record, axis));

    factor = compose_div(c, factor, along_axis(c, compose_floats(c, scales[2]), &record, axis));
    return compose_mul(c, y, factor);
}

int lower_qlinear_matmul(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t a = compose_input(&c, 0), b = compose_input(&c, 3), y;
    struct lower_value left = compose_record(&c, a), right = compose_record(&c, b);
    double bound;

    a = centred(&c, 0, 2, left.rank < 2 ? 0 : left.rank - 2);
    b = centred(&c, 3, 5, right.rank == 0 ? 0 : right.rank - 1);
    y = product(&c, a, b, &bound);
    y = rescaled(&c, y, (uint32_t[]){1, 4, 6}, compose_record(&c, y).rank - 1);
    return compose_end(&c, quantised(&c, y, 7, compose_record(&c, y).rank - 1));
}

static double conv_bound(struct compose *c, uint32_t weights)
{
    struct lower_value record = compose_record(c, weights);

    return record.rank == 0 || record.elements == 0 ? 0
                                                    : sum_bound(c, weights, record.elements / record.dims[0], false);
}

int lower_conv_integer(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = centred(&c, 0, 2, 1), weights = centred(&c, 1, 3, 0);
    double bound = conv_bound(&c, weights);

    check_bound(&c, bound);
    return compose_end(&c, compose_settle(&c, window_convolve(&c, x, weights, GRAPH_NONE), ONNX_INT32, bound));
}

int lower_qlinear_conv(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = centred(&c, 0, 2, 1), weights = centred(&c, 3, 5, 0), bias = GRAPH_NONE, y;
    double bound = conv_bound(&c, weights), most = 0;
    const int64_t *integers = NULL;

    if (lower_input(lower, 8) != GRAPH_NONE && c.code == 0) {
        struct lower_value record;

        bias = compose_input(&c, 8);
        record = compose_record(&c, bias);
        if (record.constant && record.type != ONNX_FLOAT)
            compose_check(&c, lower_integers(lower, bias, &integers));
        for (uint64_t i = 0; c.code == 0 && integers != NULL && i < record.elements; i++)
            most = fabs((double)integers[i]) > most ? fabs((double)integers[i]) : most;
        bias = compose_cast(&c, bias, ONNX_FLOAT);
    }
    check_bound(&c, bound + most);
    y = window_convolve(&c, x, weights, bias);
    y = rescaled(&c, y, (uint32_t[]){1, 4, 6}, 1);
    return compose_end(&c, quantised(&c, y, 7, 1));
}
