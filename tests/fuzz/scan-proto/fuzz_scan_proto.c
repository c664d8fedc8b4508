/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a message, and each field of bytes as one again: every range is inside the one around it. */
#include "guest/scan/graph/proto.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DEPTH_MAX 8u

static void walk(struct proto proto, unsigned depth)
{
    struct proto_field field;
    uint64_t before = proto.offset;

    while (proto_next(&proto, &field) > 0) {
        if (field.offset < before || proto.offset <= field.offset)
            abort();
        before = field.offset;
        if (field.type != PROTO_BYTES && field.type != PROTO_GROUP)
            continue;
        if (field.start < field.offset || field.start + field.size > proto.end || field.claimed < field.size)
            abort();
        if (depth < DEPTH_MAX)
            walk(proto_within(&proto, &field), depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct source *source = source_of_memory(data, size);

    if (source == NULL)
        return 0;
    walk(proto_over(source, 0, size, NULL), 0);
    source_free(source);
    return 0;
}
