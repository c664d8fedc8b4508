/* SPDX-License-Identifier: Apache-2.0 */
/* The names of system calls. */
#include "host/confine/system_call.h"

#include "base/cleanup.h"

#include <seccomp.h>
#include <stdio.h>

void system_call_name(int32_t number, char ret_name[SYSTEM_CALL_NAME_MAX])
{
    CLEANUP_FREE char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

    (void)snprintf(ret_name, SYSTEM_CALL_NAME_MAX, "%s", name != NULL ? name : "?");
}
