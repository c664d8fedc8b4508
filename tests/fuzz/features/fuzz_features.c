/* SPDX-License-Identifier: Apache-2.0 */
/* A .npy that a spec names, as mask and as factors of eps: what comes out is what an attack may rely on. */
#include "host/data/held.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct spec spec;
    const struct data_set_description test = {
        .present = true, .count = 1, .rank = 3, .dims = {3, 2, 4}, .elements = 24};

    for (unsigned which = 0; which < DATA_ARRAY_COUNT; which++) {
        const uint8_t *arrays[DATA_ARRAY_COUNT] = {[DATA_ARRAY_MASK] = data, [DATA_ARRAY_EPS_SCALE] = data};
        const size_t sizes[DATA_ARRAY_COUNT] = {[DATA_ARRAY_MASK] = size, [DATA_ARRAY_EPS_SCALE] = size};
        struct held_set set = {0};
        struct error err = {0};

        spec_default(&spec);
        spec.contract.layout = DATA_LAYOUT_NCHW;
        spec.contract.has_range = true;
        spec.contract.range_high = 1;
        (void)strcpy(spec.arrays[which].file, "a.npy");
        if (held_set_make_features(&spec, &test, arrays, sizes, &set, &err) < 0) {
            if (err.kind == ERROR_NONE || err.text[0] == '\0')
                abort();
            continue;
        }
        for (uint64_t i = 0; i < set.shape.count * test.elements; i++) {
            uint64_t feature = i / test.elements;

            if (!isfinite(set.x[i]) || set.x[i] < 0.0f ||
                (feature == DATA_FEATURE_MASK && set.x[i] != 0.0f && set.x[i] != 1.0f))
                abort();
        }
        held_set_free(&set);
    }
    return 0;
}
