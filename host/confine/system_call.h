/* SPDX-License-Identifier: Apache-2.0 */
/* The names of system calls, as libseccomp has them. */
#ifndef LAZARET_HOST_CONFINE_SYSTEM_CALL_H
#define LAZARET_HOST_CONFINE_SYSTEM_CALL_H

#include <stdint.h>

#define SYSTEM_CALL_NAME_MAX 64u

/* The name of a system call of x86_64, or "?". */
void system_call_name(int32_t number, char ret_name[SYSTEM_CALL_NAME_MAX]);

#endif
