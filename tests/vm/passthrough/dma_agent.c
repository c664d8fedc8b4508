/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest agent that uses the device it was given, QEMU's `edu`: registers, a DMA round trip, and a DMA write to an
 * address that is no memory of the guest's. It tells by lines on its stream what it sees. Source of the registers:
 * QEMU, docs/specs/edu.txt.
 */
#include "guest/init/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AGENT_PORT 1024u
#define DEVICES    "/sys/bus/pci/devices"

#define EDU_VENDOR  0x1234u
#define EDU_DEVICE  0x11e8u
#define EDU_BAR     0x100000u
#define REG_ID      0x00u
#define REG_LIVE    0x04u
#define REG_SOURCE  0x80u
#define REG_TARGET  0x88u
#define REG_COUNT   0x90u
#define REG_COMMAND 0x98u
#define DMA_BUFFER  0x40000u
#define DMA_START   1u
#define DMA_TO_RAM  2u
#define DMA_SIZE    1024u /* well below the device's 4096; more than 2048 ends QEMU 7.2 */
#define DMA_WAIT_MS 20000

/* Above this guest's 192 MiB, and within the memory of the lab's machine. */
#define STRAY_ADDRESS UINT64_C(0x20000000)

static int stream = -1;

#define TELL(...) ((void)dprintf(stream, __VA_ARGS__))

static int accept_host(void)
{
    struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = AGENT_PORT};
    socklen_t size = sizeof(address);
    int listener = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0)
        return -1;
    return accept(listener, (struct sockaddr *)&address, &size);
}

static unsigned read_hex(const char *device, const char *attribute)
{
    char path[512];
    unsigned value = 0;
    FILE *file;

    (void)snprintf(path, sizeof(path), DEVICES "/%s/%s", device, attribute);
    file = fopen(path, "re");
    if (file == NULL || fscanf(file, "%x", &value) != 1)
        value = 0;
    if (file != NULL)
        (void)fclose(file);
    return value;
}

/* Names every PCI device that the guest has; returns whether one is the edu device, with its name. */
static bool find_device(char ret_name[64])
{
    struct dirent **entries = NULL;
    int count = scandir(DEVICES, &entries, NULL, alphasort);
    bool found = false;

    TELL("devices");
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (name[0] == '.')
            continue;
        TELL(" %s=%04x:%04x", name, read_hex(name, "vendor"), read_hex(name, "device"));
        if (read_hex(name, "vendor") == EDU_VENDOR && read_hex(name, "device") == EDU_DEVICE) {
            (void)snprintf(ret_name, 64, "%.63s", name);
            found = true;
        }
    }
    TELL("\n");
    return found;
}

/* Memory space and bus mastering on (PCI Local Bus 3.0, section 6.2.2), the first BAR mapped. */
static volatile uint8_t *open_device(const char *name)
{
    char path[128];
    uint8_t command;
    void *bar;
    int fd;

    (void)snprintf(path, sizeof(path), DEVICES "/%s/config", name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || pread(fd, &command, 1, 4) != 1)
        return NULL;
    command |= 2 | 4;
    if (pwrite(fd, &command, 1, 4) != 1)
        return NULL;
    (void)snprintf(path, sizeof(path), DEVICES "/%s/resource0", name);
    fd = open(path, O_RDWR | O_CLOEXEC);
    bar = fd < 0 ? MAP_FAILED : mmap(NULL, EDU_BAR, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return bar == MAP_FAILED ? NULL : bar;
}

static uint32_t get(volatile uint8_t *bar, unsigned offset)
{
    return *(volatile uint32_t *)(bar + offset);
}

static void set(volatile uint8_t *bar, unsigned offset, uint32_t value)
{
    *(volatile uint32_t *)(bar + offset) = value;
}

static void set_wide(volatile uint8_t *bar, unsigned offset, uint64_t value)
{
    *(volatile uint64_t *)(bar + offset) = value;
}

static bool transfer(volatile uint8_t *bar, uint64_t from, uint64_t to, uint32_t command)
{
    set_wide(bar, REG_SOURCE, from);
    set_wide(bar, REG_TARGET, to);
    set_wide(bar, REG_COUNT, DMA_SIZE);
    set_wide(bar, REG_COMMAND, command | DMA_START);
    for (int waited = 0; waited < DMA_WAIT_MS; waited += 10) {
        if ((get(bar, REG_COMMAND) & DMA_START) == 0)
            return true;
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

/* Where a page of ours lies in the guest's memory (Linux, admin-guide/mm/pagemap.rst); 0: not told. */
static uint64_t physical(const void *page)
{
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)page / 4096 * 8)) != sizeof(entry))
        return 0;
    return (entry & ((UINT64_C(1) << 55) - 1)) * 4096;
}

static void use_dma(volatile uint8_t *bar)
{
    uint8_t *page =
        mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
    uint64_t from, to;

    if (page == MAP_FAILED)
        return;
    for (unsigned i = 0; i < DMA_SIZE; i++)
        page[i] = (uint8_t)(i * 7 + 3);
    memset(page + 4096, 0, DMA_SIZE);
    from = physical(page);
    to = physical(page + 4096);
    if (from == 0 || to == 0 || !transfer(bar, from, DMA_BUFFER, 0) || !transfer(bar, DMA_BUFFER, to, DMA_TO_RAM))
        TELL("dma failed\n");
    else
        TELL("dma round trip %s\n", memcmp(page, page + 4096, DMA_SIZE) == 0 ? "equal" : "differs");
    TELL("stray write to 0x%llx %s\n", (unsigned long long)STRAY_ADDRESS,
         transfer(bar, DMA_BUFFER, STRAY_ADDRESS, DMA_TO_RAM) ? "done" : "hangs");
    /* and the device still works for memory that is the guest's */
    memset(page + 4096, 0, DMA_SIZE);
    TELL("dma after it %s\n",
         transfer(bar, DMA_BUFFER, to, DMA_TO_RAM) && memcmp(page, page + 4096, DMA_SIZE) == 0 ? "equal" : "differs");
}

static void use_device(void)
{
    volatile uint8_t *bar;
    char name[64];

    if (!find_device(name))
        return;
    bar = open_device(name);
    if (bar == NULL) {
        TELL("the device can't be opened: %s\n", strerror(errno));
        return;
    }
    TELL("id 0x%08x\n", get(bar, REG_ID));
    set(bar, REG_LIVE, 0x12345678);
    TELL("liveness %s\n", get(bar, REG_LIVE) == (uint32_t)~0x12345678 ? "inverted" : "wrong");
    use_dma(bar);
}

int main(void)
{
    struct error error = {.kind = ERROR_NONE};
    char command;

    if (init_is_vm() && init_prepare(&error) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        init_power_off();
    }
    (void)mount(NULL, "/sys", NULL, MS_REMOUNT, NULL);
    stream = accept_host();
    if (stream >= 0 && read(stream, &command, 1) == 1) {
        use_device();
        TELL("end\n");
        (void)shutdown(stream, SHUT_WR);
        (void)!read(stream, &command, 1); /* the host destroys us */
    }
    init_power_off();
}
