/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest kernel without its zeros.
 *
 * Linux's vmlinux has what is zero at the start in the file (its .bss, the gaps of alignment: 22 of Debian's 53 MB).
 * The image is hashed before each boot and copied into the guest at each, so that they cost. ELF says the same shorter:
 * a segment is p_filesz bytes of the file, and zeros up to p_memsz (System V ABI, "Program Header"). What is loaded is
 * the same to the byte, and a kernel gives the same file each time.
 */
#ifndef LAZARET_HOST_VM_KERNEL_COMPACT_H
#define LAZARET_HOST_VM_KERNEL_COMPACT_H

#include "base/error.h"

/*
 * Replaces the file by one of the same memory without the runs of zeros that are worth it, mode 0444. A file that is no
 * ELF is left as it is. ERROR_BAD_INPUT: its headers are wrong.
 */
MUST_USE int kernel_compact(int folder_fd, const char *name, struct error *err);

#endif
