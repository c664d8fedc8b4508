/* SPDX-License-Identifier: Apache-2.0 */
/* Every wait of a job, in milliseconds, in one place; those of a VM's own life are in host/vm/deadlines.h. */
#ifndef LAZARET_HOST_JOB_DEADLINES_H
#define LAZARET_HOST_JOB_DEADLINES_H

/* From vm_start() to a connection, and from HELLO to GUEST_HELLO. */
#define JOB_DEADLINE_CONNECT_MS 120000u
#define JOB_DEADLINE_HELLO_MS   30000u

/* Reading and checking the data sets once. */
#define JOB_DEADLINE_DESCRIBE_MS 3600000u

/* BYE to GOODBYE, when all results are here. */
#define JOB_DEADLINE_PART_MS 10000u

/* One signature. */
#define JOB_DEADLINE_SIGN_MS 30000u

/* One append to the ledger; others may write to it, too (ledger/store.h, STORE_LOCK_WAIT_MS). */
#define JOB_DEADLINE_APPEND_MS 90000u

/* The janitor's work, a few files to remove, before it is killed and the monitor does it. */
#define JOB_DEADLINE_JANITOR_MS 3000u

/* How often the monitor looks up from waiting for the guest: progress, a VM that ended, a stream that failed. */
#define JOB_TICK_MS 100u

/* The same while only the stream's end is waited for: it has to be noticed soon. */
#define JOB_SENDING_TICK_MS 5u

/* After the connection broke: how long the guest's own reason may take to come through the collector. */
#define JOB_LAST_WORDS_MS 2000u

#endif
