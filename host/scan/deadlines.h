/* SPDX-License-Identifier: Apache-2.0 */
/* Every wait of a scan, in milliseconds; those of a VM's own life are in host/vm/deadlines.h. */
#ifndef LAZARET_HOST_SCAN_DEADLINES_H
#define LAZARET_HOST_SCAN_DEADLINES_H

/* From vm_start() to a connection, and from HELLO to GUEST_HELLO. */
#define SCAN_DEADLINE_CONNECT_MS 120000u
#define SCAN_DEADLINE_HELLO_MS   30000u

/* One file: some time for any, and more for each MiB of it. Limits of the scan itself are counts (guest/scan/limits.h);
 * this is for a guest that hangs. */
#define SCAN_DEADLINE_FILE_MS 600000u
#define SCAN_DEADLINE_MIB_MS  1000u

/* BYE to GOODBYE. */
#define SCAN_DEADLINE_PART_MS 10000u

#endif
