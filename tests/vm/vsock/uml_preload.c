/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into user-mode-linux, so that its kernel can be the device's front end. Two of its habits don't fit:
 *
 *  - Guest memory is an unlinked file on tmpfs. The device insists on a memfd sealed against shrinking, as QEMU's
 *    memory-backend-memfd is; so the file is made one. Nothing else differs: same pages, same offsets.
 *  - It saves and restores its processes' registers in a buffer smaller than the XSAVE area of processors with AMX,
 *    and Linux takes only a whole area (EFAULT, and the kernel dies with its init). So the area is completed from
 *    what the process has at the moment.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

#define XSAVE_MAX 16384 /* AMX's area has 11,008 bytes */

int open64(const char *path, int flags, ...) __attribute__((visibility("default")));
long ptrace(enum __ptrace_request request, ...) __attribute__((visibility("default")));

int open64(const char *path, int flags, ...)
{
    int (*next)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open64");
    va_list more;
    mode_t mode;

    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        int fd = memfd_create("uml", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        return fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0 ? fd : -1;
    }
    return next(path, flags, mode);
}

/* Restores extended registers of which the caller knows only the first bytes. */
static long set_registers(long (*next)(enum __ptrace_request, ...), pid_t pid, const struct iovec *registers)
{
    static unsigned char whole[XSAVE_MAX];
    struct iovec area = {.iov_base = whole, .iov_len = sizeof whole};
    long r = next(PTRACE_GETREGSET, pid, (void *)NT_X86_XSTATE, &area);

    if (r < 0)
        return r;
    memcpy(whole, registers->iov_base, registers->iov_len < area.iov_len ? registers->iov_len : area.iov_len);
    return next(PTRACE_SETREGSET, pid, (void *)NT_X86_XSTATE, &area);
}

long ptrace(enum __ptrace_request request, ...)
{
    long (*next)(enum __ptrace_request, ...) = (long (*)(enum __ptrace_request, ...))dlsym(RTLD_NEXT, "ptrace");
    va_list more;
    pid_t pid;
    void *address, *data;

    va_start(more, request);
    pid = va_arg(more, pid_t);
    address = va_arg(more, void *);
    data = va_arg(more, void *);
    va_end(more);
    if (request == PTRACE_SETREGSET && (size_t)address == NT_X86_XSTATE)
        return set_registers(next, pid, data);
    return next(request, pid, address, data);
}
