/* SPDX-License-Identifier: Apache-2.0 */
/* What the IOMMU blocked, by the kernel's log. */
#include "host/vm/passthrough/dma_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LOG         "/dev/kmsg"
#define RECORD_SIZE 8192u /* of which the kernel's own records are a part */
#define NAME_SIZE   16u

int dma_faults_open(void)
{
    int log = open(LOG, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    dma_faults_skip(log);
    return log;
}

void dma_faults_skip(int log)
{
    if (log >= 0)
        (void)lseek(log, 0, SEEK_END);
}

/* Both write the requester without its domain: "Request device [01:00.0]", "device=0000:01:00.0" or "device=01:00.0".
 */
static bool names(const char *line, unsigned bus, unsigned slot, unsigned function)
{
    char name[NAME_SIZE];
    const char *place;

    (void)snprintf(name, sizeof name, "%02x:%02x.%x", bus & 0xff, slot & 0x1f, function & 7);
    place = strstr(line, name);
    return place != NULL && place > line && strchr("[:=", place[-1]) != NULL;
}

bool dma_faults_is_of(const char *line, const struct pci_address *address)
{
    /* "fault index" is a blocked write of an interrupt: "[INTR-REMAP] Request device [01:00.0] fault index 0x0". */
    bool intel =
        strstr(line, "DMAR: [") != NULL && (strstr(line, "fault addr") != NULL || strstr(line, "fault index") != NULL);
    bool amd = strstr(line, "AMD-Vi: ") != NULL && strstr(line, "IO_PAGE_FAULT") != NULL;

    if (!intel && !amd)
        return false;
    /* A bridge to conventional PCI sends in the name of the first device behind it. */
    return names(line, address->bus, address->slot, address->function) ||
           (address->bus != 0 && names(line, address->bus, 0, 0));
}

bool dma_faults_count(int log, const struct pci_address *address, unsigned *ret_count)
{
    char record[RECORD_SIZE];
    bool complete = log >= 0, ended = log < 0;
    unsigned count = 0;

    for (unsigned i = 0; !ended && i < DMA_FAULTS_RECORDS_MAX; i++) {
        ssize_t size = read(log, record, sizeof record - 1);

        if (size < 0 && errno == EPIPE) { /* some were overwritten before they were read */
            complete = false;
        } else if (size > 0) {
            record[size] = '\0';
            count += dma_faults_is_of(record, address);
        } else if (size == 0 || errno != EINTR) {
            ended = true;
            complete = complete && (size == 0 || errno == EAGAIN);
        }
    }
    *ret_count = count;
    return complete && ended;
}
