/* SPDX-License-Identifier: Apache-2.0 */
/* The bundle's parser; what it accepts encodes to a bundle with the same content. */
#include "host/attest/bundle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer text = buffer_with_limit(2 * BUNDLE_SIZE_MAX);
    CLEANUP_BUNDLE struct bundle bundle = {0}, again = {0};
    struct error err = {0};

    if (bundle_decode(data, size, "input", &bundle, &err) < 0)
        return 0;
    if (bundle_encode(&bundle, &text) < 0 || bundle_decode(text.data, text.size, "again", &again, &err) < 0)
        abort();
    if (again.payload.size != bundle.payload.size ||
        memcmp(again.payload.data, bundle.payload.data, bundle.payload.size) != 0 ||
        !json_equal(again.tlog_entries, bundle.tlog_entries) || again.timestamp_count != bundle.timestamp_count)
        abort();
    for (size_t i = 0; i < again.timestamp_count; i++)
        if (again.timestamps[i].size != bundle.timestamps[i].size ||
            memcmp(again.timestamps[i].data, bundle.timestamps[i].data, bundle.timestamps[i].size) != 0)
            abort();
    return 0;
}
