/* SPDX-License-Identifier: Apache-2.0 */
/* What supervisor and controller give up. */
#include "host/vm/confinement.h"

#include "host/confine/confine.h"
#include "host/confine/libvirt.h"

#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Logs, libvirt's cache, and what else is small beside a guest. */
#define FILE_SIZE_MARGIN (UINT64_C(64) << 20)

#define SUPERVISOR_FDS   64u
#define QEMU_FILES_MAX   1024u
#define QEMU_THREADS_MAX 256u /* 64 processors, 64 threads of its pool, and some more */

static const int supervisor_calls[] = {
    SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),    SCMP_SYS(sendmsg), /* records of monitor and controller */
    SCMP_SYS(wait4),                                             /* children that have ended */
    SCMP_SYS(kill),                                              /* QEMU, when the job is over */
    SCMP_SYS(openat),   SCMP_SYS(pread64),                       /* the end of QEMU's log, where the start failed */
    SCMP_SYS(fstat),    SCMP_SYS(newfstatat),
};

static int failed(struct error *err, const char *who)
{
    return error_set(err, ERROR_INTERNAL, -errno, "%s: can't confine this process: %s", who, strerror(errno));
}

int confinement_of_supervisor(const struct supervisor_options *options, struct error *err)
{
    for (size_t i = 0; i < options->file_count; i++)
        (void)close(options->files[i].fd);
    if (options->cache_fd >= 0)
        (void)close(options->cache_fd);
    /* The console's file has its own bound; NPROC bounds no root, but costs nothing where it is none. */
    if (confine_limit(RLIMIT_CORE, 0) < 0 || confine_limit(RLIMIT_NPROC, 0) < 0 ||
        confine_limit(RLIMIT_NOFILE, SUPERVISOR_FDS) < 0 ||
        confine_limit(RLIMIT_FSIZE, options->console_max + FILE_SIZE_MARGIN) < 0)
        return failed(err, "supervisor");
    /* A user's own monitor has no right to look at what is not dumpable, and must prove that it is gone. */
    if (options->outer_uid == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
        return failed(err, "supervisor");
    return confine_system_calls("supervisor", supervisor_calls, sizeof supervisor_calls / sizeof supervisor_calls[0],
                                err);
}

int confinement_of_controller(const struct controller_options *options, int event_fd, struct error *err)
{
    const int keep[] = {STDIN_FILENO, STDOUT_FILENO, options->control_fd, event_fd,
                        options->cache_fd >= 0 ? options->cache_fd : STDIN_FILENO};

    if (confine_close_others(keep, sizeof keep / sizeof keep[0]) < 0 || confine_limit(RLIMIT_CORE, 0) < 0 ||
        confine_limit(RLIMIT_NOFILE, QEMU_FILES_MAX) < 0 || confine_limit(RLIMIT_FSIZE, options->file_size_max) < 0)
        return failed(err, "libvirt's controller");
    /* By user: QEMU is the only one of its own, but as another user's it is one among all of that user's. */
    if (options->outer_uid == 0 && confine_limit(RLIMIT_NPROC, QEMU_THREADS_MAX) < 0)
        return failed(err, "libvirt's controller");
    return confine_libvirt(err);
}

uint64_t confinement_largest_file(const struct supervisor_options *options)
{
    uint64_t largest = options->memory_mib << 20;
    struct stat status;

    for (size_t i = 0; i < options->file_count; i++)
        if (options->files[i].writable && fstat(options->files[i].fd, &status) == 0 &&
            (uint64_t)status.st_size > largest)
            largest = (uint64_t)status.st_size;
    return largest + FILE_SIZE_MARGIN;
}
