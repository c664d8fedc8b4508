/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest does to the devices that it sees: every I/O port, every register of PCI configuration, every BAR. */
#include "hostile.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define PCI "/sys/bus/pci/devices"

#define PORT_SERIAL_FIRST 0x3f8u
#define PORT_SERIAL_LAST  0x3ffu
#define PORT_KEYBOARD     0x64u
#define KEYBOARD_RESET    0xfeu
#define PORT_RESET        0xcf9u
#define RESET_FULL        0x0eu

static void say(const char *what)
{
    (void)fprintf(stderr, "hostile agent: %s\n", what);
}

/* Everywhere, with several values and widths; the serial port is spared, so that the console tells how far it came. */
static void ports(struct puppet *puppet)
{
    static const unsigned char values[] = {0x00, 0xff, 0x55, 0x01};

    (void)puppet;
    if (iopl(3) < 0)
        say("no ports");
    for (size_t v = 0; v < sizeof values; v++)
        for (unsigned port = 0; port < 0x10000; port++) {
            if (port >= PORT_SERIAL_FIRST - 3 && port <= PORT_SERIAL_LAST)
                continue;
            if (port % 0x400 == 0)
                (void)fprintf(stderr, "hostile agent: port 0x%x\n", port);
            outb(values[v], (unsigned short)port);
            outw(values[v] * 0x101, (unsigned short)port);
            outl(values[v] * 0x1010101u, (unsigned short)port);
            (void)inl((unsigned short)port);
        }
    say("all ports");
}

static void keyboard_reset(struct puppet *puppet)
{
    (void)puppet;
    if (iopl(3) == 0)
        outb(KEYBOARD_RESET, PORT_KEYBOARD);
    (void)sleep(1);
}

static void chipset_reset(struct puppet *puppet)
{
    (void)puppet;
    if (iopl(3) == 0)
        outb(RESET_FULL, PORT_RESET);
    (void)sleep(1);
}

/* Calls `visit` with each device's folder. */
static void for_each_device(void (*visit)(const char *folder))
{
    DIR *devices = opendir(PCI);
    const struct dirent *entry;

    (void)mount(NULL, "/sys", NULL, MS_REMOUNT, NULL);
    while (devices != NULL && (entry = readdir(devices)) != NULL) {
        char folder[PATH_MAX];

        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(folder, sizeof folder, PCI "/%s", entry->d_name);
        (void)fprintf(stderr, "hostile agent: device %s\n", entry->d_name);
        visit(folder);
    }
    if (devices != NULL)
        (void)closedir(devices);
}

static void overwrite_config(const char *folder)
{
    char path[PATH_MAX + 16];
    uint8_t ones[4096];
    int fd;

    memset(ones, 0xff, sizeof ones);
    (void)snprintf(path, sizeof path, "%s/config", folder);
    fd = open(path, O_RDWR | O_CLOEXEC);
    for (off_t at = 0; fd >= 0 && at < (off_t)sizeof ones; at += 4)
        (void)!pwrite(fd, ones, 4, at);
    if (fd >= 0)
        (void)close(fd);
}

static void config(struct puppet *puppet)
{
    (void)puppet;
    for_each_device(overwrite_config);
}

static void overwrite_bars(const char *folder)
{
    for (unsigned bar = 0; bar < 6; bar++) {
        char path[PATH_MAX + 16];
        struct stat info;
        volatile uint32_t *words;
        int fd;

        (void)snprintf(path, sizeof path, "%s/resource%u", folder, bar);
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &info) < 0)
            continue;
        words = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
        if (words == MAP_FAILED)
            continue;
        for (size_t i = 0; i < (size_t)info.st_size / 4; i++) {
            words[i] = (uint32_t)(i * 2654435761u);
            (void)words[i];
        }
    }
}

static void bars(struct puppet *puppet)
{
    (void)puppet;
    for_each_device(overwrite_bars);
}

const struct hostile_action actions_ports[] = {
    {"ports", ports},
    {"keyboard-reset", keyboard_reset},
    {"chipset-reset", chipset_reset},
    {"config-space", config},
    {"bars", bars},
    {0},
};
