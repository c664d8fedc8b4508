/* SPDX-License-Identifier: Apache-2.0 */
/* An input as a stream that ends: what a process's socket or pipe brings, without the process. */
#ifndef LAZARET_TESTS_FUZZ_STREAM_FILE_H
#define LAZARET_TESTS_FUZZ_STREAM_FILE_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A descriptor at the start of these bytes; the next call takes them back. */
static inline int stream_of(const uint8_t *data, size_t size)
{
    static int fd = -1;

    if (fd < 0)
        fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
        abort();
    return fd;
}

#endif
