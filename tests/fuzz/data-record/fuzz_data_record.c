/* SPDX-License-Identifier: Apache-2.0 */
/* A data reader that its files have taken over: its description as the monitor reads it. What is accepted keeps every
 * limit, and is written and read again as the same. */
#include "host/data/description.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_set(const struct data_set_description *set)
{
    if (!set->present)
        return;
    if (set->count > DATA_COUNT_MAX || set->rank > DATA_RANK_MAX || set->elements > DATA_SAMPLE_MAX ||
        set->count * set->elements > DATA_BYTES_MAX / sizeof(float) || set->label_max >= DATA_CLASSES_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct data_description description, again;
    CLEANUP_BUFFER struct buffer record = buffer_with_limit(DATA_DESCRIPTION_RECORD_MAX);
    CLEANUP_BUFFER struct buffer second = buffer_with_limit(DATA_DESCRIPTION_RECORD_MAX);
    struct cursor cursor = cursor_over(data, size);

    if (data_description_decode(&cursor, &description) < 0)
        return 0;
    for (unsigned i = 0; i < DATA_SET_COUNT; i++)
        check_set(&description.sets[i]);
    if (strnlen(description.contract.input, DATA_NAME_MAX) == DATA_NAME_MAX ||
        strnlen(description.contract.output, DATA_NAME_MAX) == DATA_NAME_MAX ||
        description.contract.channels > DATA_CHANNELS_MAX)
        abort();
    if (data_description_encode(&description, &record) < 0)
        abort();
    cursor = cursor_over(record.data, record.size);
    if (data_description_decode(&cursor, &again) < 0 || data_description_encode(&again, &second) < 0 ||
        second.size != record.size || memcmp(second.data, record.data, record.size) != 0)
        abort();
    return 0;
}
