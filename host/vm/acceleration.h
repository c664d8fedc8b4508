/* SPDX-License-Identifier: Apache-2.0 */
/* Whether KVM works, found out by running guest instructions under a time limit. */
#ifndef LAZARET_HOST_VM_ACCELERATION_H
#define LAZARET_HOST_VM_ACCELERATION_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCELERATION_REASON_MAX 256u

struct acceleration_probe {
    bool kvm_works;
    char reason[ACCELERATION_REASON_MAX]; /* what was seen, for a person */
    uint64_t wall_ns;
};

/* One try in a child of its own: it never blocks longer than limit_ms, nor leaves anything. */
void acceleration_probe(unsigned limit_ms, struct acceleration_probe *ret_probe);

/*
 * The same, but an answer that KVM does not work is kept in the state directory and believed for ten
 * minutes, unless the machine boots again or /dev/kvm changes: a KVM that hangs costs the limit once in
 * a while, and a host that was too busy once is not without KVM for good. An answer that it works costs
 * milliseconds and is never kept.
 */
void acceleration_probe_cached(int state_fd, unsigned limit_ms, struct acceleration_probe *ret_probe);

/*
 * The same with another guest runner, for tests: `run` is called in the child and returns 0, or a
 * negative errno with a reason; a call that does not return is killed at the limit.
 */
typedef int acceleration_run(char *ret_reason, unsigned room);
void acceleration_probe_with(acceleration_run *run, unsigned limit_ms, struct acceleration_probe *ret_probe);

#endif
