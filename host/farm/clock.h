/* SPDX-License-Identifier: Apache-2.0 */
/* Time that no clock jump touches: milliseconds of a boot, and which boot that is. */
#ifndef LAZARET_HOST_FARM_CLOCK_H
#define LAZARET_HOST_FARM_CLOCK_H

#include <stdint.h>

#define CLOCK_BOOT_SIZE 37u /* of a UUID with its NUL */

/* CLOCK_BOOTTIME: goes on while the machine sleeps. */
int64_t clock_boot_ms(void);

/* The kernel's boot id; "unknown" where it can't be read. The text is static. */
const char *clock_boot_id(void);

#endif
