/* SPDX-License-Identifier: Apache-2.0 */
/* A file of trigger patterns and masks, for images of two layouts: all numbers that come out are within bounds. */
#include "host/data/held.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_triggers(const struct source_files *files, const struct spec *spec, uint64_t channels)
{
    const struct data_set_description test = {
        .present = true, .count = 1, .rank = 3, .dims = {channels, 2, 2}, .elements = channels * 4};
    struct held_set set = {0};
    struct error err = {0};

    if (held_set_read_triggers(files, spec, &test, &set, &err) < 0) {
        if (err.kind == ERROR_NONE || set.x != NULL)
            abort();
        return;
    }
    if (set.shape.count % 2 != 0 || set.shape.count == 0 || set.shape.count > 2 * DATA_TRIGGERS_MAX)
        abort();
    for (uint64_t i = 0; i < set.shape.count * test.elements; i++) {
        bool is_mask = i / test.elements % 2 == 1;

        if (!isfinite(set.x[i]) || (is_mask && (set.x[i] < 0.0f || set.x[i] > 1.0f)))
            abort();
    }
    held_set_free(&set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct spec plain, turned;
    CLEANUP_FD int fd = memfd_create("fuzz.npz", MFD_CLOEXEC);
    const struct source_files files = {.fd = fd, .size = size, .labels_fd = -1};

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    spec_default(&plain);
    spec_default(&turned);
    turned.contract.layout = DATA_LAYOUT_NCHW;
    turned.arrangement.from_nhwc = true;
    try_triggers(&files, &plain, 1);
    try_triggers(&files, &turned, 3);
    return 0;
}
