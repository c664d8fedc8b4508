/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities. */
#include "guest/sandbox/internal.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_NUMBERS 64 /* more than any kernel has */

/* The supervisor does this before its filter; its workers then have nothing left to do here. */
int privileges_empty_bounding_set(void)
{
    if (!privileges_has(CAP_SETPCAP))
        return 0;
    for (int capability = 0; capability < CAPABILITY_NUMBERS; capability++)
        if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
            return -errno;
    if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP_LOCKED |
                                     SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                                     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) < 0)
        return -errno;
    return 0;
}

static int read_own(struct __user_cap_data_struct ret_own[_LINUX_CAPABILITY_U32S_3])
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    /* SYSTEM-CALL entry capget: what there is to give up */
    return syscall(SYS_capget, &header, ret_own) < 0 ? -errno : 0;
}

int privileges_keep(uint64_t capabilities)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3] = {0};
    int r = read_own(own);

    if (r < 0)
        return r;
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        own[i].permitted &= (uint32_t)(capabilities >> (32 * i));
        own[i].effective = own[i].permitted;
        own[i].inheritable = 0;
    }
    /* SYSTEM-CALL entry prctl [0 == PR_CAP_AMBIENT]: no ambient capability stays */
    /* SYSTEM-CALL entry capset: gives up every capability */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, own) < 0)
        return -errno;
    return 0;
}

bool privileges_has(int capability)
{
    struct __user_cap_data_struct own[_LINUX_CAPABILITY_U32S_3] = {0};

    return read_own(own) == 0 && (own[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
}
