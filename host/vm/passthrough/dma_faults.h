/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the IOMMU blocked: the host's kernel writes a line into its log for a device's access to memory that is not the
 * guest's, and for its interrupts that are not, at most so many a second.
 * Source: Linux, drivers/iommu/intel/dmar.c (dmar_fault_do_one), drivers/iommu/amd/iommu.c
 * (amd_iommu_report_page_fault); Documentation/ABI/testing/dev-kmsg.
 */
#ifndef LAZARET_HOST_VM_PASSTHROUGH_DMA_FAULTS_H
#define LAZARET_HOST_VM_PASSTHROUGH_DMA_FAULTS_H

#include "host/vm/passthrough/pci_address.h"

#define DMA_FAULTS_RECORDS_MAX 65536u /* of the log that are looked at in one go */

/* Opens the kernel's log at its end; -1 where it can't be read (a container's). */
int dma_faults_open(void);

/* Skips what was logged so far. */
void dma_faults_skip(int log);

/*
 * Counts the lines since then that are of this device, or of the bridge that speaks for it: at least so many accesses
 * were blocked. False where there may be more than were looked at: the log overwrote some, or it has too many, or none
 * can be read (`log` is negative, with a count of 0).
 */
bool dma_faults_count(int log, const struct pci_address *address, unsigned *ret_count);

/* Whether a line of the log is one of those. */
bool dma_faults_is_of(const char *line, const struct pci_address *address);

#endif
