/* SPDX-License-Identifier: Apache-2.0 */
/* The small sets that are held in memory: triggers and features. */
#include "host/data/held.h"

#include "host/data/arrange.h"
#include "host/data/set_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

void held_set_free(struct held_set *set)
{
    free(set->x);
    *set = (struct held_set){0};
}

int held_set_window(const struct held_set *set, uint64_t first, uint64_t count, data_set_sink *sink, void *context,
                    struct error *err)
{
    if (!set->shape.present || count == 0 || first > set->shape.count || count > set->shape.count - first)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "windows were asked for beyond a set");
    return sink(context, set->x + first * set->shape.elements, count * set->shape.elements * sizeof *set->x);
}

static int allocate(const struct data_set_description *test, uint64_t count, const char *what, struct held_set *ret_set,
                    struct error *err)
{
    uint64_t floats;

    if (__builtin_mul_overflow(count, test->elements, &floats) || floats > DATA_HELD_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EMSGSIZE,
                         "%s: %" PRIu64 " samples of %" PRIu64 " elements; at most %" PRIu64 " numbers are held", what,
                         count, test->elements, DATA_HELD_MAX);
    ret_set->x = malloc((size_t)floats * sizeof *ret_set->x);
    if (ret_set->x == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "%s: no memory to hold it", what);
    ret_set->shape =
        (struct data_set_description){.present = true, .count = count, .rank = test->rank, .elements = test->elements};
    memcpy(ret_set->shape.dims, test->dims, sizeof test->dims);
    return 0;
}

/* What the description says of the values. */
static void measure(struct held_set *set)
{
    set->shape.min = set->shape.max = set->x[0];
    for (uint64_t i = 1; i < set->shape.count * set->shape.elements; i++) {
        set->shape.min = set->x[i] < set->shape.min ? set->x[i] : set->shape.min;
        set->shape.max = set->x[i] > set->shape.max ? set->x[i] : set->shape.max;
    }
}

/* --- arrays of one number an element, or a pixel ------------------------------------------------- */

/* How an array's samples become the model's. */
struct shaping {
    const struct spec *spec;
    uint64_t elements; /* of the model's sample */
    uint32_t rank;     /* of a sample as the file has it */
    uint64_t dims[DATA_RANK_MAX];
    bool per_pixel;    /* one number for all channels */
    uint64_t channels; /* where so */
};

/* `header` is of N samples, with the N. */
static int shape_samples(const struct spec *spec, const struct data_set_description *test,
                         const struct npy_header *header, const char *what, bool may_be_per_pixel,
                         struct shaping *ret_shaping, struct error *err)
{
    struct shaping shaping = {.spec = spec, .elements = test->elements, .channels = 1};
    bool nhwc = spec->contract.layout == DATA_LAYOUT_NHWC;
    uint64_t pixels = test->elements, dims[DATA_RANK_MAX] = {0};
    uint64_t own = header->elements / header->dims[0];
    int r = 0;

    if (test->rank == 3) {
        shaping.channels = test->dims[nhwc ? 2 : 0];
        pixels = test->elements / shaping.channels;
    }
    if (may_be_per_pixel && test->rank == 3 && own == pixels) { /* H×W, or with a channel of 1 */
        bool fits = header->rank == 3 || (header->rank == 4 && (header->dims[1] == 1 || header->dims[3] == 1));

        shaping.per_pixel = true;
        for (uint32_t i = 1, k = nhwc ? 0 : 1; fits && i < header->rank; i++) {
            if (header->rank == 4 && i == (header->dims[1] == 1 ? 1u : 3u))
                continue;
            fits = header->dims[i] == test->dims[k++];
        }
        if (fits) {
            *ret_shaping = shaping;
            return 0;
        }
    }
    r = set_sample_dims(spec, header, what, &shaping.rank, shaping.dims, err);
    if (r < 0)
        return r;
    memcpy(dims, shaping.dims, sizeof dims);
    if (shaping.rank == 3)
        arrange_dims(&spec->arrangement, shaping.dims, dims);
    if (shaping.rank != test->rank || memcmp(dims, test->dims, sizeof dims) != 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array %s: its samples are not shaped like the test set's (%" PRIu64 " elements in %u "
                         "dimensions there, %" PRIu64 " in %u here, or other dimensions)",
                         what, test->elements, test->rank, own, header->rank - 1);
    shaping.per_pixel = false;
    *ret_shaping = shaping;
    return 0;
}

/* One sample of the file's into the model's layout. `from` has one number an element, or a pixel. */
static void shape_sample(const struct shaping *shaping, const float *from, float *ret_to)
{
    const struct spec *spec = shaping->spec;
    uint64_t pixels = shaping->elements / shaping->channels;

    if (!shaping->per_pixel) {
        if (arrange_is_needed(&spec->arrangement))
            arrange_sample(&spec->arrangement, spec->contract.layout, shaping->dims, from, ret_to);
        else
            memcpy(ret_to, from, shaping->elements * sizeof *from);
        return;
    }
    for (uint64_t p = 0; p < pixels; p++)
        for (uint64_t c = 0; c < shaping->channels; c++)
            ret_to[spec->contract.layout == DATA_LAYOUT_NHWC ? p * shaping->channels + c : c * pixels + p] = from[p];
}

static int check_numbers(const char *what, const float *values, uint64_t count, double low, double high,
                         struct error *err)
{
    for (uint64_t i = 0; i < count; i++)
        if (!isfinite(values[i]) || (double)values[i] < low || (double)values[i] > high)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                             "%s: element %" PRIu64 " is %.9g; it must be a finite number within [%.9g, %.9g]", what, i,
                             (double)values[i], low, high);
    return 0;
}

/* --- triggers ---------------------------------------------------------------------------------- */

struct trigger_array {
    const char *name;
    struct source_array *array;
    struct shaping shaping;
    double low, high;
    uint64_t own; /* elements of a sample in the file */
};

static int open_array(const struct source *source, const struct spec *spec, const struct data_set_description *test,
                      struct trigger_array *array, bool is_mask, struct error *err)
{
    const struct npy_header *header;
    int r = source_array_open(source, array->name, &array->array, err);

    if (r < 0)
        return r;
    header = source_array_header(array->array);
    if (header->rank < 2 || header->elements == 0)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: it has no samples", array->name);
    if (header->dims[0] > DATA_TRIGGERS_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array %s: %" PRIu64 " triggers; at most %u are tried",
                         array->name, header->dims[0], DATA_TRIGGERS_MAX);
    array->own = header->elements / header->dims[0];
    if (array->own > test->elements)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array %s: a sample has %" PRIu64 " elements, the test set's have %" PRIu64, array->name,
                         array->own, test->elements);
    return shape_samples(spec, test, header, array->name, is_mask, &array->shaping, err);
}

/* The next sample of the array, in the model's layout; `raw` and `file` have room for one as the file has it. */
static int read_sample(struct trigger_array *array, uint8_t *raw, float *file, float *ret_to, struct error *err)
{
    char what[32] = "array ";
    int r = source_array_read(array->array, raw, (size_t)array->own, err);

    if (r < 0)
        return r;
    npy_to_f32(source_array_header(array->array)->type, raw, (size_t)array->own, file);
    r = check_numbers(strcat(what, array->name), file, array->own, array->low, array->high, err);
    if (r == 0)
        shape_sample(&array->shaping, file, ret_to);
    return r;
}

static int read_both(struct trigger_array arrays[2], struct held_set *set, struct error *err)
{
    size_t elements = (size_t)set->shape.elements;
    CLEANUP_FREE uint8_t *raw = malloc(elements * SET_ITEM_MAX);
    CLEANUP_FREE float *file = malloc(elements * sizeof *file);
    int r = 0;

    if (raw == NULL || file == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read triggers");
    for (uint64_t i = 0; r == 0 && i < set->shape.count; i++)
        r = read_sample(&arrays[i % 2], raw, file, set->x + i * elements, err);
    for (unsigned i = 0; r == 0 && i < 2; i++)
        r = source_array_finish(arrays[i].array, err);
    return r;
}

static int read_triggers(const struct source *source, const struct spec *spec, const struct data_set_description *test,
                         struct trigger_array arrays[2], struct held_set *set, struct error *err)
{
    uint64_t count;
    int r;

    if (!source_has(source, "mask"))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "there is no array mask; save the patterns as x and where they lie, 0 to 1, as mask");
    r = open_array(source, spec, test, &arrays[0], false, err);
    if (r == 0)
        r = open_array(source, spec, test, &arrays[1], true, err);
    if (r < 0)
        return r;
    count = source_array_header(arrays[0].array)->dims[0];
    if (count != source_array_header(arrays[1].array)->dims[0])
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array mask: %" PRIu64 " masks for %" PRIu64 " patterns in x",
                         source_array_header(arrays[1].array)->dims[0], count);
    r = allocate(test, 2 * count, "the triggers", set, err);
    return r < 0 ? r : read_both(arrays, set, err);
}

int held_set_read_triggers(const struct source_files *files, const struct spec *spec,
                           const struct data_set_description *test, struct held_set *ret_set, struct error *err)
{
    const struct data_contract *contract = &spec->contract;
    struct trigger_array arrays[2] = {{.name = "x", .low = -INFINITY, .high = INFINITY},
                                      {.name = "mask", .low = 0, .high = 1}};
    struct held_set set = {0};
    struct source *source;
    int r = source_open(files, &source, err);

    if (r < 0)
        return r;
    if (contract->has_range) {
        arrays[0].low = contract->range_low;
        arrays[0].high = contract->range_high;
    }
    r = read_triggers(source, spec, test, arrays, &set, err);
    source_array_close(arrays[0].array);
    source_array_close(arrays[1].array);
    source_close(source);
    if (r < 0) {
        held_set_free(&set);
        return r;
    }
    measure(&set);
    *ret_set = set;
    return 0;
}

/* --- features ---------------------------------------------------------------------------------- */

/* A whole .npy in memory, of one number an element or a pixel: into one sample. */
static int read_npy(const char *key, const uint8_t *bytes, size_t size, const struct spec *spec,
                    const struct data_set_description *test, float *ret_sample, struct error *err)
{
    CLEANUP_FREE float *values = NULL;
    struct shaping shaping;
    struct npy_header header;
    size_t preamble = 0;
    int r = size < NPY_PREFIX_SIZE ? error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%zu bytes are no .npy array", size)
                                   : npy_preamble_size(bytes, &preamble, err);

    if (r == 0 && preamble > size)
        r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "its header is cut short");
    if (r == 0)
        r = npy_parse(bytes, preamble, &header, err);
    if (r < 0)
        return r;
    if (header.elements == 0 || header.rank == 0 || header.rank >= NPY_RANK_MAX ||
        header.elements * header.item_size != size - preamble || header.elements > test->elements)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "%s: %" PRIu64 " elements in %zu bytes; one for each of the input's %" PRIu64 " is needed",
                         key, header.elements, size - preamble, test->elements);
    memmove(header.dims + 1, header.dims, header.rank * sizeof header.dims[0]); /* one sample */
    header.dims[0] = 1;
    header.rank++;
    r = shape_samples(spec, test, &header, key, true, &shaping, err);
    if (r < 0)
        return r;
    values = malloc((size_t)header.elements * sizeof *values);
    if (values == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for %s", key);
    npy_to_f32(header.type, bytes + preamble, (size_t)header.elements, values);
    shape_sample(&shaping, values, ret_sample);
    return 0;
}

/* mask or epsScale as one sample: from its file or its list; where there is neither, 1 everywhere. */
static int read_values(enum data_array which, const struct spec *spec, const struct data_set_description *test,
                       const uint8_t *bytes, size_t size, float *ret_sample, struct error *err)
{
    static const char *const keys[DATA_ARRAY_COUNT] = {
        [DATA_ARRAY_MASK] = "key mask", [DATA_ARRAY_EPS_SCALE] = "key epsScale"};
    const struct spec_values *from = &spec->arrays[which];
    double high = which == DATA_ARRAY_MASK ? 1 : (double)INFINITY;
    int r = 0;

    for (uint64_t i = 0; i < test->elements; i++)
        ret_sample[i] = 1.0f;
    if (from->count > 0 && from->count != test->elements)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: %u values for inputs of %" PRIu64 " elements",
                         keys[which], from->count, test->elements);
    if (from->count > 0)
        memcpy(ret_sample, from->values, from->count * sizeof *from->values);
    if (from->file[0] != '\0')
        r = read_npy(keys[which], bytes, size, spec, test, ret_sample, err);
    if (r == 0)
        r = check_numbers(keys[which], ret_sample, test->elements, 0, high, err);
    for (uint64_t i = 0; r == 0 && which == DATA_ARRAY_MASK && i < test->elements; i++)
        if (ret_sample[i] != 0.0f && ret_sample[i] != 1.0f)
            r = error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s: element %" PRIu64 " is neither 0 nor 1", keys[which], i);
    return r;
}

static void fill(const struct spec *spec, struct held_set *set)
{
    uint64_t elements = set->shape.elements;
    float *low = set->x + DATA_FEATURE_LOW * elements, *high = set->x + DATA_FEATURE_HIGH * elements;
    float *mask = set->x + DATA_FEATURE_MASK * elements, *scale = set->x + DATA_FEATURE_EPS_SCALE * elements;
    float *kind = set->x + DATA_FEATURE_KIND * elements;

    for (uint64_t i = 0; i < elements; i++) {
        const struct spec_feature *feature = i < spec->feature_count ? &spec->features[i] : NULL;

        low[i] = feature != NULL && feature->has_range ? feature->low : (float)spec->contract.range_low;
        high[i] = feature != NULL && feature->has_range ? feature->high : (float)spec->contract.range_high;
        kind[i] = 0;
        if (feature == NULL)
            continue;
        kind[i] = feature->kind == SPEC_FEATURE_INTEGER ? 1.0f : (float)feature->group;
        scale[i] *= feature->eps_scale;
        mask[i] = feature->immutable ? 0.0f : mask[i];
    }
}

int held_set_make_features(const struct spec *spec, const struct data_set_description *test,
                           const uint8_t *const arrays[DATA_ARRAY_COUNT], const size_t sizes[DATA_ARRAY_COUNT],
                           struct held_set *ret_set, struct error *err)
{
    static const enum data_feature places[DATA_ARRAY_COUNT] = {
        [DATA_ARRAY_MASK] = DATA_FEATURE_MASK, [DATA_ARRAY_EPS_SCALE] = DATA_FEATURE_EPS_SCALE};
    struct held_set set = {0};
    int r = allocate(test, DATA_FEATURE_COUNT, "the spec's features", &set, err);

    for (unsigned i = 0; r == 0 && i < DATA_ARRAY_COUNT; i++)
        r = read_values((enum data_array)i, spec, test, arrays[i], sizes[i], set.x + places[i] * test->elements, err);
    if (r < 0) {
        held_set_free(&set);
        return r;
    }
    fill(spec, &set);
    measure(&set);
    if (!isfinite(set.shape.max)) {
        held_set_free(&set);
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "key epsScale: products of factors leave the range of float32");
    }
    *ret_set = set;
    return 0;
}
