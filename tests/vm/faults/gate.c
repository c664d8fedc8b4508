/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to preload: stops the monitor at a named point of a job's life, and moves its clock.
 *
 * LAZARET_GATE names the point: "step NAME", where the journal's line NAME has been synced and the step is not yet
 * taken; "phase NAME", where events.jsonl has the beginning of the phase; "renamed", where the output has its final
 * name and nobody has been told; "made", where the hidden directory has been made and nothing written. There the
 * process stops itself (SIGSTOP), once: the test does its harm and continues it. So a fault meets its step, however
 * short that is.
 *
 * LAZARET_CLOCK is seconds by which CLOCK_REALTIME (time, gettimeofday) jumps at the point; it then doesn't stop. What
 * rests on CLOCK_MONOTONIC stays as it is. Both are inherited by the monitor's helpers, which are its forks.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define TAIL_SIZE 4096

/* Shared with forks, so that the clock jumps for all of them at once. */
static struct shared {
    bool passed;
    long jump;
} * shared;

__attribute__((constructor)) static void prepare(void)
{
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    /* It is for the monitor and its forks, not for the programs that they start; others may start the monitor. */
    if (strcmp(program_invocation_short_name, "lazaret") == 0)
        (void)unsetenv("LD_PRELOAD");
}

static void meet(const char *kind, const char *name)
{
    const char *wanted = getenv("LAZARET_GATE"), *jump = getenv("LAZARET_CLOCK");
    size_t size = strlen(kind);

    if (wanted == NULL || shared->passed || strncmp(wanted, kind, size) != 0 ||
        strcmp(wanted + size + (wanted[size] == ' '), name) != 0)
        return;
    shared->passed = true;
    if (jump != NULL)
        shared->jump = atol(jump);
    else
        (void)kill(getpid(), SIGSTOP);
}

/* Copies the last line of a file whose name ends so; false for any other. */
static bool last_line(int fd, const char *suffix, char ret_line[TAIL_SIZE + 1])
{
    char link[64], path[TAIL_SIZE], *end;
    struct stat status;
    off_t start;
    ssize_t size;

    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    size = readlink(link, path, sizeof path - 1);
    if (size < (ssize_t)strlen(suffix) || memcmp(path + size - strlen(suffix), suffix, strlen(suffix)) != 0)
        return false;
    if (fstat(fd, &status) < 0)
        return false;
    start = status.st_size > TAIL_SIZE ? status.st_size - TAIL_SIZE : 0;
    size = pread(fd, ret_line, TAIL_SIZE, start);
    if (size <= 0)
        return false;
    ret_line[size - 1] = '\0'; /* the newline */
    end = strrchr(ret_line, '\n');
    if (end != NULL)
        memmove(ret_line, end + 1, strlen(end + 1) + 1);
    return true;
}

int fdatasync(int fd)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    char line[TAIL_SIZE + 1];
    int r = next(fd), code = errno;

    if (r == 0 && last_line(fd, ".journal", line)) {
        line[strcspn(line, " ")] = '\0';
        meet("step", line);
    }
    errno = code;
    return r;
}

int fflush(FILE *file)
{
    static const char begin[] = "{\"event\":\"begin\",\"phase\":\"";
    int (*next)(FILE *) = (int (*)(FILE *))dlsym(RTLD_NEXT, "fflush");
    char line[TAIL_SIZE + 1];
    int r = next(file), code = errno;

    if (r == 0 && file != NULL && last_line(fileno(file), "/events.jsonl", line) &&
        strncmp(line, begin, sizeof begin - 1) == 0) {
        line[sizeof begin - 1 + strcspn(line + sizeof begin - 1, "\"")] = '\0';
        meet("phase", line + sizeof begin - 1);
    }
    errno = code;
    return r;
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    int (*next)(int, const char *, int, const char *, unsigned) =
        (int (*)(int, const char *, int, const char *, unsigned))dlsym(RTLD_NEXT, "renameat2");
    int r = next(from_folder, from, to_folder, to, flags), code = errno;

    if (r == 0 && from_folder == AT_FDCWD)
        meet("renamed", "");
    errno = code;
    return r;
}

int mkdir(const char *path, mode_t mode)
{
    int (*next)(const char *, mode_t) = (int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir");
    const char *name = strrchr(path, '/');
    int r = next(path, mode), code = errno;

    if (r == 0 && mode == 0700 && name != NULL && name[1] == '.')
        meet("made", "");
    errno = code;
    return r;
}

/* --- the clock -------------------------------------------------------------------------------------------- */

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int (*next)(clockid_t, struct timespec *) =
        (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int r = next(clock, ret_time);

    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        ret_time->tv_sec += shared->jump;
    return r;
}

time_t time(time_t *ret_time)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL)
        *ret_time = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now = {0};

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    ret_time->tv_sec = now.tv_sec;
    ret_time->tv_usec = now.tv_nsec / 1000;
    return 0;
}
