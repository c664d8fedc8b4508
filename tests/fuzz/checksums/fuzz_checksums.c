/* SPDX-License-Identifier: Apache-2.0 */
/* A list of checksums; what it says of one digest it can't say of another. */
#include "host/provenance/checksums.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t sha256[SHA256_SIZE];
    struct error err = {0};

    sha256_of("", 0, sha256);
    if (checksums_check(data, size, "empty", sha256, &err) < 0) {
        if (err.kind != ERROR_MISMATCH)
            abort();
        return 0;
    }
    sha256[0] ^= 1;
    if (checksums_check(data, size, "empty", sha256, &err) == 0)
        abort();
    return 0;
}
