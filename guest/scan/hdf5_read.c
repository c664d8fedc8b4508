/* SPDX-License-Identifier: Apache-2.0 */
/* HDF5: integers, names, heaps of texts, and which addresses have been read. */
#include "guest/scan/hdf5_internal.h"

#include <errno.h>
#include <string.h>

#define TABLE_SIZE (2u * HDF5_OBJECTS_MAX)

int hdf5_bad(struct hdf5 *hdf5, uint64_t offset, const char *what)
{
    return error_set(&hdf5->cause, ERROR_BAD_INPUT, -EBADMSG, "HDF5: at offset %llu %s", (unsigned long long)offset,
                     what);
}

int hdf5_step(struct hdf5 *hdf5)
{
    if (++hdf5->steps > HDF5_STEPS_MAX)
        return error_set(&hdf5->cause, ERROR_BAD_INPUT, -EFBIG, "HDF5: more than %llu parts",
                         (unsigned long long)HDF5_STEPS_MAX);
    return 0;
}

int hdf5_gap(struct hdf5 *hdf5, int code, uint64_t offset)
{
    if (hdf5->failed != 0)
        return hdf5->failed;
    if (code < 0)
        scan_skipped_for(hdf5->scan, hdf5->object, code, offset, &hdf5->cause);
    hdf5->cause = (struct error){0};
    return 0;
}

struct hdf5_span hdf5_span_of(uint64_t at, uint64_t size)
{
    return (struct hdf5_span){at, size < UINT64_MAX - at ? at + size : UINT64_MAX};
}

/* Points at `size` bytes (at most 16) of the span, and moves past them. */
static MUST_USE int take(struct hdf5 *hdf5, struct hdf5_span *span, size_t size, const uint8_t **ret_bytes)
{
    size_t got;
    int r;

    if (span->at > span->end || size > span->end - span->at)
        return hdf5_bad(hdf5, span->at, "a structure ends too early");
    r = source_view(hdf5->source, span->at, size, ret_bytes, &got, &hdf5->cause);
    if (r < 0)
        return r;
    if (got < size)
        return hdf5_bad(hdf5, span->at, "the file ends within a structure");
    span->at += size;
    return 0;
}

int hdf5_integer(struct hdf5 *hdf5, struct hdf5_span *span, unsigned size, uint64_t *ret_value)
{
    const uint8_t *bytes;
    uint64_t value = 0;
    int r = take(hdf5, span, size, &bytes);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    *ret_value = value;
    return 0;
}

int hdf5_address(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t *ret_address)
{
    uint64_t value, undefined = hdf5->offset_size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * hdf5->offset_size) - 1;
    uint64_t offset = span->at;
    int r = hdf5_integer(hdf5, span, hdf5->offset_size, &value);

    if (r < 0)
        return r;
    if (value != undefined && value >= UINT64_MAX - hdf5->base)
        return hdf5_bad(hdf5, offset, "an address is beyond any file");
    *ret_address = value == undefined ? HDF5_UNDEFINED : value + hdf5->base;
    return 0;
}

int hdf5_length(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t *ret_length)
{
    return hdf5_integer(hdf5, span, hdf5->length_size, ret_length);
}

int hdf5_skip(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t size)
{
    if (span->at > span->end || size > span->end - span->at)
        return hdf5_bad(hdf5, span->at, "a structure ends too early");
    span->at += size;
    return 0;
}

int hdf5_signature(struct hdf5 *hdf5, struct hdf5_span *span, const char *letters)
{
    uint64_t offset = span->at;
    const uint8_t *bytes;
    int r = take(hdf5, span, 4, &bytes);

    if (r == 0 && memcmp(bytes, letters, 4) != 0)
        r = hdf5_bad(hdf5, offset, "a structure has another's signature");
    return r;
}

int hdf5_name(struct hdf5 *hdf5, struct hdf5_span *span, uint64_t size, char ret_name[HDF5_NAME_MAX + 1])
{
    size_t kept = size < HDF5_NAME_MAX ? (size_t)size : HDF5_NAME_MAX;
    int r;

    if (span->at > span->end || size > span->end - span->at)
        return hdf5_bad(hdf5, span->at, "a name is longer than what holds it");
    r = source_copy(hdf5->source, span->at, ret_name, kept, &hdf5->cause);
    if (r < 0)
        return r;
    ret_name[kept] = '\0';
    span->at += size;
    return 0;
}

int hdf5_text(struct hdf5 *hdf5, struct hdf5_span *span, char ret_name[HDF5_NAME_MAX + 1])
{
    size_t used = 0;

    for (;;) {
        uint64_t byte = 0;
        int r = hdf5_integer(hdf5, span, 1, &byte);

        if (r < 0)
            return r;
        if (byte == 0)
            break;
        if (used < HDF5_NAME_MAX)
            ret_name[used++] = (char)byte;
        else
            r = hdf5_step(hdf5);
        if (r < 0)
            return r;
    }
    ret_name[used] = '\0';
    return 0;
}

/* --- what has been read --------------------------------------------------------------------------------------- */

int hdf5_visit(struct hdf5 *hdf5, uint64_t address, bool *ret_first)
{
    uint32_t at = (uint32_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 40) % TABLE_SIZE;

    while (hdf5->visited[at] != 0 && hdf5->visited[at] != address + 1)
        at = (at + 1) % TABLE_SIZE;
    *ret_first = hdf5->visited[at] == 0;
    if (!*ret_first)
        return 0;
    if (hdf5->visited_count == HDF5_OBJECTS_MAX)
        return error_set(&hdf5->cause, ERROR_BAD_INPUT, -EFBIG, "HDF5: more than %u objects", HDF5_OBJECTS_MAX);
    hdf5->visited[at] = address + 1;
    hdf5->visited_count++;
    return 0;
}

int hdf5_later(struct hdf5 *hdf5, uint64_t address)
{
    bool first;
    int r;

    if (address == HDF5_UNDEFINED)
        return 0;
    r = hdf5_visit(hdf5, address, &first);
    if (r == 0 && first) /* no more than are visited: there is room */
        hdf5->todo[hdf5->todo_count++] = address;
    return r;
}

/* --- heaps ---------------------------------------------------------------------------------------------------- */

int hdf5_heap_text(struct hdf5 *hdf5, uint64_t heap, uint64_t offset, char ret_name[HDF5_NAME_MAX + 1])
{
    struct hdf5_span header = {heap, UINT64_MAX}, data = {0};
    uint64_t size = 0, address = 0;
    int r = hdf5_signature(hdf5, &header, "HEAP");

    if (r == 0)
        r = hdf5_skip(hdf5, &header, 4); /* version, reserved */
    if (r == 0)
        r = hdf5_length(hdf5, &header, &size);
    if (r == 0)
        r = hdf5_skip(hdf5, &header, hdf5->length_size); /* free list */
    if (r == 0)
        r = hdf5_address(hdf5, &header, &address);
    if (r < 0)
        return r;
    if (address == HDF5_UNDEFINED || offset >= size)
        return hdf5_bad(hdf5, heap, "a local heap does not hold a name");
    data = hdf5_span_of(address, size);
    r = hdf5_skip(hdf5, &data, offset);
    return r == 0 ? hdf5_text(hdf5, &data, ret_name) : r;
}

/* The collection's header; the span is then that of its objects. */
static MUST_USE int open_collection(struct hdf5 *hdf5, uint64_t collection, struct hdf5_span *ret_objects)
{
    struct hdf5_span span = {collection, UINT64_MAX};
    uint64_t size = 0;
    int r = hdf5_signature(hdf5, &span, "GCOL");

    if (r == 0)
        r = hdf5_skip(hdf5, &span, 4); /* version, reserved */
    if (r == 0)
        r = hdf5_length(hdf5, &span, &size);
    if (r < 0)
        return r;
    span.end = hdf5_span_of(collection, size).end;
    *ret_objects = span;
    return 0;
}

/* The next object; *ret_index 0: the free space behind the last. */
static MUST_USE int next_global(struct hdf5 *hdf5, struct hdf5_span *objects, uint64_t *ret_index,
                                struct hdf5_span *ret_bytes)
{
    uint64_t index = 0, size = 0, padded = 0;
    int r = hdf5_step(hdf5);

    if (r == 0)
        r = hdf5_integer(hdf5, objects, 2, &index);
    if (r == 0)
        r = hdf5_skip(hdf5, objects, 6); /* reference count, reserved */
    if (r == 0)
        r = hdf5_length(hdf5, objects, &size);
    if (r < 0)
        return r;
    *ret_index = index;
    *ret_bytes = hdf5_span_of(objects->at, size);
    padded = size <= UINT64_MAX - 7 ? (size + 7) & ~UINT64_C(7) : size;
    return index == 0 ? 0 : hdf5_skip(hdf5, objects, padded);
}

int hdf5_global(struct hdf5 *hdf5, uint64_t collection, uint64_t index, struct hdf5_span *ret_bytes)
{
    struct hdf5_span objects = {0};
    uint64_t found = 0;
    int r = open_collection(hdf5, collection, &objects);

    while (r == 0) {
        r = next_global(hdf5, &objects, &found, ret_bytes);
        if (r == 0 && found == 0)
            return hdf5_bad(hdf5, collection, "a global heap lacks an object");
        if (r == 0 && found == index)
            return 0;
    }
    return r;
}

static MUST_USE int sweep_collection(struct hdf5 *hdf5, uint64_t collection)
{
    struct hdf5_span objects = {0}, bytes = {0};
    uint64_t index = 0;
    int r = open_collection(hdf5, collection, &objects);

    while (r == 0 && objects.at < objects.end) {
        r = next_global(hdf5, &objects, &index, &bytes);
        if (r == 0 && index == 0)
            break;
        if (r == 0)
            r = hdf5_global_value(hdf5, "global heap", bytes);
    }
    return r;
}

int hdf5_sweep(struct hdf5 *hdf5)
{
    uint64_t offset = hdf5->base;

    if (hdf5->swept)
        return 0;
    hdf5->swept = true;
    for (;;) {
        const uint8_t *bytes, *found;
        size_t got;
        int r = source_view(hdf5->source, offset, SCAN_VIEW_MAX, &bytes, &got, &hdf5->cause);

        if (r < 0 || got < 4)
            return r;
        got = got < SCAN_VIEW_MAX ? got : SCAN_VIEW_MAX;
        found = memmem(bytes, got, "GCOL", 4);
        if (found == NULL) {
            offset += got > 3 ? got - 3 : got;
            continue;
        }
        offset += (uint64_t)(found - bytes);
        r = sweep_collection(hdf5, offset);
        if (hdf5->failed != 0)
            return hdf5->failed;
        if (r == -EFBIG)
            return r;
        offset += 4; /* what looks like one and is none is passed over */
    }
}
