/* SPDX-License-Identifier: Apache-2.0 */
/* A whole .safetensors file: what is accepted lies within the file, and has the size that its type and shape say. */
#include "host/data/safetensors.h"

#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct safetensors *file, const char *name, uint64_t file_size, struct error *err)
{
    struct npy_header header;
    uint64_t offset, bytes;

    if (!safetensors_has(file, name) || safetensors_find(file, name, &header, &offset, err) < 0)
        return;
    bytes = header.elements * header.item_size;
    if (header.rank > NPY_RANK_MAX || offset < 8 || offset > file_size || bytes > file_size - offset)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_FD int fd = memfd_create("fuzz.safetensors", MFD_CLOEXEC);
    struct safetensors *file;
    struct error err = {0};
    char names[200];

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    if (safetensors_open(fd, size, &file, &err) < 0) {
        if (err.kind == ERROR_NONE || err.text[0] == '\0')
            abort();
        return 0;
    }
    check(file, "x", size, &err);
    check(file, "y", size, &err);
    safetensors_list(file, names, sizeof names);
    if (memchr(names, '\0', sizeof names) == NULL)
        abort();
    safetensors_close(file);
    return 0;
}
