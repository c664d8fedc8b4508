/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent leaves on the scratch disk, where the VM has one, for those who look into a job that went wrong:
 *   failure.txt     what the session ended of, as the host was told
 *   kernel-log.txt  the guest kernel's log: faults, killed processes
 * Each is on the disk when the function returns, as the host may end the VM the moment it hears of a failure. Evidence
 * is an extra: what can't be written is left out, and nothing else suffers.
 */
#ifndef LAZARET_GUEST_AGENT_EVIDENCE_H
#define LAZARET_GUEST_AGENT_EVIDENCE_H

#define EVIDENCE_LOG_MAX (1024u * 1024u) /* bytes of the kernel's log */

/* The kernel's log from its beginning, to be read later by a process that may open nothing; -1 where there is none. */
int evidence_open_kernel_log(void);

/* `folder_fd` is the scratch disk's; -1: there is none, and nothing happens. `log_fd`: as opened. */
void evidence_leave_failure(int folder_fd, const char *text);
void evidence_leave_kernel_log(int folder_fd, int log_fd);

#endif
