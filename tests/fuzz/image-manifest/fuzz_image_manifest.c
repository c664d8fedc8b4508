/* SPDX-License-Identifier: Apache-2.0 */
/* An image's manifest: whatever is accepted comes out again byte for byte. */
#include "host/vm/manifest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_BUFFER struct buffer json = buffer_with_limit(MANIFEST_SIZE_MAX);
    struct manifest manifest;

    if (manifest_parse((const char *)data, size, &manifest, NULL) < 0)
        return 0;
    if (manifest_format(&manifest, &json, NULL) < 0 || json.size != size || memcmp(json.data, data, size) != 0)
        abort();
    return 0;
}
