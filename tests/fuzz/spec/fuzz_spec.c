/* SPDX-License-Identifier: Apache-2.0 */
/* The spec's YAML, and what it makes of samples of two shapes. */
#include "host/data/spec.h"

#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_contract(const struct data_contract *contract)
{
    if (contract->has_range && !(isfinite(contract->range_low) && contract->range_low < contract->range_high))
        abort();
    if (contract->channels > DATA_CHANNELS_MAX || contract->classes > DATA_CLASSES_MAX)
        abort();
    for (uint32_t i = 0; i < contract->channels; i++)
        if (!isfinite(contract->scale[i]) || !isfinite(contract->offset[i]))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct spec spec;
    struct error err = {0};

    if (spec_parse(data, size, &spec, &err) < 0) {
        if (err.text[0] == '\0' || memchr(err.text, '\n', strlen(err.text)) != NULL)
            abort();
        return 0;
    }
    if (spec_resolve(&spec, 3, (uint64_t[]){3, 8, 8}, &err) == 0)
        check_contract(&spec.contract);
    if (spec_resolve(&spec, 1, (uint64_t[]){20}, &err) == 0)
        check_contract(&spec.contract);
    return 0;
}
