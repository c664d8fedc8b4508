/* SPDX-License-Identifier: Apache-2.0 */
/* What the agent does as PID 1 of the VM. */
#include "guest/init/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The whole list in one read. */
#define MODULE_LIST_SIZE_MAX (INIT_MODULE_MAX * (INIT_NAME_MAX + 1u))

#define SCRATCH_DEVICE "/dev/vda" /* the first by its place on the bus */

struct mount_entry {
    const char *source, *target, *type, *options;
    unsigned long flags;
};

static const struct mount_entry mounts[] = {
    {"devtmpfs", "/dev", "devtmpfs", "mode=0755", MS_NOSUID | MS_NOEXEC},
    /* hidepid: a worker sees its own processes only. */
    {"proc", "/proc", "proc", "hidepid=invisible", MS_NOSUID | MS_NODEV | MS_NOEXEC},
    {"sysfs", "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY},
    {"tmpfs", "/tmp", "tmpfs", "mode=1777,size=25%", MS_NOSUID | MS_NODEV | MS_NOEXEC},
};

static bool is_vm; /* asked once, as the end comes when no file can be looked at any more */

bool init_is_vm(void)
{
    is_vm = getpid() == 1 && access(INIT_MODULE_LIST, R_OK) == 0;
    return is_vm;
}

static int mount_all(struct error *err)
{
    for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
        const struct mount_entry *entry = &mounts[i];

        if (mkdir(entry->target, 0755) < 0 && errno != EEXIST)
            return error_set(err, ERROR_INTERNAL, -errno, "init: mkdir %s: %s", entry->target, strerror(errno));
        /* EBUSY: the kernel has mounted it already. */
        if (mount(entry->source, entry->target, entry->type, entry->flags, entry->options) < 0 && errno != EBUSY)
            return error_set(err, ERROR_INTERNAL, -errno, "init: mount %s: %s", entry->target, strerror(errno));
    }
    return 0;
}

/* The kernel opens the console for PID 1 only where the initramfs has the node. */
static void open_console(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        int console;

        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        console = open("/dev/console", O_RDWR | O_NOCTTY);
        if (console >= 0 && console != fd) {
            (void)dup2(console, fd);
            (void)close(console);
        }
    }
}

static int load_module(const char *name, struct error *err)
{
    char path[sizeof(INIT_MODULE_FOLDER) + INIT_NAME_MAX + 1] = INIT_MODULE_FOLDER "/";
    CLEANUP_FD int fd = -1;

    if (strlen(name) > INIT_NAME_MAX || strchr(name, '/') != NULL)
        return error_set(err, ERROR_INTERNAL, -EINVAL, "init: %s: bad module name", INIT_MODULE_LIST);
    memcpy(path + sizeof(INIT_MODULE_FOLDER), name, strlen(name) + 1);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
        return error_set(err, ERROR_INTERNAL, -errno, "init: %s: %s", path, strerror(errno));
    return 0;
}

/* `deviceless`: a module that finds no device of its kind is passed over. */
static int load_modules(const char *list_path, bool deviceless, struct error *err)
{
    char list[MODULE_LIST_SIZE_MAX + 1];
    CLEANUP_FD int fd = open(list_path, O_RDONLY | O_CLOEXEC);
    char *place = NULL;
    ssize_t size = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);

    if (size < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "init: %s: %s", list_path, strerror(errno));
    list[size] = '\0';
    for (char *name = strtok_r(list, "\n", &place); name != NULL; name = strtok_r(NULL, "\n", &place)) {
        int r = load_module(name, err);

        if (r < 0 && (r != -ENODEV || !deviceless))
            return r;
    }
    return 0;
}

int init_prepare(struct error *err)
{
    int r = mount_all(err);

    if (r < 0)
        return r;
    open_console();
    return load_modules(INIT_MODULE_LIST, false, err);
}

int init_load_drivers(struct error *err)
{
    return load_modules(INIT_MODULE_LIST, true, err);
}

int init_mount_scratch(int *ret_folder_fd, struct error *err)
{
    int folder, r;

    *ret_folder_fd = -1;
    if (access(INIT_SCRATCH_DEVICE, F_OK) < 0)
        return 0;
    r = load_modules(INIT_SCRATCH_LIST, false, err);
    if (r < 0)
        return r;
    if (mount(SCRATCH_DEVICE, INIT_SCRATCH, "ext4", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "init: mount %s: %s", INIT_SCRATCH, strerror(errno));
    folder = open(INIT_SCRATCH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set(err, ERROR_INTERNAL, -errno, "init: %s: %s", INIT_SCRATCH, strerror(errno));
    *ret_folder_fd = folder;
    return 0;
}

void init_save_scratch(void)
{
    /* SYSTEM-CALL supervisor sync: evidence on the scratch disk
       UNSEEN: only in a VM */
    sync();
}

bool init_mount_groups(void)
{
    return mount("cgroup2", INIT_GROUPS, "cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0;
}

void init_power_off(void)
{
    if (!is_vm)
        _exit(0);
    /* SYSTEM-CALL supervisor reboot [0 == LINUX_REBOOT_MAGIC1]: the end of the VM
       UNSEEN: only in a VM */
    /* SYSTEM-CALL supervisor exit_group: the end of a process, or of a VM that can't be powered off */
    (void)reboot(RB_POWER_OFF);
    /* Only reached where the machine has no way to power off: a reset ends the VM as well. */
    (void)reboot(RB_AUTOBOOT);
    _exit(1); /* the death of PID 1 is a panic, and panic=-1 resets at once */
}
