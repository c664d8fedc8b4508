/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archives of torch 0.1.10 and older, in tar: which of their bytes are unpickled.
 *
 * "storages": a pickle of their number; for each a pickle (key, location, type), the number of elements (8 bytes) and
 * the elements; at the end a pickle of views. "tensors": a pickle of their number; for each a pickle, the number of
 * dimensions (4 bytes, padded to 8), sizes and strides (8 bytes each) and an offset (8 bytes).
 */
#include "guest/scan/archive/tar.h"
#include "guest/scan/pickle/machine.h"
#include "guest/scan/reader.h"

#include <errno.h>
#include <string.h>

#define DIMENSIONS_MAX 64u
#define OPCODES_MAX    1000000u /* of one pickle, to find where it ends */

/* Where the pickle at an offset ends; false where it does not. Paid for, as offsets are tried. */
static bool pickle_end(struct scan *scan, struct source *source, uint64_t offset, uint64_t *ret_end)
{
    const struct pickle_options options = {.scan = scan, .opcodes_max = OPCODES_MAX};
    const struct pickle_events events = {0};
    struct pickle_result result;

    if (pickle_run(source, offset, &options, &events, &result, NULL) < 0 ||
        scan_charge(scan, result.consumed, NULL) < 0 || result.end != PICKLE_END_STOP)
        return false;
    *ret_end = result.offset;
    return true;
}

/* Whether a pickle begins here, or the member ends. */
static bool is_boundary(struct scan *scan, struct source *source, uint64_t offset, uint64_t size)
{
    uint64_t end;

    return offset == size || (offset < size && pickle_end(scan, source, offset, &end));
}

/* Behind a storage's elements, whose size is its type's: the one behind which a pickle follows. */
static bool past_storage(struct scan *scan, struct source *source, uint64_t size, uint64_t *offset)
{
    static const unsigned element_sizes[] = {4, 8, 2, 1, 16};
    struct reader reader = reader_over(source, *offset, NULL);
    uint64_t count;

    if (is_boundary(scan, source, *offset, size))
        return true;
    if (reader_u64le(&reader, &count) < 0 || count > size)
        return false;
    for (size_t i = 0; i < sizeof element_sizes / sizeof element_sizes[0]; i++) {
        uint64_t end = *offset + 8 + count * element_sizes[i];

        if (is_boundary(scan, source, end, size)) {
            *offset = end;
            return true;
        }
    }
    return false;
}

static bool past_tensor(struct scan *scan, struct source *source, uint64_t size, uint64_t *offset)
{
    struct reader reader = reader_over(source, *offset, NULL);
    uint32_t dimensions;

    if (is_boundary(scan, source, *offset, size))
        return true;
    if (reader_u32le(&reader, &dimensions) < 0 || dimensions > DIMENSIONS_MAX)
        return false;
    *offset += 8 + 16 * (uint64_t)dimensions + 8;
    return is_boundary(scan, source, *offset, size);
}

static int hand_on(struct scan *scan, const struct scan_object *member, uint64_t offset, uint64_t size,
                   struct error *err)
{
    CLEANUP_SOURCE struct source *part = source_of_range(member->source, offset, size);
    const struct scan_object inner = {.source = part, .name = "pickle", .role = SCAN_ROLE_PICKLE, .parent = member};

    if (part == NULL)
        return error_set(err, ERROR_UNAVAILABLE, -ENOMEM, "no memory for a scan");
    return scan_object(scan, &inner, err);
}

/* Pickles with numbers between them. What does not fit that is one object to the member's end. */
static int scan_row(struct scan *scan, const struct scan_object *member, bool is_storages, struct error *err)
{
    uint64_t size, offset = 0, end;
    struct error cause = {0};
    int r = source_size(member->source, &size, &cause);

    if (r < 0) {
        scan_skipped_for(scan, member, r, 0, &cause);
        return 0;
    }
    while (offset < size) {
        bool fits = pickle_end(scan, member->source, offset, &end);
        uint64_t next = fits ? end : size;

        if (scan_count_member(scan, &cause) < 0) {
            scan_skipped_for(scan, member, -EFBIG, offset, &cause);
            return 0;
        }
        fits = fits && (is_storages ? past_storage(scan, member->source, size, &next)
                                    : past_tensor(scan, member->source, size, &next));
        r = hand_on(scan, member, offset, (fits ? end : size) - offset, err);
        if (r < 0 || !fits)
            return r;
        if (next > end)
            scan_skipped(scan, member, SCAN_SKIP_WEIGHTS, end, next - end, "%s", "");
        offset = next;
    }
    return 0;
}

int torch_tar_scan_member(struct scan *scan, const struct scan_object *member, bool *ret_done, struct error *err)
{
    static const char *const pickles[] = {"pickle", "sys_info"}, *const rows[] = {"storages", "tensors"};
    const char *name = member->name;
    struct scan_object inner = *member;

    while (name[0] == '.' && name[1] == '/')
        name += 2;
    for (unsigned i = 0; i < 2; i++) {
        *ret_done = true;
        inner.role = SCAN_ROLE_PICKLE;
        if (strcmp(name, pickles[i]) == 0)
            return scan_object(scan, &inner, err);
        if (strcmp(name, rows[i]) == 0)
            return scan_row(scan, &inner, i == 0, err);
    }
    *ret_done = false;
    return 0;
}
