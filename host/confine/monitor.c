/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitor gives up once its helpers run and its VMs are prepared. */
#include "host/confine/monitor.h"

#include "host/confine/capabilities.h"
#include "host/confine/confine.h"
#include "host/confine/internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define FILES_MAX 1024u

static const int programs[] = {SCMP_SYS(execve), SCMP_SYS(execveat)};

static const int forbidden[] = {
    /* other processes' memory */
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_getfd),
    /* mounts and roots */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(mount_setattr),
    SCMP_SYS(setns),
    /* the kernel itself */
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(reboot),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(sethostname),
    SCMP_SYS(io_uring_setup),
    /* keys of the kernel's keyrings */
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
};

static int forbid(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = seccomp_rule_add(filter, action, calls[i], 0);

        if (r < 0)
            return r;
    }
    return 0;
}

int confine_forbid_kernel(scmp_filter_ctx filter, uint32_t action)
{
    return forbid(filter, action, forbidden, sizeof forbidden / sizeof forbidden[0]);
}

int confine_forbid_dangerous(scmp_filter_ctx filter)
{
    int r = confine_forbid_kernel(filter, SCMP_ACT_KILL_PROCESS);

    return r < 0 ? r : forbid(filter, SCMP_ACT_KILL_PROCESS, programs, sizeof programs / sizeof programs[0]);
}

/* Sockets of any family below, between and above UNIX and vsock. */
static int forbid_networks(scmp_filter_ctx filter)
{
    int r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_LT, AF_UNIX));

    if (r == 0)
        r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_VSOCK));
    for (unsigned family = AF_UNIX + 1; r == 0 && family < AF_VSOCK; family++)
        r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, family));
    return r;
}

/*
 * What is left to do: write and remove files in other users' folders, end processes of other identities, and see the
 * namespaces that every process of the machine is in (the proof of destruction).
 */
static const uint64_t kept_capabilities =
    CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SYS_PTRACE);

static int keep_capabilities(struct error *err)
{
    return geteuid() == 0 ? capabilities_keep(kept_capabilities, err) : 0;
}

static int install_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int r = filter == NULL ? -ENOMEM : 0;

    if (r == 0)
        r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (r == 0)
        r = confine_forbid_dangerous(filter);
    if (r == 0)
        r = forbid_networks(filter);
    if (r == 0)
        r = seccomp_load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    return r;
}

/* Never more than there may be already. */
static int limit_files(void)
{
    struct rlimit bounds;

    if (getrlimit(RLIMIT_NOFILE, &bounds) < 0)
        return -1;
    return bounds.rlim_max < FILES_MAX ? 0 : confine_limit(RLIMIT_NOFILE, FILES_MAX);
}

int confine_monitor(struct error *err)
{
    int r = keep_capabilities(err);

    if (r < 0)
        return r;
    if (confine_limit(RLIMIT_CORE, 0) < 0 || limit_files() < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        r = -errno;
    if (r == 0)
        r = install_filter();
    return r < 0 ? error_set(err, ERROR_INTERNAL, r, "can't confine the monitor: %s", strerror(-r)) : 0;
}
