/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing but zeros: padding, holes of sparse files, tensors that were never trained. */
#include "guest/scan/formats.h"

#include <string.h>

#define SAMPLE_SIZE 512u

/* The first byte that is not zero, or `size`. */
static size_t count_zeros(const uint8_t *bytes, size_t size)
{
    size_t zeros = 0;

    if (size > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0)
        return size;
    while (zeros < size && bytes[zeros] == 0)
        zeros++;
    return zeros;
}

static enum scan_match match_zeros(struct scan *scan, const struct scan_object *object)
{
    const uint8_t *bytes;
    size_t size;

    if (scan_is_recognised(scan) || object->role == SCAN_ROLE_WEIGHTS || object->role == SCAN_ROLE_PICKLE ||
        source_view(object->source, 0, SAMPLE_SIZE, &bytes, &size, NULL) < 0 || size == 0)
        return SCAN_MATCH_NO;
    if (size > SAMPLE_SIZE)
        size = SAMPLE_SIZE;
    return count_zeros(bytes, size) == size ? SCAN_MATCH_MAYBE : SCAN_MATCH_NO;
}

static int scan_zeros(struct scan *scan, const struct scan_object *object, bool *ret_recognised, struct error *err)
{
    struct error cause = {0};
    uint64_t offset = 0;
    int r;

    (void)err;
    for (;;) {
        const uint8_t *bytes;
        size_t size, zeros;

        r = source_view(object->source, offset, SCAN_VIEW_MAX, &bytes, &size, &cause);
        if (r < 0 || size == 0)
            break;
        zeros = count_zeros(bytes, size);
        offset += zeros;
        if (zeros < size)
            return 0; /* something after all: nobody's */
    }
    if (r < 0)
        scan_skipped_for(scan, object, r, offset, &cause);
    scan_skipped(scan, object, SCAN_SKIP_PADDING, 0, offset, "%s", "zeros only");
    *ret_recognised = true;
    return 0;
}

const struct scan_format scan_format_zeros = {.name = "zeros", .match = match_zeros, .scan = scan_zeros};
