/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lowering of Resize and Upsample, an axis at a time: nearest picks elements, linear and cubic interpolation are
 * the product with a matrix of weights. Weights are worked out in double, as ONNX's own definition does.
 */
#include "guest/model/lower_index.h"

#include <math.h>
#include <string.h>

struct resize {
    struct span mode, coordinates, nearest;
    float cubic;       /* the coefficient a */
    bool excludes;     /* outside positions get no weight in cubic */
    float extrapolated;
    double scale[GRAPH_RANK_MAX], start[GRAPH_RANK_MAX], end[GRAPH_RANK_MAX];
    uint64_t out[GRAPH_RANK_MAX];
    bool by_size; /* sizes were given, not scales */
};

static double floor_of(double x)
{
    double whole = (double)(int64_t)x;

    return whole > x ? whole - 1 : whole;
}

/* The position in the input of output i along an axis. */
static double coordinate(const struct resize *r, uint32_t axis, uint64_t in, uint64_t i)
{
    double scale = r->scale[axis], at = (double)i, length = r->by_size ? (double)r->out[axis] : scale * (double)in;

    if (span_equal(r->coordinates, "align_corners"))
        return length == 1 ? 0 : at * ((double)in - 1) / (length - 1);
    if (span_equal(r->coordinates, "asymmetric"))
        return at / scale;
    if (span_equal(r->coordinates, "tf_half_pixel_for_nn"))
        return (at + 0.5) / scale;
    if (span_equal(r->coordinates, "tf_crop_and_resize"))
        return length > 1 ? r->start[axis] * ((double)in - 1) +
                                at * (r->end[axis] - r->start[axis]) * ((double)in - 1) / (length - 1)
                          : 0.5 * (r->start[axis] + r->end[axis]) * ((double)in - 1);
    if (span_equal(r->coordinates, "pytorch_half_pixel") && length <= 1)
        return 0;
    return (at + 0.5) / scale - 0.5;
}

static int64_t clamp(int64_t i, uint64_t size)
{
    return i < 0 ? 0 : i >= (int64_t)size ? (int64_t)size - 1 : i;
}

static int64_t nearest_index(const struct resize *r, double x)
{
    double low = floor_of(x), part = x - low;

    if (span_equal(r->nearest, "floor"))
        return (int64_t)low;
    if (span_equal(r->nearest, "ceil"))
        return (int64_t)low + (part > 0);
    if (span_equal(r->nearest, "round_prefer_ceil"))
        return (int64_t)low + (part >= 0.5);
    return (int64_t)low + (part > 0.5);
}

/* Adds the weights of one output to a row of `in` of them. */
static void weigh(const struct resize *r, double x, uint64_t in, float *row)
{
    double low = floor_of(x), t = x - low, a = (double)r->cubic, weights[4] = {0, 1 - t, t, 0}, total = 0;

    if (span_equal(r->mode, "cubic")) {
        weights[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
        weights[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
        weights[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
        weights[3] = ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a;
        for (int k = 0; k < 4; k++) {
            double at = low - 1 + k;

            if (r->excludes && (at < 0 || at >= (double)in))
                weights[k] = 0;
            total += weights[k];
        }
        for (int k = 0; r->excludes && k < 4; k++)
            weights[k] /= total;
    }
    for (int k = 0; k < 4; k++)
        row[clamp((int64_t)low - 1 + k, in)] += (float)weights[k];
}

/* One axis as the product of its elements with a matrix, outputs x inputs. */
static uint32_t interpolate(struct compose *c, const struct resize *r, uint32_t x, uint32_t axis)
{
    struct lower_value record = compose_record(c, x);
    uint64_t in = record.dims[axis], out = r->out[axis], full[GRAPH_RANK_MAX], inner;
    CLEANUP_FREE float *weights = NULL;
    uint32_t matrix;

    if (c->code < 0)
        return GRAPH_NONE;
    weights = in > INDEX_TABLE_MAX || out > INDEX_TABLE_MAX || in * out > INDEX_TABLE_MAX
                  ? NULL
                  : calloc(in * out + 1, sizeof *weights);
    if (weights == NULL) {
        compose_check(c, lower_unsupported(c->lower, "axis %u, of %llu and %llu elements, is too long", axis,
                                           (unsigned long long)in, (unsigned long long)out));
        return GRAPH_NONE;
    }
    for (uint64_t i = 0; i < out; i++)
        weigh(r, coordinate(r, axis, in, i), in, weights + i * in);
    matrix = compose_constant(c, weights, 2, (uint64_t[]){out, in});
    memcpy(full, record.dims, sizeof full);
    full[axis] = out;
    inner = dims_elements(record.rank - axis - 1, record.dims + axis + 1);
    x = compose_reshape(c, x, 3, (uint64_t[]){dims_elements(axis, record.dims), in, inner});
    return compose_reshape(c, compose_matmul(c, matrix, x), record.rank, full);
}

static uint32_t pick_nearest(struct compose *c, const struct resize *r, uint32_t x, uint32_t axis, uint64_t in)
{
    CLEANUP_FREE int64_t *indices = index_table(c, r->out[axis]);

    for (uint64_t i = 0; c->code == 0 && i < r->out[axis]; i++)
        indices[i] = clamp(nearest_index(r, coordinate(r, axis, in, i)), in);
    return compose_gather(c, x, axis, indices, r->out[axis]);
}

/* What lies outside of the region that was cropped has a value of its own. */
static uint32_t extrapolate(struct compose *c, const struct resize *r, uint32_t y, const struct lower_value *x)
{
    for (uint32_t axis = 0; c->code == 0 && axis < x->rank; axis++) {
        CLEANUP_FREE int64_t *outside = index_table(c, r->out[axis]);
        uint64_t dims[GRAPH_RANK_MAX];
        uint32_t mask = GRAPH_NONE;

        for (uint32_t i = 0; i < x->rank; i++)
            dims[i] = i == axis ? r->out[axis] : 1;
        for (uint64_t i = 0; c->code == 0 && i < r->out[axis]; i++) {
            double at = coordinate(r, axis, x->dims[axis], i);

            outside[i] = at < 0 || at > (double)x->dims[axis] - 1;
        }
        if (c->code == 0)
            compose_check(c, lower_constant_value(c->lower, ONNX_BOOL, outside, x->rank, dims, &mask));
        y = compose_where(c, mask, compose_number(c, r->extrapolated), y);
    }
    return y;
}

static uint32_t resize(struct compose *c, struct resize *r, uint32_t x)
{
    struct lower_value record = compose_record(c, x);
    bool crops = span_equal(r->coordinates, "tf_crop_and_resize"), nearest = span_equal(r->mode, "nearest");
    uint32_t y = x;

    if (c->code == 0 && !nearest && !span_equal(r->mode, "linear") && !span_equal(r->mode, "cubic"))
        compose_check(c, lower_unsupported(c->lower, "mode '%s' is not known", SPAN_TEXT(r->mode)));
    for (uint32_t axis = 0; axis < record.rank && c->code == 0; axis++) {
        if (!(r->scale[axis] > 0 && r->scale[axis] <= 65536) || r->out[axis] == 0 || r->out[axis] > MODEL_DIM_MAX) {
            compose_check(c, lower_bad(c->lower, "axis %u of %llu elements by %g", axis,
                                       (unsigned long long)record.dims[axis], r->scale[axis]));
            return GRAPH_NONE;
        }
        if (r->out[axis] == record.dims[axis] && r->scale[axis] == 1 && !crops)
            continue;
        y = nearest ? pick_nearest(c, r, y, axis, record.dims[axis]) : interpolate(c, r, y, axis);
    }
    return crops ? extrapolate(c, r, y, &record) : y;
}

/* The scales: `count` numbers, one an axis. */
static void set_scales(struct compose *c, struct resize *r, const struct lower_value *x, const float *scales,
                       uint64_t count)
{
    if (c->code == 0 && count != x->rank)
        compose_check(c, lower_bad(c->lower, "%llu scales for %u dimensions", (unsigned long long)count, x->rank));
    for (uint32_t i = 0; c->code == 0 && i < x->rank; i++) {
        double length = (double)x->dims[i] * (double)scales[i];

        r->scale[i] = (double)scales[i];
        r->out[i] = length >= 1 && length <= (double)MODEL_DIM_MAX ? (uint64_t)length : 0;
    }
}

/* Constant floats at an input; NULL where it is left out or empty. */
static const float *take_floats(struct compose *c, uint32_t input, uint64_t *ret_count)
{
    struct lower_value record;
    const float *floats = NULL;
    uint32_t value;

    *ret_count = 0;
    if (c->code < 0 || lower_input(c->lower, input) == GRAPH_NONE)
        return NULL;
    compose_check(c, lower_parameter(c->lower, input, GRAPH_NONE, &value, &record));
    if (c->code == 0 && record.elements > 0)
        compose_check(c, lower_floats(c->lower, value, &floats));
    *ret_count = record.elements;
    return c->code < 0 ? NULL : floats;
}

static struct span text_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void take_text(struct compose *c, const char *name, const char *absent, struct span *ret_text)
{
    *ret_text = (struct span){0};
    if (c->code == 0)
        compose_check(c, lower_attribute_text(c->lower, name, ret_text));
    if (ret_text->size == 0)
        *ret_text = text_of(absent);
}

/* Upsample, and Resize of operator set 10: scales alone, from the corner, rounded down. */
static int lower_old(struct lower *lower, bool as_attribute)
{
    struct compose c = {.lower = lower};
    struct resize r = {.coordinates = text_of("asymmetric"), .nearest = text_of("floor")};
    uint32_t x = compose_floats(&c, 0);
    struct lower_value record = compose_record(&c, x);
    const float *scales = NULL;
    uint64_t count = 0;

    take_text(&c, "mode", "nearest", &r.mode);
    if (as_attribute) {
        const struct onnx_attribute *attribute = lower_attribute(lower, "scales");

        scales = attribute == NULL ? NULL : lower->attributes.floats + attribute->first_float;
        count = attribute == NULL ? 0 : attribute->float_count;
    } else {
        scales = take_floats(&c, 1, &count);
    }
    set_scales(&c, &r, &record, scales, count);
    return compose_end(&c, resize(&c, &r, x));
}

int lower_upsample(struct lower *lower)
{
    return lower_old(lower, lower->model->opset < 9);
}

int lower_resize(struct lower *lower)
{
    struct compose c = {.lower = lower};
    struct resize r = {0};
    uint32_t x = compose_floats(&c, 0);
    struct lower_value record = compose_record(&c, x);
    const float *scales, *region;
    const int64_t *sizes = NULL;
    uint64_t count, region_count, size_count = 0;
    int64_t excludes = 0;

    if (lower->model->opset < 11)
        return lower_old(lower, false);
    take_text(&c, "mode", "nearest", &r.mode);
    take_text(&c, "coordinate_transformation_mode", "half_pixel", &r.coordinates);
    take_text(&c, "nearest_mode", "round_prefer_floor", &r.nearest);
    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, "cubic_coeff_a", -0.75f, &r.cubic));
    if (c.code == 0)
        compose_check(&c, lower_attribute_int(lower, "exclude_outside", 0, &excludes));
    if (c.code == 0)
        compose_check(&c, lower_attribute_float(lower, "extrapolation_value", 0, &r.extrapolated));
    r.excludes = excludes != 0;
    region = take_floats(&c, 1, &region_count);
    scales = take_floats(&c, 2, &count);
    if (c.code == 0)
        compose_check(&c, lower_list(lower, 3, &sizes, &size_count));
    for (uint32_t i = 0; c.code == 0 && region != NULL && region_count == 2 * record.rank && i < record.rank; i++) {
        r.start[i] = (double)region[i];
        r.end[i] = (double)region[record.rank + i];
    }
    if (c.code == 0 && span_equal(r.coordinates, "tf_crop_and_resize") && region_count != 2 * record.rank)
        return lower_bad(lower, "tf_crop_and_resize needs a region");
    if (c.code < 0 || sizes == NULL || size_count == 0) {
        set_scales(&c, &r, &record, scales, scales == NULL ? 0 : count);
        return compose_end(&c, resize(&c, &r, x));
    }
    if (size_count != record.rank)
        return lower_bad(lower, "%llu sizes for %u dimensions", (unsigned long long)size_count, record.rank);
    r.by_size = true;
    for (uint32_t i = 0; i < record.rank; i++) {
        r.out[i] = sizes[i] < 1 || sizes[i] > (int64_t)MODEL_DIM_MAX ? 0 : (uint64_t)sizes[i];
        r.scale[i] = (double)r.out[i] / (double)record.dims[i];
    }
    return compose_end(&c, resize(&c, &r, x));
}
