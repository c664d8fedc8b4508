/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for, and what this machine can do: the decisions before a VM starts. */
#ifndef LAZARET_HOST_VM_PLAN_H
#define LAZARET_HOST_VM_PLAN_H

#include "host/vm/vm.h"

/*
 * Checks the options and fills what the record says of the VM to be: isolation, acceleration and
 * transport with their reasons, machine, domain XML and its digest, the host's CPU. Errors as those
 * of vm_start().
 */
MUST_USE int plan_decide(const struct vm_options *options, struct vm_record *record, struct error *err);

#endif
