/* SPDX-License-Identifier: Apache-2.0 */
/* The virtio device from user space. */
#include "virtio.h"

#include <dirent.h>
#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <unistd.h>

#define PCI                         "/sys/bus/pci/devices"
#define VENDOR_VIRTIO               0x1af4u
#define DEVICE_VSOCK                0x1053u /* 0x1040 + the device's type, 19 */
#define DEVICE_OLD                  0x1012u
#define CAPABILITY_VENDOR           0x09u
#define QUEUE_STRIDE                0x10000u
#define MSI_NONE                    0xffffu
#define FEATURES_LOW                (1u << VIRTIO_RING_F_INDIRECT_DESC)
#define FEATURES_HIGH               (1u << (VIRTIO_F_VERSION_1 - 32))
#define VIRTIO_RING_F_INDIRECT_DESC 28

_Noreturn static void fail(const char *what)
{
    (void)fprintf(stderr, "hostile agent: %s: %m\n", what);
    (void)reboot(RB_POWER_OFF);
    _exit(1);
}

/* --- PCI -------------------------------------------------------------------------------------------------- */

static void find_device(char ret_folder[PATH_MAX], uint8_t config[256])
{
    DIR *devices = opendir(PCI);
    const struct dirent *entry;

    while (devices != NULL && (entry = readdir(devices)) != NULL) {
        char path[PATH_MAX + 16];
        uint16_t vendor, device;
        int fd;

        (void)snprintf(ret_folder, PATH_MAX, PCI "/%s", entry->d_name);
        (void)snprintf(path, sizeof path, "%s/config", ret_folder);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, config, 256) != 256)
            continue;
        (void)close(fd);
        memcpy(&vendor, config, 2);
        memcpy(&device, config + 2, 2);
        if (vendor == VENDOR_VIRTIO && (device == DEVICE_VSOCK || device == DEVICE_OLD)) {
            (void)closedir(devices);
            return;
        }
    }
    fail("no virtio-vsock device");
}

/* Memory and mastering on, interrupts off. */
static void enable(const char *folder)
{
    const uint16_t command = PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE;
    char path[PATH_MAX + 16];
    int fd;

    (void)snprintf(path, sizeof path, "%s/enable", folder);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1)
        fail(path);
    (void)close(fd);
    (void)snprintf(path, sizeof path, "%s/config", folder);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || pwrite(fd, &command, sizeof command, PCI_COMMAND) != sizeof command)
        fail(path);
    (void)close(fd);
}

static volatile uint8_t *map_bar(const char *folder, unsigned bar, uint32_t offset)
{
    static volatile uint8_t *mapped[6];
    char path[PATH_MAX + 16];
    void *bytes;
    int fd;

    if (bar >= 6)
        fail("a BAR beyond the sixth");
    if (mapped[bar] != NULL)
        return mapped[bar] + offset;
    (void)snprintf(path, sizeof path, "%s/resource%u", folder, bar);
    fd = open(path, O_RDWR | O_CLOEXEC);
    bytes = fd < 0 ? MAP_FAILED : mmap(NULL, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        fail(path);
    mapped[bar] = bytes;
    return mapped[bar] + offset;
}

static void map_registers(struct virtio *virtio)
{
    char folder[PATH_MAX];
    uint8_t config[256];

    find_device(folder, config);
    enable(folder);
    for (uint8_t at = config[PCI_CAPABILITY_LIST]; at != 0 && at < 240; at = config[at + 1]) {
        uint32_t offset;
        volatile uint8_t *place;

        if (config[at] != CAPABILITY_VENDOR)
            continue;
        memcpy(&offset, config + at + 8, sizeof offset);
        switch (config[at + 3]) {
        case VIRTIO_PCI_CAP_COMMON_CFG:
            virtio->common = map_bar(folder, config[at + 4], offset);
            break;
        case VIRTIO_PCI_CAP_NOTIFY_CFG:
            place = map_bar(folder, config[at + 4], offset);
            virtio->notify = place;
            memcpy(&virtio->notify_multiplier, config + at + 16, 4);
            break;
        case VIRTIO_PCI_CAP_DEVICE_CFG:
            virtio->config = map_bar(folder, config[at + 4], offset);
            break;
        }
    }
    if (virtio->common == NULL || virtio->notify == NULL || virtio->config == NULL)
        fail("registers");
}

/* --- memory ------------------------------------------------------------------------------------------------- */

static void make_memory(struct virtio *virtio)
{
    int fd = open("/proc/sys/vm/nr_hugepages", O_WRONLY | O_CLOEXEC);
    uint64_t page = 0;

    if (fd < 0 || write(fd, "4", 1) != 1)
        fail("huge pages");
    (void)close(fd);
    virtio->memory = mmap(NULL, VIRTIO_MEMORY, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
    if (virtio->memory == MAP_FAILED)
        fail("a huge page");
    memset(virtio->memory, 0, VIRTIO_MEMORY);
    fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, &page, sizeof page, (off_t)((uintptr_t)virtio->memory / 4096 * 8)) != sizeof page)
        fail("pagemap");
    (void)close(fd);
    virtio->physical = (page & ((UINT64_C(1) << 55) - 1)) * 4096;
    if (virtio->physical == 0)
        fail("no physical address");
}

uint64_t virtio_address(const struct virtio *virtio, const void *byte)
{
    return virtio->physical + (uint64_t)((const uint8_t *)byte - virtio->memory);
}

/* --- the device ------------------------------------------------------------------------------------------------ */

static void write8(struct virtio *virtio, size_t at, uint8_t value)
{
    *(virtio->common + at) = value;
}

static void write16(struct virtio *virtio, size_t at, uint16_t value)
{
    *(volatile uint16_t *)(volatile void *)(virtio->common + at) = value;
}

static void write32(struct virtio *virtio, size_t at, uint32_t value)
{
    *(volatile uint32_t *)(volatile void *)(virtio->common + at) = value;
}

static void write_address(struct virtio *virtio, size_t at, uint64_t value)
{
    write32(virtio, at, (uint32_t)value);
    write32(virtio, at + 4, (uint32_t)(value >> 32));
}

void virtio_reset(struct virtio *virtio)
{
    write8(virtio, VIRTIO_PCI_COMMON_STATUS, 0);
    while (*(virtio->common + VIRTIO_PCI_COMMON_STATUS) != 0)
        ;
}

static void start_queue(struct virtio *virtio, uint16_t number)
{
    struct virtio_queue *queue = &virtio->queues[number];
    uint8_t *base = virtio->memory + (size_t)number * QUEUE_STRIDE;
    uint16_t place;

    memset(base, 0, 0x4000);
    *queue = (struct virtio_queue){.descriptors = (struct vring_desc *)(void *)base,
                                   .available = (volatile struct vring_avail *)(void *)(base + 0x1000),
                                   .used = (volatile struct vring_used *)(void *)(base + 0x2000),
                                   .number = number};
    queue->available->flags = VRING_AVAIL_F_NO_INTERRUPT;
    write16(virtio, VIRTIO_PCI_COMMON_Q_SELECT, number);
    write16(virtio, VIRTIO_PCI_COMMON_Q_SIZE, VIRTIO_QUEUE_SIZE);
    write16(virtio, VIRTIO_PCI_COMMON_Q_MSIX, MSI_NONE);
    write_address(virtio, VIRTIO_PCI_COMMON_Q_DESCLO, virtio_address(virtio, base));
    write_address(virtio, VIRTIO_PCI_COMMON_Q_AVAILLO, virtio_address(virtio, base + 0x1000));
    write_address(virtio, VIRTIO_PCI_COMMON_Q_USEDLO, virtio_address(virtio, base + 0x2000));
    place = *(volatile uint16_t *)(volatile void *)(virtio->common + VIRTIO_PCI_COMMON_Q_NOFF);
    queue->notify = (volatile uint16_t *)(volatile void *)(virtio->notify + place * virtio->notify_multiplier);
    write16(virtio, VIRTIO_PCI_COMMON_Q_ENABLE, 1);
}

void virtio_start(struct virtio *virtio)
{
    uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER;

    virtio_reset(virtio);
    write8(virtio, VIRTIO_PCI_COMMON_STATUS, status);
    write32(virtio, VIRTIO_PCI_COMMON_GFSELECT, 0);
    write32(virtio, VIRTIO_PCI_COMMON_GF, FEATURES_LOW);
    write32(virtio, VIRTIO_PCI_COMMON_GFSELECT, 1);
    write32(virtio, VIRTIO_PCI_COMMON_GF, FEATURES_HIGH);
    status |= VIRTIO_CONFIG_S_FEATURES_OK;
    write8(virtio, VIRTIO_PCI_COMMON_STATUS, status);
    if ((*(virtio->common + VIRTIO_PCI_COMMON_STATUS) & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
        fail("features refused");
    for (uint16_t i = 0; i < VIRTIO_QUEUES; i++)
        start_queue(virtio, i);
    write8(virtio, VIRTIO_PCI_COMMON_STATUS, status | VIRTIO_CONFIG_S_DRIVER_OK);
}

void virtio_open(struct virtio *virtio)
{
    map_registers(virtio);
    make_memory(virtio);
}

void virtio_write_descriptor(struct vring_desc *descriptor, uint64_t address, uint32_t size, uint16_t flags,
                             uint16_t next)
{
    *descriptor = (struct vring_desc){
        .addr = htole64(address), .len = htole32(size), .flags = htole16(flags), .next = htole16(next)};
}

void virtio_kick(struct virtio_queue *queue)
{
    __sync_synchronize();
    *queue->notify = queue->number;
}

void virtio_add(struct virtio_queue *queue, uint16_t head)
{
    queue->available->ring[queue->next % VIRTIO_QUEUE_SIZE] = htole16(head);
    __sync_synchronize();
    queue->available->idx = htole16(++queue->next);
}

void virtio_offer(struct virtio_queue *queue, uint16_t head)
{
    virtio_add(queue, head);
    virtio_kick(queue);
}
