/* SPDX-License-Identifier: Apache-2.0 */
/* Time that no clock jump touches. */
#include "host/farm/clock.h"

#include "base/io.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>

int64_t clock_boot_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *clock_boot_id(void)
{
    static char id[CLOCK_BOOT_SIZE];
    CLEANUP_FD int fd = -1;

    if (id[0] != '\0')
        return id;
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || io_pread_full(fd, id, CLOCK_BOOT_SIZE - 1, 0) != (ssize_t)CLOCK_BOOT_SIZE - 1)
        memcpy(id, "unknown", sizeof "unknown");
    return id;
}
