/* SPDX-License-Identifier: Apache-2.0 */
/* Giving up what root can do beyond the job's needs. */
#include "host/confine/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CAPABILITY_COUNT 64

int capabilities_keep(uint64_t mask, struct error *err)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

    for (int number = 0; number < CAPABILITY_COUNT; number++)
        if ((mask & CAPABILITY(number)) == 0 && prctl(PR_CAPBSET_READ, number) == 1 &&
            prctl(PR_CAPBSET_DROP, number) < 0)
            return error_set(err, ERROR_INTERNAL, -errno, "can't drop capability %d: %s", number, strerror(errno));
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capget, &header, data) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "capabilities: %s", strerror(errno));
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].permitted &= (uint32_t)(mask >> (32 * i));
        data[i].effective &= data[i].permitted;
        data[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, data) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "can't drop capabilities: %s", strerror(errno));
    return 0;
}
