/* SPDX-License-Identifier: Apache-2.0 */
/* Lowering of arithmetic, comparisons and logic on two values and more. */
#include "guest/model/compose.h"

#include <string.h>

/*
 * The two inputs. Before operator set 7 the second was broadcast only where attribute broadcast said so, its axes
 * beginning at attribute axis: then ones are added behind them.
 */
static void take_two(struct compose *c, uint32_t *ret_inputs)
{
    struct lower *lower = c->lower;
    int64_t broadcast = 0, axis = -1;
    struct lower_value a, b;

    ret_inputs[0] = compose_input(c, 0);
    ret_inputs[1] = compose_input(c, 1);
    if (lower->model->opset >= 7 || c->code < 0)
        return;
    (void)lower_attribute(lower, "consumed_inputs"); /* of operator set 1, without meaning */
    compose_check(c, lower_attribute_int(lower, "broadcast", 0, &broadcast));
    if (c->code == 0)
        compose_check(c, lower_attribute_int(lower, "axis", -1, &axis));
    a = compose_record(c, ret_inputs[0]);
    b = compose_record(c, ret_inputs[1]);
    if (c->code < 0 || axis < 0 || broadcast == 0)
        return;
    if ((uint64_t)axis + b.rank > a.rank) {
        compose_check(c, lower_bad(lower, "axis %lld for %s beside %s", (long long)axis, DIMS_TEXT(b.rank, b.dims),
                                   DIMS_TEXT(a.rank, a.dims)));
        return;
    }
    for (uint32_t i = b.rank; i < a.rank - (uint32_t)axis; i++)
        b.dims[i] = 1;
    ret_inputs[1] = compose_reshape(c, ret_inputs[1], a.rank - (uint32_t)axis, b.dims);
}

static int arithmetic(struct lower *lower, enum graph_op op)
{
    struct compose c = {.lower = lower};
    uint32_t inputs[2], result = GRAPH_NONE;

    take_two(&c, inputs);
    if (c.code == 0)
        compose_check(&c, lower_pair(lower, (struct fold_pair){.op = op}, inputs[0], inputs[1], &result));
    return compose_end(&c, result);
}

int lower_add(struct lower *lower)
{
    return arithmetic(lower, GRAPH_ADD);
}

int lower_sub(struct lower *lower)
{
    return arithmetic(lower, GRAPH_SUB);
}

int lower_mul(struct lower *lower)
{
    return arithmetic(lower, GRAPH_MUL);
}

int lower_div(struct lower *lower)
{
    return arithmetic(lower, GRAPH_DIV);
}

int lower_comparison(struct lower *lower)
{
    static const struct {
        const char *name;
        enum function2 function;
    } functions[] = {
        {"And", FUNCTION2_AND},
        {"Equal", FUNCTION2_EQUAL},
        {"Greater", FUNCTION2_GREATER},
        {"GreaterOrEqual", FUNCTION2_GREATER_OR_EQUAL},
        {"Less", FUNCTION2_LESS},
        {"LessOrEqual", FUNCTION2_LESS_OR_EQUAL},
        {"Or", FUNCTION2_OR},
        {"Xor", FUNCTION2_XOR},
    };
    struct compose c = {.lower = lower};
    uint32_t inputs[2];

    take_two(&c, inputs);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (span_equal(lower->node->op, functions[i].name))
            return compose_end(&c, compose_function2(&c, functions[i].function, inputs[0], inputs[1]));
    return lower_unsupported(lower, "the comparison is not known");
}

int lower_prelu(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t x = compose_floats(&c, 0), slope = compose_floats(&c, 1);
    struct lower_value shape = compose_record(&c, x), given = compose_record(&c, slope);

    /* Before operator set 7, and in what exporters write: a slope a channel, which is axis 1. */
    if (given.rank == 1 && shape.rank > 2 && given.dims[0] == shape.dims[1] && given.dims[0] != 1 &&
        (lower->model->opset < 7 || given.dims[0] != shape.dims[shape.rank - 1])) {
        for (uint32_t i = 1; i + 1 < shape.rank; i++)
            given.dims[i] = 1;
        slope = compose_reshape(&c, slope, shape.rank - 1, given.dims);
    }
    return compose_end(&c, compose_function2(&c, FUNCTION2_PRELU, x, slope));
}

int lower_mod(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t inputs[2];
    int64_t fmod = 0;

    take_two(&c, inputs);
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "fmod", 0, &fmod));
    if (c.code == 0 && fmod == 0 && lower->values[inputs[0]].type == ONNX_FLOAT)
        return lower_bad(lower, "floats need attribute fmod");
    return compose_end(&c, compose_function2(&c, fmod != 0 ? FUNCTION2_FMOD : FUNCTION2_MOD, inputs[0], inputs[1]));
}

/* The exponent where it is one constant number, else a NaN. */
static float sole_exponent(struct compose *c, uint32_t exponent)
{
    struct lower_value record = compose_record(c, exponent);
    const float *floats = NULL;

    if (c->code < 0 || !record.constant || record.elements != 1 || record.type != ONNX_FLOAT || record.rank > 1)
        return __builtin_nanf("");
    compose_check(c, lower_floats(c->lower, exponent, &floats));
    return c->code < 0 ? __builtin_nanf("") : floats[0];
}

int lower_pow(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t inputs[2];
    struct lower_value x;
    float sole;

    take_two(&c, inputs);
    x = compose_record(&c, inputs[0]);
    if (c.code == 0 && x.type == ONNX_FLOAT)
        inputs[1] = compose_cast(&c, inputs[1], ONNX_FLOAT);
    else if (c.code == 0 && lower->values[inputs[1]].type == ONNX_FLOAT) /* integers to float powers, and back */
        return compose_end(
            &c, compose_cast(&c,
                             compose_function2(&c, FUNCTION2_POW, compose_cast(&c, inputs[0], ONNX_FLOAT), inputs[1]),
                             x.type));
    else
        inputs[1] = compose_cast(&c, inputs[1], x.type);
    sole = sole_exponent(&c, inputs[1]);
    if (x.type == ONNX_FLOAT && sole == 2 && x.rank >= compose_record(&c, inputs[1]).rank)
        return compose_end(&c, compose_mul(&c, inputs[0], inputs[0]));
    if (x.type == ONNX_FLOAT && sole == 0.5f && x.rank >= compose_record(&c, inputs[1]).rank)
        return compose_end(&c, compose_function(&c, FUNCTION_SQRT, inputs[0]));
    return compose_end(&c, compose_function2(&c, FUNCTION2_POW, inputs[0], inputs[1]));
}

/* Min, Max, Sum and Mean of one value and more: from the first to the last. */
int lower_variadic(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t result = compose_input(&c, 0), count = lower->node->input_count;
    bool mean = span_equal(lower->node->op, "Mean"), sum = mean || span_equal(lower->node->op, "Sum");
    enum function2 function = span_equal(lower->node->op, "Min") ? FUNCTION2_MIN : FUNCTION2_MAX;

    for (uint32_t i = 1; i < count && c.code == 0; i++) {
        uint32_t next = compose_input(&c, i);

        result = sum ? compose_add(&c, result, next) : compose_function2(&c, function, result, next);
    }
    if (mean && count > 1)
        result = compose_div(&c, result, compose_number(&c, (float)count));
    return compose_end(&c, result);
}

int lower_where(struct lower *lower)
{
    struct compose c = {.lower = lower};
    uint32_t condition = compose_input(&c, 0), yes = compose_input(&c, 1), no = compose_input(&c, 2);

    return compose_end(&c, compose_where(&c, condition, yes, no));
}

/* Of constants alone: what is computed here has no 32 bits to shift. */
int lower_bit_shift(struct lower *lower)
{
    struct lower_value a, b;
    const int64_t *numbers, *shifts;
    uint32_t left, right;
    struct span direction;
    int64_t *room;
    void *made = NULL;
    int r = lower_any(lower, 0, &left, &a);

    if (r == 0)
        r = lower_any(lower, 1, &right, &b);
    if (r == 0)
        r = lower_attribute_text(lower, "direction", &direction);
    if (r < 0)
        return r;
    if (!a.constant || !b.constant)
        return lower_unsupported(lower, "shifts of what depends on the input are not supported");
    if (!onnx_type_is_integer(a.type) || a.type != b.type || a.rank != b.rank ||
        memcmp(a.dims, b.dims, a.rank * sizeof *a.dims) != 0)
        return lower_unsupported(lower, "shifts are of integers of one shape, and not of %s and %s",
                                 onnx_type_name(a.type), onnx_type_name(b.type));
    r = lower_integers(lower, left, &numbers);
    if (r == 0)
        r = lower_integers(lower, right, &shifts);
    if (r == 0)
        r = lower_fold_room(lower, a.elements, sizeof *room, &made);
    if (r < 0 || made == NULL)
        return r < 0 ? r : lower_unsupported(lower, "too many integers to shift");
    room = made;
    for (uint64_t i = 0; i < a.elements; i++) {
        uint64_t by = (uint64_t)shifts[i], bits = (uint64_t)numbers[i];

        bits = by > 63 ? 0 : span_equal(direction, "LEFT") ? bits << by : bits >> by;
        room[i] = lower_narrow((int64_t)bits, a.type);
    }
    return lower_constant_value(lower, a.type, room, a.rank, a.dims, &lower->result);
}
