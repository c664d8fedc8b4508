/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5's datasets: where their values stand (IV.A.2.i), and which of them are looked at. */
#include "guest/scan/hdf5_internal.h"
#include "guest/scan/text.h"

#include <errno.h>
#include <string.h>

enum layout_class { LAYOUT_COMPACT, LAYOUT_CONTIGUOUS, LAYOUT_CHUNKED, LAYOUT_VIRTUAL };

struct layout {
    uint64_t class;
    struct hdf5_span data; /* compact, contiguous */
    uint64_t heap, index;  /* virtual */
};

/* IV.A.2.i, versions 1 and 2: dimensions stand before the data. */
static MUST_USE int read_layout_1(struct hdf5 *hdf5, struct hdf5_span span, struct layout *layout)
{
    uint64_t rank = 0, address = HDF5_UNDEFINED, size = 0;
    int r = hdf5_integer(hdf5, &span, 1, &rank);

    if (r == 0)
        r = hdf5_integer(hdf5, &span, 1, &layout->class);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 5);
    if (r == 0 && layout->class != LAYOUT_COMPACT)
        r = hdf5_address(hdf5, &span, &address);
    if (r == 0)
        r = hdf5_skip(hdf5, &span, 4 * rank);
    if (r == 0 && layout->class == LAYOUT_COMPACT) {
        r = hdf5_integer(hdf5, &span, 4, &size);
        address = span.at;
    }
    if (r == 0 && address != HDF5_UNDEFINED)
        layout->data = hdf5_span_of(address, layout->class == LAYOUT_COMPACT ? size : UINT64_MAX);
    return r;
}

/* Versions 3 and 4. */
static MUST_USE int read_layout_3(struct hdf5 *hdf5, struct hdf5_span span, struct layout *layout)
{
    uint64_t address = 0, size = 0;
    int r = hdf5_integer(hdf5, &span, 1, &layout->class);

    if (r < 0)
        return r;
    switch (layout->class) {
    case LAYOUT_COMPACT:
        r = hdf5_integer(hdf5, &span, 2, &size);
        if (r == 0)
            layout->data = hdf5_span_of(span.at, size);
        return r;
    case LAYOUT_CONTIGUOUS:
        r = hdf5_address(hdf5, &span, &address);
        if (r == 0)
            r = hdf5_length(hdf5, &span, &size);
        if (r == 0 && address != HDF5_UNDEFINED)
            layout->data = hdf5_span_of(address, size);
        return r;
    case LAYOUT_VIRTUAL:
        r = hdf5_address(hdf5, &span, &layout->heap);
        return r == 0 ? hdf5_integer(hdf5, &span, 4, &layout->index) : r;
    default:
        return 0;
    }
}

static MUST_USE int read_layout(struct hdf5 *hdf5, struct hdf5_span span, struct layout *ret_layout)
{
    struct layout layout = {.heap = HDF5_UNDEFINED};
    uint64_t version = 0;
    int r = hdf5_integer(hdf5, &span, 1, &version);

    if (r == 0)
        r = version < 3 ? read_layout_1(hdf5, span, &layout) : read_layout_3(hdf5, span, &layout);
    if (r == 0)
        *ret_layout = layout;
    return r;
}

/* III.E, "Global Heap Block for Virtual Datasets": the first source's file; "." is this one. */
static MUST_USE int read_virtual(struct hdf5 *hdf5, const struct hdf5_header *header, const struct layout *layout)
{
    char file[HDF5_NAME_MAX + 1] = "?";
    struct hdf5_span bytes = {0};
    int r = -EBADMSG;

    if (layout->heap != HDF5_UNDEFINED)
        r = hdf5_global(hdf5, layout->heap, layout->index, &bytes);
    if (r == 0)
        r = hdf5_skip(hdf5, &bytes, 1u + hdf5->length_size); /* version, number of entries */
    if (r == 0)
        r = hdf5_text(hdf5, &bytes, file);
    if (r < 0)
        (void)memcpy(file, "?", 2);
    return hdf5->failed = scan_find(hdf5->scan, hdf5->object, &hdf5_rules[HDF5_RULE_VIRTUAL], header->layout.at,
                                    hdf5->err, "from the file '%s'", TEXT(file, strlen(file)));
}

static uint64_t bytes_of(const struct hdf5_type *type, uint64_t count)
{
    return type->size == 0 || count <= UINT64_MAX / type->size ? count * type->size : UINT64_MAX;
}

static void skip_numbers(struct hdf5 *hdf5, const struct hdf5_header *header, const struct hdf5_type *type,
                         uint64_t count)
{
    scan_skipped(hdf5->scan, hdf5->object, SCAN_SKIP_WEIGHTS, header->layout.at, bytes_of(type, count), "%s", "");
}

/* A dataset of a size that the file can't hold, however it is compressed: a reader would fill the rest. */
static MUST_USE int check_size(struct hdf5 *hdf5, const struct hdf5_header *header, const struct hdf5_type *type,
                               uint64_t count)
{
    uint64_t bytes = bytes_of(type, count), size = 0;
    int r;

    if (bytes < HDF5_BOMB_SIZE)
        return 0;
    r = source_size(hdf5->source, &size, &hdf5->cause);
    if (r < 0 || bytes / HDF5_BOMB_RATIO < size)
        return r;
    return hdf5->failed =
               scan_find(hdf5->scan, hdf5->object, &hdf5_rules[HDF5_RULE_BOMB], header->layout.at, hdf5->err,
                         "%llu bytes in a file of %llu", (unsigned long long)bytes, (unsigned long long)size);
}

/* Numbers of one byte may be any bytes: a pickle that was made an array. */
static MUST_USE int read_bytes(struct hdf5 *hdf5, struct hdf5_span data, uint64_t count)
{
    uint64_t size = data.end - data.at < count ? data.end - data.at : count;
    CLEANUP_SOURCE struct source *range = source_of_range(hdf5->source, data.at, size);
    const struct scan_object part = {
        .source = range, .name = "dataset", .role = SCAN_ROLE_WEIGHTS, .parent = hdf5->object};

    if (range == NULL)
        return hdf5->failed = error_set(hdf5->err, ERROR_UNAVAILABLE, -ENOMEM, "no memory to read HDF5");
    return hdf5->failed = scan_object(hdf5->scan, &part, hdf5->err);
}

/* Texts in chunks: those of variable length stand in global heaps, which are all looked through. */
static MUST_USE int read_chunked(struct hdf5 *hdf5, const struct hdf5_header *header, const struct hdf5_type *type,
                                 uint64_t count)
{
    if (type->class == HDF5_VARIABLE)
        return hdf5_sweep(hdf5);
    if (type->class == HDF5_COMPOUND)
        skip_numbers(hdf5, header, type, count); /* a table's rows */
    else
        scan_skipped(hdf5->scan, hdf5->object, SCAN_GAP_UNSUPPORTED, header->layout.at, 0, "%s",
                     "HDF5: texts of fixed length in chunks");
    return 0;
}

int hdf5_read_dataset(struct hdf5 *hdf5, const struct hdf5_header *header)
{
    struct layout layout = {0};
    struct hdf5_type type = {0};
    uint64_t count = 0;
    int r = read_layout(hdf5, header->layout, &layout);

    if (r == 0 && layout.class == LAYOUT_VIRTUAL)
        return read_virtual(hdf5, header, &layout);
    if (r == 0 && header->type.end != 0)
        r = hdf5_read_type(hdf5, header->type, &type);
    if (r == 0 && header->space.end != 0)
        r = hdf5_read_space(hdf5, header->space, &count);
    if (r == 0)
        r = check_size(hdf5, header, &type, count);
    if (r < 0)
        return hdf5_gap(hdf5, r, header->layout.at);
    if (count == 0 || header->external) /* external: told already */
        return 0;
    if (!hdf5_is_text(&type)) {
        if (type.size == 1 && layout.class != LAYOUT_CHUNKED && layout.data.end != 0)
            return read_bytes(hdf5, layout.data, count);
        skip_numbers(hdf5, header, &type, count);
        return 0;
    }
    if (layout.class == LAYOUT_CHUNKED) {
        r = read_chunked(hdf5, header, &type, count);
    } else if (layout.data.end != 0) {
        if (type.class == HDF5_COMPOUND)
            r = hdf5_value(hdf5, "dataset", hdf5_span_of(layout.data.at, type.size));
        else
            r = hdf5_read_elements(hdf5, "dataset", &type, count, layout.data);
    }
    return r < 0 && r != -EFBIG ? hdf5_gap(hdf5, r, header->layout.at) : r;
}
