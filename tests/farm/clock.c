/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload: CLOCK_REALTIME of a whole farm, moved while it runs. LAZARET_CLOCK_FILE holds the seconds to add,
 * a 64-bit number in the machine's order; it is mapped once, so that confined processes see it too.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *added;

__attribute__((constructor)) static void prepare(void)
{
    const char *path = getenv("LAZARET_CLOCK_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0)
        return;
    added = mmap(NULL, sizeof *added, PROT_READ, MAP_SHARED, fd, 0);
    if (added == MAP_FAILED)
        abort();
    (void)close(fd);
}

static time_t now(long *ret_nanoseconds)
{
    struct timespec real;

    (void)clock_gettime(CLOCK_REALTIME, &real); /* by the vDSO, which is not ours */
    *ret_nanoseconds = real.tv_nsec;
    return real.tv_sec + (added != NULL ? (time_t)*added : 0);
}

time_t time(time_t *ret_time)
{
    long nanoseconds;
    time_t seconds = now(&nanoseconds);

    if (ret_time != NULL)
        *ret_time = seconds;
    return seconds;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    long nanoseconds;

    (void)zone;
    ret_time->tv_sec = now(&nanoseconds);
    ret_time->tv_usec = nanoseconds / 1000;
    return 0;
}
