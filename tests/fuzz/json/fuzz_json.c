/* SPDX-License-Identifier: Apache-2.0 */
/* The bounded JSON reader; what it accepts has a canonical form that reads back to itself, or none. */
#include "host/json/canonical.h"
#include "host/json/reader.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_READ ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer once = buffer_with_limit(8 * SIZE_MAX_READ),
                                 twice = buffer_with_limit(8 * SIZE_MAX_READ);
    CLEANUP_JSON json_t *value = NULL, *again = NULL;
    struct error err = {0};

    if (json_read(data, size, SIZE_MAX_READ, "input", &value, &err) < 0 || json_canonical_encode(value, &once) < 0)
        return 0;
    if (json_read(once.data, once.size, 8 * SIZE_MAX_READ, "again", &again, &err) < 0 || !json_equal(value, again))
        abort();
    if (json_canonical_encode(again, &twice) < 0 || once.size != twice.size ||
        memcmp(once.data, twice.data, once.size) != 0)
        abort();
    return 0;
}
