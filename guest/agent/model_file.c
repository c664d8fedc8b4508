/* SPDX-License-Identifier: Apache-2.0 */
/* The model's bytes in memory. */
#include "guest/agent/model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static int failed(struct error *err, const char *step)
{
    int code = -errno;

    return error_set(err, code == -ENOSPC || code == -ENOMEM ? ERROR_UNAVAILABLE : ERROR_INTERNAL, code,
                     "can't keep the model in memory: %s: %s", step, strerror(-code));
}

int model_file_open(int *ret_fd, struct error *err)
{
    /* SYSTEM-CALL supervisor memfd_create: a model's place */
    int fd = memfd_create("model", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return failed(err, "memfd_create");
    *ret_fd = fd;
    return 0;
}

int model_file_append(int fd, const void *data, size_t size, struct error *err)
{
    const char *bytes = data;

    for (size_t done = 0; done < size;) {
        ssize_t count = write(fd, bytes + done, size - done);

        if (count < 0 && errno != EINTR)
            return failed(err, "write");
        if (count > 0)
            done += (size_t)count;
    }
    return 0;
}

int model_file_seal(int fd, struct error *err)
{
    /* SYSTEM-CALL supervisor fcntl [1 == F_ADD_SEALS]: a model that is here stays as it is */
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
        return failed(err, "seal");
    return 0;
}
