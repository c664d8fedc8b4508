/* SPDX-License-Identifier: Apache-2.0 */
/* One data set, checked and streamed. */
#include "host/data/set.h"

#include "host/data/arrange.h"
#include "host/data/npz.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define SET_BLOCK_ELEMENTS ((size_t)16384)
#define SET_PLACE_MAX      160u
#define SET_ITEM_MAX       8u /* bytes of one element of any type */

struct data_set {
    int fd;
    uint64_t file_size;
    const struct data_contract *contract;
    const struct spec_arrangement *arrangement;
    bool labelled;
    struct npy_header x, y;
    uint64_t elements; /* of one sample */
    bool validated;
    uint8_t x_sha256[SHA256_SIZE], y_sha256[SHA256_SIZE]; /* of all values as streamed, from the first pass */
    /* The stream under way. */
    struct npz_array *stream;
    uint64_t next; /* sample */
    struct sha256 hash;
    /* One block, or one sample where samples are rearranged. */
    size_t block_elements;
    uint8_t *raw;
    float *values, *rearranged;
};

/* --- shapes ------------------------------------------------------------------------------------ */

static int refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s", what);
}

static int check_x(struct data_set *set, struct error *err)
{
    const struct npy_header *x = &set->x;

    if (x->rank < 2)
        return refuse(err, "array x: its shape has no samples of at least one dimension; use x.reshape(len(x), -1)");
    if (x->elements == 0)
        return refuse(err, "array x: it is empty; at least one sample is needed, and no dimension may be 0");
    set->elements = x->elements / x->dims[0];
    if (set->elements > DATA_SAMPLE_MAX)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: one sample has %" PRIu64 " elements, more than %" PRIu64, set->elements,
                         DATA_SAMPLE_MAX);
    if (x->dims[0] > DATA_COUNT_MAX || x->elements > DATA_BYTES_MAX / sizeof(float))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: %" PRIu64 " samples of %" PRIu64 " elements are more than the %" PRIu64
                         " samples and %" PRIu64 " bytes that are read at most; evaluate a part of the set",
                         x->dims[0], set->elements, DATA_COUNT_MAX, DATA_BYTES_MAX);
    if (arrange_is_needed(set->arrangement) && x->rank != 4)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: it has %u dimensions, but the spec's `data` describes images, which have 4",
                         x->rank);
    if (set->arrangement->reverse_channels) {
        uint64_t channels = x->dims[arrange_file_is_nhwc(set->arrangement, set->contract->layout) ? 3 : 1];

        if (channels != 3)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                             "array x: it has %" PRIu64 " channels, but the spec's rgb and bgr mean 3", channels);
    }
    return 0;
}

static int check_y(const struct data_set *set, struct error *err)
{
    const struct npy_header *y = &set->y;

    if (!npy_type_is_integer(y->type))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array y: labels are %s, not integers; save them with y.astype('int64')",
                         npy_type_name(y->type));
    if (y->rank != 1)
        return error_set(
            err, ERROR_BAD_INPUT, -EBADMSG,
            "array y: it has %u dimensions instead of 1; use y.reshape(-1), or y.argmax(axis=1) for one-hot "
            "labels",
            y->rank);
    if (y->elements != set->x.dims[0])
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array y: it has %" PRIu64 " labels for the %" PRIu64 " samples of x", y->elements,
                         set->x.dims[0]);
    return 0;
}

static bool same_header(const struct npy_header *a, const struct npy_header *b)
{
    return a->type == b->type && a->rank == b->rank && memcmp(a->dims, b->dims, sizeof a->dims) == 0;
}

static int read_header(const struct data_set *set, const char *name, struct npy_header *ret_header, struct error *err)
{
    struct npz_array *array;
    int r = npz_open(set->fd, set->file_size, name, &array, err);

    if (r < 0)
        return r;
    *ret_header = *npz_header(array);
    npz_close(array);
    return 0;
}

static void free_set(struct data_set **set)
{
    data_set_free(*set);
}

void data_set_free(struct data_set *set)
{
    if (set == NULL)
        return;
    npz_close(set->stream);
    free(set->raw);
    free(set->values);
    free(set->rearranged);
    free(set);
}

static int allocate_blocks(struct data_set *set, struct error *err)
{
    set->block_elements = arrange_is_needed(set->arrangement) && set->elements > SET_BLOCK_ELEMENTS
                              ? (size_t)set->elements
                              : SET_BLOCK_ELEMENTS;
    set->raw = malloc(set->block_elements * SET_ITEM_MAX);
    set->values = malloc(set->block_elements * sizeof *set->values);
    set->rearranged = malloc(set->block_elements * sizeof *set->rearranged);
    if (set->raw == NULL || set->values == NULL || set->rearranged == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "array x: one sample needs more memory than the data reader may use");
    return 0;
}

int data_set_open(int fd, uint64_t file_size, const struct data_contract *contract,
                  const struct spec_arrangement *arrangement, struct data_set **ret_set, struct error *err)
{
    CLEANUP(free_set) struct data_set *set = calloc(1, sizeof *set);
    struct npz_contents contents;
    int r;

    if (set == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read a data set");
    *set = (struct data_set){.fd = fd, .file_size = file_size, .contract = contract, .arrangement = arrangement};
    r = npz_inspect(fd, file_size, &contents, err);
    if (r == 0)
        r = read_header(set, "x", &set->x, err);
    if (r == 0)
        r = check_x(set, err);
    if (r == 0 && contents.has_y) {
        set->labelled = true;
        r = read_header(set, "y", &set->y, err);
        if (r == 0)
            r = check_y(set, err);
    }
    if (r == 0)
        r = allocate_blocks(set, err);
    if (r < 0)
        return r;
    *ret_set = TAKE_POINTER(set);
    return 0;
}

/* --- what the headers say -------------------------------------------------------------------------- */

void data_set_shape(const struct data_set *set, struct data_set_description *ret_description)
{
    struct data_set_description *description = ret_description;
    const uint64_t *dims = set->x.dims + 1;

    *description = (struct data_set_description){
        .present = true, .count = set->x.dims[0], .elements = set->elements, .labelled = set->labelled};
    description->rank = set->x.rank - 1;
    memcpy(description->dims, dims, description->rank * sizeof *dims);
    arrange_dims(set->arrangement, dims, description->dims);
}

/* --- streaming x ------------------------------------------------------------------------------- */

/* Sees `count` values as they stand in the file, the first at element `position` of the whole array. */
typedef int value_visitor(void *context, const float *values, uint64_t position, size_t count, struct error *err);

/*
 * Reads `count` samples on from where the stream stands: to the visitor as they are, to the sink
 * rearranged. A block holds whole samples where samples are rearranged.
 */
static int stream_samples(struct data_set *set, uint64_t count, value_visitor *visit, data_set_sink *sink,
                          void *context, struct error *err)
{
    uint64_t position = set->next * set->elements;
    uint64_t end = position + count * set->elements;
    size_t whole = arrange_is_needed(set->arrangement)
                       ? set->block_elements / (size_t)set->elements * (size_t)set->elements
                       : set->block_elements;
    int r = 0;

    while (r == 0 && position < end) {
        size_t block = end - position < whole ? (size_t)(end - position) : whole;
        const float *out = set->values;

        r = npz_read(set->stream, set->raw, block, err);
        if (r < 0)
            return r;
        npy_to_f32(set->x.type, set->raw, block, set->values);
        sha256_update(&set->hash, set->values, block * sizeof *set->values);
        if (visit != NULL)
            r = visit(context, set->values, position, block, err);
        if (r == 0 && sink != NULL) {
            if (arrange_is_needed(set->arrangement)) {
                for (size_t i = 0; i < block; i += (size_t)set->elements)
                    arrange_sample(set->arrangement, set->contract->layout, set->x.dims + 1, set->values + i,
                                   set->rearranged + i);
                out = set->rearranged;
            }
            r = sink(context, out, block * sizeof *out);
        }
        position += block;
    }
    set->next += count;
    return r;
}

static int start_stream(struct data_set *set, struct error *err)
{
    npz_close(set->stream);
    set->stream = NULL;
    set->next = 0;
    sha256_start(&set->hash);
    return npz_open(set->fd, set->file_size, "x", &set->stream, err);
}

static int changed(struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the file was changed while it was read; run again");
}

/* At the stream's end: nothing may follow, and the content must be what the first pass saw. */
static int finish_stream(struct data_set *set, struct error *err)
{
    uint8_t digest[SHA256_SIZE];
    int r = npz_finish(set->stream, err);

    if (r < 0)
        return r;
    sha256_finish(&set->hash, digest);
    if (!set->validated)
        memcpy(set->x_sha256, digest, sizeof digest);
    else if (memcmp(set->x_sha256, digest, sizeof digest) != 0)
        return changed(err);
    return 0;
}

int data_set_window(struct data_set *set, uint64_t first, uint64_t count, data_set_sink *sink, void *context,
                    struct error *err)
{
    int r;

    if (!set->validated || count == 0 || first > set->x.dims[0] || count > set->x.dims[0] - first ||
        (first != 0 && (set->stream == NULL || first != set->next)))
        return error_set(err, ERROR_INTERNAL, -EINVAL, "windows were asked for out of order");
    if (first == 0) {
        r = start_stream(set, err);
        if (r < 0)
            return r;
        if (!same_header(npz_header(set->stream), &set->x))
            return changed(err);
    }
    r = stream_samples(set, count, NULL, sink, context, err);
    if (r == 0 && set->next == set->x.dims[0])
        r = finish_stream(set, err);
    return r;
}

/* --- the first pass ---------------------------------------------------------------------------- */

struct survey {
    const struct data_set *set;
    float min, max;
};

/* "sample 3, element 17 (0, 2, 1)": the place of an element, for messages. */
static void format_place(const struct data_set *set, uint64_t position, char ret_text[SET_PLACE_MAX])
{
    uint64_t element = position % set->elements;
    uint64_t stride = set->elements;
    int used = snprintf(ret_text, SET_PLACE_MAX, "sample %" PRIu64 ", element %" PRIu64 " (", position / set->elements,
                        element);

    for (uint32_t i = 1; i < set->x.rank && used > 0 && (size_t)used < SET_PLACE_MAX; i++) {
        stride /= set->x.dims[i];
        used +=
            snprintf(ret_text + used, SET_PLACE_MAX - (size_t)used, "%s%" PRIu64, i > 1 ? ", " : "", element / stride);
        element %= stride;
    }
    if (used > 0 && (size_t)used + 1 < SET_PLACE_MAX)
        (void)snprintf(ret_text + used, SET_PLACE_MAX - (size_t)used, ")");
}

static bool is_within(const struct data_contract *contract, float value)
{
    return !contract->has_range || ((double)value >= contract->range_low && (double)value <= contract->range_high);
}

/* Names the first value of a block that may not be there. */
static int refuse_value(const struct data_set *set, const float *values, uint64_t position, size_t count,
                        struct error *err)
{
    const struct data_contract *contract = set->contract;
    char place[SET_PLACE_MAX];

    for (size_t i = 0; i < count; i++) {
        if (isfinite(values[i]) && is_within(contract, values[i]))
            continue;
        format_place(set, position + i, place);
        if (!isfinite(values[i]))
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "array x: %s is %s%s; remove or repair the sample", place,
                             isnan(values[i]) ? "not a number (NaN)" : "infinite",
                             set->x.type == NPY_F8 && !isnan(values[i]) ? ", or too large for float32" : "");
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: %s is %.9g, outside the spec's range [%.9g, %.9g]; correct the range or the data",
                         place, (double)values[i], contract->range_low, contract->range_high);
    }
    return error_set(err, ERROR_INTERNAL, -EINVAL, "array x: a value was refused and then not found");
}

static int survey_values(void *context, const float *values, uint64_t position, size_t count, struct error *err)
{
    struct survey *survey = context;
    const struct data_set *set = survey->set;
    float low = INFINITY, high = -INFINITY;
    uint32_t bad = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t bits;

        memcpy(&bits, &values[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    if (bad != 0 || !is_within(set->contract, low) || !is_within(set->contract, high))
        return refuse_value(set, values, position, count, err);
    survey->min = low < survey->min ? low : survey->min;
    survey->max = high > survey->max ? high : survey->max;
    return 0;
}

/* --- labels ------------------------------------------------------------------------------------ */

static int refuse_label(const struct data_set *set, uint64_t index, int64_t raw, struct error *err)
{
    const struct data_contract *contract = set->contract;
    uint32_t classes = contract->classes > 0 ? contract->classes : DATA_CLASSES_MAX;

    return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                     "array y: label %" PRId64 " of sample %" PRIu64 " is out of range; with %s%" PRIu32
                     " classes%s labels go from %" PRId64 " to %" PRId64
                     "; check y, and the spec's classes and labelOffset",
                     raw, index, contract->classes > 0 ? "the spec's " : "at most ", classes,
                     contract->label_offset != 0 ? " and the spec's labelOffset" : "", contract->label_offset,
                     contract->label_offset + (int64_t)classes - 1);
}

/* Reads all labels in blocks; `sink` may be NULL. */
static int stream_labels(const struct data_set *set, struct npz_array *array, data_set_sink *sink, void *context,
                         struct sha256 *hash, struct error *err)
{
    int64_t bound = set->contract->classes > 0 ? set->contract->classes : DATA_CLASSES_MAX;
    int32_t *labels = (int32_t *)set->values;
    int r = 0;

    for (uint64_t done = 0; r == 0 && done < set->y.elements;) {
        size_t block =
            set->y.elements - done < SET_BLOCK_ELEMENTS ? (size_t)(set->y.elements - done) : SET_BLOCK_ELEMENTS;

        r = npz_read(array, set->raw, block, err);
        if (r < 0)
            return r;
        for (size_t i = 0; i < block; i++) {
            int64_t raw = npy_to_integer(set->y.type, set->raw + i * set->y.item_size);
            int64_t label;

            if (__builtin_sub_overflow(raw, set->contract->label_offset, &label) || label < 0 || label >= bound)
                return refuse_label(set, done + i, raw, err);
            labels[i] = (int32_t)label;
        }
        sha256_update(hash, labels, block * sizeof *labels);
        if (sink != NULL)
            r = sink(context, labels, block * sizeof *labels);
        done += block;
    }
    return r == 0 ? npz_finish(array, err) : r;
}

static void close_array(struct npz_array **array)
{
    npz_close(*array);
}

int data_set_labels(struct data_set *set, data_set_sink *sink, void *context, struct error *err)
{
    CLEANUP(close_array) struct npz_array *array = NULL;
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    int r;

    if (!set->labelled)
        return error_set(err, ERROR_BAD_INPUT, -ENOENT,
                         "there is no array y, and labels are needed; save them: numpy.savez(path, x=..., y=...)");
    sha256_start(&hash);
    r = npz_open(set->fd, set->file_size, "y", &array, err);
    if (r < 0)
        return r;
    if (!same_header(npz_header(array), &set->y))
        return changed(err);
    r = stream_labels(set, array, sink, context, &hash, err);
    if (r < 0)
        return r;
    sha256_finish(&hash, digest);
    if (!set->validated)
        memcpy(set->y_sha256, digest, sizeof digest);
    else if (memcmp(set->y_sha256, digest, sizeof digest) != 0)
        return changed(err);
    return 0;
}

struct label_survey {
    uint8_t seen[DATA_CLASSES_MAX / 8];
    uint32_t max, distinct;
};

static int survey_labels(void *context, const void *bytes, size_t size)
{
    struct label_survey *survey = context;
    const int32_t *labels = bytes;

    for (size_t i = 0; i < size / sizeof *labels; i++) {
        uint32_t label = (uint32_t)labels[i];
        uint8_t bit = (uint8_t)(1u << (label % 8));

        survey->distinct += (survey->seen[label / 8] & bit) == 0;
        survey->seen[label / 8] |= bit;
        survey->max = label > survey->max ? label : survey->max;
    }
    return 0;
}

int data_set_validate(struct data_set *set, struct data_set_description *ret_description, struct error *err)
{
    CLEANUP_FREE struct label_survey *labels = calloc(1, sizeof *labels);
    struct survey survey = {.set = set, .min = INFINITY, .max = -INFINITY};
    struct data_set_description description;
    int r;

    if (labels == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read labels");
    data_set_shape(set, &description);
    if (set->labelled) {
        r = data_set_labels(set, survey_labels, labels, err);
        if (r < 0)
            return r;
        description.label_max = labels->max;
        description.label_distinct = labels->distinct;
    }
    r = start_stream(set, err);
    if (r == 0)
        r = stream_samples(set, set->x.dims[0], survey_values, NULL, &survey, err);
    if (r == 0)
        r = finish_stream(set, err);
    if (r < 0)
        return r;
    description.min = survey.min;
    description.max = survey.max;
    set->validated = true;
    *ret_description = description;
    return 0;
}
