/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of RNN, GRU and LSTM, step by step, in the order of ONNX's equations, with their default activations.
 *
 * Inside, the batch comes first: input and results of layout 0 are transposed around it. The input's products of
 * all steps are one product of matrices.
 */
#include "guest/model/compose.h"

#include <string.h>

#define STEPS_MAX 4096u

struct recurrent {
    uint32_t gates; /* 1, 3 or 4 */
    uint64_t batch, steps, hidden;
    uint32_t weights, recurrence;  /* of one direction: [gates·hidden x input] and [gates·hidden x hidden] */
    uint32_t bias_in, bias_hidden; /* [gates·hidden], or GRAPH_NONE */
    uint32_t peepholes;            /* [3·hidden], or GRAPH_NONE */
    uint32_t h, c;                 /* the state: [batch x hidden], or GRAPH_NONE for zeros */
    bool resets_late;              /* GRU: linear_before_reset */
    bool layout_batch_first;
};

/* A row of an input whose first axis counts directions: with that axis gone; GRAPH_NONE where it is left out. */
static uint32_t of_direction(struct compose *c, uint32_t input, uint64_t direction, uint32_t axis)
{
    struct lower_value record;
    uint64_t dims[GRAPH_RANK_MAX];
    uint32_t value, rank = 0;

    if (c->code < 0 || lower_input(c->lower, input) == GRAPH_NONE)
        return GRAPH_NONE;
    value = compose_floats(c, input);
    record = compose_record(c, value);
    if (c->code == 0 && (record.rank <= axis || direction >= record.dims[axis]))
        compose_check(c, lower_bad(c->lower, "its input %u is %s", input, DIMS_TEXT(record.rank, record.dims)));
    value = c->code < 0 ? GRAPH_NONE : compose_slice(c, value, axis, (int64_t)direction, 1, 1);
    for (uint32_t i = 0; i < record.rank; i++)
        if (i != axis)
            dims[rank++] = record.dims[i];
    return compose_reshape(c, value, rank, dims);
}

/* An initial state; zeros are left out. */
static uint32_t take_state(struct compose *c, const struct recurrent *r, uint32_t input, uint64_t direction)
{
    uint32_t value = of_direction(c, input, direction, r->layout_batch_first ? 1 : 0);
    struct lower_value record = compose_record(c, value);
    const float *floats = NULL;
    bool zero = record.constant;

    if (value == GRAPH_NONE || c->code < 0)
        return GRAPH_NONE;
    if (record.rank != 2 || record.dims[0] != r->batch || record.dims[1] != r->hidden) {
        compose_check(c,
                      lower_bad(c->lower, "its state at input %u is %s", input, DIMS_TEXT(record.rank, record.dims)));
        return GRAPH_NONE;
    }
    if (record.constant)
        compose_check(c, lower_floats(c->lower, value, &floats));
    for (uint64_t i = 0; c->code == 0 && zero && i < record.elements; i++)
        zero = floats[i] == 0;
    return zero ? GRAPH_NONE : value;
}

/* The gate's part of rows of `gates` of them. */
static uint32_t gate(struct compose *c, const struct recurrent *r, uint32_t rows, uint32_t index)
{
    uint32_t axis;

    if (rows == GRAPH_NONE)
        return GRAPH_NONE;
    axis = compose_record(c, rows).rank - 1;
    return c->code < 0 ? GRAPH_NONE : compose_slice(c, rows, axis, (int64_t)(index * r->hidden), r->hidden, 1);
}

/* a + b, either of which may be absent. */
static uint32_t plus(struct compose *c, uint32_t a, uint32_t b)
{
    return a == GRAPH_NONE ? b : b == GRAPH_NONE ? a : compose_add(c, a, b);
}

static uint32_t sigmoid(struct compose *c, uint32_t x)
{
    return compose_unary(c, GRAPH_SIGMOID, x, 0, 0);
}

static uint32_t hyperbolic(struct compose *c, uint32_t x)
{
    return compose_unary(c, GRAPH_TANH, x, 0, 0);
}

/* state · recurrence, transposed; absent for a state of zeros. */
static uint32_t recur(struct compose *c, uint32_t state, uint32_t recurrence)
{
    if (state == GRAPH_NONE)
        return GRAPH_NONE;
    return compose_matmul(c, state, compose_transpose(c, recurrence, (uint32_t[]){1, 0}));
}

static void step_rnn(struct compose *c, struct recurrent *r, uint32_t in)
{
    r->h = hyperbolic(c, plus(c, plus(c, in, recur(c, r->h, r->recurrence)), r->bias_hidden));
}

/* Gates z, r, h. */
static void step_gru(struct compose *c, struct recurrent *r, uint32_t in)
{
    uint32_t recurrence_h = compose_slice(c, r->recurrence, 0, (int64_t)(2 * r->hidden), r->hidden, 1);
    uint32_t late = gate(c, r, r->bias_hidden, 2), early, z, reset, candidate, one;
    uint32_t both = recur(c, r->h, compose_slice(c, r->recurrence, 0, 0, 2 * r->hidden, 1));

    z = sigmoid(c, plus(c, plus(c, gate(c, r, in, 0), gate(c, r, both, 0)), gate(c, r, r->bias_hidden, 0)));
    reset = sigmoid(c, plus(c, plus(c, gate(c, r, in, 1), gate(c, r, both, 1)), gate(c, r, r->bias_hidden, 1)));
    if (r->resets_late) {
        early = plus(c, recur(c, r->h, recurrence_h), late);
        early = early == GRAPH_NONE ? GRAPH_NONE : compose_mul(c, reset, early);
    } else {
        early = r->h == GRAPH_NONE ? GRAPH_NONE : compose_mul(c, reset, r->h);
        early = plus(c, recur(c, early, recurrence_h), late);
    }
    candidate = hyperbolic(c, plus(c, gate(c, r, in, 2), early));
    one = compose_number(c, 1);
    candidate = compose_mul(c, compose_sub(c, one, z), candidate);
    r->h = r->h == GRAPH_NONE ? candidate : compose_add(c, candidate, compose_mul(c, z, r->h));
}

/* Gates i, o, f, c; peepholes i, o, f. */
static void step_lstm(struct compose *c, struct recurrent *r, uint32_t in)
{
    uint32_t all = plus(c, plus(c, in, recur(c, r->h, r->recurrence)), r->bias_hidden), peep[3] = {0};
    uint32_t input, forget, output, candidate;

    for (uint32_t k = 0; k < 3; k++)
        peep[k] = gate(c, r, r->peepholes, k);
    input = gate(c, r, all, 0);
    forget = gate(c, r, all, 2);
    if (r->peepholes != GRAPH_NONE && r->c != GRAPH_NONE) {
        input = compose_add(c, input, compose_mul(c, peep[0], r->c));
        forget = compose_add(c, forget, compose_mul(c, peep[2], r->c));
    }
    candidate = compose_mul(c, sigmoid(c, input), hyperbolic(c, gate(c, r, all, 3)));
    r->c = r->c == GRAPH_NONE ? candidate : compose_add(c, compose_mul(c, sigmoid(c, forget), r->c), candidate);
    output = gate(c, r, all, 1);
    if (r->peepholes != GRAPH_NONE)
        output = compose_add(c, output, compose_mul(c, peep[1], r->c));
    r->h = compose_mul(c, sigmoid(c, output), hyperbolic(c, r->c));
}

static void take_direction(struct compose *c, struct recurrent *r, uint64_t direction)
{
    uint32_t bias = of_direction(c, 3, direction, 0);
    uint64_t rows = r->gates * r->hidden;

    r->weights = of_direction(c, 1, direction, 0);
    r->recurrence = of_direction(c, 2, direction, 0);
    r->bias_in = r->bias_hidden = GRAPH_NONE;
    if (bias != GRAPH_NONE && c->code == 0) {
        if (compose_record(c, bias).elements != 2 * rows)
            compose_check(c, lower_bad(c->lower, "its bias has %llu elements instead of %llu",
                                       (unsigned long long)compose_record(c, bias).elements,
                                       (unsigned long long)(2 * rows)));
        else {
            r->bias_in = compose_slice(c, bias, 0, 0, rows, 1);
            r->bias_hidden = compose_slice(c, bias, 0, (int64_t)rows, rows, 1);
        }
    }
    r->peepholes = r->gates == 4 ? of_direction(c, 7, direction, 0) : GRAPH_NONE;
    r->h = take_state(c, r, 5, direction);
    r->c = r->gates == 4 ? take_state(c, r, 6, direction) : GRAPH_NONE;
    if (c->code == 0 && r->peepholes != GRAPH_NONE && compose_record(c, r->peepholes).elements != 3 * r->hidden)
        compose_check(c, lower_bad(c->lower, "its peepholes are not 3 a unit"));
}

/* Parts along axis 1, of which there may be more than a Concat takes. */
static uint32_t join(struct compose *c, uint32_t *parts, uint32_t count)
{
    while (count > 1 && c->code == 0) {
        uint32_t made = 0;

        for (uint32_t i = 0; i < count; i += GRAPH_INPUTS_MAX)
            parts[made++] =
                compose_concat(c, parts + i, count - i < GRAPH_INPUTS_MAX ? count - i : GRAPH_INPUTS_MAX, 1);
        count = made;
    }
    return parts[0];
}

/* One direction over x, batch x steps x input: the states of all steps, batch x steps x 1 x hidden. */
static uint32_t run_direction(struct compose *c, struct recurrent *r, uint32_t x, bool backwards)
{
    struct lower_value record = compose_record(c, x), weights = compose_record(c, r->weights);
    uint64_t rows = r->gates * r->hidden, width = record.dims[2];
    CLEANUP_FREE uint32_t *states = calloc(r->steps + 1, sizeof *states);
    uint32_t all;

    if (states == NULL || c->code < 0 || weights.rank != 2 || weights.dims[0] != rows || weights.dims[1] != width ||
        compose_record(c, r->recurrence).rank != 2 || compose_record(c, r->recurrence).dims[0] != rows ||
        compose_record(c, r->recurrence).dims[1] != r->hidden) {
        if (c->code == 0)
            compose_check(c, lower_bad(c->lower, "its weights are %s for %llu units and inputs of %llu",
                                       DIMS_TEXT(weights.rank, weights.dims), (unsigned long long)r->hidden,
                                       (unsigned long long)width));
        return GRAPH_NONE;
    }
    all = compose_matmul(c, x, compose_transpose(c, r->weights, (uint32_t[]){1, 0}));
    all = plus(c, all, r->bias_in);
    for (uint64_t i = 0; i < r->steps && c->code == 0; i++) {
        uint64_t step = backwards ? r->steps - 1 - i : i;
        uint32_t in =
            compose_reshape(c, compose_slice(c, all, 1, (int64_t)step, 1, 1), 2, (uint64_t[]){r->batch, rows});

        if (r->gates == 1)
            step_rnn(c, r, in);
        else if (r->gates == 3)
            step_gru(c, r, in);
        else
            step_lstm(c, r, in);
        states[step] = compose_reshape(c, r->h, 4, (uint64_t[]){r->batch, 1, 1, r->hidden});
    }
    return c->code < 0 ? GRAPH_NONE : join(c, states, (uint32_t)r->steps);
}

/* Every sequence is as long as the input: other lengths are refused. */
static void check_lengths(struct compose *c, const struct recurrent *r)
{
    const int64_t *lengths = NULL;
    uint64_t count = 0;

    if (c->code == 0)
        compose_check(c, lower_list(c->lower, 4, &lengths, &count));
    for (uint64_t i = 0; c->code == 0 && i < count; i++)
        if (lengths[i] != (int64_t)r->steps)
            compose_check(c, lower_unsupported(c->lower,
                                               "a sequence of %lld steps of %llu; all must be as long as the "
                                               "input",
                                               (long long)lengths[i], (unsigned long long)r->steps));
}

static uint32_t directions_of(struct compose *c, bool *ret_backwards)
{
    struct span text = {0};

    *ret_backwards = false;
    if (c->code == 0)
        compose_check(c, lower_attribute_text(c->lower, "direction", &text));
    if (text.size == 0 || span_equal(text, "forward"))
        return 1;
    *ret_backwards = span_equal(text, "reverse");
    if (!*ret_backwards && !span_equal(text, "bidirectional") && c->code == 0)
        compose_check(c, lower_bad(c->lower, "direction '%s' is not known", SPAN_TEXT(text)));
    return *ret_backwards ? 1 : 2;
}

/* A last state a direction, batch x 1 x hidden, as layout 0 or 1 has them. */
static uint32_t last_states(struct compose *c, const struct recurrent *r, uint32_t *states, uint32_t count)
{
    uint32_t value;

    for (uint32_t d = 0; d < count && c->code == 0; d++)
        states[d] = compose_reshape(c, states[d], 3, (uint64_t[]){r->batch, 1, r->hidden});
    value = c->code < 0 ? GRAPH_NONE : join(c, states, count);
    return r->layout_batch_first ? value : compose_transpose(c, value, (uint32_t[]){1, 0, 2});
}

static int recurrent(struct lower *lower, uint32_t gates)
{
    struct compose c = {.lower = lower};
    struct recurrent r = {.gates = gates};
    uint32_t x = compose_floats(&c, 0), count, parts[2], hidden[2], cells[2], y;
    int64_t layout = 0, units = 0, late = 0;
    struct lower_value record;
    bool backwards;

    count = directions_of(&c, &backwards);
    if (c.code == 0 && lower->model->opset >= 14)
        compose_check(&c, lower_attribute_int(lower, "layout", 0, &layout));
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "hidden_size", 0, &units));
    if (c.code == 0 && gates == 3)
        compose_check(&c, lower_attribute_int(lower, "linear_before_reset", 0, &late));
    if (lower->model->opset < 7)
        (void)lower_attribute(lower, "output_sequence");
    r.resets_late = late != 0;
    r.layout_batch_first = layout != 0;
    if (layout == 0 && compose_record(&c, x).rank == 3)
        x = compose_transpose(&c, x, (uint32_t[]){1, 0, 2});
    record = compose_record(&c, x);
    if (c.code == 0 && (record.rank != 3 || record.dims[1] > STEPS_MAX || units < 1 || units > (int64_t)MODEL_DIM_MAX))
        return lower_bad(lower, "%lld units over an input of %s; steps x batch x inputs is needed, up to %u steps",
                         (long long)units, DIMS_TEXT(record.rank, record.dims), STEPS_MAX);
    r.batch = record.dims[0];
    r.steps = record.dims[1];
    r.hidden = (uint64_t)units;
    check_lengths(&c, &r);
    for (uint32_t d = 0; d < count && c.code == 0; d++) {
        take_direction(&c, &r, d);
        parts[d] = run_direction(&c, &r, x, backwards || d == 1);
        hidden[d] = r.h;
        cells[d] = r.c;
    }
    y = c.code < 0 ? GRAPH_NONE : parts[0];
    if (count == 2)
        y = compose_concat(&c, parts, 2, 2);
    if (layout == 0)
        y = compose_transpose(&c, y, (uint32_t[]){1, 2, 0, 3});
    if (lower->node->output_count > 1 && c.code == 0)
        compose_output(&c, 1, last_states(&c, &r, hidden, count));
    if (lower->node->output_count > 2 && gates == 4 && c.code == 0)
        compose_output(&c, 2, last_states(&c, &r, cells, count));
    return compose_end(&c, y);
}

int lower_rnn(struct lower *lower)
{
    return recurrent(lower, 1);
}

int lower_gru(struct lower *lower)
{
    return recurrent(lower, 3);
}

int lower_lstm(struct lower *lower)
{
    return recurrent(lower, 4);
}
