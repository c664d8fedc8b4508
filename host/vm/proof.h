/* SPDX-License-Identifier: Apache-2.0 */
/* Proof of destruction: nothing is left in a job's namespaces, and its CID is free. */
#ifndef LAZARET_HOST_VM_PROOF_H
#define LAZARET_HOST_VM_PROOF_H

#include "host/vm/vm.h"

#include <sys/types.h>

/*
 * The namespaces of a job, by which its processes are found, whatever their names and pids. The descriptors hold them:
 * the kernel gives the number of a namespace that is gone to the next one that anybody makes.
 */
struct proof_marks {
    ino_t pid_ns, mount_ns, network_ns;
    dev_t ns_device;
    bool held;
    int fds[3];
};

/* Reads the marks of a living process's namespaces; proof_release() them. */
MUST_USE int proof_read_marks(pid_t pid, struct proof_marks *ret_marks, struct error *err);

/* Looks through /proc and tries the CID (0: none was used). `reaped`: the supervisor was waited for. */
void proof_check(const struct proof_marks *marks, bool reaped, uint32_t cid, struct vm_proof *ret_proof);

/* Lets the namespaces go: without processes they are freed. Nothing held is fine. */
void proof_release(struct proof_marks *marks);

bool proof_holds(const struct vm_proof *proof);

#endif
