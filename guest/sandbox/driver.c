/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker with a driver may do besides: calls, each with its reason, and folders. */
#include "guest/sandbox/driver.h"

#include "guest/sandbox/internal.h"
#include "guest/sandbox/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>

/* --- calls ------------------------------------------------------------------------------------------------- */

enum phase { START = 1, SEALED = 2, BOTH = 3 };

struct driver_call {
    int number;
    enum phase phases;
    int error; /* answered with it, and never made; 0: made */
};

#define CALL(name, phases)                                                                                             \
    {                                                                                                                  \
        __NR_##name, phases, 0                                                                                         \
    }
#define DENIED(name, phases, with)                                                                                     \
    {                                                                                                                  \
        __NR_##name, phases, with                                                                                      \
    }

static const struct driver_call calls[] = {
    /* Files: libraries, the driver's own settings, what the kernel says of the machine; a compiler's temporary ones. */
    CALL(openat, BOTH),
    CALL(open, START),
    CALL(read, BOTH),
    CALL(pread64, BOTH),
    CALL(readv, START),
    CALL(write, BOTH),
    CALL(writev, START),
    CALL(pwrite64, START),
    CALL(lseek, BOTH),
    CALL(close, BOTH),
    CALL(close_range, START),
    CALL(fcntl, BOTH),
    CALL(flock, START),
    CALL(fstat, BOTH),
    CALL(stat, START),
    CALL(lstat, START),
    CALL(newfstatat, BOTH),
    CALL(statx, START),
    CALL(statfs, START),
    CALL(fstatfs, START),
    CALL(access, BOTH),
    CALL(faccessat, BOTH),
    CALL(faccessat2, BOTH),
    CALL(readlink, BOTH),
    CALL(readlinkat, START),
    CALL(getdents64, BOTH),
    CALL(getcwd, START),
    CALL(mkdir, START),
    CALL(mkdirat, START),
    CALL(unlink, START),
    CALL(unlinkat, START),
    CALL(rmdir, START),
    CALL(rename, START),
    CALL(renameat, START),
    CALL(renameat2, START),
    CALL(chmod, START),
    CALL(fchmod, START),
    CALL(fchmodat, START),
    CALL(umask, START),
    CALL(utimensat, START),
    CALL(ftruncate, START),
    CALL(fallocate, START),
    CALL(fsync, START),
    CALL(fdatasync, START),
    CALL(fadvise64, START),
    CALL(copy_file_range, START),
    /* Memory: a driver's buffers, libraries mapped, pages shared with the device. Executable before the seal only. */
    CALL(mmap, START),
    CALL(mprotect, START),
    CALL(munmap, BOTH),
    CALL(mremap, BOTH),
    CALL(madvise, BOTH),
    CALL(brk, BOTH),
    CALL(mlock, BOTH),
    CALL(munlock, BOTH),
    CALL(mincore, BOTH),
    CALL(memfd_create, START),
    CALL(mbind, BOTH),
    CALL(get_mempolicy, BOTH),
    CALL(set_mempolicy, BOTH),
    CALL(membarrier, BOTH),
    /* The device: commands, and waiting for them. */
    CALL(ioctl, BOTH),
    CALL(poll, BOTH),
    CALL(ppoll, BOTH),
    CALL(select, BOTH),
    CALL(pselect6, BOTH),
    CALL(eventfd2, BOTH),
    CALL(epoll_create1, START),
    CALL(epoll_ctl, BOTH),
    CALL(epoll_wait, BOTH),
    CALL(futex, BOTH),
    CALL(nanosleep, BOTH),
    CALL(clock_nanosleep, BOTH),
    CALL(clock_gettime, BOTH),
    CALL(clock_getres, BOTH),
    CALL(gettimeofday, BOTH),
    CALL(getrandom, BOTH),
    /* Threads of the driver, and their places. */
    CALL(set_robust_list, BOTH),
    CALL(rseq, BOTH),
    CALL(exit, BOTH),
    CALL(gettid, BOTH),
    CALL(getpid, BOTH),
    CALL(sched_yield, BOTH),
    CALL(sched_getaffinity, BOTH),
    CALL(sched_setaffinity, BOTH),
    CALL(sched_getparam, BOTH),
    CALL(sched_getscheduler, BOTH),
    CALL(sched_get_priority_max, START),
    CALL(sched_get_priority_min, START),
    CALL(getcpu, BOTH),
    CALL(sigaltstack, BOTH),
    CALL(rt_sigprocmask, BOTH),
    CALL(rt_sigreturn, BOTH),
    CALL(rt_sigaction, START),
    CALL(prctl, START),
    CALL(arch_prctl, START),
    CALL(set_tid_address, START),
    /* The compiler's programs (a linker). */
    CALL(fork, START),
    CALL(vfork, START),
    CALL(execve, START),
    CALL(wait4, START),
    CALL(waitid, START),
    CALL(pipe, START),
    CALL(pipe2, START),
    CALL(dup, START),
    CALL(dup2, START),
    CALL(dup3, START),
    CALL(kill, START),
    CALL(tgkill, START),
    /* The worker's own view of files, made after the supervisor's. */
    CALL(landlock_create_ruleset, START),
    CALL(landlock_add_rule, START),
    CALL(landlock_restrict_self, START),
    /* Who and where it is. */
    CALL(uname, BOTH),
    CALL(sysinfo, BOTH),
    CALL(getuid, BOTH),
    CALL(geteuid, BOTH),
    CALL(getgid, BOTH),
    CALL(getegid, BOTH),
    CALL(getppid, BOTH),
    CALL(getpgrp, START),
    CALL(getrusage, BOTH),
    CALL(getrlimit, START),
    CALL(prlimit64, START),
    CALL(times, START),
    CALL(time, BOTH),
    /* Daemons of a vendor's that a driver looks for, and does without. */
    DENIED(socket, BOTH, EACCES),
    DENIED(connect, BOTH, EACCES),
    /* Files of the driver's that it would write once sealed, and does without. */
    DENIED(mkdir, SEALED, EACCES),
    DENIED(unlink, SEALED, EACCES),
    DENIED(rename, SEALED, EACCES),
};

#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

/* Before the seal all of it; what is denied once sealed is then no matter. */
static bool applies(const struct driver_call *call, unsigned profiles)
{
    if ((profiles & RULE_driver_start) != 0)
        return (call->phases & START) != 0;
    return (profiles & RULE_driver_sealed) != 0 && (call->phases & SEALED) != 0;
}

bool driver_covers(int number, unsigned profiles)
{
    for (size_t i = 0; i < CALL_COUNT; i++)
        if (calls[i].number == number && calls[i].error == 0 && applies(&calls[i], profiles))
            return true;
    return false;
}

/* Once sealed: a thread, never a process; memory that is not executable. */
static int add_sealed(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
    const struct scmp_arg_cmp data = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, __NR_clone, 1, &thread);

    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), __NR_clone3, 0, NULL);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, __NR_mmap, 1, &data);
    if (r == 0)
        r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, __NR_mprotect, 1, &data);
    return r;
}

int driver_add_rules(scmp_filter_ctx filter, unsigned profiles)
{
    int r = 0;

    for (size_t i = 0; r == 0 && i < CALL_COUNT; i++)
        if (applies(&calls[i], profiles))
            r = seccomp_rule_add_array(filter,
                                       calls[i].error != 0 ? SCMP_ACT_ERRNO((unsigned)calls[i].error) : SCMP_ACT_ALLOW,
                                       calls[i].number, 0, NULL);
    if (r == 0 && (profiles & RULE_driver_start) == 0 && (profiles & RULE_driver_sealed) != 0)
        r = add_sealed(filter);
    return r;
}

/* --- folders ------------------------------------------------------------------------------------------------ */

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* Ioctls of devices: from ABI 5, a bit that the reference platform's headers don't have. */
#define DEVICE_RIGHTS                                                                                                  \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_WRITE_FILE | UINT64_C(0x8000))
/* Files and folders of its own, moved between them (ABI 2) and cut (ABI 3). */
#define CACHE_RIGHTS                                                                                                   \
    (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |    \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | UINT64_C(0x2000) | UINT64_C(0x4000))

static const struct landlock_folder folders[] = {
    {"/usr", READ_RIGHTS},
    {"/lib", READ_RIGHTS},
    {"/lib64", READ_RIGHTS},
    {"/opt", READ_RIGHTS},
    {"/driver", READ_RIGHTS},
    {"/etc", READ_RIGHTS},
    {"/sys", READ_RIGHTS},
    {"/proc", READ_RIGHTS},
    {"/dev", DEVICE_RIGHTS},
    {DRIVER_CACHE_FIRST, CACHE_RIGHTS},
    {DRIVER_CACHE_SECOND, CACHE_RIGHTS},
};

int driver_landlock(int scratch_fd)
{
    return landlock_forbid_but(scratch_fd, folders, sizeof(folders) / sizeof(folders[0]));
}

const char *driver_cache(void)
{
    return access(DRIVER_CACHE_FIRST, W_OK | X_OK) == 0 ? DRIVER_CACHE_FIRST : DRIVER_CACHE_SECOND;
}
