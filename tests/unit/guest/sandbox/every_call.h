/* SPDX-License-Identifier: Apache-2.0 */
/* System calls by each of x86-64's entries, at an address that the test knows. */
#ifndef LAZARET_TESTS_UNIT_GUEST_SANDBOX_EVERY_CALL_H
#define LAZARET_TESTS_UNIT_GUEST_SANDBOX_EVERY_CALL_H

#include <stdint.h>

/* The instructions themselves. */
extern const char every_call_syscall[], every_call_int80[];

/* Makes the call with six times the same argument. */
long every_call_64(long number, long argument);
long every_call_32(long number, long argument);

#endif
