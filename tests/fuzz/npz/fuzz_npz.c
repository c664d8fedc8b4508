/* SPDX-License-Identifier: Apache-2.0 */
/* A whole .npz file as a data set: opened, validated, streamed. What validates streams the same again. */
#include "host/data/set.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>

#define FUZZ_BYTES_MAX ((uint64_t)1 << 22) /* of x: a small bomb is enough */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tally {
    uint64_t bytes;
};

static int count_bytes(void *context, const void *bytes, size_t size)
{
    struct tally *tally = context;
    const float *values = bytes;

    for (size_t i = 0; i < size / sizeof *values; i++)
        if (!isfinite(values[i]))
            abort();
    tally->bytes += size;
    return 0;
}

static int count_labels(void *context, const void *bytes, size_t size)
{
    struct tally *tally = context;
    const int32_t *labels = bytes;

    for (size_t i = 0; i < size / sizeof *labels; i++)
        if (labels[i] < 0 || (uint32_t)labels[i] >= DATA_CLASSES_MAX)
            abort();
    tally->bytes += size;
    return 0;
}

static void read_set(struct data_set *set, struct error *err)
{
    struct data_set_description description;
    struct tally x = {0}, y = {0};

    data_set_shape(set, &description);
    if (description.count * description.elements * sizeof(float) > FUZZ_BYTES_MAX ||
        data_set_validate(set, &description, err) < 0)
        return;
    if (data_set_window(set, 0, description.count, count_bytes, &x, err) < 0 ||
        x.bytes != description.count * description.elements * sizeof(float))
        abort();
    if (description.labelled &&
        (data_set_labels(set, count_labels, &y, err) < 0 || y.bytes != description.count * sizeof(int32_t)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct spec spec;
    CLEANUP_FD int fd = memfd_create("fuzz.npz", MFD_CLOEXEC);
    struct data_set *set = NULL;
    struct error err = {0};

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    spec_default(&spec);
    if (data_set_open(&(struct source_files){.fd = fd, .size = size, .labels_fd = -1}, &spec, &set, &err) == 0)
        read_set(set, &err);
    else if (err.kind == ERROR_NONE || err.text[0] == '\0')
        abort();
    data_set_free(set);
    return 0;
}
