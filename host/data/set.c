/* SPDX-License-Identifier: Apache-2.0 */
/* One data set, checked and streamed. */
#include "host/data/arrange.h"
#include "host/data/set_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* --- shapes ------------------------------------------------------------------------------------ */

static int refuse(struct error *err, const char *what)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "%s", what);
}

/* The shape of one sample, by file and spec. */
static int check_samples(struct data_set *set, struct error *err)
{
    const struct spec *spec = set->spec;
    int r = set_sample_dims(spec, &set->x, "x", &set->rank, set->dims, err);

    if (r < 0)
        return r;
    if (arrange_is_needed(&spec->arrangement) && set->rank != 3)
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: it has %u dimensions, but the spec's `data` describes images, which have 4",
                         set->rank + 1);
    if (spec->arrangement.reverse_channels) {
        uint64_t channels = set->dims[arrange_file_is_nhwc(&spec->arrangement, spec->contract.layout) ? 2 : 0];

        if (channels != 3)
            return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                             "array x: it has %" PRIu64 " channels, but the spec's rgb and bgr mean 3", channels);
    }
    if (spec->feature_count > 0 && (set->rank != 1 || set->elements != spec->feature_count))
        return error_set(err, ERROR_BAD_INPUT, -EBADMSG,
                         "array x: a sample has %" PRIu64 " elements in %u dimensions, but the spec lists %u features",
                         set->elements, set->rank, spec->feature_count);
    return 0;
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
    return check_samples(set, err);
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
    struct source_array *array;
    int r = source_array_open(set->source, name, &array, err);

    if (r < 0)
        return r;
    *ret_header = *source_array_header(array);
    source_array_close(array);
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
    source_array_close(set->stream);
    source_close(set->source);
    free(set->raw);
    free(set->values);
    free(set->rearranged);
    free(set);
}

/* Samples are rearranged, or looked at as wholes. */
static bool needs_whole_samples(const struct data_set *set)
{
    return arrange_is_needed(&set->spec->arrangement) || set->spec->feature_count > 0;
}

static int allocate_blocks(struct data_set *set, struct error *err)
{
    set->block_elements =
        needs_whole_samples(set) && set->elements > SET_BLOCK_ELEMENTS ? (size_t)set->elements : SET_BLOCK_ELEMENTS;
    set->raw = malloc(set->block_elements * SET_ITEM_MAX);
    set->values = malloc(set->block_elements * sizeof *set->values);
    set->rearranged = malloc(set->block_elements * sizeof *set->rearranged);
    if (set->raw == NULL || set->values == NULL || set->rearranged == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM,
                         "array x: one sample needs more memory than the data reader may use");
    return 0;
}

int data_set_open(const struct source_files *files, const struct spec *spec, struct data_set **ret_set,
                  struct error *err)
{
    CLEANUP(free_set) struct data_set *set = calloc(1, sizeof *set);
    int r;

    if (set == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read a data set");
    set->spec = spec;
    r = source_open(files, &set->source, err);
    if (r == 0)
        r = read_header(set, "x", &set->x, err);
    if (r == 0)
        r = check_x(set, err);
    if (r == 0 && source_has(set->source, "y")) {
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

    *description = (struct data_set_description){
        .present = true, .count = set->x.dims[0], .elements = set->elements, .labelled = set->labelled};
    description->rank = set->rank;
    memcpy(description->dims, set->dims, sizeof description->dims);
    arrange_dims(&set->spec->arrangement, set->dims, description->dims);
}

/* --- streaming x ------------------------------------------------------------------------------- */

/* One block to the sink, in the model's layout. */
static int pass_on(struct data_set *set, size_t block, data_set_sink *sink, void *context)
{
    const struct spec *spec = set->spec;

    if (!arrange_is_needed(&spec->arrangement))
        return sink(context, set->values, block * sizeof *set->values);
    for (size_t i = 0; i < block; i += (size_t)set->elements)
        arrange_sample(&spec->arrangement, spec->contract.layout, set->dims, set->values + i, set->rearranged + i);
    return sink(context, set->rearranged, block * sizeof *set->rearranged);
}

/*
 * Reads `count` samples on from where the stream stands: to the survey as they are, to the sink
 * rearranged; either may be NULL. A block holds whole samples where that is needed.
 */
static int stream_samples(struct data_set *set, uint64_t count, struct set_survey *survey, data_set_sink *sink,
                          void *context, struct error *err)
{
    uint64_t position = set->next * set->elements;
    uint64_t end = position + count * set->elements;
    size_t whole = needs_whole_samples(set) ? set->block_elements / (size_t)set->elements * (size_t)set->elements
                                            : set->block_elements;
    int r = 0;

    while (r == 0 && position < end) {
        size_t block = end - position < whole ? (size_t)(end - position) : whole;

        r = source_array_read(set->stream, set->raw, block, err);
        if (r < 0)
            return r;
        npy_to_f32(set->x.type, set->raw, block, set->values);
        sha256_update(&set->hash, set->values, block * sizeof *set->values);
        if (survey != NULL)
            r = set_check_values(survey, set->values, position, block, err);
        if (r == 0 && sink != NULL)
            r = pass_on(set, block, sink, context);
        position += block;
    }
    set->next += count;
    return r;
}

static int start_stream(struct data_set *set, struct error *err)
{
    source_array_close(set->stream);
    set->stream = NULL;
    set->next = 0;
    sha256_start(&set->hash);
    return source_array_open(set->source, "x", &set->stream, err);
}

static int changed(struct error *err)
{
    return error_set(err, ERROR_BAD_INPUT, -EBADMSG, "the file was changed while it was read; run again");
}

/* At the stream's end: nothing may follow, and the content must be what the first pass saw. */
static int finish_stream(struct data_set *set, struct error *err)
{
    uint8_t digest[SHA256_SIZE];
    int r = source_array_finish(set->stream, err);

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
        if (!same_header(source_array_header(set->stream), &set->x))
            return changed(err);
    }
    r = stream_samples(set, count, NULL, sink, context, err);
    if (r == 0 && set->next == set->x.dims[0])
        r = finish_stream(set, err);
    return r;
}

/* --- labels ------------------------------------------------------------------------------------ */

/* Reads all labels in blocks; `sink` may be NULL. */
static int stream_labels(const struct data_set *set, struct source_array *array, data_set_sink *sink, void *context,
                         struct sha256 *hash, struct error *err)
{
    int64_t bound = set->spec->contract.classes > 0 ? set->spec->contract.classes : DATA_CLASSES_MAX;
    int32_t *labels = (int32_t *)set->values;
    int r = 0;

    for (uint64_t done = 0; r == 0 && done < set->y.elements;) {
        size_t block =
            set->y.elements - done < SET_BLOCK_ELEMENTS ? (size_t)(set->y.elements - done) : SET_BLOCK_ELEMENTS;

        r = source_array_read(array, set->raw, block, err);
        if (r < 0)
            return r;
        for (size_t i = 0; i < block; i++) {
            int64_t raw = npy_to_integer(set->y.type, set->raw + i * set->y.item_size);
            int64_t label;

            if (__builtin_sub_overflow(raw, set->spec->contract.label_offset, &label) || label < 0 || label >= bound)
                return set_refuse_label(set, done + i, raw, err);
            labels[i] = (int32_t)label;
        }
        sha256_update(hash, labels, block * sizeof *labels);
        if (sink != NULL)
            r = sink(context, labels, block * sizeof *labels);
        done += block;
    }
    return r == 0 ? source_array_finish(array, err) : r;
}

int data_set_labels(struct data_set *set, data_set_sink *sink, void *context, struct error *err)
{
    CLEANUP_SOURCE_ARRAY struct source_array *array = NULL;
    uint8_t digest[SHA256_SIZE];
    struct sha256 hash;
    int r;

    if (!set->labelled)
        return error_set(err, ERROR_BAD_INPUT, -ENOENT,
                         "there is no array y, and labels are needed; save them: numpy.savez(path, x=..., y=...)");
    sha256_start(&hash);
    r = source_array_open(set->source, "y", &array, err);
    if (r < 0)
        return r;
    if (!same_header(source_array_header(array), &set->y))
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
    struct set_survey survey = {.set = set, .min = INFINITY, .max = -INFINITY};
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
        r = stream_samples(set, set->x.dims[0], &survey, NULL, NULL, err);
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
