/* SPDX-License-Identifier: Apache-2.0 */
/* Why a guest with a verified disk ended, where its kernel found a block that is not what the root hash says. */
#ifndef LAZARET_HOST_JOB_DISK_FAULT_H
#define LAZARET_HOST_JOB_DISK_FAULT_H

#include "base/error.h"

/*
 * Puts the kernel's word in front of an error, where the end of the console has it: the panic leaves no agent that
 * could tell. It is the guest's word, cut and made printable.
 */
void disk_fault_explain(int console_fd, struct error *err);

#endif
